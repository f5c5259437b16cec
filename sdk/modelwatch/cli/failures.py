"""How the command fails: one line that says what is wrong and how to fix it, a stable exit code, never a traceback."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TextIO

import typer
from typer.core import TyperGroup

from modelwatch.printing import printable
from modelwatch_core.domain.errors import ModelwatchError

UNUSABLE = 2
"""Exit code for arguments or input that cannot be used, as of click's own usage errors."""
INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 + SIGINT, what a shell reports of any interrupted program."""
NO_READER = 141
"""Exit code when the reader of our output has gone: 128 + SIGPIPE, so it is never taken for "violations" (1)."""


def print_json(document: dict[str, Any]) -> None:
    """Print one strict JSON object: ASCII, no bare NaN."""
    sys.stdout.write(json.dumps(document, allow_nan=False) + "\n")


def print_failure(code: str, message: str, *, as_json: bool) -> None:
    """Print on stderr, in one line, what is wrong; with ``--json`` also as the one object on stdout."""
    try:
        sys.stderr.write(f"modelwatch: {code}: {printable(message)}\n")
    except OSError:  # of the same full disk, perhaps: the exit code is all that can be said
        _discard(sys.stderr)
    try:
        if as_json:
            print_json({"status": "Failed", "error": {"code": code, "message": message}})
        sys.stdout.flush()
    except OSError:  # nobody reads it, or this is the failure itself: stderr has it
        _discard(sys.stdout)


class OneLineFailures(TyperGroup):
    """The top of the command tree. Whatever goes wrong below it ends in one line and an exit code."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,  # noqa: ARG002 (the command has one name, however it is started)
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command line; returns the exit code only where ``standalone_mode`` is off."""
        arguments = list(sys.argv[1:] if args is None else args)
        for name in ("stdout", "stderr"):
            if getattr(sys, name) is None:  # closed by the caller: nobody reads it
                setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - open to the end
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")  # a terminal that lacks a character still gets its line
        try:
            exit_code = super().main(arguments, "modelwatch", complete_var, False, windows_expand_args, **extra) or 0
        except Exception as failure:
            if os.environ.get("MODELWATCH_TRACEBACK"):
                raise
            exit_code = _report(failure, as_json="--json" in arguments)
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            exit_code = _without_reader()
        except OSError as failure:  # of the disk that holds the output: "violations" (1) would be taken for the result
            _discard(sys.stdout)
            exit_code = _report(failure, as_json=False)
        if standalone_mode:
            sys.exit(exit_code)
        return exit_code

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command; typer would end with the exit code of violations if the reader has gone."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise typer.Exit(_without_reader()) from None
        except KeyboardInterrupt:
            raise typer.Abort from None


def _without_reader() -> int:
    _discard(sys.stdout)
    return NO_READER


def _discard(stream: TextIO) -> None:
    """Discard what is still to be written, or the interpreter complains at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _report(failure: Exception, *, as_json: bool) -> int:
    """Print the one line of a failure, and return its exit code."""
    match failure:
        case typer.Abort():
            print_failure("Interrupted", "stopped before the end; results may be missing", as_json=as_json)
            return INTERRUPTED
        case ModelwatchError():
            message = failure.message
            if failure.examples:
                message = f"{message.removesuffix('.')}. For instance {failure.examples}"
            print_failure(failure.code, message, as_json=as_json)
        case typer.TyperException():
            # Help that is shown for a command without arguments has been printed, and carries no message.
            if message := " ".join(failure.format_message().replace("Value error, ", "").split()).rstrip("."):
                context = getattr(failure, "ctx", None)
                command = context.command_path if context else "modelwatch"
                end = "" if message.endswith("?") else "."
                print_failure("UnusableArguments", f"{message}{end} See: {command} --help", as_json=as_json)
        case ModuleNotFoundError() if not (failure.name or "").startswith("modelwatch"):
            message = f"{failure.name} is not installed. Fix it in a checkout of Modelwatch: pip install '.[demo]'"
            print_failure("MissingExtra", message, as_json=as_json)
        case OSError():
            where = f"{failure.filename}: " if failure.filename else ""
            print_failure("UnusableFile", f"{where}{failure.strerror or type(failure).__name__}", as_json=as_json)
        case _:
            # Neither the exception's text nor the traceback: both may hold values from the data.
            frame = traceback.extract_tb(failure.__traceback__)[-1]
            where = f"{Path(frame.filename).name}:{frame.lineno}"
            message = f"{type(failure).__name__} at {where}. This is a defect in Modelwatch: please report it with "
            print_failure("InternalError", message + "the output of MODELWATCH_TRACEBACK=1", as_json=as_json)
    return UNUSABLE
