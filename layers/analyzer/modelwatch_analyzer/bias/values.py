"""Which rows belong to a group: values that are listed, or numbers above a threshold.

Whether a column is categorical or continuous is known only once all of it was read. Until then every value is
recorded in both readings, as bits of a small code, so that the rows can be counted in one pass.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from enum import StrEnum

import polars as pl

from modelwatch_analyzer.profile.categories import DistinctCounter
from modelwatch_analyzer.profile.lexical import ColumnType, infer_type
from modelwatch_analyzer.profile.spelling import FIRST_INEXACT_DOUBLE, value_or_truth_name
from modelwatch_analyzer.reading.payloads import is_number

ListedValue = bool | int | float | str
"""A value that a facet or a label may be compared with."""

LISTED, ABOVE, NUMBER = 1, 2, 16
"""The bits of a value's code: it is one of those listed; it is above the threshold; it is a number (if there is a
threshold)."""

_FEW_OTHERS = 0.05
"""If one number is listed and at most this share of the values are not numbers, the column is one of numbers."""

_FEW = 4
"""If values occur more than this often on average, it is faster to look at each distinct one once."""

_UNIQUENESS = 0.05
"""Whole numbers are continuous if at least this share of the values is distinct: smclarify's UNIQUENESS_THRESHOLD."""


class DataType(StrEnum):
    """How a column is read."""

    CATEGORICAL = "categorical"
    CONTINUOUS = "continuous"


def numbers(column: pl.Series) -> pl.Series:
    """Read values as numbers, ``true`` as 1 and ``false`` as 0; whatever is not a finite number becomes null."""
    if column.dtype != pl.String:
        return column.cast(pl.Float64)
    name = column.name
    expression = pl.col(name).str.replace(" ", "", literal=True).cast(pl.Float64, strict=False)
    parsed = column.to_frame().select(pl.when(expression.is_finite()).then(expression).alias(name)).to_series()
    if parsed.null_count() == column.null_count():
        return parsed
    spelled = column.str.to_lowercase()
    return (
        parsed.to_frame()
        .select(
            pl.when(spelled == "true").then(1.0).when(spelled == "false").then(0.0).otherwise(pl.col(name)).alias(name)
        )
        .to_series()
    )


def _number(value: ListedValue) -> float | None:
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return float(value.strip().lower() == "true")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def threshold_of(spelled: str) -> float | None:
    """Return the threshold of a group that is spelled ``(40, 90]``, or None of one that is spelled otherwise."""
    lower, comma, upper = spelled[1:-1].partition(",")
    bracketed = spelled.startswith("(") and spelled.endswith("]") and comma
    return _number(lower) if bracketed and is_number(upper) else None


def group_key(spelled: str) -> str:
    """Return what identifies a group, however a file or a payload writes it.

    Of ``(40, 90]`` the threshold alone, for the maximum is the data's; of ``b,1.0`` what ``b,1`` has too.
    """
    threshold = threshold_of(spelled)
    return ",".join(map(value_or_truth_name, spelled.split(","))) if threshold is None else f"({threshold},"


def named(column: pl.Series) -> pl.Series:
    """Return the values with one name for all spellings of each."""
    unique = column.drop_nulls().unique()
    names = [value_or_truth_name(value) for value in unique]
    return column if names == unique.to_list() else column.replace_strict(unique, names, return_dtype=pl.String)


def named_as(known: Collection[str], spelled: str, *, listed: bool = True) -> str:
    """Return the name of a group that a baseline has for it, so that it is the same in every window.

    Parameters
    ----------
    listed : bool
        Whether the group may be one of several listed values, which are one group in any order. A single value is what
        it is, with its commas.
    """
    for key in (group_key, _members) if listed else (group_key,):
        if same := [each for each in known if key(each) == key(spelled)]:
            return same[0]
    return spelled


def _members(spelled: str) -> frozenset[str]:
    return frozenset(group_key(spelled).split(","))


