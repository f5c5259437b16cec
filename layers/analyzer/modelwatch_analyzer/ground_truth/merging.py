"""Merges predictions and labels into records, in the layout and the format of SageMaker's merge job.

The label of a prediction is the one with its ``inferenceId``. If there is none, it is the one with its ``eventId``, or
else, among labels with only a timestamp, the one with its ``inferenceTime``, or not farther from it than a tolerance.
There must be no other such label, and no other prediction of the window as near to it; otherwise the match is
ambiguous, and the prediction has no label. Several predictions that share an id may have the same label.

Only labels are kept in memory. A merged record is the captured one, byte for byte, with ``groundTruthData`` at its end.
Each folder of captures, ``{endpoint}/{variant}/yyyy/mm/dd/hh``, becomes one file of records with labels, which is empty
if there are none, so that a repeated merge replaces everything that the previous one wrote.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwatch_analyzer.ground_truth.keys import Hashes
from modelwatch_analyzer.ground_truth.labels import MOST_IDS, GroundTruth, first_ids, kinds_of
from modelwatch_analyzer.ground_truth.predictions import PredictionBlock, Predictions
from modelwatch_analyzer.profile.spelling import example_text
from modelwatch_analyzer.reading.files import SourceFile
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.number_text import count_text
from modelwatch_core.domain.outcome import GroundTruthCounts

_PART = "part-00000"


def merged_file_name(start: datetime | None, end: datetime | None) -> str:
    """Return the name of the file of merged records in each folder: that of a window replaces no other window's."""
    window = "".join(f"-{moment:%Y%m%dT%H%M%SZ}" for moment in (start, end) if moment)
    return f"{_PART}{window}.jsonl"


_EXACTLY = timedelta(0)


@dataclass(frozen=True, slots=True)
class Merge:
    """The files that a merge has written, and its counts."""

    files: tuple[SourceFile, ...]
    counts: GroundTruthCounts


def merge(
    predictions: Predictions,
    ground_truth: GroundTruth,
    output: Path,
    log: ReadLog,
    *,
    file_name: str = f"{_PART}.jsonl",
    tolerance: timedelta = _EXACTLY,
) -> Merge:
    """Write the predictions that have labels, together with these, below a folder.

    Parameters
    ----------
    predictions : Predictions
        They are read once, or twice if there are labels without ids.
    log : ReadLog
        Where predictions that are left out are counted.
    file_name : str
        The name of the file of merged records in each folder, see `merged_file_name`.
    tolerance : timedelta
        How far from a prediction's time that of its label may be, where labels have no ids.

    Raises
    ------
    InvalidInput
        ``NoMatchingGroundTruth`` if no prediction has a label, ``OutputNotWritable``, and what the reader of the
        predictions raises, such as ``NoData`` if there are none.
    """
    within = tolerance // timedelta(microseconds=1)
    matcher = _Matcher(ground_truth, _unambiguous_times(predictions, ground_truth.times, within), within)
    with _OutputFiles(output, file_name) as files:
        for block in predictions.blocks(log):
            indices = matcher.match(block)
            rows = np.flatnonzero(indices >= 0)
            fragments = ground_truth.fragments(indices[rows])
            pairs = zip(rows.tolist(), fragments, strict=True)
            files.write(block.folder, [_joined(block.lines[row], fragment) for row, fragment in pairs])
        for folder in predictions.folders:
            files.write(folder, [])
    log.read = 0  # the rows are counted when the merged records are read
    if not matcher.predictions:
        _require_predictions(log)
    if not matcher.matched:
        raise _no_match(predictions, ground_truth, matcher)
    return Merge(tuple(files.written.values()), matcher.counts())


class _Matcher:
    """Finds the labels of predictions, and counts matches."""

    def __init__(self, ground_truth: GroundTruth, unambiguous_times: NDArray[np.bool_], within: int) -> None:
        self._ground_truth = ground_truth
        self._unambiguous_times = unambiguous_times
        self._within = within
        self._used = np.zeros(len(ground_truth.data), bool)
        self.predictions = self.matched = self.ambiguous = 0

    def match(self, block: PredictionBlock) -> NDArray[np.int64]:
        """Return the index of the label of each prediction, or -1."""
        labels = self._ground_truth
        indices = _find(labels.ids, block.inference_ids)
        indices = np.where(indices < 0, _find(labels.ids, block.event_ids), indices)
        if self._unambiguous_times.size:
            first, end = labels.times.ranges(block.times(), self._within)
            possible = (indices < 0) & (end > first)
            accepted = possible & (end - first == 1)
            accepted[accepted] = self._unambiguous_times[first[accepted]]
            indices[accepted] = first[accepted] + labels.ids.first.size
            self.ambiguous += int(np.count_nonzero(possible & ~accepted))
        matched = indices[indices >= 0]
        self._used[matched] = True
        self.predictions += indices.size
        self.matched += matched.size
        return indices

    def counts(self) -> GroundTruthCounts:
        """Return the counts of all blocks."""
        return GroundTruthCounts(
            predictions=self.predictions,
            labels=self._ground_truth.found,
            matched=self.matched,
            unlabelled=self.predictions - self.matched,
            without_prediction=int(np.count_nonzero(~self._used)),
            duplicates=self._ground_truth.duplicates,
            conflicting=self._ground_truth.conflicting,
            late=int(np.count_nonzero(self._used & self._ground_truth.late)),
            ambiguous=self.ambiguous,
        )


