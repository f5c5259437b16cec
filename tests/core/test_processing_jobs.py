"""What processing jobs are asked of SageMaker, and how their ends are read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from modelwatch_core.adapters.aws.processing_jobs import ProcessingJobs, _common_folders, processing_job_limits
from modelwatch_core.domain.analysis import AnalysisInput, AnalysisRequest
from modelwatch_core.domain.errors import InvalidInput, Upstream
from modelwatch_core.domain.hosts import Resource, Run, RunDescription, RunStatus
from modelwatch_core.domain.outcome import OutcomeStatus
from modelwatch_core.domain.processing_job import JobRequest, JobState
from modelwatch_core.domain.processing_parameters import ProcessingParameters
from modelwatch_core.domain.settings_environment import analysis_settings
from tests.core.in_memory import ManualClock, MemoryObjects

ROLE, JOB_ROLE = (f"arn:aws:iam::123456789012:role/{name}" for name in ("own", "deployment"))
RUN = Run(host="sagemaker", subject="execution/a", run_id="hourly-1")


class SageMaker:
    """Responds as SageMaker does, or with an error."""

    def __init__(self, code: str | None = None, **description: Any) -> None:
        self.code, self.description, self.created = code, description, []

    def _respond(self, operation: str) -> None:
        if self.code:
            raise ClientError({"Error": {"Code": self.code, "Message": "why"}}, operation)

    def create_processing_job(self, **job: Any) -> None:
        self._respond("CreateProcessingJob")
        if any(job["ProcessingJobName"] == each["ProcessingJobName"] for each in self.created):
            raise ClientError({"Error": {"Code": "ResourceInUse", "Message": "why"}}, "CreateProcessingJob")
        self.created.append(job)

    def describe_processing_job(self, **_: Any) -> dict[str, Any]:
        self._respond("DescribeProcessingJob")
        return self.description or self.created[0]

    def stop_processing_job(self, **_: Any) -> None:
        self._respond("StopProcessingJob")


@pytest.fixture
def objects() -> MemoryObjects:
    objects = MemoryObjects(ManualClock().now)
    objects.kept["s3://captures/live/loans/AllTraffic/2026/11/22/09/00-01-002-a.jsonl"] = b"{}"
    objects.kept["s3://baselines/credit/limits.json"] = b"{}"
    return objects


def host(sagemaker: SageMaker, objects: MemoryObjects) -> ProcessingJobs:
    limits = processing_job_limits(runs_analyses=True, image_roles=[ROLE])
    return ProcessingJobs(
        sagemaker,
        objects,
        "s3://results/processing-jobs",
        "analyzer:job",
        JOB_ROLE,
        "ledger",
        limits,  # type: ignore[arg-type]  # stand-ins
    )


def request(image_uri: str | None = None, **processing: Any) -> AnalysisRequest:
    kind = {"analysis_type": "CUSTOM"} if image_uri else {}
    hour = "loans/AllTraffic/2026/11/22/09/"
    return AnalysisRequest(
        subject="execution/a",
        settings=analysis_settings(
            **kind,
            dataset_source="/opt/ml/processing/input",
            output_path="/opt/ml/processing/output",
            baseline_constraints="/opt/ml/processing/baseline/constraints.json",
            user_environment={"THRESHOLD": "0.05"},
        ),
        inputs=(
            AnalysisInput(s3_uri=f"s3://captures/live/{hour}", path=f"input/{hour}"),
            AnalysisInput(s3_uri="s3://baselines/credit/limits.json", path="baseline/constraints.json"),
        ),
        output_s3_uri="s3://results/out",
        host="sagemaker",
        job_name="hourly-1",
        image_uri=image_uri,
        processing=ProcessingParameters(**processing),
    )


def test_a_job_of_our_image_is_given_its_request_and_one_list_of_objects_for_each_bucket(objects):
    sagemaker = SageMaker()
    run = host(sagemaker, objects).start(
        request(
            role_arn=ROLE,
            tags={"team": "credit"},
            network_config={"EnableNetworkIsolation": True},
            max_runtime_in_seconds=600,
            instance_count=5,
            volume_size_in_gb=50,
            volume_kms_key="disk",
            output_kms_key="reports",
        )
    )
    assert (run.run_id, run.host) == ("hourly-1", "sagemaker")
    (job,) = sagemaker.created
    assert job["RoleArn"] == ROLE
    assert job["AppSpecification"] == {"ImageUri": "analyzer:job"}
    assert job["ProcessingResources"]["ClusterConfig"] == {
        "InstanceType": "ml.m5.large",
        "InstanceCount": 1,  # one process analyses everything
        "VolumeSizeInGB": 50,
        "VolumeKmsKeyId": "disk",
    }
    assert job["StoppingCondition"] == {"MaxRuntimeInSeconds": 600}
    assert job["NetworkConfig"] == {"EnableNetworkIsolation": True}
    assert job["Tags"] == [{"Key": "team", "Value": "credit"}, {"Key": "modelwatch:owner", "Value": "ledger"}]
    assert job["ProcessingOutputConfig"]["KmsKeyId"] == "reports"
    inputs = {each["InputName"]: each["S3Input"] for each in job["ProcessingInputs"]}
    assert {name: each["S3DataType"] for name, each in inputs.items()} == {
        "request": "S3Prefix",
        "objects-0": "ManifestFile",
        "objects-1": "ManifestFile",
    }
    given_request = JobRequest.model_validate_json(objects.kept[inputs["request"]["S3Uri"]])
    for placed in given_request.objects:
        number, _, key = placed.downloaded.removeprefix("objects/").partition("/")
        first, *keys = json.loads(objects.kept[inputs[f"objects-{number}"]["S3Uri"]])
        assert key in keys
        assert f"{first['prefix']}{key}" in objects.kept
    assert {placed.path for placed in given_request.objects} == {
        "input/loans/AllTraffic/2026/11/22/09/00-01-002-a.jsonl",
        "baseline/constraints.json",
    }


def test_a_users_image_finds_its_input_and_its_variables_where_the_contract_says(objects):
    sagemaker = SageMaker()
    local = {"input_local_path": "/opt/ml/processing/input/endpoint", "local_path": "/opt/ml/processing/result"}
    own = request("own:1", role_arn=ROLE, instance_type="ml.m5.xlarge", instance_count=2, entrypoint=("run",), **local)
    host(sagemaker, objects).start(own)
    (job,) = sagemaker.created
    assert job["AppSpecification"] == {"ImageUri": "own:1", "ContainerEntrypoint": ["run"]}
    assert job["ProcessingResources"]["ClusterConfig"]["InstanceCount"] == 2
    folders = {}
    for each in job["ProcessingInputs"]:
        first, *names = json.loads(objects.kept[each["S3Input"]["S3Uri"]])
        folders[each["S3Input"]["LocalPath"]] = [first["prefix"], *names]
    assert folders == {
        "/opt/ml/processing/input/endpoint": [
            "s3://captures/live/",
            "loans/AllTraffic/2026/11/22/09/00-01-002-a.jsonl",
        ],
        "/opt/ml/processing/baseline": ["s3://baselines/credit/", "limits.json"],
    }
    environment = job["Environment"]
    assert environment["THRESHOLD"] == "0.05"
    assert environment["dataset_source"] == "/opt/ml/processing/input/endpoint"
    assert environment["output_path"] == "/opt/ml/processing/result"
    assert environment["baseline_constraints"] == "/opt/ml/processing/baseline/limits.json"
    (output,) = job["ProcessingOutputConfig"]["Outputs"]
    assert (output["S3Output"]["LocalPath"], output["S3Output"]["S3Uri"]) == (
        "/opt/ml/processing/result",
        "s3://results/out",
    )


def test_a_role_that_may_not_be_passed_on_is_not_used_and_a_users_image_needs_one(objects):
    sagemaker = SageMaker()
    theirs = "arn:aws:iam::123456789012:role/theirs"
    host(sagemaker, objects).start(request(role_arn=theirs))
    assert sagemaker.created[0]["RoleArn"] == JOB_ROLE
    with pytest.raises(InvalidInput, match=r"RoleNotPassable: .*ProcessingRoleArns"):
        host(sagemaker, objects).start(request("own:1", role_arn=theirs))


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("ValidationException", InvalidInput),
        ("ResourceLimitExceeded", InvalidInput),
        ("ThrottlingException", Upstream),
    ],
)
def test_what_sagemaker_returns_to_a_job(objects, code, error):
    with pytest.raises(error):
        host(SageMaker(code), objects).start(request())


@pytest.mark.parametrize("image_uri", [None, "own:1"])
def test_a_job_that_a_process_started_before_it_died_is_the_one_that_is_meant(objects, image_uri):
    sagemaker = SageMaker()
    asked = request(image_uri, role_arn=ROLE)
    run = host(sagemaker, objects).start(asked)
    assert host(sagemaker, objects).start(asked) == run
    assert len(sagemaker.created) == 1


@pytest.mark.parametrize("given", ["s3://theirs/data", "s3://results/processing-jobs/hourly-10/analysis_request.json"])
def test_a_job_of_somebody_elses_with_the_same_name_is_not_taken_for_ours(objects, given):
    theirs = [{"InputName": "data", "S3Input": {"S3Uri": given}}, {"InputName": "table", "DatasetDefinition": {}}]
    sagemaker = SageMaker()
    sagemaker.create_processing_job(ProcessingJobName="hourly-1", ProcessingInputs=theirs)
    with pytest.raises(InvalidInput, match=r"ProcessingJobExists: .* hourly-1 that this deployment did not start"):
        host(sagemaker, objects).start(request())


def test_a_job_that_is_not_there_is_unknown_and_need_not_be_stopped(objects):
    jobs = host(SageMaker("ValidationException"), objects)
    assert jobs.describe(RUN) == RunDescription(status=RunStatus.UNKNOWN)
    jobs.stop(RUN)
    with pytest.raises(Upstream):
        host(SageMaker("ThrottlingException"), objects).stop(RUN)


@pytest.mark.parametrize(
    ("state", "status", "reason", "exhausted"),
    [
        ({"ProcessingJobStatus": "Completed"}, "Completed", None, None),
        ({"ProcessingJobStatus": "Completed", "ExitMessage": "Done"}, "Completed", None, None),
        (
            {"ProcessingJobStatus": "Completed", "ExitMessage": "\nCompletedWithViolations: 2"},
            "CompletedWithViolations",
            None,
            None,
        ),
        (
            {"ProcessingJobStatus": "Failed", "ExitMessage": "Failed: NoData: nothing"},
            "Failed",
            "NoData: nothing",
            None,
        ),
        (
            {"ProcessingJobStatus": "Failed", "FailureReason": "AlgorithmError: exit code: 137"},
            "Failed",
            "ProcessingJobFailed: the processing job hourly-1 ended with: AlgorithmError: exit code: 137",
            Resource.MEMORY,
        ),
        (
            {"ProcessingJobStatus": "Failed", "ExitMessage": "Failed: HostExhausted: the analysis ran out of storage"},
            "Failed",
            "HostExhausted: the analysis ran out of storage",
            Resource.STORAGE,
        ),
        (
            {"ProcessingJobStatus": "Stopped", "FailureReason": "MaxRuntimeExceeded"},
            "Failed",
            "ProcessingJobFailed: the processing job hourly-1 ended with: MaxRuntimeExceeded",
            Resource.TIME,
        ),
        (
            {
                "ProcessingJobStatus": "Stopped",
                "ProcessingStartTime": 1589879735000,  # as events write times
                "ProcessingEndTime": 1589883345000,
                "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
            },
            "Failed",
            "ProcessingJobFailed: the processing job hourly-1 ended with: it ran for as long as it may",
            Resource.TIME,
        ),
        (
            {
                "ProcessingJobStatus": "Stopped",
                "ProcessingStartTime": "2020-05-19T09:15:35",
                "ProcessingEndTime": "2020-05-19T09:16:35Z",
                "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
            },
            "Stopped",
            "StoppedInSageMaker: the processing job hourly-1 was stopped.",
            None,
        ),
        (
            {
                "ProcessingJobStatus": "Completed",
                "ProcessingStartTime": "May 19, 2020",
                "ProcessingEndTime": None,
                "ProcessingResources": {"ClusterConfig": {"InstanceCount": None}},
                "StoppingCondition": None,
            },
            "Completed",
            None,
            None,
        ),
        (
            {"ProcessingJobStatus": "Stopped"},
            "Stopped",
            "StoppedInSageMaker: the processing job hourly-1 was stopped.",
            None,
        ),
        (
            {"ProcessingJobStatus": "Failed"},
            "Failed",
            "ProcessingJobFailed: the processing job hourly-1 ended with: SageMaker gives no reason",
            None,
        ),
    ],
)
def test_the_end_of_a_job_is_read_leniently(objects, state, status, reason, exhausted):
    sagemaker = SageMaker(ProcessingJobName="hourly-1", SomethingNew=1, **state)
    described = host(sagemaker, objects).describe(RUN)
    assert described.outcome is not None
    assert (described.status, described.exhausted) == (RunStatus.ENDED, exhausted)
    assert (described.outcome.status, described.outcome.failure_reason) == (OutcomeStatus(status), reason)


@pytest.mark.parametrize("status", ["InProgress", "Stopping"])
def test_a_job_that_has_not_ended_is_running(status):
    state = JobState.model_validate({"ProcessingJobName": "hourly-1", "ProcessingJobStatus": status})
    assert state.description == RunDescription(status=RunStatus.RUNNING)


PARTS = st.lists(st.sampled_from("abc"), min_size=1, max_size=5)


@given(PARTS, PARTS, st.sampled_from("xyz"))
def test_what_sagemaker_makes_of_a_folder_puts_each_file_where_it_is_looked_for(key, path, name):
    uri, place = "/".join(["s3://bucket", *key, name]), "/".join([*path, name])
    folder, local, rest = _common_folders(uri, place)
    assert folder + rest == uri
    assert f"{local}/{rest}" == place
    assert local
