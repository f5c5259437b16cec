"""The user's endpoints and jobs change: schedules pause and resume, batches are checked, baselines are made."""

from __future__ import annotations

from datetime import datetime, timedelta
from unittest.mock import Mock

import pytest

from modelwatch_core.domain.alert_chat import chat_message
from modelwatch_core.domain.alert_event import alert_event
from modelwatch_core.domain.alert_text import alert_subject, alert_text, bundle_text
from modelwatch_core.domain.alerts import Alert
from modelwatch_core.domain.errors import InvalidInput, NotReady
from modelwatch_core.domain.monitoring_execution import ExecutionStatus, MonitoringExecution
from modelwatch_core.domain.monitoring_schedule import MonitoringSchedule, ScheduleStatus
from modelwatch_core.domain.report_links import console_link
from modelwatch_core.domain.sagemaker_events import ModelPackageStateChange, TrainingJobStateChange, TransformJob
from modelwatch_core.domain.watched_endpoint import Condition, Deployment
from tests.core.world import TEN, World

HOUR = timedelta(hours=1)


@pytest.fixture
def world() -> World:
    world = World()
    world.has_schedule()
    return world


def deployed(world: World, status: str = "InService", *, config: str = "first", **changes: object) -> None:
    made = {"deployed_since": TEN - 48 * HOUR, "models": {"AllTraffic": "scorer"}, "newest_model": TEN - 49 * HOUR}
    world.endpoints.deployed["mortgages"] = Deployment(
        status=status, endpoint_config_name=config, **{**made, **changes}
    )


def schedule(world: World) -> MonitoringSchedule:
    return world.schedules.kept["hourly"]


def news(world: World) -> list[str]:
    """Deliver what was raised, and return the codes of the notices that arrived since the last time."""
    world.deliver()
    arrived = [str(alert.outcome.exit_message).partition(":")[0] for alert in world.mail.alerts]
    world.mail.alerts.clear()
    return arrived


def follows(world: World) -> list[str]:
    world.follow_watched("mortgages")
    return news(world)


def test_a_schedule_is_paused_when_its_endpoint_is_deleted_and_resumed_with_the_next_one(world):
    deployed(world)
    assert follows(world) == []
    world.endpoints.deployed.clear()
    assert follows(world) == ["EndpointDeleted"]
    assert schedule(world).monitoring_schedule_status is ScheduleStatus.STOPPED
    assert world.ticks.set_for["hourly"].monitoring_schedule_status is ScheduleStatus.STOPPED
    assert follows(world) == []  # DELETING and DELETED come, each perhaps twice
    deployed(world, "Creating")
    assert follows(world) == []
    world.clock.pass_by(HOUR)
    deployed(world)
    assert follows(world) == ["ScheduleResumed"]
    assert schedule(world).monitoring_schedule_status is ScheduleStatus.SCHEDULED
    assert schedule(world).active_since == world.clock.now()
    assert follows(world) == []


def test_what_its_user_stopped_is_neither_paused_nor_resumed(world):
    world.manage("StopMonitoringSchedule", monitoring_schedule_name="hourly")
    assert follows(world) == []
    deployed(world)
    assert follows(world) == []
    assert schedule(world).monitoring_schedule_status is ScheduleStatus.STOPPED


def test_what_its_user_stops_while_it_is_paused_stays_stopped(world):
    assert follows(world) == ["EndpointDeleted"]
    world.manage("StopMonitoringSchedule", monitoring_schedule_name="hourly")
    deployed(world)
    assert follows(world) == []
    assert schedule(world).monitoring_schedule_status is ScheduleStatus.STOPPED


def test_what_its_user_starts_while_its_endpoint_is_gone_is_not_paused_again(world):
    assert follows(world) == ["EndpointDeleted"]
    world.manage("StartMonitoringSchedule", monitoring_schedule_name="hourly")
    assert follows(world) == []
    assert schedule(world).monitoring_schedule_status is ScheduleStatus.SCHEDULED


