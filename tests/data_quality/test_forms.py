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
    assert says(summary, "not their names: it was read as a row", "--no-header")
    given = workbench.check(headless, dataset_format={"csv": {"header": False}})
    assert (given.records.read, found(given), says(given, "header")) == (600, [], False)


def test_objects_of_transform_jobs_without_a_header_are_compared_by_position_too(workbench: Workbench) -> None:
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


def test_a_header_of_other_columns_is_not_read_as_a_row_and_stays_a_violation(workbench: Workbench) -> None:
    workbench.baseline(table(_rows(600)))
    summary = workbench.check(table({"years": [1] * 600, "y": [0.5] * 600, "tier": ["a"] * 600}))
    assert {check for _, check in found(summary)} == {"missing_column_check", "extra_column_check"}
    assert summary.records.read == 600


@pytest.mark.parametrize(
    ("header", "named"),
    [
        ("Age,X,PLAN", "'Age' as 'age', 'X' as 'x', 'PLAN' as 'plan'"),
        ("age, x,plan ", "' x' as 'x', 'plan ' as 'plan'"),
        ("AGE ,x,plan", "'AGE ' as 'age'"),
        ("plan,age,\tX", "'\\tX' as 'x'"),
        ("age,x,Plan", "'Plan' as 'plan'"),
    ],
)
def test_names_that_differ_in_blanks_and_case_only_are_taken_and_reported(
    workbench: Workbench, header: str, named: str
) -> None:
    columns = _rows(600)
    workbench.baseline(table(columns))
    order = [name.strip().lower() for name in header.split(",")]
    text = table({name: columns[name] for name in order}).split("\n", 1)[1]
    summary = workbench.check(f"{header}\n{text}")
    assert found(summary) == []
    assert says(
        summary, f"differ from the baseline's only in blanks, case or Unicode form were taken for the same: {named}"
    )
    names = [feature["name"] for feature in workbench.read("check/statistics.json")["features"]]
    assert sorted(names) == ["age", "plan", "x"]


def test_one_name_in_two_unicode_forms_is_one(workbench: Workbench) -> None:
    workbench.baseline(table({"caf\u00e9": [1] * 600}))
    summary = workbench.check(table({"cafe\u0301": [1] * 600}))
    assert found(summary) == []
    assert says(summary, "only in blanks, case or Unicode form")


@pytest.mark.parametrize(("first", "is_row"), [("target,5", True), ("visits,5", True), ("target,age", False)])
def test_a_value_that_is_the_name_of_a_column_does_not_make_a_first_row_a_header(
    workbench: Workbench, first: str, is_row: bool
) -> None:
    rows = "\n".join(f"{'target' if index % 2 else 'visits'},{index % 9}" for index in range(600))
    workbench.baseline(f"cause,target\n{rows}\n")
    summary = workbench.check(f"{first}\n{rows}\n")
    assert says(summary, "it was read as a row") is is_row
    assert (found(summary) == []) is is_row


def test_names_between_which_there_is_a_choice_are_not_taken(workbench: Workbench) -> None:
    workbench.baseline(table({"a": [1] * 600, "b": [2] * 600}))
    summary = workbench.check(table({"A": [1] * 600, " a": [2] * 600, "b": [2] * 600}))
    assert found(summary) == [("a", "missing_column_check"), ("A", "extra_column_check"), (" a", "extra_column_check")]
    assert not says(summary, "were taken")


def test_columns_without_a_name_in_common_are_shown_from_both_sides(workbench: Workbench) -> None:
    workbench.baseline(table({"a": [1] * 600, "b": [2] * 600, "c": [2] * 600}))
    summary = workbench.check(table({"v" * 50: [1] * 600, "w": [2] * 600, "u": [3] * 600}))
    assert len(found(summary)) == 6
    data, baseline = f"'{'v' * 40}...' and 'w'", "'a' and 'b'"
    assert says(summary, f"the data has {data}, the baseline {baseline}")


@pytest.mark.parametrize(
    ("value", "alike"), [("A", True), (" a", True), ("b ", True), ("caf\u00e9", True), ("d", False), ("a b", False)]
)
def test_values_that_differ_in_spelling_only_are_others_and_that_is_said(
    workbench: Workbench, value: str, alike: bool
) -> None:
    workbench.baseline(table({"plan": ["a", "b", "cafe\u0301"] * 200, "y": [1] * 600}))
    summary = workbench.check(table({"plan": ["a"] * 199 + [value] + ["b", "cafe\u0301"] * 200, "y": [1] * 600}))
    assert found(summary) == [("plan", "categorical_values_check")]
    assert says(summary, "values of 'plan' that are not in the domain", "only in blanks, case or Unicode form") is alike
