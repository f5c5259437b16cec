"""Reads the parts of a dataset in several processes of this machine, with the same result for any number of them.

This process reads a share of the pieces itself. Each other process runs this module and gets a share: tables and how
they are read, and returns what it has merged of them. Both are pickled: they pass between this process and children of
its own, by pipes that nobody else has, so that no pickle is read that this code did not write.

Plain pipes are all that Lambda has. Its functions have no ``/dev/shm``, without which ``multiprocessing`` cannot make
the semaphores of its pools and queues. Children are new processes, not forks: polars has threads, whose locks a fork
would copy in whatever state they are.

Children have no credentials in their environment, and end when this process closes their pipes, however it ends.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from queue import SimpleQueue
from threading import Thread
from typing import IO, Any, Self, TypeVar

import polars as pl

from modelwatch_analyzer.child_environment import child_environment
from modelwatch_analyzer.child_messages import receive, send
from modelwatch_analyzer.parts import Accumulator, Counted, Gather, Node, Reading, merged, one_by_one, root
from modelwatch_analyzer.reading.dataset import Table, pieces_of, shares_of
from modelwatch_core.domain.errors import ModelwatchError, Upstream, unforeseen

_SERVE = f"from {__name__} import serve; serve()"
"""The program of a process. It imports this module under the name by which the objects in it are pickled."""

_LEAST_PIECES = 2
"""A process gets at least this many pieces: reading one piece of CSV, a third of a second, hardly repays starting
it."""
_PARTS_OF_EACH = 2
"""If there are at least this many parts for each process, they are shared out whole, so that each process also finds
the pieces of its own parts."""

A = TypeVar("A", bound=Accumulator)
_Read = Callable[[int, Table], Counted[Any]]


class WorkerKilled(Upstream, MemoryError):
    """A process was killed, as systems do that run out of memory."""


@dataclass(frozen=True, slots=True)
class _Share:
    """Neighbouring tables for a process."""

    read: _Read
    first: int
    tables: Sequence[Table]

    def nodes(self, require: Callable[[], None] = lambda: None) -> list[Node]:
        """Read the tables; before each, what is required is looked at."""

        def read(number: int, table: Table) -> Node:
            require()
            return Node(0, number, self.read(number, table))

        return merged(read(number, table) for number, table in enumerate(self.tables, self.first))


@dataclass(frozen=True, slots=True)
class _Failure:
    """What a process raised. A traceback cannot be sent, and an exception's text may hold values of rows."""

    error: BaseException


