"""Where the checkout is, and how long its tests wait."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[1]

HANGS_AFTER = 1800
"""Seconds after which a process that a test started is taken to hang; however busy the machine, it ends before."""
