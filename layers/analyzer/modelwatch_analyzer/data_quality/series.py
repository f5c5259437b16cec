"""The windows of a schedule as a series: the state that each execution leaves for the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from modelwatch_analyzer.calibrated.evidence import MINIMUM_EFFECT, Evidence, Found
from modelwatch_analyzer.calibrated.row_sample import SampledRows
from modelwatch_analyzer.calibrated.seasonal_watch import advance_blocks
from modelwatch_analyzer.calibrated.watch import Watch, WatchedSample, advance, checksum
from modelwatch_analyzer.data_quality.alignment import Alignment
from modelwatch_analyzer.data_quality.calibration import CalibratedComparison, Judged
from modelwatch_analyzer.documents import read_document
from modelwatch_core.domain.analysis_settings import MONTH
from modelwatch_core.domain.monitor_kinds.data_quality import SERIES_FILE

_HOUR = timedelta(hours=1)


def earlier_watch(folder: Path | None) -> Watch | None:
    """Read what the latest earlier window has left: of the files below a folder the one whose path sorts last.

    Raises
    ------
    InvalidInput
        ``InvalidSeries``, naming the place.
    """
    paths = sorted(folder.rglob(SERIES_FILE)) if folder else []
    return read_document(Watch, paths[-1], "InvalidSeries") if paths else None


def watched(
    comparison: CalibratedComparison,
    share: float,
    span: tuple[datetime, datetime] | None,
    judged: Mapping[str, Judged],
    earlier: Watch | None,
    alignment: Alignment,
    found: Mapping[str, Found],
    rows: SampledRows,
) -> tuple[Watch, dict[str, Judged]]:
    """Take in a window, and add what it and earlier ones show together to the verdicts.

    Parameters
    ----------
    share : float
        How much of a month a window is.
    span : (datetime, datetime), optional
        The window's start and end, if they are known.
    earlier : Watch, optional
        What the window before left; of another baseline it is not used.

    Notes
    -----
    Of windows that overlap, one is taken in only if it begins where the last one that was ends, or later: rows that
    count twice are not independent.
    """
    constraints, baseline = comparison.constraints, comparison.baseline
    named = baseline.named()
    counts = {name: counted for name in judged if (counted := named[name].calibration) is not None}
    minimums = {
        feature.name: comparison.configs[feature.name].minimums(numeric=feature.inferred_type.is_numeric)
        for feature in constraints.features
        if feature.name in counts
    }
    of_baseline = checksum({each.name: each.calibration for each in baseline.features if each.calibration is not None})
    begun = earlier if earlier is not None and earlier.baseline == of_baseline else Watch(baseline=of_baseline)
    if span is not None and begun.until is not None and span[0] < begun.until:
        return begun, dict(judged)
    of_span = share if span is None else min(1.0, (span[1] - span[0]) / MONTH)
    if baseline.seasonal:
        means = {name: (each.seasons, found[name].mean) for name, each in counts.items() if each.seasons is not None}
        least = {name: minimums[name][MINIMUM_EFFECT] for name in means}
        length = round(of_span * MONTH / _HOUR, 6)
        blocks, together = advance_blocks(begun.seasonal, means, length, comparison.monthly_rate, least)
        watch = begun.model_copy(update={"looks": begun.looks + 1, "seasonal": blocks})
    else:
        sampled = rows.columns()
        samples = {
            feature.name: WatchedSample(
                before=counts[feature.name],
                sampled=sampled[alignment.features[feature.name]],
                numeric=feature.inferred_type.is_numeric,
                rows=found[feature.name].rows,
                minimums=minimums[feature.name],
            )
            for feature in constraints.features
            if feature.name in counts
        }
        watch, together = advance(begun, samples, comparison.monthly_rate, 1 / max(share, of_span))
    watch = watch if span is None else watch.model_copy(update={"until": span[1]})
    return watch, {name: _with(each, together.get(name, [])) for name, each in judged.items()}


def _with(judged: Judged, evidence: list[Evidence]) -> Judged:
    more = tuple(each for each in evidence if each.check in judged.checks)
    if not more:
        return judged
    return replace(judged, verdict=replace(judged.verdict, flagged=judged.verdict.flagged + more, undecided=None))