def test_a_paused_schedule_that_is_changed_is_resumed_all_the_same(world):
    assert follows(world) == ["EndpointDeleted"]
    world.manage("UpdateMonitoringSchedule", monitoring_schedule_name="hourly", start_delay_minutes=9)
    deployed(world)
    assert follows(world) == ["ScheduleResumed"]


@pytest.mark.parametrize("status", ["Failed", "OutOfService", "UpdateRollbackFailed"])
def test_a_schedule_whose_endpoint_fails_goes_on_and_is_marked_until_it_works(world, status):
    deployed(world, status, failure_reason="no capacity")
    assert follows(world) == ["EndpointFailed"]
    assert schedule(world).monitoring_schedule_status is ScheduleStatus.SCHEDULED
    assert schedule(world).watched_endpoint.condition is Condition.FAILED
    shown = world.manage("DescribeMonitoringSchedule", monitoring_schedule_name="hourly")
    assert shown["watched_endpoint"]["condition"] == "Failed"
    assert follows(world) == []
    deployed(world)
    assert follows(world) == ["EndpointRecovered"]
    assert schedule(world).watched_endpoint.condition is Condition.WORKS


def mute(world: World, hours: int) -> None:
    until = (world.clock.now() + hours * HOUR).isoformat()
    world.manage("MuteMonitoringAlerts", monitoring_schedule_name="hourly", until=until)


def swept(world: World, hours: int) -> list[str]:
    """Let hours pass, and return what the first sweeps of the last one bring."""
    world.clock.pass_by(hours * HOUR)
    world.clock.moment = world.clock.now().replace(minute=1)
    world.reconcile()
    return news(world)


def test_targets_that_cannot_be_read_keep_no_schedule_from_being_paused(world):
    world.has_schedule("second")
    deployed(world)
    follows(world)
    world.endpoints.deployed.clear()
    readable, unreadable = world.default_targets, InvalidInput("InvalidParameter", "DefaultAlertTargets: no JSON")
    world.default_targets = Mock(side_effect=unreadable)
    for _ in range(2):  # as often as the event is delivered
        with pytest.raises(InvalidInput, match="DefaultAlertTargets"):
            world.follow_watched("mortgages")
    stopped = {each.monitoring_schedule_status for each in world.schedules.kept.values()}
    assert (len(world.schedules.kept), stopped) == (2, {ScheduleStatus.STOPPED})
    assert news(world) == []
    world.default_targets = readable
    assert follows(world) == ["EndpointDeleted", "EndpointDeleted"]
    assert follows(world) == []


def test_what_is_told_after_a_mute_has_the_time_at_which_it_happened(world):
    deployed(world)
    follows(world)
    mute(world, 48)
    world.endpoints.deployed.clear()
    follows(world)
    happened = world.clock.now()
    world.clock.moment = happened.replace(minute=1) + 49 * HOUR
    world.reconcile()
    world.deliver()
    (alert,) = world.mail.alerts
    assert alert.since == happened


def test_what_people_hear_of_an_endpoint_is_told_in_each_form_and_is_no_alert_of_violations(world):
    deployed(world, "Failed", failure_reason="no capacity <here>")
    world.follow_watched("mortgages")
    world.deliver()
    (alert,) = world.mail.alerts
    assert "is Failed: no capacity &lt;here&gt;" in chat_message(alert)["content"]["description"]
    assert "  EndpointFailed: the endpoint mortgages is Failed" in bundle_text([alert, alert], [None, None])
    assert console_link(alert, "eu-west-1") is None
    event = alert_event(alert)
    assert (event["alertName"], event["change"]) == (None, None)
    assert event["incidentKey"].split("/")[1] == "notice"


def test_a_muted_schedule_reacts_in_silence_and_people_hear_after_the_mute_what_lasts(world):
    deployed(world)
    follows(world)
    mute(world, 3)
    deployed(world, "Failed")
    assert follows(world) == []
    deployed(world, config="second", deployed_since=TEN)
    assert follows(world) == []
    deployed(world, config="third", deployed_since=TEN)
    assert follows(world) == []
    world.endpoints.deployed.clear()
    assert follows(world) == []
    assert schedule(world).monitoring_schedule_status is ScheduleStatus.STOPPED
    assert swept(world, 1) == []
    assert swept(world, 3) == ["EndpointUpdated", "EndpointDeleted"]  # and not that it failed and works again
    assert swept(world, 1) == []


