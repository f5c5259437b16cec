"""The time zone of a seasonal baseline, as users give it: on the shell, in Python, and in an environment."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import modelwatch
from modelwatch.cli.commands import app
from modelwatch_analyzer.analysis import analyze
from modelwatch_analyzer.data_quality.documents import Statistics
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.settings_environment import analysis_settings
from modelwatch_core.domain.time_zones import time_zone

_FORMAT = {"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput"]}}
_ZONE = "Australia/Adelaide"  # 9:30 hours ahead, and from 2026-10-03T16:30Z on 10:30
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_CHANGE = datetime(2026, 10, 4, tzinfo=UTC)
_START = _CHANGE - 36 * _DAY


def _captures(start: datetime, end: datetime) -> Iterator[str]:
    """Draw requests of an amount that is high in the office hours of Adelaide, one every five minutes."""
    drawn, zone = np.random.default_rng(int(start.timestamp())), time_zone(_ZONE)
    time = start
    while time < end:
        local = time.astimezone(zone)
        usual = 9.0 if local.weekday() < 5 and 9 <= local.hour < 17 else 1.0
        side = {"observedContentType": "text/csv", "mode": "INPUT", "encoding": "CSV"}
        side["data"] = f"{drawn.normal(usual, 1):.3f},{drawn.integers(5)}"
        event = {"eventId": time.isoformat(), "inferenceTime": f"{time:%Y-%m-%dT%H:%M:%SZ}"}
        yield json.dumps({"captureData": {"endpointInput": side}, "eventMetadata": event})
        time += timedelta(minutes=5)


@pytest.fixture(scope="module")
def captures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("time_zones") / "captures.jsonl"
    path.write_text("\n".join(_captures(_START, _CHANGE - _DAY)))
    return path


@pytest.fixture(scope="module")
def opening(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the captures of the first office hour of a Monday after the clocks have changed."""
    path = tmp_path_factory.mktemp("opening") / "captures.jsonl"
    start = datetime(2026, 10, 11, 22, 30, tzinfo=UTC)
    assert start.astimezone(time_zone(_ZONE)).isoformat() == "2026-10-12T09:00:00+10:30"
    path.write_text("\n".join(_captures(start, start + _HOUR)))
    return path


@pytest.fixture(scope="module")
def local(captures: Path) -> modelwatch.Baseline:
    return modelwatch.baseline(captures, dataset_format="capture", time_zone=_ZONE)


def test_a_baseline_in_python_has_local_hours_and_its_checks_need_not_be_given_the_zone(captures, opening, local):
    for feature in local.statistics["features"]:
        assert feature["calibration"]["seasons"]["time_zone"] == _ZONE
    assert local.warnings == ()
    found = modelwatch.check(opening, local, dataset_format="capture")
    assert found.violations == []
    (remark, _) = (feature["evidence"]["remark"] for feature in found.statistics["features"])
    assert remark.startswith(f"Compared with the same hours of the day and kinds of day ({_ZONE}) of the baseline")
    assert remark.split(" of the baseline")[0] in found.report
    in_utc = modelwatch.baseline(captures, dataset_format="capture")
    assert all("time_zone" not in each["calibration"]["seasons"] for each in in_utc.statistics["features"])
    found = modelwatch.check(opening, in_utc, dataset_format="capture")
    assert [each.feature_name for each in found.violations] == ["_c0"]
    assert "hours of the day and kinds of day (UTC)" in found.report


def test_a_saved_baseline_keeps_its_zone(local, opening, tmp_path):
    loaded = modelwatch.load_baseline(local.save(tmp_path / "baseline"))
    assert modelwatch.check(opening, loaded, dataset_format="capture").violations == []


def test_a_check_in_python_has_no_time_zone_of_its_own(local, opening):
    with pytest.raises(modelwatch.ModelwatchError, match="check of data-quality has no option time_zone"):
        modelwatch.check(opening, local, dataset_format="capture", time_zone="UTC")


