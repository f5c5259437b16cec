"""Which violations other constraints would have found, by the statistics that a check has left."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from modelwatch_analyzer.distances.distribution_constraints import chosen_methods
from modelwatch_analyzer.documents import read_document
from modelwatch_analyzer.metric_change import LEAST_ROWS, MOST_ROWS, Dependence, Estimate, Repeated, Requests
from modelwatch_analyzer.model_quality.check import check
from modelwatch_analyzer.model_quality.distributions import read_distributions
from modelwatch_analyzer.model_quality.documents import SECTIONS, read_constraints
from modelwatch_analyzer.model_quality.drift import check_distributions
from modelwatch_analyzer.model_quality.evaluation import EVALUATIONS, problem_type_of
from modelwatch_analyzer.model_quality.metric import Measured
from modelwatch_analyzer.replay import Replay, ReplayWindow
from modelwatch_analyzer.undefined import Undefined
from modelwatch_core.domain.documents import validation_message
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.monitor_kinds.model_quality import ModelQualitySettings, ThresholdRule


class _Metric(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    value: float | Literal["NaN"]
    standard_deviation: float | Literal["NaN"] = "NaN"
    undefined: str = "it was not defined"
    standard_error: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    bias_corrected_value: float | None = None
    compared_rows: Annotated[int, Field(ge=LEAST_ROWS, le=MOST_ROWS)] | None = None
    repeated: Repeated = None
    requests: Requests = None

    @property
    def measured(self) -> Measured:
        """The metric as the check knows it; earlier versions stored no standard error."""
        if isinstance(self.value, str):
            return Measured(Undefined(self.undefined))
        deviation, error, rows = self.standard_deviation, self.standard_error, self.compared_rows
        value = self.value if self.bias_corrected_value is None else self.bias_corrected_value
        dependence = Dependence.stored(self.repeated, self.requests)
        return Measured(
            self.value,
            None if isinstance(deviation, str) else deviation,
            estimate=None if error is None or rows is None else Estimate(value, error, rows, dependence),
        )


class _Dataset(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    share_of_month: Annotated[float, Field(gt=0, le=1)] | None = None


class _Statistics(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    binary_classification_metrics: dict[str, Any] | None = None
    multiclass_classification_metrics: dict[str, Any] | None = None
    regression_metrics: dict[str, Any] | None = None
    dataset: _Dataset


def replay(settings: ModelQualitySettings, constraints: Path, statistics: Path | None) -> ReplayWindow:
    """Return what checks windows of a schedule against other constraints; see `replayed`."""
    return lambda current: replayed(settings, current, constraints, statistics)


def replayed(settings: ModelQualitySettings, current: Path, constraints: Path, baseline: Path | None = None) -> Replay:
    """Check a window that has been analysed against other constraints.

    Statistics of earlier versions have no standard errors: where a metric is worse than the threshold of a constraint
    with ``beyond_confidence_interval``, the rows decide.

    Parameters
    ----------
    settings : ModelQualitySettings
        Those of the schedule: ``problem_type``, ``threshold_rule`` and the drift measures.
    current : Path
        The ``statistics.json`` of the window.
    baseline : Path, optional
        The baseline's statistics; without them no drift of predictions and labels is measured.

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
    statistics = read_document(_Statistics, current, "InvalidStatistics")
    found: dict[str, Any] = getattr(statistics, section)
    registry = tuple(EVALUATIONS[problem_type].metrics())
    names = {metric.name for metric in registry} & found.keys()
    share = statistics.dataset.share_of_month
    measured = {name: _metric(found[name], f"{current.name}: {section}.{name}").measured for name in names}
    exact = settings.threshold_rule is ThresholdRule.EXACT
    result = check(measured, wanted.metrics, registry, wanted.rates, share, exact=exact)
    drift = check_distributions(now, then, wanted.of_distributions(chosen_methods(settings)))
    decided = (*result.violations, *drift.violations)
    return Replay(
        tuple((each.subject, each.constraint_check_type) for each in decided),
        tuple((each.subject, each.constraint_check_type) for each in result.undecided),
    )


def _metric(entry: object, place: str) -> _Metric:
    try:
        return _Metric.model_validate(entry)
    except ValidationError as error:
        raise InvalidInput("InvalidStatistics", f"{place}: {validation_message(error)}") from None
