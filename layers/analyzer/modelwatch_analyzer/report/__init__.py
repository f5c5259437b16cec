"""The report of one analysis, a page for people: a frame, and one module with one template for each kind."""

from __future__ import annotations

from modelwatch_analyzer.report.bias import BiasRow, write_bias_report
from modelwatch_analyzer.report.data_quality import Drift, write_data_quality_report
from modelwatch_analyzer.report.explainability import AttributionRow, write_explainability_report
from modelwatch_analyzer.report.facts import facts_of, title_of
from modelwatch_analyzer.report.metrics import MetricRow
from modelwatch_analyzer.report.model_quality import ConfusionMatrix, Curve, write_model_quality_report

__all__ = [
    "AttributionRow",
    "BiasRow",
    "ConfusionMatrix",
    "Curve",
    "Drift",
    "MetricRow",
    "facts_of",
    "title_of",
    "write_bias_report",
    "write_data_quality_report",
    "write_explainability_report",
    "write_model_quality_report",
]
