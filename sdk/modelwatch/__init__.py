"""What users import and type: baselines and checks for notebooks, the shell command, the local stack.

`baseline`, `check` and `load_baseline` are imported when they are first used, so that this import costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelwatch.notebook.analyses import baseline, check, load_baseline
    from modelwatch.notebook.results import Baseline, Check, ViolationsFound
    from modelwatch_core.domain.errors import ModelwatchError

__all__ = ["Baseline", "Check", "ModelwatchError", "ViolationsFound", "baseline", "check", "load_baseline"]

_HOMES = {
    "Baseline": "modelwatch.notebook.results",
    "Check": "modelwatch.notebook.results",
    "ModelwatchError": "modelwatch_core.domain.errors",
    "ViolationsFound": "modelwatch.notebook.results",
    "baseline": "modelwatch.notebook.analyses",
    "check": "modelwatch.notebook.analyses",
    "load_baseline": "modelwatch.notebook.analyses",
}
"""The module of each name."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        globals()[name] = value = getattr(import_module(_HOMES[name]), name)
    except ModuleNotFoundError as missing:
        message = f"{missing.name} is not installed. Fix it in a checkout of Modelwatch: pip install '.[sdk]'"
        raise ImportError(message) from None
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
