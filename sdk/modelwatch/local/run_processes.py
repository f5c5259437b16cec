"""The processes of this machine that stand for processing jobs and job runs: one for each, which prints into a log."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

_LONGEST_LINE, _LINES_TOGETHER = 2_000, 500
"""The most characters of a line and the most lines of a call: PutLogEvents takes 1 MB."""


class RunProcesses:
    """The processes of runs, by the names of these.

    Parameters
    ----------
    folder : Path
        The folder for the logs.
    log_prefix : str
        How the names of their files begin.
    """

    def __init__(self, folder: Path, log_prefix: str) -> None:
        self._folder, self._log_prefix = folder, log_prefix
        self._lock = threading.Lock()
        self._going_on: dict[str, subprocess.Popen[bytes] | None] = {}
        self._stopped: set[str] = set()

    def begin(self, name: str) -> None:
        """Note a run, which may have no process yet."""
        with self._lock:
            self._going_on[name] = None

    def end(self, name: str) -> None:
        """Note that a run is over."""
        with self._lock:
            del self._going_on[name]

    def stop(self, name: str) -> bool:
        """Stop a run, and return whether it was going on."""
        with self._lock:
            if name not in self._going_on:
                return False
            self._stopped.add(name)
            _kill(self._going_on[name])
        return True

    def is_stopped(self, name: str) -> bool:
        """Return whether a run was stopped."""
        return name in self._stopped

    def status(
        self,
        name: str,
        command: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        seconds: float | None = None,
    ) -> int | None:
        """Run a command, and return its exit status as a shell has it; None where it ran for too long.

        Parameters
        ----------
        folder : Path
            Where it works.
        seconds : float, optional
            How long it may run.
        """
        with self._log_of(name).open("ab") as log, self._lock:
            if name in self._stopped:
                return 128 + signal.SIGKILL
            process = subprocess.Popen(  # noqa: S603 - a program that the user of the stack named
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self._going_on[name] = process
        try:
            status = process.wait(seconds)
        except subprocess.TimeoutExpired:
            _kill(process)
            process.wait()
            return None
        return 128 - status if status < 0 else status

    def log(self, name: str) -> str:
        """Return what a run has printed so far."""
        path = self._log_of(name)
        return path.read_text("utf-8", errors="replace") if path.exists() else ""

    def send_log(self, name: str, logs: Any, group: str, stream: str) -> None:
        """Write what a run has printed into a new stream of CloudWatch Logs."""
        place = {"logGroupName": group, "logStreamName": stream}
        logs.create_log_stream(**place)
        now = int(time.time() * 1000)  # by the machine's clock: moto drops what is hours ahead of it
        lines = [{"timestamp": now, "message": line[:_LONGEST_LINE]} for line in self.log(name).splitlines() if line]
        for first in range(0, len(lines), _LINES_TOGETHER):
            logs.put_log_events(**place, logEvents=lines[first : first + _LINES_TOGETHER])

    def close(self) -> None:
        """Kill all processes."""
        with self._lock:
            for process in self._going_on.values():
                _kill(process)

    def _log_of(self, name: str) -> Path:
        return self._folder / f"{self._log_prefix}{name}.log"


def _kill(process: subprocess.Popen[bytes] | None) -> None:
    if process is not None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
