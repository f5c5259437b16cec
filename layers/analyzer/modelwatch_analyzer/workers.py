"""Shares some work among several processes of this machine.

This process does a share itself. Each other process runs this module, gets a share and returns its results. Both are
pickled: they pass between this process and children of its own, by pipes that nobody else has, so that no pickle is
read that this code did not write.

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
from queue import SimpleQueue
from threading import Thread
from typing import IO, Any, Protocol, Self

import polars as pl

from modelwatch_analyzer.child_environment import child_environment
from modelwatch_analyzer.child_messages import receive, send
from modelwatch_core.domain.errors import ModelwatchError, Upstream, unforeseen

_SERVE = f"from {__name__} import serve; serve()"
"""The program of a process. It imports this module under the name by which the objects in it are pickled."""


class Share(Protocol):
    """A part of some work that one process does. It can be pickled, and so can its results."""

    def __call__(self, proceed: Callable[[], None] = ...) -> list[Any]:
        """Do it, and return its results; `proceed` is called before each step, and raises an error to end it."""


class WorkerKilled(Upstream, MemoryError):
    """A process was killed, as systems do that run out of memory."""


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

    def give(self, share: Share) -> None:
        """Have a share done."""
        with suppress(BrokenPipeError):  # its end is noticed when its response is wanted
            send(self._shares, pickle.dumps(share, pickle.HIGHEST_PROTOCOL))

    def response(self) -> list[Any]:
        """Wait for the results of the share.

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
        results: list[Any] = response
        return results

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


class Processes:
    """Processes that are started when they are needed, and end with the context."""

    def __init__(self, count: int) -> None:
        self._threads = max(1, pl.thread_pool_size() // count)
        self._running: list[_Process] = []
        self._ends = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()

    def results(self, shares: Sequence[Share]) -> list[Any]:
        """Do the first share in this process, each of the others in one of its own; return the results in order."""
        first, *others = shares
        while len(self._running) < len(others):
            self._running.append(process := _Process(self._threads))
            self._ends.callback(process.end)
        processes = self._running[: len(others)]
        for process, share in zip(processes, others, strict=True):
            process.give(share)

        def require_alive() -> None:
            for process in processes:
                process.require_alive()

        results = first(require_alive)
        for process in processes:
            results += process.response()
        return results


def serve() -> None:
    """Be one of the other processes: respond to the shares that come by standard input."""
    responses = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what is printed is no response
    messages = SimpleQueue[bytes]()
    Thread(target=_receive_all, args=(sys.stdin.buffer, messages), daemon=True).start()
    while True:
        try:
            response: object = pickle.loads(messages.get())()  # noqa: S301 (what our own parent wrote)
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
