"""A dataset against its baseline: each check's rule and its wording."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwatch_core.domain.analysis import AnalysisSummary
from modelwatch_core.domain.errors import InvalidInput
from tests.data_quality.conftest import Workbench, found, table

_CAPTURE = {"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput", "endpointOutput"]}}


def captured(*pairs: tuple[str, str]) -> str:
    """Spell requests and responses as captured records."""
    records = [
        {
            "captureData": {
                "endpointInput": {"data": request, "encoding": "CSV"},
                "endpointOutput": {"data": response, "encoding": "CSV"},
            },
            "eventMetadata": {"eventId": "1", "inferenceTime": "2026-11-22T09:30:00Z"},
            "eventVersion": "0",
        }
        for request, response in pairs
    ]
    return "".join(json.dumps(record) + "\n" for record in records)


def description(summary: AnalysisSummary, check: str) -> str:
    (only,) = [violation for violation in summary.violations if violation.constraint_check_type == check]
    return only.description


def configure(workbench: Workbench, **config: Any) -> None:
    """Change the baseline's monitoring_config."""
    constraints = workbench.read("baseline/constraints.json")
    distribution = config.pop("distribution_constraints", {})
    constraints["monitoring_config"] |= config
    constraints["monitoring_config"]["distribution_constraints"] |= distribution
    workbench.rewrite("baseline/constraints.json", constraints)


def test_values_of_another_type_are_reported_in_the_first_partys_wording(workbench: Workbench) -> None:
    workbench.baseline(table({"a": list(range(1977))}))
    # 1970 of 1977 values are Integral: the share in the violation file of the introductory notebook.
    summary = workbench.check(table({"a": [*range(1970), *[0.5] * 7]}))
    assert summary.exit_message == "CompletedWithViolations: Job completed successfully with 1 violations."
    assert workbench.read("check/constraint_violations.json") == {
        "violations": [
            {
                "feature_name": "a",
                "constraint_check_type": "data_type_check",
                "description": "Data type match requirement is not met. Expected data type: Integral, "
                "Expected match: 100.0%. Observed: Only 99.64592817400101% of data is Integral.",
            }
        ]
    }


def test_whole_numbers_match_a_fractional_column_and_everything_a_string_column(workbench: Workbench) -> None:
    workbench.baseline(table({"a": [1.5, 2.5], "b": ["x", "1"]}))
    summary = workbench.check(table({"a": [1, 2], "b": [1, 2]}))
    assert ("a", "data_type_check") not in found(summary)
    assert ("b", "data_type_check") not in found(summary)
    summary = workbench.check(table({"a": [1, "x"], "b": ["x", "1"]}))
    assert "Expected data type: Fractional" in description(summary, "data_type_check")
    assert "Only 50.0% of data is Fractional" in description(summary, "data_type_check")


def test_a_warning_says_why_whole_numbers_that_pandas_wrote_are_of_another_type(workbench: Workbench) -> None:
    workbench.baseline(table({"a": [1, 2, 3], "b": [1, 2, 3]}))
    summary = workbench.check(table({"a": ["1.0", None, "3.0"], "b": [1, 2.5, 3]}))
    assert {("a", "data_type_check"), ("b", "data_type_check")} <= {*found(summary)}
    (warning,) = (each for each in summary.warnings if "Int64" in each)
    assert warning.startswith("the numbers of 'a' are whole, but written as fractions (1.0)")


def test_a_sign_that_no_text_has_is_ignored_with_a_warning(workbench: Workbench) -> None:
    workbench.baseline(table({"a": ["x", "y"]}))
    constraints = workbench.read("baseline/constraints.json")
    constraints["features"][0]["num_constraints"] = {"is_non_negative": True}
    workbench.rewrite("baseline/constraints.json", constraints)
    summary = workbench.check(table({"a": ["x", "y"]}))
    assert "is_non_negative is checked for numeric features only, and ignored for 'a'" in summary.warnings


def test_the_threshold_of_the_type_check_comes_from_the_file(workbench: Workbench) -> None:
    workbench.baseline(table({"a": [1, 2]}))
    configure(workbench, datatype_check_threshold=0.5)
    assert ("a", "data_type_check") not in found(workbench.check(table({"a": [1, "x"]})))
    assert "Expected match: 50.0%" in description(workbench.check(table({"a": [1, "x", "y"]})), "data_type_check")


