"""Predictions and labels into merged records, in the layout and the format of SageMaker's merge job.

A prediction has the label of its ``inferenceId``; else that of its ``eventId``; else, of labels that have a timestamp
and no id, the one of its ``inferenceTime``, if no other prediction of the window has the same. One label may belong to
several predictions, if these share an id.

Only labels are held in memory. A merged record is the captured one, byte for byte, with ``groundTruthData`` at its
end. Each folder of captures, ``{endpoint}/{variant}/yyyy/mm/dd/hh``, becomes one file of records with labels, empty
where there are none, so that a merge that is done again replaces all that the one before has written.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwatch_analyzer.ground_truth.keys import Hashes
from modelwatch_analyzer.ground_truth.labels import Labels, kinds_of
from modelwatch_analyzer.ground_truth.predictions import Block, Predictions
from modelwatch_analyzer.reading.dataset import ReadLog
from modelwatch_analyzer.reading.files import SourceFile
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.outcome import GroundTruthCounts

PART = "part-00000.jsonl"
"""The file of merged records in each folder."""


@dataclass(frozen=True, slots=True)
class Merge:
    """What a merge has written."""

    files: tuple[SourceFile, ...]
    counts: GroundTruthCounts


def merge(predictions: Predictions, labels: Labels, output: Path, log: ReadLog) -> Merge:
    """Write the predictions that have labels, with these, below a folder.

    Parameters
    ----------
    predictions : Predictions
        Read once; twice where there are labels without ids.
    log : ReadLog
        Takes note of what is left out of the predictions.

    Raises
    ------
    InvalidInput
        ``NoMatchingGroundTruth`` where no prediction has a label, ``OutputNotWritable``, and what the predictions'
        reader raises, ``NoData`` for one where there are none.
    """
    matcher = _Matcher(labels, _only_ones(predictions, labels.times))
    with _Files(output) as files:
        for block in predictions.blocks(log):
            places = matcher.match(block)
            rows = np.flatnonzero(places >= 0)
            fragments = labels.fragments(places[rows])
            pairs = zip(rows.tolist(), fragments, strict=True)
            files.write(block.folder, [_joined(block.lines[row], fragment) for row, fragment in pairs])
        for folder in predictions.folders:
            files.write(folder, [])
    log.read = 0  # what was read is what the analysis will read of the merged records
    if not matcher.predictions:
        _require_predictions(log)
    if not matcher.matched:
        raise _nothing_in_common(predictions, labels, matcher.predictions)
    return Merge(tuple(files.written.values()), matcher.counts())


class _Matcher:
    """Finds the labels of predictions, and keeps the account."""

    def __init__(self, labels: Labels, only_ones: NDArray[np.bool_]) -> None:
        self._labels = labels
        self._only_ones = only_ones
        self._used = np.zeros(len(labels.data), bool)
        self.predictions = self.matched = 0

    def match(self, block: Block) -> NDArray[np.int64]:
        """Return for each prediction the place of its label, or -1."""
        places = _found(self._labels.ids, block.inference_ids)
        places = np.where(places < 0, _found(self._labels.ids, block.event_ids), places)
        if self._only_ones.size:
            timed = _found(self._labels.times, block.times())
            alone = (places < 0) & (timed >= 0) & self._only_ones[timed]
            places[alone] = timed[alone] + self._labels.ids.first.size
        matched = places[places >= 0]
        self._used[matched] = True
        self.predictions += places.size
        self.matched += matched.size
        return places

    def counts(self) -> GroundTruthCounts:
        """Return the account."""
        return GroundTruthCounts(
            predictions=self.predictions,
            labels=self._labels.found,
            matched=self.matched,
            unlabelled=self.predictions - self.matched,
            without_prediction=int(np.count_nonzero(~self._used)),
            duplicates=self._labels.duplicates,
            conflicting=self._labels.conflicting,
            late=int(np.count_nonzero(self._used & self._labels.late)),
        )


def _found(labelled: Hashes, keys: pl.Series) -> NDArray[np.int64]:
    if keys.null_count() == len(keys):
        return np.full(len(keys), -1, np.int64)
    found = labelled.find(Hashes.of(keys))
    if keys.has_nulls():
        found[keys.is_null().to_numpy()] = -1
    return found


def _only_ones(predictions: Predictions, times: Hashes) -> NDArray[np.bool_]:
    """Tell of each label without an id whether one prediction alone was made at its time."""
    made = np.zeros(times.first.size, np.int64)
    if made.size:
        for block in predictions.blocks(ReadLog()):
            found = _found(times, block.times())
            made += np.bincount(found[found >= 0], minlength=made.size)
    return np.equal(made, 1)


def _joined(line: bytes, ending: bytes) -> bytes:
    return (line if line.endswith(b"}") else line.rstrip())[:-1] + ending


class _Files:
    """Merged records, a file a folder, each there whole or not at all."""

    def __init__(self, output: Path) -> None:
        self._output = output
        self._folder: str | None = None
        self._stream: BinaryIO | None = None
        self.written: dict[str, SourceFile] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        if error is None:
            self._finish()
        elif self._stream:
            self._stream.close()
            Path(self._stream.name).unlink(missing_ok=True)

    def write(self, folder: str, lines: Sequence[bytes]) -> None:
        """Add lines to the file of a folder, the one that was written to last or a new one.

        Raises
        ------
        InvalidInput
            ``OutputNotWritable``.
        """
        try:
            if folder != self._folder and (lines or folder not in self.written):
                self._finish()
                self._start(folder)
            if self._stream:
                self._stream.write(b"".join(lines))
        except OSError as error:
            message = f"{error.filename or self._output} cannot be written: {error.strerror}"
            raise InvalidInput("OutputNotWritable", message) from None

    def _start(self, folder: str) -> None:
        label = f"{folder}/{PART}".removeprefix("./")
        path = self._output / label
        path.parent.mkdir(parents=True, exist_ok=True)
        self._folder, self._stream = folder, path.with_name(f"{PART}.partial").open("wb")
        self.written[folder] = SourceFile(path, label)

    def _finish(self) -> None:
        if self._stream:
            self._stream.close()
            os.replace(self._stream.name, self.written[self._folder or ""].path)  # noqa: PTH105 (a name it is)
            self._stream = None


def _require_predictions(log: ReadLog) -> None:
    if not (log.malformed or log.out_of_window):
        raise InvalidInput("NoData", "there are no predictions in the window: check that there was traffic, captured")
    log.require_records()


def _nothing_in_common(predictions: Predictions, labels: Labels, count: int) -> InvalidInput:
    given: dict[str, int] = {}
    for block in predictions.blocks(ReadLog()):
        for name, ids in (("inferenceId", block.inference_ids), ("eventId", block.event_ids)):
            for kind, number in kinds_of(ids.drop_nulls()).items():
                key = f"{kind} ({name})"
                given[key] = given.get(key, 0) + number
    message = (
        f"none of the {count} predictions has one of the {labels.found} labels. Predictions with {_told(given)};"
        f" labels with {_told(labels.kinds)}. A label's eventId, or inference_id, must be the inferenceId that was"
        " given with the request, or else the captured eventId; a timestamp alone, the inferenceTime of one prediction"
        " and no other. Are these the labels of this window? If its own are still to come, run it again when they are"
        " there (in the app: backfill)."
    )
    return InvalidInput("NoMatchingGroundTruth", message)


def _told(kinds: dict[str, int]) -> str:
    return ", ".join(f"{kind}: {count}" for kind, count in kinds.items()) or "no ids"
