"""Metrics of a schedule as a whole, for alarms."""

from __future__ import annotations

import math

import pytest

from modelwatch_core.domain.monitoring_execution import ExecutionStatus, MonitoringExecution
from modelwatch_core.domain.outcome import Outcome, OutcomeStatus, RecordCounts
from modelwatch_core.domain.schedule_metrics import schedule_metrics
from tests.core.world import TEN, World


@pytest.fixture
def execution() -> MonitoringExecution:
    world = World()
    world.has_schedule()
    world.has_captures()
    return world.tick()


def published(
    execution: MonitoringExecution, *, largest_excess: float = 0.0, is_on: bool = False, **outcome: object
) -> dict[str, float]:
    fields = {"status": OutcomeStatus.COMPLETED, "violation_count": 0, **outcome}
    ended = execution.model_copy(
        update={
            "monitoring_execution_status": ExecutionStatus(fields["status"]),
            "outcome": Outcome.model_validate(fields),
        }
    )
    metrics = schedule_metrics(ended, is_on=is_on, largest_excess=largest_excess, now=TEN)
    return {metric["MetricName"]: metric["Value"] for metric in metrics}


def test_an_execution_with_reports_has_all_metrics(execution):
    violated = {"status": OutcomeStatus.COMPLETED_WITH_VIOLATIONS, "violation_count": 3}
    found = published(
        execution, is_on=True, largest_excess=2.5, records=RecordCounts(read=950, malformed=50), **violated
    )
    assert found == {"alert_state": 1.0, "violation_count": 3.0, "largest_excess": 2.5, "malformed_share": 0.05}


def test_captured_records_are_counted_and_not_their_rows(execution):
    counts = RecordCounts(captured=30, read=600, malformed=10)
    assert published(execution, records=counts)["malformed_share"] == 0.25


def test_where_all_could_be_parsed_the_share_is_zero_so_that_an_alarm_ends(execution):
    assert published(execution, records=RecordCounts(read=5))["malformed_share"] == 0.0
    assert RecordCounts().malformed_share == 0.0


def test_an_analysis_that_does_not_say_what_it_read_has_no_share(execution):
    assert published(execution) == {"alert_state": 0.0, "violation_count": 0.0, "largest_excess": 0.0}


def test_an_execution_that_failed_has_the_state_of_its_alerts_only(execution):
    failed = {"status": OutcomeStatus.FAILED, "failure_reason": "AllMalformed: no record can be parsed"}
    assert published(execution, is_on=True, records=RecordCounts(malformed=5), **failed) == {"alert_state": 1.0}


@pytest.mark.parametrize("excess", [math.inf, 1e300])
def test_an_excess_that_no_chart_holds_is_published_as_a_million(execution, excess):
    assert published(execution, largest_excess=excess)["largest_excess"] == 1e6
