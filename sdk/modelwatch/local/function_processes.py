"""The start of a function's process: as a fork of one that has imported what functions import, where forks are safe.

Importing takes most of the time of a cold start, and each function has several processes. Elsewhere than on Linux a
process that was forked may fail in the system's libraries, so there each one is started afresh.

A stack leaves what its functions were forked from for the next stack of the same Python process, such as that of the
next test: until Python ends, a few of them wait, each with some 90 MB.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

_IN_FUNCTIONS = Path(__file__).with_name("in_functions")
WITHOUT_NATIVE_CLIENT = Path(__file__).with_name("without_native_client")
# Folders that a process needs on its path in addition to the installed packages.
RUNTIME_FOLDERS = (_IN_FUNCTIONS,) if find_spec("runtime_client") else (_IN_FUNCTIONS, WITHOUT_NATIVE_CLIENT)

CAN_FORK = sys.platform == "linux"
# What Python reads when it starts, and modules when they are imported, in addition to PYTHON...: where it is the same,
# processes can be forks of one.
_READ_AT_START = ("AWS_EXECUTION_ENV", "LANG", "PATH", "TZ")
MOST_LEFT = 4  # the app needs two: one for functions with its layer, one for the image


class FunctionProcess(Protocol):
    """A process of a function, which leads a process group of its own."""

    @property
    def pid(self) -> int:
        """Its id."""

    def wait(self) -> int:
        """Wait until it ends; return its exit status, negative for the signal that ended it."""


class FunctionProcesses:
    """Starts the processes of functions."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._prepared: dict[tuple[tuple[str, str], ...], _PreparedProcess] = {}

    def start(self, handler: str, *, root: Path, variables: Mapping[str, str], log: Path) -> FunctionProcess:
        """Start a process of a handler.

        Parameters
        ----------
        handler : str
            ``module.function``.
        root : Path
            Its working directory.
        variables : Mapping
            Its complete environment.
        log : Path
            The file that its output is appended to.

        Raises
        ------
        OSError
            If it cannot be started.
        """
        if not CAN_FORK:
            return start_fresh(handler, root=root, variables=variables, log=log)
        shared = {name: value for name, value in variables.items() if name in _READ_AT_START or name[:6] == "PYTHON"}
        return self._prepared_for(shared, log).start(handler, root=root, variables=variables, log=log)

    def _prepared_for(self, variables: dict[str, str], log: Path) -> _PreparedProcess:
        key = tuple(sorted(variables.items()))
        with self._lock:
            prepared = self._prepared.pop(key, None) or _LEFT.pop(key, None)
            if prepared is not None and prepared.has_ended:
                prepared.close()
                prepared = None
            self._prepared[key] = prepared or _PreparedProcess(variables, log)
            return self._prepared[key]

    def close(self) -> None:
        """End all forks that still run, and leave what they are forks of for the next one of these objects."""
        with self._lock:
            for key, prepared in self._prepared.items():
                prepared.end_forks()
                if key in _LEFT:
                    prepared.close()
                else:
                    _LEFT[key] = prepared
            self._prepared.clear()
        _end_left(MOST_LEFT)


def start_fresh(handler: str, *, root: Path, variables: Mapping[str, str], log: Path) -> FunctionProcess:
    """Start a process that shares nothing with another; see `FunctionProcesses.start`."""
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - our own interpreter, the template's own handler
            [sys.executable, "-m", "function_process", handler],
            cwd=root,
            env=dict(variables),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


class _Fork:
    """A function's process that was forked."""

    def __init__(self, pid: int, status: Future[int]) -> None:
        self.pid, self._status = pid, status

    def wait(self) -> int:
        """Wait until it ends."""
        return self._status.result()


class _PreparedProcess:
    """The other end of ``in_functions/prepared_process.py``; why that fails is in the log of the first function."""

    def __init__(self, variables: Mapping[str, str], log: Path) -> None:
        self._connection, theirs = socket.socketpair()
        with theirs, log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter
                [sys.executable, str(_IN_FUNCTIONS / "prepared_process.py"), str(theirs.fileno())],
                env=dict(variables),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._lock, self._ended = threading.Lock(), False
        self._responses: list[Future[_Fork]] = []
        self._running: dict[int, Future[int]] = {}
        self._reader = threading.Thread(target=self._read, name="forks", daemon=True)
        self._reader.start()

    @property
    def has_ended(self) -> bool:
        """Whether it can be forked no more."""
        return self._ended

    def start(self, handler: str, *, root: Path, variables: Mapping[str, str], log: Path) -> FunctionProcess:
        """Fork a process."""
        request = {"handler": handler, "root": str(root), "variables": dict(variables), "log": str(log)}
        response: Future[_Fork] = Future()
        with self._lock:
            self._responses.append(response)
            self._connection.sendall(json.dumps(request).encode() + b"\n")
        return response.result()

    def end_forks(self) -> None:
        """Kill the forks that still run."""
        with self._lock:
            for pid in self._running:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)

    def close(self) -> None:
        """End it; it ends its forks."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)
        self._process.wait()
        self._reader.join()
        self._connection.close()

    def _read(self) -> None:
        with self._connection.makefile("rb") as lines, contextlib.suppress(ConnectionError):
            for line in lines:
                self._take(json.loads(line))
        self.end_forks()
        with self._lock:
            self._ended = True
            for response in self._responses:
                response.set_exception(ChildProcessError("the process that functions are forked from ended"))
            for status in self._running.values():
                status.set_result(-signal.SIGKILL)

    def _take(self, message: dict[str, Any]) -> None:
        with self._lock:
            match message:
                case {"started": pid}:
                    self._running[pid] = Future()
                    self._responses.pop(0).set_result(_Fork(pid, self._running[pid]))
                case {"ended": pid, "status": ended}:
                    self._running.pop(pid).set_result(ended)
                case {"error": error}:
                    self._responses.pop(0).set_exception(OSError(error))


_LEFT: dict[tuple[tuple[str, str], ...], _PreparedProcess] = {}
"""What functions of stacks that were closed were forked from, the last one last."""


def _end_left(most: int = 0) -> None:
    """End what was left, but for the last ones."""
    while len(_LEFT) > most:
        _LEFT.pop(next(iter(_LEFT))).close()


@atexit.register
def _end_all_left() -> None:
    with contextlib.suppress(KeyboardInterrupt):  # then they end on their own, with their connections
        _end_left()


if CAN_FORK:
    os.register_at_fork(after_in_child=_LEFT.clear)  # they are children of the process that was forked