def test_what_was_taken_back_in_a_mute_is_never_heard_of(world):
    deployed(world)
    follows(world)
    mute(world, 2)
    world.endpoints.deployed.clear()
    follows(world)
    deployed(world)
    follows(world)
    assert schedule(world).monitoring_schedule_status is ScheduleStatus.SCHEDULED
    assert swept(world, 3) == []


def test_another_configuration_is_reported_with_what_is_new(world):
    deployed(world)
    follows(world)
    models = {"AllTraffic": "scorer", "challenger": "scorer"}
    deployed(world, config="second", models=models, deployed_since=TEN)
    world.follow_watched("mortgages")
    world.deliver()
    (alert,) = world.mail.alerts
    assert alert.outcome.exit_message == (
        "EndpointUpdated: the endpoint mortgages now has the configuration second; new: challenger (scorer)."
    )
    world.mail.alerts.clear()
    assert follows(world) == []


def test_a_change_that_came_before_the_first_event_is_seen_by_the_age_of_the_configuration(world):
    deployed(world, config="second", deployed_since=world.clock.now() + HOUR)
    assert follows(world) == ["EndpointUpdated"]


def test_new_weights_or_capacities_are_no_news(world):
    deployed(world)
    follows(world)
    version = schedule(world).version
    deployed(world, "Updating")
    assert follows(world) == []
    deployed(world)
    assert follows(world) == []
    assert schedule(world).version == version


def test_a_variant_that_a_schedule_watches_and_that_is_gone_is_reported(world):
    watched = {"endpoint_name": "mortgages", "variant_name": "challenger"}
    world.manage("UpdateMonitoringSchedule", monitoring_schedule_name="hourly", endpoint_input=watched)
    deployed(world, config="second", deployed_since=world.clock.now() + HOUR)
    assert follows(world) == ["EndpointUpdated", "VariantRemoved"]


def test_a_new_model_asks_for_a_new_baseline_and_is_quiet_once_there_is_one(world):
    deployed(world)
    follows(world)
    new = {"models": {"AllTraffic": "scorer-2"}, "deployed_since": TEN + 2 * HOUR, "newest_model": TEN + HOUR}
    deployed(world, config="second", **new)
    assert follows(world) == ["EndpointUpdated", "BaselineOlderThanModel"]
    world.clock.pass_by(3 * HOUR)
    baseline = {"constraints_s3_uri": "s3://results/baseline/constraints.json"}
    world.manage("UpdateMonitoringSchedule", monitoring_schedule_name="hourly", baseline=baseline)
    deployed(world, config="third", **new)  # the same model, once more
    assert follows(world) == ["EndpointUpdated"]


def test_a_new_model_of_another_variant_asks_for_no_new_baseline(world):
    watched = {"endpoint_name": "mortgages", "variant_name": "AllTraffic"}
    world.manage("UpdateMonitoringSchedule", monitoring_schedule_name="hourly", endpoint_input=watched)
    deployed(world)
    follows(world)
    new = {"deployed_since": TEN + 2 * HOUR, "newest_model": TEN + HOUR}
    deployed(world, config="second", models={"AllTraffic": "scorer", "challenger": "scorer-2"}, **new)
    assert follows(world) == ["EndpointUpdated"]
    deployed(world, config="third", models={"AllTraffic": "scorer-3"}, **new)
    assert follows(world) == ["EndpointUpdated", "BaselineOlderThanModel"]


def test_the_model_of_a_shadow_variant_is_a_new_one_where_it_takes_over(world):
    watched = {"endpoint_name": "mortgages", "variant_name": "AllTraffic"}
    world.manage("UpdateMonitoringSchedule", monitoring_schedule_name="hourly", endpoint_input=watched)
    new = {"deployed_since": TEN + 2 * HOUR, "newest_model": TEN + HOUR}
    deployed(world, models={"AllTraffic": "scorer", "shadow": "scorer-2"}, newest_model=TEN + HOUR)
    follows(world)
    deployed(world, config="second", models={"AllTraffic": "scorer-2"}, **new)
    assert follows(world) == ["EndpointUpdated", "BaselineOlderThanModel"]


