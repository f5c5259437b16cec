"""Messages through pipes, between this process and its children: each follows its length in eight bytes."""

from __future__ import annotations

from typing import IO

LENGTH_BYTES = 8


def send(stream: IO[bytes], message: bytes | memoryview) -> None:
    """Send a message."""
    stream.write(len(message).to_bytes(LENGTH_BYTES, "big"))
    stream.write(message)
    stream.flush()


def receive(stream: IO[bytes]) -> bytes:
    """Wait for the next message.

    Raises
    ------
    EOFError
        If the other process ended, or closed the pipe.
    """
    return _read_exactly(stream, int.from_bytes(_read_exactly(stream, LENGTH_BYTES), "big"))


def _read_exactly(stream: IO[bytes], size: int) -> bytes:
    content = stream.read(size)
    if len(content) < size:
        raise EOFError
    return content
