from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from modelwatch_core.app.baseline_files import MOST_BYTES_OF_STATISTICS
from modelwatch_core.app.reconcile import Sweep
from modelwatch_core.domain.baselining_job import BaselineRequest, JobStatus
from modelwatch_core.domain.errors import InvalidInput, NotReady, Upstream
from modelwatch_core.domain.events import AnalysisEnded
from modelwatch_core.domain.outcome import Outcome, OutcomeStatus
from modelwatch_core.domain.watched_endpoint import Deployment
from tests.core.in_memory import MemoryHost
from tests.core.world import LEASE, TEN, World, schedule_parameters


@pytest.fixture
def world() -> World:
    return World()


def test_a_schedule_captures_where_its_endpoint_says(world):
    created = world.manage("CreateMonitoringSchedule", **schedule_parameters())
    assert created["endpoint_input"]["data_captured_destination_s3_uri"] == "s3://captures/live"
    assert created["output_s3_uri"] == "s3://results/monitoring"
    assert created["monitoring_schedule_status"] == "Scheduled"
    assert set(world.ticks.set_for) == {"hourly"}


@pytest.mark.parametrize(
    ("changes", "code", "says"),
    [
        ({"endpoint_input": {"endpoint_name": "none"}}, "EndpointNotFound", "none"),
        ({"schedule_expression": "every hour"}, "InvalidScheduleExpression", "cron"),
        ({"schedule_expression": "cron(0 99 ? * * *)"}, "InvalidScheduleExpression", "hour"),
        ({"schedule_expression": "cron(0/15 * ? * * *)"}, "InvalidScheduleExpression", "frequency is hourly"),
        ({"schedule_expression": "cron(0 0 1 1 ? 2026)"}, "CronNeverFires", "2026-11-22T10:05:00Z"),
        ({"schedule_expression": "NOW"}, "InvalidParameter", "data_analysis_end_time and data_analysis_start_time"),
        ({"data_analysis_start_time": "-PT1H"}, "InvalidParameter", "only for schedule_expression NOW"),
        (
            {"schedule_expression": "NOW", "data_analysis_start_time": "-P4000D", "data_analysis_end_time": "-PT0H"},
            "WindowTooLarge",
            "4,000 days",
        ),
        ({"output_s3_uri": "s3://elsewhere/x"}, "OutputOutsideResults", "OutputBuckets"),
        ({"baseline": {"constraints_s3_uri": "s3://results/nothing.json"}}, "BaselineNotFound", "nothing.json"),
        ({"monitoring_type": "Horoscope"}, "InvalidParameter", "monitoring_type"),
        ({"monitoring_schedule_name": "no spaces"}, "InvalidParameter", "monitoring_schedule_name"),
        ({"colour": "red"}, "InvalidParameter", "colour"),
        ({"endpoint_input": None}, "InvalidParameter", "either endpoint_input or batch_transform_input"),
        ({"record_preprocessor_source_uri": "s3://results/none.py"}, "ScriptNotFound", "none.py"),
        (
            {"monitoring_type": "ModelBias", "analysis_config": "s3://results/none.json", "baseline": None},
            "AnalysisConfigNotFound",
            "none.json",
        ),
        ({"environment": {"categorical_drift_metod": "x"}}, "InvalidSettings", "did you mean categorical_drift_method"),
        ({"environment": {"seed": "1"}}, "InvalidSettings", "seed: not a setting of data quality monitors"),
        (
            {
                "endpoint_input": {
                    "endpoint_name": "mortgages",
                    "start_time_offset": "-PT1H",
                    "end_time_offset": "-PT2H",
                }
            },
            "InvalidParameter",
            "start_time_offset: -PT1H0M0S is not before the end of the window, -PT2H0M0S",
        ),
        (
            {
                "endpoint_input": None,
                "batch_transform_input": {
                    "data_captured_destination_s3_uri": "s3://captures/batches",
                    "dataset_format": {"orc": {}},
                },
            },
            "InvalidSettings",
            "dataset_format.batchTransform",
        ),
        (
            {"endpoint_input": {"endpoint_name": "mortgages", "start_time_offset": "PT1H"}},
            "InvalidParameter",
            "start_time_offset",
        ),
    ],
)
def test_a_schedule_that_could_not_work_is_refused_when_it_is_made(world, changes, code, says):
    with pytest.raises(InvalidInput) as refused:
        world.has_schedule(**changes)
    assert refused.value.code == code
    assert says in refused.value.message
    assert world.schedules.kept == {}
    assert world.ticks.set_for == {}


ONCE = {"schedule_expression": "NOW", "data_analysis_start_time": "-PT1H", "data_analysis_end_time": "-PT10M"}
MONTHLY = "cron(0 0 1 * ? *)"


def watched(**offsets: str) -> dict[str, object]:
    return {"schedule_expression": MONTHLY, "endpoint_input": {"endpoint_name": "mortgages", **offsets}}


@pytest.mark.parametrize("end", ["-P28D", "-P29D", "-P31D", "-P999999D", "-P999999999D"])
def test_an_end_that_is_further_back_than_the_shortest_month_is_refused_when_a_schedule_is_made(world, end):
    with pytest.raises(InvalidInput, match=r"InvalidParameter: .*end_time_offset"):
        world.has_schedule(**watched(end_time_offset=end))
    assert world.schedules.kept == {}
    world.has_schedule(**watched(end_time_offset="-P27DT23H"))


