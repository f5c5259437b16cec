"""Where files of comma-separated text can be cut into pieces that are read apart: at ends of records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from modelwatch_analyzer.reading.csv_structure import Structure, positions
from modelwatch_analyzer.reading.files import LONGEST_RECORD, SourceFile
from modelwatch_analyzer.reading.read_log import ReadLog

_LF, _QUOTE = b"\n", b'"'
_OF_A_BLOCK = 1 / 8
"""The share of a block that is looked at at once, so that it stays in a core's cache."""


def cuts_in(file: SourceFile, start: int, wanted: Sequence[int], separator: str) -> Iterator[int]:
    """Yield the first end of a record at or after each offset that is wanted, as far as these ends are certain.

    A field may hold line ends, so that this can be known only from all that is before it; of text without quotes, and
    of text whose quotes all open, double or close a field, it is known without parsing. Behind anything else a file is
    not cut.

    Parameters
    ----------
    start : int
        Where the first record starts.
    wanted : sequence of int
        The offsets, ascending.
    """
    text, offset, missing = b"", start, list(reversed(wanted))
    for block in file.blocks(ReadLog(), start, times=_OF_A_BLOCK):
        text += block
        ends = _PlainEnds(text) if _QUOTE not in text else _QuotedEnds.of(text, separator)
        while ends and missing and (end := ends.first_from(missing[-1] - offset)):
            yield offset + end
            while missing and missing[-1] <= offset + end:
                missing.pop()
        if not (ends and missing):
            return
        text, offset = text[ends.last :], offset + ends.last
        if len(text) > LONGEST_RECORD:
            return


class _PlainEnds:
    """Ends of records of a text without quotes: all line feeds are."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self.last = text.rfind(_LF) + 1

    def first_from(self, offset: int) -> int:
        """Return the first end at or after an offset, or 0."""
        return self._text.find(_LF, max(offset - 1, 0)) + 1


class _QuotedEnds:
    """Ends of records of a text whose quotes are balanced: line feeds outside of them."""

    def __init__(self, structure: Structure) -> None:
        self._structure = structure
        self.last = structure.size

    @classmethod
    def of(cls, text: bytes, separator: str) -> _QuotedEnds | None:
        """Return those of a text that starts with a record; None where they are not certain."""
        structure = Structure.of(text, ord(separator))
        structure = structure.until(structure.end_of_lines)
        return cls(structure) if structure.is_balanced and not structure.inside_returns.any() else None

    def first_from(self, offset: int) -> int:
        """Return the first end at or after an offset, or 0."""
        if offset > self.last:
            return 0
        ends = positions(self._structure.line_feeds) + 1
        index = int(np.searchsorted(ends, offset))
        return int(ends[index]) if index < ends.size else 0