def test_missing_values_are_reported_in_the_first_partys_wording(workbench: Workbench) -> None:
    workbench.baseline(table({"a": [1] * 32, "b": [1, None] * 16}))
    summary = workbench.check(table({"a": [None] + [1] * 31, "b": [1, None] * 16}))
    assert found(summary) == [("a", "completeness_check")]
    # The console picture of a real run has these very words and numbers.
    expected = "Data completeness requirement is not met. Expected: 100.0%. Observed: Only 96.875%."
    assert description(summary, "completeness_check") == expected


def test_negative_values_are_reported_where_the_baseline_has_none(workbench: Workbench) -> None:
    workbench.baseline(table({"a": [0, 1, 2, 3], "b": [-1, 1, 2, 3]}))
    summary = workbench.check(table({"a": [0, 1, 2, -3], "b": [-1, -2, -2, -3]}))
    assert found(summary) == [("a", "is_non_negative_check")]
    expected = (
        "Non-negativity requirement is not met. Expected: 100.0% of values non-negative. "
        "Observed: Only 75.0% of values are non-negative."
    )
    assert description(summary, "is_non_negative_check") == expected


def test_values_that_are_not_numbers_have_no_part_in_the_share_that_is_not_negative(workbench: Workbench) -> None:
    workbench.baseline("a\n1\n2\n")
    summary = workbench.check("a\n-1\n2\nx\ny\n")
    text = next(
        each.description for each in summary.violations if each.constraint_check_type == "is_non_negative_check"
    )
    assert text.endswith("Only 50.0% of values are non-negative.")


def test_values_outside_the_domain_are_reported_by_the_files_threshold(workbench: Workbench) -> None:
    workbench.baseline(table({"a": ["x", "y"] * 10}))
    data = table({"a": ["x"] * 5 + ["y"] * 4 + ["z"]})
    expected = (
        "Categorical values requirement is not met. Expected match: 100.0%. "
        "Observed: Only 90.0% of values are in the domain of the baseline."
    )
    assert description(workbench.check(data), "categorical_values_check") == expected
    configure(workbench, domain_content_threshold=0.9)
    assert found(workbench.check(data)) == []


def test_a_domain_is_counted_exactly_among_more_values_than_are_kept(workbench: Workbench) -> None:
    workbench.baseline("a\nz\nz\n")
    summary = workbench.check(
        "\n".join(["a", *(f"v{index}" for index in range(12_499)), "z"]), baseline_statistics=None
    )
    assert found(summary) == [("a", "categorical_values_check")]
    assert "Only 0.008% of values" in description(summary, "categorical_values_check")


def test_drift_is_reported_in_the_first_partys_wording_with_all_digits_and_the_files_threshold(
    workbench: Workbench,
) -> None:
    workbench.baseline(table({"a": [1, 2, 3, 4]}))
    configure(workbench, distribution_constraints={"comparison_method": "Simple", "comparison_threshold": 0.2})
    # Deequ, KLLDistanceTest: {1,2,3,4} against {2,3,4,5} has a simple distance of 0.25.
    summary = workbench.check(table({"a": [2, 3, 4, 5]}))
    assert description(summary, "baseline_drift_check") == "Baseline drift distance: 0.25 exceeds threshold: 0.2"
    configure(workbench, distribution_constraints={"comparison_threshold": 0.25})
    assert found(workbench.check(table({"a": [2, 3, 4, 5]}))) == []
    configure(workbench, distribution_constraints={"comparison_method": "Robust", "comparison_threshold": 0.0})
    assert found(workbench.check(table({"a": [2, 3, 4, 5]}))) == []


def spread(counts: dict[str, int]) -> list[object]:
    return [value for value, count in counts.items() for _ in range(count)]


def test_categorical_drift_is_measured_by_shares(workbench: Workbench) -> None:
    workbench.baseline(table({"a": spread({"a": 207, "b": 20, "c": 25, "d": 14, "e": 25, "g": 13})}))
    configure(workbench, domain_content_threshold=0.0)
    summary = workbench.check(table({"a": spread({"a": 22, "b": 20, "c": 25, "d": 12, "e": 13, "f": 15})}))
    assert found(summary) == [("a", "baseline_drift_check")]
    text = description(summary, "baseline_drift_check")
    assert text.endswith(" exceeds threshold: 0.1")
    distance = float(text.removeprefix("Baseline drift distance: ").split()[0])
    # By hand, by the Robust formula: "a" has moved most, of 304 and 107 values.
    assert distance == pytest.approx(207 / 304 - 22 / 107 - 1.8 * math.sqrt(411 / (304 * 107)), rel=1e-12)


