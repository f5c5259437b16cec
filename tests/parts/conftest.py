"""Pieces of few rows, so that small datasets have several."""

from __future__ import annotations

from collections.abc import Iterator
from unittest.mock import patch

import pytest

from modelwatch_analyzer.reading import files, parquet_files


@pytest.fixture(autouse=True, scope="package")
def pieces_of_few_rows() -> Iterator[None]:
    with patch.object(files, "PIECE_ROWS", 0), patch.object(parquet_files, "PIECE_ROWS", 1):
        yield
