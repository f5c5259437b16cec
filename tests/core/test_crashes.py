"""Hours in which anything may crash at any call, come twice, late or never, or run in the middle of something else."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from modelwatch_core.app.reconcile import Sweep
from modelwatch_core.domain.alerting import AlertName
from modelwatch_core.domain.alerts import AlertRaised, AlertsWaiting, ScheduleSilent
from modelwatch_core.domain.analysis import AnalysisRequest
from modelwatch_core.domain.documents import iso_utc
from modelwatch_core.domain.errors import ModelwatchError
from modelwatch_core.domain.events import AnalysisEnded, ExecutionEnded, ExecutionRequest
from modelwatch_core.domain.monitoring_execution import ExecutionKey, ExecutionStatus, MonitoringExecution
from modelwatch_core.domain.outcome import OutcomeStatus
from tests.core.world import DRIFT, LEASE, TEN, World, schedule_parameters

HOUR = timedelta(hours=1)
Event = AnalysisEnded | ExecutionEnded | AlertRaised | AlertsWaiting | ScheduleSilent
EXPRESSIONS = ("cron(0 * ? * * *)", "cron(0 0/2 ? * * *)")


FAULTS = st.none() | st.tuples(st.sampled_from(["before", "after"]), st.integers(0, 5))
"""Nothing, or the place of a crash."""


class Crash(Exception):
    """The process died."""


class Fault:
    """What injects one of the next calls to a port: before or after it the process dies.

    Or, at the same place, something else happens: what another process does at that moment.
    """

    def __init__(self) -> None:
        self.uncertain_sends = 0
        self.inject(None)

    def inject(self, fault: tuple[str, int] | None, meanwhile: Callable[[], None] | None = None) -> None:
        self.when, self.countdown = fault or ("", 0)
        self.meanwhile = meanwhile

    def reach(self, when: str, call: str) -> None:
        if when != self.when:
            return
        self.countdown -= 1
        if self.countdown >= 0:
            return
        meanwhile = self.meanwhile
        self.inject(None)
        if meanwhile:
            meanwhile()
            return
        # Died with the alert sent and not noted: the one place where an alert may be sent twice (decision 7).
        self.uncertain_sends += (when, call) in {("after", "MemoryTarget.send"), ("before", "MemorySentAlerts.finish")}
        raise Crash(f"{when} {call}")


class Fragile:
    """A port whose calls may fail."""

    def __init__(self, port: Any, fault: Fault) -> None:
        self._port, self._fault = port, fault

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if not callable(found):
            return found
        call = f"{type(self._port).__name__}.{name}"

        def called(*args: Any, **keywords: Any) -> Any:
            self._fault.reach("before", call)
            response = found(*args, **keywords)
            self._fault.reach("after", call)
            return response

        return called


class Hours(RuleBasedStateMachine):
    """One schedule, four hours of captures, the second of them drifted, the fourth empty."""

    def __init__(self) -> None:
        super().__init__()
        self.fault = Fault()
        self.world = World(lambda port: Fragile(port, self.fault))
        self.world.has_schedule(alerting={"remind_after_hours": 0})
        for hour in range(3):
            self.world.has_captures(TEN + (hour - 1) * HOUR)
        self.events: list[Event] = []
        self.undelivered: list[Event] = []
        self.terminal: dict[ExecutionKey, str] = {}

    def attempt(self, call: Callable[[], object], fault: tuple[str, int] | None = None) -> None:
        if fault:
            self.fault.inject(fault)
        with suppress(Crash, ModelwatchError):  # Lambda would retry: every rule may run again
            call()
        self.events += self.world.bus.published
        self.undelivered += self.world.bus.published
        self.world.bus.published.clear()

    def tick_of(self, hour: int, tick_id: str) -> Callable[[], object]:
        tick = ExecutionRequest(
            monitoring_schedule_name="hourly", scheduled_time=TEN + hour * HOUR, tick_id=f"{hour}-{tick_id}"
        )
        return lambda: self.world.launch(tick)

    def ending_of(self, request: AnalysisRequest, crashed: bool) -> Callable[[], object]:
        key = ExecutionKey.of_subject(request.subject)
        execution = self.world.ledger.get(key)
        violations = [DRIFT] if key.window.start == TEN else []
        changes = {"status": OutcomeStatus.FAILED, "failure_reason": "AnalyzerCrashed: x"} if crashed else {}
        return lambda: self.world.bus.publish(self.world.ends(execution, *violations, **changes))

    def receiver_of(self, event: Event) -> Callable[[Any], object]:
        receivers: dict[type, Callable[[Any], object]] = {
            AnalysisEnded: self.world.finish,
            ExecutionEnded: self.world.route,
            AlertRaised: self.world.deliver_alert,
            AlertsWaiting: self.world.deliver_alert.send_waiting,
            ScheduleSilent: self.world.route.raise_silence,
        }
        return receivers[type(event)]

    def delivery_of(self, event: Event) -> Callable[[], object]:
        def deliver() -> None:
            self.receiver_of(event)(event)
            # Taken without an error: nobody brings it again, unless by chance.
            self.undelivered = [other for other in self.undelivered if other is not event]

        return deliver

    @rule(hour=st.integers(0, 3), tick_id=st.sampled_from("ab"), fault=FAULTS)
    def a_tick_comes(self, hour: int, tick_id: str, fault: tuple[str, int] | None) -> None:
        self.attempt(self.tick_of(hour, tick_id), fault)

    @precondition(lambda self: self.world.host.started)
    @rule(data=st.data(), crashed=st.booleans(), fault=FAULTS)
    def an_analysis_ends(self, data: st.DataObject, crashed: bool, fault: tuple[str, int] | None) -> None:
        self.attempt(self.ending_of(data.draw(st.sampled_from(self.world.host.started)), crashed), fault)

    @precondition(lambda self: self.undelivered)
    @rule(fault=FAULTS)
    def the_next_event_is_delivered(self, fault: tuple[str, int] | None) -> None:
        self.attempt(self.delivery_of(self.undelivered[0]), fault)

    @precondition(lambda self: self.events)
    @rule(data=st.data(), fault=FAULTS)
    def some_event_is_delivered(self, data: st.DataObject, fault: tuple[str, int] | None) -> None:
        self.attempt(self.delivery_of(data.draw(st.sampled_from(self.events))), fault)

    @precondition(lambda self: self.undelivered)
    @rule(data=st.data())
    def some_event_is_lost(self, data: st.DataObject) -> None:
        lost = data.draw(st.sampled_from(self.undelivered))
        # EventBridge delivers what it took, or keeps it in the dead-letter queue: only a host may end in silence.
        if isinstance(lost, AnalysisEnded):
            self.undelivered.remove(lost)

    @rule(fault=FAULTS)
    def the_active_execution_is_stopped(self, fault: tuple[str, int] | None) -> None:
        schedule_id = self.world.schedule_id()
        self.attempt(lambda: self.world.stop_execution(schedule_id), fault)

    @rule(fault=FAULTS)
    def the_sweep_runs(self, fault: tuple[str, int] | None) -> None:
        self.attempt(self.world.reconcile, fault)

    @rule(minutes=st.sampled_from([1, 5, 95]))
    def time_passes(self, minutes: int) -> None:
        self.world.clock.pass_by(timedelta(minutes=minutes))

    @rule(expression=st.sampled_from(EXPRESSIONS))
    def the_schedule_is_changed(self, expression: str) -> None:
        changed = schedule_parameters() | {"schedule_expression": expression}
        self.attempt(lambda: self.world.manage("UpdateMonitoringSchedule", **changed))

    @rule(after=st.integers(0, 3), data=st.data())
    def something_will_happen_in_the_middle_of_the_next_call(self, after: int, data: st.DataObject) -> None:
        others = [self.tick_of(data.draw(st.integers(0, 3)), "c"), self.world.reconcile]
        others += [self.delivery_of(event) for event in self.events]
        chosen = data.draw(st.sampled_from(others))
        self.fault.inject(("before", after), lambda: self.attempt(chosen))

    @invariant()
    def at_most_one_execution_is_active(self) -> None:
        assert sum(execution.active for execution in self.world.ledger.kept.values()) <= 1

    @invariant()
    def a_terminal_status_never_changes(self) -> None:
        for key, execution in self.world.ledger.kept.items():
            if execution.is_settled:
                status = execution.monitoring_execution_status
                assert self.terminal.setdefault(key, status) == status

    @invariant()
    def each_execution_is_alerted_once(self) -> None:
        alerts = [alert.key for alert in self.world.mail.alerts]
        assert len(alerts) - len(set(alerts)) <= self.fault.uncertain_sends

    def teardown(self) -> None:
        """Let everything work again: then nothing hangs, nothing is lost, and the schedule goes on."""
        self.fault.inject(None)
        # Each execution that waits for its turn takes some rounds: to be launched, failed, announced and alerted.
        for _ in range(4 + 4 * len(self.world.ledger.kept)):
            self.world.clock.pass_by(LEASE)
            self.attempt(self.world.reconcile)
            for event in list(self.undelivered):
                self.attempt(self.delivery_of(event))
        kept: list[MonitoringExecution] = list(self.world.ledger.kept.values())
        assert all(execution.is_done for execution in kept)
        assert self.world.reconcile() == Sweep(0, ())
        notified = {
            iso_utc(alert.window.start) + iso_utc(alert.window.end)
            for alert in self.world.mail.alerts
            if alert.outcome.status is not OutcomeStatus.COMPLETED and alert.alert_name is not AlertName.NOT_FIRED
        }
        news = {
            iso_utc(execution.window.start) + iso_utc(execution.window.end)
            for execution in kept
            if execution.monitoring_execution_status
            in (ExecutionStatus.COMPLETED_WITH_VIOLATIONS, ExecutionStatus.FAILED)
        }
        assert notified == news
        self.each_execution_is_alerted_once()
        self.world.has_captures(TEN + 9 * HOUR)
        assert self.tick_of(10, "last")().monitoring_execution_status is ExecutionStatus.IN_PROGRESS


Hours.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
test_whatever_crashes_each_hour_ends_once_and_is_alerted_once = Hours.TestCase
