from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from modelwatch_core.app.fetch_inputs import wanted_objects
from modelwatch_core.app.ground_truth_objects import ground_truth_objects
from modelwatch_core.app.launch_execution import CLAIM_LEASE, LaunchExecution
from modelwatch_core.app.reconcile import Sweep
from modelwatch_core.domain.alert_targets import AlertTargetReference
from modelwatch_core.domain.alert_text import alert_subject, alert_text
from modelwatch_core.domain.alerts import AlertRaised
from modelwatch_core.domain.analysis import AnalysisRequest
from modelwatch_core.domain.errors import InvalidInput, NotReady, Upstream
from modelwatch_core.domain.events import ExecutionRequest
from modelwatch_core.domain.monitoring_execution import ExecutionStatus
from modelwatch_core.domain.outcome import OutcomeStatus
from modelwatch_core.domain.windows import Window
from modelwatch_core.ports import UnreadableRecord
from tests.core.in_memory import MemoryTarget
from tests.core.world import DRIFT, LEASE, TEN, World, schedule_parameters

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def raises(error):
    def call(*_, **__):
        raise error

    return call


@pytest.fixture
def world() -> World:
    world = World()
    world.has_schedule()
    world.has_captures()
    return world


def test_a_tick_starts_the_analysis_of_the_hour_before_it(world):
    execution = world.tick()
    (request,) = world.host.started
    assert (execution.window.start, execution.window.end) == (TEN - HOUR, TEN)
    assert execution.monitoring_execution_status is ExecutionStatus.IN_PROGRESS
    assert (request.settings.start_time, request.settings.end_time) == (TEN - HOUR, TEN)
    assert request.inputs[0].s3_uri == "s3://captures/live/mortgages/AllTraffic/2026/11/22/09/"
    assert request.output_s3_uri == "s3://results/monitoring/mortgages/hourly/2026/11/22/10"


def test_the_delay_of_a_tick_does_not_move_its_window(world):
    late = ExecutionRequest(
        monitoring_schedule_name="hourly",
        scheduled_time=TEN + timedelta(minutes=5),
        start_delay_minutes=5,
        tick_id="late",
    )
    assert world.launch(late).window.end == TEN


@pytest.mark.parametrize("is_backfill", [True, False])
def test_a_window_that_is_not_over_is_refused_and_left_to_its_tick(world, is_backfill):
    end = TEN + HOUR
    asked = {"scheduled_time": end, "backfill": True} if is_backfill else {"window": {"start": TEN, "end": end}}
    request = ExecutionRequest(monitoring_schedule_name="hourly", tick_id="a person", **asked)
    assert world.launch(request).code == "WindowNotOver"
    world.has_captures(TEN)
    world.clock.moment = end
    assert world.tick(end).monitoring_execution_status is ExecutionStatus.IN_PROGRESS


def test_a_second_tick_for_the_same_window_starts_nothing(world):
    world.tick(tick_id="one")
    refusal = world.requested(tick_id="two")
    assert (refusal.code, "repeat the request when that has ended" in refusal.message) == ("WindowTaken", True)
    assert len(world.host.started) == 1


def test_a_run_requested_between_two_scheduled_times_is_refused_and_takes_nobodys_window(world):
    refusal = world.requested(TEN - timedelta(minutes=30), tick_id="by hand")
    assert refusal.code == "NotAScheduledTime"
    assert "2026-11-22T10:00:00Z" in refusal.message
    assert world.tick().monitoring_execution_status is ExecutionStatus.IN_PROGRESS


def test_the_same_tick_delivered_again_resumes_what_a_crash_left_pending(world):
    world.host.broken = True
    with pytest.raises(Upstream):
        world.tick(tick_id="one")
    world.host.broken = False
    assert world.requested(tick_id="two").code == "WindowTaken"
    assert world.host.started == []
    assert world.tick(tick_id="one").monitoring_execution_status is ExecutionStatus.IN_PROGRESS
    assert len(world.host.started) == 1


def test_a_healthy_hour_is_completed_and_alerts_nobody(world):
    execution = world.tick()
    world.finish(world.ends(execution))
    world.deliver()
    assert world.ledger.get(execution.key).monitoring_execution_status is ExecutionStatus.COMPLETED
    assert world.mail.alerts == []


def test_the_same_end_delivered_twice_alerts_once(world):
    execution = world.tick()
    ended = world.ends(execution, DRIFT)
    world.finish(ended)
    world.finish(ended)
    assert len(world.announcements) == 1
    world.deliver()
    (alert,) = world.mail.alerts
    assert "1 violation in hourly" in alert_subject(alert)
    assert "income: baseline drift check. Drift distance of 0.9 is above the threshold 0.1" in alert_text(alert)


