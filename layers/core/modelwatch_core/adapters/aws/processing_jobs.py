"""``AnalysisHost``: SageMaker processing jobs, of the analyzer's image or of a user's own."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from modelwatch_core.adapters.aws.temporary_endpoints import OWNER_TAG
from modelwatch_core.adapters.aws.translation import aws_errors, code_of, response_or_none
from modelwatch_core.app.fetch_inputs import Wanted, wanted_objects
from modelwatch_core.domain import s3_layout
from modelwatch_core.domain.analysis import AnalysisOutput, AnalysisRequest
from modelwatch_core.domain.analysis_settings import CONTRACT_ROOT
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.host_paces import INSTANCE_MEMORY_BYTES, INSTANCE_TYPE, job_pace
from modelwatch_core.domain.hosts import HostLimits, Run, RunDescription, RunStatus
from modelwatch_core.domain.processing_job import (
    REQUEST_FILE,
    REQUEST_VARIABLE,
    SAGEMAKER,
    JobRequest,
    JobState,
    PlacedObject,
)
from modelwatch_core.domain.processing_parameters import ProcessingParameters
from modelwatch_core.domain.settings_environment import environment_of
from modelwatch_core.ports import ObjectStore

if TYPE_CHECKING:
    from types_boto3_sagemaker.client import SageMakerClient
    from types_boto3_sagemaker.type_defs import DescribeProcessingJobResponseTypeDef

MAX_RUNTIME_SECONDS = 24 * 60 * 60
_LOG_GROUP = "/aws/sagemaker/ProcessingJobs"
_MOST_INPUTS = 10
_SPARE_GIGABYTES = 10
_MOST_GIGABYTES = 16_384
_GROWTH = 1.1
"""The volume is this many times the input as stored, which leaves room for the file system and the reports."""

MOST_INPUT_BYTES = int((_MOST_GIGABYTES - _SPARE_GIGABYTES) * 1e9 / _GROWTH)

_LEASE = timedelta(minutes=15)
"""How long a job may go on before it is asked after. Asking is cheap, and the sweep gives more time to a job that goes
on."""


def processing_job_limits(*, runs_analyses: bool, image_roles: Sequence[str] = ()) -> HostLimits:
    """Return what processing jobs can take.

    Parameters
    ----------
    runs_analyses : bool
        Whether there is an image of the analyzer for them.
    image_roles : sequence of str
        The roles that monitors may name.
    """
    return HostLimits(
        input_bytes=MOST_INPUT_BYTES,
        memory_bytes=INSTANCE_MEMORY_BYTES * 4 // 5,
        lease=_LEASE,
        longest_run_seconds=MAX_RUNTIME_SECONDS,
        runs_images=True,
        image_roles=tuple(image_roles),
        runs_analyses=runs_analyses,
        pace=job_pace(),
        advice=""
        if runs_analyses
        else "Build the analyzer's image for processing jobs and deploy with its URI (parameter JobImageUri).",
    )


@dataclass(frozen=True, slots=True)
class ProcessingJobs:
    """SageMaker's processing jobs.

    A job has the name that its execution has had from the beginning, and SageMaker refuses a second job of a name: so a
    subject runs once.

    Parameters
    ----------
    requests : str
        The folder in S3 for what jobs are given: their requests, and the lists of their input.
    image_uri : str
        The analyzer's image for jobs; empty where there is none, and only users' own images are run.
    role_arn : str
        The role of jobs whose monitor names none that may be passed on.
    owner : str
        The deployment, with which each job is tagged: only jobs with its tag may be stopped by any name.
    allow_pickles : bool
        Whether our own analysis may load models from pickles.
    """

    sagemaker: SageMakerClient
    objects: ObjectStore
    requests: str
    image_uri: str
    role_arn: str
    owner: str
    limits: HostLimits
    allow_pickles: bool = False

    @property
    def name(self) -> str:
        """The name of this host."""
        return SAGEMAKER

    def start(self, request: AnalysisRequest) -> Run:
        """Start an analysis."""
        if request.job_name is None:
            raise InvalidInput("NoJobName", f"{request.subject} has no name for a processing job; run the window again")
        role = self._role(request)
        size = 0

        def wanted() -> Wanted:  # one by one: there may be hundreds of thousands
            nonlocal size
            for stored, path in wanted_objects(self.objects, request.inputs):
                size += stored.size
                yield stored, path

        made = self._of_users_image(request, wanted()) if request.image_uri else self._of_our_image(request, wanted())
        job = _job(request, role, self.owner, size) | made
        if not self._created(request.job_name, job) and not self._is_ours(request.job_name):
            message = (
                f"there is a processing job {request.job_name} that this deployment did not start, and SageMaker never"
                " releases a name; choose another"
            )
            raise InvalidInput("ProcessingJobExists", message)
        location = f"{_LOG_GROUP} (streams that begin with {request.job_name})"
        return Run(host=SAGEMAKER, subject=request.subject, run_id=request.job_name, log_location=location)

    def describe(self, run: Run) -> RunDescription:
        """Return what SageMaker knows of a job."""
        response = self._described(run.run_id)
        if response is None:
            return RunDescription(status=RunStatus.UNKNOWN)
        return JobState.model_validate(response).description

    def _described(self, name: str) -> DescribeProcessingJobResponseTypeDef | None:
        with aws_errors(f"describing the processing job {name}"):
            return response_or_none(lambda: self.sagemaker.describe_processing_job(ProcessingJobName=name), *_NOT_THERE)

    def _is_ours(self, name: str) -> bool:
        """Return whether a job is one that this deployment started: it reads what it was given below our folder."""
        response = self._described(name)
        given = f"{s3_layout.join(self.requests, name)}/"
        inputs = response.get("ProcessingInputs", []) if response else []
        return any(each.get("S3Input", {}).get("S3Uri", "").startswith(given) for each in inputs)

    def stop(self, run: Run) -> None:
        """Stop a job; one that has ended, or is not there, is left as it is."""
        with aws_errors(f"stopping the processing job {run.run_id}"):
            response_or_none(lambda: self.sagemaker.stop_processing_job(ProcessingJobName=run.run_id), *_NOT_THERE)

    def _role(self, request: AnalysisRequest) -> str:
        """Return the monitor's own role where it may be passed on, else the deployment's, which runs our code only."""
        own = request.processing.role_arn if request.processing else None
        if request.image_uri is not None:
            self.limits.refuse_role(own, request.subject)
        return own if own and own in (self.limits.image_roles or ()) else self.role_arn

    def _created(self, name: str, job: Mapping[str, Any]) -> bool:
        """Create a job, and return False where there is one of its name already."""
        with aws_errors(f"starting the processing job {name}"):
            try:
                self.sagemaker.create_processing_job(**job)
            except ClientError as error:
                if code_of(error) == "ResourceInUse":
                    return False
                if code_of(error) in ("ValidationException", "ValidationError"):
                    why = error.response["Error"].get("Message", "")
                    message = f"SageMaker refuses the processing job {name}: {why}"
                    raise InvalidInput("ProcessingJobRefused", message) from None
                raise
        return True

    # ---------------------------------------------------------------- the analyzer's image
    def _of_our_image(self, request: AnalysisRequest, wanted: Wanted) -> dict[str, Any]:
        """Return what makes a job of the analyzer's image: its request, and a list of objects for each bucket."""
        buckets: dict[str, list[str]] = {}
        placed = []
        for stored, path in wanted:
            bucket, key = s3_layout.split(stored.s3_uri)
            buckets.setdefault(bucket, []).append(key)
            place = PurePosixPath("objects", str(list(buckets).index(bucket)), key)
            placed.append(PlacedObject(downloaded=str(place), path=path, modified=stored.modified))
        document = JobRequest(request=request, objects=tuple(placed), allow_pickles=self.allow_pickles)
        uri = self._put(request, REQUEST_FILE.name, document.model_dump_json())
        inputs = [_input("request", uri, REQUEST_FILE.parent, "S3Prefix")]
        for number, (bucket, keys) in enumerate(buckets.items()):
            listed = self._put_list(request, f"objects-{number}", f"s3://{bucket}/", keys)
            inputs.append(_input(f"objects-{number}", listed, CONTRACT_ROOT / "objects" / str(number), "ManifestFile"))
        return {
            "ProcessingInputs": _bounded(inputs, request),
            "AppSpecification": {"ImageUri": self.image_uri},
            "Environment": {REQUEST_VARIABLE: str(REQUEST_FILE)},
        }

    # ---------------------------------------------------------------- a user's image
    def _of_users_image(self, request: AnalysisRequest, wanted: Wanted) -> dict[str, Any]:
        """Return what makes a job of a user's image, by SageMaker's bring-your-own-container contract."""
        parameters = request.processing or ProcessingParameters()
        source = parameters.input_local_path or str(request.settings.dataset_source)
        groups: dict[tuple[str, str], list[str]] = {}
        places: dict[Path, Path] = {}  # SageMaker keeps the names of objects, whatever a setting says
        for stored, path in wanted:
            place = PurePosixPath(path).parent / PurePosixPath(stored.s3_uri).name
            if str(place) != path:
                places[CONTRACT_ROOT / path] = Path(CONTRACT_ROOT / place)
            root, local, rest = _common_folders(stored.s3_uri, str(place))
            groups.setdefault((root, local), []).append(rest)
        inputs = []
        for number, ((root, local), names) in enumerate(groups.items()):
            listed = self._put_list(request, f"input-{number}", root, names)
            folder = CONTRACT_ROOT / local
            if folder.is_relative_to(request.settings.dataset_source):
                folder = Path(source) / folder.relative_to(request.settings.dataset_source)
            inputs.append(_input(f"input-{number}", listed, folder, "ManifestFile", parameters))
        for number, (name, text) in enumerate(request.files.items()):
            uri = self._put(request, name, text)
            inputs.append(_input(f"file-{number}", uri, (CONTRACT_ROOT / name).parent, "S3Prefix"))
        output = parameters.local_path or str(request.settings.output_path)
        moved = {name: places[value] for name, value in request.settings if isinstance(value, Path) and value in places}
        settings = request.settings.model_copy(
            update={
                **moved,
                "dataset_source": Path(source),
                "output_path": Path(output),
                "cloudwatch_metrics_directory": Path(output),
            }
        )
        command = {"ContainerEntrypoint": parameters.entrypoint, "ContainerArguments": parameters.arguments}
        return {
            "ProcessingInputs": _bounded(inputs, request),
            "AppSpecification": {"ImageUri": request.image_uri}
            | {name: list(words) for name, words in command.items() if words},
            "Environment": environment_of(settings),
        }

    # ---------------------------------------------------------------- what a job is given
    def _put_list(self, request: AnalysisRequest, name: str, folder: str, keys: Iterable[str]) -> str:
        """Write a list of objects in SageMaker's form: "S3DataSource" in its API reference."""
        return self._put(request, f"{name}.manifest", json.dumps([{"prefix": folder}, *dict.fromkeys(keys)]))

    def _put(self, request: AnalysisRequest, name: str, text: str) -> str:
        uri = s3_layout.join(self.requests, request.job_name or "", name)
        self.objects.write(text, uri)
        return uri


