"""Which columns of a dataset the model takes as features, and which of them are numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

import polars as pl

from modelwatch_analyzer.explainability.config import LABEL_KEYS, ExplainabilityConfig
from modelwatch_analyzer.explainability.documents import Analysis, RunDetails
from modelwatch_analyzer.explainability.requests import TRUTH_WORDS
from modelwatch_analyzer.profile.spelling import without_missing
from modelwatch_analyzer.reading.dataset import Dataset, Plan, Role
from modelwatch_analyzer.reading.find_columns import existing
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_analyzer.reading.responses_first import are_numbered
from modelwatch_analyzer.wording import enumerated, listed
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.monitor_kinds.explainability import ExplainabilitySettings
from modelwatch_core.domain.number_text import count_text

CAPTURED = ("batchTransform", "sagemakerCaptureJson")
"""Formats of payloads, which have no labels: an index counts the columns of training data there."""


def features_of(
    dataset: Dataset,
    config: ExplainabilityConfig,
    settings: ExplainabilitySettings,
    log: ReadLog,
    baseline: Analysis | None = None,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the dataset's columns that the model takes, in its order, and their names.

    Parameters
    ----------
    log : ReadLog
        Gets a remark where the order can only be guessed.
    baseline : Analysis, optional
        What a check is compared with. Columns come in the order of its features; columns without names are paired with
        these by position. If it stores no order, that of `headers` or else of the dataset is taken.

    Raises
    ------
    InvalidInput
        ``FeaturesNotFound``; and ``UnknownColumn`` for a label or an excluded column that a baseline's data lacks.
    """
    known = baseline.features if baseline else ()
    found = dataset.roles.get(Role.FEATURES, dataset.input_columns)
    captured = settings.dataset_format.name in CAPTURED
    others, absent = _others(dataset, config, captured=captured)
    if config.headers:
        pairs = _by_headers(dataset, config, found, others)
    elif known and _are_unnamed(found):
        pairs = _by_position(found, others, known)
        if baseline and not baseline.stored_order:
            log.remarks.append(
                "the baseline does not store the order of its features, so columns without names are paired with them "
                f"in the order of its keys ({listed(known)}), which may not be the model's: list all columns in headers"
            )
    else:
        pairs = {name: name for name in found if name not in others}
    if not pairs:
        message = "no column of the dataset is a feature: list the features in headers"
        raise InvalidInput("FeaturesNotFound", message)
    if absent and not known and settings.features_attribute is None:
        key, wanted = absent[0]
        verb = "names" if key == "excluded_columns" else "is"
        message = f"{key} {verb} {wanted!r}, but the data has no such column; "
        raise InvalidInput("UnknownColumn", message + existing(config.headers or dataset.columns, wanted))
    new = [name for name in pairs if name not in known]
    if known and len(new) == len(pairs):
        message = f"the dataset has none of the {len(known)} features that the baseline explains, {listed(known)}; "
        message += (
            f"{existing(new, known[0])}. Name columns without names in headers, or select features with "
            "features_attribute"
        )
        raise InvalidInput("FeaturesNotFound", message)
    order = (*baseline.stored_order, *new) if baseline and baseline.stored_order else pairs
    names = tuple(name for name in order if name in pairs)
    return tuple(pairs[name] for name in names), names


def _others(
    dataset: Dataset, config: ExplainabilityConfig, *, captured: bool
) -> tuple[dict[str, str], list[tuple[str, str | int]]]:
    """Return which columns or headers are no features, with the key that says so, and what such keys name in vain."""
    others: dict[str, str] = {}
    absent: list[tuple[str, str | int]] = []
    for key, wanted in config.no_features:
        if isinstance(wanted, str) and wanted in (*config.headers, *dataset.columns):
            others[wanted] = key
            continue
        indexed = () if captured and key in LABEL_KEYS else dataset.input_columns
        index = int(wanted) if str(wanted).isdecimal() else max(len(config.headers), len(indexed))
        for columns in (config.headers, indexed):
            if index < len(columns):
                others[columns[index]] = key
                break
        else:
            absent += [] if captured and key in LABEL_KEYS else [(key, wanted)]
    return others, absent


def _are_unnamed(columns: Sequence[str]) -> bool:
    """Return whether columns are known by their position only: by numbers, or as the elements of one list."""
    whole = columns[0].rpartition(".")[0] if columns else ""
    return are_numbered(columns) or [*columns] == [f"{whole}.{index}" for index in range(len(columns))]


