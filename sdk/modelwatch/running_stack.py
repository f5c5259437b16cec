"""Where the local stack that runs on this machine listens: what starts one announces it, commands find it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from modelwatch_core.domain.errors import InvalidInput

CLOCK_PATH = "/_modelwatch/clock"
PAGES_PATH = "/_modelwatch/results/"
"""Where the stack moves its clock, and shows the pages of its results; no bucket can have this name."""

_VARIABLE = "AWS_ENDPOINT_URL"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def _state_file() -> Path:
    folder = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(folder) / "modelwatch" / "local-stack"


@contextmanager
def announced(endpoint_url: str) -> Iterator[None]:
    """Let commands of this user find a stack for the duration of the block; the latest one is found.

    Where the user's state folder cannot be written to, AWS_ENDPOINT_URL must name the stack.
    """
    file = _state_file()
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join([*_stacks(file, without=endpoint_url), endpoint_url]))
    try:
        yield
    finally:
        with suppress(OSError):
            if others := _stacks(file, without=endpoint_url):
                file.write_text("\n".join(others))
            else:
                file.unlink(missing_ok=True)


def _stacks(file: Path, *, without: str | None = None) -> list[str]:
    """Return the URLs of the stacks of this user that were announced, the latest last."""
    urls = file.read_text().split() if file.is_file() else []
    return [url for url in urls if url != without]


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
        return stacks[-1]
    message = f"no local stack runs for this user: start one with modelwatch local up, or set {_VARIABLE}"
    raise InvalidInput("LocalStackNotFound", message)
