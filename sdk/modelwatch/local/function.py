"""One function and its pool of execution environments."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from modelwatch.local.errors import LocalStackError
from modelwatch.local.execution_environment import ExecutionEnvironment, Outcome, Request
from modelwatch.local.function_processes import FunctionProcess
from modelwatch.local.function_settings import FunctionSettings

MAXIMUM_ENVIRONMENTS = 4  # concurrent processes of one function, which is enough for a laptop


class Throttled(Exception):
    """All of a function's reserved concurrency is in use."""


class LocalFunction:
    """A function and its execution environments, which stay warm between invocations.

    Parameters
    ----------
    log : Path
        The file that its output is appended to.
    variables : callable
        Returns the environment variables of a new process.
    start_process : callable
        `FunctionProcesses.start`.
    """

    def __init__(
        self,
        settings: FunctionSettings,
        *,
        log: Path,
        variables: Callable[[], Mapping[str, str]],
        start_process: Callable[..., FunctionProcess],
    ) -> None:
        self.settings = settings
        self.log = log
        self._variables, self._start_process = variables, start_process
        self._changed = threading.Condition()
        self._idle: list[ExecutionEnvironment] = []
        self._all: set[ExecutionEnvironment] = set()
        self._busy = 0
        self._closed = False
        log.touch()

    def invoke(self, request: Request, *, wait: bool) -> Outcome:
        """Run the handler on one event.

        Parameters
        ----------
        request : Request
            The event.
        wait : bool
            Whether to wait for reserved concurrency, as asynchronous invocations do, or to be throttled.

        Raises
        ------
        Throttled
            All of the reserved concurrency is in use, and ``wait`` is false.
        """
        environment = self._acquire(wait)
        try:
            return environment.invoke(request)
        finally:
            self._release(environment)

    def close(self) -> None:
        """Kill every environment."""
        with self._changed:
            self._closed = True
            environments = list(self._all)
            self._changed.notify_all()
        stoppers = [threading.Thread(target=environment.stop) for environment in environments]
        for stopper in stoppers:
            stopper.start()
        for stopper in stoppers:
            stopper.join()

    def _acquire(self, wait: bool) -> ExecutionEnvironment:
        reserved = self.settings.reserved_concurrency
        limit = MAXIMUM_ENVIRONMENTS if reserved is None else min(reserved, MAXIMUM_ENVIRONMENTS)
        with self._changed:
            if reserved == 0 or (not wait and reserved is not None and self._busy >= reserved):
                raise Throttled
            self._changed.wait_for(lambda: self._busy < limit or self._closed)
            if self._closed:
                raise LocalStackError("Closed", "The local stack was closed.")
            environment = self._idle.pop() if self._idle else self._new_environment()
            self._busy += 1
            return environment

    def _release(self, environment: ExecutionEnvironment) -> None:
        usable = environment.usable
        if not usable:
            environment.stop()
        with self._changed:
            self._busy -= 1
            if usable:
                self._idle.append(environment)
            else:
                self._all.discard(environment)
            self._changed.notify_all()

    def _new_environment(self) -> ExecutionEnvironment:
        environment = ExecutionEnvironment(
            self.settings.handler,
            root=self.settings.root,
            variables=self._variables(),
            timeout=self.settings.timeout,
            log=self.log,
            start_process=self._start_process,
        )
        self._all.add(environment)
        return environment
