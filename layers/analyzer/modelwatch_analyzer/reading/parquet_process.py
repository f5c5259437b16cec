"""Queries of Parquet files in a process of their own: on some kinds of damage polars aborts the process.

The process runs this file. It reads queries from standard input, and responds on standard output to each with frames
and then an empty message. Every message follows its length in eight bytes; frames are in the Arrow IPC format. The
result of the last query is kept, so that its other rows can be asked for without decoding them again.
"""

from __future__ import annotations

import os
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from itertools import pairwise
from typing import IO, Any, Protocol, cast

import polars as pl
from polars.exceptions import ComputeError, PanicException, PolarsError

from modelwatch_analyzer.child_environment import child_environment
from modelwatch_analyzer.child_messages import LENGTH_BYTES, receive, send

_PLACES = range(0, 3 * LENGTH_BYTES, LENGTH_BYTES)
"""Where a message has the numbers that precede a query: most rows of a batch, first row, and the row behind the
last."""
_ALL = (1 << 63) - 1
_PIPE_BYTES = 1 << 20
"""The size of the pipe, if the system allows it: with the default of 64 KiB the two processes wait for each other more
often."""

_MAPS: Any = getattr(pl, "Map", ())
"""The type of maps, which older versions of polars lack."""

_FORGET = b""
"""A message that has no response: nothing more of the last result is needed."""

_Process = subprocess.Popen[bytes]
Collect = Callable[[pl.LazyFrame, int], Iterator[pl.DataFrame]]
"""Collects a query in batches of at most the given number of rows, in order; there is at least one, perhaps empty."""


class CollectRows(Protocol):
    """A `Collect` that can collect some rows only."""

    def __call__(
        self, query: pl.LazyFrame, rows: int, /, *, start: int = 0, stop: int = _ALL
    ) -> Iterator[pl.DataFrame]:
        """Collect the rows of a query's result from one to before another."""


class Unreadable(Exception):
    """A query failed, or aborted the process."""


class _Kept:
    """Keeps a process that waits for a query.

    Parameters
    ----------
    gone : callable
        What is done with the process when this object is gone, or Python ends.
    """

    def __init__(self, gone: Callable[[_Process], None]) -> None:
        self._gone = gone
        self._kept: weakref.finalize[Any, Any] | None = None

    def keep(self, process: _Process) -> None:
        """Keep a process; one that was kept before, perhaps by another thread, ends."""
        later = weakref.finalize(self, _unless_forked, os.getpid(), self._gone, process)
        # In one statement, so that no other thread, and no finalizer, comes in between. So does `take`.
        earlier, self._kept = self._kept, later
        if displaced := _detached(earlier):
            _end(displaced)

    def take(self) -> _Process | None:
        """Return the process that is kept, if there is one and it still runs."""
        kept, self._kept = self._kept, None
        process = _detached(kept)
        if process is None or process.poll() is None:
            return process
        _end(process)
        return None


def _detached(kept: weakref.finalize[Any, Any] | None) -> _Process | None:
    """Return the process that was kept; None if there is none, or it is the child of a process that was forked."""
    detached = kept.detach() if kept else None
    if detached is None:
        return None
    owner, _, process = detached[2]
    if owner == os.getpid():
        return cast("_Process", process)
    _disown(process)
    return None


def _unless_forked(owner: int, gone: Callable[[_Process], None], process: _Process) -> None:
    if owner == os.getpid():
        gone(process)
    else:
        _disown(process)


def _disown(process: _Process) -> None:
    """Leave a process to its parent, from which this one was forked."""
    process.returncode = 0  # so that nothing waits for it
    for stream in (process.stdout, process.stdin):
        if stream is not None:
            stream.close()


class ParquetProcess:
    """A process for the queries of a dataset.

    It is kept from one context to the next, and for the next dataset when this object is gone, because starting it
    takes as long as reading a hundred thousand rows. It ends with a query that was not collected completely.
    """

    def __init__(self) -> None:
        self._kept = _Kept(_leave)

    def __reduce__(self) -> tuple[type[ParquetProcess], tuple[()]]:
        """Have another process start one of its own."""
        return ParquetProcess, ()

    @contextmanager
    def queries(self) -> Iterator[CollectRows]:
        """Run the process for the duration of the context at least; collecting a query may raise `Unreadable`.

        A query must be collected completely before the next one starts.
        """
        running = self._kept.take() or _LEFT.take()
        is_new = running is None
        process = running or _started()
        idle = True

        def collect(query: pl.LazyFrame, rows: int, *, start: int = 0, stop: int = _ALL) -> Iterator[pl.DataFrame]:
            nonlocal idle, is_new, process
            numbers = [number.to_bytes(LENGTH_BYTES, "big") for number in (rows, start, stop)]
            asked, idle = b"".join([*numbers, query.serialize()]), False
            try:
                try:
                    message = _response(process, asked)
                except (BrokenPipeError, EOFError):
                    if is_new:
                        raise
                    _end(process)  # it ended while it waited
                    process = _started()
                    message = _response(process, asked)
                is_new = True
                while message:
                    yield pl.read_ipc(BytesIO(message))
                    message = _response(process)
            except (BrokenPipeError, EOFError):
                raise Unreadable from None
            idle = True

        try:
            yield collect
        finally:
            if idle:
                self._kept.keep(process)
            else:
                _end(process)


