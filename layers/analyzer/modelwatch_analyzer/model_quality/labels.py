"""When two labels are the same class, and which class is the positive one.

Spellings of one value are one class, see `modelwatch_analyzer.profile.spelling`. Of two classes the positive one is
``1``, ``true``, ``yes``, ``y`` or ``t``, the negative one ``0``, ``-1``, ``false``, ``no``, ``n`` or ``f``, in any
case; in files they are ``1`` and ``0``, as with the first party.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import lru_cache

import polars as pl

from modelwatch_analyzer.model_quality.confusion import ConfusionMatrix
from modelwatch_analyzer.profile.spelling import (
    exact_number,
    example_text,
    remark_on_alike,
    remark_on_doubles,
    remark_on_words,
    value_name,
)
from modelwatch_analyzer.wording import enumerated
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.number_text import count_text

NEGATIVE, POSITIVE = "0", "1"
MOST_CLASSES = 1000

_SPELLED_POSITIVE = frozenset({"1", "true", "yes", "y", "t"})
_SPELLED_NEGATIVE = frozenset({"0", "-1", "false", "no", "n", "f"})

LabelValue = str | int | float


@lru_cache(2 * MOST_CLASSES, typed=True)  # a matrix of counts names each class a thousand times
def class_of(value: LabelValue) -> str:
    """Return the name of the class of a label or a prediction."""
    return value_name(value if isinstance(value, str) else repr(value))


def binary_class_of(value: LabelValue) -> str | None:
    """Return `POSITIVE`, `NEGATIVE`, or None for what is neither."""
    name = class_of(value).casefold()
    if name in _SPELLED_POSITIVE:
        return POSITIVE
    return NEGATIVE if name in _SPELLED_NEGATIVE else None


def sort_key(name: str) -> tuple[bool, Decimal, str]:
    """Sort classes that are numbers by value and before all others, these by name."""
    number = exact_number(name)
    return number is None, number or Decimal(0), name


class PositiveValues:
    """Which spellings of a column are positive; remembers those that it has seen.

    Parameters
    ----------
    what : str
        What the column holds, for messages: labels or predictions.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._known: dict[LabelValue, bool] = {}

    def merge(self, other: PositiveValues) -> PositiveValues:
        """Return what both have seen."""
        merged = PositiveValues(self._what)
        merged._known = self._known | other._known
        return merged

    def remarks(self) -> Iterator[str]:
        """Say whether -1, which some programs write for an unknown label, was counted besides other negative values."""
        negative = {class_of(value) for value, positive in self._known.items() if not positive}
        if "-1" in negative and len(negative) > 1:
            others = enumerated(sorted(negative - {"-1"}))
            yield (
                f"-1 and {others} are all negative {self._what}: if -1 means that the value is unknown, give "
                "--missing-values -1 (in an environment: missing_values=-1)"
            )

    def among(self, column: pl.Series) -> pl.Series:
        """Return whether each value of a column without nulls is positive.

        Raises
        ------
        InvalidInput
            ``LabelsNotBinary`` where one is neither positive nor negative.
        """
        unique = column.unique()
        if unique.len() > MOST_CLASSES:
            raise self._not_binary(unique.len())
        values = unique.to_list()
        classes = {value: binary_class_of(value) for value in values if value not in self._known}
        neither = sum(name is None for name in classes.values())
        if neither:
            raise self._not_binary(neither)
        self._known |= {value: name == POSITIVE for value, name in classes.items()}
        return column.is_in([value for value in values if self._known[value]])

    def _not_binary(self, distinct: int) -> InvalidInput:
        message = (
            f"the {self._what} of a BinaryClassification must be 0 or 1, false or true, no or yes, but "
            f"{count_text(distinct, 'distinct value')} {'is' if distinct == 1 else 'are'} not. Write classes of other "
            "names as 1 (the positive one) and 0, or choose MulticlassClassification; name probabilities with "
            "probability_attribute; or correct the attribute, if it names the wrong column"
        )
        return InvalidInput("LabelsNotBinary", message)


def require_few(classes: Iterable[str]) -> None:
    """Refuse more classes than a confusion matrix is for.

    Raises
    ------
    InvalidInput
        ``TooManyClasses``.
    """
    number = len(set(classes))
    if number > MOST_CLASSES:
        message = (
            f"labels and predictions have {number:,} distinct values so far, more than {MOST_CLASSES:,} classes: "
            "choose Regression if these are numbers, or correct the attribute that names the wrong column"
        )
        raise InvalidInput("TooManyClasses", message)


def remarks_on_classes(matrix: ConfusionMatrix) -> Iterator[str]:
    """Say where labels and predictions can hardly mean the same classes, and which may be none."""
    yield from remark_on_words("labels or predictions", matrix.labels)
    yield from remark_on_doubles("labels or predictions", matrix.labels)
    if (never_met := matrix.never_met()) is not None:
        actual, predicted = never_met
        yield (
            f"no predicted class ({example_text(predicted)}) is among the labels' classes ({example_text(actual)}), "
            "so nothing is predicted correctly: check that both name classes in the same way, and that the attributes "
            "name the right columns"
        )
    yield from remark_on_alike("classes", matrix.labels)
