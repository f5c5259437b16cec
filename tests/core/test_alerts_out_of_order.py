"""Messages of alerts reach each target in any order: targets are down, and events are repeated and overtake others."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwatch_core.domain.alert_text import alert_subject
from modelwatch_core.domain.alerting import AlertName, AlertStatus
from modelwatch_core.domain.alerts import Alert, AlertPhase, AlertRaised, AlertsWaiting
from modelwatch_core.domain.errors import NotReady, Upstream
from tests.core.in_memory import MemoryTarget
from tests.core.test_alert_order import HOUR, THRESHOLDS, Announced

RULES = [
    {"severity": "critical", "alerts": ["violations"], "excess_at_least": 3},
    {"severity": "critical", "alerts": ["failed-executions"]},
]
TARGETS = {
    "everything": {},
    "critical": {"least_severity": "critical"},
    "failures": {"alerts": ["failed-executions"]},
}


class Deliveries(Announced):
    """A schedule with three targets; what is raised for them is delivered when a test says so."""

    def __init__(self, points: tuple[int, int] = (1, 1), **alerting: object) -> None:
        super().__init__(points, severity_rules=RULES, **alerting)
        self.targets = {name: MemoryTarget() for name in TARGETS}
        for name, target in self.targets.items():
            self.world.targets[name] = lambda target=target: target
        named = [{"type": name, "address": "x", **takes} for name, takes in TARGETS.items()]
        self.world.manage("UpdateMonitoringSchedule", monitoring_schedule_name="hourly", alert_targets=named)
        self.raised: list[AlertRaised] = []

    def announce(self, number: int) -> list[AlertRaised]:
        self.world.route(self.ended[number])
        raised = [event for event in self.world.bus.published if isinstance(event, AlertRaised)]
        self.world.bus.published.clear()
        self.raised += raised
        return raised

    def mute(self, hours: float) -> None:
        until = (self.world.clock.now() + hours * HOUR).isoformat()
        self.world.manage("MuteMonitoringAlerts", monitoring_schedule_name="hourly", until=until)

    def deliver(self, event: AlertRaised) -> bool:
        try:
            self.world.deliver_alert(event)
        except Upstream:
            return False
        return True

    def changes(self, name: str) -> list[str]:
        return [f"{alert.alert_name} {alert.phase}" for alert in self.targets[name].alerts]

    def statuses_known_to(self, name: str) -> dict[AlertName, AlertStatus]:
        """Return what a target thinks of each alert, whose messages begin and end it in turn."""
        on_messages = {event.alert.key for event in self.raised if event.alert.phase is not AlertPhase.RECOVERED}
        since: dict[AlertName, object] = {}
        for alert in self.targets[name].alerts:
            match alert.phase:
                case AlertPhase.IN_ALERT:
                    assert alert.alert_name not in since, "it begins once"
                    since[alert.alert_name] = alert.since
                case AlertPhase.REMINDER:
                    assert since[alert.alert_name] == alert.since, "it lasts since it began"
                case AlertPhase.RECOVERED if alert.alert_name in since:
                    assert since.pop(alert.alert_name) == alert.since, "what began is over"
                case AlertPhase.RECOVERED:
                    assert "since resolved" in alert_subject(alert) or alert.key in on_messages, "no end alone"
            for also in alert.recovered:
                assert also in since, "no end without a beginning"
                del since[also]
        return {each: AlertStatus.IN_ALERT if each in since else AlertStatus.OK for each in AlertName}

    def unheard(self, name: str) -> Iterator[Alert]:
        """Yield the beginnings that a target did not hear of, though it was sent no later one either."""
        heard = {(alert.occasion, alert.alert_name) for alert in self.targets[name].alerts}
        begun = [e.alert for e in self.raised if e.target.type == name and e.alert.phase is AlertPhase.IN_ALERT]
        for place, alert in enumerate(begun):
            if not any((later.occasion, alert.alert_name) in heard for later in begun[place:]):
                yield alert


@settings(max_examples=40)
@given(st.text(alphabet="VvFNo", min_size=2, max_size=7), THRESHOLDS, st.data())
def test_each_target_hears_of_each_alert_first_its_beginning_then_its_end_each_once(kinds, points, data):
    schedule, waiting = Deliveries(points), []
    for number, kind in enumerate(f"{kinds}ooooo"):
        if number < len(kinds) and data.draw(st.integers(0, 3), label="mute") == 0:
            schedule.mute(data.draw(st.sampled_from([0.5, 1.5, 2.5]), label="hours"))
        schedule.end(kind)
        for _ in range(data.draw(st.integers(1, 2), label="announced")):
            waiting += schedule.announce(number)
        for target in schedule.targets.values():
            target.broken = data.draw(st.booleans(), label="outage")
        again = data.draw(st.integers(0, 4), label="again")  # the one that is delivered twice
        order = data.draw(st.permutations(range(len(waiting))), label="order")
        waiting = [waiting[place] for place in order if not schedule.deliver(waiting[place]) or place == again]
    for target in schedule.targets.values():
        target.broken = False
    for place in data.draw(st.permutations(range(len(waiting))), label="last order"):
        assert schedule.deliver(waiting[place])
    for name, target in schedule.targets.items():
        assert set(schedule.statuses_known_to(name).values()) == {AlertStatus.OK}
        assert not [*schedule.unheard(name)]
        keys = [alert.key for alert in target.alerts]
        assert len(keys) == len(set(keys))


def test_an_alert_whose_end_overtakes_its_beginning_is_one_message_that_opens_no_incident():
    schedule = Deliveries()
    for number, kind in enumerate("Vo"):
        schedule.end(kind)
        schedule.announce(number)
    begins, ends = (event for event in schedule.raised if event.target.type == "everything")
    assert not schedule.world.deliver_alert(ends)
    assert schedule.world.deliver_alert(begins)
    (alert,) = schedule.targets["everything"].alerts
    assert (alert.phase, alert_subject(alert)) == (
        AlertPhase.RECOVERED,
        "Modelwatch: 1 violation, since resolved in hourly at 2026-11-22T10:00:00Z",
    )


def test_an_alert_that_is_on_again_before_a_target_heard_of_its_end_lasts_there():
    schedule = Deliveries()
    for number, kind in enumerate("VoVo"):
        schedule.end(kind)
        schedule.announce(number)
    first, end, again, last = (event for event in schedule.raised if event.target.type == "everything")
    for event in (first, again, end, last):
        schedule.deliver(event)
    assert schedule.changes("everything") == ["violations InAlert", "violations Reminder", "violations Recovered"]
    assert len({alert.since for alert in schedule.targets["everything"].alerts}) == 1


def test_after_a_mute_each_of_two_alerts_that_last_has_a_message_and_an_end():
    schedule = Deliveries((1, 3))
    schedule.mute(1.5)
    for number, kind in enumerate("FVoooo"):
        schedule.end(kind)
        for event in schedule.announce(number):
            schedule.deliver(event)
    assert schedule.changes("everything") == [
        "violations InAlert",
        "failed-executions InAlert",
        "failed-executions Recovered",
        "violations Recovered",
    ]
    assert schedule.changes("failures") == ["failed-executions InAlert", "failed-executions Recovered"]


def test_without_messages_of_ends_each_beginning_is_one():
    schedule = Deliveries(notify_recovery=False)
    for number, kind in enumerate("VoVo"):
        schedule.end(kind)
        for event in schedule.announce(number):
            schedule.deliver(event)
    assert schedule.changes("everything") == ["violations InAlert"] * 2
    assert len({alert.since for alert in schedule.targets["everything"].alerts}) == 2


def test_a_target_that_is_named_while_an_alert_is_on_hears_of_no_end_alone():
    schedule = Deliveries()
    schedule.end("V")
    schedule.announce(0)
    schedule.end("o")
    for event in schedule.announce(1):
        assert not schedule.world.deliver_alert(event)
    assert schedule.targets["everything"].alerts == []


def test_two_alerts_of_a_schedule_are_not_on_their_way_to_one_target_at_once():
    schedule = Deliveries()
    for number, kind in enumerate("Vo"):
        schedule.end(kind)
        schedule.announce(number)
    begins, ends = (event for event in schedule.raised if event.target.type == "everything")
    assert schedule.world.sent.begin([begins.alert], begins.target)[0] == [begins.alert]
    with pytest.raises(NotReady, match="AlertUnderWay"):
        schedule.world.deliver_alert(ends)
    schedule.world.clock.pass_by(timedelta(minutes=3))  # its sender died
    for event in (begins, ends):
        schedule.world.deliver_alert(event)
    assert schedule.changes("everything") == ["violations InAlert", "violations Recovered"]


def test_an_execution_that_is_announced_again_after_a_later_one_has_no_second_message():
    schedule = Deliveries(remind_after_hours=0)
    for number in range(2):
        schedule.end("V")
        for event in schedule.announce(number):
            schedule.deliver(event)
    for event in schedule.announce(0):
        schedule.deliver(event)
    assert schedule.changes("everything") == ["violations InAlert", "violations Reminder"]


def test_a_target_that_is_one_again_hears_that_an_alert_began_which_began_without_it():
    schedule = Deliveries(remind_after_hours=0)
    named = [{"type": name, "address": "x"} for name in ("everything", "critical")]

    def has_targets(*targets: dict[str, str]) -> None:
        schedule.world.manage("UpdateMonitoringSchedule", monitoring_schedule_name="hourly", alert_targets=targets)

    def ends(number: int, kind: str) -> None:
        schedule.end(kind)
        for event in schedule.announce(number):
            assert schedule.deliver(event)

    has_targets(*named)
    ends(0, "V")
    has_targets(named[1])
    ends(1, "o")
    ends(2, "V")
    has_targets(*named)
    ends(3, "V")
    ends(4, "V")
    ends(5, "o")
    phases = {
        "everything": "InAlert InAlert Reminder Recovered",
        "critical": "InAlert Recovered InAlert Reminder Reminder",
    }
    phases["critical"] += " Recovered"
    for name, said in phases.items():
        assert schedule.changes(name) == [f"violations {phase}" for phase in said.split()]
    assert [alert.since for alert in schedule.targets["everything"].alerts[1:]] == [
        alert.since for alert in schedule.targets["critical"].alerts[3:]
    ]


def test_a_target_that_is_one_again_while_the_alert_lasts_is_reminded_of_it_and_hears_its_end():
    schedule = Deliveries(remind_after_hours=0)
    for number, kind in enumerate("VVVo"):
        if number == 1:
            others = [{"type": "failures", "address": "x"}]
            schedule.world.manage("UpdateMonitoringSchedule", monitoring_schedule_name="hourly", alert_targets=others)
        if number == 2:
            again = [{"type": "everything", "address": "x"}]
            schedule.world.manage("UpdateMonitoringSchedule", monitoring_schedule_name="hourly", alert_targets=again)
        schedule.end(kind)
        for event in schedule.announce(number):
            assert schedule.deliver(event)
    assert schedule.changes("everything") == [f"violations {phase}" for phase in ("InAlert", "Reminder", "Recovered")]
    assert len({alert.since for alert in schedule.targets["everything"].alerts}) == 1


class Slow(MemoryTarget):
    """A target of people to whom nothing is sent at once."""

    most_a_second, most_together = 0, 3

    def send_together(self, alerts: list[Alert], address: str) -> None:
        self.bundles = [*getattr(self, "bundles", []), len(alerts)]
        for alert in alerts:
            self.send(alert, address)


def test_alerts_of_one_schedule_that_wait_are_sent_together_each_as_what_it_is_after_the_others():
    schedule, slow = Deliveries(remind_after_hours=0), Slow()
    schedule.targets["everything"] = slow
    schedule.world.targets["everything"] = lambda: slow
    for number, kind in enumerate("VoVVVV"):
        schedule.end(kind)
        for event in schedule.announce(number):
            assert schedule.deliver(event)
    waits = AlertsWaiting(target=next(event.target for event in schedule.raised if event.target.type == "everything"))
    assert slow.alerts == []
    slow.broken = True
    with pytest.raises(Upstream):
        schedule.world.deliver_alert.send_waiting(waits)
    slow.broken = False
    assert [schedule.world.deliver_alert.send_waiting(waits) for _ in range(2)] == [5, 0]
    assert slow.bundles[-2:] == [3, 2]
    phases = ["Recovered", "InAlert", "Reminder", "Reminder", "Reminder"]  # the first is over when it is sent
    assert schedule.changes("everything") == [f"violations {phase}" for phase in phases]
    assert list(schedule.world.waiting.targets()) == []