def test_the_shell_takes_a_zone_for_a_baseline_and_prints_it(captures, opening, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = ("--dataset-format", "capture", "--output")
    made = CliRunner().invoke(
        app, ["baseline", "data-quality", "--data", str(captures), *data, "baseline", "--time-zone", _ZONE]
    )
    assert made.exit_code == 0
    assert f"what is usual by hour of the day ({_ZONE}), and on weekends" in made.stdout
    files = ("--statistics", "baseline/statistics.json", "--constraints", "baseline/constraints.json")
    checked = CliRunner().invoke(app, ["check", "data-quality", "--data", str(opening), *data, "report", *files])
    assert checked.exit_code == 0, checked.stdout
    assert "--time-zone" not in CliRunner().invoke(app, ["check", "data-quality", "--help"]).stdout


def test_an_unknown_zone_is_refused_on_the_shell_before_anything_is_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "captures.jsonl").write_text("no capture")
    arguments = ["--data", "captures.jsonl", "--dataset-format", "capture", "--output", "baseline"]
    refused = CliRunner().invoke(app, ["baseline", "data-quality", *arguments, "--time-zone", "Australia/Adelaid"])
    assert refused.exit_code == 2
    assert "InvalidSettings" in refused.stderr
    assert "did you mean Australia/Adelaide?" in refused.stderr
    assert [*(tmp_path / "baseline").iterdir()] == []


def test_a_zone_of_a_table_without_times_is_no_error_but_a_warning(workbench):
    summary = workbench.baseline("a\n" + "1\n2\n" * 100, comparison_method="Calibrated", time_zone=_ZONE)
    (warning,) = summary.warnings
    assert warning.startswith(
        f"time_zone {_ZONE} has no effect: a baseline has hours only if it is of captured records"
    )


@pytest.mark.parametrize(("zone", "warns"), [(None, False), (_ZONE, False), ("UTC", True)])
def test_a_schedule_that_is_given_another_zone_than_its_baseline_says_that_this_has_no_effect(
    workbench, local, opening, zone, warns
):
    local.save(workbench.folder / "baseline")
    given = {} if zone is None else {"time_zone": zone}
    summary = workbench.check(opening.read_text(), dataset_format=_FORMAT, **given)
    assert summary.violations == ()
    expected = f"time_zone UTC has no effect on a check: the hours of its baseline are in {_ZONE}; make the baseline"
    assert any(each.startswith(expected) for each in summary.warnings) == warns
    assert len(summary.warnings) == warns


def test_a_zone_in_a_file_that_is_none_or_not_that_of_all_columns_is_refused(workbench, local):
    local.save(workbench.folder / "baseline")
    name = "baseline/statistics.json"
    for zone, says in (
        ("Adelaide", r"statistics.json: features\[1\].calibration.seasons.time_zone: is no time zone: write"),
        ("UTC", "statistics.json: the seasons of its features are of several time zones: make the baseline again"),
    ):
        statistics = workbench.read(name)
        statistics["features"][1]["calibration"]["seasons"]["time_zone"] = zone
        workbench.rewrite(name, statistics)
        with pytest.raises(InvalidInput, match=f"InvalidStatistics: {says}"):
            Statistics.read(workbench.folder / name)


def test_a_window_of_a_schedule_without_times_of_records_has_its_local_hours(workbench, local, opening):
    local.save(workbench.folder / "baseline")
    rows = "\n".join(
        json.loads(line)["captureData"]["endpointInput"]["data"] for line in opening.read_text().split("\n")
    )
    start = datetime(2026, 10, 11, 22, 30, tzinfo=UTC)
    for hours, violations in ((0, 0), (10, 1)):
        window = {"start_time": start + hours * _HOUR, "end_time": start + (hours + 1) * _HOUR}
        summary = workbench.check(
            rows, dataset_format={"csv": {"header": False}}, sagemaker_monitoring_schedule_name="hourly", **window
        )
        assert len(summary.violations) == violations
        assert summary.warnings == ()


def test_a_baseline_in_utc_has_the_same_seasons_whether_it_says_so_or_not(captures, tmp_path):
    seasons = []
    for zone in ({}, {"time_zone": "UTC"}):
        settings = {"dataset_source": captures, "output_path": tmp_path / str(len(zone)), "dataset_format": _FORMAT}
        analyze(analysis_settings(**settings, **zone))
        statistics = json.loads((tmp_path / str(len(zone)) / "statistics.json").read_text())
        seasons.append([feature["calibration"]["seasons"] for feature in statistics["features"]])
    assert [each.pop("time_zone") for each in seasons[1]] == ["UTC", "UTC"]
    assert seasons[0] == seasons[1]
