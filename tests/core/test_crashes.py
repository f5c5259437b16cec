"""Hours in which anything may crash at any call, come twice, late or never, or run in the middle of something else."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from modelwatch_core.domain.analysis import AnalysisRequest, AnalysisStatus
from modelwatch_core.domain.documents import iso_utc
from modelwatch_core.domain.errors import ModelwatchError
from modelwatch_core.domain.events import AnalysisEnded, ExecutionEnded, ScheduleTick
from modelwatch_core.domain.monitoring_execution import ExecutionKey, ExecutionStatus, MonitoringExecution
from tests.core.world import DRIFT, LEASE, TEN, World, schedule_parameters

HOUR = timedelta(hours=1)
EXPRESSIONS = ("cron(0 * ? * * *)", "cron(0 0/2 ? * * *)")


FATES = st.none() | st.tuples(st.sampled_from(["before", "after"]), st.integers(0, 5))
"""Nothing, or the place of a crash."""


class Crash(Exception):
    """The process died."""


class Fate:
    """What befalls one of the next calls to a port: before or after it the process dies.

    Or, at the same place, something else happens: what another process does at that moment.
    """

    def __init__(self) -> None:
        self.uncertain_sends = 0
        self.befall(None)

    def befall(self, fate: tuple[str, int] | None, meanwhile: Callable[[], None] | None = None) -> None:
        self.when, self.countdown = fate or ("", 0)
        self.meanwhile = meanwhile

    def strike(self, when: str, call: str) -> None:
        if when != self.when:
            return
        self.countdown -= 1
        if self.countdown >= 0:
            return
        meanwhile = self.meanwhile
        self.befall(None)
        if meanwhile:
            meanwhile()
            return
        # Died with the alert sent and not noted: the one place where people may hear twice (decision 7).
        self.uncertain_sends += (when, call) in {("after", "MemoryTarget.send"), ("before", "MemorySentAlerts.finish")}
        raise Crash(f"{when} {call}")


class Fragile:
    """A port whose calls meet their fate."""

    def __init__(self, port: Any, fate: Fate) -> None:
        self._port, self._fate = port, fate

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if not callable(found):
            return found
        call = f"{type(self._port).__name__}.{name}"

        def called(*args: Any, **keywords: Any) -> Any:
            self._fate.strike("before", call)
            answer = found(*args, **keywords)
            self._fate.strike("after", call)
            return answer

        return called


class Hours(RuleBasedStateMachine):
    """One schedule, four hours of captures, the second of them drifted, the fourth empty."""

    def __init__(self) -> None:
        super().__init__()
        self.fate = Fate()
        self.world = World(lambda port: Fragile(port, self.fate))
        self.world.has_schedule()
        for hour in range(3):
            self.world.has_captures(TEN + (hour - 1) * HOUR)
        self.events: list[AnalysisEnded | ExecutionEnded] = []
        self.undelivered: list[AnalysisEnded | ExecutionEnded] = []
        self.terminal: dict[ExecutionKey, str] = {}

    def attempt(self, call: Callable[[], object], fate: tuple[str, int] | None = None) -> None:
        if fate:
            self.fate.befall(fate)
        with suppress(Crash, ModelwatchError):  # Lambda would retry: every rule may run again
            call()
        self.events += self.world.bus.published
        self.undelivered += self.world.bus.published
        self.world.bus.published.clear()

    def tick_of(self, hour: int, tick_id: str) -> Callable[[], object]:
        tick = ScheduleTick(
            monitoring_schedule_name="hourly", scheduled_time=TEN + hour * HOUR, tick_id=f"{hour}-{tick_id}"
        )
        return lambda: self.world.launch(tick)

    def ending_of(self, request: AnalysisRequest, crashed: bool) -> Callable[[], object]:
        key = ExecutionKey.of_subject(request.subject)
        execution = self.world.ledger.get(key)
        violations = [DRIFT] if key.window_start == TEN else []
        changes = {"status": AnalysisStatus.FAILED, "failure_reason": "AnalyzerCrashed: x"} if crashed else {}
        return lambda: self.world.bus.publish(self.world.ends(execution, *violations, **changes))

    def delivery_of(self, event: AnalysisEnded | ExecutionEnded) -> Callable[[], object]:
        def deliver() -> None:
            (self.world.finish if isinstance(event, AnalysisEnded) else self.world.route)(event)
            # Taken without an error: nobody brings it again, unless by chance.
            self.undelivered = [other for other in self.undelivered if other is not event]

        return deliver

    @rule(hour=st.integers(0, 3), tick_id=st.sampled_from("ab"), fate=FATES)
    def a_tick_comes(self, hour: int, tick_id: str, fate: tuple[str, int] | None) -> None:
        self.attempt(self.tick_of(hour, tick_id), fate)

    @precondition(lambda self: self.world.host.started)
    @rule(data=st.data(), crashed=st.booleans(), fate=FATES)
    def an_analysis_ends(self, data: st.DataObject, crashed: bool, fate: tuple[str, int] | None) -> None:
        self.attempt(self.ending_of(data.draw(st.sampled_from(self.world.host.started)), crashed), fate)

    @precondition(lambda self: self.undelivered)
    @rule(fate=FATES)
    def the_next_event_is_delivered(self, fate: tuple[str, int] | None) -> None:
        self.attempt(self.delivery_of(self.undelivered[0]), fate)

    @precondition(lambda self: self.events)
    @rule(data=st.data(), fate=FATES)
    def some_event_is_delivered(self, data: st.DataObject, fate: tuple[str, int] | None) -> None:
        self.attempt(self.delivery_of(data.draw(st.sampled_from(self.events))), fate)

    @rule(fate=FATES)
    def the_sweep_runs(self, fate: tuple[str, int] | None) -> None:
        self.attempt(self.world.reconcile, fate)

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
        self.fate.befall(("before", after), lambda: self.attempt(chosen))

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
    def people_hear_once_of_each_execution(self) -> None:
        alerts = [alert.key for alert in self.world.mail.alerts]
        assert len(alerts) - len(set(alerts)) <= self.fate.uncertain_sends

    def teardown(self) -> None:
        """Let everything work again: then nothing hangs, nothing is lost, and the schedule goes on."""
        self.fate.befall(None)
        for _ in range(8):
            self.world.clock.pass_by(LEASE)
            self.attempt(self.world.reconcile)
            for event in list(self.undelivered):
                self.attempt(self.delivery_of(event))
        kept: list[MonitoringExecution] = list(self.world.ledger.kept.values())
        assert all(execution.is_settled and execution.announced for execution in kept)
        assert self.world.reconcile() == 0
        people_heard = {alert.key.split("/")[1] for alert in self.world.mail.alerts}
        news = {
            iso_utc(execution.window.start)
            for execution in kept
            if execution.monitoring_execution_status is not ExecutionStatus.COMPLETED
        }
        assert people_heard == news
        self.people_hear_once_of_each_execution()
        self.world.has_captures(TEN + 9 * HOUR)
        assert self.tick_of(10, "last")().monitoring_execution_status is ExecutionStatus.IN_PROGRESS


Hours.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
test_whatever_crashes_each_hour_ends_once_and_people_hear_once = Hours.TestCase