def test_a_variant_that_is_gone_has_no_new_model(world):
    watched = {"endpoint_name": "mortgages", "variant_name": "AllTraffic"}
    world.manage("UpdateMonitoringSchedule", monitoring_schedule_name="hourly", endpoint_input=watched)
    new = {"deployed_since": TEN + 2 * HOUR, "newest_model": TEN + HOUR}
    deployed(world, models={"AllTraffic": "scorer", "other": "scorer-2"}, newest_model=TEN + HOUR)
    follows(world)
    deployed(world, config="second", models={"other": "scorer-2"}, **new)
    assert follows(world) == ["EndpointUpdated", "VariantRemoved"]


def test_a_schedule_without_a_baseline_needs_none_for_a_new_model(world):
    world.manage("UpdateMonitoringSchedule", monitoring_schedule_name="hourly", baseline=None)
    later = TEN + 9 * HOUR
    deployed(world, config="second", models={"AllTraffic": "new"}, deployed_since=later, newest_model=later)
    assert follows(world) == ["EndpointUpdated"]


def test_schedules_of_other_endpoints_and_of_batches_do_not_react(world):
    world.has_schedule("daily", endpoint_input=None, batch_transform_input=batch_input())
    assert world.follow_watched("other") == []
    assert world.follow_watched("mortgages") == ["hourly"]
    assert world.schedules.kept["daily"].version == 1


def test_a_crash_between_the_notice_and_the_pause_is_made_up_for_and_tells_once(world):
    kept, save = world.schedules, world.schedules.save

    def crash(*_: object, **__: object) -> None:
        raise NotReady("ChangedMeanwhile", "in this moment")

    kept.save = crash
    with pytest.raises(NotReady):
        world.follow_watched("mortgages")
    kept.save = save
    assert news(world) == ["EndpointDeleted"]
    assert follows(world) == []  # it was sent
    assert schedule(world).monitoring_schedule_status is ScheduleStatus.STOPPED


def a_notice(world: World) -> Alert:
    deployed(world, "Failed", failure_reason="no capacity\nSchedule:  forged")
    world.follow_watched("mortgages")
    world.deliver()
    (alert,) = world.mail.alerts
    return alert


def test_a_notice_reads_as_one_in_mails_and_is_no_end_of_an_execution(world):
    alert = a_notice(world)
    assert alert_subject(alert) == "Modelwatch: hourly: its endpoint is Failed"
    text = alert_text(alert)
    assert "the endpoint mortgages is Failed: no capacity?Schedule:  forged. The schedule continues" in text
    assert "Records:" not in text
    event = alert_event(alert)
    assert (event["status"], event["notice"].partition(":")[0]) == (None, "EndpointFailed")


# ---------------------------------------------------------------- batches
def batch_input(**changes: object) -> dict[str, object]:
    named = {"data_captured_destination_s3_uri": "s3://captures/batch/", "dataset_format": {"csv": {"header": False}}}
    return {**named, **changes}


def has_job(
    world: World, name: str = "nightly-7", *, ended: datetime, destination: str = "s3://captures/batch"
) -> None:
    job = TransformJob(
        name=name, data_captured_destination_s3_uri=destination, started=ended - timedelta(minutes=20), ended=ended
    )
    world.transform_jobs.kept[name] = job


def has_batch(world: World, written: datetime) -> None:
    world.objects.kept["s3://data/in.csv"] = b"1,2\n"
    manifest = b'[{"prefix": "s3://data/"}, "in.csv"]'
    world.objects.kept[f"s3://captures/batch/input/{written:%Y/%m/%d/%H}/manifest.json"] = manifest


