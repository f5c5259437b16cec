"""Waiting for what runs in the background, with a line for each change."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0

Status = tuple[str, bool]
"""What a line says, and whether it is the end."""


def wait_for(what: str, ask: Callable[[], Status], *, show: bool) -> None:
    """Ask again and again, less and less often, until it has ended.

    Parameters
    ----------
    what : str
        What the lines begin with.
    show : bool
        Whether each change is printed.
    """
    pause, shown = _FIRST_PAUSE, None
    while True:
        line, ended = ask()
        if show and line != shown:
            sys.stdout.write(f"{what}: {line}\n")
            sys.stdout.flush()
        if ended:
            return
        shown = line
        time.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE)
