"""Queries of Parquet files in a process of their own: on some kinds of damage polars aborts the process.

The process runs this file. It reads queries from standard input, and responds on standard output to each with frames
and then an empty message. Every message follows its length in eight bytes; frames are in the Arrow IPC format.
"""

from __future__ import annotations

import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from typing import IO, Any

import polars as pl
from polars.exceptions import PanicException, PolarsError

from modelwatch_analyzer.child_environment import child_environment
from modelwatch_analyzer.child_messages import LENGTH_BYTES, receive, send

Collect = Callable[[pl.LazyFrame, int], Iterator[pl.DataFrame]]
"""Collects a query in batches of at most the given number of rows, in order; there is at least one, perhaps empty."""


class Unreadable(Exception):
    """A query failed, or aborted the process."""


class ParquetProcess:
    """A process for the queries of a dataset.

    It is kept from one context to the next, because starting it takes as long as reading a hundred thousand rows, and
    ends with this object, or with a query that was not collected completely.
    """

    def __init__(self) -> None:
        self._kept: weakref.finalize[Any, Any] | None = None

    def __reduce__(self) -> tuple[type[ParquetProcess], tuple[()]]:
        """Have another process start one of its own."""
        return ParquetProcess, ()

    @contextmanager
    def queries(self) -> Iterator[Collect]:
        """Run the process for the duration of the context at least; collecting a query may raise `Unreadable`.

        A query must be collected completely before the next one starts.
        """
        process = self._take() or _started()
        queries, responses = process.stdin, process.stdout
        if queries is None or responses is None:
            raise AssertionError("the process was started with pipes")
        idle = True

        def collect(query: pl.LazyFrame, rows: int) -> Iterator[pl.DataFrame]:
            nonlocal idle
            idle = False
            try:
                send(queries, rows.to_bytes(LENGTH_BYTES, "big") + query.serialize())
                while message := receive(responses):
                    yield pl.read_ipc(BytesIO(message))
            except (BrokenPipeError, EOFError):
                raise Unreadable from None
            idle = True

        try:
            yield collect
        finally:
            if idle and self._kept is None:
                self._kept = weakref.finalize(self, _end, process)
            else:
                _end(process)

    def _take(self) -> subprocess.Popen[bytes] | None:
        """Return the process that was kept, if there is one and it still runs."""
        kept, self._kept = self._kept, None
        detached = kept.detach() if kept else None
        if detached is None:
            return None
        process: subprocess.Popen[bytes] = detached[2][0]
        if process.poll() is None:
            return process
        _end(process)
        return None


@contextmanager
def parquet_process(kept: ParquetProcess | None = None) -> Iterator[Collect]:
    """Run a process for the duration of the context, by default one of its own; see `ParquetProcess.queries`."""
    with (kept or ParquetProcess()).queries() as collect:
        yield collect


def _started() -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 (the interpreter that runs this)
        [sys.executable, "-s", "-P", __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # where polars writes long backtraces about damage
        env=child_environment(),
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()  # it may still be running a query whose result is not needed
    process.wait()
    for stream in (process.stdout, process.stdin):
        with suppress(BrokenPipeError):
            if stream is not None:
                stream.close()


def _serve(queries: IO[bytes], responses: IO[bytes]) -> None:
    with suppress(EOFError, BrokenPipeError, PolarsError, PanicException, OSError):
        while True:
            message = receive(queries)
            rows, query = int.from_bytes(message[:LENGTH_BYTES], "big"), BytesIO(message[LENGTH_BYTES:])
            for batch in _batches(pl.LazyFrame.deserialize(query), rows):
                frame = BytesIO()
                batch.write_ipc(frame, compression="uncompressed")
                send(responses, frame.getbuffer())
            send(responses, b"")


def _batches(query: pl.LazyFrame, rows: int) -> Iterator[pl.DataFrame]:
    has_batches = False
    for batch in query.collect_batches(chunk_size=rows, maintain_order=True):
        has_batches = True
        yield batch
    if not has_batches:
        yield query.head(0).collect()


if __name__ == "__main__":
    _serve(sys.stdin.buffer, sys.stdout.buffer)
