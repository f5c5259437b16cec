"""What a baseline of bias learnt, for people: the allowed range of each metric, by group."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from modelwatch_analyzer.documents import ANALYSIS_FILE
from modelwatch_core.domain.number_text import number_text

_MOST_GROUPS = 4


def learnt(folder: Path) -> Sequence[Sequence[str]]:
    """Return the rows of a table: a metric, and its allowed range in each of the first groups.

    A range that all groups share, as that of a metric of all rows together, is said once.
    """
    ranges: dict[str, dict[str, str]] = defaultdict(dict)
    groups: dict[str, None] = {}
    for group, metric in _metrics(json.loads((folder / ANALYSIS_FILE).read_bytes())):
        groups[group] = None
        if metric.get("range"):
            ranges[metric["name"]][group] = _range_text(metric["range"])
    shown, more = list(groups)[:_MOST_GROUPS], len(groups) - _MOST_GROUPS
    further = [f"and {more:,} more"] if more > 0 else []
    rows = []
    for name, found in ranges.items():
        if 1 < len(found) == len(groups) and len(set(found.values())) == 1:
            row = [f"{found[shown[0]]} in all", *("" for _ in (*shown[1:], *further))]
        else:
            row = [*(found.get(group, "-") for group in shown), *("..." for _ in further)]
        rows.append((name, *row))
    return [("allowed range", *shown, *further), *rows]


def _metrics(analysis: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for stage in ("pre_training", "post_training"):
        facets = analysis.get(f"{stage}_bias_metrics", {}).get("facets", {})
        for facet, values in facets.items():
            for value in values:
                for metric in value["metrics"]:
                    yield f"{facet} = {value['value_or_threshold']}", metric


def _range_text(bounds: Sequence[Any]) -> str:
    """Write a range, of which an end that is None allows any value."""
    if bounds == [None, None]:
        return "any value"
    return " to ".join("any" if bound is None else _bound(bound) for bound in bounds)


def _bound(bound: object) -> str:
    return number_text(bound) if isinstance(bound, int | float) else str(bound)
