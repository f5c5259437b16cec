"""The report of the data quality monitor: each feature's distribution, now and in the baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelwatch_analyzer.distances.drift import DRIFT_CHECK, Drift
from modelwatch_analyzer.report import ReportBody
from modelwatch_analyzer.report.histograms import Pictured, number, pictured_pair, sequence, statistics_in
from modelwatch_analyzer.report.page import count_text, most_important
from modelwatch_core.domain.constraint_violations import ConstraintViolation
from modelwatch_core.domain.outcome import RecordCounts

_DASH = "-"

_CHECKS = {
    "data_type_check": "Data type",
    "completeness_check": "Missing values",
    DRIFT_CHECK: "Drift from the baseline",
    "missing_column_check": "Missing column",
    "extra_column_check": "Unexpected column",
    "categorical_values_check": "Unknown categories",
    "statistics_change_check": "Changed mean, spread, range or quantiles",
}


@dataclass(frozen=True, slots=True)
class _Row:
    """A feature as the table shows it."""

    anchor: str
    name: str
    inferred_type: str
    present: str
    baseline: Pictured
    current: Pictured
    drift: Drift | None
    violated: bool


def report_body(
    statistics: Mapping[str, Any],
    baseline_statistics: Mapping[str, Any] | None,
    drifts: Mapping[str, Drift],
    violations: Sequence[ConstraintViolation],
    records: RecordCounts,
) -> ReportBody:
    """Lay out the report of a data quality analysis.

    Parameters
    ----------
    statistics, baseline_statistics : mapping
        Objects of ``statistics.json``, SageMaker's or ours; what they lack is shown as a dash.
    drifts : mapping of str to Drift
        By feature; a feature without one was not compared.
    violations : sequence of ConstraintViolation
        Features in violation are marked.
    records : RecordCounts
        How many rows were read, where the statistics do not say.
    """
    now, then = (
        {str(feature.get("name")): feature for feature in sequence(side, "features")}
        for side in (statistics, baseline_statistics or {})
    )
    # The features now, in their order, then those that only the baseline has.
    names = list(now | then)
    violated = {violation.subject for violation in violations}
    rows = [
        _row(f"f{i}", name, then.get(name, {}), now.get(name, {}), drifts.get(name), name in violated)
        for i, name in enumerate(most_important(names, lambda name: name in violated))
    ]
    items = number(statistics, "dataset", "item_count")
    record_text = count_text(records.read if items is None else int(items), "record")
    return ReportBody(
        package="modelwatch_analyzer.data_quality",
        extent=f"{record_text} of {count_text(len(names), 'feature')}",
        checks=_CHECKS,
        anchors={row.name: row.anchor for row in rows},
        context={"rows": rows, "features": len(names), "compared": baseline_statistics is not None},
    )


def _row(
    anchor: str,
    name: str,
    then: Mapping[str, Any],
    now: Mapping[str, Any],
    drift: Drift | None,
    violated: bool,
) -> _Row:
    baseline, current = pictured_pair(then, now)
    return _Row(
        anchor=anchor,
        name=name,
        inferred_type=_change(then.get("inferred_type"), now.get("inferred_type")),
        present=_present(statistics_in(now)),
        baseline=baseline,
        current=current,
        drift=drift,
        violated=violated,
    )


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