_NOT_THERE = {"ResourceNotFound", "ResourceNotFoundException", "ValidationException", "ValidationError"}
"""SageMaker's codes for a job that is not there, or that has ended."""


def _job(request: AnalysisRequest, role: str, owner: str, size: int) -> dict[str, Any]:
    """Return what jobs of all images have in common."""
    parameters = request.processing or ProcessingParameters()
    written = 2 if request.further_outputs else 1
    needed = math.ceil(size * written * _GROWTH / 1e9) + _SPARE_GIGABYTES
    cluster = {
        "InstanceType": parameters.instance_type or INSTANCE_TYPE,
        "InstanceCount": (parameters.instance_count or 1) if request.image_uri else 1,
        "VolumeSizeInGB": max(needed, parameters.volume_size_in_gb or 0),
        "VolumeKmsKeyId": parameters.volume_kms_key,
    }
    mode = parameters.s3_upload_mode or "EndOfJob"
    results = parameters.local_path if request.image_uri and parameters.local_path else str(CONTRACT_ROOT / "output")
    outputs = [_output("results", Path(results), request.output_s3_uri, mode)]
    outputs += [_output(f"further-{n}", *_place(each), mode) for n, each in enumerate(request.further_outputs)]
    job = {
        "ProcessingJobName": request.job_name,
        "RoleArn": role,
        "ProcessingResources": {"ClusterConfig": _given(cluster)},
        "ProcessingOutputConfig": _given({"Outputs": outputs, "KmsKeyId": parameters.output_kms_key}),
        "StoppingCondition": {"MaxRuntimeInSeconds": parameters.max_runtime_in_seconds or MAX_RUNTIME_SECONDS},
        "NetworkConfig": parameters.network_config,
        "Tags": [{"Key": key, "Value": value} for key, value in (parameters.tags | {OWNER_TAG: owner}).items()],
    }
    return _given(job)


