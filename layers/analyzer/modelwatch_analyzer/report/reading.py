"""Look-ups in a statistics file of unknown origin: what is not as expected counts as absent."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def find(document: object, *path: str) -> object:
    """Return what is at the path, or None."""
    for name in path:
        if not isinstance(document, Mapping):
            return None
        document = document.get(name)
    return document


def number(document: object, *path: str) -> float | None:
    """Return the finite number at the path, or None."""
    value = find(document, *path)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def mapping(document: object, *path: str) -> Mapping[str, Any]:
    """Return the object at the path, or an empty one."""
    value = find(document, *path)
    return value if isinstance(value, Mapping) else {}


def sequence(document: object, *path: str) -> list[Mapping[str, Any]]:
    """Return the objects in the list at the path, or none."""
    value = find(document, *path)
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list | tuple) else []
