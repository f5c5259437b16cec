"""Options that commands have in common, and the values that they take."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from modelwatch.printing import printable
from modelwatch_core.domain.errors import InvalidInput

Output = Annotated[
    Path, typer.Option("--output", metavar="DIR", help="Folder for the results; made if it does not exist.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text, also on failure.")]
Backfill = Annotated[
    bool,
    typer.Option("--backfill", help="Replace the results of an earlier check in --output, and print what changed."),
]


def parse_time(text: str) -> datetime:
    """Read a time of the command line: ISO 8601; without an offset it is UTC."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{printable(text)} is not an ISO 8601 time such as 2026-01-31T09:00:00Z.") from None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def existing_path(path: Path, option: str) -> Path:
    """Return the path if something is there.

    Raises
    ------
    InvalidInput
        ``FileNotFound``, naming the option.
    """
    if not path.exists():
        raise InvalidInput("FileNotFound", f"{option}: there is nothing at {path}. Give the path of an existing file.")
    return path


def usable_output(folder: Path) -> Path:
    """Make the output folder if it does not exist, and prove that it can be written to before any work is done.

    Raises
    ------
    InvalidInput
        ``OutputNotAFolder`` or ``OutputNotWritable``.
    """
    if folder.exists() and not folder.is_dir():
        raise InvalidInput("OutputNotAFolder", f"--output: {folder} is a file. Give a folder, new or existing.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".modelwatch-write-probe"
        probe.touch()
        probe.unlink()
    except OSError as refusal:
        reason = f"{folder} cannot be written to ({refusal.strerror}). Give a folder that you may write to."
        raise InvalidInput("OutputNotWritable", f"--output: {reason}") from None
    return folder
