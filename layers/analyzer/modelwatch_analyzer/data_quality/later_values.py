"""Columns whose later values are never those of a baseline, though nothing is wrong: ids and dates."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from modelwatch_analyzer.feature_statistics import FeatureStatistics, InferredType, sketch_of
from modelwatch_analyzer.profile.unusual_spellings import DATE, Spelling

_FEWEST_ROWS = 100
"""With fewer rows, whole numbers that are all different may be so by chance."""
_MOST_GAPS = 0.5
"""Numbers count as consecutive ids if at most this many, as a share of the rows, are skipped between them."""
_DATE = re.compile(DATE, re.ASCII)
_DAYS = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
"""How days are written as whole numbers, by the number of digits."""
_CENTURIES = (1900, 2100)
_UNITS = (1, 10**3, 10**6, 10**9)
"""Seconds, and what programs count in their place."""
_EPOCHS = (datetime(2001, 9, 10, tzinfo=UTC).timestamp(), datetime(2040, 1, 1, tzinfo=UTC).timestamp())
_LONGEST = timedelta(days=3653).total_seconds()
"""Numbers of the size of times that are further apart may as well be amounts."""


def never_the_same(features: Mapping[str, FeatureStatistics]) -> Iterator[tuple[str, list[str]]]:
    """Yield what such columns hold, and their names."""
    kinds = {
        "whole numbers that are different in each row and consecutive, as ids are": _is_counted_up,
        "dates as categories": _holds_dates,
        "dates that are written as numbers, yyyymmdd": _holds_days_as_numbers,
        "numbers that may be times, counted from 1970": _holds_times,
    }
    named = set[str]()
    for what, holds in kinds.items():
        names = [name for name, feature in features.items() if name not in named and holds(feature)]
        named.update(names)
        if names:
            yield what, names


def _is_counted_up(feature: FeatureStatistics) -> bool:
    numbers, cells = feature.numerical_statistics, feature.calibration and feature.calibration.numbers
    if feature.inferred_type is not InferredType.INTEGRAL or numbers is None or not cells:
        return False
    rows, sampled = numbers.common.num_present, sum(cells.counts)
    if rows < _FEWEST_ROWS or cells.distinct < sampled or numbers.min is None or numbers.max is None:
        return False
    return numbers.max - numbers.min < rows * (1 + _MOST_GAPS)


def _holds_dates(feature: FeatureStatistics) -> bool:
    """Return whether the categories are dates; those of a column that has a new one in each row are not compared."""
    text = feature.string_statistics
    if text is None or feature.inferred_type is not InferredType.STRING:
        return False
    if feature.categories:
        return all(map(_DATE.fullmatch, map(str.strip, feature.categories)))
    compared = feature.calibration is not None and feature.calibration.categories is not None
    dates, present = (text.spellings or {}).get(Spelling.DATE, 0), text.common.num_present
    return compared and 0 < present == dates and 2 * (text.distinct_count or 0) <= present


def _holds_days_as_numbers(feature: FeatureStatistics) -> bool:
    numbers = feature.numerical_statistics
    if numbers is None or not all(map(_is_day, (numbers.min, numbers.max))):
        return False
    sketch = sketch_of(feature)
    return sketch is not None and all(map(_is_day, sketch.cumulative_weights()[0].tolist()))


def _is_day(number: float | None) -> bool:
    digits = "" if number is None else f"{number:.0f}"
    if number != float(digits or "nan") or len(digits) not in _DAYS:
        return False
    try:
        day = datetime.strptime(digits, _DAYS[len(digits)]).replace(tzinfo=UTC)
    except ValueError:
        return False
    return _CENTURIES[0] <= day.year < _CENTURIES[1]


def _holds_times(feature: FeatureStatistics) -> bool:
    numbers = feature.numerical_statistics
    if numbers is None or numbers.min is None or numbers.max is None:
        return False
    return any(
        _EPOCHS[0] <= numbers.min / unit < numbers.max / unit <= _EPOCHS[1]
        and numbers.max - numbers.min <= _LONGEST * unit
        for unit in _UNITS
    )
