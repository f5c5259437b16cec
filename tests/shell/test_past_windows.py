"""What is requested of windows that are over, in which order, and what is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from modelwatch.model_monitor import DefaultModelMonitor
from modelwatch.model_monitor.execution import MonitoringExecution
from modelwatch.model_monitor.execution_requests import one_after_another
from modelwatch.model_monitor.replay import ReplayedWindow
from tests.shell.conftest import Run
from tests.shell.fake_app import SCHEDULE, FakeApp, execution

PAST = ("--start", "2026-11-20T09:00Z", "--end", "2026-11-20T12:00Z")


def test_the_window_that_was_due_last_is_the_one_before_the_time_of_the_app(run: Run):
    app = FakeApp(
        DescribeMonitoringSchedule=SCHEDULE,
        LaunchExecution=execution(9),
        ListMonitoringExecutions={"executions": [execution(9)], "next_token": None},
    )
    assert run(app, "schedules", "run", "hourly").exit_code == 0
    # It is 9:30 there, and SCHEDULE starts five minutes after its scheduled time.
    assert app.parameters("LaunchExecution")["scheduled_time"] == "2026-11-20T09:05:00+00:00"


@pytest.mark.parametrize("most_open", [1, 2, 5])
def test_no_more_executions_are_open_than_allowed_and_results_keep_the_order(most_open: int):
    hours = [9, 10, 11]
    app = FakeApp(LaunchExecution=[execution(hour) for hour in hours])
    open_at_once: list[int] = []
    waited: list[int] = []

    def wait(ended: Any) -> int:
        launched = len([name for name, _ in app.asked if name == "LaunchExecution"])
        open_at_once.append(launched - len(waited))
        waited.append(ended.scheduled_time.hour)
        return waited[-1]

    assert list(one_after_another(app, [{}, {}, {}], most_open, wait)) == hours
    assert max(open_at_once) == min(most_open, 3)


def test_backfill_requests_each_window_once_the_earliest_first(run: Run):
    hours = [9, 10, 11]
    ended = [execution(hour, "CompletedWithViolations" if hour == 10 else "Completed") for hour in hours]
    pages = {"executions": ended, "next_token": None}
    app = FakeApp(DescribeMonitoringSchedule=SCHEDULE, LaunchExecution=list(ended), ListMonitoringExecutions=pages)
    result = run(app, "schedules", "backfill", "hourly", *PAST, "--json")
    assert result.exit_code == 1, result.stderr
    assert [each["scheduled_time"] for each in json.loads(result.stdout)["executions"]] == [
        f"2026-11-20T{hour:02}:00:00Z" for hour in hours
    ]
    requests = [parameters for name, parameters in app.asked if name == "LaunchExecution"]
    # SCHEDULE starts five minutes after its scheduled time
    assert [each["scheduled_time"] for each in requests] == [f"2026-11-20T{hour:02}:05:00+00:00" for hour in hours]
    assert all(each["backfill"] for each in requests)
    assert len({each["tick_id"] for each in requests}) == 3


def test_a_replay_shows_no_number_of_violations_for_a_window_in_which_nothing_was_compared(
    run: Run, monkeypatch: pytest.MonkeyPatch
):
    drift, app = ("income", "baseline_drift_check"), FakeApp(DescribeMonitoringSchedule=SCHEDULE)
    bare, sound, failed = (MonitoringExecution(app, execution(hour)) for hour in (9, 10, 11))
    windows = [
        ReplayedWindow(bare, before=None, after=(drift,)),
        ReplayedWindow(sound, before=(), after=(drift,)),
        ReplayedWindow(failed),
    ]
    monkeypatch.setattr("modelwatch.cli.past_windows.replayed_windows", lambda *_: iter(windows))
    ended = run(app, "schedules", "replay", "hourly", "--constraints", "new.json", *PAST)
    rows = [line.split()[-5:] for line in ended.stdout.splitlines()[1:4]]
    assert rows == [["-", "1", "-", "-", "0"], ["0", "1", "1", "0", "0"], ["-"] * 5]
    assert "Windows with violations: 0 then, 2 with the new file, of 2." in ended.stdout
    assert "Windows in which nothing was compared then: 1." in ended.stdout


def test_a_file_of_a_replay_that_is_not_in_s3_is_named(run: Run):
    class S3:
        def get_object(self, **_named: str) -> None:
            error: Any = {"Error": {"Code": "NoSuchKey", "Message": "The specified key does not exist."}}
            raise ClientError(error, "GetObject")

    app = FakeApp(DescribeMonitoringSchedule=SCHEDULE)
    app._clients = {"s3": S3()}
    ended = run(app, "schedules", "replay", "hourly", "--constraints", "s3://my-bucket/nope.json", *PAST)
    assert ended.exit_code == 2
    assert ended.stderr == "modelwatch: FileNotFound: constraints: there is no file s3://my-bucket/nope.json\n"


def test_a_span_without_windows_says_so(run: Run):
    app = FakeApp(DescribeMonitoringSchedule=SCHEDULE)
    ended = run(app, "schedules", "backfill", "hourly", "--start", "2026-11-20T09:01Z", "--end", "2026-11-20T09:59Z")
    assert (ended.exit_code, ended.stdout) == (
        0,
        "hourly was not due from 2026-11-20 09:01 on and before 2026-11-20 09:59.\n",
    )


@pytest.mark.parametrize("times", [("--start", "2026-11-20T09:00Z"), (*PAST, "--scheduled-time", "2026-11-20T09:00Z")])
def test_a_run_takes_a_window_or_a_scheduled_time(run: Run, times: tuple[str, ...]):
    ended = run(FakeApp(DescribeMonitoringSchedule=SCHEDULE), "schedules", "run", "hourly", *times)
    assert ended.exit_code == 2
    assert ended.stderr.startswith("modelwatch: InvalidParameter: give start and end, or scheduled_time")


def test_replay_is_refused_for_users_own_containers_and_for_files_that_are_none(run: Run):
    own = SCHEDULE | {"monitoring_type": "Custom"}
    ended = run(FakeApp(DescribeMonitoringSchedule=own), "schedules", "replay", "hourly", "--constraints", "x", *PAST)
    assert (ended.exit_code, "hourly monitors Custom, which cannot be replayed" in ended.stderr) == (2, True)
    monitor = DefaultModelMonitor(sagemaker_session=FakeApp(DescribeMonitoringSchedule=SCHEDULE | {"baseline": None}))
    start, end = datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC)
    with pytest.raises(ValueError, match=r"'none\.json' is neither an S3 URI nor a file"):
        monitor.replay("none.json", start, end, "hourly")
    with pytest.raises(ValueError, match="start must be before end"):
        monitor.replay("none.json", end, start, "hourly")
