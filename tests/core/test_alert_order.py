"""Executions end in the order of their windows, and are announced in any order and more than once."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from modelwatch_core.domain.alert_event import incident_key
from modelwatch_core.domain.alert_states import place_of
from modelwatch_core.domain.alert_text import alert_subject
from modelwatch_core.domain.alerting import AlertName, AlertStatus
from modelwatch_core.domain.alerts import AlertPhase, AlertRaised
from modelwatch_core.domain.events import ExecutionEnded, ExecutionRequest
from modelwatch_core.domain.monitoring_execution import MonitoringExecution
from tests.core.in_memory import MemoryTarget
from tests.core.world import DRIFT, FAILURES, TEN, World

HOUR = timedelta(hours=1)
MILD = DRIFT | {"description": "Baseline drift distance: 0.2 exceeds threshold: 0.1"}
THRESHOLDS = st.sampled_from([(1, 1), (1, 2), (2, 2), (2, 3)])
KINDS = st.text(alphabet="VFNo", min_size=1, max_size=6)


class Announced:
    """A schedule whose executions end at once, and are announced when a test says so."""

    def __init__(self, points: tuple[int, int], **alerting: object) -> None:
        self.world = World()
        datapoints, period = points
        threshold = {"datapoints_to_alert": datapoints, "evaluation_period": period}
        self.world.has_schedule(alerting={"violations": threshold, "failed_executions": threshold, **alerting})
        self.ended: list[ExecutionEnded] = []

    def end(self, kind: str, number: int | None = None) -> None:
        at = TEN + (len(self.ended) if number is None else number) * HOUR + HOUR
        self.world.clock.moment = at + timedelta(minutes=6)
        self.world.has_captures(at - HOUR)
        asked = ExecutionRequest(
            monitoring_schedule_name="hourly", scheduled_time=at, tick_id=f"tick-{at}", backfill=number is not None
        )
        execution = self.world.launch(asked)
        assert isinstance(execution, MonitoringExecution)
        violations = {"V": (DRIFT,), "v": (MILD,)}.get(kind, ())
        self.world.finish(self.world.ends(execution, *violations, **FAILURES.get(kind, {})))
        (ended,) = self.world.announcements
        self.world.bus.published.clear()
        self.ended.append(ended)

    def announce(self, number: int) -> None:
        self.world.route(self.ended[number])
        for raised in self.world.bus.published:
            assert isinstance(raised, AlertRaised)
            self.world.deliver_alert(raised)
        self.world.bus.published.clear()

    def states(self) -> dict[str, tuple[str, str]]:
        """Return each alert's state, and the one that people know."""
        known = self.world.alert_states.known(self.world.schedule_id())
        return {name: (known.state(name).status, known.state(name).notified_status) for name in AlertName}

    def ends(self) -> dict[str, AlertStatus]:
        """Return the state that the history of each alert ends in, in the order of windows."""
        changes = sorted(self.world.alert_states.changes.values(), key=place_of)
        return dict.fromkeys(AlertName, AlertStatus.OK) | {each.alert_name: each.alert_status for each in changes}

    def history(self) -> set[tuple[object, ...]]:
        changes = self.world.alert_states.changes.values()
        return {(each.alert_name, each.alert_status, each.window, each.since) for each in changes}

    def closes_what_it_opened(self) -> bool:
        """Return whether each message belongs to an incident that was open, or is the first of one."""
        open_ones: set[str] = set()
        for alert in self.world.mail.alerts:
            is_known = incident_key(alert) in open_ones
            if alert.phase is AlertPhase.IN_ALERT:
                open_ones.add(incident_key(alert))
            elif alert.phase is AlertPhase.REMINDER and not is_known:
                return False
            elif alert.phase is AlertPhase.RECOVERED:
                if not is_known and "since resolved" not in alert_subject(alert):
                    return False
                open_ones.discard(incident_key(alert))
        return True

    def incidents(self, target: MemoryTarget | None = None) -> dict[str, AlertStatus]:
        """Return what somebody thinks who opens an incident with each alert and closes it when it is over."""
        found = dict.fromkeys(AlertName, AlertStatus.OK)
        for alert in (target or self.world.mail).alerts:
            is_over = alert.phase is AlertPhase.RECOVERED
            found[alert.alert_name] = AlertStatus.OK if is_over else AlertStatus.IN_ALERT
            found |= dict.fromkeys(alert.recovered, AlertStatus.OK)
        return found


def names_in(target: MemoryTarget) -> set[AlertName]:
    return {name for alert in target.alerts for name in (alert.alert_name, *alert.recovered)}


def in_order(kinds: str, points: tuple[int, int]) -> Announced:
    schedule = Announced(points)
    for number, kind in enumerate(kinds):
        schedule.end(kind)
        schedule.announce(number)
    return schedule


@settings(max_examples=50)
@given(KINDS, THRESHOLDS, st.data())
def test_alerts_stand_as_if_all_had_been_announced_once_and_in_order(kinds, points, data):
    schedule, ended = Announced(points), 0
    for kind in kinds:
        schedule.end(kind)
        ended += 1
        for number in data.draw(st.lists(st.integers(0, ended - 1), max_size=2)):
            schedule.announce(number)
    for number in data.draw(st.permutations([*range(ended), *range(ended)])):
        schedule.announce(number)
    expected = in_order(kinds, points)
    assert schedule.states() == expected.states()
    assert schedule.history() == expected.history()
    assert (
        schedule.incidents() == expected.incidents() == {name: state for name, (state, _) in expected.states().items()}
    )
    assert schedule.closes_what_it_opened()
    keys = [alert.key for alert in schedule.world.mail.alerts]
    assert len(keys) == len(set(keys))


