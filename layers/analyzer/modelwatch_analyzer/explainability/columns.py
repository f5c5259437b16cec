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
    """Read the features as text, with null where a value is missing; the log says where it is spelled out."""
    names = dict(zip(columns, features, strict=True))
    spelled: Counter[str] = Counter()
    for batch in dataset.batches(Plan(dict.fromkeys(columns, pl.String())), log):
        cells = []
        for column, name in names.items():
            values = batch[column].cast(pl.String).alias(name)
            cells.append(without_missing(values))
            spelled[name] += cells[-1].null_count() - values.null_count()
        yield pl.DataFrame(cells)
    if named := [f"{name!r} ({count})" for name, count in spelled.items() if count]:
        log.remarks.append(
            "values that are spelled as missing, like nan or None, are sent to the model as missing values: "
            f"{enumerated(named)}"
        )


def numeric_columns(table: pl.DataFrame) -> list[bool]:
    """Return which columns of text hold numbers wherever they hold anything."""
    parsed = table.cast(pl.Float64, strict=False)
    return [bool((table[name].is_null() | parsed[name].is_finite().fill_null(False)).all()) for name in table.columns]
