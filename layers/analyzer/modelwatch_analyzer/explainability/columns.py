"""Which columns of a dataset the model takes as features, and which of them are numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import polars as pl

from modelwatch_analyzer.explainability.config import ExplainabilityConfig
from modelwatch_analyzer.profile.spelling import without_missing
from modelwatch_analyzer.reading.dataset import Dataset, Plan, ReadLog, Role
from modelwatch_analyzer.wording import enumerated
from modelwatch_core.domain.errors import InvalidInput


def features_of(dataset: Dataset, config: ExplainabilityConfig) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the dataset's columns that the model takes, in its order, and their names."""
    label = config.label
    found = dataset.roles.get(Role.FEATURES, dataset.input_columns)
    names = config.headers or dataset.columns
    if isinstance(label, int) and 0 <= label < len(names):
        label = names[label]
    wanted = tuple(name for name in config.headers if name != label)
    if not wanted:
        columns = tuple(name for name in found if name != label)
        if not columns:
            raise InvalidInput(
                "FeaturesNotFound", "the dataset has no column that is a feature: name the features by headers"
            )
        return columns, columns
    if set(wanted) <= set(dataset.columns):
        return wanted, wanted
    if dataset.named or len(found) not in (len(wanted), len(config.headers)):
        lacking = [name for name in wanted if name not in dataset.columns]
        message = (
            f"headers name {len(wanted)} features, and the dataset has no column {', '.join(lacking[:10])}; it has "
        )
        raise InvalidInput("FeaturesNotFound", f"{message}{len(found)}: {', '.join(found[:10])}")
    by_position = dict(zip(wanted if len(found) == len(wanted) else config.headers, found, strict=True))
    return tuple(by_position[name] for name in wanted), wanted


def cells_of(dataset: Dataset, columns: Sequence[str], features: Sequence[str], log: ReadLog) -> Iterator[pl.DataFrame]:
    """Read the features as text, with null where a value is missing; the log says what is spelled unusually."""
    names = dict(zip(columns, features, strict=True))
    spelled, numbers, present = Counter[str](), Counter[str](), Counter[str]()
    for batch in dataset.batches(Plan(dict.fromkeys(columns, pl.String())), log):
        cells = []
        for column, name in names.items():
            values = batch[column].cast(pl.String).alias(name)
            cells.append(without_missing(values))
            spelled[name] += cells[-1].null_count() - values.null_count()
            numbers[name] += int(_are_numbers(cells[-1]).sum())
            present[name] += len(values) - cells[-1].null_count()
        yield pl.DataFrame(cells)
    log.remarks += _remarks(spelled, numbers, present)


def _remarks(spelled: Counter[str], numbers: Counter[str], present: Counter[str]) -> Iterator[str]:
    if named := [f"{name!r} ({count})" for name, count in spelled.items() if count]:
        yield (
            "values that are spelled as missing, like nan or None, are sent to the model as missing values: "
            f"{enumerated(named)}"
        )
    for name, count in numbers.items():
        if 0 < present[name] - count <= count:
            yield (
                f"{name!r} is read as text because of {present[name] - count} of {present[name]} values: the others "
                "are numbers"
            )


def numeric_columns(table: pl.DataFrame) -> list[bool]:
    """Return which columns of text hold numbers wherever they hold anything."""
    return [bool((column.is_null() | _are_numbers(column)).all()) for column in table.iter_columns()]


def _are_numbers(column: pl.Series) -> pl.Series:
    return column.cast(pl.Float64, strict=False).is_finite().fill_null(value=False)