def test_a_small_chi_squared_p_value_is_drift_and_a_large_one_is_not(workbench: Workbench) -> None:
    expected = {"a": 223, "b": 20, "c": 25, "d": 12, "e": 13, "f": 15}
    sample = {"a": 187, "b": 20, "c": 25, "d": 14, "e": 45, "g": 13}
    workbench.baseline(table({"a": spread(expected)}), categorical_drift_method="ChiSquared")
    configure(workbench, domain_content_threshold=0.0)
    text = description(workbench.check(table({"a": spread(sample)})), "baseline_drift_check")
    assert text.endswith(" is below threshold: 0.1")
    number = float(text.removeprefix("Baseline drift p-value: ").split()[0])
    # scipy 1.17.1: chi2_contingency([[223, 20, 25, 12, 13, 15, 0], [187, 20, 25, 14, 45, 0, 13]])
    assert number == pytest.approx(7.644021136067335e-09, rel=1e-9, abs=0)
    assert found(workbench.check(table({"a": spread(expected)}))) == []


def test_a_baseline_that_was_drawn_by_chance_is_no_drift_by_chi_squared(workbench: Workbench) -> None:
    then, now = [57, 58, 52, 58, 49, 47, 50, 42, 43, 44], [52, 51, 51, 43, 52, 34, 52, 52, 51, 62]
    drawn = [table({"city": spread({f"city{i}": k for i, k in enumerate(side)})}) for side in (then, now)]
    workbench.baseline(drawn[0], categorical_drift_method="ChiSquared")
    assert found(workbench.check(drawn[1])) == []
    configure(workbench, distribution_constraints={"categorical_comparison_threshold": 0.4})
    # scipy 1.17.1: chi2_contingency of the two lines of counts
    assert description(workbench.check(drawn[1]), "baseline_drift_check").startswith(
        "Baseline drift p-value: 0.35598882833663"
    )


@pytest.mark.parametrize(
    ("now", "p_value"),
    [  # scipy 1.17.1: chi2_contingency([[300, 295, 5, 0], ...]) with 3 degrees of freedom
        ({"p0": 100, "p1": 100, "new": 400}, 5.357711588609441e-130),
        ({"p0": 10, "p1": 10, "new": 580}, 4.5452330495576284e-243),
    ],
)
def test_a_category_that_the_baseline_never_saw_is_drift_by_chi_squared(
    workbench: Workbench, now: dict[str, int], p_value: float
) -> None:
    # Too many plans came once for a domain, so that no other check sees the new one.
    then = {"p0": 300, "p1": 295} | {f"rare{i}": 1 for i in range(5)}
    workbench.baseline(table({"plan": spread(then)}), categorical_drift_method="ChiSquared")
    summary = workbench.check(table({"plan": spread(now)}))
    assert found(summary) == [("plan", "baseline_drift_check")]
    text = description(summary, "baseline_drift_check")
    assert float(text.removeprefix("Baseline drift p-value: ").split()[0]) == pytest.approx(p_value, rel=1e-9, abs=0)


def test_categories_of_countless_new_values_drift_by_the_shares_of_the_known_ones(workbench: Workbench) -> None:
    workbench.baseline(table({"a": ["x", "y"] * 6000}))
    configure(workbench, distribution_constraints={"comparison_method": "Simple"})
    rows = 24_000
    summary = workbench.check(table({"a": ["x" if index % 4 == 0 else f"id-{index}" for index in range(rows)]}))
    text = description(summary, "baseline_drift_check")
    # y fell from a half to nothing.
    assert float(text.removeprefix("Baseline drift distance: ").split()[0]) == pytest.approx(0.5, rel=1e-12)
    assert "Observed: Only 25.0% of values" in description(summary, "categorical_values_check")


