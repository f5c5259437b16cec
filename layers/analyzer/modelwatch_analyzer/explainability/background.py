"""The background rows: given, or cluster centres of the dataset."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwatch_analyzer.explainability.config import InlineRows, ShapConfig
from modelwatch_analyzer.explainability.requests import CSV, JSON, JSON_LINES, parse_rows
from modelwatch_analyzer.reading.payloads import is_number
from modelwatch_analyzer.spread import mean, standard_deviation
from modelwatch_analyzer.wording import listed
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.number_text import count_text

_ITERATIONS = 50
_MEDIA_TYPES = {".json": JSON, ".jsonl": JSON_LINES, ".jsonlines": JSON_LINES}


def given_background(
    config: ShapConfig, read: Callable[[str], bytes | None], features: Sequence[str]
) -> pl.DataFrame | None:
    """Return the baseline rows that the configuration gives; None if it gives none.

    Parameters
    ----------
    read : callable
        Returns the content of an S3 object, see `modelwatch_analyzer.host.Host`.

    Raises
    ------
    InvalidInput
        ``ShapBaselineNotFound``, ``ShapBaselineColumnsDiffer``, ``InvalidAnalysisConfig``.
    """
    baseline = config.baseline
    if baseline is None:
        return None
    if isinstance(baseline, str):
        rows = _file_rows(baseline, read, features)
    elif isinstance(baseline, InlineRows):
        rows = _without_header(parse_rows(baseline.shap_baseline, baseline.mime_type, features), features)
    else:
        rows = [_values(row, features) for row in baseline]
    return table_of(rows, features)


def table_of(rows: Sequence[Sequence[object]], features: Sequence[str]) -> pl.DataFrame:
    """Make a table of the cells of baseline rows as text.

    Raises
    ------
    InvalidInput
        ``ShapBaselineColumnsDiffer``, with the number of the row.
    """
    if not rows:
        raise InvalidInput("ShapBaselineColumnsDiffer", "methods.shap.baseline has no rows: give one, or remove it")
    for number, row in enumerate(rows, 1):
        if len(row) != len(features):
            message = f"row {number} of methods.shap.baseline has {count_text(len(row), 'value')}, but the model has "
            names = f"{count_text(len(features), 'feature')}, {listed(features)}"
            raise InvalidInput("ShapBaselineColumnsDiffer", f"{message}{names}: give one value for each")
    columns = zip(*rows, strict=True)
    return pl.DataFrame(
        {
            name: pl.Series([spelled(value) for value in column], dtype=pl.String)
            for name, column in zip(features, columns, strict=True)
        }
    )


def spelled(value: object) -> str | None:
    """Spell a value of JSON as a cell."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _values(row: Sequence[object] | Mapping[str, object], features: Sequence[str]) -> list[object]:
    if not isinstance(row, Mapping):
        return list(row)
    if set(row) != set(features):
        message = f"a row of methods.shap.baseline must name the features {', '.join(features[:10])}, and nothing else"
        raise InvalidInput("ShapBaselineColumnsDiffer", message)
    return [row[name] for name in features]


def _file_rows(place: str, read: Callable[[str], bytes | None], features: Sequence[str]) -> list[list[object]]:
    try:
        content = read(place) if place.startswith("s3://") else Path(place).read_bytes()
    except OSError:
        content = None
    if content is None:
        raise InvalidInput("ShapBaselineNotFound", f"methods.shap.baseline: there is no file {place}")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInput("ShapBaselineNotFound", f"methods.shap.baseline: {place} is not UTF-8 text") from None
    rows = parse_rows(text, _MEDIA_TYPES.get(PurePosixPath(place).suffix.lower(), CSV), features)
    return _without_header(rows, features)


def _without_header(rows: list[list[object]], features: Sequence[str]) -> list[list[object]]:
    """Return rows in the order of the features; a first one that names all features is a header, and no row.

    A row of numbers may equal names that are numbers, as pandas gives them, so these are never taken for a header.
    """
    first = [str(value) for value in rows[0]] if rows else []
    numbers = [name for name in features if is_number(name)]
    if first == [*features] and len(numbers) < len(features):
        return rows[1:]
    named, wanted = [_as_name(value) for value in first], [_as_name(name) for name in features]
    distinct = len(set(named)) == len(named) and len(set(wanted)) == len(wanted)
    if numbers or not distinct or not set(wanted) <= set(named):
        return rows
    places = [named.index(name) for name in wanted]
    return [[row[place] for place in places] if len(row) == len(named) else row for row in rows[1:]]


