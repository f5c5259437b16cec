"""Signals that end a command, turned into an exception, so that what it started is stopped and cleared away."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer
from typing import Any

_ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
_SOON = 0.1


class Stopped(KeyboardInterrupt):
    """Ctrl-C, SIGTERM, or a terminal that was closed."""


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Raise `Stopped` in the block at the first signal that is to end this process, and ignore further ones.

    A signal that is ignored already, as SIGHUP is under nohup, stays ignored. One that comes during a destructor, where
    an exception ends nothing, comes again.
    """
    before = {number: signal.getsignal(number) for number in _ENDING}
    heeded = [number for number in _ENDING if before[number] is not signal.SIG_IGN]
    report = sys.unraisablehook

    def handle(handler: Any) -> None:
        for number in heeded:
            signal.signal(number, handler)

    repeated: list[Timer] = []

    def stop(number: int, _: object) -> None:
        handle(signal.SIG_IGN)  # a second one must not cut the cleaning up short
        raise Stopped(number)

    def again(unraisable: sys.UnraisableHookArgs) -> None:
        if not isinstance(unraisable.exc_value, Stopped):
            report(unraisable)
            return
        handle(stop)
        repeated.append(Timer(_SOON, os.kill, (os.getpid(), *unraisable.exc_value.args)))
        repeated[-1].daemon = True
        repeated[-1].start()

    sys.unraisablehook = again
    handle(stop)
    try:
        yield
    finally:
        for timer in repeated:
            timer.cancel()
        sys.unraisablehook = report
        for number in heeded:
            signal.signal(number, before[number])
