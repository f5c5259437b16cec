"""The distribution of a feature as a table cell shows it: a small histogram, and a line below."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelwatch_analyzer.report import histograms
from modelwatch_analyzer.report.figures import number_text
from modelwatch_analyzer.report.reading import mapping, number


@dataclass(frozen=True, slots=True)
class Pictured:
    """A distribution to show.

    Attributes
    ----------
    chart : Chart, optional
        None where there is no distribution.
    summary : str
        Mean and standard deviation, or the number of distinct values; empty where neither is known.
    """

    chart: histograms.Chart | None
    summary: str


def pictured_pair(baseline: Mapping[str, Any], current: Mapping[str, Any]) -> tuple[Pictured, Pictured]:
    """Return the distributions of a feature of ``statistics.json``, then and now, on the same axes."""
    sides = [statistics_in(feature) for feature in (baseline, current)]
    then, now = (
        Pictured(chart, _summary(side)) for chart, side in zip(histograms.paired_charts(*sides), sides, strict=True)
    )
    return then, now


def statistics_in(feature: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a feature of ``statistics.json`` is described by; empty if by nothing."""
    return mapping(feature, "numerical_statistics") or mapping(feature, "string_statistics")


def _summary(statistics: Mapping[str, Any]) -> str:
    mean, std = number(statistics, "mean"), number(statistics, "std_dev")
    if mean is not None:
        return number_text(mean) + (f" ± {number_text(std)}" if std is not None else "")
    distinct = number(statistics, "distinct_count")
    return f"{distinct:,.0f} distinct" if distinct is not None else ""
