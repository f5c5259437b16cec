"""Columns that a baseline cannot watch, and why: said when it is made, and at each check again.

Nothing watches the types or the drift of some; the values of others, ids and dates, are never those of the baseline.

The causes are read from ``statistics.json``, also of SageMaker, which lacks the spellings of values, and whether whole
numbers are all different.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice

from modelwatch_analyzer.feature_statistics import MOST_CATEGORIES, FeatureStatistics, InferredType, sketch_of
from modelwatch_analyzer.profile.unusual_spellings import DATE, Spelling, number_option, spelling_aside
from modelwatch_analyzer.wording import enumerated, listed

_MOST_DESCRIBED = 20
_NEARLY_ALL = 0.5
"""A text column is described as one of numbers if more than this share of its values are, however spelled."""

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

_PHRASES: Mapping[Spelling, str] = {
    Spelling.MISSING: "that usually mean a missing value, such as NA or -",
    Spelling.BEYOND_DOUBLE: "beyond the range of a double",
    Spelling.BLANKS_AROUND: "with blanks around the number",
    Spelling.BRACKETS: "in brackets",
    Spelling.LIST_BRACKET: "with one bracket of a list, which was cut at its commas",
    Spelling.PERCENT: "with a per cent sign",
    Spelling.CURRENCY: "with a currency",
    Spelling.THOUSANDS: "with separators of thousands, or a decimal comma",
    Spelling.DECIMAL_COMMA: "with a decimal comma",
    Spelling.OTHER_SIGN_OR_DIGITS: "with a sign or digits of another kind than -0123456789",
    Spelling.QUOTES: "in quotes, or behind an apostrophe",
}

_LEAVE_OUT = (
    "later data usually has different values, which violates the baseline: leave such a column out with "
    "--exclude-features-attribute (in an environment: exclude_features_attribute)"
)


def _missing_option(*words: str) -> str:
    return f"--missing-values {','.join(words)} (in an environment: missing_values={','.join(words)})"


def unwatched(features: Mapping[str, FeatureStatistics]) -> Iterator[str]:
    """Yield a sentence for each column of a baseline that cannot be watched, or for several of them."""
    empty = [f"{name!r} (0 of {_rows(feature)} rows)" for name, feature in features.items() if _is_empty(feature)]
    if empty:
        yield f"there is no value in {enumerated(empty)}: only the completeness of such a column is watched"
    many = [
        f"{name!r} ({feature.distinct_count:,.0f})" for name, feature in features.items() if _has_many_values(feature)
    ]
    if many:
        yield (
            f"text with more than {MOST_CATEGORIES} distinct values: {enumerated(many)}; neither the type nor the "
            "drift of such a column is watched"
        )
    words = [
        f"{name!r} ({count:,} of {feature.string_statistics.common.num_present:,} values)"
        for name, feature in features.items()
        if feature.string_statistics and not why_text(feature) and (count := _missing_words(feature))
    ]
    if words:
        yield (
            f"text that usually means a missing value, such as NA or -, counts as text: {enumerated(words)}; "
            f"leave the value empty where it is missing, or give {_missing_option('usual')}"
        )
    alike = [f"{name!r} ({count})" for name, feature in features.items() if (count := _alike(feature.categories or {}))]
    if alike:
        yield (
            "categories that differ only in blanks around them, case or Unicode form count as different ones: "
            f"{enumerated(alike)}"
        )
    for what, names in _never_the_same(features):
        yield f"{what}: {listed(names)}; {_LEAVE_OUT}"
    described = ((name, cause) for name, feature in features.items() if (cause := why_text(feature)))
    for name, cause in islice(described, _MOST_DESCRIBED):
        yield f"{name!r} is {cause}"
    if more := sum(1 for _ in described):
        yield f"{more} more columns are text although most of their values are numbers"


def why_no_categories(feature: FeatureStatistics | None) -> str:
    """Return why a text feature has no categories to compare; fits after "not measured: "."""
    if feature is not None and feature.string_statistics is None:
        return "its type in the constraints differs from that in the baseline statistics"
    if feature is None or not _has_many_values(feature):
        return f"the baseline statistics hold no categories (more than {MOST_CATEGORIES} are not kept)"
    many = f"it is text with more than {MOST_CATEGORIES} distinct values in the baseline"
    cause = why_text(feature)
    return f"{many}, and {cause}" if cause else many


def why_text(feature: FeatureStatistics, *, in_baseline: bool = True) -> str | None:
    """Return why a column that holds numbers is text, and how to change that; None for all other columns."""
    text = feature.string_statistics
    if text is None or not text.spellings or feature.inferred_type is not InferredType.STRING:
        return None
    present, numbers = text.common.num_present, text.spellings.get(Spelling.NUMBER, 0)
    spelled = {kind: count for kind in _PHRASES if (count := text.spellings.get(kind, 0))}
    missing = spelled.get(Spelling.MISSING, 0)
    if numbers + sum(spelled.values()) - missing <= _NEARLY_ALL * (present - missing):
        return None
    others = present - numbers - sum(spelled.values())
    parts = [f"{count:,} of {present:,} {_PHRASES[kind]}" for kind, count in spelled.items()]
    parts += [f"{others:,} of {present:,} other text"] if others else []
    kept = f"; {numbers:,} of {present:,} are numbers" if numbers else ""
    plain = [kind for kind in spelled if kind not in (Spelling.MISSING, Spelling.BEYOND_DOUBLE)]
    option = number_option(plain)
    words = ["usual"] * bool(missing) + ["inf", "-inf"] * (Spelling.BEYOND_DOUBLE in spelled)
    advice = [f"leave missing values empty, or give {_missing_option(*words)}"] * bool(words)
    advice += ["write numbers as 1234.5" + (f", or give {option}" if option else "")] * bool(plain)
    advice += ["make the baseline again"] * in_baseline
    fix = f": {', and '.join(advice)}" if len(advice) > in_baseline else ""
    # The number of values that are all of one kind is not given twice.
    these = f" ({', '.join(parts)})" if len(parts) > 1 else "".join(f" {_PHRASES[kind]}" for kind in spelled)
    return f"String because of {present - numbers:,} of {present:,} values{these}{kept}{fix}"


def _missing_words(feature: FeatureStatistics) -> int:
    spellings = feature.string_statistics.spellings if feature.string_statistics else None
    return (spellings or {}).get(Spelling.MISSING, 0)


def _alike(categories: Iterable[str]) -> int:
    """Count the categories that have a twin when spelling is left aside."""
    times = Counter(map(spelling_aside, categories))
    return sum(count for count in times.values() if count > 1)


def _rows(feature: FeatureStatistics) -> int:
    described = feature.numerical_statistics or feature.string_statistics
    return described.common.num_present + described.common.num_missing if described else 0


def _is_empty(feature: FeatureStatistics) -> bool:
    return feature.inferred_type is InferredType.UNKNOWN


def _has_many_values(feature: FeatureStatistics) -> bool:
    if feature.calibration is not None and feature.calibration.categories is not None:
        return False  # compared in groups
    return (
        feature.inferred_type is InferredType.STRING
        and not feature.categories
        and (feature.distinct_count or 0) > MOST_CATEGORIES
    )


def _never_the_same(features: Mapping[str, FeatureStatistics]) -> Iterator[tuple[str, list[str]]]:
    """Yield what columns hold whose later values are never those of a baseline, and their names."""
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
