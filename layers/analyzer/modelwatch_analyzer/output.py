"""Writing files atomically: readers see the old one or the new one, never a part of one."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
from pydantic import BaseModel

_LONG = 1 << 20


def to_json(document: BaseModel) -> dict[str, Any]:
    """Return a document as JSON types, without fields that are None."""
    return document.model_dump(mode="json", exclude_none=True)


def write_text(path: Path, text: str) -> None:
    """Write a file whole."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(text, encoding="utf-8", newline="\n")
    partial.replace(path)


def write_json(path: Path, document: object) -> None:
    """Write strict JSON, indented unless it is long. A NaN or an infinity in it is a defect of the caller."""
    text = json.dumps(document, allow_nan=False)
    if len(text) < _LONG:
        text = msgspec.json.format(text, indent=2)  # what ``json.dumps`` writes, many times faster
    write_text(path, text + "\n")


def write_json_lines(path: Path, documents: Iterable[object]) -> None:
    """Write strict JSON, one document per line."""
    write_text(path, "".join(json.dumps(document, allow_nan=False) + "\n" for document in documents))


def write_csv(path: Path, table: pl.DataFrame) -> None:
    """Write a table with a header."""
    write_text(path, table.write_csv())
