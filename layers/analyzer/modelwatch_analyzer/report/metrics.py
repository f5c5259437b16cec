"""The table of metrics that several kinds of report hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from modelwatch_analyzer.report.figures import IntervalFigure, interval_figure
from modelwatch_analyzer.undefined import Undefined


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
        Of the value.
    interval : tuple of float, optional
        Confidence limits, the lower first.
    baseline : float, optional
        The threshold that the value is compared with; None where nothing is.
    violated : bool
        Whether this is a violation.
    """

    name: str
    value: float | Undefined
    standard_deviation: float | None = None
    interval: tuple[float, float] | None = None
    baseline: float | None = None
    violated: bool = False


def figures_of(metrics: Sequence[MetricRow]) -> list[IntervalFigure | None]:
    """Draw each metric's value and interval against its baseline."""
    return [
        interval_figure(None if isinstance(row.value, Undefined) else row.value, row.interval, row.baseline)
        for row in metrics
    ]
