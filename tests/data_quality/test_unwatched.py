"""Columns that a baseline cannot watch: the cause and the count, in the baseline and in the check."""

from __future__ import annotations

import json
from collections.abc import Callable

import polars as pl
import pytest

from modelwatch_core.domain.analysis import AnalysisSummary
from tests.data_quality.conftest import Workbench, found, table

USUAL = "--missing-values usual (in an environment: missing_values=usual)"


def about(summary: AnalysisSummary, name: str) -> list[str]:
    return [warning for warning in summary.warnings if repr(name) in warning]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stray", "count", "says"),
    [
        (
            "nan",
            1,
            "because of 1 of 600 values that usually mean a missing value, such as NA or -",
        ),
        (
            "NA",
            5,
            "because of 5 of 600 values that usually mean a missing value, such as NA or -",
        ),
        (
            "None",
            3,
            "because of 3 of 600 values that usually mean a missing value, such as NA or -",
        ),
        ("-", 2, "because of 2 of 600 values that usually mean a missing value, such as NA or -"),
        ("twelve", 1, "because of 1 of 600 values"),
        ("1e999", 1, "because of 1 of 600 values beyond the range of a double"),
        ('"7,5"', 4, "because of 4 of 600 values with a decimal comma"),
        ("8 ", 1, "because of 1 of 600 values with blanks around the number"),
        ("(9)", 1, "because of 1 of 600 values in brackets"),
        ("'9'", 2, "because of 2 of 600 values in quotes, or behind an apostrophe"),
        ("'9", 1, "because of 1 of 600 values in quotes, or behind an apostrophe"),
        ('"=""9"""', 1, "because of 1 of 600 values in quotes, or behind an apostrophe"),
        ("[0.9", 1, "because of 1 of 600 values with one bracket of a list, which was cut at its commas"),
        ("-9e-1]", 1, "because of 1 of 600 values with one bracket of a list, which was cut at its commas"),
    ],
)
@pytest.mark.parametrize("place", [0, 300, 590])
def test_a_few_cells_make_a_column_text_and_baseline_and_check_say_which(
    workbench: Workbench, stray: str, count: int, says: str, place: int
) -> None:
    values: list[object] = [index + 0.25 for index in range(600)]
    values[place : place + count] = [stray] * count
    made = workbench.baseline(table({"z": values, "y": [1] * 600}))
    kept = f"; {600 - count} of 600 are numbers"
    (many, cause) = about(made, "z")
    assert many == (
        f"text with more than 120 distinct values: 'z' ({600 - count + 1}); neither the type nor the drift of such a "
        "column is watched"
    )
    assert cause.startswith(f"'z' is String {says}{kept}")
    checked = workbench.check(table({"z": [100 * index for index in range(600)], "y": [1] * 600}))
    assert found(checked) == []
    (again,) = about(checked, "z")
    assert again.startswith("drift was not measured for 'z': it is text with more than 120 distinct values")
    assert f"String {says}{kept}" in again


def test_numbers_spelled_for_people_are_text_and_what_is_in_the_way_is_said(workbench: Workbench) -> None:
    numbers = [index + 0.5 for index in range(200)]
    columns: dict[str, list[object]] = {
        "comma": [f'"{number}"'.replace(".", ",") for number in numbers],
        "percent": [f"{number}%" for number in numbers],
        "behind": [f"{number} " for number in numbers],
        "money": [f"${number}" for number in numbers],
        "thousands": [f'"{1000 * index + 1000:,}"' for index in range(200)],
        "debit": [f"({number})" for number in numbers],
        "plain": [*numbers],
    }
    made = workbench.baseline(table(columns))
    kinds = [feature["inferred_type"] for feature in workbench.read("baseline/constraints.json")["features"]]
    assert kinds == [*["String"] * 6, "Fractional"]
    says = {
        "comma": "200 of 200 values with a decimal comma",
        "percent": "200 of 200 values with a per cent sign",
        "behind": "200 of 200 values with blanks around the number",
        "money": "200 of 200 values with a currency",
        "thousands": "200 of 200 values with separators of thousands, or a decimal comma",
        "debit": "200 of 200 values in brackets",
    }
    for name, text in says.items():
        assert any(text in warning and "write numbers as 1234.5" in warning for warning in about(made, name))
    assert about(made, "plain") == []
    checked = workbench.check(table(columns))
    for name, text in says.items():
        assert any(text in warning for warning in about(checked, name))


