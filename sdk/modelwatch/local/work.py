"""Exact accounting of everything that the stack does in the background."""

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
    """Invocations, deliveries and retries that are in progress.

    Work is registered before the request that causes it returns. So if nothing is registered, nothing will happen
    until the next request.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._keys = count()
        self._under_way: dict[int, str] = {}
        self._failures: list[tuple[str, BaseException]] = []
        self._closing = threading.Event()

    @contextmanager
    def under_way(self, description: str) -> Iterator[None]:
        """Count the block as work in progress."""
        key = self._register(description)
        try:
            yield
        finally:
            self._unregister(key)

    def start(self, description: str, task: Callable[..., None], *arguments: Any) -> None:
        """Run ``task(*arguments)`` in a thread of its own and count it until it ends."""
        if self._closing.is_set():
            return
        key = self._register(description)
        thread = threading.Thread(target=self._run, args=(key, task, arguments), name=description, daemon=True)
        try:
            thread.start()
        except RuntimeError:
            self._unregister(key)
            raise

    def pause(self, seconds: float) -> bool:
        """Wait until the time is over or the stack closes; return whether it is still open."""
        return not self._closing.wait(seconds)

    def settle(self, timeout: float) -> None:
        """Wait until no work is in progress.

        Parameters
        ----------
        timeout : float
            The maximum wait in seconds of real time.

        Raises
        ------
        LocalStackError
            ``NotSettled`` names what is still running; ``WorkFailed`` names work of the stack itself that failed.
        """
        with self._changed:
            settled = self._changed.wait_for(lambda: not self._under_way, timeout)
            running = Counter(self._under_way.values())
            failures, self._failures = self._failures, []
        if failures:
            raise LocalStackError(
                "WorkFailed",
                "The local stack itself failed during: "
                + "; ".join(f"{description} ({type(error).__name__}: {error})" for description, error in failures),
            ) from failures[0][1]
        if not settled:
            names = ", ".join(
                f"{description} (x{times})" if times > 1 else description for description, times in running.items()
            )
            raise LocalStackError("NotSettled", f"Still running after {timeout:g} s: {names}.")

    def refuse(self) -> None:
        """Accept no more work, and ignore the failures that closing causes from now on."""
        self._closing.set()

    def close(self, timeout: float) -> None:
        """Accept no more work and wait for what is in progress."""
        self.refuse()
        with self._changed:
            self._changed.wait_for(lambda: not self._under_way, timeout)

    def _run(self, key: int, task: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        try:
            task(*arguments)
        except BaseException as error:  # kept for settle(), because a thread has no caller
            with self._changed:
                if not self._closing.is_set():
                    description = self._under_way[key]
                    # Logged as well, for users who never call settle().
                    logger.warning("the local stack itself failed during: %s (%r)", description, error)
                    self._failures.append((description, error))
        finally:
            self._unregister(key)

    def _register(self, description: str) -> int:
        with self._changed:
            key = next(self._keys)
            self._under_way[key] = description
            return key

    def _unregister(self, key: int) -> None:
        with self._changed:
            del self._under_way[key]
            self._changed.notify_all()