def _as_name(value: str) -> str:
    return value.strip().casefold()


def clustered_background(rows: pl.DataFrame, numeric: Sequence[bool], clusters: int, seed: int) -> pl.DataFrame:
    """Return cluster centres of rows, with numbers that occur in them.

    K-means where all features are numbers, k-prototypes (Huang 1998) where some are not: the distance is the squared
    one of standardised numbers, and gamma for each text that differs; gamma is half the mean variance of the
    standardised numbers, that is 0.5. A centre has the mean of its numbers, moved to the nearest value of the column,
    and the most frequent of its texts. Missing numbers count as the column's mean.

    Parameters
    ----------
    rows : DataFrame of str
        The dataset, or a sample of it.
    clusters : int
        How many centres, at most; never more than distinct rows.
    """
    names = [name for name, number in zip(rows.columns, numeric, strict=True) if number]
    texts = [name for name in rows.columns if name not in set(names)]
    numbers = _standardised(rows, names)
    codes = np.stack([rows[name].fill_null("").rank("dense").to_numpy() for name in texts], axis=1) if texts else None
    parts = numbers if codes is None else np.hstack([numbers, codes])
    distinct = np.unique(parts, axis=0, return_index=True)[1]
    members = _assign(parts, len(names), min(clusters, len(distinct)), np.random.default_rng(seed))
    centres = [np.flatnonzero(members == cluster) for cluster in np.unique(members)]
    return pl.DataFrame(
        {
            name: [_nearest(rows[name], of) if number else _mode(rows[name], of) for of in centres]
            for name, number in zip(rows.columns, numeric, strict=True)
        },
        schema=dict.fromkeys(rows.columns, pl.String),
    )


def _standardised(rows: pl.DataFrame, names: Sequence[str]) -> NDArray[np.float64]:
    columns = []
    for name in names:
        values = _scaled(rows[name])
        missing = np.isnan(values)
        values[missing] = 0.0 if missing.all() else mean(values[~missing])
        columns.append((values - mean(values)) / (standard_deviation(values) or 1.0))
    return np.stack(columns, axis=1) if columns else np.zeros((rows.height, 0))


def _scaled(column: pl.Series) -> NDArray[np.float64]:
    """Return numbers divided by the largest magnitude, so that no square overflows or underflows."""
    values = column.cast(pl.Float64)
    return np.asarray(values.to_numpy() / (values.abs().max() or 1.0))


def _assign(parts: NDArray[np.float64], numbers: int, clusters: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Run Lloyd's iterations from centres that are drawn far from one another (k-means++)."""

    def distances(centres: NDArray[np.float64]) -> NDArray[np.float64]:
        apart = np.stack([((parts[:, :numbers] - centre[:numbers]) ** 2).sum(axis=1) for centre in centres], axis=1)
        differ = np.stack([(parts[:, numbers:] != centre[numbers:]).sum(axis=1) for centre in centres], axis=1)
        return apart + 0.5 * differ

    centres = parts[[rng.integers(len(parts))]]
    while len(centres) < clusters:
        far = distances(centres).min(axis=1)
        if not far.any():  # rows that differ, but by so little that no square is left of it
            break
        centres = np.vstack([centres, parts[rng.choice(len(parts), p=far / far.sum())]])
    members: NDArray[np.int64] = distances(centres).argmin(axis=1)
    for _ in range(_ITERATIONS):
        centres = np.stack([_centre(parts[members == c], numbers) for c in np.unique(members)])
        moved = distances(centres).argmin(axis=1)
        if np.array_equal(moved, members):
            break
        members = moved
    return np.asarray(members)


def _centre(parts: NDArray[np.float64], numbers: int) -> NDArray[np.float64]:
    modes = [
        values[counts.argmax()] for values, counts in (np.unique(c, return_counts=True) for c in parts.T[numbers:])
    ]
    return np.concatenate([parts[:, :numbers].mean(axis=0), np.array(modes)])


def _nearest(column: pl.Series, members: NDArray[np.int64]) -> str | None:
    values = _scaled(column)
    inside = values[members]
    if np.isnan(inside).all():
        return None
    place = int(np.nanargmin(np.abs(values - np.nanmean(inside))))
    return str(column[place])


def _mode(column: pl.Series, members: NDArray[np.int64]) -> str | None:
    # Of equally frequent values the first in order is taken, a missing one before all others.
    found = column.gather(members).value_counts().sort("count", column.name, descending=[True, False])
    value = found[column.name][0]
    return None if value is None else str(value)
