"""The report of bias: metrics by group, with what they are to keep to."""

from __future__ import annotations

import pytest

from modelwatch_analyzer.bias.report import BiasRow, report_body
from modelwatch_analyzer.undefined import Undefined
from tests.report.pages import Page, summary, written
from tests.report.test_figures import extent


def row(metric: str, value: float | Undefined = 0.2, facet: str = "Sex", facet_value: str = "0", **fields) -> BiasRow:
    return BiasRow(facet, facet_value, "post-training", metric, f"what {metric} is", value, **fields)


def report(*rows: BiasRow, groups=(), **frame) -> Page:
    return written(lambda summary: report_body(rows, groups, summary.records), **frame)


def test_a_metric_is_shown_with_its_interval_its_baseline_and_its_note():
    page = report(
        row("DPPL", 0.25, interval=(0.2, 0.3), allowed="[-0.1, 0.1]", baseline=0.05, limits=(-0.1, 0.1), violated=True),
        row("AD", 0.125, allowed="0.1", baseline=0.1, note="only 12 rows: never alerts alone"),
        row("DI", Undefined("no row of the group is predicted positive")),
    )
    assert page.row("DPPLwhat DPPL is")[1:] == [
        "post-training",
        "0.25",
        "0.2 to 0.3",
        *("0.05", "[-0.1, 0.1]", "250 %", "violated"),
    ]
    assert page.row("ADwhat AD is")[1:] == [
        "post-training",
        "0.125",
        "",
        *("0.1", "0.1", "not graded", "only 12 rows: never alerts alone"),
    ]
    assert page.row("DIwhat DI is")[2] == "undefinedno row of the group is predicted positive"


def test_metrics_are_brought_together_by_group_with_its_size():
    groups = [("Sex", "0", 1234), ("Sex", "1", 1), ("Race", "a", 7)]
    page = report(
        row("DI"), row("DI", facet_value="1"), row("AD"), row("AD", facet="Race", facet_value="b"), groups=groups
    )
    assert [cells[0] for cells in page.rows[5:]] == [
        *("DIwhat DI is", "ADwhat AD is"),
        *("Metric", "DIwhat DI is"),
        *("Metric", "ADwhat AD is"),
    ]
    assert ["Race", "a", "7"] in page.rows
    for heading in ("Sex = 0 (1,234 rows)", "Sex = 1 (1 row)", "Race = b\n"):
        assert heading in page.text
    assert "No violations in 0 records and 3 groups." in page.text


def test_no_bias_is_marked_at_zero_and_for_disparate_impact_at_one():
    zero, one = (
        extent(next(path for kind, path in report(row(metric, 0.5)).paths if kind == "reference"))[0]
        for metric in ("DPPL", "DI")
    )
    assert zero < 80 < one


def test_a_violation_leads_to_the_metric_of_its_group():
    violation = {
        "facet": "Sex",
        "facet_value": "1",
        "metric_name": "DI",
        "constraint_check_type": "bias_drift_check",
        "description": "Metric value 0.3 ...",
    }
    page = report(row("DI"), row("DI", facet_value="1"), summary=summary(violation))
    assert ["DI of Sex = 1", "Bias beyond the baseline", "Metric value 0.3 ..."] in page.rows
    assert page.values("href") == ["#b1"]
    assert "1 violation in 0 records and 2 groups: DI of Sex = 1." in page.text


@pytest.mark.slow
def test_thousands_of_rows_are_cut_with_those_in_violation_kept():
    rows = [row("DI", facet_value=f"v{i}", violated=i == 4999) for i in range(5000)]
    page = report(*rows, groups=[("Sex", f"v{i}", i) for i in range(5000)])
    assert "Showing 1,000 of 5,000 metrics: those in violation, then the first." in page.text
    assert "Showing 1,000 of 5,000 groups: the largest." in page.text
    assert page.row("DIwhat DI is")[-1] == ""
    assert [cells[-1] for cells in page.rows if cells[0] == "DIwhat DI is"].index("violated") == 0
    assert "Sex = v4999 (4,999 rows)" in page.text
    assert "Sex = v999 (" not in page.text
    assert "and 5,000 groups" in page.text
    assert len(page.raw) < 1_500_000