def _response(process: _Process, asked: bytes | None = None) -> bytes:
    """Return the next response, after asking something if there is something to ask."""
    if process.stdin is None or process.stdout is None:
        raise AssertionError("the process was started with pipes")
    if asked is not None:
        send(process.stdin, asked)
    return receive(process.stdout)


@contextmanager
def parquet_process(kept: ParquetProcess | None = None) -> Iterator[CollectRows]:
    """Run a process for the duration of the context, by default one of its own; see `ParquetProcess.queries`."""
    with (kept or ParquetProcess()).queries() as collect:
        yield collect


def _started() -> _Process:
    process = subprocess.Popen(  # noqa: S603 (the interpreter that runs this)
        [sys.executable, "-s", "-P", __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # where polars writes long backtraces about damage
        # A zone that polars does not know would end the process; see `_in_known_zones`.
        env={**child_environment(), "POLARS_IGNORE_TIMEZONE_PARSE_ERROR": "1"},
    )
    for pipe in (process.stdin, process.stdout):
        _widen(pipe)
    return process


def _widen(pipe: IO[bytes] | None) -> None:
    """Let a pipe hold more, where the system can do that and allows it: who has many pipes may have no larger ones."""
    with suppress(ImportError, AttributeError, OSError):
        import fcntl

        if pipe is not None:
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def _leave(process: _Process) -> None:
    """Keep a process for the next dataset."""
    if process.stdin is None:
        raise AssertionError("the process was started with pipes")
    try:
        send(process.stdin, _FORGET)
    except BrokenPipeError:
        _end(process)
    else:
        _LEFT.keep(process)


def _end(process: _Process) -> None:
    process.kill()  # it may still be running a query whose result is not needed
    process.wait()
    for stream in (process.stdout, process.stdin):
        with suppress(BrokenPipeError):
            if stream is not None:
                stream.close()


_LEFT = _Kept(_end)
"""The process that the last dataset left for the next one."""


def _serve(queries: IO[bytes], responses: IO[bytes]) -> None:
    message = BytesIO()  # it keeps its memory: the pages of a new one take four times as long as the copy
    held, result = b"", pl.DataFrame()
    with suppress(EOFError, BrokenPipeError, PolarsError, PanicException, OSError):
        while True:
            asked = receive(queries)
            if asked == _FORGET:
                held, result, message = b"", pl.DataFrame(), BytesIO()
                continue
            rows, start, stop = (int.from_bytes(asked[place:][:LENGTH_BYTES], "big") for place in _PLACES)
            query = asked[len(_PLACES) * LENGTH_BYTES :]
            if query != held:
                result = pl.DataFrame()  # before the next one needs memory
                held, result = query, _in_known_zones(pl.LazyFrame.deserialize(BytesIO(query)).collect())
            for batch in _batches(result[start:stop], rows):
                message.seek(0)
                batch.write_ipc(message, compression="uncompressed")
                with message.getbuffer() as written, written[: message.tell()] as frame:
                    send(responses, frame)
            send(responses, b"")


def _in_known_zones(frame: pl.DataFrame) -> pl.DataFrame:
    """Return times in UTC whose zone polars does not know, such as +05:30: it has offsets of whole hours only."""
    known = pl.Schema({name: _in_known_zone(dtype) for name, dtype in frame.schema.items()})
    return frame if known == frame.schema else frame.cast(known)


def _in_known_zone(dtype: Any) -> Any:
    if isinstance(dtype, pl.Datetime):
        return dtype if dtype.time_zone is None or _is_known(dtype.time_zone) else pl.Datetime(dtype.time_unit, "UTC")
    if isinstance(dtype, pl.List):
        return pl.List(_in_known_zone(dtype.inner))
    if isinstance(dtype, pl.Array):
        return pl.Array(_in_known_zone(dtype.inner), dtype.size)
    if isinstance(dtype, _MAPS):
        return _MAPS(_in_known_zone(dtype.key), _in_known_zone(dtype.value))
    if isinstance(dtype, pl.Struct):
        return pl.Struct([pl.Field(field.name, _in_known_zone(field.dtype)) for field in dtype.fields])
    return dtype


def _is_known(zone: str) -> bool:
    try:
        pl.Series(dtype=pl.Datetime()).dt.replace_time_zone(zone)
    except ComputeError:
        return False
    return True


def _batches(frame: pl.DataFrame, rows: int) -> Iterator[pl.DataFrame]:
    """Yield about equal numbers of rows, as few times as possible."""
    count = max(1, -(-frame.height // rows))
    cuts = [frame.height * number // count for number in range(count + 1)]
    for start, stop in pairwise(cuts):
        yield frame[start:stop]


if __name__ == "__main__":
    _serve(sys.stdin.buffer, sys.stdout.buffer)