def test_the_advice_leads_to_a_column_that_is_watched(workbench: Workbench) -> None:
    values: list[object] = [*range(599), "nan"]
    made = workbench.baseline(table({"z": values, "y": [1] * 600}))
    assert about(made, "z")[1].endswith(
        ": leave missing values empty, or give --missing-values usual (in an environment: missing_values=usual), and "
        "make the baseline again"
    )
    again = workbench.baseline(table({"z": [*range(599), None], "y": [1] * 600}))
    assert about(again, "z") == []
    summary = workbench.check(table({"z": [100 * index for index in range(599)] + [None], "y": [1] * 600}))
    assert found(summary) == [("z", "baseline_drift_check")]


def test_text_of_few_values_is_compared_and_the_words_for_missing_in_it_are_counted(workbench: Workbench) -> None:
    columns: dict[str, list[object]] = {
        "plan": ["a", "b"] * 58 + ["NA", " ", "null", "-"],
        "grade": [1, 2, 3] * 39 + ["nan"] * 3,
        "word": ["x", "y"] * 60,
    }
    made = workbench.baseline(table(columns))
    words = "text that usually means a missing value, such as NA or -, counts as text: 'plan' (4 of 120 values); leave "
    assert about(made, "plan") == [f"{words}the value empty where it is missing, or give {USUAL}"]
    (cause,) = about(made, "grade")
    assert "'grade' is String because of 3 of 120 values" in cause
    assert about(made, "word") == []
    checked = workbench.check(table(columns))
    assert about(checked, "grade") == [f"in the baseline, {cause}"]
    assert found(checked) == []


def test_columns_without_values_and_ids_are_counted_in_baseline_and_check(workbench: Workbench) -> None:
    columns: dict[str, list[object]] = {
        "empty": [None] * 130,
        "id": [f"user-{index}" for index in range(130)],
        "x": [1] * 130,
    }
    made = workbench.baseline(table(columns))
    empty = "there is no value in 'empty' (0 of 130 rows): only the completeness of such a column is watched"
    assert about(made, "empty") == [empty]
    many = "text with more than 120 distinct values: 'id' (130); neither the type nor the drift of such a column is "
    assert about(made, "id") == [f"{many}watched"]
    checked = workbench.check(table(columns))
    assert f"in the baseline, {empty}" in about(checked, "empty")
    assert about(checked, "id") == [
        "drift was not measured for 'id': it is text with more than 120 distinct values in the baseline"
    ]


def test_a_column_of_numbers_that_is_text_now_says_why(workbench: Workbench) -> None:
    workbench.baseline(table({"z": list(range(100)), "y": [1] * 100}))
    checked = workbench.check(table({"z": [*range(98), "NA", "NA"], "y": [1] * 100}))
    assert found(checked) == [("z", "data_type_check")]
    cause = "2 of 100 values that usually mean a missing value, such as NA or -; 98 of 100 are numbers"
    assert about(checked, "z") == [f"'z' is now String because of {cause}: leave missing values empty, or give {USUAL}"]


def test_a_baseline_without_spellings_still_says_that_there_are_too_many_values(workbench: Workbench) -> None:
    data = table({"z": [*range(199), "nan"], "y": [1] * 200})
    workbench.baseline(data)
    statistics = workbench.read("baseline/statistics.json")
    assert statistics["features"][0]["string_statistics"].pop("spellings") == {"number": 199, "missing_value": 1}
    workbench.rewrite("baseline/statistics.json", statistics)  # as SageMaker writes it
    assert about(workbench.check(data), "z") == [
        "drift was not measured for 'z': it is text with more than 120 distinct values in the baseline"
    ]


