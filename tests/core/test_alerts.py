"""The state of alerts, what people hear of it, and what a target that cannot keep up gets."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch_core.app.deliver_alerts import MOST_AT_ONCE
from modelwatch_core.domain.alert_chat import chat_message
from modelwatch_core.domain.alert_event import alert_event, size_of
from modelwatch_core.domain.alert_targets import AlertTargetReference
from modelwatch_core.domain.alert_text import alert_subject, alert_text, bundle_text, cut_line
from modelwatch_core.domain.alerting import AlertName, AlertThreshold
from modelwatch_core.domain.alerts import AlertRaised, AlertsWaiting, ScheduleSilent
from modelwatch_core.domain.constraint_violations import ConstraintViolation, excess_of
from modelwatch_core.domain.errors import InvalidInput, Upstream
from modelwatch_core.domain.events import ExecutionRequest
from modelwatch_core.domain.outcome import OutcomeStatus
from modelwatch_core.domain.windows import Window
from tests.core.in_memory import MemoryTarget
from tests.core.world import DRIFT, FAILURES, TEN, World

HOUR = timedelta(hours=1)
ALWAYS = {"remind_after_hours": 0}


def drift(feature: str, distance: float) -> dict[str, str]:
    sentence = f"Baseline drift distance: {distance} exceeds threshold: 0.1"
    return {"feature_name": feature, "constraint_check_type": "baseline_drift_check", "description": sentence}


class Hours:
    """A schedule of which one execution after the other ends: V with violations, F failed, N without data, o well."""

    def __init__(self, **alerting: object) -> None:
        self.world = World()
        self.world.has_schedule(alerting=alerting)
        self.number = 0

    def end(self, kinds: str, *violations: dict[str, str]) -> None:
        for kind in kinds:
            self.number += 1
            at = TEN + self.number * HOUR
            self.world.clock.moment = at + timedelta(minutes=6)
            self.world.has_captures(at - HOUR)
            execution = self.world.tick(at, f"tick-{self.number}")
            found = (violations or (DRIFT,)) if kind == "V" else ()
            self.world.finish(self.world.ends(execution, *found, **FAILURES.get(kind, {})))
            self.world.deliver()

    @property
    def notices(self) -> list[str]:
        return [f"{alert.alert_name} {alert.phase}" for alert in self.world.mail.alerts]

    def states(self) -> dict[str, str]:
        listed = self.world.manage("ListMonitoringAlerts", monitoring_schedule_name="hourly")["alerts"]
        return {each["monitoring_alert_name"]: each["alert_status"] for each in listed}


def test_an_alert_begins_lasts_in_silence_and_is_over():
    hours = Hours()
    hours.end("oVVVoo")
    assert hours.notices == ["violations InAlert", "violations Recovered"]
    begun, over = hours.world.mail.alerts
    assert begun.since == over.since == begun.window.start
    assert "recovered from violations in hourly" in alert_subject(over)
    assert "Alert:     violations, warning: over, began 2026-11-22T11:00:00Z" in alert_text(over)
    assert "\n\n\n" not in alert_text(over)
    assert not alert_text(over).endswith("\n")  # SNS adds an empty line before its footer


def test_a_line_that_is_cut_says_so():
    assert (cut_line("a" * 99, 99), cut_line("a" * 100, 99)) == ("a" * 99, "a" * 96 + "...")


def test_two_of_three_alert_as_sagemakers_documentation_says():
    # Row of states for V V ok ok V ok V with 2 of 3 (Amazon SageMaker Developer Guide, "View and edit alerts"):
    # OK, InAlert, InAlert, OK, OK, OK, InAlert.
    hours = Hours(violations={"datapoints_to_alert": 2, "evaluation_period": 3})
    states = []
    for kind in "VVooVoV":
        hours.end(kind)
        states.append(hours.states()["violations"])
    # After the fifth, ok ok V holds one of three; after the sixth, ok V ok one; after the last, V ok V two.
    assert states == ["OK", "InAlert", "InAlert", "OK", "OK", "OK", "InAlert"]
    assert hours.notices == ["violations InAlert", "violations Recovered", "violations InAlert"]


def test_a_failure_and_a_window_without_data_are_alerts_of_their_own_and_no_recovery_from_drift():
    hours = Hours()
    hours.end("VFNo")
    assert hours.notices == [
        "violations InAlert",
        "failed-executions InAlert",
        "no-data InAlert",
        "violations Recovered",
    ]
    assert hours.world.mail.alerts[-1].recovered == (AlertName.FAILED_EXECUTIONS, AlertName.NO_DATA)
    assert set(hours.states().values()) == {"OK"}
    over = hours.world.mail.alerts[-1]
    for text in (alert_text(over), bundle_text([over], [None]), chat_message(over)["content"]["description"]):
        assert "failed-executions, no-data" in text


def test_reminders_come_as_often_as_is_set():
    daily, each, never = Hours(remind_after_hours=2), Hours(remind_after_hours=0), Hours(remind_after_hours=None)
    for hours in (daily, each, never):
        hours.end("VVVVV")
    assert daily.notices == ["violations InAlert", *["violations Reminder"] * 2]
    assert each.notices == ["violations InAlert", *["violations Reminder"] * 4]
    assert never.notices == ["violations InAlert"]


def test_a_muted_schedule_changes_state_in_silence_and_tells_what_lasts_when_the_mute_is_over():
    hours = Hours()
    hours.end("o")
    until = TEN + timedelta(hours=3, minutes=30)
    hours.world.manage("MuteMonitoringAlerts", monitoring_schedule_name="hourly", until=until.isoformat())
    hours.end("VV")
    assert (hours.notices, hours.states()["violations"]) == ([], "InAlert")
    hours.end("VV")
    assert hours.notices == ["violations InAlert"]
    assert hours.world.mail.alerts[0].since == TEN + HOUR


def test_what_ends_while_a_schedule_is_muted_is_told_afterwards_as_it_was_when_it_began():
    hours = Hours(severity_rules=[{"severity": "critical", "features": ["income"]}])
    hours.end("V", drift("income", 0.5))
    until = (TEN + timedelta(hours=4, minutes=30)).isoformat()
    hours.world.manage("MuteMonitoringAlerts", monitoring_schedule_name="hourly", until=until)
    hours.end("oVo")  # over, begun again and over: in silence
    assert hours.notices == ["violations InAlert"]
    hours.end("oo")
    begun, over = hours.world.mail.alerts
    assert (over.phase, over.severity, over.since) == ("Recovered", "critical", begun.since)


def test_what_lasts_after_a_mute_is_as_serious_as_it_was_though_a_good_execution_tells_it():
    twice = {"datapoints_to_alert": 2, "evaluation_period": 3}
    hours = Hours(violations=twice, severity_rules=[CRITICAL_FROM_THREE])
    pager = pages(hours, {"least_severity": "critical"})
    until = (TEN + 3 * HOUR).isoformat()
    hours.world.manage("MuteMonitoringAlerts", monitoring_schedule_name="hourly", until=until)
    hours.end("VV", drift("income", 0.9))
    hours.end("oo")
    assert [f"{alert.severity} {alert.phase}" for alert in pager.alerts] == ["critical InAlert", "critical Recovered"]


def test_what_begins_and_ends_while_a_schedule_is_muted_is_never_heard_of():
    hours = Hours()
    hours.end("o")
    until = (TEN + timedelta(hours=3, minutes=30)).isoformat()
    hours.world.manage("MuteMonitoringAlerts", monitoring_schedule_name="hourly", until=until)
    hours.end("Vooo")
    assert hours.notices == []


def test_a_silence_that_people_were_told_of_and_that_ends_in_a_mute_is_over_afterwards():
    hours = Hours()
    hours.end("o")
    for _ in range(5 * 12):
        hours.world.clock.pass_by(timedelta(minutes=5))
        hours.world.reconcile()
        hours.world.deliver()
    until = (hours.world.clock.now() + 2 * HOUR).isoformat()
    hours.world.manage("MuteMonitoringAlerts", monitoring_schedule_name="hourly", until=until)
    hours.number += 5
    hours.end("o")
    assert (hours.notices, hours.states()["not-fired"]) == (["not-fired InAlert"], "OK")
    hours.end("oo")
    assert hours.notices == ["not-fired InAlert", "not-fired Recovered"]


@pytest.mark.parametrize("change", ["it fired", "StopMonitoringSchedule", "UpdateMonitoringSchedule", ""])
def test_that_a_schedule_did_not_fire_is_not_said_hours_later_when_that_is_no_longer_so(change):
    hours = Hours()
    hours.end("o")
    hours.world.clock.pass_by(6 * HOUR)
    hours.world.clock.moment = hours.world.clock.now().replace(minute=1)
    hours.world.reconcile()
    late = [event for event in hours.world.bus.published if isinstance(event, ScheduleSilent)]
    hours.world.bus.published.clear()
    assert len(late) == 1
    if change == "it fired":
        hours.number += 6
        hours.end("o")
    elif change:
        hours.world.manage(change, monitoring_schedule_name="hourly")
    hours.world.bus.published += late
    hours.world.deliver()
    assert hours.notices == ([] if change else ["not-fired InAlert"])


def test_windows_that_begin_further_back_since_an_update_are_the_latest_all_the_same():
    # A window of a day in place of an hour begins before those of the 23 hours that were analysed last.
    hours = Hours(violations={"datapoints_to_alert": 2, "evaluation_period": 3})
    hours.end("oooooooo")
    sliding = {"endpoint_name": "mortgages", "start_time_offset": "-P1D"}
    hours.world.manage("UpdateMonitoringSchedule", monitoring_schedule_name="hourly", endpoint_input=sliding)
    hours.end("VV")
    assert (hours.notices, hours.states()["violations"]) == (["violations InAlert"], "InAlert")
    described = hours.world.manage("DescribeMonitoringSchedule", monitoring_schedule_name="hourly")
    assert described["last_monitoring_execution"]["scheduled_time"] == "2026-11-22T20:00:00Z"
    # Another threshold: the schedule is looked at by the next sweep of an hour, as if it had never fired.
    threshold = {"monitoring_alert_name": "no-data", "datapoints_to_alert": 1, "evaluation_period": 1}
    hours.end("VV")
    hours.world.manage("UpdateMonitoringAlert", monitoring_schedule_name="hourly", **threshold)
    hours.world.clock.moment = TEN + (hours.number + 1) * HOUR + timedelta(minutes=1)
    hours.world.reconcile()
    hours.world.deliver()
    hours.end("oo")
    assert (hours.notices, hours.states()["violations"]) == (["violations InAlert", "violations Recovered"], "OK")


def test_a_repetition_that_ends_the_alert_of_later_windows_says_so():
    hours = Hours(violations={"datapoints_to_alert": 2, "evaluation_period": 3})
    hours.end("VoV")
    again = hours.world.launch(
        ExecutionRequest(monitoring_schedule_name="hourly", scheduled_time=TEN + HOUR, tick_id="again", backfill=True)
    )
    hours.world.finish(hours.world.ends(again))
    hours.world.deliver()
    assert hours.notices == ["violations InAlert", "violations Recovered"]
    assert hours.states()["violations"] == "OK"
    hours.end("o")
    assert len(hours.notices) == 2


def test_a_repetition_that_fails_is_no_recovery_from_drift():
    hours = Hours()
    hours.end("V")
    again = hours.world.launch(
        ExecutionRequest(monitoring_schedule_name="hourly", scheduled_time=TEN + HOUR, tick_id="again", backfill=True)
    )
    failed = {"status": OutcomeStatus.FAILED, "failure_reason": "AnalyzerCrashed: x"}
    hours.world.finish(hours.world.ends(again, **failed))
    hours.world.deliver()
    assert hours.notices == ["violations InAlert", "failed-executions InAlert"]
    assert hours.states()["violations"] == "InAlert"


def test_a_mute_that_is_over_already_is_refused():
    hours = Hours()
    with pytest.raises(InvalidInput, match="is in the past"):
        hours.world.manage("MuteMonitoringAlerts", monitoring_schedule_name="hourly", until=TEN.isoformat())


def test_the_history_has_each_change_once_however_often_it_is_announced():
    hours = Hours()
    publish, copies = hours.world.bus.publish, 3
    hours.world.bus.publish = lambda event: [publish(event) for _ in range(copies)]
    hours.end("VVoF")
    history = hours.world.manage("ListMonitoringAlertHistory", sort_order="Ascending")["alert_history"]
    assert [(each["alert_name"], each["alert_status"]) for each in history] == [
        ("violations", "InAlert"),
        ("violations", "OK"),
        ("failed-executions", "InAlert"),
    ]
    assert len(hours.notices) == 3
    asked = {"monitoring_schedule_name": "hourly", "status_equals": "OK"}
    assert len(hours.world.manage("ListMonitoringAlertHistory", **asked)["alert_history"]) == 1


def test_a_threshold_that_was_changed_counts_from_the_next_execution_on_and_loses_no_message():
    hours = Hours(violations={"datapoints_to_alert": 2, "evaluation_period": 3})
    hours.end("oV")
    numbers = {"datapoints_to_alert": 1, "evaluation_period": 3}
    asked = {"monitoring_schedule_name": "hourly", "monitoring_alert_name": "violations"}
    hours.world.manage("UpdateMonitoringAlert", **asked, **numbers)
    assert hours.states()["violations"] == "OK"
    hours.end("o")
    assert hours.notices == ["violations InAlert"]


RULES = [
    {"severity": "critical", "features": ["inc*"], "excess_at_least": 5},
    {"severity": "info", "alerts": ["no-data"]},
    {"severity": "info", "checks": ["completeness_check"]},
]


def test_severity_goes_by_rules_and_the_worst_violation_is_first():
    hours = Hours(severity_rules=RULES)
    hours.end("V", drift("age", 9.0), drift("income", 0.2), drift("income", 0.9))
    (alert,) = hours.world.mail.alerts
    assert alert.severity == "critical"
    assert [each.feature_name for each in alert.violations] == ["income", "age", "income"]
    assert alert_subject(alert).startswith("Modelwatch: CRITICAL, 3 violations in hourly")
    assert "Worst:     income, 9 times its threshold" in alert_text(alert)
    hours.end("oN")
    assert hours.world.mail.alerts[-1].severity == "info"


@pytest.mark.parametrize(
    ("alerting", "message"),
    [
        ({"severity_rules": [{"severity": "info"}, RULES[0]]}, r"severity_rules\[1\] never decides and contradicts it"),
        ({"severity_rules": [RULES[0], RULES[0]]}, r"severity_rules\[1\] never decides: severity_rules\[0\] applies"),
        ({"severity_rules": [{"severity": "info", "alerts": ["no-data"], "checks": ["x"]}]}, "it never applies"),
        ({"violations": {"datapoints_to_alert": 3, "evaluation_period": 2}}, "datapoints_to_alert 3 is more than eval"),
        ({"severity_rules": [{"severity": "fatal"}]}, r"alerting.severity_rules\[0\]"),
    ],
)
def test_rules_that_contradict_each_other_or_can_never_apply_are_refused(alerting, message):
    with pytest.raises(InvalidInput, match=message):
        Hours(**alerting)


def test_a_rule_for_a_feature_that_the_baseline_does_not_have_is_refused():
    world = World()
    world.objects.kept["s3://results/baseline/constraints.json"] = b'{"features": [{"name": "age"}]}'
    with pytest.raises(InvalidInput, match=r"RuleMatchesNothing: .*'inc.' matches none of the 1 features"):
        world.has_schedule(alerting={"severity_rules": RULES})


def test_a_rule_for_a_check_that_the_kind_does_not_have_is_refused():
    world, rules = World(), [RULES[1], {"severity": "critical", "checks": ["data_type_check", "completness_check"]}]
    said = r"severity_rules\[1\].checks: 'completness_check' is not a check of this kind of monitor; did you mean compl"
    with pytest.raises(InvalidInput, match=said) as refused:
        world.has_schedule(alerting={"severity_rules": rules})
    assert refused.value.code == "RuleMatchesNothing"
    world.objects.kept["s3://scripts/post.py"] = b"pass"
    script = {"post_analytics_processor_source_uri": "s3://scripts/post.py"}
    world.has_schedule(**script, alerting={"severity_rules": rules})  # its violations have any checks


def test_targets_get_what_they_ask_for():
    world = World()
    pager = MemoryTarget()
    world.targets["pager"] = lambda: pager
    targets = [
        {"type": "mail", "address": "team"},
        {"type": "pager", "address": "critical", "least_severity": "critical"},
        {"type": "pager", "address": "failures", "alerts": ["failed-executions"]},
        {"type": "pager", "address": "mortgages", "endpoints": ["mort*"]},
        {"type": "pager", "address": "mortgages", "endpoints": ["mortgages"]},
    ]
    world.has_schedule(alert_targets=targets)
    world.has_captures()
    world.finish(world.ends(world.tick(), DRIFT))
    world.deliver()
    assert (world.mail.addresses, pager.addresses) == (["team"], ["mortgages"])


CRITICAL_FROM_THREE = {"severity": "critical", "alerts": ["violations"], "excess_at_least": 3}


def pages(hours: Hours, *targets: dict[str, object]) -> MemoryTarget:
    """Let a schedule notify a pager, beside everybody, of what each target takes."""
    pager = MemoryTarget()
    hours.world.targets["pager"] = lambda: pager
    named = [{"type": "mail", "address": "everybody"}, *({"type": "pager", "address": "x"} | each for each in targets)]
    hours.world.manage("UpdateMonitoringSchedule", monitoring_schedule_name="hourly", alert_targets=named)
    return pager


def test_an_alert_that_becomes_more_serious_is_told_at_once_and_its_end_reaches_who_heard_of_it():
    hours = Hours(severity_rules=[CRITICAL_FROM_THREE], remind_after_hours=None)
    pager = pages(hours, {"least_severity": "critical"})
    hours.end("V", drift("income", 0.2))
    hours.end("VV", drift("income", 0.9))  # the second is as serious as people know
    hours.end("V", drift("income", 0.2))
    assert hours.world.manage("ListMonitoringAlerts", monitoring_schedule_name="hourly")["alerts"][0]["severity"] == (
        "critical"
    )
    hours.end("o")
    assert hours.notices == ["violations InAlert", "violations Reminder", "violations Recovered"]
    assert [f"{alert.severity} {alert.phase}" for alert in pager.alerts] == ["critical InAlert", "critical Recovered"]
    assert {alert.since for alert in pager.alerts} == {TEN}


def test_who_heard_that_a_serious_alert_began_hears_of_its_end_though_another_one_begins_with_it():
    hours = Hours(severity_rules=[{"severity": "critical", "alerts": ["failed-executions"]}])
    pager = pages(hours, {"least_severity": "critical"})
    hours.end("FVVo")
    assert [(alert.alert_name, *alert.recovered, alert.phase) for alert in pager.alerts] == [
        ("failed-executions", "InAlert"),
        ("failed-executions", "Recovered"),
    ]
    begun = hours.world.mail.alerts[1]
    assert (begun.alert_name, *begun.recovered) == ("violations", "failed-executions")


def test_a_target_takes_an_alert_by_its_own_severity():
    hours = Hours(severity_rules=[CRITICAL_FROM_THREE])
    pager = pages(hours, {"least_severity": "critical", "alerts": ["failed-executions"]})
    hours.end("F")
    hours.end("V", drift("income", 0.9))  # critical, and ends a failure that was none
    assert (pager.alerts, len(hours.notices)) == ([], 2)


def test_a_target_that_is_named_twice_takes_what_either_of_its_entries_takes():
    hours = Hours(severity_rules=[CRITICAL_FROM_THREE])
    pager = pages(hours, {"alerts": ["violations"], "least_severity": "critical"}, {"alerts": ["failed-executions"]})
    hours.end("VF", drift("income", 0.9))
    hours.end("V", drift("income", 0.2))
    assert [f"{alert.alert_name} {alert.phase}" for alert in pager.alerts] == [
        "violations InAlert",
        "failed-executions InAlert",
        "failed-executions Recovered",
    ]


def test_a_one_off_run_is_as_serious_as_the_rules_say_and_reaches_targets_by_its_tags():
    hours = Hours()
    hours.world.manage(
        "UpdateMonitoringSchedule",
        monitoring_schedule_name="hourly",
        alerting={"severity_rules": [{"severity": "critical", "excess_at_least": 3}]},
        processing={"tags": {"team": "growth"}},
        alert_targets=[
            {"type": "mail", "address": "page", "least_severity": "critical", "tags": {"team": "growth"}},
        ],
    )
    window = {"start": TEN, "end": TEN + HOUR / 2}
    for number, distance in enumerate((0.2, 0.9)):
        tick = f"asked-{number}"
        asked = ExecutionRequest(monitoring_schedule_name="hourly", window=window, tick_id=tick, backfill=True)
        hours.world.clock.pass_by(HOUR)
        hours.world.finish(hours.world.ends(hours.world.launch(asked), drift("income", distance)))
        hours.world.deliver()
    (alert,) = hours.world.mail.alerts
    assert (alert.severity, alert.attempt) == ("critical", 2)


def test_a_target_that_no_alert_of_the_schedule_would_reach_is_refused():
    for which in ({"endpoints": ["loans"]}, {"tags": {"team": "growth"}}):
        with pytest.raises(InvalidInput, match="no alert of this schedule would go to mail:team"):
            World().has_schedule(alert_targets=[{"type": "mail", "address": "team", **which}])


def test_a_schedule_that_did_not_fire_is_an_alert_once_and_recovers_with_its_next_execution():
    hours = Hours()
    hours.end("o")
    for _ in range(8 * 12):
        hours.world.clock.pass_by(timedelta(minutes=5))
        hours.world.reconcile()
        hours.world.deliver()
    assert hours.notices == ["not-fired InAlert"]
    assert "schedule did not fire in hourly at 2026-11-22T11:00:00Z" in alert_subject(hours.world.mail.alerts[0])
    assert hours.states()["not-fired"] == "InAlert"
    hours.number += 8
    hours.end("o")
    assert hours.notices[1:] == ["not-fired Recovered"]
    assert "recovered from not firing in hourly" in alert_subject(hours.world.mail.alerts[1])


def test_one_off_runs_do_not_hide_that_a_schedule_has_fired():
    hours = Hours()
    hours.end("oooo")
    fired = TEN + 4 * HOUR
    hours.world.has_captures(fired)
    for number in range(12):
        start = fired + number * timedelta(minutes=1)
        window = Window(start=start, end=start + timedelta(minutes=1))
        hours.world.clock.moment = fired + timedelta(minutes=30)
        once = ExecutionRequest(monitoring_schedule_name="hourly", window=window, tick_id=f"once-{number}")
        hours.world.finish(hours.world.ends(hours.world.launch(once)))
        hours.world.deliver()
    # Another threshold: the schedule is looked at by the next sweep of an hour, as if it had never fired.
    threshold = {"monitoring_alert_name": "violations", "datapoints_to_alert": 1, "evaluation_period": 2}
    hours.world.manage("UpdateMonitoringAlert", monitoring_schedule_name="hourly", **threshold)
    hours.world.clock.moment = fired + timedelta(hours=1, minutes=1)
    hours.world.reconcile()
    hours.world.deliver()
    assert hours.notices == []
    assert hours.states()["not-fired"] == "OK"


def test_a_schedule_that_did_not_fire_is_on_for_the_alarms_of_cloudwatch():
    hours = Hours()
    hours.end("o")
    for _ in range(5 * 12):
        hours.world.clock.pass_by(timedelta(minutes=5))
        hours.world.reconcile()
        hours.world.deliver()
    namespace, state = hours.world.route.metrics.published[-1]
    assert namespace == "aws/sagemaker/Endpoints/data-metrics"
    assert (state["MetricName"], state["Value"]) == ("alert_state", 1.0)
    assert [each["Value"] for each in state["Dimensions"]] == ["mortgages", "hourly"]


def test_what_crashes_between_the_message_and_its_note_is_decided_again_and_sent_once():
    hours = Hours()
    hours.end("V")
    states, note = hours.world.alert_states, hours.world.alert_states.note

    def die(_transition, **_):
        states.note = note
        raise Upstream("ServiceError", "the table is away")

    states.note = die
    hours.number += 1
    hours.world.has_captures(TEN + HOUR)
    execution = hours.world.tick(TEN + 2 * HOUR, "again")
    hours.world.finish(hours.world.ends(execution))
    (announcement,) = hours.world.announcements
    with pytest.raises(Upstream):
        hours.world.route(announcement)
    hours.world.deliver()
    assert hours.notices == ["violations InAlert", "violations Recovered"]
    assert hours.states()["violations"] == "OK"


# ---------------------------------------------------------------- targets that cannot keep up
class People(MemoryTarget):
    """A target that takes five messages a second."""

    most_a_second, most_together = 5, 20

    def __init__(self) -> None:
        super().__init__()
        self.bundles: list[int] = []

    def send(self, alert, address):
        super().send(alert, address)
        self.bundles.append(1)

    def send_together(self, alerts, address):
        for alert in alerts:
            super().send(alert, address)
        self.bundles.append(len(alerts))


def a_hundred_schedules_end(world: World) -> None:
    for number in range(100):
        name = f"schedule-{number:03}"
        world.has_schedule(name, alert_targets=[{"type": kind, "address": "on call"} for kind in world.targets])
        execution = world.tick(name=name)
        world.finish(world.ends(execution, *(drift(f"feature-{n}", 0.5) for n in range(500 if number == 0 else 1))))


def test_a_hundred_schedules_that_end_in_the_same_second_are_a_few_messages_with_each_alert_once():
    world, people, program = World(), People(), MemoryTarget()
    world.targets.clear()
    world.targets |= {"people": lambda: people, "program": lambda: program}
    world.has_captures()
    a_hundred_schedules_end(world)
    world.deliver()
    world.clock.pass_by(timedelta(minutes=5))
    world.reconcile()
    world.deliver()
    keys = [alert.key for alert in people.alerts]
    assert (len(keys), len(set(keys))) == (100, 100)
    assert len(people.bundles) <= 5 + 5 + 1
    assert sorted(alert.key for alert in program.alerts) == sorted(keys)
    large = next(alert for alert in people.alerts if alert.monitoring_schedule_name == "schedule-000")
    assert (large.outcome.violation_count, len(large.violations)) == (500, 20)
    assert "- and 480 more, see the report" in alert_text(large)
    assert list(world.waiting.targets()) == []


class Choosy(People):
    """A target that refuses each message with an alert of one schedule."""

    refused = "schedule-010"

    def send_together(self, alerts, address):
        if any(alert.monitoring_schedule_name == self.refused for alert in alerts):
            raise Upstream("ServiceError", "the message is refused")
        super().send_together(alerts, address)


def waits_for(world: World, number: int) -> AlertTargetReference:
    """Let so many alerts wait for a target, each of a schedule of its own."""
    world.has_schedule("schedule-000", alert_targets=[{"type": "people", "address": "on call"}])
    world.has_captures()
    world.finish(world.ends(world.tick(name="schedule-000"), DRIFT))
    world.route(world.announcements[-1])
    (raised,) = (event for event in world.bus.published if isinstance(event, AlertRaised))
    world.bus.published.clear()
    for each in range(number):
        named = {"monitoring_schedule_name": f"schedule-{each:03}", "key": f"schedule-{each:03}/{raised.alert.key}"}
        world.waiting.put(raised.target, raised.alert.model_copy(update=named))
    return raised.target


def test_as_many_alerts_as_wait_are_sent_by_invocations_each_of_which_asks_for_the_next():
    world, people = World(), People()
    world.targets |= {"people": lambda: people}
    waits_for(world, 3 * MOST_AT_ONCE + 1)
    world.reconcile()
    asked = []
    while world.bus.published:
        event = world.bus.published.pop()
        assert isinstance(event, AlertsWaiting)
        asked.append(world.deliver_alert.send_waiting(event))
    assert asked == [MOST_AT_ONCE, MOST_AT_ONCE, MOST_AT_ONCE, 1]
    assert len({alert.key for alert in people.alerts}) == len(people.alerts) == sum(asked)
    assert list(world.waiting.targets()) == []


def test_a_message_that_is_refused_keeps_no_alert_waiting_but_its_own_and_asks_for_no_invocation():
    world, people = World(), Choosy()
    world.targets |= {"people": lambda: people}
    target = waits_for(world, MOST_AT_ONCE + 20)
    with pytest.raises(Upstream, match="AlertNotDelivered: people:on call: ServiceError: the message is refused"):
        world.deliver_alert.send_waiting(AlertsWaiting(target=target))
    assert len(people.alerts) == MOST_AT_ONCE - people.most_together
    assert world.bus.published == []
    with pytest.raises(Upstream):
        world.deliver_alert.send_waiting(AlertsWaiting(target=target))
    assert len(world.waiting.of(target, most=999)) == people.most_together


def test_a_target_that_throttles_fails_or_is_gone_holds_up_no_other_and_gets_each_alert_once_when_it_is_back():
    world, people, gone, healthy = World(), People(), MemoryTarget(), MemoryTarget()
    world.targets.clear()
    world.targets |= {"people": lambda: people, "gone": lambda: gone, "healthy": lambda: healthy}
    people.broken = gone.broken = True
    world.has_captures()
    a_hundred_schedules_end(world)
    refused, reports = [], []
    for _ in range(3):  # Lambda's attempts at each event
        world.clock.pass_by(timedelta(minutes=1))
        world.bus.published += refused
        attempted = world.attempt()
        refused = [event for event, _ in attempted]
        reports += [str(error) for _, error in attempted]
    assert len({alert.key for alert in healthy.alerts}) == len(healthy.alerts) == 100
    assert (people.alerts, gone.alerts) == ([], [])
    assert {report.partition(": the")[0] for report in reports} == {
        f"AlertNotDelivered: {target}: ServiceError" for target in ("people:on call", "gone:on call")
    }
    people.broken = False
    for _ in range(3):
        world.clock.pass_by(timedelta(minutes=5))
        world.bus.published += refused
        refused = [event for event in refused if not isinstance(event, AlertsWaiting) and event.target.type == "gone"]
        world.bus.published[:] = [e for e in world.bus.published if getattr(e.target, "type", "") != "gone"]
        world.reconcile()
        world.deliver()
    assert len({alert.key for alert in people.alerts}) == len(people.alerts) == 100


# ---------------------------------------------------------------- rendering
@given(st.text(max_size=1000))
def test_whatever_a_feature_is_called_a_message_has_no_forged_line_no_markup_and_a_subject_that_sns_takes(name):
    hours = Hours()
    hours.end("V", drift("a", 0.5))
    (alert,) = hours.world.mail.alerts
    violation = ConstraintViolation(**drift(name, 0.5))
    named = alert.model_copy(update={"violations": (violation,)})
    lines = len(alert_text(alert).splitlines())
    assert len(alert_text(named).splitlines()) == lines
    subject = alert_subject(named)
    assert subject.isascii()
    assert subject.isprintable()
    shown = chat_message(named)["content"]["description"]
    assert "<" not in shown
    assert "@" not in shown
    assert "\n".join(shown.splitlines()).count("\n") == 1


def test_a_message_that_is_too_large_holds_fewer_violations_and_where_all_of_them_are():
    hours = Hours()
    hours.end("V", *(drift(f"{number} " + "x" * 1000, 0.5) for number in range(100)))
    (alert,) = hours.world.mail.alerts
    event = alert_event(alert, most_bytes=10_000)
    assert size_of(event) <= 10_000
    assert 0 < len(event["violations"]) < 20
    assert event["violationCount"] == 100
    assert event["violationReport"].endswith("/constraint_violations.json")


@pytest.mark.parametrize(
    ("sentence", "times"),
    [  # arithmetic by hand
        ("Baseline drift distance: 0.9 exceeds threshold: 0.1", 9.0),
        ("Metric recall with 0.4 +/- 0.01 was LessThanThreshold '0.8'", 2.0),
        ("Data completeness requirement is not met. Expected: 100.0%. Observed: Only 25.0%.", 4.0),
        ("Metric value 0.5 doesn't meet the baseline constraint requirement [-0.1, 0.1]", 5.0),
        ("Baseline drift distance: 0.5 exceeds threshold: 0.0", float("inf")),
        ("Something of one's own", 1.0),
    ],
)
def test_the_excess_is_how_many_times_the_threshold_a_value_is(sentence, times):
    violation = ConstraintViolation(constraint_check_type="any", description=sentence)
    assert excess_of(violation) == pytest.approx(times)


@given(st.lists(st.booleans(), max_size=20), st.integers(1, 10), st.integers(1, 10))
def test_a_threshold_is_met_by_the_latest_executions_only(points, one, other):
    datapoints, period = sorted((one, other))
    threshold = AlertThreshold(datapoints_to_alert=datapoints, evaluation_period=period)
    expected = len([bad for bad in points[:period] if bad]) >= datapoints
    assert threshold.is_met(points) is expected
    if len(points) >= period:
        assert threshold.is_met([*points[:period], True, True]) is expected