def test_an_announcement_delivered_twice_alerts_once(world):
    execution = world.tick()
    world.finish(world.ends(execution, DRIFT))
    (announcement,) = world.announcements
    world.route(announcement)
    world.route(announcement)
    world.deliver()
    assert len(world.mail.alerts) == 1


def test_a_late_failure_does_not_change_a_terminal_status(world):
    execution = world.tick()
    world.finish(world.ends(execution, DRIFT))
    world.finish(world.ends(execution, status=OutcomeStatus.FAILED, failure_reason="AnalyzerCrashed: late"))
    settled = world.ledger.get(execution.key)
    assert settled.monitoring_execution_status is ExecutionStatus.COMPLETED_WITH_VIOLATIONS
    assert len(world.announcements) == 1


def test_an_end_that_comes_before_the_launch_was_noted_stands(world):
    started = []

    start = world.host.start

    def start_and_finish(request):
        started.append(request)
        world.finish(world.ends(world.executions()[0], DRIFT))
        return start(request)

    world.host.start = start_and_finish
    assert world.tick().monitoring_execution_status is ExecutionStatus.COMPLETED_WITH_VIOLATIONS
    assert len(started) == 1


def test_metrics_go_to_sagemakers_namespace_once(world):
    execution = world.tick()
    ended = world.ends(execution)
    world.finish(ended)
    world.finish(ended)
    assert world.metrics.published == [
        ("aws/sagemaker/Endpoints/data-metrics", {"MetricName": "feature_baseline_drift_distance", "Value": 1.0})
    ]


@pytest.mark.parametrize("minutes", [0, 5, 10, 59, 65])
def test_the_window_of_an_execution_is_the_same_whenever_its_tick_arrives(world, minutes):
    world.clock.moment = TEN + timedelta(minutes=minutes)
    execution = world.tick(TEN)
    assert (execution.window.start, execution.window.end) == (TEN - timedelta(hours=1), TEN)
    assert execution.scheduled_time == TEN


OF_THE_WHOLE = {
    "DataQuality": [{"MetricName": "feature_baseline_drift_distance"}, {"MetricName": "of_a_postprocessor"}],
    "ModelBias": [{"MetricName": "bias_metric_DPPL", "Dimensions": [{"Name": "Endpoint", "Value": "e"}]}],
    "ModelExplainability": [{"MetricName": "feature_attribution_drift_ndcg"}],
    "ModelQuality": [{"MetricName": "accuracy"}],
}
OF_PARTS = {
    "DataQuality": [{"MetricName": f"feature_{what}_income"} for what in ("data", "non_null", "baseline_drift")],
    "ModelBias": [{"MetricName": "bias_metric_DPPL", "Dimensions": [{"Name": "Facet", "Value": "sex"}]}],
    "ModelExplainability": [{"MetricName": "ExpectedValue", "Dimensions": [{"Name": "Label", "Value": "0"}]}],
    "ModelQuality": [],
}


@pytest.mark.parametrize("asked", [False, True])
@pytest.mark.parametrize("kind", OF_THE_WHOLE)
def test_metrics_of_features_groups_and_labels_are_published_where_the_schedule_asks(world, kind, asked):
    world.schedules.kept["hourly"] = world.schedules.kept["hourly"].model_copy(
        update={"publish_feature_metrics": asked}
    )
    planned = world.tick()
    execution = planned.model_copy(update={"monitoring_type": kind, "version": planned.version + 1})
    world.ledger.save(execution)
    ended = world.ends(execution)
    lines = [json.dumps(line | {"Value": 1.0}) for line in (*OF_PARTS[kind], *OF_THE_WHOLE[kind])]
    world.objects.kept[f"{execution.output_s3_uri}/cloudwatch_metrics.jsonl"] = "\n".join(lines).encode()
    world.finish(ended)
    expected = [*(OF_PARTS[kind] if asked else ()), *OF_THE_WHOLE[kind]]
    assert [metric for _, metric in world.metrics.published] == [metric | {"Value": 1.0} for metric in expected]


def test_a_finish_that_crashed_before_announcing_announces_when_retried(world):
    execution = world.tick()
    ended = world.ends(execution, DRIFT)
    publish = world.bus.publish
    world.bus.publish = raises(Upstream("ServiceError", "the bus is down"))
    with pytest.raises(Upstream):
        world.finish(ended)
    assert world.ledger.get(execution.key).is_settled
    world.bus.publish = publish
    world.finish(ended)
    world.deliver()
    assert len(world.mail.alerts) == 1


