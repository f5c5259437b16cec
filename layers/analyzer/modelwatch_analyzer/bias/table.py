"""Counting rows by facet, group, label and prediction: mergeable, in one pass, whatever the columns turn out to be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from modelwatch_analyzer.bias.flips import FlipSample
from modelwatch_analyzer.bias.values import NUMBER, ColumnFacts, Listed, named, numbers
from modelwatch_analyzer.parts import FIRST, Place
from modelwatch_analyzer.profile.probability import require_probabilities
from modelwatch_analyzer.profile.spelling import cleaned
from modelwatch_analyzer.profile.unusual_spellings import count_spellings
from modelwatch_analyzer.request_rows import RequestRows
from modelwatch_core.domain.errors import InvalidInput

SCORED, UNSCORED = 4, 8
"""The bits that say whether the probability of a prediction is above the threshold: it is; it is not."""

MOST_VALUES = 100
"""The most values of a facet for which none is listed: each becomes a group of its own."""

MOST_GROUPS = 1000
"""The most values of the group variable."""

_AT_ONCE = 1 << 16
"""Small batches are joined up to this many rows."""

_NO_TEXT = pl.Series([None], dtype=pl.String)
_KEYS = ("facet", "group", "label", "predicted")


@dataclass(frozen=True, slots=True)
class Prediction:
    """Which columns hold the predictions.

    Attributes
    ----------
    labels : tuple of str
        Columns of predicted labels: one, or one for each of several probabilities.
    scores : tuple of str
        Columns of probabilities: one, which is compared with the threshold; or several, of which the greatest gives
        the label.
    guessed : bool
        Whether the one column may be either, which its values decide.
    classes : tuple of str
        The label of each of several probabilities, where no column holds it.
    """

    labels: tuple[str, ...] = ()
    scores: tuple[str, ...] = ()
    threshold: float = 0.5
    guessed: bool = False
    classes: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that are read for it."""
        return tuple(dict.fromkeys((*self.labels, *self.scores)))

    def read(self, batch: pl.DataFrame) -> tuple[pl.Series | None, pl.Series | None]:
        """Return the predicted label of each row, as it is spelled, and its probability."""
        if len(self.scores) > 1:
            return self._most_probable(batch), None
        label = batch[self.labels[0]] if self.labels else None
        return label, self._probabilities(batch[self.scores[0]]) if self.scores else None

    def unread(self, batch: pl.DataFrame) -> pl.DataFrame:
        """Return the columns of probabilities with what is no finite number, and null elsewhere."""
        scores = () if self.guessed else self.scores
        unread = (batch[name].cast(pl.String).zip_with(numbers(batch[name]).is_null(), _NO_TEXT) for name in scores)
        return pl.DataFrame(list(unread))

    def _probabilities(self, column: pl.Series) -> pl.Series:
        scores = numbers(column)
        if not self.guessed:
            require_probabilities(scores.drop_nulls().to_numpy(), column.name)
        return scores

    def _most_probable(self, batch: pl.DataFrame) -> pl.Series:
        read = self._probabilities if self.classes else numbers
        scores = np.column_stack([read(batch[name]).fill_null(np.nan).to_numpy() for name in self.scores])
        known = ~np.isnan(scores).any(axis=1)
        chosen = np.where(known, np.nan_to_num(scores).argmax(axis=1), -1)
        label = pl.lit(None, pl.String())
        for index, each in enumerate((*map(pl.col, self.labels), *map(pl.lit, self.classes))):
            label = pl.when(pl.Series(chosen == index)).then(each).otherwise(label)
        return batch.select(label.alias("predicted")).to_series()


@dataclass(frozen=True, slots=True)
class BiasColumns:
    """The columns of a dataset that a bias analysis reads.

    Attributes
    ----------
    label : str, optional
        The column of the labels; None where there are predictions alone.
    facets : dict of str to (str, Listed)
        The column of each facet, and the values of it that are listed.
    features : tuple of str
        What the flip test compares; none where it is not requested.
    """

    label: str | None
    positive: Listed
    facets: Mapping[str, tuple[str, Listed]]
    group: str | None = None
    prediction: Prediction | None = None
    features: tuple[str, ...] = ()

    @property
    def predicted(self) -> str:
        """The columns of predictions, as messages name them."""
        return ", ".join(self.prediction.columns) if self.prediction else ""

    @property
    def dtypes(self) -> dict[str, pl.DataType]:
        """The type that each is read as."""
        read: dict[str, pl.DataType] = {name: pl.Float64() for name in self.features}
        if self.prediction:
            read |= {name: pl.Float64() for name in self.prediction.scores}
            read |= {name: pl.String() for name in self.prediction.labels}
        spelled = [self.label, *(column for column, _ in self.facets.values()), self.group]
        return read | {name: pl.String() for name in spelled if name is not None}