def _by_headers(
    dataset: Dataset, config: ExplainabilityConfig, found: Sequence[str], others: Mapping[str, str]
) -> dict[str, str]:
    """Return the columns of the features that headers name: by their names, or else by their position."""
    wanted = [name for name in config.headers if name not in others]
    if set(wanted) <= set(dataset.columns):
        return dict(zip(wanted, wanted, strict=True))
    without_labels = [name for name in config.headers if others.get(name) not in LABEL_KEYS]
    before_label = config.headers[: -1 if config.label is not None else None]  # in JSON, where the label has a path
    for headers in (wanted, without_labels, config.headers, before_label):
        if _are_unnamed(found) and len(headers) == len(found):
            return {name: column for name, column in zip(headers, found, strict=True) if name in wanted}
    lacking = [name for name in wanted if name not in dataset.columns]
    message = f"headers names {count_text(len(wanted), 'feature')}, but the dataset does not have {listed(lacking)}; "
    raise InvalidInput("FeaturesNotFound", f"{message}it has {count_text(len(found), 'column')}, {listed(found)}")


def _by_position(found: Sequence[str], others: Collection[str], known: Sequence[str]) -> dict[str, str]:
    """Return the columns of the baseline's features where columns have no names."""
    for columns in (found, [name for name in found if name not in others]):
        if len(columns) == len(known):
            return dict(zip(known, columns, strict=True))
    message = (
        f"the dataset has {count_text(len(found), 'column')} without names, but the baseline explains "
        f"{count_text(len(known), 'feature')}, {listed(known)}: list all columns in headers, in their order, and those "
        "that are not features in label or excluded_columns"
    )
    raise InvalidInput("FeaturesNotFound", message)


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
            numbers[name] += int(_are_literals(cells[-1]).sum())
            present[name] += len(values) - cells[-1].null_count()
        yield pl.DataFrame(cells)
    log.remarks += _remarks(spelled, numbers, present)


def _remarks(spelled: Counter[str], numbers: Counter[str], present: Counter[str]) -> Iterator[str]:
    if named := [f"{name!r} ({count})" for name, count in spelled.items() if count]:
        yield (
            "values that mean a missing one, such as nan or None, are sent to the model as missing values: "
            f"{enumerated(named)}"
        )
    for name, count in numbers.items():
        if 0 < present[name] - count <= count:
            texts = f"{present[name] - count} of {present[name]} values of {name!r}"
            yield f"{texts} are text, so all are sent as text: the others are numbers"


def numeric_columns(table: pl.DataFrame) -> list[bool]:
    """Return which columns of text hold numbers wherever they hold anything."""
    return [bool((column.is_null() | _are_numbers(column)).all()) for column in table.iter_columns()]


def text_features(table: pl.DataFrame, baseline: RunDetails | None) -> tuple[str, ...]:
    """Return which features JSON requests have as text.

    Parameters
    ----------
    table : DataFrame of str
        The features in the rows that are explained, and in the background.
    baseline : RunDetails, optional
        Decides for its features, so that the model gets the same types whatever a window holds.
    """
    stored, text = baseline.text_features if baseline else None, list[str]()
    for column in table.iter_columns():
        is_text = not (column.is_null() | _are_literals(column)).all() or _are_codes(column)
        if baseline is not None and stored is not None and column.name in baseline.features:
            is_text = column.name in stored
        text += [column.name] if is_text else []
    return tuple(text)


def _are_codes(column: pl.Series) -> bool:
    """Return whether digits are no numbers: all of one width, some after a zero, and more than months and days have."""
    present = column.drop_nulls()
    return bool(
        present.str.starts_with("0").any()
        and present.str.contains("^[0-9]{3,}$").all()
        and present.str.len_bytes().n_unique() == 1
    )


def _are_literals(column: pl.Series) -> pl.Series:
    """Return which values JSON has a type for: numbers, and true and false, as of one-hot features in pandas."""
    return _are_numbers(column) | column.is_in(TRUTH_WORDS).fill_null(value=False)


def _are_numbers(column: pl.Series) -> pl.Series:
    return column.cast(pl.Float64, strict=False).is_finite().fill_null(value=False)
