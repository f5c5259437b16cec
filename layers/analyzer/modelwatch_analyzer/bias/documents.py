"""``analysis.json``: what the bias monitor measured, and, of a baseline, what later data is compared with."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from modelwatch_analyzer.bias.check import NO_INTERVAL, BiasConstraint, DisparateImpactRule, suggested_range
from modelwatch_analyzer.bias.flips import NEIGHBOURS_OF_SAGEMAKER
from modelwatch_analyzer.bias.intervals import Interval
from modelwatch_analyzer.bias.metric import Stage
from modelwatch_analyzer.bias.metrics import numbers_of
from modelwatch_analyzer.bias.values import group_key
from modelwatch_analyzer.documents import ConstraintsPart, read_document
from modelwatch_analyzer.metric_change import LEAST_ROWS, MOST_ROWS, Dependence, Estimate, Rates, Repeated, Requests
from modelwatch_analyzer.thresholds import equal
from modelwatch_analyzer.undefined import Undefined
from modelwatch_core.domain.errors import InvalidInput

_INFINITE = {"Infinity": math.inf, "-Infinity": -math.inf}


def _number(value: object) -> object:
    """Read a number, or SageMaker's name of an infinite one; any other text is a mistake."""
    if isinstance(value, str) and value in _INFINITE:
        return _INFINITE[value]
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < math.inf):
        return value
    raise ValueError('must be a number, "Infinity" or "-Infinity"')


Number = Annotated[float, BeforeValidator(_number)]


def written(value: float) -> float | str:
    """Write a number as JSON has it: an infinite one by its name."""
    return ("Infinity" if value > 0 else "-Infinity") if math.isinf(value) else value


class _Part(ConstraintsPart):
    model_config = ConfigDict(strict=False, allow_inf_nan=True)


class MetricEntry(_Part):
    """One metric of a baseline.

    Attributes
    ----------
    interval : tuple of float, optional
        The confidence interval, our addition. In a constraint it shows whether the range is the one that it suggested.
    standard_error : float, optional
        What ranges are compared by, our addition; files of earlier versions have none.
    compared_rows : int, optional
        How many rows the metric was computed from, our addition.
    repeated, requests : float, optional
        How far these rows are from being independent, where they are not, see `Dependence`; our addition.
    range : tuple of float, optional
        ``[min, max]``, our addition: the metric is compared with it, and not with `value`. null leaves an end open.
    """

    name: str
    description: Any = None
    value: Number | None = None
    error: Any = None
    interval: tuple[Number, Number] | None = None
    standard_error: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    compared_rows: Annotated[int, Field(ge=LEAST_ROWS, le=MOST_ROWS)] | None = None
    repeated: Repeated = None
    requests: Requests = None
    range: tuple[Number | None, Number | None] | None = None

    @model_validator(mode="after")
    def _in_order(self) -> MetricEntry:
        if self.allowed and self.allowed[0] > self.allowed[1]:
            raise ValueError("range must be [min, max]")
        return self

    @property
    def allowed(self) -> Interval | None:
        """The range, with infinite ends where it is open."""
        if self.range is None:
            return None
        least, most = self.range
        return -math.inf if least is None else least, math.inf if most is None else most

    @property
    def estimate(self) -> Estimate | Undefined:
        """The metric as rows show it."""
        if self.value is None or self.standard_error is None or self.compared_rows is None:
            return Undefined("it is not stored")
        return Estimate(self.value, self.standard_error, self.compared_rows, self.dependence)

    @property
    def dependence(self) -> Dependence:
        """How far the rows are from being independent."""
        return Dependence.stored(self.repeated, self.requests)

    def constraint(self, rule: DisparateImpactRule) -> BiasConstraint:
        """Return what later values are compared with, where DI's range was suggested by a rule."""
        before = None
        if self.value is not None and self.allowed and not isinstance(self.estimate, Undefined):
            suggested = suggested_range(self.name, self.value, self.interval or NO_INTERVAL, rule)
            before = self.estimate if all(map(equal, suggested, self.allowed)) else None
        return BiasConstraint(self.value, self.allowed, before)


class FacetEntry(_Part):
    """A group and its metrics; ``rows`` is our addition."""

    value_or_threshold: str
    rows: int | None = None
    metrics: tuple[MetricEntry, ...] = ()


class StageEntry(_Part):
    """The metrics of one stage, by facet."""

    label: str | None = None
    label_value_or_threshold: str | None = None
    facets: dict[str, tuple[FacetEntry, ...]] = Field(default_factory=dict)


