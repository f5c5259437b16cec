"""What a baseline holds."""

from __future__ import annotations

import statistics as stdlib

import pytest

from tests.data_quality.conftest import Workbench, found, table


def test_statistics_and_constraints_are_those_of_the_data(workbench: Workbench) -> None:
    minutes = [1.5, 2.0, None, -4.25]
    workbench.baseline(
        table(
            {
                "calls": [3, 0, 7, 2],
                "minutes": minutes,
                "plan": ["a", "b", "a", "a"],
                "empty": [None] * 4,
                "ok": ["true"] * 4,
            }
        )
    )
    statistics = workbench.read("baseline/statistics.json")
    assert statistics["version"] == 0.0
    assert statistics["dataset"] == {"item_count": 4}
    calls, fractions, plan, empty, ok = statistics["features"]
    assert [f["inferred_type"] for f in statistics["features"]] == [
        "Integral",
        "Fractional",
        "String",
        "Unknown",
        "String",
    ]
    assert calls["numerical_statistics"]["sum"] == 12
    numbers = fractions["numerical_statistics"]
    assert numbers["common"] == {"num_present": 3, "num_missing": 1}
    present = [value for value in minutes if value is not None]
    assert numbers["mean"] == pytest.approx(stdlib.fmean(present), rel=1e-9)
    assert numbers["std_dev"] == pytest.approx(stdlib.pstdev(present), rel=1e-9)
    assert (numbers["min"], numbers["max"]) == (-4.25, 2.0)
    kll = numbers["distribution"]["kll"]
    assert kll["sketch"] == {"parameters": {"c": 0.64, "k": 2048.0}, "data": [[1.5, 2.0, -4.25]]}
    # Ten buckets of 0.625 from -4.25; 1.5 is in [1.375, 2.0], whose end is included.
    assert [bucket["count"] for bucket in kll["buckets"]] == [1, 0, 0, 0, 0, 0, 0, 0, 0, 2]
    assert plan["string_statistics"] == {
        "common": {"num_present": 4, "num_missing": 0},
        "distinct_count": 2.0,
        "distribution": {"categorical": {"buckets": [{"value": "a", "count": 3}, {"value": "b", "count": 1}]}},
    }
    assert empty["string_statistics"]["common"] == {"num_present": 0, "num_missing": 4}
    assert ok["string_statistics"]["distinct_count"] == 1.0
    assert workbench.read("baseline/constraints.json") == {
        "version": 0.0,
        "features": [
            {
                "name": "calls",
                "inferred_type": "Integral",
                "completeness": 1.0,
                "num_constraints": {"is_non_negative": True},
            },
            {
                "name": "minutes",
                "inferred_type": "Fractional",
                "completeness": 0.75,
                "num_constraints": {"is_non_negative": False},
            },
            {"name": "plan", "inferred_type": "String", "completeness": 1.0},
            {"name": "empty", "inferred_type": "Unknown", "completeness": 0.0},
            {
                "name": "ok",
                "inferred_type": "String",
                "completeness": 1.0,
                "string_constraints": {"domains": ["true"]},
            },
        ],
        "monitoring_config": {
            "evaluate_constraints": "Enabled",
            "emit_metrics": "Enabled",
            "datatype_check_threshold": 1.0,
            "domain_content_threshold": 1.0,
            "distribution_constraints": {
                "perform_comparison": "Enabled",
                "comparison_threshold": 0.1,
                "comparison_method": "Robust",
                "categorical_comparison_threshold": 0.1,
                "categorical_drift_method": "LInfinity",
            },
        },
    }