@pytest.mark.slow
@pytest.mark.parametrize("form", ["json", "parquet"])
def test_all_formats_say_the_same(workbench: Workbench, form: str) -> None:
    values = [*(str(index) for index in range(150)), "NaN"]
    if form == "json":
        content: bytes = "".join(json.dumps({"z": value}) + "\n" for value in values).encode()
        dataset_format: dict[str, object] = {"json": {"lines": True}}
    else:
        path = workbench.folder / "made.parquet"
        pl.DataFrame({"z": values}).write_parquet(path)
        content, dataset_format = path.read_bytes(), {"parquet": {}}
    made = workbench.check(content, dataset_format=dataset_format, baseline_constraints=None, baseline_statistics=None)
    assert any(
        "1 of 151 values that usually mean a missing value" in warning and "150 of 151" in warning
        for warning in made.warnings
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spell", "options"),
    [
        ("{:.2f}".format, {}),
        (lambda number: f'"{number:.2f}"'.replace(".", ","), {"decimal": ","}),
        (lambda number: f'"{number:,.2f}"'.translate(str.maketrans(",.", ".,")), {"decimal": ","}),
        (lambda number: f'"{number:,.2f} €"'.translate(str.maketrans(",.", ".,")), {"decimal": ","}),
        (lambda number: f'"${number:,.2f}"', {"decimal": "."}),
        (lambda number: f"{100 * number:.0f} %", {"decimal": "."}),
        (lambda number: f" {number:.2f} ", {"decimal": "."}),
        (lambda number: f" {number:.2f} ", {"trim_blanks": True}),
        (lambda number: f"{number:.2f}" if number % 7 else "NA", {"missing_values": ["NA", "nan"]}),
        (lambda number: f"{number:.2f}" if number % 7 else "None", {"missing_values": ["usual"]}),
        (lambda number: f"{number:.2f}" if number % 7 else " - ", {"missing_values": ["usual"]}),
        (lambda number: f"{number:.2f}" if number % 7 else "  ", {"missing_values": ["usual"]}),
        (lambda number: f'"{number:.2f} "'.replace(".", ",") if number % 7 else " - ",
         {"decimal": ",", "trim_blanks": True, "missing_values": ["-"]}),
    ],
)  # fmt: skip
def test_the_options_make_numbers_of_them(
    workbench: Workbench, spell: Callable[[float], str], options: dict[str, object]
) -> None:
    numbers = [index * 13.25 for index in range(600)]

    def spelled(factor: float) -> str:
        return table({"z": [spell(number * factor) for number in numbers], "y": [1] * 600})

    workbench.check(
        spelled(1),
        **options,
        output_path=workbench.folder / "baseline",
        baseline_constraints=None,
        baseline_statistics=None,
    )
    feature, _ = workbench.read("baseline/statistics.json")["features"]
    present = [number for number in numbers if "missing_values" not in options or number % 7]
    assert feature["inferred_type"] == "Fractional"
    assert feature["numerical_statistics"]["common"] == {"num_present": len(present), "num_missing": 600 - len(present)}
    assert feature["numerical_statistics"]["sum"] == pytest.approx(sum(present), rel=1e-12)
    assert found(workbench.check(spelled(1), **options)) == []
    if "missing_values" not in options:
        assert found(workbench.check(spelled(100), **options)) == [("z", "baseline_drift_check")]


def test_many_reasons_are_not_many_warnings(workbench: Workbench) -> None:
    columns: dict[str, list[object]] = {
        f"c{strays}": [*range(200 - strays), *["nan"] * strays] for strays in range(1, 26)
    }
    workbench.baseline(table(columns))
    checked = workbench.check(table(columns))
    reasons = [warning for warning in checked.warnings if warning.startswith("drift was not measured for")]
    assert len(reasons) == 21
    assert reasons[-1].startswith("drift was not measured for 'c21', 'c22', 'c23', 'c24', 'c25': ")
