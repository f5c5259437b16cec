"""The number of violations is null where nobody knows it: in the ledger, events, messages and metrics."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from modelwatch_core.domain.alert_event import alert_event
from modelwatch_core.domain.alert_text import alert_text
from modelwatch_core.domain.alerting import AlertName
from modelwatch_core.domain.analysis import AnalysisSummary
from modelwatch_core.domain.events import AnalysisEnded, ExecutionEnded, ExecutionRequest
from modelwatch_core.domain.monitoring_execution import MonitoringExecution
from modelwatch_core.domain.outcome import Outcome, OutcomeStatus
from modelwatch_core.domain.processing_job import JobState
from tests.core.in_memory import MemoryHost
from tests.core.world import DRIFT, TEN, World

HOUR = timedelta(hours=1)
BASELINE = {
    "constraints_s3_uri": "s3://results/baseline/constraints.json",
    "statistics_s3_uri": "s3://results/baseline/statistics.json",
}
FAILED = {"status": OutcomeStatus.FAILED, "failure_reason": "AllMalformed: no record can be parsed"}


@pytest.fixture
def world() -> World:
    world = World()
    world.has_captures()
    return world


def ended(world: World, execution: MonitoringExecution, *violations: dict, **outcome: object) -> MonitoringExecution:
    world.finish(world.ends(execution, *violations, **outcome))
    world.deliver()
    return world.ledger.get(execution.key)


def metrics(world: World) -> set[str]:
    return {metric["MetricName"] for _, metric in world.route.metrics.published}


@pytest.mark.parametrize("status", [OutcomeStatus.FAILED, OutcomeStatus.STOPPED])
def test_an_analysis_that_did_not_complete_has_no_number_of_violations_whatever_reports_one(status):
    assert Outcome(status=status, failure_reason="x", violation_count=0).violation_count is None
    read = json.dumps({"status": status, "failure_reason": "x", "violation_count": 7})
    assert Outcome.model_validate_json(read).violation_count is None
    assert Outcome(status=OutcomeStatus.COMPLETED, violation_count=0).violation_count == 0


def test_a_failed_execution_has_an_unknown_number_wherever_it_is_shown(world):
    world.has_schedule()
    execution = world.tick()
    world.finish(world.ends(execution, **FAILED))
    (announced,) = world.announcements
    world.deliver()
    (alert,) = world.mail.alerts
    found = (world.ledger.get(execution.key), announced, alert)
    assert [each.outcome.violation_count for each in found] == [None] * 3
    assert json.loads(announced.model_dump_json())["outcome"]["violation_count"] is None
    assert ExecutionEnded.model_validate_json(announced.model_dump_json()) == announced
    assert alert_event(alert)["violationCount"] is None
    assert "AllMalformed" in alert_text(alert)
    assert metrics(world) == {"alert_state"}


def test_where_nothing_is_compared_the_number_is_unknown_and_no_metric_says_zero(world):
    world.has_schedule(baseline=None)
    settled = ended(world, world.tick())
    assert (settled.monitoring_execution_status, settled.outcome.violation_count) == ("Completed", None)
    assert metrics(world) == {"alert_state", "malformed_share"}
    assert (
        AnalysisSummary(
            status=OutcomeStatus.COMPLETED, exit_message="Completed", outputs={"statistics.json": "statistics.json"}
        ).outcome.violation_count
        is None
    )


def test_a_window_that_is_analysed_again_without_constraints_has_no_violations_of_the_attempt_before(world):
    world.has_schedule()
    assert ended(world, world.tick(), DRIFT).outcome.violation_count == 1
    world.manage("UpdateMonitoringSchedule", monitoring_schedule_name="hourly", baseline=None)
    world.clock.pass_by(world.clock.now() - TEN)
    again = ExecutionRequest(monitoring_schedule_name="hourly", scheduled_time=TEN, tick_id="again", backfill=True)
    settled = ended(world, world.launch(again))
    assert (settled.attempt, settled.monitoring_execution_status) == (2, "Completed")
    assert settled.outcome.violation_count is None


@pytest.mark.parametrize(("before", "after"), [(BASELINE, None), (None, BASELINE)])
def test_a_window_that_waited_while_its_schedule_changed_is_settled_by_what_it_was_compared_with(world, before, after):
    world.has_schedule(baseline=before)
    world.has_captures(TEN)
    first = world.tick()
    world.clock.pass_by(HOUR)
    waiting = world.requested(TEN + HOUR, "tick-2")
    world.manage("UpdateMonitoringSchedule", monitoring_schedule_name="hourly", baseline=after)
    ended(world, first)
    world.reconcile()
    started = world.ledger.get(waiting.key)
    assert started.monitoring_execution_status == "InProgress"
    assert (world.host.started[-1].settings.baseline_constraints is None) == (after is None)
    settled = ended(world, started)
    assert (settled.monitoring_execution_status, settled.outcome.violation_count) == ("Completed", 0 if after else None)


def test_an_execution_that_compares_nothing_is_no_recovery_from_violations(world):
    world.has_schedule()
    world.has_captures(TEN)
    world.has_captures(TEN + HOUR)
    ended(world, world.tick(), DRIFT)
    for hours, baseline in ((1, None), (2, BASELINE)):
        world.manage("UpdateMonitoringSchedule", monitoring_schedule_name="hourly", baseline=baseline)
        world.clock.pass_by(HOUR)
        ended(world, world.tick(TEN + hours * HOUR, f"tick {hours}"))
        known = world.alert_states.known(world.schedule_id()).state(AlertName.VIOLATIONS)
        assert (len(world.mail.alerts), known.status) == ((2, "OK") if baseline else (1, "InAlert"))


@pytest.mark.parametrize(
    ("image_uri", "message", "count"),
    [
        ("mine:1", "Completed: fine", 0),
        ("mine:1", "CompletedWithViolations: see the log", None),
        (None, "Completed: Job completed successfully with no violations.", None),
    ],
)
def test_a_job_without_a_report_has_no_violations_only_if_it_is_of_a_container_that_says_so(
    world, image_uri, message, count
):
    world.hosts["containers"] = MemoryHost(name="containers", runs_images=True)
    own = {"image_uri": image_uri, "monitoring_type": "Custom"} if image_uri else {}
    world.has_schedule(baseline=None, **own)
    execution = world.tick()
    job = {"ProcessingJobName": "mine", "ProcessingJobStatus": "Completed", "ExitMessage": message}
    world.finish(AnalysisEnded.of(execution, JobState.model_validate(job).description.outcome))
    assert world.ledger.get(execution.key).outcome.violation_count == count


def test_the_violations_that_a_report_fails_to_list_have_no_metric(world):
    world.has_schedule()
    found = {"status": OutcomeStatus.COMPLETED_WITH_VIOLATIONS, "violation_count": None}
    settled = ended(world, world.tick(), **found)
    assert (settled.monitoring_execution_status, settled.outcome.violation_count) == ("CompletedWithViolations", None)
    assert metrics(world) == {"alert_state", "malformed_share"}
