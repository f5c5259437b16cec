"""The Calibrated comparison in a check of data quality."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from modelwatch_analyzer.data_quality.documents import Constraints, Statistics
from modelwatch_analyzer.data_quality.replay import replayed
from modelwatch_core.domain.constraint_violations import ConstraintViolation, excess_of, violation_text
from modelwatch_core.domain.errors import InvalidInput
from tests.data_quality.conftest import Workbench, found, table

CALIBRATED = {"comparison_method": "Calibrated"}


def rows(seed: int, number: int, **changes: Any) -> str:
    generator = np.random.default_rng(seed)
    columns: dict[str, list[object]] = {
        "amount": generator.lognormal(3, 1, number).round(2).tolist(),
        "visits": generator.poisson(2, number).tolist(),
        "city": generator.choice(["rome", "bonn", "oslo", "bern"], number, p=[0.5, 0.3, 0.15, 0.05]).tolist(),
    }
    return table(columns | {name: change(columns[name]) for name, change in changes.items()})


def every(step: int, value: object) -> Any:
    return lambda column: [value if i % step == 0 else each for i, each in enumerate(column)]


def test_a_baseline_suggests_it_and_keeps_what_it_compares_with(workbench: Workbench) -> None:
    workbench.baseline(rows(1, 1_000), **CALIBRATED)
    distribution = workbench.read("baseline/constraints.json")["monitoring_config"]["distribution_constraints"]
    assert distribution == {
        "perform_comparison": "Enabled",
        "comparison_method": "Calibrated",
        "categorical_drift_method": "LInfinity",
        "false_alarm_rate": 0.01,
        "monthly_false_alarm_rate": 0.05,
        "minimum_effect": 0.02,
        "minimum_share": 0.01,
    }
    amount, visits, city = (
        feature["calibration"] for feature in workbench.read("baseline/statistics.json")["features"]
    )
    assert sum(amount["numbers"]["counts"]) == sum(visits["numbers"]["counts"]) == sum(city["categories"]["counts"])
    assert city["categories"]["values"][0] == "rome"


@pytest.mark.parametrize(
    ("changes", "violation"),
    [
        ({"amount": lambda column: [value * 1.5 for value in column]}, ("amount", "baseline_drift_check")),
        ({"amount": every(12, None)}, ("amount", "completeness_check")),
        ({"amount": every(12, "free")}, ("amount", "data_type_check")),
        ({"visits": every(12, -1)}, ("visits", "is_non_negative_check")),
        ({"city": every(12, "paris")}, ("city", "categorical_values_check")),
    ],
    ids=["drift", "completeness", "type", "sign", "domain"],
)
def test_a_large_change_of_any_kind_is_found(
    workbench: Workbench, changes: dict[str, Any], violation: tuple[str, str]
) -> None:
    workbench.baseline(rows(1, 2_000), **CALIBRATED)
    assert found(workbench.check(rows(2, 800))) == []
    violations = found(workbench.check(rows(2, 800, **changes)))
    assert violation in violations
    assert {name for name, _ in violations} == {violation[0]}


def test_whole_numbers_spelled_as_fractions_are_of_the_type_of_whole_numbers(workbench: Workbench) -> None:
    workbench.baseline(rows(1, 2_000), **CALIBRATED)
    summary = workbench.check(rows(2, 800, visits=lambda column: [float(value) for value in column]))
    assert found(summary) == []
    assert not any("visits" in warning for warning in summary.warnings)
    some = workbench.check(rows(2, 800, visits=lambda column: [value + 0.5 * (value == 2) for value in column]))
    assert ("visits", "data_type_check") in found(some)


def test_what_chance_explains_breaks_no_limit(workbench: Workbench) -> None:
    workbench.baseline(rows(1, 2_000), **CALIBRATED)
    few = {"amount": every(400, None), "visits": every(700, -1), "city": every(700, "paris")}
    assert found(workbench.check(rows(2, 800, **few))) == []


def test_a_limit_that_was_edited_is_judged_as_written(workbench: Workbench) -> None:
    workbench.baseline(rows(1, 2_000), **CALIBRATED)
    constraints = workbench.read("baseline/constraints.json")
    constraints["features"][0]["completeness"] = 0.999
    constraints["monitoring_config"]["domain_content_threshold"] = 0.999
    workbench.rewrite("baseline/constraints.json", constraints)
    few = {"amount": every(400, None), "city": every(700, "paris")}
    summary = workbench.check(rows(2, 800, **few))
    assert found(summary) == [("amount", "completeness_check"), ("city", "categorical_values_check")]
    assert "Observed: Only 99.75%" in summary.violations[0].description


def test_a_warning_says_that_a_threshold_of_distances_is_not_used(workbench: Workbench) -> None:
    workbench.baseline(rows(1, 500), **CALIBRATED)
    constraints = workbench.read("baseline/constraints.json")
    constraints["monitoring_config"]["distribution_constraints"]["comparison_threshold"] = 0.9
    workbench.rewrite("baseline/constraints.json", constraints)
    assert any("minimum_effect and minimum_share instead" in text for text in workbench.check(rows(2, 500)).warnings)


def test_a_baseline_without_counts_cannot_be_decided_and_its_limits_are_exact(workbench: Workbench) -> None:
    workbench.baseline(rows(1, 500), comparison_method="Robust")
    summary = workbench.check(rows(2, 500, city=every(400, "paris")), **CALIBRATED)
    assert found(summary) == [("city", "categorical_values_check")]
    assert any("hold no counts for the Calibrated comparison" in text for text in summary.warnings)


def test_the_report_says_of_each_feature_why(workbench: Workbench) -> None:
    workbench.baseline(rows(1, 2_000), **CALIBRATED)
    workbench.check(rows(2, 800, amount=lambda column: [value * 1.5 for value in column]))
    page = (workbench.folder / "check/report.html").read_text()
    assert page.count("Not flagged: chance explains it") == 2
    assert page.count("which is certain (corrected p below 1e-12) and large") == 1


def test_other_minimums_are_replayed_from_the_evidence(workbench: Workbench) -> None:
    workbench.baseline(rows(1, 2_000), **CALIBRATED)
    checked = workbench.check(rows(2, 800, visits=lambda column: [value + 1 for value in column]))
    current = Statistics.read(workbench.folder / "check/statistics.json")
    baseline = Statistics.read(workbench.folder / "baseline/statistics.json")
    document = workbench.read("baseline/constraints.json")

    def replay() -> list[tuple[str | None, str]]:
        constraints = Constraints.model_validate_json(json.dumps(document))
        result = replayed(current, constraints, baseline)
        assert result.unknown == ()
        return [*result.violations]

    assert replay() == found(checked) != []
    document["monitoring_config"]["distribution_constraints"] |= {"minimum_effect": 1.0, "minimum_share": 1.0}
    assert replay() == []


def test_the_least_shift_of_numbers_may_be_given_in_standard_deviations(workbench: Workbench) -> None:
    workbench.baseline(rows(1, 2_000), **CALIBRATED)
    window = rows(2, 2_000, visits=lambda column: [value + 1 for value in column])  # of a deviation of 1.41
    assert ("visits", "baseline_drift_check") in found(workbench.check(window))
    document = workbench.read("baseline/constraints.json")
    document["monitoring_config"]["distribution_constraints"] |= {"minimum_shift": 2.0, "minimum_share": 1.0}
    (workbench.folder / "baseline/constraints.json").write_text(json.dumps(document))
    assert found(workbench.check(window)) == []
    # Normal laws that are 2 deviations apart: the shares below their middle are 84.1 % and 15.9 %.
    page = (workbench.folder / "check/report.html").read_text()
    assert "may be below the threshold of 68.3 %" in page


def test_windows_of_a_series_find_together_what_none_finds_alone(workbench: Workbench) -> None:
    workbench.baseline(rows(1, 5_000), **CALIBRATED)
    earlier, flagged = workbench.folder / "earlier", []
    earlier.mkdir()
    for look in range(12):

        def more(column):
            return [value * 1.12 for value in column]

        summary = workbench.check(
            rows(50 + look, 1_000, amount=more), looks_per_month=720, earlier_executions_results=earlier
        )
        shutil.copytree(workbench.folder / "check", earlier / f"{look:02}")
        flagged += [(look, each.description) for each in summary.violations]
    assert flagged
    assert {look for look, _ in flagged} <= {5, 11} | {look for look, text in flagged if "change detector" in text}
    assert all("at most 5 % of months have a false alarm, over 3 columns" in text for _, text in flagged)


def test_windows_of_a_series_that_overlap_are_judged_together_as_far_as_they_do_not(workbench: Workbench) -> None:
    # A day that is looked at each hour: of 26 windows the first and the 25th share no hour.
    workbench.baseline(rows(1, 5_000), **CALIBRATED)
    earlier, start = workbench.folder / "earlier", datetime(2026, 9, 7, tzinfo=UTC)
    hourly = [rows(1100 + hour, 12).split("\n", 1) for hour in range(50)]
    for look in range(26):
        content = f"{hourly[0][0]}\n" + "".join(row for _, row in hourly[look : look + 24])
        window = {"start_time": start, "end_time": start + timedelta(days=1)}
        summary = workbench.check(content, looks_per_month=720, earlier_executions_results=earlier, **window)
        assert summary.violations == ()
        start += timedelta(hours=1)
        shutil.copytree(workbench.folder / "check", earlier / f"{look:02}")
        series = workbench.read("check/window_series.json")
        assert series["looks"] == (1 if look < 24 else 2)
    assert series["until"] == "2026-09-09T00:00:00Z"


def test_a_state_that_cannot_be_read_is_refused_with_its_place(workbench: Workbench) -> None:
    workbench.baseline(rows(1, 300), **CALIBRATED)
    workbench.write('{"baseline": "x"}', "earlier/00/window_series.json")
    with pytest.raises(InvalidInput) as refused:
        workbench.check(rows(2, 300), looks_per_month=720, earlier_executions_results=workbench.folder / "earlier")
    assert refused.value.code == "InvalidSeries"
    assert "baseline" in refused.value.message


def test_a_violation_says_how_many_times_the_minimum_it_is() -> None:
    description = (
        "Baseline drift: 12 % (8 % to 16 %) of the rows moved to lower or higher values, threshold 2 %; "
        "corrected p 1e-06 by the location test; at most 1 % of windows have a false alarm, over 3 columns."
    )
    violation = ConstraintViolation(constraint_check_type="baseline_drift_check", description=description)
    assert excess_of(violation) == 6
    assert violation_text(violation) == description