class BiasAnalysis(_Part):
    """The whole file, as far as it concerns bias.

    Attributes
    ----------
    disparate_impact_rule : DisparateImpactRule, optional
        Our addition: how DI is compared.
    flip_test_neighbors : int
        Our addition: how many neighbours the flip test compared with; one is assumed for SageMaker's files.
    false_alarm_rate, monthly_false_alarm_rate : float
        Our additions: see `Rates`.
    share_of_month : float, optional
        Our addition: of a window of a series.
    """

    version: Any = None
    explanations: Any = None
    bootstrap: Any = None
    pre_training_bias_metrics: StageEntry | None = None
    post_training_bias_metrics: StageEntry | None = None
    disparate_impact_rule: DisparateImpactRule | None = None
    flip_test_neighbors: int = Field(default=NEIGHBOURS_OF_SAGEMAKER, ge=1)
    false_alarm_rate: float = Field(default=Rates().per_window, gt=0, lt=1)
    monthly_false_alarm_rate: float = Field(default=Rates().per_month, gt=0, lt=1)
    share_of_month: Annotated[float, Field(gt=0, le=1)] | None = None

    @classmethod
    def read(cls, path: Path) -> BiasAnalysis:
        """Read a file.

        Raises
        ------
        InvalidInput
            ``InvalidConstraints``, naming the place.
        """
        analysis = read_document(cls, path, "InvalidConstraints")
        if not any(True for _ in analysis.stages()):
            message = f"{path.name} holds no bias metrics: give the analysis.json of a bias baseline"
            raise InvalidInput("InvalidConstraints", message)
        return analysis

    @property
    def compared(self) -> int:
        """How many different numbers may violate it."""
        constraints = self.constraints()
        of_two = [facet for facet in self.facets() if self._has_two_groups(facet, constraints)]
        return numbers_of((where for where, each in constraints.items() if not each.is_open), of_two)

    @property
    def rates(self) -> Rates:
        """How many false alarms there may be."""
        return Rates(self.false_alarm_rate, self.monthly_false_alarm_rate)

    def stages(self) -> Iterator[tuple[Stage, StageEntry]]:
        """Yield the stages that there are."""
        for stage, entry in (
            (Stage.POST_TRAINING, self.post_training_bias_metrics),
            (Stage.PRE_TRAINING, self.pre_training_bias_metrics),
        ):
            if entry is not None:
                yield stage, entry

    def metrics(self, stage: Stage) -> list[str]:
        """Return the names of a stage's metrics."""
        entries = (each for of, entry in self.stages() if of is stage for each in entry.facets.values())
        return list(dict.fromkeys(metric.name for groups in entries for each in groups for metric in each.metrics))

    def label_values(self) -> list[str]:
        """Return how the positive labels are named."""
        return [entry.label_value_or_threshold for _, entry in self.stages() if entry.label_value_or_threshold]

    def groups(self) -> list[tuple[str, str]]:
        """Return the groups, by facet and name."""
        return [(facet, value) for facet in self.facets() for value in self.facet_values(facet)]

    def facets(self) -> list[str]:
        """Return the names of the facets."""
        return list(dict.fromkeys(facet for _, entry in self.stages() for facet in entry.facets))

    def facet_values(self, facet: str) -> list[str]:
        """Return how the groups of a facet are named, in the file's order."""
        entries = (each for _, entry in self.stages() for each in entry.facets.get(facet, ()))
        return list(dict.fromkeys(each.value_or_threshold for each in entries))

    def _has_two_groups(self, facet: str, constraints: Mapping[tuple[str, str, str], BiasConstraint]) -> bool:
        """Return whether each of two groups is all rows outside of the other, by CI where it is known.

        A file that somebody edited may lack further groups.
        """
        groups = {group_key(each) for each in self.facet_values(facet)}
        entries = [constraints.get((facet, group, "CI")) for group in groups]
        imbalances = [each.value for each in entries if each is not None and each.value is not None]
        return len(groups) == 2 and (len(imbalances) < 2 or math.isclose(sum(imbalances), 0, abs_tol=1e-9))

    def constraints(self) -> dict[tuple[str, str, str], BiasConstraint]:
        """Return all constraints by facet, group (see `group_key`) and metric."""
        rule = self.disparate_impact_rule or DisparateImpactRule.FROM_ZERO
        return {where: metric.constraint(rule) for where, metric in self._entries.items()}

    def share_of(self, facet: str, group: str) -> Estimate | Undefined:
        """Return a group's share of the rows: from its class imbalance, which SageMaker's baselines have too.

        These have no standard error: their share counts as known.
        """
        entry = self._entries.get((facet, group_key(group), "CI"))
        if entry is None or entry.value is None:
            return Undefined("the baseline has no class imbalance (CI) of the group, from which its share follows")
        rows, error = entry.compared_rows or MOST_ROWS, (entry.standard_error or 0.0) / 2
        return Estimate((1 - entry.value) / 2, error, rows, entry.dependence)

    @cached_property
    def _entries(self) -> dict[tuple[str, str, str], MetricEntry]:
        return {
            (facet, group, metric.name): metric
            for _, entry in self.stages()
            for facet, entries in entry.facets.items()
            for each in entries
            for group in [group_key(each.value_or_threshold)]
            for metric in each.metrics
        }


def analysis_document(
    label: str, positive: str, stages: Mapping[Stage, Iterable[tuple[str, dict[str, Any]]]], **additions: Any
) -> dict[str, Any]:
    """Lay out the file.

    Parameters
    ----------
    label, positive : str
        Name of the labels, and the positive ones.
    stages : mapping of Stage to (facet, entry) pairs
        The entries of each facet's groups.
    **additions
        Keys that SageMaker's readers ignore.
    """
    document: dict[str, Any] = {"version": "1.0"}
    for stage in (Stage.POST_TRAINING, Stage.PRE_TRAINING):
        facets: dict[str, list[dict[str, Any]]] = {}
        for facet, entry in stages.get(stage, ()):
            facets.setdefault(facet, []).append(entry)
        if facets:
            document[f"{stage.value}_bias_metrics"] = {
                "label": label,
                "facets": facets,
                "label_value_or_threshold": positive,
            }
    return document | additions