@pytest.mark.parametrize("offsets", [{"start_time_offset": "-P999999D"}, {"start_time_offset": "-PT0.5S"}])
def test_an_offset_that_gives_no_window_of_whole_seconds_in_the_calendar_is_refused(world, offsets):
    with pytest.raises(InvalidInput, match=r"InvalidParameter: .*start_time_offset"):
        world.has_schedule(**watched(**offsets))


def test_a_schedule_that_was_accepted_earlier_refuses_the_tick_whose_window_would_be_empty_and_can_be_changed(world):
    world.has_schedule(**watched(end_time_offset="-P27D"))
    late = world.schedules.kept["hourly"].captured_input.model_copy(update={"end_time_offset": timedelta(days=-29)})
    world.schedules.kept["hourly"] = world.schedules.kept["hourly"].model_copy(update={"endpoint_input": late})
    refusal = world.requested(datetime(2027, 3, 1, tzinfo=UTC))
    assert refusal.code == "WindowEmpty"
    assert "starts at 2027-02-01T00:00:00Z, not before its end 2027-01-31T00:00:00Z" in refusal.message
    world.manage("UpdateMonitoringSchedule", **schedule_parameters() | watched())


@pytest.mark.parametrize("field", ["endpoint_name", "variant_name"])
@pytest.mark.parametrize(
    "name", ["", "a\nb", "a\n", "-a", "a-", "a" * 64, "a-" * 32 + "a", "a" * 2000, "../a", "a/b", "a_b", "é"]
)
def test_a_name_that_sagemaker_would_not_give_is_refused_when_a_schedule_is_made(world, field, name):
    with pytest.raises(InvalidInput, match=rf"InvalidParameter: .*{field}"):
        world.has_schedule(**watched(**{field: name}))
    assert world.schedules.kept == {}


WRONG_CONSTRAINTS = {
    "is not a JSON object": (b"not JSON", b"[]", b"", b"\xff", b"[" * 100_000),
    "holds statistics": (b'{"version": 0, "dataset": {"item_count": 1}, "features": []}',),
    "holds constraints of ModelQuality": (b'{"regression_constraints": {}}',),
    "holds constraints of ModelBias": (b'{"version": "1.0", "post_training_bias_metrics": {}}',),
    "holds constraints of ModelExplainability": (b'{"version": "1.0", "explanations": {}}',),
}


@pytest.mark.parametrize(
    ("says", "content"), [(says, each) for says, all_ in WRONG_CONSTRAINTS.items() for each in all_]
)
def test_constraints_that_no_execution_could_use_are_refused_when_a_schedule_is_made(world, says, content):
    world.objects.kept["s3://results/baseline/constraints.json"] = content
    with pytest.raises(InvalidInput, match=f"InvalidConstraints: .*{says}"):
        world.has_schedule()
    assert world.schedules.kept == {}


@pytest.mark.parametrize(
    ("says", "content"),
    [
        ("is not a JSON object", b"[]"),
        ("holds constraints", b'{"version": 0.0, "features": [], "monitoring_config": {}}'),
        ("holds constraints", b'{"version": 0.0, "regression_constraints": {}}'),
    ],
)
def test_statistics_that_no_execution_could_use_are_refused_when_a_schedule_is_made_or_changed(world, says, content):
    world.objects.kept["s3://results/baseline/other.json"] = content
    other = {"statistics_s3_uri": "s3://results/baseline/other.json"}
    with pytest.raises(InvalidInput, match=f"InvalidStatistics: baseline.statistics_s3_uri: .*{says}; give the"):
        world.has_schedule(baseline=schedule_parameters()["baseline"] | other)
    assert world.schedules.kept == {}
    world.has_schedule()
    with pytest.raises(InvalidInput, match="InvalidStatistics"):
        world.manage(
            "UpdateMonitoringSchedule",
            monitoring_schedule_name="hourly",
            baseline=schedule_parameters()["baseline"] | other,
        )


def test_statistics_that_are_larger_than_constraints_are_left_to_the_analysis_which_has_more_memory(world):
    uri = "s3://results/baseline/other.json"
    world.objects.kept[uri] = b"[" + b" " * MOST_BYTES_OF_STATISTICS
    world.has_schedule(baseline=schedule_parameters()["baseline"] | {"statistics_s3_uri": uri})
    assert "hourly" in world.schedules.kept


@pytest.mark.parametrize("threshold", [-0.1, 1.5])
@pytest.mark.parametrize("as_variable", [True, False])
def test_a_threshold_that_is_no_probability_is_refused_when_a_schedule_is_made(world, threshold, as_variable):
    name = "probability_threshold_attribute"
    attributes = {"probability_attribute": "0"} | ({} if as_variable else {name: threshold})
    environment = {name: str(threshold)} if as_variable else {}
    with pytest.raises(InvalidInput, match=f"InvalidSettings: .*{name}"):
        world.has_schedule(
            monitoring_type="ModelQuality",
            problem_type="BinaryClassification",
            ground_truth_input="s3://labels/all",
            endpoint_input={"endpoint_name": "mortgages", **attributes},
            environment=environment,
            baseline=None,
        )
    assert world.schedules.kept == {}