@dataclass(frozen=True, slots=True)
class Listed:
    """Values of the configuration, and the codes of a column's values by them.

    A value equals a listed one if both have the same text, or are the same number: ``1``, ``1.0`` and ``true`` are.
    What is listed is a value, even if it is spelled as a missing one.
    """

    values: tuple[ListedValue, ...]

    @property
    def threshold(self) -> float | None:
        """The number, if it is a single one."""
        return _number(self.values[0]) if len(self.values) == 1 else None

    @property
    def texts(self) -> tuple[str, ...]:
        """The values as text."""
        return tuple(str(value).strip() for value in self.values)

    def holds(self, number: float) -> bool:
        """Return whether a number is listed."""
        return any(_number(value) == number for value in self.values)

    def codes(self, column: pl.Series) -> pl.Series:
        """Return the code of each value, null where there is none.

        Parameters
        ----------
        column : polars.Series
            Text that is `cleaned`.
        """
        unique = column.unique()
        if len(unique) * _FEW < len(column):
            return column.replace_strict(unique, self._codes(unique), return_dtype=pl.UInt8)
        return self._codes(column)

    def _codes(self, column: pl.Series) -> pl.Series:
        number = numbers(column)
        listed = column.is_in([unicodedata.normalize("NFC", text) for text in self.texts])
        wanted = [found for value in self.values if (found := _number(value)) is not None]
        if wanted:
            equal = number.is_in(wanted).fill_null(value=False)
            if max(map(abs, wanted)) >= FIRST_INEXACT_DOUBLE and equal.any():  # equal doubles may differ as numbers
                names = {value_or_truth_name(str(value)) for value in self.values}
                named_so = column.map_elements(lambda text: value_or_truth_name(text) in names, return_dtype=pl.Boolean)
                equal &= named_so.fill_null(value=False)
            listed |= equal
        codes = listed.cast(pl.UInt8) * LISTED
        if self.threshold is not None:
            codes += (number > self.threshold).fill_null(value=False).cast(pl.UInt8) * ABOVE
            codes += number.is_not_null().cast(pl.UInt8) * NUMBER
        return codes

    def spelled(self, data_type: DataType, maximum: float, *, whole: bool) -> str:
        """Name the group as SageMaker's files do: ``v1,v2``, or ``(threshold, maximum]``.

        Parameters
        ----------
        maximum : float
            The greatest value of the column.
        whole : bool
            Whether the column holds whole numbers only.
        """
        if data_type is DataType.CATEGORICAL or self.threshold is None:
            return ",".join(map(str, self.values))
        lower, upper = self.threshold, max(self.threshold, maximum)
        if whole and lower.is_integer() and upper.is_integer() and not isinstance(self.values[0], float):
            return f"({int(lower)}, {int(upper)}]"
        return f"({lower}, {upper}]"


_FEW_TEXTS = 100