@settings(max_examples=50)
@given(KINDS, st.data())
def test_the_history_of_an_alert_that_is_over_ends_in_ok_in_whatever_order_windows_are_analysed(kinds, data):
    schedule = Announced((1, 1))
    for place, number in enumerate(data.draw(st.permutations(range(len(kinds))))):
        schedule.end(kinds[number], number)
        schedule.announce(place)
        over = [name for name, (state, _) in schedule.states().items() if state == AlertStatus.OK]
        assert {schedule.ends()[name] for name in over} <= {AlertStatus.OK}


@settings(max_examples=20)
@given(KINDS, THRESHOLDS)
def test_nothing_bad_goes_unheard_in_the_worst_order(kinds, points):
    schedule = Announced(points)
    for kind in kinds:
        schedule.end(kind)
    for number in reversed(range(len(kinds))):
        schedule.announce(number)
    late = schedule.world.mail.alerts[-1] if kinds[0] in "VF" and points == (1, 1) and kinds[-1] == "o" else None
    assert late is None or "since resolved" in alert_subject(late)
    assert names_in(schedule.world.mail) == names_in(in_order(kinds, points).world.mail)


@settings(max_examples=20)
@given(KINDS, THRESHOLDS, st.integers(0, 5), st.integers(1, 5))
def test_after_a_mute_people_know_what_is(kinds, points, first, hours):
    schedule = Announced(points)
    for number, kind in enumerate([*kinds, *"ooo"]):
        if number == first:
            until = (schedule.world.clock.now() + hours * HOUR).isoformat()
            schedule.world.manage("MuteMonitoringAlerts", monitoring_schedule_name="hourly", until=until)
        schedule.end(kind)
        sent = len(schedule.world.mail.alerts)
        schedule.announce(number)
        known = schedule.world.alert_states.known(schedule.world.schedule_id())
        assert not known.are_muted(schedule.world.clock.now()) or len(schedule.world.mail.alerts) == sent
    while schedule.world.alert_states.known(schedule.world.schedule_id()).are_muted(schedule.world.clock.now()):
        schedule.end("o")
        schedule.announce(len(schedule.ended) - 1)
    for _ in range(2):
        schedule.end("o")
        schedule.announce(len(schedule.ended) - 1)
    assert schedule.incidents() == {name: state for name, (state, _) in schedule.states().items()}
    assert schedule.closes_what_it_opened()


@settings(max_examples=60)
@given(st.lists(st.sampled_from("vVFNo"), min_size=4, max_size=8).map("".join), THRESHOLDS)
def test_who_takes_serious_alerts_only_hears_that_they_are_on_and_that_they_are_over(kinds, points):
    rules = [
        {"severity": "critical", "alerts": ["violations"], "excess_at_least": 3},
        {"severity": "critical", "alerts": ["failed-executions"]},
    ]
    schedule, pager = Announced(points, severity_rules=rules), MemoryTarget()
    schedule.world.targets["pager"] = lambda: pager
    targets = [{"type": "mail", "address": "all"}, {"type": "pager", "address": "x", "least_severity": "critical"}]
    schedule.world.manage("UpdateMonitoringSchedule", monitoring_schedule_name="hourly", alert_targets=targets)
    for number, kind in enumerate(kinds + "ooo"):
        schedule.end(kind)
        schedule.announce(number)
        if kind == "V" and schedule.states()[AlertName.VIOLATIONS][0] is AlertStatus.IN_ALERT:
            assert schedule.incidents(pager)[AlertName.VIOLATIONS] is AlertStatus.IN_ALERT
    assert set(schedule.incidents(pager).values()) == {AlertStatus.OK}
    assert {alert.severity for alert in pager.alerts} <= {"critical"}


def test_a_failure_that_is_over_is_alerted_though_a_later_execution_was_announced_before_it():
    schedule = Announced((1, 1))
    for kind in "FNV":
        schedule.end(kind)
    for number in (1, 0, 2, 0, 1):
        schedule.announce(number)
    failed = [alert for alert in schedule.world.mail.alerts if alert.window == schedule.ended[0].window]
    assert [(alert.alert_name, alert.phase) for alert in failed] == [
        (AlertName.FAILED_EXECUTIONS, AlertPhase.RECOVERED)
    ]


@settings(max_examples=40)
@given(KINDS, st.data())
def test_who_wants_a_message_of_each_bad_execution_gets_it_in_any_order(kinds, data):
    schedule = Announced((1, 1), remind_after_hours=0)
    for ended, kind in enumerate(kinds):
        schedule.end(kind)
        for number in data.draw(st.lists(st.integers(0, ended), max_size=2)):
            schedule.announce(number)
    for number in data.draw(st.permutations([*range(len(kinds)), *range(len(kinds))])):
        schedule.announce(number)
    heard = {alert.window for alert in schedule.world.mail.alerts}
    assert {ended.window for kind, ended in zip(kinds, schedule.ended, strict=True) if kind != "o"} <= heard
    assert len({alert.key for alert in schedule.world.mail.alerts}) == len(schedule.world.mail.alerts)
    assert schedule.incidents() == {name: state for name, (state, _) in schedule.states().items()}
