"""Which violations other constraints would have found, by the statistics that a check has left."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from modelwatch_analyzer.distances.distribution_constraints import chosen_methods
from modelwatch_analyzer.documents import read_document
from modelwatch_analyzer.model_quality.analysis import problem_type_of
from modelwatch_analyzer.model_quality.check import camel_case, check
from modelwatch_analyzer.model_quality.distributions import read_distributions
from modelwatch_analyzer.model_quality.documents import SECTIONS, read_constraints
from modelwatch_analyzer.model_quality.drift import check_distributions
from modelwatch_analyzer.model_quality.evaluation import EVALUATIONS
from modelwatch_analyzer.model_quality.metric import Measured
from modelwatch_analyzer.replay import Replay
from modelwatch_analyzer.undefined import Undefined
from modelwatch_core.domain.documents import validation_message
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.monitor_kinds.model_quality import ModelQualitySettings, ThresholdRule


class _Interval(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    lower: float
    upper: float


class _Metric(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    value: float | Literal["NaN"]
    standard_deviation: float | Literal["NaN"] = "NaN"
    undefined: str = "it was not defined"
    confidence_interval: _Interval | None = None

    @property
    def measured(self) -> Measured:
        """The metric as the check knows it; its limits that allow for chance are in no file."""
        interval, deviation = self.confidence_interval, self.standard_deviation
        return Measured(
            Undefined(self.undefined) if isinstance(self.value, str) else self.value,
            None if isinstance(deviation, str) else deviation,
            (interval.lower, interval.upper) if interval else None,
        )


class _Statistics(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    binary_classification_metrics: dict[str, Any] | None = None
    multiclass_classification_metrics: dict[str, Any] | None = None
    regression_metrics: dict[str, Any] | None = None


def replayed(settings: ModelQualitySettings, current: Path, constraints: Path, baseline: Path | None = None) -> Replay:
    """Check a window that has been analysed against other constraints.

    A constraint with ``beyond_confidence_interval`` is violated if the interval, and what further rows make of it, is
    worse than the threshold. The statistics have the interval alone: where that is worse, the rows decide.

    Parameters
    ----------
    settings : ModelQualitySettings
        Those of the schedule: ``problem_type``, ``threshold_rule`` and the drift measures.
    current : Path
        The ``statistics.json`` of the window.
    baseline : Path, optional
        That of the baseline; without it no drift of predictions and labels is measured.

    Raises
    ------
    InvalidInput
        ``ProblemTypeNotGiven``, ``InvalidConstraints``, ``InvalidStatistics``.
    """
    problem_type = problem_type_of(settings)
    section = f"{SECTIONS[problem_type]}_metrics"
    wanted = read_constraints(constraints, problem_type)
    now = read_distributions(current, problem_type, section)
    then = read_distributions(baseline, problem_type, section) if baseline else None
    found: dict[str, Any] = getattr(read_document(_Statistics, current, "InvalidStatistics"), section)
    registry = tuple(EVALUATIONS[problem_type].metrics())
    names = {metric.name for metric in registry} & found.keys()
    measured = {name: _metric(found[name], f"{current.name}: {section}.{name}").measured for name in names}
    exact = settings.threshold_rule is ThresholdRule.EXACT
    result = check(measured, wanted.metrics, registry, exact=exact)
    drift = check_distributions(now, then, wanted.of_distributions(chosen_methods(settings)))
    undecided = {
        camel_case(name) for name, each in wanted.metrics.items() if each.beyond_confidence_interval and not exact
    }
    findings = [(each.subject, each.constraint_check_type) for each in result.violations]
    return Replay(
        (
            *(finding for finding in findings if finding[0] not in undecided),
            *((each.subject, each.constraint_check_type) for each in drift.violations),
        ),
        tuple(finding for finding in findings if finding[0] in undecided),
    )


def _metric(entry: object, place: str) -> _Metric:
    try:
        return _Metric.model_validate(entry)
    except ValidationError as error:
        raise InvalidInput("InvalidStatistics", f"{place}: {validation_message(error)}") from None
