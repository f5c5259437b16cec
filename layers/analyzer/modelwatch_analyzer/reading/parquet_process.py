"""Queries of Parquet files in a process of their own: polars ends the process that meets some kinds of damage.

The process is this file. It is told queries on standard input, and answers each on standard output with frames and
then an empty message. Every message follows its length in eight bytes; frames are written as Arrow's IPC.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from typing import IO

import polars as pl
from polars.exceptions import PanicException, PolarsError

_LENGTH_BYTES = 8

Collect = Callable[[pl.LazyFrame, int], Iterator[pl.DataFrame]]
"""Collects a query in batches of at most so many rows, in order; one batch at least, which may be empty."""


class Unreadable(Exception):
    """A query failed, or ended the process."""


@contextmanager
def parquet_process() -> Iterator[Collect]:
    """Run the process for as long as the context lasts; `Unreadable` may be raised by what it collects.

    A query must be collected to its end before the next one begins.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(  # noqa: S603 (the interpreter that runs this)
        [sys.executable, "-s", "-P", __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # where polars tells programmers of damage, at length
        env=environment,
    )
    if process.stdin is None or process.stdout is None:
        raise AssertionError("the pipes were asked for")
    queries, answers = process.stdin, process.stdout

    def collect(query: pl.LazyFrame, rows: int) -> Iterator[pl.DataFrame]:
        try:
            _send(queries, rows.to_bytes(_LENGTH_BYTES, "big") + query.serialize())
            while message := _receive(answers):
                yield pl.read_ipc(BytesIO(message))
        except (BrokenPipeError, EOFError):
            raise Unreadable from None

    try:
        yield collect
    finally:
        process.kill()  # it may be in the midst of what nobody waits for
        process.wait()
        answers.close()
        with suppress(BrokenPipeError):
            queries.close()


def _serve(queries: IO[bytes], answers: IO[bytes]) -> None:
    with suppress(EOFError, BrokenPipeError, PolarsError, PanicException, OSError):
        while True:
            message = _receive(queries)
            rows, query = int.from_bytes(message[:_LENGTH_BYTES], "big"), BytesIO(message[_LENGTH_BYTES:])
            for batch in _batches(pl.LazyFrame.deserialize(query), rows):
                frame = BytesIO()
                batch.write_ipc(frame, compression="uncompressed")
                _send(answers, frame.getbuffer())
            _send(answers, b"")


def _batches(query: pl.LazyFrame, rows: int) -> Iterator[pl.DataFrame]:
    some = False
    for batch in query.collect_batches(chunk_size=rows, maintain_order=True):
        some = True
        yield batch
    if not some:
        yield query.head(0).collect()


def _send(stream: IO[bytes], message: bytes | memoryview) -> None:
    stream.write(len(message).to_bytes(_LENGTH_BYTES, "big"))
    stream.write(message)
    stream.flush()


def _receive(stream: IO[bytes]) -> bytes:
    size = int.from_bytes(_exactly(stream, _LENGTH_BYTES), "big")
    return _exactly(stream, size)


def _exactly(stream: IO[bytes], size: int) -> bytes:
    found = stream.read(size)
    if len(found) < size:
        raise EOFError
    return found


if __name__ == "__main__":
    _serve(sys.stdin.buffer, sys.stdout.buffer)