def test_a_window_without_data_fails_with_the_reason_and_the_schedule_goes_on(world):
    for uri in [uri for uri in world.objects.kept if "captures" in uri]:
        del world.objects.kept[uri]
    execution = world.tick()
    world.deliver()
    failed = world.ledger.get(execution.key)
    assert failed.monitoring_execution_status is ExecutionStatus.FAILED
    assert failed.outcome.failure_reason.startswith("NoData: no records were captured")
    assert "s3://captures/live/mortgages/{variant}/yyyy" in failed.outcome.failure_reason
    assert "execution failed" in alert_subject(world.mail.alerts[0])
    world.has_captures(TEN)
    assert world.tick(TEN + HOUR, "tick-2").monitoring_execution_status is ExecutionStatus.IN_PROGRESS


def test_a_window_larger_than_the_host_fails_with_both_numbers(world):
    world.host.limits = world.host.limits.model_copy(update={"input_bytes": 2})
    world.tick()
    reason = world.endings[0].outcome.failure_reason
    assert reason.startswith("WindowTooLarge: ")
    assert "of 3 bytes" in reason
    assert "memory takes 2 bytes" in reason
    assert reason.endswith("Give it more.")


def test_a_window_waits_while_another_of_its_schedule_is_active_and_is_not_lost(world):
    first = world.tick()
    world.has_captures(TEN)
    second = world.tick(TEN + HOUR, "tick-2")
    assert (second.monitoring_execution_status, second.active) == (ExecutionStatus.PENDING, False)
    assert world.reconcile() == Sweep(0, ())
    world.finish(world.ends(first))
    assert world.reconcile() == Sweep(1, ())
    assert world.ledger.get(second.key).monitoring_execution_status is ExecutionStatus.IN_PROGRESS


def test_a_sweep_asks_once_for_each_schedule_that_is_held_however_many_windows_wait_for_it(world, monkeypatch):
    first = world.tick()
    waiting = []
    for hours in range(1, 5):
        world.has_captures(TEN + (hours - 1) * HOUR)
        waiting.append(world.tick(TEN + hours * HOUR, f"tick-{hours}"))
    asked = []
    claim = world.ledger.claim
    monkeypatch.setattr(world.ledger, "claim", lambda execution: asked.append(execution.key) or claim(execution))
    assert world.reconcile() == Sweep(0, ())
    assert asked == [waiting[0].key]
    world.finish(world.ends(first))
    asked.clear()
    assert world.reconcile() == Sweep(1, ())
    assert asked == [waiting[0].key]
    started = [world.ledger.get(each.key).monitoring_execution_status for each in waiting]
    assert started == [ExecutionStatus.IN_PROGRESS, *[ExecutionStatus.PENDING] * 3]


def test_two_schedules_run_side_by_side(world):
    world.has_schedule("other")
    world.tick()
    assert world.tick(name="other").monitoring_execution_status is ExecutionStatus.IN_PROGRESS


def test_reconcile_fails_what_its_host_never_reported_and_frees_the_schedule(world):
    execution = world.tick()
    assert world.reconcile() == Sweep(0, ())
    world.clock.pass_by(LEASE)
    assert world.reconcile() == Sweep(1, ())
    world.deliver()
    failed = world.ledger.get(execution.key)
    assert failed.outcome.failure_reason.startswith("HostDidNotReport")
    assert len(world.mail.alerts) == 1
    world.has_captures(TEN)
    assert world.tick(TEN + HOUR, "tick-2").monitoring_execution_status is ExecutionStatus.IN_PROGRESS
    assert world.reconcile() == Sweep(0, ())


def test_reconcile_launches_what_was_claimed_but_never_started(world):
    world.host.broken = True
    with pytest.raises(Upstream):
        world.tick()
    world.host.broken = False
    world.clock.pass_by(LEASE)
    world.reconcile()
    assert len(world.host.started) == 1


def test_a_start_that_takes_all_time_of_a_sweep_leaves_the_next_sweeps_to_the_others(world, monkeypatch):
    class TimeIsUp(BaseException):
        """Lambda ends the process."""

    world.host.broken = True
    with pytest.raises(Upstream):
        world.tick()
    world.host.broken = False
    world.clock.pass_by(LEASE)
    world.has_schedule("other")
    silent = world.tick(name="other")
    monkeypatch.setattr(world.host, "start", raises(TimeIsUp()))
    world.clock.pass_by(LEASE)
    with pytest.raises(TimeIsUp):
        world.reconcile()
    monkeypatch.undo()
    world.clock.pass_by(5 * MINUTE)
    world.reconcile()
    assert world.ledger.get(silent.key).is_settled
    assert world.host.started[1:] == []
    world.clock.pass_by(CLAIM_LEASE)
    world.reconcile()
    assert len(world.host.started) == 2


def test_a_start_that_a_service_did_not_respond_to_is_tried_again_by_the_next_sweep(world):
    world.host.broken = True
    with pytest.raises(Upstream):
        world.tick()
    world.clock.pass_by(CLAIM_LEASE)
    assert world.reconcile().moved == 0
    world.host.broken = False
    world.clock.pass_by(5 * MINUTE)
    assert world.reconcile() == Sweep(1, ())


