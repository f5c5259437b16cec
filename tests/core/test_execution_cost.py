"""What an execution costs follows from what its run used."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from modelwatch_core.domain.events import AnalysisEnded
from modelwatch_core.domain.execution_cost import Cost, JobUsage, Usage
from modelwatch_core.domain.outcome import Outcome
from modelwatch_core.domain.processing_job import JobState
from tests.repository import ROOT

JOB = JobUsage(seconds=120, instance_type="ml.m5.large", instance_count=1, volume_gigabytes=11)


def test_a_job_costs_its_instances_and_their_volumes_for_the_time_that_it_processed():
    # By hand: 120 s / 3600 x (0.115 + 11 GB x 0.14 / 730 h) + 3 x 0.2e-6 + 7 x 0.4e-6
    cost = Cost.of(JOB, objects=7)
    assert cost is not None
    assert cost.usd == pytest.approx(0.003907053, abs=5e-10)
    assert (cost.gb_seconds, cost.requests, cost.executions) == (0, 10, 1)
    two = Cost.of(JOB.model_copy(update={"instance_count": 2}), objects=7)
    assert two is not None
    assert two.usd == pytest.approx(2 * 0.003903653 + 3.4e-6, abs=5e-9)


def test_an_instance_type_without_a_known_price_has_no_estimate():
    assert Cost.of(JOB.model_copy(update={"instance_type": "ml.p5.48xlarge"}), objects=7) is None


def test_the_event_of_a_job_says_what_it_used():
    detail = json.loads((ROOT / "events/inbound/finish_execution.job_ended.json").read_bytes())["detail"]
    assert JobState.model_validate(detail).usage == JOB


def test_a_job_that_never_processed_has_used_nothing_that_is_known():
    state = {"ProcessingJobName": "hourly-1", "ProcessingJobStatus": "Stopped"}
    assert JobState.model_validate(state).usage is None
    described = state | {"ProcessingEndTime": datetime(2026, 11, 22, tzinfo=UTC)}
    assert JobState.model_validate(described).usage is None


@pytest.mark.parametrize("usage", [JOB, Usage(seconds=1.5, memory_mebibytes=2048)])
def test_the_event_of_an_end_keeps_which_kind_of_host_was_used(usage):
    ended = AnalysisEnded(
        subject="execution/a", output_s3_uri="s3://bucket/reports", outcome=Outcome.failed("x"), usage=usage
    )
    assert AnalysisEnded.model_validate_json(ended.model_dump_json()).usage == usage
