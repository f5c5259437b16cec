"""What a baseline of data quality learnt, for people: features by type, and how many have each check."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from modelwatch_analyzer.distances.calibrated import CALIBRATED
from modelwatch_analyzer.distances.methods import method_name
from modelwatch_analyzer.documents import CONSTRAINTS_FILE, STATISTICS_FILE
from modelwatch_core.domain.number_text import number_text


class _Seasons(msgspec.Struct, frozen=True):
    by: str
    time_zone: str = "UTC"


class _Calibration(msgspec.Struct):
    seasons: _Seasons | None = None


class _Feature(msgspec.Struct):
    calibration: _Calibration | None = None


class _Statistics(msgspec.Struct):
    """What is shown of ``statistics.json``: all the rest may be a hundred times as long, and is passed over."""

    features: list[_Feature]


def learnt(folder: Path) -> Sequence[Sequence[str]]:
    """Return the rows of a table: what, in how many features, and its threshold."""
    rows = [("learnt", "features", "threshold"), *_rows(json.loads((folder / CONSTRAINTS_FILE).read_bytes()))]
    statistics = msgspec.json.decode((folder / STATISTICS_FILE).read_bytes(), type=_Statistics)
    counted = (each.calibration for each in statistics.features)
    seasons = Counter(each.seasons for each in counted if each and each.seasons)
    return rows + [
        (_SEASONS[each.by].format(zone=each.time_zone), f"{count:,}", "by the variance of windows")
        for each, count in seasons.items()
    ]


_SEASONS = {
    "": "differences between windows",
    "hour": "what is usual by hour of the day ({zone})",
    "hour_and_kind_of_day": "what is usual by hour of the day ({zone}), and on weekends",
}


def _rows(constraints: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    features, config = constraints["features"], constraints["monitoring_config"]
    drift = config["distribution_constraints"]
    numbers, texts = (method_name(drift, numeric=numeric) for numeric in (True, False))
    by_test = CALIBRATED.name in (numbers, texts)
    types = Counter(feature["inferred_type"] for feature in features)
    for name, count in types.items():
        yield f"of type {name}", f"{count:,}", ""
    yield "data type check", f"{len(features):,}", _limit(config["datatype_check_threshold"], by_test)
    for least, count in sorted(Counter(each["completeness"] for each in features).items(), reverse=True):
        yield "completeness check", f"{count:,}", _limit(least, by_test)
    signs = sum(bool(feature.get("num_constraints", {}).get("is_non_negative")) for feature in features)
    domains = sum(bool(feature.get("string_constraints", {}).get("domains")) for feature in features)
    if signs:
        yield "non-negative numbers", f"{signs:,}", ""
    if domains:
        yield "known categories", f"{domains:,}", _limit(config["domain_content_threshold"], by_test)
    compared: Counter[tuple[str, str]] = Counter()  # numbers and texts by the same method are one line
    for count, method, threshold in (
        (len(features) - types["String"] - types["Unknown"], numbers, "comparison_threshold"),
        (types["String"], texts, "categorical_comparison_threshold"),
    ):
        if method == CALIBRATED.name:
            least, rate = (number_text(100 * drift[name]) for name in ("minimum_effect", "false_alarm_rate"))
            compared[method, f"{least} % of the rows; {rate} % false alarms"] += count
        else:
            compared[method, number_text(drift[threshold])] += count
    for (method, limit), count in compared.items():
        if count:
            yield f"drift by {method}", f"{count:,}", limit


def _limit(least: float, by_test: bool) -> str:
    return f"{_share(least)}, allowing for chance" if by_test else _share(least)


def _share(least: float) -> str:
    return f"at least {number_text(100 * least)} %"
