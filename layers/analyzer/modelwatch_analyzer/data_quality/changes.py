"""What changed in a dataset since the previous attempt at the same window."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from modelwatch_analyzer.cloudwatch import METRICS
from modelwatch_analyzer.data_quality.cloudwatch import DRIFT
from modelwatch_analyzer.data_quality.documents import Statistics
from modelwatch_analyzer.documents import STATISTICS_FILE
from modelwatch_analyzer.feature_statistics import FeatureStatistics
from modelwatch_analyzer.findings import Findings
from modelwatch_analyzer.reruns import first_changes
from modelwatch_analyzer.wording import measured_text
from modelwatch_core.domain.errors import InvalidInput

MOST_FEATURES = 20
"""The most changed features that are described."""


def changes_since(folder: Path, findings: Findings) -> Iterator[str]:
    """Yield a sentence for each difference in rows, types, completeness and drift.

    Parameters
    ----------
    folder : Path
        The reports of the previous attempt; nothing is yielded where it has no statistics. Drift is compared where
        its metrics were published.
    findings : Findings
        Those of this attempt.
    """
    if not (folder / STATISTICS_FILE).exists():
        return
    try:
        before = Statistics.read(folder / STATISTICS_FILE)
    except InvalidInput:
        yield f"features are not compared: the previous attempt's {STATISTICS_FILE} is not of data quality"
        return
    now = Statistics.model_validate(findings.documents[STATISTICS_FILE], strict=False)
    if before.dataset.item_count != now.dataset.item_count:
        yield f"rows: {before.dataset.item_count} before, {now.dataset.item_count} now"
    features_before, features_now = before.named(), now.named()
    drifts_before = dict(_published_drifts(folder / METRICS))
    drifts_now = {metric.name: metric.value for metric in findings.metrics if isinstance(metric.value, float)}
    changes = (
        [
            *_changes(name, features_before.get(name), features_now.get(name)),
            *(_drift_changes(name, drifts_before, drifts_now) if drifts_before else ()),
        ]
        for name in {**features_now, **features_before}
    )
    yield from first_changes(changes, MOST_FEATURES, "features")


def _changes(name: str, before: FeatureStatistics | None, now: FeatureStatistics | None) -> Iterator[str]:
    if before is None or now is None:
        yield f"feature {name}: not in the data before" if before is None else f"feature {name}: not in the data now"
        return
    if before.inferred_type != now.inferred_type:
        yield f"type of {name}: {before.inferred_type} before, {now.inferred_type} now"
    if before.completeness != now.completeness:
        was, is_now = measured_text(before.completeness), measured_text(now.completeness)
        yield f"completeness of {name}: {was} before, {is_now} now"


def _drift_changes(name: str, before: Mapping[str, float], now: Mapping[str, float]) -> Iterator[str]:
    was, is_now = before.get(f"{DRIFT}{name}"), now.get(f"{DRIFT}{name}")
    if was != is_now:
        yield f"drift of {name}: {measured_text(was)} before, {measured_text(is_now)} now"


def _published_drifts(path: Path) -> Iterator[tuple[str, float]]:
    """Yield the drift metrics in a file of metric lines; lines that are not metrics are left out."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return
    for line in lines:
        try:
            metric = json.loads(line)
            name, value = metric["MetricName"], metric["Value"]
        except (ValueError, RecursionError, KeyError, TypeError):
            continue
        if isinstance(name, str) and name.startswith(DRIFT) and isinstance(value, float):
            yield name, value