@dataclass(slots=True)
class ColumnFacts:
    """The facts that determine a column's data type; ``update`` with batches, ``merge`` with those of other rows.

    Attributes
    ----------
    type, number_type : ColumnType
        The type of all values, and of those that are numbers.
    present, missing, numeric : int
        Values, nulls, and how many of the values are numbers.
    matched : bool
        Whether any value is one of those listed.
    examples : tuple of str
        The first two values by text.
    texts : frozenset of str, optional
        All values, where they are few; None where there are more than 100.
    """

    type: ColumnType = ColumnType.UNKNOWN
    number_type: ColumnType = ColumnType.UNKNOWN
    present: int = 0
    missing: int = 0
    numeric: int = 0
    minimum: float = math.inf
    maximum: float = -math.inf
    matched: bool = False
    examples: tuple[str, ...] = ()
    texts: frozenset[str] | None = frozenset()
    distinct: DistinctCounter = field(default_factory=DistinctCounter)
    distinct_others: DistinctCounter = field(default_factory=DistinctCounter)

    def update(self, column: pl.Series, codes: pl.Series | None = None) -> None:
        """Take in a batch of String, and the codes of its values where some are listed."""
        unique = column.drop_nulls().unique()
        number = numbers(unique)
        found = infer_type(unique)
        self.type = self.type.combine(found)
        if found is not ColumnType.STRING:
            self.number_type = self.number_type.combine(found)
            self.numeric += len(column) - column.null_count()
        elif number.null_count() < len(number):
            self.number_type = self.number_type.combine(infer_type(unique.filter(number.is_not_null())))
            others = unique.filter(number.is_null())
            self.numeric += len(column) - column.null_count() - int(column.is_in(others.implode()).sum())
            self.distinct_others.update(others)
        else:
            self.distinct_others.update(unique)
        self.present += len(column) - column.null_count()
        self.missing += column.null_count()
        self.distinct.update(unique)
        self.examples = _first_two((*self.examples, *_least_two(unique)))
        self.texts = _if_few(self.texts, frozenset(unique) if len(unique) <= _FEW_TEXTS else None)
        self.matched |= codes is not None and bool(((codes & LISTED) > 0).any())
        number = number.drop_nulls()
        if len(number):
            self.minimum = min(self.minimum, float(number.min()))  # type: ignore[arg-type]  # polars types it as any literal
            self.maximum = max(self.maximum, float(number.max()))  # type: ignore[arg-type]  # polars types it as any literal

    def merge(self, other: ColumnFacts) -> ColumnFacts:
        """Return what both hold; neither changes."""
        return ColumnFacts(
            type=self.type.combine(other.type),
            number_type=self.number_type.combine(other.number_type),
            numeric=self.numeric + other.numeric,
            present=self.present + other.present,
            missing=self.missing + other.missing,
            minimum=min(self.minimum, other.minimum),
            maximum=max(self.maximum, other.maximum),
            matched=self.matched or other.matched,
            examples=_first_two((*self.examples, *other.examples)),
            texts=_if_few(self.texts, other.texts),
            distinct=self.distinct.merge(other.distinct),
            distinct_others=self.distinct_others.merge(other.distinct_others),
        )

    @property
    def others(self) -> int:
        """How many values are no numbers."""
        return self.present - self.numeric

    @property
    def are_probabilities(self) -> bool:
        """Whether the values may be probabilities: numbers with decimals within [0, 1]."""
        return self.type is ColumnType.FRACTIONAL and self.minimum >= 0 and self.maximum <= 1

    def type_for(self, listed: Collection[ListedValue]) -> ColumnType:
        """Return the type of the values; of the numbers alone where a number is listed and few values are none."""
        if len(listed) == 1 and _number(*listed) is not None and self.others <= _FEW_OTHERS * self.present:
            return self.number_type
        return self.type

    def data_type(self, listed: Collection[ListedValue]) -> DataType:
        """Return how the column is read.

        smclarify's rule: text, truth values, and anything of which several values are listed, are categorical; numbers
        with decimals continuous; whole numbers continuous if at least a twentieth of the values is distinct. Ours in
        addition: numbers of at most two distinct values are categorical if the listed value is among them, or none is
        listed. Without that, 0 and 1 would be continuous in any window of up to 40 rows, or if they are spelled 0.0
        and 1.0.
        """
        if len(listed) > 1 or not self.type_for(listed).is_numeric:
            return DataType.CATEGORICAL
        distinct = self.distinct.count - self.distinct_others.count
        if distinct <= 2 and (self.matched or not listed):
            return DataType.CATEGORICAL
        if self.type_for(listed) is ColumnType.FRACTIONAL or distinct >= _UNIQUENESS * self.present:
            return DataType.CONTINUOUS
        return DataType.CATEGORICAL


def _least_two(unique: pl.Series) -> Iterable[str]:
    for _ in range(2):
        least = unique.min()
        if isinstance(least, str):
            yield least
            unique = unique.filter(unique != least)


def _if_few(some: frozenset[str] | None, others: frozenset[str] | None) -> frozenset[str] | None:
    both = None if some is None or others is None else some | others
    return None if both is None or len(both) > _FEW_TEXTS else both


def _first_two(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values))[:2])
