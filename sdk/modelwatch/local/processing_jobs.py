"""SageMaker's processing jobs: a program of this machine in place of each container image.

A job has folders of its own that stand for ``/opt/ml/...``: variables and arguments that name such a path name the
place here, ``OPT_ML`` names the folder for programs with paths of their own, and their working directory is above it,
so that the relative path ``opt/ml/processing/input`` is right too.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from modelwatch.local.aws_clients import AwsClients, environment_of_process
from modelwatch.local.moto_patches.sagemaker import set_processing_job_status
from modelwatch.local.run_processes import RunProcesses
from modelwatch.local.work import WorkInProgress
from modelwatch_core.domain import s3_layout

SAGEMAKER = "sagemaker.amazonaws.com"
_OPT_ML = "/opt/ml"
_LONGEST_MESSAGE = 1024
_LOG_GROUP = "/aws/sagemaker/ProcessingJobs"


@dataclass(frozen=True, slots=True)
class _End:
    """How a job ended, in the words of DescribeProcessingJob."""

    status: str
    exit_message: str | None = None
    failure_reason: str | None = None


class ProcessingJobs:
    """The processing jobs of the stack.

    Parameters
    ----------
    programs : mapping of str to tuple of str
        The command that stands for each container image.
    clients : AwsClients
        Move data with the roles of the jobs; a role that IAM does not know may do everything.
    now : callable
        Returns the time of the stack's clock.
    work : WorkInProgress
        Counts the jobs that run.
    folder : Path
        The folder for the jobs' logs and their own folders.
    """

    def __init__(
        self,
        programs: Mapping[str, tuple[str, ...]],
        *,
        clients: AwsClients,
        now: Callable[[], datetime],
        work: WorkInProgress,
        folder: Path,
    ) -> None:
        self._clients, self._now, self._work, self._folder = clients, now, work, folder
        self._programs = programs
        self.processes = RunProcesses(folder, "processing-job-")

    def created(self, name: str, request: Mapping[str, Any]) -> None:
        """Start a job that was created."""
        self.processes.begin(name)
        self._set_status(name, _End("InProgress"))
        self._work.start(f"processing job {name}", self._run, name, dict(request))

    def stopped(self, name: str) -> bool:
        """Stop a job, and return whether it was running."""
        return self.processes.stop(name)

    def _run(self, name: str, request: dict[str, Any]) -> None:
        with tempfile.TemporaryDirectory(prefix="job-", dir=self._folder) as folder:
            end = self._ended(name, request, Path(folder))
        self.processes.end(name)
        self._set_status(name, end)

    def _ended(self, name: str, request: dict[str, Any], folder: Path) -> _End:
        image = request["AppSpecification"]["ImageUri"]
        if image not in self._programs:
            reason = f"ClientError: no program is registered for the image {image}; call run_image({image!r}, command)"
            return _End("Failed", failure_reason=reason)
        opt_ml = folder / _OPT_ML.strip("/")
        try:
            self._download(request, opt_ml)
        except Exception as error:  # SageMaker fails the job, for instance where its role may not read
            return _End("Failed", failure_reason=f"ClientError: Failed to download data. {error}"[:_LONGEST_MESSAGE])
        status = self._status_of_process(name, request, folder, opt_ml)
        message = _message(opt_ml / "output" / "message")
        if self.processes.is_stopped(name):
            return _End("Stopped", exit_message=message)
        if status is None:
            return _End("Failed", message, "ClientError: MaxRuntimeExceeded: the job ran longer than it may")
        if status:
            reason = f"AlgorithmError: See job logs for more information, exit code: {status}"
            return _End("Failed", message, reason)
        try:
            self._upload(request, opt_ml)
        except Exception as error:
            return _End("Failed", message, f"ClientError: Failed to upload data. {error}"[:_LONGEST_MESSAGE])
        return _End("Completed", message)

    def _status_of_process(self, name: str, request: dict[str, Any], folder: Path, opt_ml: Path) -> int | None:
        """Return the exit status of the program of a job; None where it ran for too long."""
        specification = request["AppSpecification"]
        command = [
            *self._programs[specification["ImageUri"]],
            *(_local(word, opt_ml) for word in specification.get("ContainerArguments") or ()),
        ]
        environment = self._environment(request, opt_ml)
        seconds = (request.get("StoppingCondition") or {}).get("MaxRuntimeInSeconds")
        status = self.processes.status(name, command, folder=folder, environment=environment, seconds=seconds)
        with suppress(ClientError):  # a role that may not write logs has a job without any
            self._write_log(name, request["RoleArn"])
        return status

    def _write_log(self, name: str, role_arn: str) -> None:
        """Write what a job printed where SageMaker writes it."""
        logs = self._clients.for_role(role_arn, "logs", assumed_by=SAGEMAKER)
        with suppress(logs.exceptions.ResourceAlreadyExistsException):
            logs.create_log_group(logGroupName=_LOG_GROUP)
        self.processes.send_log(name, logs, _LOG_GROUP, f"{name}/algo-1-1")

    def _environment(self, request: dict[str, Any], opt_ml: Path) -> dict[str, str]:
        credentials = self._clients.assume_role(request["RoleArn"], session="job", assumed_by=SAGEMAKER)
        given = {name: _local(value, opt_ml) for name, value in (request.get("Environment") or {}).items()}
        return {
            **environment_of_process(credentials, self._clients.endpoint_url),
            "AWS_REGION": self._clients.region,
            "LANG": "en_US.UTF-8",
            "OPT_ML": str(opt_ml),
            "TMPDIR": str(self._folder),
            **given,
        }

    # What SageMaker does around a container.

    def _download(self, request: dict[str, Any], opt_ml: Path) -> None:
        for folder in ("config", "output", "processing"):
            (opt_ml / folder).mkdir(parents=True)
        (opt_ml / "config" / "processingjobconfig.json").write_text(json.dumps(request), encoding="utf-8")
        s3 = self._s3(request)
        for entry in request.get("ProcessingInputs") or ():
            source = entry["S3Input"]
            target = Path(_local(source["LocalPath"], opt_ml))
            target.mkdir(parents=True, exist_ok=True)
            for bucket, key, name in _objects(s3, source["S3Uri"], source["S3DataType"]):
                path = target / name
                path.parent.mkdir(parents=True, exist_ok=True)
                s3.download_file(bucket, key, str(path))
        for output in _outputs(request):
            Path(_local(output["LocalPath"], opt_ml)).mkdir(parents=True, exist_ok=True)

    def _upload(self, request: dict[str, Any], opt_ml: Path) -> None:
        s3 = self._s3(request)
        for output in _outputs(request):
            folder = Path(_local(output["LocalPath"], opt_ml))
            bucket, prefix = s3_layout.split(output["S3Uri"])
            for path in sorted(path for path in folder.rglob("*") if path.is_file()):
                key = "/".join(filter(None, (prefix.strip("/"), path.relative_to(folder).as_posix())))
                s3.upload_file(str(path), bucket, key)

    def _s3(self, request: dict[str, Any]) -> Any:
        return self._clients.for_role(request["RoleArn"], "s3", assumed_by=SAGEMAKER)

    def _set_status(self, name: str, end: _End) -> None:
        set_processing_job_status(
            name,
            self._clients.region,
            end.status,
            now=self._now(),
            exit_message=end.exit_message,
            failure_reason=end.failure_reason,
        )


def _outputs(request: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [output["S3Output"] for output in (request.get("ProcessingOutputConfig") or {}).get("Outputs", ())]


def _objects(s3: Any, uri: str, data_type: str) -> list[tuple[str, str, str]]:
    """Return bucket, key and local name of each object of an input: "S3DataSource" in SageMaker's API reference."""
    bucket, key = s3_layout.split(uri)
    if data_type == "ManifestFile":
        first, *names = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        bucket, prefix = s3_layout.split(first["prefix"])
        return [(bucket, prefix + name, name) for name in names]
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key)
    folder = key.rpartition("/")[0]
    found = [each["Key"] for page in pages for each in page.get("Contents", ()) if not each["Key"].endswith("/")]
    return [(bucket, each, each.removeprefix(folder).lstrip("/")) for each in found]


def _local(text: str, opt_ml: Path) -> str:
    return text.replace(_OPT_ML, str(opt_ml), 1) if text.startswith(f"{_OPT_ML}/") else text


def _message(path: Path) -> str | None:
    return path.read_text("utf-8", errors="replace")[:_LONGEST_MESSAGE] if path.is_file() else None
