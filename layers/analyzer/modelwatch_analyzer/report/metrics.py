"""The table of metrics that several kinds of report hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from modelwatch_analyzer.report.figures import IntervalFigure, interval_figure
from modelwatch_analyzer.report.scores import grade, score
from modelwatch_analyzer.undefined import Undefined
from modelwatch_core.domain.scores import Score


@dataclass(frozen=True, slots=True)
class MetricRow:
    """A metric as the report shows it.

    Attributes
    ----------
    name : str
        As the violations name it, so that they can be linked.
    value : float or Undefined
        What was found, or why there is no number.
    standard_deviation : float, optional
        The standard deviation of the value.
    interval : tuple of float, optional
        Confidence limits, the lower first.
    baseline : float, optional
        The baseline's own value.
    threshold : float, optional
        What the value is compared with; None where it is compared with nothing.
    violated : bool
        Whether this is a violation.
    """

    name: str
    value: float | Undefined
    standard_deviation: float | None = None
    interval: tuple[float, float] | None = None
    baseline: float | None = None
    threshold: float | None = None
    violated: bool = False

    @property
    def score(self) -> Score:
        """The metric as trends and overviews have it, graded from the baseline's value."""
        at_rest = None if self.baseline == self.threshold else self.baseline
        graded = None if at_rest is None else grade(self.value, self.threshold, at_rest=at_rest)
        return score(
            self.name,
            self.value,
            baseline=self.baseline,
            threshold=self.threshold,
            graded=graded,
            violated=self.violated,
        )


def figures_of(metrics: Sequence[MetricRow]) -> list[IntervalFigure | None]:
    """Draw each metric's value and interval against its threshold, or the baseline's value where there is none."""
    return [
        interval_figure(
            None if isinstance(row.value, Undefined) else row.value,
            row.interval,
            row.baseline if row.threshold is None else row.threshold,
        )
        for row in metrics
    ]
