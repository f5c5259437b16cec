"""``AnalysisHost``: job runs of EMR Serverless, whose executors share out the parts of a dataset."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

from botocore.exceptions import ClientError

from modelwatch_core.adapters.aws.translation import aws_errors, code_of, response_or_none
from modelwatch_core.domain import s3_layout
from modelwatch_core.domain.analysis import AnalysisRequest
from modelwatch_core.domain.emr_serverless import EMR_SERVERLESS, JobRunState
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.host_paces import SPARK_WORKER_MEMORY_GB, SPARK_WORKER_VCPUS, spark_pace
from modelwatch_core.domain.hosts import SHARE_OF_TIME, HostLimits, Run, RunDescription, RunStatus
from modelwatch_core.domain.processing_job import REQUEST_FILE, REQUEST_VARIABLE
from modelwatch_core.ports import ObjectStore

MAX_RUNTIME_SECONDS = 24 * 60 * 60
_LEASE = timedelta(minutes=15)
"""How long a run may go on before it is asked after. Asking is cheap, and the sweep gives more time to a run that goes
on."""

_STORAGE_OF_A_WORKER = 20e9
MOST_BYTES_OF_A_FILE = int(_STORAGE_OF_A_WORKER / SPARK_WORKER_VCPUS * 4 / 5)
"""The largest file: each core of a worker has a task, each task holds one file, and up to 20 GB of a worker's storage
are free."""

_ENTRY_POINT = "application.py"
_PROGRAM = """\
import runpy

