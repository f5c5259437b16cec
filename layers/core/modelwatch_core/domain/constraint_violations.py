"""``constraint_violations.json``: SageMaker's list of what is wrong, for every kind of monitor."""

from __future__ import annotations

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
        """What the violation is about: the feature, or else the metric, the facet or the label."""
        extra = self.model_extra or {}
        named = (self.feature_name, extra.get("metric_name"), extra.get("facet"), extra.get("label"))
        return next((str(name) for name in named if name), "the dataset")


class ConstraintViolations(Inbound):
    """The whole file."""

    violations: tuple[ConstraintViolation, ...] = ()
