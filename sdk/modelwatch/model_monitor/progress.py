"""Waiting for what runs in the background, with a line for each change."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0

Status = tuple[str, bool]
"""What a line says, and whether it is the end."""


def wait_for(what: str, ask: Callable[[], Status], *, show: bool, most_seconds: float | None = None) -> None:
    """Ask again and again, less and less often, until it has ended.

    Parameters
    ----------
    what : str
        What the lines begin with.
    show : bool
        Whether each change is printed.
    most_seconds : float, optional
        How long to wait; without limit if not given.

    Raises
    ------
    TimeoutError
        Where it has not ended by then, with its last status.
    """
    pause, shown, begun = _FIRST_PAUSE, None, time.monotonic()
    while True:
        line, ended = ask()
        if show and line != shown:
            sys.stdout.write(f"{what}: {line}\n")
            sys.stdout.flush()
        if ended:
            return
        shown = line
        if most_seconds is not None:
            left = begun + most_seconds - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"it has not ended after {most_seconds:,} seconds: {line}")
            pause = min(pause, left)
        time.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE)
