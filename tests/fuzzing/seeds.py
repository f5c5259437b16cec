"""The inputs that are kept for each target: seeds, and whatever once was a crash."""

from __future__ import annotations

from pathlib import Path

CORPUS = Path(__file__).with_name("corpus")


def kept(target: str) -> dict[str, bytes]:
    """Return the inputs of a target by their names."""
    return {path.name: path.read_bytes() for path in sorted((CORPUS / target).iterdir())}
