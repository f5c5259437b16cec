"""What a target is, and what it may do with bytes."""

from __future__ import annotations

import math
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from modelwatch_core.domain.errors import ModelwatchError

LONGEST_INPUT = 64 * 1024
MOST_CPU_SECONDS = 1.0
"""The most CPU time for an input of up to `LONGEST_INPUT` bytes."""
RUNS = 3


class TooSlow(AssertionError):
    """An input took more CPU than any of its size may."""


@dataclass(frozen=True, slots=True)
class Target:
    """A function that takes any bytes.

    Attributes
    ----------
    parse : callable
        Reads the bytes. It may refuse them by an error of the product, with a code; anything else is a crash. It may
        use the folder, which is empty each time.
    """

    parse: Callable[[bytes, Path], object]

    def __call__(self, content: bytes, most_cpu_seconds: float = MOST_CPU_SECONDS) -> None:
        """Run once, or three times if that is slow: the least counts, since machines are shared.

        Raises
        ------
        TooSlow
            For more than the given seconds of CPU, each time.
        Exception
            Whatever the product should not have raised.
        """
        least = math.inf
        for _ in range(RUNS):
            least = min(least, self._cpu_seconds(content))
            if least <= most_cpu_seconds:
                return
        raise TooSlow(f"{len(content):,} bytes took {least:.2f} s of CPU")

    def _cpu_seconds(self, content: bytes) -> float:
        folder = Path(tempfile.mkdtemp(prefix="fuzzing-"))
        begun = time.process_time()
        try:
            self.parse(content, folder)
        except ModelwatchError as refused:
            if not (refused.code.isalnum() and refused.message):
                raise AssertionError(f"refused without a code or a message: {refused!r}") from refused
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return time.process_time() - begun


def each(*parsers: Callable[[], object]) -> None:
    """Run all parsers, also after one that refuses; each refuses by an error of the product."""
    for parser in parsers:
        with suppress(ModelwatchError):
            parser()