def test_reconcile_announces_what_was_settled_in_silence(world):
    execution = world.tick()
    ended = world.ends(execution, DRIFT)
    publish = world.bus.publish
    world.bus.publish = raises(Upstream("ServiceError", "the bus is down"))
    with pytest.raises(Upstream):
        world.finish(ended)
    world.bus.publish = publish
    world.clock.pass_by(LEASE)
    assert world.reconcile() == Sweep(1, ())
    world.deliver()
    assert len(world.mail.alerts) == 1
    assert world.ledger.get(execution.key).monitoring_execution_status is ExecutionStatus.COMPLETED_WITH_VIOLATIONS


@pytest.mark.parametrize(
    ("operation", "code"),
    [("DeleteMonitoringSchedule", "ScheduleNotFound"), ("StopMonitoringSchedule", "ScheduleStopped")],
)
def test_what_waits_for_a_schedule_that_is_gone_or_stopped_is_stopped_without_an_alert(world, operation, code):
    first = world.tick()
    world.has_captures(TEN)
    second = world.tick(TEN + HOUR, "tick-2")
    world.manage(operation, monitoring_schedule_name="hourly")
    world.finish(world.ends(first))
    world.clock.pass_by(LEASE)
    world.reconcile()
    world.deliver()
    ended = world.ledger.get(second.key)
    assert ended.monitoring_execution_status is ExecutionStatus.STOPPED
    assert ended.outcome.failure_reason.startswith(code)
    assert world.mail.alerts == []


@pytest.mark.parametrize("changed", ["cron(0 6 ? * * *)", "cron(30 * ? * * *)"])
def test_what_was_planned_is_resumed_in_its_own_window_though_the_schedule_changed(world, changed):
    world.host.broken = True
    with pytest.raises(Upstream):
        world.tick()
    world.host.broken = False
    world.manage("UpdateMonitoringSchedule", **(schedule_parameters() | {"schedule_expression": changed}))
    world.clock.pass_by(LEASE)
    assert world.reconcile() == Sweep(1, ())
    (execution,) = world.executions()
    assert execution.window.start == TEN - HOUR
    assert execution.monitoring_execution_status is ExecutionStatus.IN_PROGRESS


def test_one_execution_that_cannot_be_moved_on_holds_up_no_other_and_is_reported(world):
    world.has_schedule("other")
    stuck = world.tick()
    moving = world.tick(name="other")
    world.ledger.unreadable.append(UnreadableRecord("EXECUTIONS#x EXECUTION#y", "a_new_field: Extra inputs"))
    describe = world.host.describe

    def describe_others(run):
        if run.subject == stuck.subject:
            raise ZeroDivisionError
        return describe(run)

    world.host.describe = describe_others
    world.clock.pass_by(LEASE)
    sweep = world.reconcile()
    assert sweep.moved == 1
    assert world.ledger.get(moving.key).outcome.failure_reason.startswith("HostDidNotReport")
    unreadable, failed = sweep.failures
    record = "the record EXECUTIONS#x EXECUTION#y cannot be read"
    assert unreadable.startswith(f"EXECUTIONS#x EXECUTION#y: RecordUnreadable: {record}: a_new_field: Extra inputs;")
    assert failed.startswith(f"{stuck.subject}: InternalError: ZeroDivisionError at reconcile.py:")
    assert "test_executions.py" in failed


def test_what_a_person_must_fix_before_an_analysis_can_start_fails_it_with_the_reason(world):
    def refuse(s3_uri):
        raise InvalidInput("AccessDenied", f"listing {s3_uri}: not allowed")

    world.objects.list = refuse
    execution = world.tick()
    world.deliver()
    assert world.ledger.get(execution.key).outcome.failure_reason.startswith("AccessDenied: listing s3://captures/live")
    assert len(world.mail.alerts) == 1


def test_a_stopped_or_deleted_schedule_refuses_a_tick_that_was_under_way_and_says_why(world):
    world.manage("StopMonitoringSchedule", monitoring_schedule_name="hourly")
    assert world.requested().code == "ScheduleStopped"
    world.manage("DeleteMonitoringSchedule", monitoring_schedule_name="hourly")
    refusal = world.requested()
    assert (refusal.code, refusal.message) == ("ScheduleNotFound", "there is no monitoring schedule hourly")
    assert world.host.started == []