@dataclass(slots=True)
class BiasTable:
    """The counts of the rows; ``update`` with batches in row order, ``merge`` with that of other rows.

    Attributes
    ----------
    facets : dict of str to polars.DataFrame
        The combinations of facet, group, label and prediction that occur, and their ``rows``, by facet. Labels,
        predictions and facets with listed values are codes, see `Listed.codes`; other facets are spelled.
    label, predicted : ColumnFacts
        What is known of the rows' labels and predicted labels.
    unlabelled, unpredicted : int
        Rows that were left out because they have no label, or no prediction.
    unread : int
        Those of the unpredicted rows whose probability is no finite number.
    spellings : Counter of str
        How these are spelled, see `count_spellings`.
    spelled_missing : int
        Values that are missing because of their spelling.
    sample : FlipSample, optional
        Rows for the flip test.
    requests : RequestRows
        The counted rows by their requests, with the code of each facet under its place.
    """

    columns: BiasColumns
    facets: dict[str, pl.DataFrame] = field(default_factory=dict)
    facet_facts: dict[str, ColumnFacts] = field(default_factory=dict)
    label: ColumnFacts = field(default_factory=ColumnFacts)
    predicted: ColumnFacts = field(default_factory=ColumnFacts)
    unlabelled: int = 0
    unpredicted: int = 0
    unread: int = 0
    spellings: Counter[str] = field(default_factory=Counter)
    spelled_missing: int = 0
    sample: FlipSample | None = None
    requests: RequestRows = field(default_factory=RequestRows)

    @property
    def outcomes(self) -> ColumnFacts:
        """The facts that say how labels are read: those of the labels, or of predictions alone."""
        return self.predicted if self.columns.label is None else self.label

    @classmethod
    def empty(cls, columns: BiasColumns, seed: int, place: Place = FIRST) -> BiasTable:
        """Make one without rows, for a part of a dataset."""
        sample = None
        if columns.features and columns.prediction:
            facets = tuple(column for column, _ in columns.facets.values())
            sample = FlipSample(
                columns.features, facets, np.random.default_rng([seed, place.number] if place.number else seed)
            )
        facts = {name: ColumnFacts() for name in columns.facets}
        return cls(columns, {name: _no_rows() for name in columns.facets}, facts, sample=sample)

    def update(self, batch: pl.DataFrame) -> None:
        """Take in a batch, see `Dataset.batches`.

        Raises
        ------
        InvalidInput
            ``TooManyFacetValues`` or ``TooManyGroups``, naming the column.
        """
        batch = self._cleaned(batch)
        labels = self._labels(batch)
        predicted = self._predictions(batch)
        known = labels.is_not_null() & predicted.is_not_null()
        self.unlabelled += labels.null_count()
        self._count_unpredicted(batch, labels.is_not_null() & predicted.is_null())
        group = (
            named(batch[self.columns.group])
            if self.columns.group
            else pl.repeat(None, batch.height, dtype=pl.String, eager=True)
        )
        outcomes = {"group": group, "label": labels, "predicted": predicted}
        codes = {}
        for name, (column, listed) in self.columns.facets.items():
            codes[name] = listed.codes(batch[column]) if listed.values else batch[column]
            self.facet_facts[name].update(batch[column], codes[name] if listed.values else None)
            rows = pl.DataFrame({"facet": codes[name], **outcomes}).filter(known)
            self.facets[name] = self._added(name, [self.facets[name], rows.group_by(_KEYS).len("rows")])
        places = {str(place): each for place, each in enumerate(codes.values())}
        self.requests.update(batch, lambda: {**places, "label": labels, "predicted": predicted}, known)
        if self.sample is not None:
            marks = {mark_of(name): code for name, code in codes.items()}
            self.sample.update(batch, pl.DataFrame({**marks, "predicted": predicted}), known)

    def _count_unpredicted(self, batch: pl.DataFrame, unpredicted: pl.Series) -> None:
        self.unpredicted += int(unpredicted.sum())
        if self.columns.prediction is None or not unpredicted.any():
            return
        unread = self.columns.prediction.unread(batch.filter(unpredicted))
        self.unread += int(unread.select(pl.any_horizontal(pl.all().is_not_null()).sum()).item()) if unread.width else 0
        for column in unread.iter_columns():
            self.spellings += count_spellings(column.drop_nulls().alias("value").value_counts())

    def merge(self, other: BiasTable) -> BiasTable:
        """Return what both hold; neither changes. The other one's rows come last."""
        return replace(
            self,
            facets={name: self._added(name, [mine, other.facets[name]]) for name, mine in self.facets.items()},
            facet_facts={name: mine.merge(other.facet_facts[name]) for name, mine in self.facet_facts.items()},
            label=self.label.merge(other.label),
            predicted=self.predicted.merge(other.predicted),
            unlabelled=self.unlabelled + other.unlabelled,
            unpredicted=self.unpredicted + other.unpredicted,
            unread=self.unread + other.unread,
            spellings=self.spellings + other.spellings,
            spelled_missing=self.spelled_missing + other.spelled_missing,
            sample=self.sample.merge(other.sample) if self.sample and other.sample else None,
            requests=self.requests.merge(other.requests),
        )

    def _cleaned(self, batch: pl.DataFrame) -> pl.DataFrame:
        """Read text that means that there is no value as such, unless the configuration lists it."""
        kept = {self.columns.label: self.columns.positive.texts} if self.columns.label else {}
        kept |= {column: listed.texts for column, listed in self.columns.facets.values()}
        if self.columns.prediction:
            kept |= dict.fromkeys(self.columns.prediction.labels, self.columns.positive.texts)
        clean = batch.with_columns(cleaned(column, kept.get(column.name, ())) for column in batch.iter_columns())
        lacking = (int(frame.select(pl.sum_horizontal(pl.all().null_count())).item()) for frame in (clean, batch))
        self.spelled_missing += next(lacking) - next(lacking)
        return clean

    def _labels(self, batch: pl.DataFrame) -> pl.Series:
        if self.columns.label is None:
            return _one_outcome(batch.height)
        labels = self.columns.positive.codes(batch[self.columns.label])
        self.label.update(batch[self.columns.label], labels)
        return labels

    def _predictions(self, batch: pl.DataFrame) -> pl.Series:
        prediction = self.columns.prediction
        if prediction is None:
            return _one_outcome(batch.height)
        label, score = prediction.read(batch)
        codes = pl.repeat(0, batch.height, dtype=pl.UInt8, eager=True)
        if label is not None:
            listed = self.columns.positive.codes(label)
            self.predicted.update(label, listed)
            codes = codes + listed
        if score is not None:
            above = score > prediction.threshold
            scored = above.cast(pl.UInt8) * SCORED + (~above).cast(pl.UInt8) * UNSCORED
            codes = codes + (scored.fill_null(0) if prediction.guessed else scored)
        return codes

    def _added(self, facet: str, parts: Iterable[pl.DataFrame]) -> pl.DataFrame:
        total = pl.concat([part.cast(_SCHEMA) for part in parts]).group_by(_KEYS).agg(pl.col("rows").sum())
        column, _ = self.columns.facets[facet]
        for code, key, name, most, fix in (
            ("TooManyFacetValues", "facet", column, MOST_VALUES, "list the ones to analyse, or a threshold"),
            ("TooManyGroups", "group", self.columns.group, MOST_GROUPS, "choose a group variable with fewer"),
        ):
            if total[key].drop_nulls().n_unique() > most:
                raise InvalidInput(code, f"the column {name!r} has more than {most} distinct values: {fix}")
        return total


_SCHEMA = pl.Schema(
    {"facet": pl.String, "group": pl.String, "label": pl.UInt8, "predicted": pl.UInt8, "rows": pl.Int64}
)


def _one_outcome(rows: int) -> pl.Series:
    """Return what stands for labels or predictions that there are none of: negative, however they are read."""
    return pl.repeat(NUMBER, rows, dtype=pl.UInt8, eager=True)


def gathered(batches: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Join small batches, since a table takes in a large one in as many steps as a small one.

    A column may be a number in one batch and text in the next; such batches are not joined.
    """
    waiting: list[pl.DataFrame] = []
    rows = 0
    for batch in batches:
        if waiting and (rows + batch.height > _AT_ONCE or batch.schema != waiting[0].schema):
            yield pl.concat(waiting)
            waiting, rows = [], 0
        waiting.append(batch)
        rows += batch.height
    if waiting:
        yield pl.concat(waiting)


def mark_of(facet: str) -> str:
    """Return the column of the flip test's sample that marks a facet's groups."""
    return f"facet {facet}"


def _no_rows() -> pl.DataFrame:
    return pl.DataFrame(schema=_SCHEMA)