def test_named_columns_are_found_in_any_order_and_each_missing_or_extra_one_is_reported(workbench: Workbench) -> None:
    workbench.baseline(table({"a": [1], "b": [2], "c": [3]}))
    summary = workbench.check(table({"c": [3], "x": [9], "b": [2], "y": [9]}))
    assert found(summary) == [
        ("a", "missing_column_check"),
        ("x", "extra_column_check"),
        ("y", "extra_column_check"),
    ]
    expected = (
        "There are missing columns in current dataset. Number of columns in current dataset: 4, "
        "Number of columns in baseline constraints: 3"
    )
    assert summary.violations[0].description == expected
    assert summary.violations[1].description == expected.replace("missing", "extra")


def test_captured_columns_match_the_baselines_by_position_with_responses_first(workbench: Workbench) -> None:
    workbench.baseline(table({"score": [0.5, 0.25], "age": [1, 2], "plan": ["x", "x"]}))
    summary = workbench.check(captured(("1,x", "0.5"), ("2,x", "0.25\n")), dataset_format=_CAPTURE)
    assert found(summary) == []
    names = [feature["name"] for feature in workbench.read("check/statistics.json")["features"]]
    assert names == ["score", "age", "plan"]
    summary = workbench.check(captured(("-1,x", "0.5")), dataset_format=_CAPTURE)
    assert found(summary) == [("age", "is_non_negative_check")]


def test_a_baseline_of_inputs_alone_is_checked_against_the_requests_and_the_count_is_reported(
    workbench: Workbench,
) -> None:
    workbench.baseline(table({"age": [1, 2], "plan": ["x", "x"]}))
    summary = workbench.check(captured(("-1,x", "0.5")), dataset_format=_CAPTURE)
    assert found(summary) == [("age", "is_non_negative_check"), ("Extra columns", "extra_column_check")]
    assert "current dataset: 3, Number of columns in baseline constraints: 2" in summary.violations[1].description
    assert any("responses were left out" in warning for warning in summary.warnings)


def test_named_fields_of_requests_are_found_by_name_and_the_unnamed_response_by_its_place(workbench: Workbench) -> None:
    workbench.baseline(table({"score": [0.5, 0.75], "age": [1, 2], "plan": ["x", "x"]}))
    sides = {
        "endpointInput": {"data": '{"plan": "y", "age": -1}', "encoding": "JSON"},
        "endpointOutput": {"data": "-0.5", "encoding": "CSV"},
    }
    summary = workbench.check(json.dumps({"captureData": sides}), dataset_format=_CAPTURE)
    assert found(summary) == [
        ("score", "is_non_negative_check"),
        ("age", "is_non_negative_check"),
        ("plan", "categorical_values_check"),
    ]


def test_columns_that_cannot_be_identified_by_position_are_counted_and_not_checked(workbench: Workbench) -> None:
    workbench.baseline(table({"a": [1], "b": [2], "c": [3], "d": [4]}))
    summary = workbench.check(captured(("-1,-1", "-1")), dataset_format=_CAPTURE)
    assert found(summary) == [("Missing columns", "missing_column_check")]
    assert any("no column can be identified by its position" in warning for warning in summary.warnings)
    names = [feature["name"] for feature in workbench.read("check/statistics.json")["features"]]
    assert names == ["_c0", "_c1", "_c2"]


def test_checks_are_switched_off_by_feature_and_altogether(workbench: Workbench) -> None:
    workbench.baseline(table({"a": [1], "b": [2], "c": [3]}))
    constraints = workbench.read("baseline/constraints.json")
    constraints["features"][0]["monitoringConfigOverrides"] = {"evaluate_constraints": "Disabled"}
    workbench.rewrite("baseline/constraints.json", constraints)
    summary = workbench.check(table({"a": [-1], "c": [-3]}))
    assert found(summary) == [("b", "missing_column_check"), ("c", "is_non_negative_check")]
    assert any("switches the checks off for 'a'" in warning for warning in summary.warnings)
    configure(workbench, evaluate_constraints="Disabled")
    assert found(workbench.check(table({"x": [-3]}))) == []


def test_keys_of_the_constraints_file_that_have_no_meaning_where_they_are_are_pointed_out(workbench: Workbench) -> None:
    workbench.baseline("a\n1\n")
    constraints = workbench.read("baseline/constraints.json")
    assert not any("have no meaning" in warning for warning in workbench.check("a\n1\n").warnings)
    constraints["features"][0]["monitoringConfigOverrides"] = {"comparison_threshold": -1}  # one level too high
    # As in sagemaker-python-sdk tests/data/monitor/constraints.json, of 2019.
    constraints["monitoring_config"]["distribution_constraints"]["min_domain_mass"] = 1.0
    workbench.rewrite("baseline/constraints.json", constraints)
    summary = workbench.check("a\n1\n")
    assert summary.violations == ()
    text = next(warning for warning in summary.warnings if "without a meaning" in warning)
    assert text.endswith("'comparison_threshold', 'min_domain_mass'")


