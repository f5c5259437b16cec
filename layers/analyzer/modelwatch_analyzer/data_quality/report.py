"""The report of the data quality monitor: each feature's distribution, now and in the baseline."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelwatch_analyzer.distances import ROBUST
from modelwatch_analyzer.distances.drift import DRIFT_CHECK, Drift, without_rounding
from modelwatch_analyzer.distances.linf import explained_by_chance, l_infinity_categorical, l_infinity_numerical
from modelwatch_analyzer.documents import mapping, number, sequence
from modelwatch_analyzer.report import ReportBody
from modelwatch_analyzer.report.histograms import PicturedPair, pictured_pair, statistics_in
from modelwatch_analyzer.report.page import most_important
from modelwatch_analyzer.report.scores import drift_grade, score
from modelwatch_analyzer.sketches.kll import KllSketch
from modelwatch_analyzer.undefined import Undefined
from modelwatch_core.domain.constraint_violations import ConstraintViolation
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.number_text import count_text
from modelwatch_core.domain.outcome import RecordCounts
from modelwatch_core.domain.scores import Score

_DASH = "-"

_CHECKS = {
    "data_type_check": "Data type",
    "completeness_check": "Missing values",
    DRIFT_CHECK: "Drift from the baseline",
    "missing_column_check": "Missing column",
    "extra_column_check": "Unexpected column",
    "is_non_negative_check": "Negative values",
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
    present_before: str
    share_present: float | None
    pictured: PicturedPair
    drift: Drift | None
    before_chance: float | None
    score: Score

    @property
    def violated(self) -> bool:
        return self.score.violated


def report_body(
    statistics: Mapping[str, Any],
    baseline_statistics: Mapping[str, Any] | None,
    drifts: Mapping[str, Drift],
    violations: Sequence[ConstraintViolation],
    records: RecordCounts,
) -> ReportBody:
    """Lay out the report of a data quality analysis: features in violation first, then those nearest to one.

    Parameters
    ----------
    statistics, baseline_statistics : mapping
        Objects of ``statistics.json``, SageMaker's or ours; what they lack is shown as a dash.
    drifts : mapping of str to Drift
        The drift of each feature that was compared.
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
    measured = {
        name: _measured(name, drifts.get(name), then.get(name, {}), now.get(name, {}), name in violated)
        for name in names
    }
    shown = most_important(names, lambda name: name in violated)
    shown.sort(key=lambda name: measured[name][0].weight, reverse=True)
    rows = [
        _row(f"f{i}", name, then.get(name, {}), now.get(name, {}), drifts.get(name), *measured[name])
        for i, name in enumerate(shown)
    ]
    items = number(statistics, "dataset", "item_count")
    record_text = count_text(records.read if items is None else int(items), "record")
    return ReportBody(
        package="modelwatch_analyzer.data_quality",
        extent=f"{record_text} of {count_text(len(names), 'feature')}",
        checks=_CHECKS,
        anchors={row.name: row.anchor for row in rows},
        context={"rows": rows, "features": len(names), "compared": baseline_statistics is not None},
        charts={row.anchor: row.pictured.overlay.chart for row in rows if row.pictured.overlay},
        scores=tuple(score for score, _ in measured.values() if score.value is not None or score.violated),
    )


def _measured(
    name: str, drift: Drift | None, then: Mapping[str, Any], now: Mapping[str, Any], violated: bool
) -> tuple[Score, float | None]:
    """Return a feature's score, and the distance before what chance explains was taken off it, where that was done."""
    if drift is None:
        return score(name, None, violated=violated), None
    sizes = [number(statistics_in(side), "common", "num_present") or 0.0 for side in (then, now)]
    before_chance, chance = None, 0.0
    if drift.measure is ROBUST and not isinstance(drift.distance, Undefined) and all(sizes):
        chance = explained_by_chance(*sizes)
        # Above 0 the distance itself says it; at 0, only the distributions do.
        before_chance = drift.distance + chance if drift.distance > 0 else _simple_distance(then, now)
    graded = drift_grade(drift, before_chance=before_chance, chance=chance)
    return score(name, drift.distance, threshold=drift.threshold, graded=graded, violated=violated), before_chance


def _simple_distance(then: Mapping[str, Any], now: Mapping[str, Any]) -> float | None:
    """Return the L-infinity distance of two features of ``statistics.json``; None where these do not say it."""
    sketches = [mapping(statistics_in(side), "distribution", "kll", "sketch") for side in (then, now)]
    try:
        if all(sketches):
            first, second = (KllSketch.from_document(sketch) for sketch in sketches)
            found = l_infinity_numerical(first, without_rounding(second, first), robust=False)
        else:
            found = l_infinity_categorical(_shares(then), _shares(now), robust=False)
    except InvalidInput:
        return None
    return None if isinstance(found, Undefined) else found


def _shares(feature: Mapping[str, Any]) -> dict[str, float]:
    buckets = sequence(statistics_in(feature), "distribution", "categorical", "buckets")
    return {str(bucket.get("value")): number(bucket, "count") or 0.0 for bucket in buckets}


def _row(
    anchor: str,
    name: str,
    then: Mapping[str, Any],
    now: Mapping[str, Any],
    drift: Drift | None,
    scored: Score,
    before_chance: float | None,
) -> _Row:
    share = _share_present(statistics_in(now))
    return _Row(
        anchor=anchor,
        name=name,
        inferred_type=_change(then.get("inferred_type"), now.get("inferred_type")),
        present=_present(statistics_in(now)),
        present_before=_percent(_share_present(statistics_in(then))),
        share_present=share,
        pictured=pictured_pair(then, now),
        drift=drift,
        before_chance=before_chance,
        score=scored,
    )


def _change(before: object, after: object) -> str:
    if before and after and before != after:
        return f"{before} → {after}"
    return str(after or before or _DASH)


def _share_present(statistics: Mapping[str, Any]) -> float | None:
    present, missing = (number(statistics, "common", name) for name in ("num_present", "num_missing"))
    if present is None or missing is None:
        return None
    rows = present + missing
    return present / rows if rows and math.isfinite(rows) else 0.0


def _percent(share: float | None) -> str:
    # Rounded down, so that 100 % means all.
    return _DASH if share is None else f"{int(1000 * share) / 10:g} %"


def _present(statistics: Mapping[str, Any]) -> str:
    present, share = number(statistics, "common", "num_present"), _share_present(statistics)
    return _DASH if present is None or share is None else f"{present:,.0f} ({_percent(share)})"
