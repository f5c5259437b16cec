"""The report of the data quality monitor: each feature's distribution, now and in the baseline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwatch_analyzer.report import histograms
from modelwatch_analyzer.report.figures import number_text
from modelwatch_analyzer.report.page import counted, most_important, write_page
from modelwatch_analyzer.report.reading import mapping, number, sequence
from modelwatch_analyzer.undefined import Undefined
from modelwatch_core.domain.analysis import AnalysisSummary

_DASH = "-"

_CHECKS = {
    "data_type_check": "Data type",
    "completeness_check": "Missing values",
    "baseline_drift_check": "Drift from the baseline",
    "missing_column_check": "Missing column",
    "extra_column_check": "Unexpected column",
    "categorical_values_check": "Unknown categories",
}


@dataclass(frozen=True, slots=True)
class Drift:
    """How far a feature has moved from its baseline.

    Attributes
    ----------
    distance : float or Undefined
        What is compared with the threshold, or why nothing is.
    threshold : float
        Of the constraints file.
    method : str
        How the distance is measured, as a person is told.
    exceeded : bool
        Whether this is a violation.
    """

    distance: float | Undefined
    threshold: float
    method: str
    exceeded: bool


@dataclass(frozen=True, slots=True)
class _Row:
    """A feature as the table shows it, texts ready to print."""

    anchor: str
    name: str
    inferred_type: str
    present: str
    baseline_chart: histograms.Chart | None
    current_chart: histograms.Chart | None
    summaries: tuple[str, str]
    drift: Drift | None
    violated: bool


def write_data_quality_report(
    path: Path,
    *,
    title: str,
    summary: AnalysisSummary,
    facts: Mapping[str, str],
    statistics: Mapping[str, Any],
    baseline_statistics: Mapping[str, Any] | None = None,
    drifts: Mapping[str, Drift] | None = None,
) -> None:
    """Write the report of a data quality analysis.

    Parameters
    ----------
    path, title, summary, facts
        As for `write_page`.
    statistics, baseline_statistics : mapping
        Objects of ``statistics.json``, SageMaker's or ours; what they lack is shown as a dash.
    drifts : mapping of str to Drift, optional
        By feature; a feature without one was not compared.
    """
    now, then = (
        {str(feature.get("name")): feature for feature in sequence(side, "features")}
        for side in (statistics, baseline_statistics or {})
    )
    # The features now, in their order, then those that only the baseline has.
    names = list(now | then)
    violated = {violation.subject for violation in summary.violations}
    rows = [
        _row(f"f{i}", name, then.get(name, {}), now.get(name, {}), (drifts or {}).get(name), name in violated)
        for i, name in enumerate(most_important(names, lambda name: name in violated))
    ]
    items = number(statistics, "dataset", "item_count")
    records = counted(summary.records.read if items is None else int(items), "record")
    write_page(
        path,
        title=title,
        summary=summary,
        facts=facts,
        template="data_quality.html.j2",
        extent=f"{records} of {counted(len(names), 'feature')}",
        checks=_CHECKS,
        anchors={row.name: row.anchor for row in rows},
        rows=rows,
        features=len(names),
        compared=baseline_statistics is not None,
    )


def _row(
    anchor: str,
    name: str,
    then: Mapping[str, Any],
    now: Mapping[str, Any],
    drift: Drift | None,
    violated: bool,
) -> _Row:
    baseline, current = _statistics(then), _statistics(now)
    baseline_chart, current_chart = histograms.paired_charts(baseline, current)
    return _Row(
        anchor=anchor,
        name=name,
        inferred_type=_change(then.get("inferred_type"), now.get("inferred_type")),
        present=_present(current),
        baseline_chart=baseline_chart,
        current_chart=current_chart,
        summaries=(_summary(baseline), _summary(current)),
        drift=drift,
        violated=violated,
    )


def _statistics(feature: Mapping[str, Any]) -> Mapping[str, Any]:
    return mapping(feature, "numerical_statistics") or mapping(feature, "string_statistics")


def _change(before: object, after: object) -> str:
    if before and after and before != after:
        return f"{before} → {after}"
    return str(after or before or _DASH)


def _present(statistics: Mapping[str, Any]) -> str:
    present, missing = (number(statistics, "common", name) for name in ("num_present", "num_missing"))
    if present is None or missing is None:
        return _DASH
    # Rounded down, so that 100 % means all.
    share = int(1000 * present / (present + missing)) / 10 if present + missing else 0.0
    return f"{present:,.0f} ({share:g} %)"


def _summary(statistics: Mapping[str, Any]) -> str:
    mean, std = number(statistics, "mean"), number(statistics, "std_dev")
    if mean is not None:
        return number_text(mean) + (f" ± {number_text(std)}" if std is not None else "")
    distinct = number(statistics, "distinct_count")
    return f"{distinct:,.0f} distinct" if distinct is not None else ""
