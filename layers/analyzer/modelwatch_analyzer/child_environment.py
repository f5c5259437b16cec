"""The environment of the processes that an analysis starts: what they need to run, and no credentials."""

from __future__ import annotations

import os
import sys

_OF_POLARS = ("POLARS_MAX_THREADS", "_RJEM_MALLOC_CONF")
# AWS's images of Lambda have the library of Python where only LD_LIBRARY_PATH finds it.
_INHERITED = ("PATH", "LD_LIBRARY_PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", *_OF_POLARS)
_INSTRUCTIONS = ("NPY_DISABLE_CPU_FEATURES", "NPY_ENABLE_CPU_FEATURES")


def child_environment(*, same_instructions: bool = False) -> dict[str, str]:
    """Return what a Python process needs to import what this one can.

    Parameters
    ----------
    same_instructions : bool
        Whether NumPy is to compute by the instructions of the processor that it has here, to the last bit.
    """
    names = _INHERITED + _INSTRUCTIONS * same_instructions
    inherited = {name: os.environ[name] for name in names if name in os.environ}
    return {**inherited, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
