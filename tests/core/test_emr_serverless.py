"""What job runs are asked of EMR Serverless, and how their ends are read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from modelwatch_core import wiring
from modelwatch_core.adapters.aws.emr_serverless import EmrServerless, emr_serverless_limits
from modelwatch_core.app.end_of_job import EndOfJob
from modelwatch_core.domain.analysis import AnalysisInput, AnalysisRequest
from modelwatch_core.domain.baselining_job import BaselineRequest
from modelwatch_core.domain.emr_serverless import JobRunState
from modelwatch_core.domain.errors import InvalidInput, Upstream
from modelwatch_core.domain.events import AnalysisEnded
from modelwatch_core.domain.execution_cost import Cost, SparkUsage
from modelwatch_core.domain.hosts import Resource, Run, RunDescription, RunStatus
from modelwatch_core.domain.outcome import Outcome, OutcomeStatus, RecordCounts
from modelwatch_core.domain.processing_parameters import ProcessingParameters
from modelwatch_core.domain.settings_environment import analysis_settings
from tests.core.in_memory import ManualClock, MemoryHost, MemoryObjects
from tests.core.world import World

APPLICATION, JOB_RUN = "00f1982r1uukb925", "00f1cbn5g4bb0c01"
ROLE = "arn:aws:iam::123456789012:role/spark"
RUN = Run(host="emr-serverless", subject="baseline/clicks", run_id=JOB_RUN)
NAMED = {"applicationId": APPLICATION, "jobRunId": JOB_RUN}
ARN = f"arn:aws:emr-serverless:us-east-1:123456789012:/applications/{APPLICATION}/jobruns/{JOB_RUN}"
STARTED = {**NAMED, "arn": ARN}
USED = {"vCPUHour": 2.5, "memoryGBHour": 10.0, "storageGBHour": 4.0}


@pytest.fixture
def objects() -> MemoryObjects:
    return MemoryObjects(ManualClock().now)


@pytest.fixture
def stubbed() -> Iterator[tuple[Any, Stubber]]:
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
    client = boto3.client("emr-serverless", region_name="us-east-1", **keys)
    with Stubber(client) as stubber:
        yield client, stubber
        stubber.assert_no_pending_responses()


def host(client: Any, objects: MemoryObjects) -> EmrServerless:
    return EmrServerless(
        client,
        objects,
        "s3://results/processing-jobs",
        APPLICATION,
        ROLE,
        "s3://code/packages.tar.gz",
        "spark-logs",
        emr_serverless_limits(64),
    )


def request(**changes: Any) -> AnalysisRequest:
    asked = {
        "subject": "baseline/clicks",
        "settings": analysis_settings(
            dataset_source="/opt/ml/processing/input",
            output_path="/opt/ml/processing/output",
            dataset_format={"csv": {}},
        ),
        "inputs": (AnalysisInput(s3_uri="s3://data/clicks", path="input/"),),
        "output_s3_uri": "s3://results/baselining/clicks",
        "host": "emr-serverless",
        "job_name": "clicks",
        "processing": ProcessingParameters(tags={"team": "credit"}),
    }
    return AnalysisRequest(**asked | changes)


def job_run(state: str, **changes: Any) -> dict[str, Any]:
    now = datetime(2026, 11, 22, 10, tzinfo=UTC)
    described = {
        **STARTED,
        "name": "clicks",
        "createdBy": "arn:aws:sts::123456789012:assumed-role/a/b",
        "createdAt": now,
        "updatedAt": now,
        "executionRole": ROLE,
        "state": state,
        "stateDetails": "",
        "releaseLabel": "emr-7.9.0",
        "jobDriver": {"sparkSubmit": {"entryPoint": "s3://a/b"}},
    }
    return described | changes


def test_a_run_is_given_its_request_by_reference_and_a_token_of_its_subject_alone(stubbed, objects):
    client, stubber = stubbed
    asked = []
    client.meta.events.register("provide-client-params.emr-serverless.*", lambda params, **_: asked.append(params))
    for _ in range(2):  # again, because the process that started it died before noting it
        stubber.add_response("start_job_run", STARTED, dict.fromkeys(_PARAMETERS, ANY))
        run = host(client, objects).start(request())
    assert (run.run_id, run.host) == (JOB_RUN, "emr-serverless")
    assert run.log_location == "spark-logs (streams below clicks)"
    first, again = asked
    assert first == again
    assert first["clientToken"].isalnum()
    assert (first["name"], first["executionRoleArn"], first["tags"]) == ("clicks", ROLE, {"team": "credit"})
    submit = first["jobDriver"]["sparkSubmit"]
    (argument,) = submit["entryPointArguments"]
    name, _, uri = argument.partition("=")
    assert name == "modelwatch_request"
    assert AnalysisRequest.model_validate_json(objects.kept[uri]) == request()
    assert b"modelwatch.spark.application" in objects.kept[submit["entryPoint"]]
    assert "--archives s3://code/packages.tar.gz#environment" in submit["sparkSubmitParameters"]
    assert "spark.executorEnv.AWS_DEFAULT_REGION=us-east-1" in submit["sparkSubmitParameters"]
    logs = first["configurationOverrides"]["monitoringConfiguration"]["cloudWatchLoggingConfiguration"]
    assert logs == {"enabled": True, "logGroupName": "spark-logs", "logStreamNamePrefix": "clicks"}


_PARAMETERS = (
    "applicationId",
    "clientToken",
    "name",
    "executionRoleArn",
    "jobDriver",
    "configurationOverrides",
    "executionTimeoutMinutes",
    "tags",
)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("ValidationException", InvalidInput),
        ("ResourceNotFoundException", InvalidInput),
        ("AccessDeniedException", InvalidInput),
        ("ConflictException", Upstream),  # the application is just being stopped
        ("InternalServerException", Upstream),
    ],
)
def test_what_emr_serverless_returns_to_a_run_that_it_does_not_start(stubbed, objects, code, error):
    client, stubber = stubbed
    stubber.add_client_error("start_job_run", code, "why")
    with pytest.raises(error, match="why"):
        host(client, objects).start(request())


def test_a_run_that_is_not_there_is_unknown_and_need_not_be_cancelled(stubbed, objects):
    client, stubber = stubbed
    stubber.add_client_error("get_job_run", "ResourceNotFoundException")
    assert host(client, objects).describe(RUN) == RunDescription(status=RunStatus.UNKNOWN)
    stubber.add_client_error("cancel_job_run", "ValidationException")  # it has ended
    host(client, objects).stop(RUN)
    stubber.add_response("cancel_job_run", NAMED, NAMED)
    host(client, objects).stop(RUN)
    stubber.add_client_error("cancel_job_run", "InternalServerException")
    with pytest.raises(Upstream):
        host(client, objects).stop(RUN)


FAILED = "Job failed, please check complete logs in configured logging destination. ExitCode: 1. Last few exceptions: "


@pytest.mark.parametrize(
    ("state", "details", "status", "reason", "exhausted"),
    [
        ("FAILED", " ", "Failed", "JobRunFailed: {run} ended with: EMR Serverless gives no reason", None),
        (
            "FAILED",
            FAILED + "ValueError: 4711 is no date",  # a value of a row
            "Failed",
            f"JobRunFailed: {{run}} ended with: {FAILED.partition('. Last')[0]}",
            None,
        ),
        (
            "FAILED",
            "Job failed. ExitCode: 137. Last few exceptions: Worker has been killed as memory usage exceeded it",
            "Failed",
            "JobRunFailed: {run} ended with: Job failed. ExitCode: 137; it ran out of memory",
            Resource.MEMORY,
        ),
        ("FAILED", FAILED + "java.io.IOException: No space left on device", "Failed", None, Resource.STORAGE),
        ("FAILED", FAILED + "HostExhausted: the analysis ran out of memory", "Failed", None, Resource.MEMORY),
        ("FAILED", FAILED + "ReadTimeoutError: Read timed out.", "Failed", None, None),  # of a request
        (
            "CANCELLED",
            "Timed out",
            "Failed",
            "JobRunFailed: {run} ended with: Timed out; it ran out of time",
            Resource.TIME,
        ),
        ("CANCELLED", " ", "Stopped", "StoppedInEmrServerless: {run} was cancelled.", None),
        ("SUCCESS", " ", "Failed", "NoEndOfAnalysis: {run} succeeded, but did not store the end of its analysis", None),
    ],
)
def test_the_end_of_a_run_is_read_without_what_logs_quote(stubbed, objects, state, details, status, reason, exhausted):
    client, stubber = stubbed
    stubber.add_response("get_job_run", {"jobRun": job_run(state, stateDetails=details)}, NAMED)
    described = host(client, objects).describe(RUN)
    assert described.outcome is not None
    assert (described.status, described.exhausted) == (RunStatus.ENDED, exhausted)
    assert described.outcome.status is OutcomeStatus(status)
    assert "4711" not in (described.outcome.failure_reason or "")
    if reason:
        assert described.outcome.failure_reason == reason.format(run=f"the job run {JOB_RUN}")


@pytest.mark.parametrize("state", ["SUBMITTED", "PENDING", "SCHEDULED", "RUNNING", "CANCELLING", "QUEUED"])
def test_a_run_that_has_not_ended_is_running(state):
    described = JobRunState.model_validate(job_run(state)).description
    assert described == RunDescription(status=RunStatus.RUNNING)


def test_a_run_costs_what_it_is_billed_for_and_before_that_what_it_used():
    # By hand: 2.5 x 0.052624 + 10 x 0.0057785 + 4 x 0.000111, + 3 x 0.2e-6 + 7 x 0.4e-6
    billed = JobRunState.model_validate(job_run("SUCCESS", billedResourceUtilization=USED)).usage
    assert billed == SparkUsage(vcpu_hours=2.5, memory_gb_hours=10, storage_gb_hours=4)
    cost = Cost.of(billed, objects=7)
    assert cost is not None
    assert cost.usd == pytest.approx(0.1897924, abs=5e-9)
    assert (cost.gb_seconds, cost.requests, cost.executions) == (0, 10, 1)
    assert JobRunState.model_validate(job_run("SUCCESS", totalResourceUtilization=USED)).usage == billed
    assert JobRunState.model_validate(job_run("RUNNING")).usage is None


class TestTheEventOfARun:
    """EMR Serverless's event has the ids of a run only: what it was for is found by its name."""

    @pytest.fixture
    def world(self) -> World:
        world = World()
        world.hosts.clear()
        world.hosts["emr-serverless"] = MemoryHost(name="emr-serverless")
        world.objects.kept["s3://data/clicks/a.csv"] = b"a\n1\n"
        world.create_baseline(
            BaselineRequest(
                baselining_job_name="clicks", baseline_dataset_s3_uri="s3://data/clicks", dataset_format={"csv": {}}
            )
        )
        return world

    def ended(self, world: World, **state: Any) -> AnalysisEnded | None:
        run = JobRunState.model_validate(job_run(**state)).job_run
        return EndOfJob(world.ledger, world.jobs, world.objects)(run)

    def test_the_end_that_the_application_stored_is_the_end_and_has_its_cost(self, world):
        job = world.jobs.get("clicks")
        outcome = Outcome(status=OutcomeStatus.COMPLETED, records=RecordCounts(read=1, objects=7))
        stored = AnalysisEnded.of(job, outcome)
        world.objects.kept[f"{job.output_s3_uri}/analysis_ended.json"] = stored.model_dump_json().encode()
        world.finish(self.ended(world, state="SUCCESS", billedResourceUtilization=USED))
        settled = world.jobs.get("clicks")
        assert (settled.status, settled.outcome) == ("Completed", outcome)
        assert settled.cost.usd == pytest.approx(0.1897924, abs=5e-9)

    def test_a_run_that_stored_none_failed_as_its_host_says(self, world):
        world.finish(self.ended(world, state="FAILED", stateDetails="no"))
        assert world.jobs.get("clicks").outcome.failure_reason.endswith("ended with: no")

    def test_one_that_goes_on_and_one_of_another_name_are_ignored(self, world):
        assert self.ended(world, state="RUNNING") is None
        assert self.ended(world, state="FAILED", name="theirs") is None

    @pytest.mark.parametrize("application", ["another", ""])
    def test_runs_of_other_applications_and_of_deployments_without_one_are_ignored(self, monkeypatch, application):
        monkeypatch.setattr(wiring, "_emr_serverless", lambda: host(None, None) if application else None)
        detail = {"applicationId": application or APPLICATION, "jobRunId": JOB_RUN, "state": "SUCCESS"}
        assert wiring.analysis_ended("EMR Serverless Job Run State Change", detail) is None
