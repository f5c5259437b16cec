"""The environment of the processes that an analysis starts: what they need to run, and no credentials."""

from __future__ import annotations

import os
import sys

# AWS's images of Lambda have the library of Python where only LD_LIBRARY_PATH finds it.
_SYSTEM = ("PATH", "LD_LIBRARY_PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR")
# So that NumPy and polars compute as they do in this process.
_INHERITED = (*_SYSTEM, "POLARS_MAX_THREADS", "NPY_DISABLE_CPU_FEATURES")


def child_environment() -> dict[str, str]:
    """Return what a Python process needs to import what this one can."""
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {**inherited, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