def test_one_failing_target_holds_up_no_other_and_is_tried_again_alone(world):
    pager = MemoryTarget()
    pager.broken = True
    world.targets["pager"] = lambda: pager
    targets = [{"type": "pager", "address": "on call"}, {"type": "mail", "address": "team"}]
    world.manage("UpdateMonitoringSchedule", **schedule_parameters(), alert_targets=targets)
    world.finish(world.ends(world.tick(), DRIFT))
    (announcement,) = world.announcements
    world.route(announcement)
    raised = [event for event in world.bus.published if isinstance(event, AlertRaised)]
    assert [str(event.target) for event in raised] == ["pager:on call", "mail:team"]
    with pytest.raises(Upstream, match="AlertNotDelivered: pager:on call"):
        world.deliver_alert(raised[0])
    assert world.deliver_alert(raised[1])
    pager.broken = False
    assert world.deliver_alert(raised[0])
    assert not world.deliver_alert(raised[0])
    assert (len(world.mail.alerts), len(pager.alerts)) == (1, 1)
    assert world.mail.addresses == ["team"]


def test_a_target_that_raises_something_of_its_own_is_tried_again_and_its_text_is_not_shown(world):
    class Webhook:
        def send(self, alert, address):
            raise OSError(f"{alert}: {address} refused https://chat.example.com/secret")

    world.targets["mail"] = Webhook
    world.finish(world.ends(world.tick(), DRIFT))
    (announcement,) = world.announcements
    world.route(announcement)
    (raised,) = [event for event in world.bus.published if isinstance(event, AlertRaised)]
    for _ in range(2):
        with pytest.raises(Upstream, match=r"AlertNotDelivered: mail:everybody: OSError$"):
            world.deliver_alert(raised)


def test_a_schedule_with_a_target_of_an_unknown_type_is_refused(world):
    targets = [{"type": "fax", "address": "1"}]
    with pytest.raises(InvalidInput, match="UnknownAlertTarget: alert_targets: 'fax'"):
        world.manage("UpdateMonitoringSchedule", **schedule_parameters(), alert_targets=targets)


def test_a_schedule_with_a_target_that_cannot_be_notified_is_refused(world):
    targets = [{"type": "mail", "address": "nobody"}]
    with pytest.raises(InvalidInput, match="UnfitAlertTarget: nobody hears of hourly"):
        world.manage("UpdateMonitoringSchedule", **schedule_parameters(), alert_targets=targets)


@pytest.mark.parametrize("named", [[], [AlertTargetReference(type="mail", address="team")]])
def test_an_alarm_that_a_schedule_names_stands_for_no_target_of_alerts(world, named):
    world.finish(world.ends(world.tick(), DRIFT))
    (announcement,) = world.announcements
    alarm = AlertTargetReference(type="cloudwatch-alarm", address="drift")
    world.route(announcement.model_copy(update={"alert_targets": (*named, alarm)}))
    raised = [event.target.address for event in world.bus.published if isinstance(event, AlertRaised)]
    assert raised == ([target.address for target in named] or ["everybody"])


def test_an_alert_whose_sender_died_is_sent_after_its_lease(world):
    world.finish(world.ends(world.tick(), DRIFT))
    (announcement,) = world.announcements
    world.route(announcement)
    (raised,) = [event for event in world.bus.published if isinstance(event, AlertRaised)]
    assert world.sent.begin([raised.alert], raised.target)[0] == [raised.alert]
    with pytest.raises(NotReady, match="AlertUnderWay"):
        world.deliver_alert(raised)
    assert world.mail.alerts == []
    world.clock.pass_by(timedelta(minutes=3))
    world.deliver_alert(raised)
    assert len(world.mail.alerts) == 1


def test_names_from_the_data_cannot_forge_lines_or_headers_of_a_mail(world):
    world.finish(world.ends(world.tick(), DRIFT | {"feature_name": "x\r\nStatus: Completed\x1b[2J"}))
    world.deliver()
    (alert,) = world.mail.alerts
    assert "\nStatus: Completed" not in alert_text(alert)
    assert "\x1b" not in alert_text(alert)
    assert alert_subject(alert).isprintable()


def test_a_reason_that_quotes_the_data_cannot_forge_lines_of_a_mail(world):
    reason = "RaggedRows: column x\r\nStatus: Completed"
    world.finish(world.ends(world.tick(), status=OutcomeStatus.FAILED, failure_reason=reason))
    world.deliver()
    assert "\nStatus: Completed" not in alert_text(world.mail.alerts[0])


@pytest.mark.parametrize("letter", ["x", "\N{SNOWMAN}", '"'])
def test_names_of_any_length_do_not_make_an_event_too_large_to_send(world, letter):
    many = [DRIFT | {"feature_name": f"{i}" + letter * 3000} for i in range(100)]
    world.finish(world.ends(world.tick(), *many))
    (announcement,) = world.announcements
    assert announcement.outcome.violation_count == 100
    assert 10 < len(announcement.violations) <= 50
    assert len(announcement.model_dump_json().encode()) < 200_000
    world.deliver()
    assert len(alert_text(world.mail.alerts[0]).encode()) < 256 * 1024


