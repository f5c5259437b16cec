"""The labels that were collected after the predictions, in a table that is searched by key.

The key of a label is its id or, if it has no id, its timestamp. Of labels with the same key the one that was uploaded
last counts. The order is that of the paths of files, which start with the hour of collection, and then of the lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwatch_analyzer.ground_truth.keys import Hashes
from modelwatch_analyzer.ground_truth.label_files import ENCODINGS, LabelBlock, label_blocks
from modelwatch_analyzer.reading.csv_form import UUID_PATTERN
from modelwatch_analyzer.reading.files import SourceFile, source_files
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.number_text import count_text

MAX_EXAMPLES = 3
"""The number of malformed labels that a message describes."""

MOST_IDS = 2
"""The number of ids that are shown on the terminal; messages have none."""

_HOUR = re.compile(r"(?:^|/)(\d{4})/(\d{2})/(\d{2})/(\d{2})/")


@dataclass(frozen=True, slots=True)
class GroundTruth:
    """All labels that were found, with distinct keys: first those with ids, then those with only a time.

    Attributes
    ----------
    ids, times : Hashes
        The keys, in the order of the labels; times are in microseconds since 1970.
    data : polars.Series of String
        The content of each label.
    encodings : numpy.ndarray of uint8
        The encoding of each label, as an index of `ENCODINGS`.
    late : numpy.ndarray of bool
        Whether each label was collected after the end of the window.
    found, duplicates, conflicting : int
        The number of records that were read; of those with the same key and content as another; of those with the same
        key and different content.
    kinds : dict of str to int
        The number of records by the kind of their key, for messages.
    examples : tuple of str
        Two ids, as they are read first.
    """

    ids: Hashes
    times: Hashes
    data: pl.Series
    encodings: NDArray[np.uint8]
    late: NDArray[np.bool_]
    found: int
    duplicates: int
    conflicting: int
    kinds: dict[str, int]
    examples: tuple[str, ...] = ()

    def fragments(self, indices: NDArray[np.int64]) -> list[bytes]:
        """Return labels as the end of a merged record, ``,"groundTruthData":{...}}``, with the line end."""
        pairs = zip(self.encodings[indices].tolist(), self.data.gather(indices).to_list(), strict=True)
        fragments: dict[tuple[int, str], bytes] = {}
        return [fragments.get(pair) or fragments.setdefault(pair, _fragment(*pair)) for pair in pairs]


@dataclass(slots=True)
class _LabelCollector:
    """Collects labels with one kind of key while files are read."""

    keys: list[Hashes] = field(default_factory=list)
    data: list[pl.Series] = field(default_factory=list)
    encodings: list[NDArray[np.uint8]] = field(default_factory=list)
    late: list[NDArray[np.bool_]] = field(default_factory=list)
    found: int = 0

    def add(self, block: LabelBlock, *, late: bool) -> None:
        self.keys.append(Hashes.of(block.keys))
        self.data.append(block.data)
        self.encodings.append(block.encodings)
        self.late.append(np.full(len(block.data), late))
        self.found += len(block.data)

    def distinct(self) -> _DistinctLabels:
        """Keep the last label of each key."""
        keys = Hashes.concatenated(self.keys)
        data = pl.concat([pl.Series(dtype=pl.String), *self.data])
        encodings = np.concatenate([np.empty(0, np.uint8), *self.encodings])
        late = np.concatenate([np.empty(0, bool), *self.late])
        order = keys.order()
        keys = keys[order]
        repeated = keys.repeats_of_next()
        kept = order[~repeated]
        different = self.found
        if repeated.any():
            groups = np.empty(order.size, np.int64)
            groups[order] = np.cumsum(~repeated) - ~repeated
            different = pl.DataFrame({"group": groups, "data": data, "encoding": encodings}).n_unique()
        return _DistinctLabels(keys[~repeated], data.gather(kept), encodings[kept], late[kept], self.found, different)


class _DistinctLabels(NamedTuple):
    """Labels with distinct keys; the number of records, and of those that differ in key or content."""

    keys: Hashes
    data: pl.Series
    encodings: NDArray[np.uint8]
    late: NDArray[np.bool_]
    found: int
    different: int


def read_ground_truth(source: Path, end: datetime | None, log: ReadLog) -> GroundTruth:
    """Read all labels in a file or folder.

    Parameters
    ----------
    source : Path
        Hour folders ``yyyy/mm/dd/hh`` in the paths of files say when the labels were collected.
    end : datetime, optional
        The end of the window.
    log : ReadLog
        Where malformed labels are counted.

    Raises
    ------
    InvalidInput
        ``GroundTruthNotFound`` if there are no labels, ``InvalidGroundTruth`` for a file of neither form, or if no
        label can be parsed.
    """
    by_id, by_time, kinds = _LabelCollector(), _LabelCollector(), dict[str, int]()
    examples: tuple[str, ...] = ()
    for file in _files(source):
        late = _collected_late(file, end)
        for block in label_blocks(file, log):
            has_times = block.keys.dtype != pl.String
            if not has_times and len(examples) < MOST_IDS:
                examples = first_ids((*examples, *block.keys.head(MOST_IDS)))
            (by_time if has_times else by_id).add(block, late=late)
            for kind, count in ({"only a timestamp": len(block.keys)} if has_times else kinds_of(block.keys)).items():
                kinds[kind] = kinds.get(kind, 0) + count
    if not by_id.found + by_time.found:
        if log.malformed:
            reasons = "; ".join(log.malformed_examples[:MAX_EXAMPLES])
            message = f"no label in {source} can be parsed ({count_text(log.malformed, 'label')} read): {reasons}"
            raise InvalidInput("InvalidGroundTruth", message)
        raise _not_found(source, "the files are empty")
    parts = by_id.distinct(), by_time.distinct()
    return GroundTruth(
        ids=parts[0].keys,
        times=parts[1].keys,
        data=pl.concat([part.data for part in parts]),
        encodings=np.concatenate([part.encodings for part in parts]),
        late=np.concatenate([part.late for part in parts]),
        found=sum(part.found for part in parts),
        duplicates=sum(part.found - part.different for part in parts),
        conflicting=sum(part.different - len(part.data) for part in parts),
        kinds=kinds,
        examples=examples,
    )


def first_ids(ids: Iterable[str]) -> tuple[str, ...]:
    """Return the first two that differ."""
    return tuple(dict.fromkeys(ids))[:MOST_IDS]


def kinds_of(ids: pl.Series) -> dict[str, int]:
    """Count ids by their format; messages may contain these counts, but never the ids."""
    uuids = int(ids.str.contains(UUID_PATTERN).sum())
    integers = int(ids.str.contains(r"^\d+$").sum())
    counts = {"a UUID as id": uuids, "an integer as id": integers, "another id": len(ids) - uuids - integers}
    return {kind: count for kind, count in counts.items() if count}


def _files(source: Path) -> tuple[SourceFile, ...]:
    try:
        return source_files(source)
    except InvalidInput as error:
        if error.code in ("DatasetNotFound", "NoData"):
            raise _not_found(source, "there are no files") from None
        raise


def _not_found(source: Path, reason: str) -> InvalidInput:
    message = (
        f"no ground truth labels were found in {source}: {reason}. Upload the labels of the window, use an"
        " earlier window (start_time_offset, end_time_offset), or run this one again when they have been uploaded"
    )
    return InvalidInput("GroundTruthNotFound", message)


def _collected_late(file: SourceFile, end: datetime | None) -> bool:
    hour = _HOUR.search(file.label)
    if hour is None or end is None:
        return False
    try:
        return datetime(*map(int, hour.groups()), tzinfo=UTC) >= end  # type: ignore[arg-type, misc]  # the pattern has four numbers
    except ValueError:
        return False


def _fragment(encoding: int, data: str) -> bytes:
    payload = msgspec.json.encode({"data": data, "encoding": ENCODINGS[encoding]})
    return b',"groundTruthData":' + payload + b"}\n"
