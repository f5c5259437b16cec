"""The bias monitor."""

from __future__ import annotations

from modelwatch_analyzer.bias.analysis import run

__all__ = ["run"]
