"""What the commands print: text from elsewhere made harmless, tables on a terminal and plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # rich takes as long as all else that ``--help`` needs
    from rich.console import Console


def printable(text: str) -> str:
    r"""Show text from elsewhere (column names, paths) on one line, with nothing in it that a terminal would obey.

    Examples
    --------
    >>> printable("a\nb\x1b[31m")
    'a\\nb\\x1b[31m'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


@cache
def _console_type() -> type[Console]:
    from rich.console import Console

    class PipedConsole(Console):
        def on_broken_pipe(self) -> None:
            """Leave it to the command what to do when its reader has gone; rich would end with exit code 1."""
            raise BrokenPipeError

    return PipedConsole


def make_console(*, stderr: bool = False) -> Console:
    """Make a console that adds nothing of its own: no markup, no guessed colours, no lines broken in pipes."""
    return _console_type()(stderr=stderr, markup=False, emoji=False, highlight=False, soft_wrap=True)


def print_table(console: Console, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows of text as it is: a table on a terminal, aligned columns elsewhere."""
    cells = [[printable(cell) for cell in row] for row in rows]
    if console.is_terminal:
        from rich import box
        from rich.table import Table
        from rich.text import Text

        table = Table(*header, box=box.SIMPLE_HEAD)
        for row in cells:
            table.add_row(*(Text(cell, overflow="fold") for cell in row))
        console.print(table, soft_wrap=False)
        return
    widths = [max(map(len, column)) for column in zip(header, *cells, strict=True)]
    for line in (header, *cells):
        console.print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
