"""Columns whose later values are never those of a baseline: ids that are counted up, and dates."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from modelwatch_analyzer.feature_statistics import FeatureStatistics, InferredType
from modelwatch_analyzer.wording import listed

_FEWEST_ROWS = 100
"""Of fewer rows any whole numbers may be different."""
_MOST_GAPS = 0.5
"""Ids are counted up if no more than this share of numbers, compared to the rows, is left out between them."""
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ].*)?|\d{1,2}[./]\d{1,2}[./]\d{4}(?: .*)?", re.ASCII | re.DOTALL)

_LEAVE_OUT = (
    "later data usually has others, which violates the baseline: leave such a column out by "
    "--exclude-features-attribute (in an environment: exclude_features_attribute)"
)


def ever_new(features: Mapping[str, FeatureStatistics]) -> Iterator[str]:
    """Yield a sentence for the ids of a baseline, and one for its dates."""
    ids = [name for name, feature in features.items() if _is_counted_up(feature)]
    if ids:
        yield f"whole numbers that are counted up, another one in each row, as ids are: {listed(ids)}; {_LEAVE_OUT}"
    dates = [name for name, feature in features.items() if _holds_dates(feature)]
    if dates:
        yield f"dates as categories: {listed(dates)}; {_LEAVE_OUT}"


def _is_counted_up(feature: FeatureStatistics) -> bool:
    numbers, cells = feature.numerical_statistics, feature.calibration and feature.calibration.numbers
    if feature.inferred_type is not InferredType.INTEGRAL or numbers is None or not cells:
        return False
    rows, sampled = numbers.common.num_present, sum(cells.counts)
    if rows < _FEWEST_ROWS or cells.distinct < sampled or numbers.min is None or numbers.max is None:
        return False
    return numbers.max - numbers.min < rows * (1 + _MOST_GAPS)


def _holds_dates(feature: FeatureStatistics) -> bool:
    return bool(feature.categories) and all(map(_DATE.fullmatch, feature.categories))