def test_violations_come_in_the_order_of_the_file_and_then_of_the_checks(workbench: Workbench) -> None:
    workbench.baseline(table({"b": [1] * 20, "a": ["x"] * 20}))
    configure(workbench, distribution_constraints={"comparison_method": "Simple"})
    summary = workbench.check(table({"z": [1] * 4, "a": [None, "y", "y", "y"], "b": [-1.5, "x", -1, None]}))
    assert found(summary) == [
        ("b", "data_type_check"),
        ("b", "completeness_check"),
        ("b", "is_non_negative_check"),
        ("b", "baseline_drift_check"),
        ("a", "completeness_check"),
        ("a", "categorical_values_check"),
        ("a", "baseline_drift_check"),
        ("z", "extra_column_check"),
    ]


def test_a_baseline_of_other_origin_may_lack_almost_everything(workbench: Workbench) -> None:
    features = [
        {"name": "a", "inferred_type": "Integral"},
        {"name": "b", "inferred_type": "String"},
        {"name": "c", "inferred_type": "Unknown"},
    ]
    statistics = [{"name": "a", "inferred_type": "Integral", "numerical_statistics": {"mean": 1.0}}]
    (workbench.folder / "baseline").mkdir()
    workbench.rewrite("baseline/constraints.json", {"features": features})
    workbench.rewrite("baseline/statistics.json", {"features": statistics})
    data = table({"a": [1, "x"], "b": [None, "q"], "c": [1, "z"]})
    summary = workbench.check(data)
    assert found(summary) == [("a", "data_type_check")]
    assert any("'a': the baseline statistics hold no sketch" in warning for warning in summary.warnings)
    assert any("'b': the baseline statistics hold no categories" in warning for warning in summary.warnings)
    summary = workbench.check(data, baseline_statistics=None)
    assert any("drift was not measured" in warning for warning in summary.warnings)


def test_drift_of_numbers_that_became_text_in_the_constraints_is_not_measured_for_that_reason(
    workbench: Workbench,
) -> None:
    workbench.baseline(table({"zip": [1000 + number % 60 for number in range(240)]}))
    configure(workbench, distribution_constraints={"comparison_method": "Robust"})
    constraints = workbench.read("baseline/constraints.json")
    constraints["features"][0]["inferred_type"] = "String"
    workbench.rewrite("baseline/constraints.json", constraints)
    summary = workbench.check(table({"zip": ["1000", "x"] * 120}))
    reason = "its type in the constraints differs from that in the baseline statistics"
    assert [warning for warning in summary.warnings if "'zip'" in warning and reason in warning]


def test_a_sketch_that_cannot_be_read_is_refused_with_the_feature(workbench: Workbench) -> None:
    workbench.baseline(table({"a": [1, 2]}))
    statistics = workbench.read("baseline/statistics.json")
    sketch = statistics["features"][0]["numerical_statistics"]["distribution"]["kll"]["sketch"]
    sketch["data"] = [["1"]]
    workbench.rewrite("baseline/statistics.json", statistics)
    with pytest.raises(InvalidInput, match="feature 'a'") as refused:
        workbench.check(table({"a": [1]}))
    assert refused.value.code == "InvalidSketch"


def test_a_column_without_any_value_breaks_completeness_alone_and_its_drift_is_said_to_be_open(
    workbench: Workbench,
) -> None:
    workbench.baseline(table({"a": [1.5, 2.5], "b": ["x", "x"]}))
    summary = workbench.check(table({"a": [None, None], "b": [None, None]}))
    assert found(summary) == [("a", "completeness_check"), ("b", "completeness_check")]
    assert any("'a', 'b': there is no value in the current data" in warning for warning in summary.warnings)


def test_malformed_rows_are_counted_and_the_rest_is_checked(workbench: Workbench) -> None:
    workbench.baseline(table({"a": [1, 2], "b": [1, 2]}))
    summary = workbench.check(b"a,b\n1,2\n3\n\xff,1\n-1,2\n")
    assert (summary.records.read, summary.records.malformed) == (2, 2)
    assert found(summary) == [("a", "is_non_negative_check")]