@pytest.mark.parametrize("role_arn", [None, "arn:aws:iam::123456789012:role/another"])
def test_a_role_that_a_users_container_may_not_have_is_refused_when_a_schedule_is_made_or_changed(world, role_arn):
    own = "arn:aws:iam::123456789012:role/own"
    host = MemoryHost(name="jobs", runs_images=True)
    host.limits = host.limits.model_copy(update={"image_roles": (own,)})
    world.hosts["jobs"] = host
    role = {"role_arn": role_arn} if role_arn else {}
    container = {"monitoring_type": "Custom", "image_uri": "own:1", "baseline": None}
    with pytest.raises(
        InvalidInput, match=r"RoleNotPassable: the container of the schedule hourly .*ProcessingRoleArns"
    ):
        world.has_schedule(**container, processing=role)
    world.has_schedule(**container, processing={"role_arn": own})
    with pytest.raises(InvalidInput, match="RoleNotPassable"):
        world.manage("UpdateMonitoringSchedule", monitoring_schedule_name="hourly", processing=role)
    assert world.schedules.kept["hourly"].processing.role_arn == own


def test_constraints_with_a_part_of_the_kind_are_taken(world):
    world.objects.kept["s3://results/baseline/constraints.json"] = b'{"features": [], "explanations": {}}'
    world.has_schedule()
    world.has_explainability_schedule("explained")
    with pytest.raises(InvalidInput, match="DataQuality and ModelExplainability; give"):
        world.has_schedule(
            "quality", monitoring_type="ModelQuality", problem_type="Regression", ground_truth_input="s3://labels/all"
        )


def test_results_may_go_to_every_bucket_that_the_deployment_lists(world):
    world.objects.kept["s3://data/train.csv"] = b"a\n1\n"
    world.has_schedule(output_s3_uri="s3://reports/x/")
    assert world.schedules.kept["hourly"].output_s3_uri == "s3://reports/x"
    assert world.create_baseline(request(output_s3_uri="s3://reports/y")).output_s3_uri == "s3://reports/y"
    with pytest.raises(InvalidInput, match="it may write to s3://results, s3://reports:"):
        world.has_schedule("other", output_s3_uri="s3://report/x")


def test_a_schedule_whose_clock_cannot_be_set_leaves_nothing_behind(world):
    world.ticks.broken = True
    with pytest.raises(Upstream):
        world.has_schedule()
    world.ticks.broken = False
    world.has_schedule()
    assert set(world.ticks.set_for) == {"hourly"}


def test_a_name_is_taken_once(world):
    world.has_schedule()
    with pytest.raises(InvalidInput, match="ScheduleExists"):
        world.has_schedule()


def test_an_update_replaces_the_definition_and_keeps_the_state(world):
    world.has_schedule()
    world.manage("StopMonitoringSchedule", monitoring_schedule_name="hourly")
    updated = world.manage(
        "UpdateMonitoringSchedule", **(schedule_parameters() | {"schedule_expression": "cron(0 6 ? * * *)"})
    )
    assert updated["monitoring_schedule_status"] == "Stopped"
    assert world.ticks.set_for["hourly"].schedule_expression == "cron(0 6 ? * * *)"
    started = world.manage("StartMonitoringSchedule", monitoring_schedule_name="hourly")
    assert started["monitoring_schedule_status"] == "Scheduled"


def test_an_update_changes_only_what_is_given_and_null_takes_back_a_default(world):
    world.has_schedule(start_delay_minutes=9, environment={"owner": "me"}, processing=PROCESSING)
    named = {"monitoring_schedule_name": "hourly"}
    updated = world.manage("UpdateMonitoringSchedule", **named, environment=None, start_within_minutes=0)
    assert (updated["environment"], updated["start_within_minutes"]) == ({}, 0)
    assert (updated["start_delay_minutes"], updated["processing"]) == (9, PROCESSING)
    assert updated["baseline"] == schedule_parameters()["baseline"]
    assert updated["endpoint_input"]["data_captured_destination_s3_uri"] == "s3://captures/live"
    with pytest.raises(InvalidInput, match="either endpoint_input or batch_transform_input"):
        world.manage("UpdateMonitoringSchedule", **named, endpoint_input=None)
    with pytest.raises(InvalidInput, match="colour"):
        world.manage("UpdateMonitoringSchedule", **named, colour=None)
    assert world.schedules.kept["hourly"].version == 2


def test_every_version_of_a_schedule_can_be_described_and_listed_also_once_it_is_deleted(world):
    world.has_schedule()
    named = {"monitoring_schedule_name": "hourly"}
    schedule_id = world.schedule_id()
    world.manage("UpdateMonitoringSchedule", **named, start_delay_minutes=9)
    world.manage("StopMonitoringSchedule", **named)
    second = world.manage("DescribeMonitoringSchedule", **named, version=2)
    assert (second["start_delay_minutes"], second["monitoring_schedule_status"]) == (9, "Scheduled")
    with pytest.raises(InvalidInput, match="VersionNotFound"):
        world.manage("DescribeMonitoringSchedule", **named, version=4)
    world.manage("DeleteMonitoringSchedule", **named)
    named |= {"schedule_id": schedule_id}
    page = world.manage("ListMonitoringScheduleVersions", **named, max_results=2)
    rest = world.manage("ListMonitoringScheduleVersions", **named, max_results=2, next_token=page["next_token"])
    assert [each["version"] for each in page["versions"] + rest["versions"]] == [3, 2, 1]
    assert rest["next_token"] is None
    assert world.manage("DescribeMonitoringSchedule", **named, version=1)["start_delay_minutes"] == 5


