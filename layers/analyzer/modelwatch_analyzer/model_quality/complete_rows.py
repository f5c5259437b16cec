"""Rows that have a label and a prediction; what is left out is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwatch_analyzer.model_quality.columns import Columns
from modelwatch_analyzer.profile.probability import ROUNDED_PROBABILITY, require_probabilities
from modelwatch_analyzer.profile.spelling import cleaned
from modelwatch_analyzer.profile.unusual_spellings import count_spellings, number_advice
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.number_text import count_text, left_out_text


@dataclass(slots=True)
class CompleteRows:
    """Leaves out rows that lack a label or a prediction, and counts them."""

    columns: Columns
    rows: int = 0
    unlabelled: int = 0
    without_prediction: int = 0
    spelled_missing: int = 0
    rounded: int = 0
    not_numeric: Counter[str] = field(default_factory=Counter)
    spellings: Counter[str] = field(default_factory=Counter)

    def of(self, batch: pl.DataFrame, numeric: tuple[str, ...] = ()) -> pl.DataFrame:
        """Return the rows that have everything, with some columns as finite numbers."""
        label = self.columns.label
        nulls = sum(batch[name].null_count() for name in self.columns.all)
        batch = batch.with_columns(cleaned(batch[name]) for name in self.columns.all)
        self.spelled_missing += sum(batch[name].null_count() for name in self.columns.all) - nulls
        unlabelled = batch[label].null_count()
        self.unlabelled += unlabelled
        if unlabelled:
            batch = batch.drop_nulls(label)
        complete = batch.drop_nulls(list(self.columns.all))
        self.without_prediction += batch.height - complete.height
        numbers = complete.with_columns(_number(complete[name]) for name in dict.fromkeys(numeric))
        for name in dict.fromkeys(numeric):
            if unread := numbers[name].null_count():
                self.not_numeric[name] += unread
                self.spellings += _spellings(complete[name].filter(numbers[name].is_null()))
        complete = numbers.drop_nulls(list(numeric)) if numeric else numbers
        self.rows += complete.height
        return complete

    def probabilities(self, rows: pl.DataFrame, column: str) -> NDArray[np.float64]:
        """Return a column of complete rows as probabilities; what rounding put outside [0, 1] is clipped and counted.

        Raises
        ------
        InvalidInput
            ``ProbabilityOutOfRange``.
        """
        values = rows[column].to_numpy()
        require_probabilities(values, column)
        inside = values.clip(0.0, 1.0)
        self.rounded += int(np.count_nonzero(inside != values))
        return inside

    def merge(self, other: CompleteRows) -> CompleteRows:
        """Return the counts of both."""
        return CompleteRows(
            self.columns,
            self.rows + other.rows,
            self.unlabelled + other.unlabelled,
            self.without_prediction + other.without_prediction,
            self.spelled_missing + other.spelled_missing,
            self.rounded + other.rounded,
            self.not_numeric + other.not_numeric,
            self.spellings + other.spellings,
        )

    def require_rows(self) -> None:
        """Refuse an evaluation without rows.

        Raises
        ------
        InvalidInput
            ``ValuesNotNumeric``, ``NoPredictions`` or ``GroundTruthNotFound``.
        """
        if self.rows:
            return
        not_numeric = sum(self.not_numeric.values())
        if not_numeric:
            named = ", ".join(repr(name) for name, count in self.not_numeric.items() if count)
            message = f"no row of {named} holds a number: check the problem type and the attributes"
            raise InvalidInput("ValuesNotNumeric", message + number_advice(self.spellings))
        if self.without_prediction:
            read = count_text(self.without_prediction, "labelled row")
            message = f"no row has a prediction or probability ({read}): check the attributes and the model's responses"
            raise InvalidInput("NoPredictions", message)
        message = f"no row has a label in the column {self.columns.label!r} ({count_text(self.unlabelled, 'row')} read)"
        raise InvalidInput("GroundTruthNotFound", f"{message}: check the attribute, and whether labels have arrived")

    def warnings(self) -> Iterator[str]:
        """Yield a sentence for each reason to leave rows out."""
        if self.unlabelled:
            yield left_out_text(self.unlabelled, "row", "without a label")
        if self.without_prediction:
            yield left_out_text(self.without_prediction, "row", "without a prediction or probability")
        if self.spelled_missing:
            yield f"{self.spelled_missing} of the missing values are written out, such as nan or None"
        for name, count in self.not_numeric.items():
            if count:
                left_out = left_out_text(count, "row", f"whose {name!r} is not a number")
                yield left_out + number_advice(self.spellings)
        if self.rounded:
            yield (
                f"{self.rounded:,} of the probabilities are outside [0, 1] by rounding, by at most "
                f"{ROUNDED_PROBABILITY:g} or a half float's step, and count as 0 or 1"
            )


def _spellings(column: pl.Series) -> Counter[str]:
    if column.dtype != pl.String:
        return Counter()
    return count_spellings(column.alias("value").value_counts())


def _number(column: pl.Series) -> pl.Series:
    """Return a column as Float64; whatever is not a finite number becomes null."""
    if column.dtype == pl.String:
        column = column.str.strip_chars().cast(pl.Float64, strict=False)
    column = column.cast(pl.Float64)
    return column.set(~column.is_finite(), None) if column.len() else column
