"""Files in blocks of complete lines."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from modelwatch_analyzer.reading.dataset import ReadLog
from modelwatch_analyzer.reading.files import LONGEST_RECORD, SourceFile


def line_blocks(file: SourceFile, log: ReadLog) -> Iterator[tuple[int, bytes]]:
    """Yield blocks of complete lines, each with the number of its first line; the last line may have no line end.

    A line that is longer than `LONGEST_RECORD` is left out and logged.
    """
    rest, line, in_long_line = b"", 1, False
    for block in chain(file.blocks(log), [b""]):
        if in_long_line:
            end = block.find(b"\n") + 1
            if block and not end:
                continue
            line, in_long_line, rest = line + 1, False, block[end:]
        else:
            rest += block
        end = rest.rfind(b"\n") + 1 if block else len(rest)
        if end:
            yield line, rest[:end]
            line += rest.count(b"\n", 0, end)
            rest = rest[end:]
        if len(rest) > LONGEST_RECORD:
            log.leave_out(file.label, line, f"longer than {LONGEST_RECORD >> 20} MiB")
            rest, in_long_line = b"", True
