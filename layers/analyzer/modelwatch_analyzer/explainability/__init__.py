"""The explainability monitor."""

from __future__ import annotations

from modelwatch_analyzer.explainability.analysis import run

__all__ = ["run"]
