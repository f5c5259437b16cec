"""Signals that end a command, turned into an exception, so that what it started is stopped and cleared away."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

_ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Stopped(KeyboardInterrupt):
    """Ctrl-C, SIGTERM, or a terminal that was closed."""


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Raise `Stopped` in the block at the first signal that is to end this process, and ignore further ones.

    A signal that is ignored already, as SIGHUP is under nohup, stays ignored.
    """
    before = {number: signal.getsignal(number) for number in _ENDING}
    heeded = [number for number in _ENDING if before[number] is not signal.SIG_IGN]

    def stop(*_: Any) -> NoReturn:
        for number in heeded:
            signal.signal(number, signal.SIG_IGN)  # a second one must not cut the cleaning up short
        raise Stopped

    for number in heeded:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in heeded:
            signal.signal(number, before[number])
