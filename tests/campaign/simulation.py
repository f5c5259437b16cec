"""A simulated time, in which processes run beside one another: one at a time, in an order that a seed repeats."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count


class Killed(BaseException):
    """The process died: nothing of it runs any more. No handler of ``Exception`` sees it."""


class Process:
    """One invocation of a function.

    Attributes
    ----------
    function : str
        Its name in the template.
    concerns : str
        What it works for, for the list of what went wrong.
    deadline : datetime
        When it is killed if it still runs.
    skew : timedelta
        By how much its clock is wrong.
    is_newer : bool
        Whether it runs the newer version of the app.
    sent : list of str
        The keys of the alerts that SNS took from it.
    """

    def __init__(self, function: str, concerns: str, deadline: datetime, skew: timedelta, *, is_newer: bool) -> None:
        self.function, self.concerns, self.deadline, self.skew = function, concerns, deadline, skew
        self.is_newer = is_newer
        self.sent: list[str] = []
        self.is_doomed = False
        self.turn = threading.Semaphore(0)

    def __str__(self) -> str:
        """Return what a trace has of it."""
        return f"{self.function} {self.concerns} {self.skew}"


class Simulation:
    """Does what is due in the order of time.

    A process that waits hands over to whatever is due before its wait ends: another process may run in the middle of
    any of its calls.
    """

    def __init__(self, start: datetime) -> None:
        self.now = start
        self.current: Process | None = None
        self._due: list[tuple[datetime, int, Callable[[], object]]] = []
        self._numbers = count()
        self._main = threading.Semaphore(0)
        self._alive: set[Process] = set()
        self._failure: BaseException | None = None

    def at(self, moment: datetime, action: Callable[[], object]) -> None:
        """Do something at a moment, or at once if that is over."""
        heapq.heappush(self._due, (max(moment, self.now), next(self._numbers), action))

    def after(self, seconds: float, action: Callable[[], object]) -> None:
        """Do something after some seconds."""
        self.at(self.now + timedelta(seconds=seconds), action)

    def start(
        self, process: Process, body: Callable[[], object], ended: Callable[[BaseException | None], None]
    ) -> None:
        """Run a process from now on; ``ended`` is given what it raised, or None."""

        def run() -> None:
            process.turn.acquire()
            error: BaseException | None = None
            try:
                body()
            except (Exception, Killed) as raised:
                error = raised
            except BaseException as raised:
                self._failure = raised
            self._alive.discard(process)
            self.current = None
            if not process.is_doomed:
                ended(error)
            self._main.release()

        self._alive.add(process)
        threading.Thread(target=run, daemon=True).start()
        self.at(self.now, lambda: self._resume(process))

    def wait(self, seconds: float) -> None:
        """Let time pass for the process that calls, and others run meanwhile.

        Raises
        ------
        Killed
            When its time is over.
        """
        process = self.current
        if process is None:
            raise AssertionError("only a process may wait")
        end = self.now + timedelta(seconds=seconds)
        is_over = end >= process.deadline
        end = min(end, process.deadline)
        if self._due and self._due[0][0] <= end:
            self.at(end, lambda: self._resume(process))
            self.current = None
            self._main.release()
            process.turn.acquire()
        else:
            self.now = end
        if is_over or process.is_doomed:
            raise Killed("Task timed out")

    def run(self, until: datetime) -> None:
        """Do everything that is due until a moment."""
        while self._due and self._due[0][0] <= until:
            self.now, _, action = heapq.heappop(self._due)
            action()
            if self._failure is not None:
                raise self._failure
        self.now = max(self.now, until)

    def close(self) -> None:
        """End what still runs, so that no thread is left."""
        for process in sorted(self._alive, key=id):
            process.is_doomed = True
            self._resume(process)

    def _resume(self, process: Process) -> None:
        self.current = process
        process.turn.release()
        self._main.acquire()
        self.current = None
