"""Options that commands have in common, and the values that they take."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from modelwatch.printing import printable
from modelwatch_core.domain.errors import InvalidInput


def output_path(text: str) -> Path:
    """Read where results go: an empty text, as of a variable that is not set, would be the current folder."""
    if not text:
        raise typer.BadParameter("its value is empty; write . for the current folder.")
    return Path(text)


Output = Annotated[
    Path,
    typer.Option(
        "--output", metavar="DIR", parser=output_path, help="Folder for the results; created if it does not exist."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text, also on failure.")]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Allow --output to contain files, and replace those with the same names.")
]
Backfill = Annotated[
    bool,
    typer.Option("--backfill", help="Replace the results of an earlier check in --output, and print what has changed."),
]


def examples(*commands: str) -> str:
    """Return what a command's help ends with; a command of several lines continues indented."""
    shown = (command.replace("\n", " \\\n      ") for command in commands)
    return "\n".join(("\b", f"Example{'s' if len(commands) > 1 else ''}:", *(f"  {command}" for command in shown)))


def parse_time(text: str) -> datetime:
    """Read a time of the command line: ISO 8601; without an offset it is UTC."""
    try:
        time = datetime.fromisoformat(text)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise typer.BadParameter(f"{printable(text)} is not an ISO 8601 time such as 2026-01-31T09:00:00Z.") from None


TIME = {"parser": parse_time, "metavar": "TIME"}
"""What every option that takes a time is declared with."""


def existing_path(path: Path, option: str) -> Path:
    """Return the path if something is there.

    Raises
    ------
    InvalidInput
        ``FileNotFound`` or ``UnreadableFile``, naming the option.
    """
    try:
        path.stat()
    except PermissionError as refusal:
        raise InvalidInput("UnreadableFile", f"{option}: {path} cannot be read: {refusal.strerror}") from None
    except (OSError, ValueError):  # also of a name that is too long, such as a document in place of its path
        message = f"{option}: there is nothing at {path}. Give the path of an existing file."
        raise InvalidInput("FileNotFound", message) from None
    return path


def usable_output(folder: Path, option: str = "--output", *, overwrite: str | None) -> Path:
    """Make the output folder if it does not exist, and prove that it can be written to before any work is done.

    Parameters
    ----------
    option : str
        What the user gave it with, for messages.
    overwrite : str, optional
        What the user would have to give so that files in it may be replaced; None if they may be.

    Raises
    ------
    InvalidInput
        ``OutputNotAFolder``, ``OutputNotEmpty`` or ``OutputNotWritable``.
    """
    if str(folder).startswith("s3:/"):
        message = f"{option}: results are written on this machine. Give a folder here, and copy it with aws s3 cp."
        raise InvalidInput("OutputNotAFolder", message)
    if folder.exists() and not folder.is_dir():
        raise InvalidInput("OutputNotAFolder", f"{option}: {folder} is a file. Give a folder, new or existing.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if overwrite and any(folder.iterdir()):
            message = f"{option}: {folder} is not empty. Give a new folder, or {overwrite} to replace files in it."
            raise InvalidInput("OutputNotEmpty", message)
        tempfile.TemporaryFile(dir=folder).close()  # without a name that another command in this folder could meet
    except OSError as refusal:
        reason = f"{folder} cannot be written to ({refusal.strerror}). Give a folder that you may write to."
        raise InvalidInput("OutputNotWritable", f"{option}: {reason}") from None
    return folder
