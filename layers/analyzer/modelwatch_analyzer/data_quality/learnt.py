"""What a baseline of data quality learnt, for people: features by type, and how many have each check."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modelwatch_analyzer.documents import CONSTRAINTS_FILE
from modelwatch_core.domain.violation_text import number_text


def learnt(documents: Mapping[str, Any]) -> Sequence[Sequence[str]]:
    """Return the rows of a table: what, in how many features, and its threshold."""
    return [("learnt", "features", "threshold"), *_rows(documents[CONSTRAINTS_FILE])]


def _rows(constraints: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    features, config = constraints["features"], constraints["monitoring_config"]
    types = Counter(feature["inferred_type"] for feature in features)
    for name, count in types.items():
        yield f"of type {name}", f"{count:,}", ""
    yield "data type check", f"{len(features):,}", _share(config["datatype_check_threshold"])
    for least, count in sorted(Counter(each["completeness"] for each in features).items(), reverse=True):
        yield "completeness check", f"{count:,}", _share(least)
    numbers = sum(bool(feature.get("num_constraints", {}).get("is_non_negative")) for feature in features)
    domains = sum(bool(feature.get("string_constraints", {}).get("domains")) for feature in features)
    if numbers:
        yield "non-negative numbers", f"{numbers:,}", ""
    if domains:
        yield "known categories", f"{domains:,}", _share(config["domain_content_threshold"])
    drift = config["distribution_constraints"]
    texts = types["String"]
    for count, method, threshold in (
        (len(features) - texts - types["Unknown"], "comparison_method", "comparison_threshold"),
        (texts, "categorical_drift_method", "categorical_comparison_threshold"),
    ):
        if count:
            yield f"drift by {drift[method]}", f"{count:,}", number_text(drift[threshold])


def _share(least: float) -> str:
    return f"at least {number_text(100 * least)} %"