runpy.run_module("modelwatch.spark.application", run_name="__main__", alter_sys=True)
"""
"""The entry point. The application itself is in the packages, so that all code that runs is of one version."""


def emr_serverless_limits(vcpus: int) -> HostLimits:
    """Return what job runs can take that have so many vCPUs together."""
    pace = spark_pace(vcpus)
    return HostLimits(
        input_bytes=pace.most_bytes(SHARE_OF_TIME * MAX_RUNTIME_SECONDS),
        memory_bytes=SPARK_WORKER_MEMORY_GB * 10**9,
        lease=_LEASE,
        longest_run_seconds=MAX_RUNTIME_SECONDS,
        needs_parts=True,
        file_bytes=MOST_BYTES_OF_A_FILE,
        pace=pace,
        advice="Write the dataset as CSV or Parquet, in files of 100 MB to 1 GB, or let Spark have more vCPUs"
        " (parameter SparkVcpus).",
    )


@dataclass(frozen=True, slots=True)
class EmrServerless:
    """Job runs of an application of EMR Serverless.

    A run's client token is made of its subject alone, and EMR Serverless starts one run for a token: so a subject runs
    once. What is to be done is in S3, where a request may be of any size.

    Parameters
    ----------
    client
        boto3's client for ``emr-serverless``.
    requests : str
        The folder in S3 for what runs are given: their requests, and their entry point.
    packages : str
        S3 URI of the archive with Python and all packages.
    log_group : str
        Where runs write their logs.
    """

    client: Any
    objects: ObjectStore
    requests: str
    application_id: str
    role_arn: str
    packages: str
    log_group: str
    limits: HostLimits

    @property
    def name(self) -> str:
        """The name of this host."""
        return EMR_SERVERLESS

    def start(self, request: AnalysisRequest) -> Run:
        """Start an analysis."""
        if request.job_name is None:
            raise InvalidInput("NoJobName", f"{request.subject} has no job name; run the window again")
        given = self._put(request, REQUEST_FILE.name, request.model_dump_json())
        submit = {
            "entryPoint": self._put(request, _ENTRY_POINT, _PROGRAM),
            "entryPointArguments": [f"{REQUEST_VARIABLE}={given}"],
            "sparkSubmitParameters": self._parameters(),
        }
        with aws_errors(f"starting the job run {request.job_name}"):
            try:
                response = self.client.start_job_run(
                    applicationId=self.application_id,
                    clientToken=sha256(request.subject.encode()).hexdigest(),
                    name=request.job_name,
                    executionRoleArn=self.role_arn,
                    jobDriver={"sparkSubmit": submit},
                    configurationOverrides=self._logging(request.job_name),
                    executionTimeoutMinutes=MAX_RUNTIME_SECONDS // 60,
                    tags=dict(request.processing.tags) if request.processing else {},
                )
            except ClientError as error:
                if code_of(error) in ("ValidationException", "ResourceNotFoundException"):
                    why = error.response["Error"].get("Message", "")
                    message = f"EMR Serverless refuses the job run {request.job_name}: {why}"
                    raise InvalidInput("JobRunRefused", message) from None
                raise
        location = f"{self.log_group} (streams below {request.job_name})"
        return Run(host=EMR_SERVERLESS, subject=request.subject, run_id=response["jobRunId"], log_location=location)

    def describe(self, run: Run) -> RunDescription:
        """Return what EMR Serverless knows of a run."""
        state = self.state(run.run_id)
        return state.description if state else RunDescription(status=RunStatus.UNKNOWN)

    def state(self, job_run_id: str) -> JobRunState | None:
        """Return a run as EMR Serverless describes it; None where it knows none of this id."""
        with aws_errors(f"describing the job run {job_run_id}"):
            response = response_or_none(
                lambda: self.client.get_job_run(applicationId=self.application_id, jobRunId=job_run_id), *_NOT_THERE
            )
        return JobRunState.model_validate(response["jobRun"]) if response else None

    def stop(self, run: Run) -> None:
        """Cancel a run; one that has ended, or is not there, is left as it is."""
        with aws_errors(f"cancelling the job run {run.run_id}"):
            response_or_none(
                lambda: self.client.cancel_job_run(applicationId=self.application_id, jobRunId=run.run_id), *_NOT_THERE
            )

    def _put(self, request: AnalysisRequest, name: str, text: str) -> str:
        uri = s3_layout.join(self.requests, request.job_name or "", name)
        self.objects.write(text, uri)
        return uri

    def _parameters(self) -> str:
        """Return the options of ``spark-submit``: "Using Python libraries with EMR Serverless" in its guide."""
        python, region = "./environment/bin/python", self.client.meta.region_name
        heap = SPARK_WORKER_MEMORY_GB // 4
        properties = {
            "spark.emr-serverless.driverEnv.PYSPARK_DRIVER_PYTHON": python,
            "spark.emr-serverless.driverEnv.PYSPARK_PYTHON": python,
            "spark.emr-serverless.driverEnv.AWS_DEFAULT_REGION": region,
            "spark.executorEnv.PYSPARK_PYTHON": python,
            "spark.executorEnv.AWS_DEFAULT_REGION": region,
            # The beginning and the end of each file of the dataset, see modelwatch.spark.objects.
            "spark.emr-serverless.driver.disk": "200G",
            **{f"spark.{worker}.cores": SPARK_WORKER_VCPUS for worker in ("driver", "executor")},
            **{f"spark.{worker}.memory": f"{heap}g" for worker in ("driver", "executor")},
            # Python, which does the work, is outside of the heap.
            **{
                f"spark.{worker}.memoryOverhead": f"{SPARK_WORKER_MEMORY_GB - heap}g"
                for worker in ("driver", "executor")
            },
        }
        options = (f"--conf {name}={value}" for name, value in properties.items())
        return " ".join((f"--archives {self.packages}#environment", *options))

    def _logging(self, job_name: str) -> dict[str, Any]:
        logs = {"enabled": True, "logGroupName": self.log_group, "logStreamNamePrefix": job_name}
        return {"monitoringConfiguration": {"cloudWatchLoggingConfiguration": logs}}


_NOT_THERE = {"ResourceNotFoundException", "ValidationException"}
"""EMR Serverless's codes for a run that is not there, or that has ended."""
