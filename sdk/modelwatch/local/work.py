"""Exact accounting of everything the stack does in the background."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from modelwatch.local.errors import LocalStackError

logger = logging.getLogger(__name__)


class WorkInProgress:
    """Invocations, deliveries and retries that are under way.

    A piece of work is entered before the request that causes it is answered, so when nothing is entered, nothing
    is left to happen until somebody asks for something new.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._keys = count()
        self._under_way: dict[int, str] = {}
        self._failures: list[tuple[str, BaseException]] = []
        self._closing = threading.Event()

    @contextmanager
    def under_way(self, description: str) -> Iterator[None]:
        """Count the block as work."""
        key = self._enter(description)
        try:
            yield
        finally:
            self._leave(key)

    def start(self, description: str, task: Callable[..., None], *arguments: Any) -> None:
        """Run ``task(*arguments)`` in a thread of its own and count it until it ends."""
        if self._closing.is_set():
            return
        key = self._enter(description)
        thread = threading.Thread(target=self._run, args=(key, task, arguments), name=description, daemon=True)
        try:
            thread.start()
        except RuntimeError:
            self._leave(key)
            raise

    def pause(self, seconds: float) -> bool:
        """Wait, but no longer than the stack lives; return whether it still does."""
        return not self._closing.wait(seconds)

    def settle(self, timeout: float) -> None:
        """Return when no work is under way.

        Parameters
        ----------
        timeout : float
            Seconds of real time to wait.

        Raises
        ------
        LocalStackError
            ``NotSettled`` names what is still running; ``WorkFailed`` names work of the stack itself that broke.
        """
        with self._changed:
            settled = self._changed.wait_for(lambda: not self._under_way, timeout)
            running = Counter(self._under_way.values())
            failures, self._failures = self._failures, []
        if failures:
            raise LocalStackError(
                "WorkFailed",
                "The local stack itself broke while it did: "
                + "; ".join(f"{what} ({type(error).__name__}: {error})" for what, error in failures),
            ) from failures[0][1]
        if not settled:
            names = ", ".join(f"{what} (x{times})" if times > 1 else what for what, times in running.items())
            raise LocalStackError("NotSettled", f"After {timeout:g} s this is still running: {names}.")

    def close(self, timeout: float) -> None:
        """Accept no more work and wait for what is under way; what was cut off by closing is no failure."""
        self._closing.set()
        with self._changed:
            self._changed.wait_for(lambda: not self._under_way, timeout)

    def _run(self, key: int, task: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        try:
            task(*arguments)
        except BaseException as error:  # kept for settle(): a thread has nobody to raise to
            with self._changed:
                if not self._closing.is_set():
                    what = self._under_way[key]
                    logger.warning("the local stack broke while it did: %s (%r)", what, error)  # who never settles
                    self._failures.append((what, error))
        finally:
            self._leave(key)

    def _enter(self, description: str) -> int:
        with self._changed:
            key = next(self._keys)
            self._under_way[key] = description
            return key

    def _leave(self, key: int) -> None:
        with self._changed:
            del self._under_way[key]
            self._changed.notify_all()