def test_an_event_of_a_thousand_violations_stays_small_and_counts_them_all(world):
    many = [DRIFT | {"feature_name": f"f{i}", "description": "d" * 5000} for i in range(1000)]
    world.finish(world.ends(world.tick(), *many))
    (announcement,) = world.announcements
    assert announcement.outcome.violation_count == 1000
    assert len(announcement.model_dump_json()) < 200_000
    world.deliver()
    assert "and 980 more" in alert_text(world.mail.alerts[0])
    assert len(alert_text(world.mail.alerts[0]).encode()) < 256 * 1024


def test_an_end_of_something_unknown_is_refused_with_its_name(world):
    execution = world.tick()
    for subject, code in [
        ("nonsense", "UnknownSubject"),
        ("execution/other-1/2026-11-22T09:00:00Z/2026-11-22T10:00:00Z/1", "ExecutionNotFound"),
        ("execution/other-1/2026-11-22T09:00:00Z", "UnknownSubject"),
        ("baseline/other", "BaseliningJobNotFound"),
    ]:
        with pytest.raises(InvalidInput, match=code):
            world.finish(world.ends(execution).model_copy(update={"subject": subject}))


def test_all_variants_that_captured_are_read_unless_one_is_named(world):
    world.objects.kept["s3://captures/live/mortgages/Challenger/2026/11/22/09/b.jsonl"] = b"{}"
    world.has_schedule("challenger", endpoint_input={"endpoint_name": "mortgages", "variant_name": "Challenger"})
    world.tick()
    world.tick(name="challenger")
    read = [[entry.path for entry in request.inputs if "input/" in entry.path] for request in world.host.started]
    both = ["input/mortgages/AllTraffic/2026/11/22/09/", "input/mortgages/Challenger/2026/11/22/09/"]
    assert read == [both, both[1:]]


def test_offsets_move_the_window_before_the_scheduled_time(world):
    # The documented example: a schedule of 2020-01-09T13:00 with -P8D and -P1D looks at 2020-01-01T13:00 to
    # 2020-01-08T13:00 (SageMaker developer guide, model quality schedules).
    offsets = {"endpoint_name": "mortgages", "start_time_offset": "-P8D", "end_time_offset": "-P1D"}
    world.has_schedule("late", endpoint_input=offsets)
    execution = world.tick(datetime(2020, 1, 9, 13, tzinfo=UTC), name="late")
    assert str(execution.window) == "[2020-01-01T13:00:00Z, 2020-01-08T13:00:00Z)"


def test_windows_whose_length_does_not_say_how_many_there_are_have_the_number_by_their_schedule(world):
    world.has_schedule("overlapping", endpoint_input={"endpoint_name": "mortgages", "start_time_offset": "-P1D"})
    world.has_schedule("own", environment={"looks_per_month": "7"}, endpoint_input={"endpoint_name": "mortgages"})
    for name in ("overlapping", "own"):
        world.tick(name=name)
    world.tick()
    assert [request.settings.looks_per_month for request in world.host.started] == [720, 7, None]
    assert world.host.started[2].settings.share_of_month == pytest.approx(1 / 720)


def test_attributes_and_scripts_reach_the_analyzer(world):
    world.objects.kept["s3://results/code/mine.py"] = b"def preprocess_handler(record): return {}"
    world.has_schedule(
        "json",
        endpoint_input={"endpoint_name": "mortgages", "features_attribute": "instances[*].features"},
        record_preprocessor_source_uri="s3://results/code/mine.py",
    )
    world.tick(name="json")
    (request,) = world.host.started
    assert request.settings.features_attribute == "instances[*].features"
    script = request.settings.record_preprocessor_script
    assert script == Path("/opt/ml/processing/code/record_preprocessor_script.py")
    assert ("s3://results/code/mine.py", "code/record_preprocessor_script.py") in [
        (entry.s3_uri, entry.path) for entry in request.inputs
    ]


def test_a_batch_transform_schedule_reads_what_the_manifests_of_its_hours_name(world):
    kept = world.objects.kept
    for side, key in (("input", "raw/0.csv"), ("output", "scored/0.csv.out")):
        manifest = [{"prefix": "s3://captures/"}, key]
        kept[f"s3://captures/batch/{side}/2026/11/22/09/m.json"] = json.dumps(manifest).encode()
        kept[f"s3://captures/{key}"] = b"1,2"
    batch = {"data_captured_destination_s3_uri": "s3://captures/batch", "dataset_format": {"csv": {"header": False}}}
    world.has_schedule("batch", endpoint_input=None, batch_transform_input=batch)
    execution = world.tick(name="batch")
    (request,) = world.host.started
    assert execution.output_s3_uri == "s3://results/monitoring/batch/2026/11/22/10"
    assert request.settings.dataset_format.sagemaker_document == {
        "batchTransform": {"side": "input", "csv": {"header": False}}
    }
    assert request.settings.sagemaker_endpoint_name is None
    assert request.named == ("s3://captures/raw/", "s3://captures/scored/")
    fetched = [path for _, path in wanted_objects(world.objects, request.inputs)]
    assert [path for path in fetched if path.startswith("input/")] == [
        "input/input/2026/11/22/09/m.json",
        "input/output/2026/11/22/09/m.json",
        "input/objects/captures/raw/0.csv",
        "input/objects/captures/scored/0.csv.out",
    ]
    world.finish(world.ends(execution, DRIFT))
    assert world.metrics.published[0][0] == "aws/sagemaker/ModelMonitoring/data-metrics"
    world.deliver()
    assert "batch transform" in alert_text(world.mail.alerts[0])


