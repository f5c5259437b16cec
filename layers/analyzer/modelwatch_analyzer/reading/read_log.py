"""What happened to the records of a dataset while it was read: counts, examples and remarks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from modelwatch_analyzer.reading.event_ids import EventIds
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.number_text import count_text
from modelwatch_core.domain.outcome import RecordCounts

_PARTITIONS = "folder names hold values of {0!r} ({0}=...), which are not read: write this column into the files"
_MAX_EXAMPLES = 20
_MAX_REASONS = 3
_COUNTS = (
    "objects",
    "bytes",
    "read",
    "captured",
    "malformed",
    "out_of_window",
    "duplicate_events",
    "dropped",
    "with_unread_fields",
)
_MAX_NAMED_COLUMNS = 10
_MAX_HOURS = 48
_MUCH = 0.05
"""If at least this share of the records is malformed, a remark says so."""
_MALFORMED = "{malformed:,} of {records:,} records cannot be parsed and were left out: the results are of the others"
_LATE = "{count:,} records of earlier windows reached S3 after the execution of their window, and are analysed here"


class _Malformed(NamedTuple):
    """A malformed record; see `ReadLog.leave_out`."""

    file: str
    line: int | None
    reason: str
    in_piece: bool

    def behind(self, log: ReadLog) -> _Malformed:
        """Return it as a record behind all that a log has read."""
        if self.line is None or not self.in_piece:
            return self
        return self._replace(line=log.next_line + self.line, in_piece=log.objects == 0)

    def __str__(self) -> str:
        location = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{location}: {self.reason}"


@dataclass(slots=True)
class ReadLog:
    """Counts what happens to the records of a dataset while it is read.

    Attributes
    ----------
    next_line : int
        The number of the line behind what was read of the last file, if it may be a piece. The log of one that starts
        inside of the file numbers lines from 0 on, until it is included in the log of what is before.
    late : Counter of str
        Records that were read although they are of earlier windows, by the hour of their time.
    window : str
        Which window it is that records are out of, if some are.
    events : EventIds, optional
        The events of the records: some of a log of other records may be the same.
    remarks : list of str
        What a reader took the data for where that is not certain, a sentence each, without row values.
    """

    objects: int = 0
    bytes: int = 0
    read: int = 0
    captured: int = 0
    malformed: int = 0
    out_of_window: int = 0
    duplicate_events: int = 0
    dropped: int = 0
    with_unread_fields: int = 0
    encodings: Counter[str] = field(default_factory=Counter)
    late: Counter[str] = field(default_factory=Counter)
    next_line: int = 0
    window: str = field(default="", compare=False)
    events: EventIds | None = field(default=None, repr=False, compare=False)
    remarks: list[str] = field(default_factory=list)
    _malformed: list[_Malformed] = field(default_factory=list)

    @property
    def malformed_examples(self) -> list[str]:
        """Where the first malformed records are, and what is wrong with them."""
        return list(map(str, self._malformed))

    def count_file(self, label: str, size: int) -> None:
        """Count a file of so many bytes; values in the names of its folders, as Spark writes them, are not read."""
        self.objects += 1
        self.bytes += size
        for folder in label.split("/")[:-1]:
            column, is_partition, _ = folder.partition("=")
            remark = _PARTITIONS.format(column)
            if is_partition and column and remark not in self.remarks:
                self.remarks.append(remark)

    def leave_out(self, file: str, line: int | None, reason: str, *, in_piece: bool = False) -> None:
        """Count a malformed record; `reason` says what is wrong with it, without any of its content.

        The line is None if it is not known. It is counted from the start of the file or, in a piece of one, of that.
        """
        self.malformed += 1
        if len(self._malformed) < _MAX_EXAMPLES:
            self._malformed.append(_Malformed(file, line, reason, in_piece))

    def count_late(self, times: Iterable[datetime]) -> None:
        """Count records of earlier windows, by their times."""
        self.late.update(time.astimezone(UTC).strftime("%Y-%m-%dT%H:00Z") for time in times)

    def count_out_of_window(self, count: int, window: str) -> None:
        """Count records that are not read because they are of other windows."""
        self.out_of_window += count
        self.window = window

    def include(self, other: ReadLog) -> None:
        """Add the counts and examples of another log, of what is behind."""
        malformed = [each.behind(self) for each in other._malformed]
        self._malformed = [*self._malformed, *malformed][:_MAX_EXAMPLES]
        self.next_line = other.next_line + (0 if other.objects else self.next_line)
        for name in _COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.encodings.update(other.encodings)
        self.late.update(other.late)
        self.window = self.window or other.window
        if self.events and other.events:
            self.events, repeated = self.events.followed_by(other.events)
            self.duplicate_events += repeated
        else:
            self.events = self.events or other.events
        self.remarks = list(dict.fromkeys([*self.remarks, *other.remarks]))

    def require_records(self) -> None:
        """Raise an error if no record was read.

        Raises
        ------
        InvalidInput
            ``AllMalformed``, ``NoData`` if all records are outside the window, or ``EmptyDataset``.
        """
        if self.read:
            return
        hint = "".join(f"; {remark}" for remark in self.remarks)
        if self.malformed:
            reasons = {example.reason: str(example) for example in reversed(self._malformed)}
            first = "; ".join(list(reversed(reasons.values()))[:_MAX_REASONS])
            raise InvalidInput(
                "AllMalformed", f"no record can be parsed ({count_text(self.malformed, 'record')} read): {first}{hint}"
            )
        if self.out_of_window:
            message = (
                f"no captured record ({self.out_of_window:,} read) is in the window {self.window}: check whether"
                " there was traffic then, and whether the times of the records are right; windows are in UTC"
            )
            raise InvalidInput("NoData", message)
        if self.dropped:
            message = f"the record preprocessor dropped every record ({self.dropped:,})"
            raise InvalidInput("EmptyDataset", f"{message}: let it keep at least one")
        raise InvalidInput("EmptyDataset", f"the dataset has no rows: it needs at least one row below the header{hint}")

    def counts(self) -> RecordCounts:
        """Return the counts in the form of the analysis contract."""
        late = sorted(self.late.items())
        counts = RecordCounts(
            **{name: getattr(self, name) for name in _COUNTS},
            encodings={encoding: count for encoding, count in sorted(self.encodings.items()) if count},
            malformed_examples=tuple(self.malformed_examples),
            late=dict(late[-_MAX_HOURS:]),
        )
        remarks = [*self.remarks]
        if counts.malformed_share >= _MUCH:
            remarks.append(_MALFORMED.format(malformed=counts.malformed, records=counts.total))
        if late:
            remarks.append(f"{_LATE.format(count=self.late.total())}: {_by_hour(late)}")
        return counts.model_copy(update={"remarks": tuple(remarks)})


def _by_hour(counts: list[tuple[str, int]]) -> str:
    shown = ", ".join(f"{count:,} of {hour}" for hour, count in counts[-_MAX_NAMED_COLUMNS:])
    return shown + (" and earlier ones" if len(counts) > _MAX_NAMED_COLUMNS else "")
