"""The report of one analysis, a page for people."""

from __future__ import annotations

from modelwatch_analyzer.report.page import Drift, render_report, write_report

__all__ = ["Drift", "render_report", "write_report"]
