"""The report of explainability: features by what they contribute, now and in the baseline."""

from __future__ import annotations

import pytest

from modelwatch_analyzer.explainability.history import ShareSpread
from modelwatch_analyzer.explainability.report import AttributionRow, report_body
from modelwatch_analyzer.report import MetricRow
from tests.report.pages import Page, summary, written
from tests.report.test_figures import extent


def report(*attributions: AttributionRow, drifts=(), **frame) -> Page:
    return written(lambda summary: report_body(attributions, drifts, summary.records), **frame)


def test_a_feature_is_shown_with_its_rank_now_and_before():
    page = report(
        AttributionRow("label0", "age", 0.25, 0.5, (0.2, 0.3), rank=2, baseline_rank=1, violated=True),
        AttributionRow("label0", "income", 0.5, 0.5, rank=1, baseline_rank=1),
        AttributionRow("label0", "new", 0.125, rank=3),
        AttributionRow("label0", "gone", None, 0.0625, baseline_rank=4),
    )
    assert [row[0] for row in page.rows] == ["Feature", "income", "age", "new", "gone"]
    assert page.row("age") == ["age", "2was 1 (-1)", "", "0.250.2 to 0.3", "0.5", "violated"]
    assert page.row("income") == ["income", "1", "", "0.5", "0.5", ""]
    assert page.row("new") == ["new", "3", "", "0.125", "-", ""]
    assert page.row("gone") == ["gone", "-was 4 ", "", "-", "0.0625", ""]


def test_errors_by_baseline_rows_and_shares_over_executions_have_columns_where_there_are_any():
    share = ShareSpread(0.5, 3, 0.25, 0.125, 0.125, 0.375)
    page = report(
        AttributionRow("label0", "age", 0.25, 0.5, rank=2, baseline_rank=2, background_error=0.0, share=share),
        AttributionRow("label0", "gone", None, 0.0625, baseline_rank=3),
        AttributionRow("label1", "age", 0.25, 0.5, rank=1, baseline_rank=1),
    )
    headings = ["Error by baseline rows", "Share", "Mean share earlier"]
    then = "0.250.125 to 0.375 in 3 executions, standard deviation 0.125"
    first, other = (row for row in page.rows if row[0] == "age")
    assert first == ["age", "2", "", "0.25", "0.5", "0", "0.5", then]
    assert page.row("gone")[5:] == ["-", "-", "-"]
    assert other == ["age", "1", "", "0.25", "0.5"]
    assert all(page.text.count(heading) == 1 for heading in headings[::2])


def test_the_bars_of_a_label_are_on_one_scale_and_labels_on_their_own():
    page = report(
        AttributionRow("a", "f", 1.0, 0.5), AttributionRow("a", "g", 0.25, 0.5), AttributionRow("b", "f", 0.001, 0.001)
    )
    lengths = [extent(path)[1] for kind, path in page.paths if kind == "now"]
    assert lengths == [240, 60, 240]
    assert [extent(path)[1] for kind, path in page.paths if kind == "then"] == [120, 120, 240]


def test_a_label_without_any_attribution_has_no_bars():
    page = report(AttributionRow("a", "f", None, None), AttributionRow("a", "g", 0.0, 0.0))
    assert page.row("f") == ["f", "-", "", "-", "-"]
    assert page.row("g")[3:5] == ["0", "0"]


def test_a_violation_leads_to_its_label_or_its_drift():
    violations = [
        {"label": "label0", "metric_name": "shap", "constraint_check_type": "feature_attribution_drift_check"},
        {"metric_name": "NDCG of label0", "constraint_check_type": "other"},
        {"feature_name": "age", "label": "label0", "constraint_check_type": "attribution_change_check"},
    ]
    page = report(
        AttributionRow("label0", "age", 0.25),
        drifts=[MetricRow("NDCG of label0", 0.76, None, (0.7, 0.8), 1.0, 0.9, violated=True)],
        summary=summary(*(violation | {"description": "Moved."} for violation in violations)),
    )
    assert ["shap of label0", "Drift of the attributions", "Moved."] in page.rows
    assert ["age of label0", "attribution change check", "Moved."] in page.rows
    assert page.values("href") == ["#a0", "#m0", "#a0-0"]
    assert page.row("NDCG of label0") == [
        "NDCG of label0",
        "0.76",
        *("0.7 to 0.8", "1", "0.9", "240 %", "violated"),
    ]
    assert "3 violations in 0 records of 1 feature: " in page.text


@pytest.mark.slow
def test_thousands_of_features_and_labels_are_cut_with_those_in_violation_kept():
    rows = [AttributionRow(f"l{i}", f"f{j}", j, violated=(i, j) == (49, 0)) for i in range(50) for j in range(200)]
    page = report(*rows)
    assert "Showing 20 of 50 labels: those in violation, then the first." in page.text
    assert "Showing 100 of 200 features: those in violation, then the strongest." in page.text
    assert len(page.rows) == 20 * 101
    assert page.rows[-1][0] == "f0"
    assert page.rows[-2][0] == "f101"
    assert "l49" in page.text
    assert len(page.raw) < 2_000_000
