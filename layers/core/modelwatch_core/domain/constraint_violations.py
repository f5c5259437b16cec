"""``constraint_violations.json``: SageMaker's list of what is wrong, for every kind of monitor."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ConfigDict

from modelwatch_core.domain.documents import Inbound


class ConstraintViolation(Inbound):
    """One broken constraint.

    Monitors of other kinds add fields of their own (``metric_name``, ``facet``, ``label``); they are kept as they are.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    feature_name: str | None = None
    constraint_check_type: str
    description: str

    @property
    def subject(self) -> str:
        """What the violation is about, for people: a feature or metric, and the group or label that it was found in."""
        extra: Mapping[str, object] = self.model_extra or {}
        metric, facet, value, label = (
            None if extra.get(name) is None else str(extra[name])
            for name in ("metric_name", "facet", "facet_value", "label")
        )
        return subject_text(self.feature_name or metric, facet=facet, facet_value=value, label=label)


def subject_text(
    name: str | None, *, facet: str | None = None, facet_value: str | None = None, label: str | None = None
) -> str:
    """Write what a violation is about: ``income``, ``DI of Sex = 1``, ``shap of label0``."""
    place = label if facet is None else facet if facet_value is None else f"{facet} = {facet_value}"
    return f"{name} of {place}" if name and place else name or place or "the dataset"


class ConstraintViolations(Inbound):
    """The whole file."""

    violations: tuple[ConstraintViolation, ...] = ()
