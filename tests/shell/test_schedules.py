"""What ``modelwatch schedules`` asks the app, and what it prints of the responses."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from modelwatch_core.app.manage_monitors import OPERATIONS
from modelwatch_core.domain.documents import parsed
from modelwatch_core.domain.monitoring_schedule import ScheduleRequest
from tests.shell.conftest import Run
from tests.shell.fake_app import SCHEDULE, FakeApp, execution

HOURLY = "cron(0 * ? * * *)"


def test_create_names_its_parameters_as_the_app_does(run: Run):
    app = FakeApp(CreateMonitoringSchedule=SCHEDULE)
    ended = run(
        app,
        *("schedules", "create", "hourly", "--endpoint-name", "my-endpoint", "--schedule-expression", HOURLY),
        *("--constraints", "s3://my-bucket/constraints.json", "--inference-attribute", "0"),
        *("--start-time-offset", "-PT2H", "--no-publish-cloudwatch-metrics", "--publish-feature-metrics"),
    )
    assert ended.exit_code == 0, ended.stderr
    asked = app.parameters("CreateMonitoringSchedule")
    request = parsed(ScheduleRequest, asked)  # the app's own reading
    assert asked["endpoint_input"]["start_time_offset"] == "-PT2H"
    assert request.endpoint_input is not None
    assert request.endpoint_input.inference_attribute == "0"
    assert (request.publish_cloudwatch_metrics, request.publish_feature_metrics) == (False, True)
    assert "hourly is created. It is due by cron(0 * ? * * *), UTC" in ended.stdout


def test_create_takes_the_files_of_a_baseline_by_the_name_of_its_job(run: Run):
    job = {"monitoring_type": "ModelBias", "output_s3_uri": "s3://my-bucket/bias", "baselining_job_name": "bias"}
    app = FakeApp(CreateMonitoringSchedule=SCHEDULE, DescribeBaseliningJob=job)
    ended = run(app, "schedules", "create", "hourly", "--endpoint-name", "e", "--baselining-job-name", "bias")
    assert ended.exit_code == 0, ended.stderr
    asked = app.parameters("CreateMonitoringSchedule")
    assert asked["baseline"] == {"constraints_s3_uri": "s3://my-bucket/bias/analysis.json"}


@pytest.mark.parametrize("name", ["schedule.json", "schedule.yaml"])
def test_a_document_has_all_parameters_and_options_come_before_it(run: Run, name: str):
    document = {"schedule_expression": "cron(0 0 ? * * *)", "endpoint_input": {"endpoint_name": "e"}, "environment": {}}
    Path(name).write_text(json.dumps(document))  # JSON is YAML
    app = FakeApp(CreateMonitoringSchedule=SCHEDULE)
    ended = run(
        app,
        "schedules",
        "create",
        "hourly",
        "--from-file",
        name,
        "--schedule-expression",
        HOURLY,
        "--variant-name",
        "a",
    )
    assert ended.exit_code == 0, ended.stderr
    assert app.parameters("CreateMonitoringSchedule") == {
        "monitoring_schedule_name": "hourly",
        "schedule_expression": HOURLY,
        "endpoint_input": {"endpoint_name": "e", "variant_name": "a"},
        "environment": {},
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1]", "must be one object of names and values"),
        ("a: [1", "is not YAML, line 1"),
        ("environment: &a [*a]", "holds a value that JSON does not have, or is nested too deeply"),
        ("environment: !!int abc", "holds a value that JSON does not have, or is nested too deeply"),
        ("environment:\n  limits: [1, .nan]", "environment.limits[1]: nan is not a JSON value"),
        ("a: -.inf", "a: -inf is not a JSON value"),
        ("a: !!binary aGk=", "a: b'hi' is not a JSON value"),
    ],
)
def test_a_document_that_cannot_be_read_is_refused_by_its_place(run: Run, text: str, said: str):
    Path("schedule.yaml").write_text(text)
    ended = run(FakeApp(), "schedules", "create", "hourly", "--from-file", "schedule.yaml")
    assert ended.exit_code == 2
    assert ended.stderr.startswith("modelwatch: InvalidParameter: --from-file: schedule.yaml")
    assert said in ended.stderr


def test_dates_and_times_of_a_document_are_texts(run: Run):
    times = "data_analysis_start_time: 2026-01-30T09:00:00Z\ndata_analysis_end_time: 2026-01-31\n"
    Path("schedule.yaml").write_text(f"schedule_expression: NOW\n{times}")
    app = FakeApp(CreateMonitoringSchedule=SCHEDULE)
    ended = run(app, "schedules", "create", "hourly", "--endpoint-name", "e", "--from-file", "schedule.yaml")
    assert ended.exit_code == 0, ended.stderr
    asked = app.parameters("CreateMonitoringSchedule")
    assert asked["data_analysis_start_time"] == "2026-01-30T09:00:00Z"
    assert asked["data_analysis_end_time"] == "2026-01-31"


def test_a_dry_run_of_a_document_does_not_say_that_a_schedule_is_created(run: Run):
    Path("schedule.yaml").write_text("dry_run: true\nschedule_expression: cron(0 * ? * * *)\n")
    app = FakeApp(CreateMonitoringSchedule=SCHEDULE)
    ended = run(app, "schedules", "create", "hourly", "--endpoint-name", "e", "--from-file", "schedule.yaml")
    assert app.parameters("CreateMonitoringSchedule")["dry_run"] is True
    assert "hourly could be created, but was not: dry_run is given. It is due by" in ended.stdout


@pytest.mark.parametrize("name", ["schedule.json", "schedule.yaml"])
def test_a_document_of_windows_has_a_byte_order_mark_and_other_line_ends(run: Run, name: str):
    document = {"schedule_expression": HOURLY, "endpoint_input": {"endpoint_name": "e"}}
    text = json.dumps(document, indent=2).replace("\n", "\r\n")
    Path(name).write_bytes(text.encode("utf-8-sig"))
    app = FakeApp(CreateMonitoringSchedule=SCHEDULE)
    ended = run(app, "schedules", "create", "hourly", "--from-file", name)
    assert ended.exit_code == 0, ended.stderr
    assert app.parameters("CreateMonitoringSchedule") == {"monitoring_schedule_name": "hourly", **document}


def test_a_document_in_another_encoding_is_refused(run: Run):
    Path("schedule.yaml").write_bytes("a: é".encode("latin-1"))
    ended = run(FakeApp(), "schedules", "create", "hourly", "--from-file", "schedule.yaml")
    assert ended.stderr == "modelwatch: NotUtf8: --from-file: schedule.yaml is not UTF-8; save it as UTF-8\n"


def test_update_sends_what_changes_and_keeps_the_rest_of_a_part(run: Run):
    app = FakeApp(DescribeMonitoringSchedule=SCHEDULE, UpdateMonitoringSchedule=SCHEDULE | {"version": 2})
    ended = run(app, "schedules", "update", "hourly", "--constraints", "s3://my-bucket/tuned.json")
    assert ended.exit_code == 0, ended.stderr
    assert app.parameters("UpdateMonitoringSchedule") == {
        "monitoring_schedule_name": "hourly",
        "baseline": {
            "constraints_s3_uri": "s3://my-bucket/tuned.json",
            "statistics_s3_uri": "s3://my-bucket/statistics.json",
        },
    }
    assert "hourly is changed, version 2." in ended.stdout


def test_another_endpoint_takes_nothing_over_from_the_one_before(run: Run):
    app = FakeApp(DescribeMonitoringSchedule=SCHEDULE, UpdateMonitoringSchedule=SCHEDULE)
    run(app, "schedules", "update", "hourly", "--endpoint-name", "other")
    assert app.parameters("UpdateMonitoringSchedule") == {
        "monitoring_schedule_name": "hourly",
        "endpoint_input": {"endpoint_name": "other"},
    }


def test_the_same_endpoint_is_asked_again_where_it_captures_and_the_folder_is_shown(run: Run):
    # docs/first-schedule-found-nothing.md: for an endpoint that captures elsewhere since the schedule was created.
    watched = {"endpoint_name": "my-endpoint", "start_time_offset": "-PT2H0M0S"}
    captures = {"data_captured_destination_s3_uri": "s3://my-bucket/before"}
    schedule = SCHEDULE | {"endpoint_input": watched | captures}
    app = FakeApp(DescribeMonitoringSchedule=schedule, UpdateMonitoringSchedule=SCHEDULE)
    ended = run(app, "schedules", "update", "hourly", "--endpoint-name", "my-endpoint")
    assert ended.exit_code == 0, ended.stderr
    assert app.parameters("UpdateMonitoringSchedule")["endpoint_input"] == watched
    run(app, "schedules", "update", "hourly", "--inference-attribute", "0")
    kept = app.parameters("UpdateMonitoringSchedule")["endpoint_input"]
    assert kept == watched | captures | {"inference_attribute": "0"}
    assert "s3://my-bucket/before" in run(app, "schedules", "describe", "hourly").stdout


def test_an_endpoint_in_place_of_transform_jobs_removes_these(run: Run):
    transform = {"data_captured_destination_s3_uri": "s3://my-bucket/batch", "dataset_format": {"csv": {}}}
    schedule = SCHEDULE | {"endpoint_input": None, "batch_transform_input": transform}
    app = FakeApp(DescribeMonitoringSchedule=schedule, UpdateMonitoringSchedule=SCHEDULE)
    run(app, "schedules", "update", "hourly", "--endpoint-name", "other")
    asked = app.parameters("UpdateMonitoringSchedule")
    assert (asked["endpoint_input"], asked["batch_transform_input"]) == ({"endpoint_name": "other"}, None)
    run(app, "schedules", "update", "hourly", "--inference-attribute", "score")
    asked = app.parameters("UpdateMonitoringSchedule")
    assert asked["batch_transform_input"] == transform | {"inference_attribute": "score"}
    assert "endpoint_input" not in asked


def test_an_update_of_nothing_is_refused_without_asking(run: Run):
    ended = run(FakeApp(), "schedules", "update", "hourly")
    assert ended.exit_code == 2
    assert "give what to change" in ended.stderr


def test_json_is_the_response_of_the_operation(run: Run):
    response = {"schedules": [SCHEDULE], "next_token": "t"}
    app = FakeApp(ListMonitoringSchedules=response)
    ended = run(app, "schedules", "list", "--sort-by", "Status", "--max-results", "1", "--json")
    assert json.loads(ended.stdout) == response
    wanted = app.parameters("ListMonitoringSchedules")
    parameters, _ = OPERATIONS["ListMonitoringSchedules"]
    parsed(parameters, wanted)
    assert wanted == {"sort_by": "Status", "max_results": 1}


def test_a_list_is_a_table_that_says_how_to_go_on_and_shows_what_cannot_be_read(run: Run):
    app = FakeApp(ListMonitoringSchedules={"schedules": [SCHEDULE, {"unreadable": "no kind"}], "next_token": "t"})
    lines = run(app, "schedules", "list").stdout.splitlines()
    assert lines[0].split() == ["schedule", "kind", "status", "due", "(UTC)", "watches", "changed"]
    assert lines[1].split()[:3] == ["hourly", "DataQuality", "Scheduled"]
    assert lines[2].startswith("unreadable: no kind")
    assert lines[3] == "There may be more: --next-token t"


REFUSALS = [
    (ValueError("InvalidParameter: schedule_expression: is missing"), "InvalidParameter: schedule_expression: is mis"),
    (
        ClientError({"Error": {"Code": "ResourceNotFound", "Message": "ScheduleNotFound: there is none"}}, "Describe"),
        "ScheduleNotFound: there is none",
    ),
    (
        ClientError({"Error": {"Code": "AccessDeniedException", "Message": "User: a is not allowed"}}, "Invoke"),
        "AccessDenied: Invoke returned AccessDeniedException: User: a is not allowed",
    ),
    (EndpointConnectionError(endpoint_url="http://x"), "ServiceNotReached: Could not connect"),
]


@pytest.mark.parametrize(("refusal", "said"), REFUSALS, ids=[said.split(":")[0] for _, said in REFUSALS])
def test_a_refusal_is_one_line_with_the_code_of_the_app(run: Run, refusal: Exception, said: str):
    ended = run(FakeApp(DescribeMonitoringSchedule=refusal), "schedules", "describe", "hourly", "--json")
    assert ended.exit_code == 2
    assert ended.stderr.startswith(f"modelwatch: {said}")
    assert ended.stderr.count("\n") == 1
    assert json.loads(ended.stdout)["error"]["code"] == said.split(":", maxsplit=1)[0]


@pytest.mark.parametrize("group", ["schedules", "executions", "baselines", "capture", "import"])
def test_every_command_shows_an_example_of_itself(run: Run, group: str):
    listed = run(FakeApp(), group, "--help").stdout.partition("Commands:")[2]
    names = [line.split()[0] for line in listed.splitlines() if line.startswith("  ") and line[2] != " "]
    assert names
    for name in names:
        assert f"\n    modelwatch {group} {name} " in run(FakeApp(), group, name, "--help").stdout, name


def test_names_of_schedules_are_completed(monkeypatch: pytest.MonkeyPatch):
    from types import SimpleNamespace
    from typing import Any, cast

    from modelwatch.cli.app_options import AppOptions, complete_schedule_name

    context = cast("Any", SimpleNamespace(params={"stack": "modelwatch", "name": None}))
    two = {"schedules": [SCHEDULE, SCHEDULE | {"monitoring_schedule_name": "daily"}]}
    monkeypatch.setattr(AppOptions, "client", lambda _options: FakeApp(ListMonitoringSchedules=two))
    assert complete_schedule_name(context, "h") == ["hourly"]
    monkeypatch.setattr(AppOptions, "client", lambda _options: FakeApp(ListMonitoringSchedules=ValueError("No: app")))
    assert complete_schedule_name(context, "h") == []


@pytest.mark.parametrize(
    "given",
    [
        [],
        ["--local"],
        ["--profile", "modelwatch"],
        ["--stack", "my-app", "--profile", "at work", "--region", "eu-west-3"],
    ],
)
def test_the_command_that_is_to_be_typed_next_is_for_the_same_app(run: Run, given: list[str]):
    same = "".join(f" {shlex.quote(word)}" for word in given)
    app = FakeApp(
        StopMonitoringSchedule=SCHEDULE,
        DescribeMonitoringSchedule=SCHEDULE,
        LaunchExecution=execution(9),
        ListMonitoringExecutions={"executions": [execution(9)], "next_token": None},
    )
    stopped = run(app, "schedules", "stop", "hourly", *given)
    assert stopped.stdout == f"hourly is stopped. Start it again: modelwatch schedules start hourly{same}\n"
    started = run(app, "schedules", "run", "hourly", *given)
    assert started.exit_code == 0, started.stderr
    following = re.search(r"Wait for it: modelwatch executions wait hourly --start \S+ --end \S+(.*)\n", started.stdout)
    assert following
    assert following[1] == same
    missing = run(app, "executions", "describe", "hourly", *given)
    assert missing.stderr.endswith(f"; see modelwatch executions list hourly{same}\n")
