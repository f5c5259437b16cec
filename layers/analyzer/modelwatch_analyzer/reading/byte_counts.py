"""Counting bytes of a text, several times as fast as ``bytes.count`` counts line ends."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

_AT_ONCE = 1 << 16  # bytes, so that what NumPy finds stays in the processor's cache
_LINE_END = ord("\n")
_FIRST_PRINTABLE = ord(" ")


def count_line_ends(text: bytes) -> int:
    """Return how many line feeds a text has."""
    return _count(text, lambda characters: characters == _LINE_END)


def count_controls(text: bytes) -> int:
    """Return how many control characters a text has, line feeds among them."""
    return _count(text, lambda characters: characters < _FIRST_PRINTABLE)


def _count(text: bytes, found: Callable[[NDArray[np.uint8]], NDArray[np.bool_]]) -> int:
    characters = np.frombuffer(text, np.uint8)
    parts = (characters[start : start + _AT_ONCE] for start in range(0, characters.size, _AT_ONCE))
    return sum(int(np.count_nonzero(found(part))) for part in parts)