def test_a_transform_job_that_began_before_the_window_is_read_unless_it_was_over_by_then(world):
    """A job of hours has rows of later windows; its manifest lies in the folder of its first hour."""
    for hour, written in (("2026/11/21/20", TEN - timedelta(minutes=30)), ("2026/11/22/07", TEN - timedelta(hours=2))):
        manifest = f"s3://captures/batch/input/{hour}/m.json"
        world.objects.kept[manifest] = json.dumps([{"prefix": "s3://captures/"}, f"{hour[-2:]}.csv"]).encode()
        world.objects.kept[f"s3://captures/{hour[-2:]}.csv"] = b"1,2"
        world.objects.modified[manifest] = written
    batch = {"data_captured_destination_s3_uri": "s3://captures/batch", "dataset_format": {"csv": {"header": False}}}
    world.has_schedule("batch", endpoint_input=None, batch_transform_input=batch)
    world.tick(name="batch")
    (request,) = world.host.started
    assert [path for _, path in wanted_objects(world.objects, request.inputs)] == [
        "input/input/2026/11/21/20/m.json",
        "baseline/constraints.json",
        "baseline/statistics.json",
        "input/objects/captures/20.csv",
    ]


def test_a_request_is_short_however_many_objects_a_manifest_names(world):
    keys = [f"out/part-{number:06}.csv" for number in range(6000)]
    world.objects.kept.update({f"s3://captures/{key}": b"1,2" for key in keys})
    manifest = "s3://captures/batch/input/2026/11/22/09/m.json"
    world.objects.kept[manifest] = json.dumps([{"prefix": "s3://captures/"}, *keys]).encode()
    batch = {"data_captured_destination_s3_uri": "s3://captures/batch", "dataset_format": {"csv": {"header": False}}}
    world.has_schedule("batch", endpoint_input=None, batch_transform_input=batch)
    world.tick(name="batch")
    (request,) = world.host.started
    assert len(request.model_dump_json()) < 5_000
    assert request.named == ("s3://captures/out/",)
    fetched = [path for _, path in wanted_objects(world.objects, request.inputs)]
    assert [path for path in fetched if "objects" in path] == [f"input/objects/captures/{key}" for key in keys]


@pytest.mark.parametrize("manifest", [b"{}", b"[]", b"[1]", b'["a"]', b'[{"prefix": "s3://b/"}, 1]', b"\xff"])
def test_a_manifest_that_is_none_ends_the_execution_with_its_name(world, manifest):
    world.objects.kept["s3://captures/batch/output/2026/11/22/09/m.json"] = manifest
    batch = {"data_captured_destination_s3_uri": "s3://captures/batch", "dataset_format": {"csv": {}}}
    world.has_schedule("batch", endpoint_input=None, batch_transform_input=batch)
    world.tick(name="batch")
    assert world.endings[0].outcome.failure_reason.startswith("InvalidManifest: s3://captures/batch/output")


BATCH = {"data_captured_destination_s3_uri": "s3://captures/batch", "dataset_format": {"csv": {"header": False}}}


def has_manifest(world, key):
    manifest = json.dumps([{"prefix": "s3://captures/"}, key]).encode()
    world.objects.kept["s3://captures/batch/input/2026/11/22/09/m.json"] = manifest
    world.has_schedule("batch", endpoint_input=None, batch_transform_input=BATCH)


@pytest.mark.parametrize("key", ["bad\nname.jsonl", "tab\t.csv", "\r\n", "é" * 500, "k" * 1024, "a b?#%.csv"])
def test_any_key_that_s3_can_hold_is_read(world, key):
    world.objects.kept[f"s3://captures/{key}"] = b"1,2"
    has_manifest(world, key)
    world.tick(name="batch")
    (request,) = world.host.started
    assert f"s3://captures/{key}" in [stored.s3_uri for stored, _ in wanted_objects(world.objects, request.inputs)]
    assert AnalysisRequest.model_validate_json(request.model_dump_json()) == request


