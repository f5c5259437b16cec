"""The report of model quality: metrics against their baselines, the confusion matrix, curves."""

from __future__ import annotations

import numpy as np
import pytest

from modelwatch_analyzer.model_quality.confusion import ConfusionCounts, ConfusionMatrix
from modelwatch_analyzer.model_quality.report import Curve, report_body
from modelwatch_analyzer.report import MetricRow
from modelwatch_analyzer.undefined import Undefined
from tests.report.pages import Page, summary, written


def report(*metrics: MetricRow, matrix: ConfusionMatrix | None = None, curves=(), **frame) -> Page:
    return written(lambda _: report_body(metrics, matrix, curves), **frame)


def confusion(labels: tuple[str, ...], counts) -> ConfusionMatrix:
    """Make a confusion matrix of a table: rows are the actual labels, columns the predicted ones."""
    cells = ConfusionCounts()
    cells.update(((labels[i], labels[j]), int(counts[i][j])) for i in range(len(labels)) for j in range(len(labels)))
    return cells.finish(labels.index, labels)


def test_a_metric_is_shown_with_its_deviation_its_interval_and_its_baseline():
    page = report(
        MetricRow("auc", 0.515363, 0.012888, (0.49, 0.54), 0.95, 0.93951, violated=True),
        MetricRow("rmse", 12345.6),
    )
    # The grade by hand: (0.95 - 0.515363) / (0.95 - 0.93951) = 41.43
    assert page.row("auc") == ["auc", "0.5154", "0.01289", "0.49 to 0.54", "0.95", "0.9395", "4,143 %", "violated"]
    assert page.row("rmse") == ["rmse", "12,346", "-", "", "-", "-", "not graded", ""]
    assert [kind for kind, _ in page.paths] == ["band", "reference", "value", "track", "over", "reference"]


def test_a_baseline_has_no_columns_of_what_only_a_check_has():
    page = report(MetricRow("rmse", 12345.6), MetricRow("mae", 2.0))
    assert page.row("rmse") == ["rmse", "12,346", ""]
    assert "The grade is" not in page.text


def test_an_undefined_metric_shows_its_reason_and_its_baseline():
    page = report(MetricRow("recall", Undefined("no record is actually positive"), baseline=0.8))
    assert page.row("recall") == [
        "recall",
        "undefinedno record is actually positive",
        *("", "0.8", "-", "not graded"),
    ]


def test_standard_deviations_have_a_column_and_an_explanation_where_there_are_any():
    page = report(MetricRow("f1", 0.5, standard_deviation=0.004), MetricRow("auc", 0.5))
    assert page.row("f1")[1:3] == ["0.5", "0.004"]
    assert page.row("auc")[1:3] == ["0.5", "-"]
    assert "five subsamples" in page.text
    assert "tandard deviation" not in report(MetricRow("auc", 0.5)).text


def test_a_violation_leads_to_its_metric():
    violation = {"metric_name": "auc", "constraint_check_type": "LessThanThreshold", "description": "Too low."}
    page = report(MetricRow("f1", 0.5), MetricRow("auc", 0.5), summary=summary(violation))
    assert ["auc", "Below the threshold", "Too low."] in page.rows
    assert page.values("href") == ["#m1"]
    assert '<tr id="m1"><th scope="row" class="name"><bdi>auc</bdi>' in page.raw
    assert "1 violation in 0 records: auc." in page.text


def test_the_confusion_matrix_has_shares_of_the_actual_label():
    page = report(matrix=confusion(("no", "yes", "new"), ((90, 10, 0), (1, 3, 0), (0, 0, 0))))
    assert page.row("Actual") == ["Actual", "Records", "no", "yes", "new"]
    assert page.row("no") == [
        "no",
        "100",
        "9090.0\N{NO-BREAK SPACE}%",
        "1010.0\N{NO-BREAK SPACE}%",
        "00.0\N{NO-BREAK SPACE}%",
    ]
    assert page.row("yes") == [
        "yes",
        "4",
        "125.0\N{NO-BREAK SPACE}%",
        "375.0\N{NO-BREAK SPACE}%",
        "00.0\N{NO-BREAK SPACE}%",
    ]
    assert page.row("new") == [
        "new",
        "0",
        "00.0\N{NO-BREAK SPACE}%",
        "00.0\N{NO-BREAK SPACE}%",
        "00.0\N{NO-BREAK SPACE}%",
    ]
    # The diagonal is what was right.
    assert page.raw.count(" hit") == 3
    assert '<td class="number shade4 hit">90' in page.raw


def test_of_many_labels_the_most_frequent_are_shown():
    counts = np.diag(np.arange(1, 31))
    page = report(matrix=confusion(tuple(f"c{i}" for i in range(30)), counts))
    assert page.row("Actual") == ["Actual", "Records", *(f"c{i}" for i in range(10, 30))]
    assert page.row("c29")[-1] == "30100.0\N{NO-BREAK SPACE}%"
    assert "Showing 20 of 30 labels: the most frequent." in page.text


def test_curves_are_drawn_with_their_axes_named():
    page = report(
        curves=[
            Curve("ROC", "False positive rate", "True positive rate", [0.0, 0.0, 1.0], [0.0, 1.0, 1.0], diagonal=True),
            Curve("Empty", "x", "y", [float("nan")], [1.0]),
        ]
    )
    for text in ("ROC", "False positive rate", "True positive rate", "Empty", "no point to draw"):
        assert text in page.text
    assert [kind for kind, _ in page.paths] == ["frame", "diagonal", "line"]
    assert dict(page.paths)["line"] == "M0 180L0 0L220 0"


@pytest.mark.slow
def test_thousands_of_metrics_are_cut_with_those_in_violation_kept():
    metrics = [MetricRow(f"precision of c{i}", 0.5, violated=i == 4999) for i in range(5000)]
    curves = [Curve(f"ROC of c{i}", "x", "y", [0, 1], [0, 1]) for i in range(100)]
    page = report(*metrics, curves=curves)
    assert len(page.rows) == 1001
    assert page.rows[1][0] == "precision of c4999"
    assert page.rows[-1][0] == "precision of c998"
    assert "Showing 1,000 of 5,000 metrics: those in violation, then the first." in page.text
    assert "Showing 24 of 100 curves: the first." in page.text
    assert len(page.raw) < 1_000_000
