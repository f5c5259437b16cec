"""Compiles the templates of all reports, where an image is built: its files cannot be written when it runs."""

from __future__ import annotations

from modelwatch_analyzer.report.page import compile_templates
from modelwatch_core.domain.monitor_kinds import KINDS

for kind in KINDS.values():
    if kind.analysis is not None:
        compile_templates(kind.analysis.rpartition(".")[0])