def test_a_batch_is_checked_once_when_its_job_is_completed(world):
    world.has_schedule("nightly", endpoint_input=None, batch_transform_input=batch_input(check_when_written=True))
    ended = world.clock.now()  # in this very moment
    has_job(world, ended=ended)
    has_batch(world, ended)
    (launched,) = world.check_batch("nightly-7")
    assert isinstance(launched, MonitoringExecution)
    assert (launched.window.start, launched.window.end) == (ended - timedelta(minutes=20), ended)
    assert launched.one_off
    assert launched.monitoring_execution_status is ExecutionStatus.IN_PROGRESS
    (again,) = world.check_batch("nightly-7")
    assert again.key == launched.key
    (request,) = world.host.started
    assert request.settings.looks_per_month == 720  # not as many as of twenty minutes


def test_a_batch_is_checked_only_by_schedules_that_ask_for_it_and_watch_its_folder(world):
    world.has_schedule("by-the-clock", endpoint_input=None, batch_transform_input=batch_input())
    other = batch_input(check_when_written=True, data_captured_destination_s3_uri="s3://captures/other")
    world.has_schedule("elsewhere", endpoint_input=None, batch_transform_input=other)
    has_job(world, ended=TEN)
    assert world.check_batch("nightly-7") == []
    assert world.check_batch("one-that-captures-nothing") == []


# ---------------------------------------------------------------- baselines by a rule
PACKAGE = "arn:aws:sagemaker:us-east-1:123456789012:model-package/churn/8"


def training(**tags: str) -> TrainingJobStateChange:
    channel = {"ChannelName": "train", "DataSource": {"S3DataSource": {"S3Uri": "s3://data/train/"}}}
    named = {f"modelwatch:{name}": value for name, value in tags.items()}
    return TrainingJobStateChange(name="churn-t9", channels=(channel,), tags={"team": "growth"} | named)


def test_a_training_job_gets_the_baseline_that_its_tags_ask_for_once(world):
    world.objects.kept["s3://data/train/a.csv"] = b"a,b\n1,2\n"
    event = training(baseline_channel="train", dataset_format="csv")
    job = world.baseline_by_rule(event)
    assert (job.baselining_job_name, job.monitoring_type) == ("churn-t9-baseline", "DataQuality")
    assert (job.baseline_dataset_s3_uri, job.dataset_format) == ("s3://data/train/", {"csv": {"header": True}})
    assert world.baseline_by_rule(event) is None
    assert len(world.host.started) == 1


def test_a_model_package_gets_the_baseline_that_its_properties_ask_for(world):
    world.objects.kept["s3://data/validated.jsonl"] = b'{"label":1,"prediction":1}\n'
    noted = {
        "baseline_dataset_s3_uri": "s3://data/validated.jsonl",
        "dataset_format": "json-lines",
        "monitoring_type": "ModelQuality",
        "problem_type": "BinaryClassification",
        "inference_attribute": "prediction",
        "ground_truth_attribute": "label",
    }
    world.packages.kept[PACKAGE] = {f"modelwatch:{name}": value for name, value in noted.items()}
    job = world.baseline_by_rule(ModelPackageStateChange(arn=PACKAGE))
    assert (job.baselining_job_name, job.monitoring_type) == ("churn-8-baseline", "ModelQuality")
    assert job.inference_attribute == "prediction"


def test_what_asks_for_no_baseline_gets_none(world):
    assert world.baseline_by_rule(training()) is None
    assert world.baseline_by_rule(ModelPackageStateChange(arn=PACKAGE)) is None
    assert world.jobs.kept == {}


@pytest.mark.parametrize(
    ("tags", "code", "named"),
    [
        ({"baseline_channel": "validation", "dataset_format": "csv"}, "ChannelNotFound", "no channel validation"),
        ({"baseline_channel": "train"}, "InvalidParameter", "modelwatch:dataset_format"),
        (
            {"baseline_channel": "train", "dataset_format": "csv", "monitoring_typ": "x"},
            "InvalidParameter",
            "monitoring_typ",
        ),
    ],
)
def test_tags_that_cannot_be_used_are_refused_by_name(world, tags, code, named):
    with pytest.raises(InvalidInput, match=named) as refused:
        world.baseline_by_rule(training(**tags))
    assert refused.value.code == code
