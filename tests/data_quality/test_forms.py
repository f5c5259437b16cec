"""Data whose header, separator or order is not the baseline's: reported, and compared where the baseline is certain."""

from __future__ import annotations

import json

import pytest

from modelwatch_core.domain.analysis import AnalysisSummary
from tests.data_quality.conftest import Workbench, found, table


def says(summary: AnalysisSummary, *parts: str) -> bool:
    return any(all(part in warning for part in parts) for warning in summary.warnings)


def _rows(count: int, first: int = 0) -> dict[str, list[object]]:
    return {
        "age": [20 + (first + index) % 60 for index in range(count)],
        "x": [((first + index) * 37 % 1000) / 1000 for index in range(count)],
        "plan": [("a", "b", "c")[(first + index) % 3] for index in range(count)],
    }


def test_a_baseline_whose_header_looks_like_data_says_so_and_the_option_gives_all_rows(workbench: Workbench) -> None:
    headless = table(_rows(121), header=False)
    made = workbench.baseline(headless)
    assert made.records.read == 120
    assert says(made, "the first line of baseline.csv looks like data", "--no-header")
    again = workbench.baseline(headless, header=False)
    assert (again.records.read, says(again, "header")) == (121, False)


def test_data_without_a_header_is_compared_by_position_with_a_baseline_that_knows_it(workbench: Workbench) -> None:
    workbench.baseline(table(_rows(600)))
    headless = table(_rows(600), header=False)
    summary = workbench.check(headless)
    assert (summary.records.read, found(summary)) == (600, [])
    assert says(summary, "none of its names: it was read as a row", "--no-header")
    given = workbench.check(headless, dataset_format={"csv": {"header": False}})
    assert (given.records.read, found(given), says(given, "header")) == (600, [], False)


def test_objects_of_transform_jobs_without_a_header_are_too(workbench: Workbench) -> None:
    workbench.baseline(table(_rows(600)))
    workbench.write(table(_rows(600), header=False), "jobs/objects/bucket/in/a.csv")
    manifest = json.dumps([{"prefix": "s3://bucket/in/"}, "a.csv"])
    workbench.write(manifest, "jobs/input/2026/03/01/10/m.json")
    summary = workbench.check(
        "", dataset_source=workbench.folder / "jobs", dataset_format={"batchTransform": {"csv": {"header": True}}}
    )
    assert (summary.records.read, found(summary)) == (600, [])
    assert says(summary, "in/a.csv", "--no-header")


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_the_baselines_names_make_header_and_separator_certain(workbench: Workbench, separator: str) -> None:
    workbench.baseline(table(_rows(600)))
    moved = {name: _rows(600)[name] for name in ("plan", "age", "x")}
    summary = workbench.check(table(moved, header=True), dataset_format={"csv": {"header": False}})
    assert (summary.records.read, found(summary)) == (600, [])
    assert says(summary, "has the baseline's names: it was read as a header", "--header")
    summary = workbench.check(table(moved).replace(",", separator))
    assert (summary.records.read, found(summary)) == (600, [])
    assert says(summary, "as the baseline's names show", "--separator")


def test_other_columns_are_no_row_and_stay_a_violation(workbench: Workbench) -> None:
    workbench.baseline(table(_rows(600)))
    summary = workbench.check(table({"years": [1] * 600, "y": [0.5] * 600, "tier": ["a"] * 600}))
    assert {check for _, check in found(summary)} == {"missing_column_check", "extra_column_check"}
    assert summary.records.read == 600
