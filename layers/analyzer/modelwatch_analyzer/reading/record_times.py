"""Which records are read, by their time: those of a window, and late ones of the windows before it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import polars as pl

from modelwatch_analyzer.reading.files import SourceFile
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_core.domain.analysis_settings import AnalysisSettings
from modelwatch_core.domain.documents import iso_utc

_EARLIEST, _LATEST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class RecordTimes:
    """The times of the records that are read: ``[start, end)``, and in files that came late all before ``end``.

    Attributes
    ----------
    late_since : datetime, optional
        When the window before was read. A file that was modified later had not been there then, so that its records of
        earlier windows have been read by nobody.
    with_earlier : bool
        Whether earlier records are read.
    """

    start: datetime | None = None
    end: datetime | None = None
    late_since: datetime | None = None
    with_earlier: bool = False

    @classmethod
    def of(cls, settings: AnalysisSettings) -> RecordTimes:
        """Return the times that the settings say."""
        return cls(settings.start_time, settings.end_time, settings.late_since)

    def is_late(self, file: SourceFile) -> bool:
        """Return whether a file was not there yet when the window before was read."""
        return self.late_since is not None and file.modified > self.late_since

    def of_file(self, file: SourceFile) -> RecordTimes:
        """Return the times of the records that are read of a file."""
        return replace(self, with_earlier=True) if self.is_late(file) else self

    def groups(self, files: Iterable[SourceFile]) -> Iterator[tuple[RecordTimes, tuple[SourceFile, ...]]]:
        """Yield the files of which the same times are read, with these times."""
        listed = tuple(files)
        late = frozenset(file.label for file in listed if self.is_late(file))
        for times, group in (
            (self, tuple(file for file in listed if file.label not in late)),
            (replace(self, with_earlier=True), tuple(file for file in listed if file.label in late)),
        ):
            if group:
                yield times, group

    @property
    def first(self) -> datetime:
        """The time from which on records are read."""
        return _EARLIEST if self.with_earlier or self.start is None else self.start

    @property
    def last(self) -> datetime:
        """The time before which records are read."""
        return self.end or _LATEST

    @property
    def window(self) -> str:
        """The window, as messages name it."""
        bounds = (("from", self.start), ("to", self.end))
        return " ".join(f"{word} {iso_utc(moment)}" for word, moment in bounds if moment)

    def earlier(self, times: Iterable[datetime]) -> list[datetime]:
        """Return those of the times of records that are read that are of earlier windows."""
        start = self.start
        return [] if start is None or not self.with_earlier else [time for time in times if time < start]

    def among(self, column: pl.Series, log: ReadLog) -> pl.Series:
        """Return which inference times are those of records that are read; log the others, and the late ones.

        Parameters
        ----------
        column : polars.Series of String
            ISO 8601.
        """
        times = column.str.strptime(pl.Datetime("us", "UTC"), "%+", strict=False)
        for _ in range(times.null_count()):
            log.leave_out(column.name, None, "a row without an inference time, so it belongs to no window")
        inside = times.is_not_null()
        if self.start and not self.with_earlier:
            inside &= (times >= self.start).fill_null(value=False)
        if self.end:
            inside &= (times < self.end).fill_null(value=False)
        log.count_out_of_window(len(times) - int(inside.sum()) - times.null_count(), self.window)
        log.count_late(self.earlier(times.filter(inside)))
        return inside


EVERY_TIME = RecordTimes()
"""Reads records of all times."""
