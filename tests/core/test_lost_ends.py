"""The end of an analysis is stored beside its reports, so that an outage turns no finished work into a failure."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelwatch_core.app.output_folder import END_OF_ANALYSIS
from modelwatch_core.app.reconcile import Sweep
from modelwatch_core.domain.analysis import AnalysisSummary
from modelwatch_core.domain.constraint_violations import ConstraintViolation
from modelwatch_core.domain.errors import InvalidInput, Upstream
from modelwatch_core.domain.events import AnalysisEnded
from modelwatch_core.domain.monitoring_execution import ExecutionStatus
from modelwatch_core.domain.outcome import Outcome, OutcomeStatus
from tests.core.in_memory import MemoryBus, run_in_memory
from tests.core.world import LEASE, TEN, World

FOUND = ConstraintViolation(feature_name="age", constraint_check_type="completeness_check", description="0 %")


class DeafBus(MemoryBus):
    def publish(self, event):
        raise Upstream("EventBridgeUnavailable", f"EventBridge did not take {event.detail_type}")


@pytest.fixture
def world() -> World:
    world = World()
    world.has_schedule()
    world.has_captures()
    return world


def analyse(world, execution, analyze, bus=None):
    """Run the analysis of an execution as its host does, with a bus that may be away."""
    (request,) = [request for request in world.host.started if request.subject == execution.subject]
    return run_in_memory(world.objects, bus or DeafBus(), world.claims, analyze)(request, execution.run)


def with_violations(settings):
    output = Path(settings.output_path)
    (output / "constraint_violations.json").write_text(json.dumps({"violations": [FOUND.model_dump(mode="json")]}))
    (output / "cloudwatch_metrics.jsonl").write_text('{"MetricName":"feature_non_null_age","Value":1.0}\n')
    return AnalysisSummary(
        status=OutcomeStatus.COMPLETED_WITH_VIOLATIONS, exit_message="CompletedWithViolations: 1", violations=(FOUND,)
    )


def refused(settings):
    raise InvalidInput("AllMalformed", "no record could be read")


def test_finished_work_whose_end_no_event_reported_is_finished_by_the_sweep(world):
    execution = world.tick()
    with pytest.raises(Upstream):
        analyse(world, execution, with_violations)
    world.clock.pass_by(LEASE)
    assert world.reconcile() == Sweep(1, ())
    settled = world.ledger.get(execution.key)
    assert settled.monitoring_execution_status is ExecutionStatus.COMPLETED_WITH_VIOLATIONS
    assert settled.outcome.violation_count == 1
    assert (settled.announced, settled.metrics_published) == (True, True)
    world.deliver()
    assert len(world.mail.alerts) == 1


def test_the_reason_of_a_failure_whose_event_was_lost_is_kept(world):
    execution = world.tick()
    with pytest.raises(Upstream):
        analyse(world, execution, refused)
    world.clock.pass_by(LEASE)
    world.reconcile()
    assert world.ledger.get(execution.key).outcome.failure_reason == "AllMalformed: no record could be read"


def test_a_run_that_died_after_it_had_stored_its_end_has_not_failed(world):
    execution = world.tick()
    with pytest.raises(Upstream):
        analyse(world, execution, with_violations)
    crashed = Outcome.failed("AnalyzerCrashed: the analyzer was started 2 times and ended without a report")
    world.finish(
        AnalysisEnded(
            subject=execution.subject, output_s3_uri=execution.output_s3_uri, outcome=crashed, run=execution.run
        )
    )
    settled = world.ledger.get(execution.key)
    assert settled.monitoring_execution_status is ExecutionStatus.COMPLETED_WITH_VIOLATIONS
    assert settled.outcome.violation_count == 1


def test_an_end_that_is_reported_twice_by_event_and_by_sweep_is_announced_once(world):
    execution = world.tick()
    ended = analyse(world, execution, with_violations, world.bus)
    world.deliver()
    world.clock.pass_by(LEASE)
    world.reconcile()
    world.finish(ended)
    world.deliver()
    assert len(world.mail.alerts) == 1


def test_the_end_is_stored_after_all_reports(world):
    execution = world.tick()
    with pytest.raises(Upstream):
        analyse(world, execution, with_violations)
    stored = [uri for uri in world.objects.kept if uri.startswith(execution.output_s3_uri)]
    assert stored[-1] == f"{execution.output_s3_uri}/{END_OF_ANALYSIS}"
    assert len(stored) == 3
    assert AnalysisEnded.model_validate_json(world.objects.kept[stored[-1]]).subject == execution.subject


def another_attempts(execution):
    ended = {"subject": execution.key.model_copy(update={"attempt": 7}).subject, "outcome": {"status": "Completed"}}
    return json.dumps(ended | {"output_s3_uri": execution.output_s3_uri}).encode()


@pytest.mark.parametrize(
    "content",
    [lambda _: b"", lambda _: b"\xff", lambda _: b"[]", lambda _: b'{"subject": "x"}', another_attempts],
    ids=["empty", "no text", "a list", "half", "another attempt's"],
)
def test_a_stored_end_that_is_not_this_attempts_is_no_end(world, content):
    execution = world.tick()
    world.objects.kept[f"{execution.output_s3_uri}/{END_OF_ANALYSIS}"] = content(execution)
    world.clock.pass_by(LEASE)
    assert world.reconcile() == Sweep(1, ())
    assert world.ledger.get(execution.key).outcome.failure_reason.startswith("HostDidNotReport")


def test_the_sweep_of_the_others_goes_on_where_s3_does_not_respond_for_one():
    class Patchy:
        def __init__(self, port):
            self.port = port

        def __getattr__(self, name):
            return getattr(self.port, name)

        def read(self, uri, **limits):
            if uri.endswith(END_OF_ANALYSIS) and "/first/" in uri:
                raise Upstream("S3Unavailable", "S3 did not respond")
            return self.port.read(uri, **limits)

    world = World(lambda port: Patchy(port) if hasattr(port, "files") else port)
    executions = []
    for name in ("first", "second"):
        world.has_schedule(name)
        world.has_captures()
        executions.append(world.tick(TEN, f"tick-{name}", name))
    world.clock.pass_by(LEASE)
    sweep = world.reconcile()
    assert sweep.moved == 1
    assert [failure.partition(": ")[2] for failure in sweep.failures] == ["S3Unavailable: S3 did not respond"]
    statuses = [world.ledger.get(execution.key).monitoring_execution_status for execution in executions]
    assert statuses == [ExecutionStatus.IN_PROGRESS, ExecutionStatus.FAILED]