def pages(world, operation: str, records: str, **asked: object) -> list[dict]:
    found, token = [], None
    while True:
        page = world.manage(operation, **asked, next_token=token)
        found += page[records]
        token = page["next_token"]
        if token is None:
            return found


@pytest.mark.parametrize("size", [1, 2, 100])
def test_schedules_are_filtered_and_sorted(world, size):
    for name in ("Churn-hourly", "fraud", "churn-daily"):
        world.has_schedule(name)
        world.clock.pass_by(timedelta(hours=1))
    world.has_explainability_schedule("why")
    world.manage("StopMonitoringSchedule", monitoring_schedule_name="fraud")

    def names(**asked):
        found = pages(world, "ListMonitoringSchedules", "schedules", max_results=size, **asked)
        return [each["monitoring_schedule_name"] for each in found]

    assert names(name_contains="CHURN") == ["Churn-hourly", "churn-daily"]
    assert names(endpoint_name="mortgages") == names() == sorted(names())
    assert names(endpoint_name="none") == []
    assert names(monitoring_type_equals="ModelExplainability") == ["why"]
    assert names(status_equals="Stopped") == ["fraud"]
    by_creation = ["Churn-hourly", "fraud", "churn-daily", "why"]
    assert names(sort_by="CreationTime") == by_creation
    assert names(sort_by="CreationTime", sort_order="Descending") == by_creation[::-1]
    assert names(sort_by="Status") == ["Churn-hourly", "churn-daily", "why", "fraud"]
    assert names(sort_by="Status", sort_order="Descending") == ["fraud", "why", "churn-daily", "Churn-hourly"]


@pytest.mark.parametrize("size", [1, 100])
def test_executions_of_one_schedule_or_of_all_are_filtered_and_sorted(world, size):
    for name in ("a", "b"):
        world.has_schedule(name)
    world.has_captures()
    ended = world.tick(name="a")
    world.finish(world.ends(ended))
    world.clock.pass_by(timedelta(hours=1))
    world.tick(TEN + timedelta(hours=1), "2", name="b")

    def hours(**asked):
        found = pages(world, "ListMonitoringExecutions", "executions", max_results=size, **asked)
        return [(each["monitoring_schedule_name"], each["scheduled_time"][11:13]) for each in found]

    everything = [("b", "11"), ("a", "10")]
    assert hours() == hours(sort_by="CreationTime") == everything
    assert hours(sort_order="Ascending") == everything[::-1]
    assert hours(sort_by="Status", sort_order="Ascending") == everything[::-1]
    assert hours(status_equals="Completed") == hours(monitoring_schedule_name="a") == [("a", "10")]
    assert hours(endpoint_name="mortgages", monitoring_type_equals="DataQuality") == everything
    assert hours(endpoint_name="none") == []
    assert hours(scheduled_time_after=TEN) == hours(creation_time_after=ended.creation_time) == [("b", "11")]
    assert hours(scheduled_time_before=TEN) == []
    assert hours(creation_time_before=world.clock.now(), sort_by="CreationTime") == [("a", "10")]
    assert hours(before=TEN) == [("a", "10")]
    with pytest.raises(InvalidInput, match="ScheduleNotFound"):
        hours(monitoring_schedule_name="ghost")


@pytest.mark.parametrize("token", ["", "?", "bm90IGpzb24=", "WyJ4IiwgMCwgbnVsbF0=", "W10="])
def test_a_token_that_the_list_did_not_give_is_refused(world, token):
    with pytest.raises(InvalidInput, match="InvalidParameter: next_token"):
        world.manage("ListMonitoringSchedules", next_token=token)


def test_a_token_goes_on_with_its_own_list_only(world):
    for name in ("a", "b"):
        world.has_schedule(name)
    token = world.manage("ListMonitoringSchedules", max_results=1)["next_token"]
    assert world.manage("ListMonitoringSchedules", max_results=5, next_token=token)["schedules"]
    with pytest.raises(InvalidInput, match="InvalidParameter: next_token"):
        world.manage("ListMonitoringSchedules", sort_by="CreationTime", next_token=token)


@pytest.mark.parametrize("changed", ["x", "[]", None, "2"])
@pytest.mark.parametrize("operation", ["ListMonitoringAlerts", "ListMonitoringScheduleVersions"])
def test_a_token_that_was_changed_is_refused(world, operation, changed):
    world.has_schedule()
    world.manage("UpdateMonitoringSchedule", monitoring_schedule_name="hourly", start_delay_minutes=9)
    asked = {"monitoring_schedule_name": "hourly", "max_results": 1}
    seal, number, _ = json.loads(base64.urlsafe_b64decode(world.manage(operation, **asked)["next_token"]))
    token = base64.urlsafe_b64encode(json.dumps([seal, number, changed]).encode()).decode()
    with pytest.raises(InvalidInput, match="InvalidParameter: next_token"):
        world.manage(operation, **asked, next_token=token)