class _Process:
    """A process that reads shares."""

    def __init__(self, threads: int) -> None:
        self._process = subprocess.Popen(  # noqa: S603 (the interpreter that runs this)
            [sys.executable, "-s", "-P", "-c", _SERVE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # where polars writes backtraces, and Python values
            env={**child_environment(same_instructions=True), "POLARS_MAX_THREADS": str(threads)},
            start_new_session=True,  # Ctrl-C is for this process, which ends the others
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise AssertionError("the process was started with pipes")
        self._shares, self._responses = self._process.stdin, self._process.stdout

    def give(self, share: _Share) -> None:
        """Have a share read."""
        with suppress(BrokenPipeError):  # its end is noticed when its response is wanted
            send(self._shares, pickle.dumps(share, pickle.HIGHEST_PROTOCOL))

    def response(self) -> list[Node]:
        """Wait for what was read of the share.

        Raises
        ------
        InvalidInput, Upstream, MemoryError, OSError
        """
        try:
            response = pickle.loads(receive(self._responses))  # noqa: S301 (what our own code in our own child wrote)
        except EOFError:
            self._process.wait()
            self.require_alive()
            raise AssertionError("a process that ended is not alive") from None
        if isinstance(response, _Failure):
            raise response.error
        nodes: list[Node] = response
        return nodes

    def require_alive(self) -> None:
        """Raise an error if the process has ended.

        Raises
        ------
        Upstream
            ``WorkerEnded``.
        """
        code = self._process.poll()
        if code is None:
            return
        what = "one of the processes that read the dataset"
        if code == -signal.SIGKILL:
            message = f"{what} was killed, probably because memory ran out: give it more, or read with one process "
            raise WorkerKilled("WorkerEnded", f"{message}(environment variable POLARS_MAX_THREADS=1)")
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        raise Upstream("WorkerEnded", f"{what} {how} before it had finished: try again")

    def end(self) -> None:
        """End the process."""
        self._process.kill()  # it may be reading what is not needed any more; its own children see their pipes closed
        self._process.wait()
        for stream in (self._shares, self._responses):
            with suppress(BrokenPipeError):
                stream.close()


class _Processes:
    """Processes that are started when they are needed, and end with the context."""

    def __init__(self, count: int) -> None:
        self._threads = max(1, pl.thread_pool_size() // count)
        self._running: list[_Process] = []
        self._ends = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()

    def nodes(self, read: _Read, tables: Sequence[Table], count: int) -> list[Node]:
        """Read tables, in as many processes as asked for and this one, and return what is merged, in its order."""
        count = max(1, count)
        while len(self._running) < count - 1:
            self._running.append(process := _Process(self._threads))
            self._ends.callback(process.end)
        others = self._running[: count - 1]
        # The first share, which is read while the others' processes start, is among the largest.
        edges = [-(-len(tables) * number // count) for number in range(count + 1)]
        mine, *theirs = (_Share(read, start, tables[start:end]) for start, end in pairwise(edges))
        for process, share in zip(others, theirs, strict=True):
            process.give(share)

        def require_alive() -> None:
            for process in others:
                process.require_alive()

        nodes = mine.nodes(require_alive)
        for process in others:
            nodes += process.response()
        return nodes


@dataclass(frozen=True, slots=True)
class Workers:
    """Reads the parts of a dataset in several processes, where they are large enough; see `Gather`.

    Parameters
    ----------
    count : int, optional
        The number of processes, this one included; by default as many as polars has threads, which are the CPUs that
        this process may use.
    """

    count: int | None = None

    def __call__(self, reading: Reading[A], parts: Sequence[Table]) -> Counted[A]:
        """Read all parts; a small dataset is read by this process alone.

        Raises
        ------
        InvalidInput
            What the reader of the first part that cannot be read raises.
        Upstream
            ``WorkerEnded`` if a process ended without a response, or ``AnalyzerError``.
        """
        count = self.count or pl.thread_pool_size()
        if count == 1:
            return one_by_one(reading, parts)
        whole = len(parts) >= _PARTS_OF_EACH * count
        pieces = [] if whole else [pieces_of(part) for part in parts]
        wanted = [min(count, len(each) // _LEAST_PIECES) for each in pieces]
        if len(parts) == 1 and wanted[0] < 2:
            return reading.of_pieces(0, pieces[0])
        with _Processes(count) as processes:
            if whole or max(wanted) < 2:
                nodes = processes.nodes(reading, parts, min(count, len(parts)))
            else:
                nodes = []
                for number, each in enumerate(pieces):
                    found = processes.nodes(partial(reading.piece, number, shares_of(each)), each, wanted[number])
                    nodes.append(Node(0, number, root(found)))
            counted: Counted[A] = root(nodes)
            return counted


EVERY_CPU: Gather = Workers()
"""Reads with as many processes as there are CPUs."""


def serve() -> None:
    """Be one of the other processes: respond to the shares that come by standard input."""
    responses = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what is printed is no response
    messages = SimpleQueue[bytes]()
    Thread(target=_receive_all, args=(sys.stdin.buffer, messages), daemon=True).start()
    while True:
        try:
            response: object = pickle.loads(messages.get()).nodes()  # noqa: S301 (what our own parent wrote)
        except Exception as error:
            response = _Failure(_sendable(error))
        send(responses, pickle.dumps(response, pickle.HIGHEST_PROTOCOL))


def _receive_all(shares: IO[bytes], messages: SimpleQueue[bytes]) -> None:
    """Receive shares, and end this process with the one that sends them, whatever it is doing then."""
    try:
        while True:
            messages.put(receive(shares))
    finally:
        os._exit(0)


def _sendable(error: Exception) -> BaseException:
    if isinstance(error, MemoryError):
        return MemoryError()
    if isinstance(error, OSError) and error.errno is not None:
        return OSError(error.errno, os.strerror(error.errno))
    if isinstance(error, ModelwatchError):
        return error
    return unforeseen(error)
