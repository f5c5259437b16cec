"""Seasonal baselines of captures, from the lines of files to the sentences of reports."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from modelwatch_analyzer.analysis import analyze
from modelwatch_analyzer.data_quality.documents import Constraints, Statistics
from modelwatch_analyzer.data_quality.learnt import learnt
from modelwatch_analyzer.data_quality.power import least_changes
from modelwatch_analyzer.data_quality.replay import replayed
from modelwatch_core.domain.analysis import AnalysisSummary
from modelwatch_core.domain.monitor_kinds.data_quality import SERIES_FILE
from modelwatch_core.domain.settings_environment import analysis_settings

_FORMAT = {"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput"]}}
_MONDAY, _DAY, _HOUR = datetime(2026, 9, 7, tzinfo=UTC), timedelta(days=1), timedelta(hours=1)
_WEEKS = 5


def _requests(start: datetime, end: datetime, rows: int = 12, *, shift: float = 0.0) -> Iterable[tuple[datetime, str]]:
    """Draw requests of an amount that goes with the hour and a little with the day, and of a kind that goes with it."""
    time = start
    while time < end:
        day = np.random.default_rng([1, (time - _MONDAY) // _DAY]).normal(0, 0.2)
        drawn = np.random.default_rng([2, (time - _MONDAY) // _HOUR])
        night, weekend = time.hour < 8, time.weekday() >= 5
        usual = (2.0 if night else 6.0) + (1.5 if weekend else 0.0) + day + shift
        for number in range(rows):
            kind = "batch" if drawn.random() < (0.9 if night else 0.2) else "person"
            yield time + number * timedelta(minutes=4), f"{drawn.normal(usual, 1):.4f},{kind}"
        time += _HOUR


def _lines(requests: Iterable[tuple[datetime, str]], *, times: bool = True) -> str:
    lines = []
    for number, (time, data) in enumerate(requests):
        side = {"observedContentType": "text/csv", "mode": "INPUT", "data": data, "encoding": "CSV"}
        metadata = {"eventId": f"event-{number}"} | ({"inferenceTime": f"{time:%Y-%m-%dT%H:%M:%SZ}"} if times else {})
        lines.append(json.dumps({"captureData": {"endpointInput": side}, "eventMetadata": metadata}))
    return "\n".join(lines)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("seasonal")
    (folder / "captures.jsonl").write_text(_lines(_requests(_MONDAY, _MONDAY + _WEEKS * 7 * _DAY)))
    settings = {"dataset_source": folder / "captures.jsonl", "output_path": folder / "baseline"}
    analyze(analysis_settings(dataset_format=_FORMAT, **settings))
    return folder / "baseline"


@pytest.fixture
def seasonal(workbench, made):
    shutil.copytree(made, workbench.folder / "baseline")
    return workbench


def _check(workbench, start: datetime, hours: int, *, shift: float = 0.0, **settings: object) -> AnalysisSummary:
    end = start + hours * _HOUR
    content = _lines(_requests(start, end, shift=shift))
    schedule = {"start_time": start, "end_time": end, "sagemaker_monitoring_schedule_name": "hourly"}
    return workbench.check(content, dataset_format=_FORMAT, **(schedule | settings))


AFTER = _MONDAY + _WEEKS * 7 * _DAY
SATURDAY = AFTER + 5 * _DAY


def test_a_baseline_of_captures_learns_hours_and_says_so(seasonal):
    rows = {text: features for text, features, _ in learnt(seasonal.folder / "baseline")}
    assert rows["what is usual by hour of the day (UTC), and on weekends"] == "2"


@pytest.mark.parametrize("start", [AFTER + 3 * _HOUR, AFTER + 12 * _HOUR, SATURDAY + 3 * _HOUR, SATURDAY + 12 * _HOUR])
@pytest.mark.parametrize("hours", [1, 24])
def test_nights_and_weekends_are_no_violation(seasonal, start, hours):
    assert _check(seasonal, start, hours).violations == ()
    remark = seasonal.read("check/statistics.json")["features"][0]["evidence"]["remark"]
    assert "same hours of the day and kinds of day (UTC) of the baseline" in remark


def test_without_the_season_the_same_night_is_a_violation(seasonal):
    statistics = seasonal.read("baseline/statistics.json")
    for feature in statistics["features"]:
        del feature["calibration"]["seasons"]
    seasonal.rewrite("baseline/statistics.json", statistics)
    assert {each.feature_name for each in _check(seasonal, AFTER, 8).violations} == {"_c0", "_c1"}


def test_a_change_at_an_hour_is_a_violation_that_says_how_large_it_is(seasonal):
    at_night = _check(seasonal, AFTER + 3 * _HOUR, 1, shift=4.0)
    assert [each.feature_name for each in at_night.violations] == ["_c0"]
    (violation,) = _check(seasonal, AFTER, 24, shift=4.0).violations
    assert violation.feature_name == "_c0"
    assert "of the rows moved to higher values, by the mean" in violation.description
    assert "by the test of the window's mean; at most 5 % of months have a false alarm" in violation.description


def test_a_day_of_noons_at_night_is_found_in_numbers_and_categories(seasonal):
    noon = _lines((time - 10 * _HOUR, data) for time, data in _requests(AFTER + 10 * _HOUR, AFTER + 16 * _HOUR))
    end = AFTER + 6 * _HOUR
    schedule = {"start_time": AFTER, "end_time": end, "sagemaker_monitoring_schedule_name": "quarters"}
    summary = seasonal.check(noon, dataset_format=_FORMAT, **schedule)
    assert {each.feature_name for each in summary.violations} == {"_c0", "_c1"}


def test_a_small_change_that_lasts_is_found_by_its_week(seasonal):
    earlier, found = seasonal.folder / "earlier", {}
    earlier.mkdir()
    for day in range(7):
        start = AFTER + day * _DAY
        summary = _check(seasonal, start, 24, shift=0.5, earlier_executions_results=earlier)
        shutil.copy(seasonal.folder / "check" / SERIES_FILE, earlier)
        found[day] = [each.description for each in summary.violations]
    assert not any(found[day] for day in range(6))
    assert "test of the mean of the last 7 windows" in found[6][0]
    series = seasonal.read(f"check/{SERIES_FILE}")
    assert series["looks"] == 7
    assert series["seasonal"]["_c0"] == {"168": {"windows": 0, "rows": 0.0, "away": 0.0, "usual": 0.0}}


def test_a_window_without_times_is_compared_as_a_whole_with_a_warning(seasonal):
    content = _lines(_requests(AFTER, AFTER + _DAY), times=False)
    summary = seasonal.check(content, dataset_format=_FORMAT)
    assert any("the baseline is seasonal, but neither the records nor" in text for text in summary.warnings)
    timed = seasonal.check(_lines(_requests(AFTER, AFTER + _DAY)), dataset_format=_FORMAT)
    assert not any("seasonal" in text for text in timed.warnings)


def test_rows_of_a_file_are_those_of_the_window_of_their_schedule(seasonal):
    rows = "\n".join(data for _, data in _requests(AFTER, AFTER + 6 * _HOUR))
    table = {"dataset_format": {"csv": {"header": False}}}
    schedule = {"start_time": AFTER, "end_time": AFTER + 6 * _HOUR, "sagemaker_monitoring_schedule_name": "files"}
    assert seasonal.check(rows, **table, **schedule).violations == ()
    # The same rows are a change where they are of another time.
    noon = {"start_time": AFTER + 10 * _HOUR, "end_time": AFTER + 16 * _HOUR}
    assert seasonal.check(rows, **table, **(schedule | noon)).violations


def test_what_power_names_as_least_is_found_in_most_days_and_half_of_it_in_few(seasonal):
    statistics = Statistics.read(seasonal.folder / "baseline/statistics.json")
    number, kind = least_changes(statistics, 24 * 12, 0.7 * 0.05 / 30, 24.0)
    assert number.deviations is not None
    assert kind.deviations is None
    counts = statistics.features[0].calibration
    assert counts is not None
    assert counts.seasons is not None
    shift = number.deviations * counts.seasons.variance**0.5

    def days_found(shift: float) -> int:
        checks = (_check(seasonal, AFTER + day * _DAY, 24, shift=shift) for day in range(20))
        return sum(any(each.feature_name == "_c0" for each in check.violations) for check in checks)

    assert days_found(shift) >= 11  # 16 of 20 are expected
    assert days_found(shift / 2) <= 9


def test_power_names_the_move_upwards_of_columns_that_are_never_negative(seasonal):
    # With logarithms a shift s is found as usual * log(1 + s / usual), so the least is usual * (exp(s / usual) - 1).
    natural = _least_shift(seasonal)
    statistics = seasonal.read("baseline/statistics.json")
    calibration = statistics["features"][0]["calibration"]
    calibration["numbers"]["negative"] = 0
    for season in calibration["seasons"]["seasons"].values():
        season["mean"] = 20.0
    seasonal.rewrite("baseline/statistics.json", statistics)
    usual = 20.0 / math.sqrt(calibration["seasons"]["variance"])
    assert _least_shift(seasonal) == pytest.approx(usual * (math.exp(natural / usual) - 1))


def _least_shift(workbench) -> float:
    statistics = Statistics.read(workbench.folder / "baseline/statistics.json")
    deviations = next(least_changes(statistics, 24 * 12, 0.7 * 0.05 / 30, 24.0)).deviations
    assert deviations is not None
    return deviations


def test_an_hour_of_each_day_is_no_day(seasonal):
    # Windows with gaps: a schedule that is due once a day, and looks at one hour.
    _check(seasonal, AFTER, 1, looks_per_month=30)
    blocks = seasonal.read(f"check/{SERIES_FILE}")["seasonal"]["_c0"]
    assert {length: block["windows"] for length, block in blocks.items()} == {"24": 1, "168": 1}


def test_a_replay_finds_what_the_check_found(seasonal):
    for shift in (0.0, 4.0):
        summary = _check(seasonal, AFTER + 3 * _HOUR, 1, shift=shift)
        current = Statistics.read(seasonal.folder / "check/statistics.json")
        baseline = Statistics.read(seasonal.folder / "baseline/statistics.json")
        constraints = Constraints.read(seasonal.folder / "baseline/constraints.json")
        again = replayed(current, constraints, baseline)
        assert again.violations == tuple((each.feature_name, each.constraint_check_type) for each in summary.violations)


def test_the_order_of_captured_records_does_not_matter(seasonal):
    lines = _lines(_requests(AFTER, AFTER + 6 * _HOUR)).split("\n")
    mixed = [lines[place] for place in np.random.default_rng(5).permutation(len(lines))]
    schedule = {"start_time": AFTER, "end_time": AFTER + 6 * _HOUR, "sagemaker_monitoring_schedule_name": "files"}
    found = []
    for content in (lines, mixed):
        seasonal.check("\n".join(content), dataset_format=_FORMAT, **schedule)
        found.append(seasonal.read("check/statistics.json")["features"][0]["evidence"]["evidence"])
    assert [each["p"] for each in found[0]] == pytest.approx([each["p"] for each in found[1]])


def test_a_table_makes_no_seasonal_baseline(workbench):
    rows = "\n".join(data for _, data in _requests(_MONDAY, _MONDAY + 14 * _DAY))
    workbench.baseline(rows, header=False, comparison_method="Calibrated")
    features = workbench.read("baseline/statistics.json")["features"]
    assert features
    assert all("seasons" not in feature["calibration"] for feature in features)