@pytest.mark.parametrize("key", ["k" * 1100, "k" * 100_000])
def test_a_key_that_s3_cannot_hold_ends_its_execution_with_its_place_in_the_manifest(world, key):
    has_manifest(world, key)
    world.tick(name="batch")
    (ended,) = world.endings
    assert ended.outcome.failure_reason.startswith("InvalidManifest: object 1 in s3://captures/batch/input")


def test_a_mistake_of_ours_in_one_schedule_ends_its_execution_and_holds_up_no_other(world, monkeypatch):
    world.tick()
    world.has_captures(TEN)
    for moment in (TEN + HOUR, TEN + 2 * HOUR):  # the first runs, the second waits
        world.clock.moment = moment + timedelta(minutes=1)
        waiting = world.tick(moment, f"tick-{moment:%H}")
    world.finish(world.ends(world.executions()[-1]))

    def mistake(*_):
        raise KeyError("secret row value")

    monkeypatch.setattr(LaunchExecution, "resume", mistake)
    world.clock.pass_by(LEASE)
    world.reconcile()
    failed = world.ledger.get(waiting.key)
    assert failed.monitoring_execution_status is ExecutionStatus.FAILED
    assert failed.outcome.failure_reason.startswith("InternalError: KeyError at ")
    assert "secret" not in failed.model_dump_json()


def _one_off(start: str, end: str) -> ExecutionRequest:
    return ExecutionRequest(
        monitoring_schedule_name="hourly", window=Window(start=start, end=end), tick_id="wanted", backfill=True
    )


def test_a_run_over_a_window_of_ten_years_is_refused_and_holds_nothing(world):
    refused = world.launch(_one_off("2016-11-20T10:00:00Z", "2026-11-20T11:00:00Z"))
    assert refused.code == "WindowTooLarge"
    assert refused.message.startswith(
        "a window of 3,653 days is longer than the 1,500 that are allowed for an endpoint with one variant: correct"
    )
    assert world.executions() == []


@pytest.mark.parametrize(
    ("start", "end"),
    [("0001-01-01T00:00:00Z", "0001-01-01T01:00:00Z"), ("9999-12-31T22:00:00Z", "9999-12-31T23:59:59Z")],
)
def test_a_run_at_the_end_of_the_calendar_is_refused_and_holds_nothing(world, start, end):
    refused = world.launch(_one_off(start, end))
    assert (refused.code, "is not between" in refused.message) == ("InvalidParameter", True)
    assert world.executions() == []


def test_a_window_with_more_variants_may_have_fewer_days(world):
    for variant in ("blue", "green"):
        world.objects.kept[f"s3://captures/live/mortgages/{variant}/2026/11/20/10/00-01-002-a.jsonl"] = b"{}\n"
    world.launch(_one_off("2024-11-20T10:00:00Z", "2026-11-20T11:00:00Z"))
    assert world.endings[0].outcome.failure_reason == (
        "WindowTooLarge: a window of 731 days is longer than the 500 that are allowed for an endpoint with 3 "
        "variants: correct its times, or choose a shorter window"
    )


def test_a_window_of_a_quarter_is_listed_by_days(world, monkeypatch):
    for day in ("2026/08/19/10", "2026/10/02/23"):
        world.objects.kept[f"s3://captures/live/mortgages/AllTraffic/{day}/00-01-002-a.jsonl"] = b"{}\n"
    for other in ("2026/10/02/all.jsonl", "2026/10/03/copies/00-01-002-a.jsonl"):  # which windows of hours do not read
        world.objects.kept[f"s3://captures/live/mortgages/AllTraffic/{other}"] = b"{}\n" * 9
    listed = []
    found = world.objects.list
    monkeypatch.setattr(world.objects, "list", lambda uri: listed.append(uri) or found(uri))
    execution = world.launch(_one_off("2026-08-19T10:00:00Z", "2026-11-18T10:00:00Z"))
    assert execution.monitoring_execution_status is ExecutionStatus.IN_PROGRESS
    assert len(listed) == len(set(listed)) < 130
    folders = "s3://captures/live/mortgages/AllTraffic/"
    (request,) = world.host.started
    wanted = [stored.s3_uri.removeprefix(folders) for stored, _ in wanted_objects(world.objects, request.inputs)]
    assert [key for key in wanted if "/" in key and not key.startswith("s3:")] == [
        "2026/08/19/10/00-01-002-a.jsonl",
        "2026/10/02/23/00-01-002-a.jsonl",
    ]
    assert [each.s3_uri.removeprefix(folders) for each in request.inputs if each.path.startswith("input/")] == [
        "2026/08/19/10/",
        "2026/10/02/",
    ]


def test_labels_that_would_be_looked_for_in_thousands_of_days_are_not(world):
    with pytest.raises(InvalidInput, match=r"labels of predictions that are 3,653 days old"):
        ground_truth_objects(world.objects, "s3://labels/l", TEN - timedelta(days=3653), now=TEN)