def test_a_column_has_a_domain_if_its_values_are_few_and_hardly_any_came_once(workbench: Workbench) -> None:
    # Deequ's CategoricalRangeRule: at most 120 values, at most a tenth of them with count 1.
    rows = 260
    workbench.baseline(table({
        "ten": [f"v{index % 9}" if index else "once" for index in range(rows)],
        "nine": [f"v{index % 8}" if index else "once" for index in range(rows)],
        "most": [f"v{index % 120:03}" for index in range(rows)],
        "many": [f"v{index % 121}" for index in range(rows)],
    }))  # fmt: skip
    ten, nine, most, many = workbench.read("baseline/constraints.json")["features"]
    assert len(ten["string_constraints"]["domains"]) == 10
    assert "string_constraints" not in nine
    # Counts of 3 first, then counts of 2, each in the order of the text.
    assert most["string_constraints"]["domains"] == [f"v{index:03}" for index in range(120)]
    assert "string_constraints" not in many
    buckets = [
        f["string_statistics"].get("distribution") for f in workbench.read("baseline/statistics.json")["features"]
    ]
    assert [bucket is not None for bucket in buckets] == [True, True, True, False]


def test_the_suggested_drift_method_is_the_requested_one(workbench: Workbench) -> None:
    workbench.baseline("a\n1\n", categorical_drift_method="ChiSquared")
    config = workbench.read("baseline/constraints.json")["monitoring_config"]
    assert config["distribution_constraints"]["categorical_drift_method"] == "ChiSquared"


def test_a_column_that_turns_to_text_far_down_is_text(workbench: Workbench) -> None:
    workbench.baseline("a,b\n" + "1,2\n" * 600_000 + "x,2\n" * 10, header=True)
    turned, other = workbench.read("baseline/statistics.json")["features"]
    assert turned["string_statistics"]["distribution"]["categorical"]["buckets"] == [
        {"value": "1", "count": 600_000},
        {"value": "x", "count": 10},
    ]
    assert other["numerical_statistics"]["sum"] == 2 * 600_010


def test_a_baseline_of_few_rows_and_columns_without_values_are_pointed_out(workbench: Workbench) -> None:
    few = workbench.baseline(table({"a": [1] * 99, "b": [None] * 99}))
    assert any("99 rows" in warning for warning in few.warnings)
    assert any("'b'" in warning for warning in few.warnings)
    assert workbench.baseline(table({"a": [1] * 100})).warnings == ()


def test_a_sum_beyond_the_greatest_double_is_written_as_that_and_pointed_out(workbench: Workbench) -> None:
    summary = workbench.baseline(table({"a": ["1.5e308"] * 200}))
    (feature,) = workbench.read("baseline/statistics.json")["features"]
    assert feature["numerical_statistics"]["sum"] == 1.7976931348623157e308
    assert feature["numerical_statistics"]["mean"] == 1.5e308
    assert any("'a'" in warning for warning in summary.warnings)


@pytest.mark.parametrize(
    "columns",
    [
        {"a": [1, 2, 3], "b": ["x", None, "y"], "c": [1.5, None, -2]},
        {"constant": [5, 5, 5], "empty": [None, None, None]},
        {"mixed": [1, "x", 2.5], "huge": ["1" * 300, "2" * 300, "1"], "nan": ["NaN", "Infinity", "1"]},
        {"flag": ["true", "false", "true"], "whole": ["1.0", "2.0", "3.0"], "spaced": [" 1", " 2", " 3"]},
    ],
)
@pytest.mark.parametrize("header", [True, False])
def test_a_baseline_passes_its_own_check(workbench: Workbench, columns: dict[str, list[object]], header: bool) -> None:
    data = table(columns, header=header)
    workbench.baseline(data, header=header)
    summary = workbench.check(data, dataset_format={"csv": {"header": header}})
    assert found(summary) == []
    assert summary.exit_message == "Completed: Job completed successfully with no violations."
    assert workbench.read("check/constraint_violations.json") == {"violations": []}


def test_names_that_look_like_patterns_are_only_names(workbench: Workbench) -> None:
    data = table({"^a.*$": ["x", "y"] * 100, "ab": [1, 2] * 100, "*": ["1.5", "nan"] * 100, "^.*$": [None] * 200})
    workbench.baseline(data)
    kinds = [feature["inferred_type"] for feature in workbench.read("baseline/statistics.json")["features"]]
    assert kinds == ["String", "Integral", "String", "Unknown"]
    assert found(workbench.check(data)) == []