def test_a_schedule_may_be_due_several_times_an_hour_where_the_deployment_allows_it(world):
    accept = replace(world._manage.accept, shortest_interval=timedelta(minutes=15))
    world._manage = replace(world._manage, accept=accept)
    world.has_schedule(schedule_expression="cron(0/15 * ? * * *)")
    world.has_captures()
    folders = [world.tick(TEN + timedelta(minutes=minutes), str(minutes)).output_s3_uri[-13:] for minutes in (-15, 0)]
    assert folders == ["2026/11/22/09/45"[-13:], "2026/11/22/10/00"[-13:]]
    with pytest.raises(InvalidInput, match="once in 15 minutes"):
        world.has_schedule("more", schedule_expression="cron(0/5 * ? * * *)")


@pytest.mark.parametrize(
    ("start", "end"), [("-PT1H", "-PT0H"), ("2026-11-22T09:07:00Z", "2026-11-22T10:07:00Z"), ("-PT1H", "-PT0S")]
)
def test_now_runs_once_over_the_window_that_is_given_and_is_stopped_then(world, start, end):
    world.has_captures()
    now = {"schedule_expression": "NOW", "data_analysis_start_time": start, "data_analysis_end_time": end}
    created = world.manage("CreateMonitoringSchedule", **(schedule_parameters() | now))
    assert (created["schedule_expression"], created["warnings"]) == ("cron(7 10 22 11 ? 2026)", [])
    assert created["data_analysis_start_time"] == start
    due = TEN + timedelta(minutes=7)
    named = {"monitoring_schedule_name": "hourly"}
    assert world.manage("DescribeMonitoringSchedule", **named)["monitoring_schedule_status"] == "Scheduled"
    world.clock.moment = due
    execution = world.tick(due)
    assert (execution.window.start, execution.window.end, execution.not_made_up) == (due - timedelta(hours=1), due, 0)
    described = world.manage("DescribeMonitoringSchedule", **named)
    assert described["monitoring_schedule_status"] == "Stopped"
    assert world.manage("ListMonitoringSchedules", status_equals="Stopped")["schedules"]
    assert world.manage("ListMonitoringSchedules", status_equals="Scheduled")["schedules"] == []
    again = world.manage("UpdateMonitoringSchedule", **named, **now)
    assert again["schedule_expression"] == "cron(9 10 22 11 ? 2026)"
    hourly = world.manage("UpdateMonitoringSchedule", **named, schedule_expression="cron(0 * ? * * *)")
    assert (hourly["data_analysis_start_time"], hourly["data_analysis_end_time"]) == (None, None)


def test_an_expression_in_place_of_now_takes_back_the_window_and_the_delays_of_now(world):
    world.has_schedule(**ONCE)
    daily = world.manage(
        "UpdateMonitoringSchedule", monitoring_schedule_name="hourly", schedule_expression="cron(0 0 ? * * *)"
    )
    watched = daily["endpoint_input"]
    assert (watched["start_time_offset"], watched["end_time_offset"]) == (None, None)
    assert (daily["start_delay_minutes"], daily["start_within_minutes"]) == (5, 5)
    midnight = TEN.replace(hour=0)
    assert world.schedules.kept["hourly"].window(midnight).start == midnight - timedelta(days=1)


@pytest.mark.parametrize("expression", [{}, {"schedule_expression": "cron(7 10 22 11 ? 2026)"}])
def test_another_input_of_a_schedule_that_runs_once_keeps_its_window(world, expression):
    world.has_schedule(**ONCE)
    watched = {"endpoint_name": "mortgages", "inference_attribute": "0"}
    world.manage("UpdateMonitoringSchedule", monitoring_schedule_name="hourly", endpoint_input=watched, **expression)
    due = TEN + timedelta(minutes=7)
    window = world.schedules.kept["hourly"].window(due)
    assert (window.start, window.end) == (due - timedelta(hours=1), due - timedelta(minutes=10))


def test_a_schedule_that_ran_now_can_be_changed(world):
    world.has_schedule(**ONCE)
    world.clock.pass_by(timedelta(days=400))
    changed = world.manage(
        "UpdateMonitoringSchedule", monitoring_schedule_name="hourly", publish_cloudwatch_metrics=False
    )
    assert changed["publish_cloudwatch_metrics"] is False
    with pytest.raises(InvalidInput, match="CronNeverFires"):
        world.manage(
            "UpdateMonitoringSchedule", monitoring_schedule_name="hourly", schedule_expression="cron(0 0 1 1 ? 2026)"
        )


def test_an_empty_window_of_now_is_refused_by_what_was_given(world):
    times = {"data_analysis_start_time": "2026-11-22T09:00:00Z", "data_analysis_end_time": "-PT5H"}
    with pytest.raises(InvalidInput) as refused:
        world.has_schedule(**ONCE | times)
    assert refused.value.message == (
        "data_analysis_start_time is 2026-11-22T09:00:00Z, not before data_analysis_end_time, -PT5H; give an earlier"
        " start or a later end"
    )


@pytest.mark.parametrize("offset", ["2h", "PT2H", "two hours"])
def test_an_offset_in_another_form_is_refused_with_the_form(world, offset):
    with pytest.raises(
        InvalidInput, match=r"endpoint_input.start_time_offset: is not a negative ISO 8601 .* such as -PT2H"
    ):
        world.has_schedule(endpoint_input={"endpoint_name": "mortgages", "start_time_offset": offset})


