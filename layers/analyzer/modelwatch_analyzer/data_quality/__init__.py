"""The data quality monitor."""

from __future__ import annotations

from modelwatch_analyzer.data_quality.analysis import run

__all__ = ["run"]
