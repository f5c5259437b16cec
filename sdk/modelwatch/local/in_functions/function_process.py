"""A function's process: AWS's runtime interface client, with the app's clock set to the stack's.

Run as ``python -m function_process module.handler``.
"""

from __future__ import annotations

import os
import runpy
from datetime import UTC, datetime, timedelta
from pathlib import Path

SHIFT_FILE = "MODELWATCH_LOCAL_CLOCK_SHIFT"
"""The variable with the path of the file that says how many seconds the stack is ahead of the machine's clock."""


def follow(shift_file: Path) -> None:
    """Let the app's clock be as far ahead as a file says whenever it is read."""
    try:
        from modelwatch_core.adapters.system_clock import SystemClock
    except ModuleNotFoundError:  # a template that is not the app's
        return

    def now(self: SystemClock) -> datetime:  # noqa: ARG001 - the signature that it replaces
        return datetime.now(UTC) + timedelta(seconds=float(shift_file.read_text()))

    SystemClock.now = now  # type: ignore[method-assign]  # the clock that functions are given


if __name__ == "__main__":
    follow(Path(os.environ[SHIFT_FILE]))
    runpy.run_module("awslambdaric", run_name="__main__", alter_sys=True)
