"""The model quality monitor."""

from __future__ import annotations

from modelwatch_analyzer.model_quality.analysis import run

__all__ = ["run"]