def test_a_small_window_is_pointed_out(workbench: Workbench) -> None:
    workbench.baseline(table({"a": [1] * 500}))
    assert any("noisy" in warning for warning in workbench.check(table({"a": [1] * 499})).warnings)
    assert workbench.check(table({"a": [1] * 500})).warnings == ()


@pytest.mark.parametrize(
    ("content", "code"), [("a\n", "EmptyDataset"), ("", "EmptyDataset"), ("a\n1,2\n", "AllMalformed")]
)
def test_nothing_to_check_is_refused(workbench: Workbench, content: str, code: str) -> None:
    workbench.baseline(table({"a": [1]}))
    with pytest.raises(InvalidInput) as refused:
        workbench.check(content)
    assert refused.value.code == code


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(60)), st.integers(-3, 3))
def test_the_order_of_rows_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], shift: int
) -> None:
    workbench = Workbench(tmp_path_factory.mktemp("order"))
    workbench.baseline(table({"a": list(range(60)), "b": [f"v{index % 3}" for index in range(60)]}))
    columns = {"a": [index + shift for index in range(60)], "b": [f"v{index % (3 + shift % 2)}" for index in range(60)]}
    straight = workbench.check(table(columns))
    shuffled = workbench.check(table({name: [values[index] for index in order] for name, values in columns.items()}))
    assert shuffled.violations == straight.violations


def test_true_drift_among_a_thousand_rows_is_found_and_nothing_else(workbench: Workbench) -> None:
    random = np.random.default_rng(7)

    def sample(shift: float) -> str:
        return table({
            "moved": (random.normal(shift, 1, 3000)).tolist(),
            "still": random.normal(0, 1, 3000).tolist(),
            "plan": random.choice(["x", "y", "z"], 3000).tolist(),
        })  # fmt: skip

    workbench.baseline(sample(0))
    configure(workbench, distribution_constraints={"comparison_threshold": 0.1})
    assert found(workbench.check(sample(0))) == []
    assert found(workbench.check(sample(0.6))) == [("moved", "baseline_drift_check")]


@pytest.mark.parametrize(
    ("before", "now", "threshold", "drifts"),
    [
        # |40/100 - 30/100| = 1/10 and so on, exactly; in doubles 0.4 - 0.3 = 0.10000000000000003, 0.6 - 0.5 is less.
        (40, 30, 0.1, False),
        (60, 50, 0.1, False),
        (70, 40, 0.3, False),
        (35, 30, 0.05, False),
        (58, 57, 0.01, False),
        (40, 30, 0.09999, True),
        (41, 30, 0.1, True),
        (0, 0, 0.0, False),
        (0, 1, 0.0, True),
    ],
)
@pytest.mark.parametrize("values", [("a", "b"), (1, 2), (1.5, 2.5)])
def test_a_distance_of_exactly_the_threshold_is_no_drift(
    workbench: Workbench, before: int, now: int, threshold: float, drifts: bool, values: tuple[object, object]
) -> None:
    def rows(first: int) -> str:
        return table({"x": [values[0]] * first + [values[1]] * (100 - first)})

    workbench.baseline(rows(before))
    both = {"comparison_threshold": threshold, "categorical_comparison_threshold": threshold}
    configure(
        workbench,
        domain_content_threshold=0.0,
        datatype_check_threshold=0.0,
        distribution_constraints={"comparison_method": "Simple", **both},
    )
    assert (("x", "baseline_drift_check") in found(workbench.check(rows(now)))) is drifts


def test_a_share_that_differs_from_its_threshold_by_rounding_only_is_enough(workbench: Workbench) -> None:
    workbench.baseline(table({"x": [1, 2, None], "y": [1] * 3}))
    constraints = workbench.read("baseline/constraints.json")
    constraints["features"][0]["completeness"] = 1 - 1 / 3  # 0.6666666666666667; 2 / 3 is 0.6666666666666666
    workbench.rewrite("baseline/constraints.json", constraints)
    assert found(workbench.check(table({"x": [1, 2, None], "y": [1] * 3}))) == []
    assert found(workbench.check(table({"x": [1, 2, None, None], "y": [1] * 4}))) == [("x", "completeness_check")]
