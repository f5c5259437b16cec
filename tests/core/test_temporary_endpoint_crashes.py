"""Hours on temporary endpoints in which anything may crash at any call, come twice, late or never: nothing is left."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from modelwatch_core.app.reconcile import Sweep
from modelwatch_core.app.temporary_endpoints import GRACE_PERIOD
from modelwatch_core.domain.alerts import AlertRaised, ScheduleSilent
from modelwatch_core.domain.analysis import AnalysisRequest
from modelwatch_core.domain.errors import ModelwatchError
from modelwatch_core.domain.events import AnalysisEnded, ExecutionEnded, ExecutionRequest
from modelwatch_core.domain.monitoring_execution import ExecutionKey
from modelwatch_core.domain.outcome import OutcomeStatus
from modelwatch_core.domain.temporary_endpoint import EndpointStatus, TemporaryEndpoint, temporary_endpoint_name
from tests.core.test_crashes import FAULTS, Crash, Event, Fault, Fragile
from tests.core.world import LEASE, TEN, World

HOUR = timedelta(hours=1)


def run_an_hour(world: World) -> None:
    """A whole hour as it should be: tick, endpoint, analysis, end, alert. Raises Crash where one is injected."""
    execution = world.tick()
    name = world.temporary_endpoint_becomes(EndpointStatus.IN_SERVICE)
    world.follow(name)
    world.finish(world.ends(execution))
    world.deliver()


@pytest.mark.parametrize("when", ["before", "after"])
def test_wherever_a_run_dies_for_good_the_sweep_alone_leaves_nothing_behind(when):
    """Everything dies at one call and no event ever comes again; each call of the whole hour has its turn."""
    for call in itertools.count():
        fault = Fault()
        world = World(lambda port, fault=fault: Fragile(port, fault))
        world.has_explainability_schedule()
        world.has_captures()
        fault.inject((when, call))
        try:
            run_an_hour(world)
        except Crash:
            pass
        else:
            break
        for _ in range(3):
            for name in world.temporary_endpoints.kept:
                world.temporary_endpoints.kept[name] = TemporaryEndpoint(status=EndpointStatus.IN_SERVICE)
            world.clock.pass_by(LEASE)
            world.reconcile()
        assert all(execution.is_settled for execution in world.ledger.kept.values()), call
        left = world.temporary_endpoints
        assert (left.kept, left.configs, world.deferred_analyses.kept) == ({}, set(), {}), call
    assert call > 20  # the hour was not over before it began


def test_an_endpoint_that_is_made_after_its_execution_was_settled_is_found_by_the_sweep():
    fault = Fault()
    world = World(lambda port: Fragile(port, fault))
    world.has_explainability_schedule()
    world.has_captures()
    execution = world.tick()
    world.temporary_endpoints.kept.clear()
    (name,) = world.deferred_analyses.kept
    # Whoever follows sees an open execution without an endpoint, and is slow: it is settled meanwhile.
    ended = world.ends(execution, status=OutcomeStatus.FAILED, failure_reason="HostDidNotReport: x")
    world.clock.pass_by(GRACE_PERIOD)
    fault.inject(("before", 3), lambda: world.finish(ended))
    world.follow(name)
    assert list(world.temporary_endpoints.kept) == [name]
    assert world.deferred_analyses.kept == {}
    world.temporary_endpoint_becomes(EndpointStatus.IN_SERVICE)
    world.reconcile()
    assert world.temporary_endpoints.kept == {}


class HoursOnTemporaryEndpoints(RuleBasedStateMachine):
    """One schedule that explains a model by name, two hours of captures."""

    def __init__(self) -> None:
        super().__init__()
        self.fault = Fault()
        self.world = World(lambda port: Fragile(port, self.fault))
        self.world.has_explainability_schedule()
        for hour in range(2):
            self.world.has_captures(TEN + (hour - 1) * HOUR)
        self.came_up: set[str] = set()
        self.undelivered: list[Event] = []

    def attempt(self, call: Callable[[], object], fault: tuple[str, int] | None = None) -> None:
        if fault:
            self.fault.inject(fault)
        with suppress(Crash, ModelwatchError):  # Lambda would retry, or not: every rule may run again
            call()
        self.undelivered += self.world.bus.published
        self.world.bus.published.clear()

    def tick_of(self, hour: int) -> Callable[[], object]:
        tick = ExecutionRequest(
            monitoring_schedule_name="hourly", scheduled_time=TEN + hour * HOUR, tick_id=f"{hour}-tick"
        )
        return lambda: self.world.launch(tick)

    def deliver(self, event: Event) -> None:
        receivers: dict[type, Callable[[Any], object]] = {
            AnalysisEnded: self.world.finish,
            ExecutionEnded: self.world.route,
            AlertRaised: self.world.deliver_alert,
            ScheduleSilent: self.world.route.raise_silence,
        }
        receivers[type(event)](event)
        self.undelivered = [other for other in self.undelivered if other is not event]

    def names(self) -> list[str]:
        return [name for name, _, _ in self.world.temporary_endpoints.created]

    def coming_up(self) -> list[str]:
        kept = self.world.temporary_endpoints.kept
        return [name for name, endpoint in kept.items() if endpoint.status is EndpointStatus.CHANGING]

    def becomes(self, name: str, status: EndpointStatus) -> None:
        self.world.temporary_endpoints.kept[name] = TemporaryEndpoint(status=status, failure_reason="no capacity")
        if status is EndpointStatus.IN_SERVICE:
            self.came_up.add(name)

    @rule(hour=st.integers(0, 1), fault=FAULTS)
    def a_tick_comes(self, hour: int, fault: tuple[str, int] | None) -> None:
        self.attempt(self.tick_of(hour), fault)

    @precondition(coming_up)
    @rule(data=st.data(), fails=st.integers(0, 3))
    def an_endpoint_comes_up_or_fails(self, data: st.DataObject, fails: int) -> None:
        name = data.draw(st.sampled_from(self.coming_up()))
        self.becomes(name, EndpointStatus.IN_SERVICE if fails else EndpointStatus.FAILED)

    @precondition(names)
    @rule(data=st.data(), fault=FAULTS)
    def an_event_about_an_endpoint_comes(self, data: st.DataObject, fault: tuple[str, int] | None) -> None:
        name = data.draw(st.sampled_from(self.names()))
        self.attempt(lambda: self.world.follow(name), fault)

    @precondition(lambda self: self.world.host.started)
    @rule(data=st.data(), crashed=st.booleans())
    def an_analysis_ends(self, data: st.DataObject, crashed: bool) -> None:
        request: AnalysisRequest = data.draw(st.sampled_from(self.world.host.started))
        execution = self.world.ledger.get(ExecutionKey.of_subject(request.subject))
        changes = {"status": OutcomeStatus.FAILED, "failure_reason": "AnalyzerCrashed: x"} if crashed else {}
        self.undelivered.append(self.world.ends(execution, **changes))

    @precondition(lambda self: self.undelivered)
    @rule(data=st.data(), fault=FAULTS)
    def an_event_of_ours_is_delivered(self, data: st.DataObject, fault: tuple[str, int] | None) -> None:
        event = data.draw(st.sampled_from(self.undelivered))
        self.attempt(lambda: self.deliver(event), fault)

    @precondition(lambda self: self.undelivered)
    @rule(data=st.data())
    def an_event_of_ours_is_lost(self, data: st.DataObject) -> None:
        self.undelivered.remove(data.draw(st.sampled_from(self.undelivered)))

    @rule(fault=FAULTS)
    def the_sweep_runs(self, fault: tuple[str, int] | None) -> None:
        self.attempt(self.world.reconcile, fault)

    @rule(minutes=st.sampled_from([1, 5, 61, 95]))
    def time_passes(self, minutes: int) -> None:
        self.world.clock.pass_by(timedelta(minutes=minutes))

    @rule(after=st.integers(0, 4), data=st.data())
    def something_will_happen_in_the_middle_of_the_next_call(self, after: int, data: st.DataObject) -> None:
        others: list[Callable[[], object]] = [self.tick_of(data.draw(st.integers(0, 1))), self.world.reconcile]
        others += [lambda name=name: self.world.follow(name) for name in self.names()]
        others += [lambda event=event: self.deliver(event) for event in self.undelivered]
        chosen = data.draw(st.sampled_from(others))
        self.fault.inject(("before", after), lambda: self.attempt(chosen))

    @invariant()
    def no_analysis_starts_before_its_endpoint_is_in_service(self) -> None:
        assert {request.settings.model_endpoint_name for request in self.world.host.started} <= self.came_up

    @invariant()
    def nobody_deletes_an_endpoint_whose_analysis_runs(self) -> None:
        for request in self.world.host.started:
            execution = self.world.ledger.get(ExecutionKey.of_subject(request.subject))
            if not execution.is_settled:
                assert temporary_endpoint_name("world", request.subject) in self.world.temporary_endpoints.kept

    def teardown(self) -> None:
        """Let everything work again, but no event come by itself: the sweep alone leaves nothing behind."""
        self.fault.inject(None)
        for _ in range(8):
            for name in self.coming_up():
                self.becomes(name, EndpointStatus.IN_SERVICE)
            self.world.clock.pass_by(LEASE)
            self.attempt(self.world.reconcile)
            for event in list(self.undelivered):
                self.attempt(lambda event=event: self.deliver(event))
        assert all(execution.is_done for execution in self.world.ledger.kept.values())
        assert self.world.temporary_endpoints.kept == {}
        assert self.world.temporary_endpoints.configs == set()
        assert self.world.deferred_analyses.kept == {}
        assert self.world.reconcile() == Sweep(0, ())


HoursOnTemporaryEndpoints.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
test_whatever_crashes_no_temporary_endpoint_is_left = HoursOnTemporaryEndpoints.TestCase