def _find(labelled: Hashes, keys: pl.Series) -> NDArray[np.int64]:
    if keys.null_count() == len(keys):
        return np.full(len(keys), -1, np.int64)
    found = labelled.find(Hashes.of(keys))
    if keys.has_nulls():
        found[keys.is_null().to_numpy()] = -1
    return found


def _unambiguous_times(predictions: Predictions, times: Hashes, within: int) -> NDArray[np.bool_]:
    """Return for each label without an id whether exactly one prediction was made near its time."""
    size = times.first.size
    changes = np.zeros(size + 1, np.int64)
    if size:
        for block in predictions.blocks(ReadLog()):
            first, end = times.ranges(block.times(), within)
            changes += np.bincount(first, minlength=size + 1) - np.bincount(end, minlength=size + 1)
    return np.equal(np.cumsum(changes[:-1]), 1)


def _joined(line: bytes, ending: bytes) -> bytes:
    return (line if line.endswith(b"}") else line.rstrip())[:-1] + ending


class _OutputFiles:
    """Writes merged records, one file per folder; a file is either complete or does not exist."""

    def __init__(self, output: Path, file_name: str) -> None:
        self._output, self._file_name = output, file_name
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
        """Add lines to the file of a folder, which is the last one that was written to, or a new one.

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
        label = f"{folder}/{self._file_name}".removeprefix("./")
        path = self._output / label
        path.parent.mkdir(parents=True, exist_ok=True)
        self._folder, self._stream = folder, path.with_name(f"{self._file_name}.partial").open("wb")
        self.written[folder] = SourceFile(path, label)

    def _finish(self) -> None:
        if self._stream:
            self._stream.close()
            os.replace(self._stream.name, self.written[self._folder or ""].path)  # noqa: PTH105 (the stream has a name, not a path)
            self._stream = None


def _require_predictions(log: ReadLog) -> None:
    if not (log.malformed or log.out_of_window):
        raise InvalidInput(
            "NoData", "there are no predictions in the window: check that there was traffic and that it was captured"
        )
    log.require_records()


def _no_match(predictions: Predictions, ground_truth: GroundTruth, matcher: _Matcher) -> InvalidInput:
    kinds: dict[str, int] = {}
    examples: tuple[str, ...] = ()
    for block in predictions.blocks(ReadLog()):
        for name, ids in (("inferenceId", block.inference_ids), ("eventId", block.event_ids)):
            examples = first_ids((*examples, *ids.drop_nulls().head(MOST_IDS)))
            for kind, number in kinds_of(ids.drop_nulls()).items():
                key = f"{kind} ({name})"
                kinds[key] = kinds.get(key, 0) + number
    message = (
        f"{count_text(matcher.predictions, 'prediction')} and {count_text(ground_truth.found, 'label')} were found, but"
        " none of them match. Predictions with"
        f" {_list_kinds(kinds)}; labels with {_list_kinds(ground_truth.kinds)}. A label's eventId, or inference_id,"
        " must be the inferenceId that was given with the request, or else the captured eventId; a label with only a"
        " timestamp must have the inferenceTime of exactly one prediction. Check that these are the labels of this"
        " window. If they have not been uploaded yet, run it again once they have (in the app: backfill)."
    )
    tolerance = "--ground-truth-time-tolerance SECONDS (in the app: 'ground_truth_time_tolerance' in the environment)"
    if matcher.ambiguous:
        message += (
            f" By their times, {count_text(matcher.ambiguous, 'prediction')} may have any of several labels, or share"
            f" one: give labels with ids, or a smaller {tolerance}."
        )
    elif ground_truth.times.first.size:
        message += f" If the times differ slightly, give {tolerance}."
    sides = (("predictions", examples), ("labels", ground_truth.examples))
    shown = "; ".join(f"ids of {side}: {example_text(ids)}" for side, ids in sides if ids)
    return InvalidInput("NoMatchingGroundTruth", message, examples=shown)


def _list_kinds(kinds: dict[str, int]) -> str:
    return ", ".join(f"{kind}: {count:,}" for kind, count in kinds.items()) or "no ids"