@pytest.mark.parametrize("is_once", [True, False])
def test_a_window_of_now_is_not_changed_without_now(world, is_once):
    world.has_schedule(**(ONCE if is_once else {}))
    before = world.schedules.kept["hourly"]
    with pytest.raises(InvalidInput, match="InvalidParameter: data_analysis_start_time: only for"):
        world.manage("UpdateMonitoringSchedule", monitoring_schedule_name="hourly", data_analysis_start_time="-PT2H")
    assert world.schedules.kept["hourly"] == before


@pytest.mark.parametrize("start", ["yesterday", "P", "PT1H", "2027-01-01T00:00:00Z"])
def test_a_window_of_now_that_is_invalid_or_in_the_future_is_refused(world, start):
    now = {"schedule_expression": "NOW", "data_analysis_start_time": start, "data_analysis_end_time": "-PT0H"}
    with pytest.raises(InvalidInput, match="InvalidParameter"):
        world.has_schedule(**now)


@pytest.mark.parametrize("end", ["PT1H", "2026-11-22T11:00:00Z"])
def test_an_end_of_now_in_the_future_is_refused_by_the_name_and_the_time_that_the_user_knows(world, end):
    with pytest.raises(
        InvalidInput, match=r"^InvalidParameter: data_analysis_end_time: is later than 2026-11-22T10:07"
    ):
        world.has_schedule(**ONCE | {"data_analysis_end_time": end})


def test_a_variant_that_the_endpoint_lacks_is_refused(world):
    world.endpoints.deployed["mortgages"] = Deployment(
        status="InService", endpoint_config_name="c", deployed_since=TEN, models={"AllTraffic": "m"}
    )
    with pytest.raises(InvalidInput, match="VariantNotFound"):
        world.has_schedule(endpoint_input={"endpoint_name": "mortgages", "variant_name": "Blue"})
    world.has_schedule(endpoint_input={"endpoint_name": "mortgages", "variant_name": "AllTraffic"})


def test_there_may_be_a_hundred_schedules(world):
    for number in range(100):
        world.has_schedule(f"s{number}")
    with pytest.raises(InvalidInput, match="ResourceLimitExceeded"):
        world.has_schedule("one-more")
    world.manage("DeleteMonitoringSchedule", monitoring_schedule_name="s7")
    world.has_schedule("one-more")


def test_schedules_are_listed_by_name_a_page_at_a_time(world):
    for name in ("c", "a", "b"):
        world.has_schedule(name)
    first = world.manage("ListMonitoringSchedules", max_results=2)
    second = world.manage("ListMonitoringSchedules", max_results=2, next_token=first["next_token"])
    names = [s["monitoring_schedule_name"] for page in (first, second) for s in page["schedules"]]
    assert names == ["a", "b", "c"]
    assert second["next_token"] is None


def test_a_schedule_is_described_with_its_latest_execution(world):
    world.has_schedule()
    assert (
        world.manage("DescribeMonitoringSchedule", monitoring_schedule_name="hourly")["last_monitoring_execution"]
        is None
    )
    world.has_captures()
    world.tick()
    described = world.manage("DescribeMonitoringSchedule", monitoring_schedule_name="hourly")
    assert described["last_monitoring_execution"]["monitoring_execution_status"] == "InProgress"
    listed = world.manage("ListMonitoringExecutions", monitoring_schedule_name="hourly")["executions"]
    assert [execution["scheduled_time"] for execution in listed] == ["2026-11-22T10:00:00Z"]


def test_the_violations_of_an_execution_are_unknown_where_nothing_was_compared(world):
    world.has_captures()
    outcomes = {
        "sound": {},
        "failed": {"status": OutcomeStatus.FAILED, "failure_reason": "NoData: nothing was captured"},
        "without": {},
    }
    for name, outcome in outcomes.items():
        world.has_schedule(name, **({"baseline": None} if name == "without" else {}))
        world.finish(world.ends(world.tick(name=name), **outcome))
    world.has_schedule("stopped")
    stopped = world.tick(name="stopped")
    world.manage("StopMonitoringExecution", monitoring_schedule_name=stopped.monitoring_schedule_name)
    listed = world.manage("ListMonitoringExecutions")["executions"]
    counts = {each["monitoring_schedule_name"]: each["outcome"]["violation_count"] for each in listed}
    assert counts == {"sound": 0, "failed": None, "without": None, "stopped": None}
    for name, count in counts.items():
        described = world.manage("DescribeMonitoringSchedule", monitoring_schedule_name=name)
        assert described["last_monitoring_execution"]["outcome"]["violation_count"] == count


@pytest.mark.parametrize("operation", ["Describe", "Start", "Stop", "Delete"])
def test_an_unknown_schedule_is_said_to_be_unknown(world, operation):
    with pytest.raises(InvalidInput, match="ScheduleNotFound"):
        world.manage(f"{operation}MonitoringSchedule", monitoring_schedule_name="ghost")


