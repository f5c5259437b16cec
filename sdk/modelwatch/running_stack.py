"""Where the local stack that runs on this machine listens: what starts one announces it, commands find it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from modelwatch_core.domain.errors import InvalidInput

CLOCK_PATH = "/_modelwatch/clock"
PAGES_PATH = "/_modelwatch/results/"
"""Where the stack moves its clock, and shows the pages of its results; no bucket can have this name."""

_VARIABLE = "AWS_ENDPOINT_URL"
_LINE = re.compile(r"^(\S+) (\d{1,9})$", re.MULTILINE)
"""The URL of a stack and the id of its process."""
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def _state_file() -> Path:
    folder = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(folder) / "modelwatch" / "local-stack"


@contextmanager
def announced(endpoint_url: str) -> Iterator[None]:
    """Let commands of this user find a stack for the duration of the block; the latest one is found.

    Where the user's state folder cannot be written to, AWS_ENDPOINT_URL must name the stack.
    """
    file, this = _state_file(), f"{endpoint_url} {os.getpid()}"
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        _write(file, [*_stacks(file, without=endpoint_url), this])
    try:
        yield
    finally:
        with suppress(OSError):
            _write(file, _stacks(file, without=endpoint_url))


def _stacks(file: Path, *, without: str | None = None) -> list[str]:
    """Return the URLs of the stacks that were announced and whose processes run, each with its process, latest last."""
    text = file.read_text(errors="replace") if file.is_file() else ""
    found = _LINE.findall(text)  # a line that was cut off, or that another version wrote, names no stack
    return [f"{url} {process}" for url, process in found if url != without and _runs(int(process))]


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)  # which only asks
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _write(file: Path, stacks: list[str]) -> None:
    """Write the file whole, so that a reader finds the old one or the new one, or none without stacks."""
    if not stacks:
        file.unlink(missing_ok=True)
        return
    partial = file.with_name(f"{file.name}.{os.getpid()}")
    partial.write_text("\n".join(stacks))
    partial.replace(file)


def find_stack() -> str:
    """Return the URL of the running stack: AWS_ENDPOINT_URL, or what ``modelwatch local up`` has announced.

    Raises
    ------
    InvalidInput
        ``LocalStackNotFound``.
    """
    if url := os.environ.get(_VARIABLE):
        if urlsplit(url).hostname not in _LOOPBACK:
            message = f"{_VARIABLE} is {url}, which is not on this machine: unset it, or set it to the local stack's"
            raise InvalidInput("LocalStackNotFound", message)
        return url.rstrip("/")
    if stacks := _stacks(_state_file()):
        return stacks[-1].split()[0]
    message = f"no local stack runs for this user: start one with modelwatch local up, or set {_VARIABLE}"
    raise InvalidInput("LocalStackNotFound", message)