def _place(output: AnalysisOutput) -> tuple[Path, str]:
    return CONTRACT_ROOT / output.path, output.s3_uri


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _input(
    name: str, uri: str, folder: Path, data_type: str, parameters: ProcessingParameters | None = None
) -> dict[str, Any]:
    source = {
        "S3Uri": uri,
        "LocalPath": str(folder),
        "S3DataType": data_type,
        "S3InputMode": (parameters and parameters.s3_input_mode) or "File",
        "S3DataDistributionType": (parameters and parameters.s3_data_distribution_type) or "FullyReplicated",
    }
    return {"InputName": name, "S3Input": source}


def _output(name: str, folder: Path, uri: str, mode: str) -> dict[str, Any]:
    return {"OutputName": name, "S3Output": {"S3Uri": uri, "LocalPath": str(folder), "S3UploadMode": mode}}


def _bounded(inputs: list[dict[str, Any]], request: AnalysisRequest) -> list[dict[str, Any]]:
    if len(inputs) > _MOST_INPUTS:
        message = (
            f"the input of {request.subject} is in {len(inputs)} places, but a processing job takes {_MOST_INPUTS}"
        )
        raise InvalidInput("TooManyInputs", f"{message}; keep it in fewer buckets and folders")
    return inputs


def _common_folders(uri: str, path: str) -> tuple[str, str, str]:
    """Return a folder in S3, the folder that SageMaker is to make of it, and the rest of a path that both share."""
    bucket, key = s3_layout.split(uri)
    in_s3, local = key.split("/"), path.split("/")
    shared = 0
    while shared < min(len(in_s3), len(local) - 1) and in_s3[-1 - shared] == local[-1 - shared]:
        shared += 1
    folder = "/".join(in_s3[: len(in_s3) - shared])
    root = f"s3://{bucket}/{folder}/" if folder else f"s3://{bucket}/"
    return root, "/".join(local[: len(local) - shared]), "/".join(in_s3[len(in_s3) - shared :])