PROCESSING = {
    "role_arn": "arn:aws:iam::123456789012:role/monitor",
    "tags": {"team": "risk"},
    "network_config": {"EnableNetworkIsolation": True, "VpcConfig": {"Subnets": ["s"], "SecurityGroupIds": ["g"]}},
    "max_runtime_in_seconds": 1800,
    "instance_type": "ml.m5.xlarge",
    "instance_count": 1,
    "volume_size_in_gb": 30,
    "output_kms_key": "k1",
    "volume_kms_key": "k2",
    "entrypoint": ["python", "run.py"],
    "arguments": ["--fast"],
    "input_local_path": "/opt/ml/processing/input",
    "local_path": "/opt/ml/processing/output",
    "s3_input_mode": "File",
    "s3_data_distribution_type": "FullyReplicated",
    "s3_upload_mode": "Continuous",
}


def test_the_parameters_of_a_processing_job_are_kept_and_shown(world):
    world.has_schedule(processing=PROCESSING)
    described = world.manage("DescribeMonitoringSchedule", monitoring_schedule_name="hourly")
    assert described["processing"] == PROCESSING
    world.objects.kept["s3://data/train.csv"] = b"a\n1\n"
    assert world.create_baseline(request(processing=PROCESSING)).model_dump(mode="json")["processing"] == PROCESSING


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"role_arn": "monitor"}, "role_arn"),
        ({"max_runtime_in_seconds": 86401}, "86400"),
        ({"tags": {str(number): "x" for number in range(50)}}, "49"),
        ({"tags": {"": "x"}}, "1 to 128 characters"),
        ({"network_config": {"Vpc": {}}}, "has Vpc, but may only have"),
        ({"s3_upload_mode": "Sometimes"}, "s3_upload_mode"),
    ],
)
def test_a_parameter_that_no_processing_job_could_have_is_refused(world, wrong, says):
    with pytest.raises(InvalidInput, match="InvalidParameter: processing") as refused:
        world.has_schedule(processing=wrong)
    assert says in refused.value.message


@pytest.mark.parametrize("baseline", [None, {"statistics_s3_uri": "s3://results/baseline/statistics.json"}])
def test_a_schedule_without_constraints_describes_its_windows_and_finds_no_violations(world, baseline):
    created = world.manage("CreateMonitoringSchedule", **(schedule_parameters() | {"baseline": baseline}))
    assert [warning for warning in created["warnings"] if "no constraints to compare with" in warning]
    world.has_captures()
    execution = world.tick()
    (started,) = world.host.started
    assert (started.settings.baseline_constraints, started.settings.baseline_statistics) == (None, None)
    ended = world.ends(execution)
    assert world.finish(ended).monitoring_execution_status == "Completed"


def test_a_schedule_with_constraints_fails_where_its_report_is_missing(world):
    world.has_schedule()
    world.has_captures()
    execution = world.tick()
    ended = world.ends(execution)
    del world.objects.kept[f"{execution.output_s3_uri}/constraint_violations.json"]
    assert world.finish(ended).monitoring_execution_status == "Failed"


def test_a_baseline_without_files_and_one_that_hides_what_it_shows_are_refused(world):
    with pytest.raises(InvalidInput, match="constraints_s3_uri, statistics_s3_uri or both"):
        world.has_schedule(baseline={})
    with pytest.raises(InvalidInput, match="BaselineNeedsValues"):
        world.has_schedule(baseline=None, environment={"report_values": "Disabled"})


def test_an_unknown_operation_names_the_known_ones(world):
    with pytest.raises(InvalidInput, match="CreateMonitoringSchedule"):
        world.manage("MakeMonitoringSchedule")


def request(**changes: object) -> BaselineRequest:
    fields = {
        "baselining_job_name": "first",
        "baseline_dataset_s3_uri": "s3://data/train.csv",
        "dataset_format": {"csv": {"header": True}},
    }
    return BaselineRequest(**(fields | changes))


def test_a_baselining_job_is_noted_and_started_and_settled_once(world):
    world.objects.kept["s3://data/train.csv"] = b"a\n1\n"
    job = world.create_baseline(request())
    (started,) = world.host.started
    assert started.settings.dataset_format.sagemaker_document == {"csv": {"header": True}}
    assert started.output_s3_uri == "s3://results/baselining/first"
    completed = Outcome(status=OutcomeStatus.COMPLETED)
    ended = AnalysisEnded.of(job, completed)
    world.finish(ended)
    world.finish(ended.model_copy(update={"outcome": Outcome.failed("AnalyzerCrashed: late")}))
    described = world.manage("DescribeBaseliningJob", baselining_job_name="first")
    assert described["status"] == JobStatus.COMPLETED


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"baseline_dataset_s3_uri": "s3://data/none.csv"}, "BaselineDatasetNotFound"),
        ({"baseline_dataset_s3_uri": "s3://data/large.csv"}, "BaselineDatasetTooLarge"),
        ({"output_s3_uri": "s3://elsewhere/out"}, "OutputOutsideResults"),
        ({"dataset_format": {"cvs": {}}}, "UnsupportedFormat.*'cvs'; the formats are batchTransform, csv, json"),
        ({"dataset_format": {"csv": {"haeder": True}}}, "InvalidSettings.*dataset_format.csv.haeder"),
        ({"dataset_format": {"csv": {"separator": "*"}}}, "InvalidSettings.*dataset_format.csv.separator"),
        (
            {"dataset_format": {"sagemakerCaptureJson": {"captureIndexNames": ["endpointInputs"]}}},
            "InvalidSettings.*dataset_format.sagemakerCaptureJson.captureIndexNames",
        ),
        ({"dataset_format": {"sagemakerCaptureJson": {"header": True}}}, "InvalidSettings.*CaptureJson.header"),
        ({"dataset_format": {}}, "InvalidSettings.*exactly one format"),
    ],
)
def test_a_baseline_that_could_not_work_is_refused_at_once(world, changes, code):
    world.objects.kept["s3://data/train.csv"] = b"a\n1\n"
    world.objects.kept["s3://data/large.csv"] = b"x" * (world.host.limits.input_bytes + 1)
    with pytest.raises(InvalidInput, match=code):
        world.create_baseline(request(**changes))
    assert world.host.started == []


