"""The frame of the report of any kind of monitor: a page, and what several kinds show alike.

What a kind shows is in the kind's own package: its ``report.py`` and ``report.html.j2``.
"""

from __future__ import annotations

from modelwatch_analyzer.report.body import ReportBody
from modelwatch_analyzer.report.facts import facts_of, title_of
from modelwatch_analyzer.report.metrics import MetricRow
from modelwatch_analyzer.report.page import write_page

__all__ = ["MetricRow", "ReportBody", "facts_of", "title_of", "write_page"]