def test_a_baselining_job_that_could_not_be_started_is_noted_as_failed(world):
    world.objects.kept["s3://data/train.csv"] = b"a\n1\n"
    world.host.broken = True
    with pytest.raises(Upstream):
        world.create_baseline(request())
    described = world.manage("DescribeBaseliningJob", baselining_job_name="first")
    assert (described["status"], described["outcome"]["failure_reason"]) == ("Failed", "ServiceError: the host is down")


def test_a_baselining_job_whose_end_no_event_reported_is_failed_by_the_sweep(world):
    world.objects.kept["s3://data/train.csv"] = b"a\n1\n"
    world.create_baseline(request())
    assert world.reconcile() == Sweep(0, ())
    world.clock.pass_by(LEASE)
    assert world.reconcile() == Sweep(1, ())
    described = world.manage("DescribeBaseliningJob", baselining_job_name="first")
    assert (described["status"], described["outcome"]["failure_reason"][:17]) == ("Failed", "HostDidNotReport:")
    assert world.reconcile() == Sweep(0, ())


def test_a_baselining_job_name_is_taken_once(world):
    world.objects.kept["s3://data/train.csv"] = b"a\n1\n"
    world.create_baseline(request())
    with pytest.raises(InvalidInput, match="BaseliningJobExists"):
        world.create_baseline(request())
    assert len(world.host.started) == 1


def test_baselining_jobs_are_listed_the_newest_first_and_filtered(world):
    world.objects.kept["s3://data/train.csv"] = b"a\n1\n"
    for name in ("first", "second", "other"):
        world.create_baseline(request(baselining_job_name=name))
        world.clock.pass_by(timedelta(minutes=1))
    world.manage("StopBaseliningJob", baselining_job_name="second")

    def names(**asked):
        found = pages(world, "ListBaseliningJobs", "baselining_jobs", max_results=2, **asked)
        return [each["baselining_job_name"] for each in found]

    assert names() == ["other", "second", "first"]
    assert names(sort_order="Ascending", status_equals="InProgress") == ["first", "other"]
    assert names(name_contains="SECOND") == ["second"]


def test_a_baselining_job_is_stopped_with_its_run_once(world):
    world.objects.kept["s3://data/train.csv"] = b"a\n1\n"
    job = world.create_baseline(request())
    stopped = world.manage("StopBaseliningJob", baselining_job_name="first")
    assert (stopped["status"], world.host.stopped) == ("Stopped", [job.subject])
    assert world.claims.claim(job.subject, "late") == "stopped"
    with pytest.raises(InvalidInput, match="BaseliningJobEnded: first has ended already: Stopped"):
        world.manage("StopBaseliningJob", baselining_job_name="first")
    with pytest.raises(InvalidInput, match="BaseliningJobNotFound"):
        world.manage("StopBaseliningJob", baselining_job_name="none")


def test_a_schedule_whose_baseline_is_still_being_made_is_refused_by_the_name_of_the_job(world):
    world.objects.kept["s3://data/train.csv"] = b"a\n1\n"
    job = world.create_baseline(request())
    baseline = {"constraints_s3_uri": f"{job.output_s3_uri}/constraints.json"}
    with pytest.raises(NotReady, match="BaselineNotReady: the baselining job first"):
        world.has_schedule(baseline=baseline)
    world.manage("StopBaseliningJob", baselining_job_name="first")
    with pytest.raises(InvalidInput, match="BaselineNotFound"):
        world.has_schedule(baseline=baseline)


@pytest.mark.parametrize("name", ["a", "n" * 63, "n" * 36 + "-" + "n" * 26])
def test_an_execution_has_the_arn_of_a_processing_job_that_depends_on_its_identity_only(world, name):
    world.has_schedule(name)
    world.has_captures()
    execution = world.tick(name=name)
    (shown,) = world.manage("ListMonitoringExecutions", monitoring_schedule_name=name)["executions"]
    prefix, job_name = shown["processing_job_arn"].split("/")
    assert prefix == "arn:aws:sagemaker:us-east-1:123456789012:processing-job"
    assert job_name == shown["processing_job_name"] == execution.processing_job_name
    assert re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", job_name)
    assert shown["output_s3_uri"] == f"s3://results/monitoring/mortgages/{name}/2026/11/22/10"
    world.finish(world.ends(execution))
    described = world.manage("DescribeMonitoringSchedule", monitoring_schedule_name=name)
    assert described["last_monitoring_execution"]["processing_job_arn"] == shown["processing_job_arn"]
    assert execution.next_attempt(late_since=None).processing_job_name != job_name
