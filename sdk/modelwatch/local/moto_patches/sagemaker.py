"""SageMaker.

moto describes an endpoint's data capture with the fields of its configuration instead of those of DescribeEndpoint,
so the sampling percentage and the status are lost. It overwrites an endpoint when its name is used again, deletes an
endpoint that is still being created, cannot update one, and emits no events. Its jobs are completed as soon as they
are created; processing jobs forget most of their request, and may have the name of another one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import moto.sagemaker.models as sagemaker_models
import moto.sagemaker.responses as sagemaker_responses
from moto.core.responses import ActionResult
from moto.core.utils import unix_time
from moto.sagemaker.exceptions import ResourceInUseException, ValidationError
from moto.sagemaker.responses import SageMakerResponse

from modelwatch.local.data_capture import CaptureConfig, is_enabled
from modelwatch.local.event_rules import aws_event
from modelwatch.local.moto_patches.events import send_to_default_bus
from modelwatch.local.moto_patches.hooks import ACCOUNT_ID, Hooks, Replacement


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A SageMaker endpoint.

    Attributes
    ----------
    status : str
        As DescribeEndpoint returns it, for instance ``InService``.
    models : Mapping
        The model's name for each variant.
    capture : CaptureConfig or None
        What it captures, if it does.
    """

    status: str
    models: Mapping[str, str]
    capture: CaptureConfig | None = None


def replacements(hooks: Hooks) -> list[Replacement]:
    """Return what is replaced in moto's SageMaker."""
    backend = sagemaker_models.SageMakerModelBackend
    original_create, original_delete = backend.create_endpoint, backend.delete_endpoint
    original_create_config = backend.create_endpoint_config

    def create_endpoint(self: Any, endpoint_name: str, *arguments: Any, **options: Any) -> Any:
        if endpoint_name in self.endpoints:
            arn = self.endpoints[endpoint_name].arn
            raise ValidationError(message=f'Cannot create already existing endpoint "{arn}".')
        endpoint = original_create(self, endpoint_name, *arguments, **options)
        hooks.endpoint_created(endpoint_name)
        return endpoint

    def create_endpoint_config(self: Any, endpoint_config_name: str, *arguments: Any, **options: Any) -> Any:
        if endpoint_config_name in self.endpoint_configs:
            arn = self.endpoint_configs[endpoint_config_name].endpoint_config_arn
            raise ValidationError(message=f'Cannot create already existing endpoint configuration "{arn}".')
        return original_create_config(self, endpoint_config_name, *arguments, **options)

    def update_endpoint(self: Any) -> ActionResult:
        name, config_name = self._get_param("EndpointName"), self._get_param("EndpointConfigName")
        moto = self.sagemaker_backend
        status = moto.describe_endpoint(name)["EndpointStatus"]
        arn = moto.endpoints[name].arn
        if status != "InService":
            raise ValidationError(message=f'Cannot update in-progress endpoint "{arn}".')
        if config_name not in moto.endpoint_configs:
            raise ValidationError(message=f'Could not find endpoint configuration "{config_name}".')
        hooks.endpoint_updated(name, config_name)
        return ActionResult({"EndpointArn": arn})

    def delete_endpoint(self: Any, endpoint_name: str) -> None:
        endpoint = self.endpoints.get(endpoint_name)
        if endpoint is not None and endpoint.endpoint_status in ("Creating", "Updating"):
            raise ValidationError(message=f'Cannot update in-progress endpoint "{endpoint.arn}".')
        original_delete(self, endpoint_name)
        _announce_endpoint(endpoint, "Deleted", now=hooks.now(), region=self.region_name)  # moto found it

    return [
        *_of_jobs(hooks),
        *_of_processing_jobs(hooks),
        Replacement(backend, "create_endpoint", create_endpoint),
        Replacement(backend, "create_endpoint_config", create_endpoint_config),
        Replacement(backend, "delete_endpoint", delete_endpoint),
        Replacement(sagemaker_models.FakeEndpoint, "response_object", _endpoint_description()),
        Replacement(SageMakerResponse, "update_endpoint", update_endpoint, is_new=True),
    ]


def _of_jobs(hooks: Hooks) -> list[Replacement]:
    """Return the operations after which SageMaker reports a job that is completed, or a model package."""
    backend = sagemaker_models.SageMakerModelBackend
    original_transform, original_training = backend.create_transform_job, backend.create_training_job
    original_package, original_update_package = backend.create_model_package, backend.update_model_package

    def create_transform_job(self: Any, *arguments: Any, **options: Any) -> Any:
        job = original_transform(self, *arguments, **options)
        detail = {
            "TransformJobName": job.transform_job_name,
            "TransformJobArn": job.arn,
            "TransformJobStatus": job.transform_job_status,
            "ModelName": job.model_name,
        }
        _announce("Transform Job", job.arn, detail, now=hooks.now(), region=self.region_name)
        return job

    def create_training_job(self: Any, *arguments: Any, **options: Any) -> Any:
        job = original_training(self, *arguments, **options)
        detail = {
            "TrainingJobName": job.training_job_name,
            "TrainingJobArn": job.arn,
            "TrainingJobStatus": job.training_job_status,
            "InputDataConfig": job.input_data_config,
            "Tags": _by_key(job.tags),
        }
        _announce("Training Job", job.arn, detail, now=hooks.now(), region=self.region_name)
        return job

    def create_model_package(self: Any, *arguments: Any, **options: Any) -> str:
        arn: str = original_package(self, *arguments, **options)
        _announce_package(self, arn, hooks.now())
        return arn

    def update_model_package(self: Any, *arguments: Any, **options: Any) -> str:
        arn: str = original_update_package(self, *arguments, **options)
        _announce_package(self, arn, hooks.now())
        return arn

    return [
        Replacement(backend, "create_transform_job", create_transform_job),
        Replacement(backend, "create_training_job", create_training_job),
        Replacement(backend, "create_model_package", create_model_package),
        Replacement(backend, "update_model_package", update_model_package),
    ]


def _of_processing_jobs(hooks: Hooks) -> list[Replacement]:
    backend, responses = sagemaker_models.SageMakerModelBackend, sagemaker_responses.SageMakerResponse
    original_create_job = responses.create_processing_job
    original_stop_job = backend.stop_processing_job

    def create_processing_job(self: Any) -> Any:
        request = {name: value for name in _JOB_REQUEST if (value := self._get_param(name)) is not None}
        name = request["ProcessingJobName"]
        jobs = self.sagemaker_backend.processing_jobs
        if name in jobs:
            raise ResourceInUseException(message=f"Job name must be unique within an AWS account and region: {name}.")
        response = original_create_job(self)
        job = jobs[name]
        job.processing_job_status, job.processing_end_time = "InProgress", None
        job.processing_resources, job.environment = request["ProcessingResources"], request.get("Environment")
        hooks.processing_job_created(name, request)
        return response

    def stop_processing_job(self: Any, processing_job_name: str) -> None:
        job = self.processing_jobs.get(processing_job_name)
        if job is None:
            original_stop_job(self, processing_job_name)  # which raises
        elif hooks.processing_job_stopped(processing_job_name):
            job.processing_job_status = "Stopping"
        else:
            raise ValidationError(message="The request was rejected because the processing job is not running.")

    return [
        Replacement(responses, "create_processing_job", create_processing_job),
        Replacement(backend, "stop_processing_job", stop_processing_job),
    ]


def find_endpoint(name: str, region: str) -> Endpoint | None:
    """Return an endpoint, or None if there is none of this name."""
    backend = sagemaker_models.sagemaker_backends[ACCOUNT_ID][region]
    endpoint = backend.endpoints.get(name)
    if not endpoint:
        return None
    models = models_of(endpoint.endpoint_config_name, region)
    return Endpoint(endpoint.endpoint_status, models, CaptureConfig.of(endpoint.data_capture_config or {}))


def models_of(config_name: str, region: str) -> dict[str, str]:
    """Return the model's name for each variant of an endpoint configuration; none if there is no such configuration."""
    config = sagemaker_models.sagemaker_backends[ACCOUNT_ID][region].endpoint_configs.get(config_name)
    variants = config.production_variants if config else []
    return {variant["VariantName"]: variant.get("ModelName", "") for variant in variants}


def set_endpoint_config(name: str, region: str, config_name: str) -> None:
    """Have an endpoint use another configuration, as long as both exist."""
    backend = sagemaker_models.sagemaker_backends[ACCOUNT_ID][region]
    endpoint, config = backend.endpoints.get(name), backend.endpoint_configs.get(config_name)
    if endpoint is None or config is None:
        return
    endpoint.endpoint_config_name, endpoint.data_capture_config = config_name, config.data_capture_config
    endpoint.production_variants = endpoint._process_production_variants(config.production_variants)  # noqa: SLF001 - as at its creation


def set_endpoint_status(
    name: str, region: str, status: str, *, now: datetime, failure_reason: str | None = None
) -> None:
    """Set the status of an endpoint, if it still exists, and send the event of the change to the default bus."""
    endpoint = sagemaker_models.sagemaker_backends[ACCOUNT_ID][region].endpoints.get(name)
    if endpoint is None:
        return
    endpoint.failure_reason, endpoint.endpoint_status = failure_reason, status
    endpoint.last_modified_time = datetime.now(UTC).replace(tzinfo=None)
    _announce_endpoint(endpoint, status, now=now, region=region)


def _announce_endpoint(endpoint: Any, status: str, *, now: datetime, region: str) -> None:
    variants = [
        {
            "DesiredWeight": variant.get("DesiredWeight", 1.0),
            "DesiredInstanceCount": variant.get("DesiredInstanceCount", 1),
        }
        for variant in endpoint.production_variants
    ]
    detail = {
        "EndpointName": endpoint.endpoint_name,
        "EndpointArn": endpoint.arn,
        "EndpointConfigName": endpoint.endpoint_config_name,
        "ProductionVariants": variants,
        "EndpointStatus": "IN_SERVICE" if status == "InService" else status.upper(),  # as events spell it
        "CreationTime": 1000 * unix_time(endpoint.creation_time),
        "LastModifiedTime": 1000 * unix_time(endpoint.last_modified_time),
        "Tags": _by_key(endpoint.tags),
    }
    _announce("Endpoint", endpoint.arn, detail, now=now, region=region)


def _announce_package(backend: Any, arn: str, now: datetime) -> None:
    package = backend.model_packages[backend.model_package_name_mapping.get(arn, arn)]
    detail = {
        "ModelPackageGroupName": package.model_package_group_name,
        "ModelPackageVersion": package.model_package_version,
        "ModelPackageArn": arn,
        "ModelPackageStatus": package.model_package_status,
        "ModelApprovalStatus": package.model_approval_status,
    }
    _announce("Model Package", arn, detail, now=now, region=backend.region_name)


def _announce(kind: str, arn: str, detail: Mapping[str, Any], *, now: datetime, region: str) -> None:
    """Send SageMaker's event of a change of state to the default bus."""
    detail_type = f"SageMaker {kind} State Change"
    send_to_default_bus(
        aws_event("aws.sagemaker", detail_type, detail, account=ACCOUNT_ID, region=region, arn=arn, now=now)
    )


_JOB_REQUEST = (
    "AppSpecification",
    "Environment",
    "NetworkConfig",
    "ProcessingInputs",
    "ProcessingJobName",
    "ProcessingOutputConfig",
    "ProcessingResources",
    "RoleArn",
    "StoppingCondition",
    "Tags",
)


def tags_of_processing_job(name: str, region: str) -> dict[str, str]:
    """Return the tags of a processing job; of one that is not there none."""
    job = sagemaker_models.sagemaker_backends[ACCOUNT_ID][region].processing_jobs.get(name)
    return _by_key(job.tags) if job else {}


def _by_key(tags: list[dict[str, str]] | None) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags or ()}


def set_processing_job_status(
    name: str,
    region: str,
    status: str,
    *,
    now: datetime,
    exit_message: str | None = None,
    failure_reason: str | None = None,
) -> None:
    """Set the status of a processing job, and send the event of the change to the default bus."""
    job = sagemaker_models.sagemaker_backends[ACCOUNT_ID][region].processing_jobs[name]
    job.processing_job_status, job.exit_message, job.failure_reason = status, exit_message, failure_reason
    job.last_modified_time = datetime.now(UTC).replace(tzinfo=None)
    if status == "InProgress":
        job.processing_start_time = job.last_modified_time
    else:
        job.processing_end_time = job.last_modified_time
    described = {key: value for key, value in job.response_object.items() if value is not None}
    detail = {
        key: int(1000 * unix_time(value)) if isinstance(value, datetime) else value for key, value in described.items()
    }
    detail["Tags"] = tags_of_processing_job(name, region)
    _announce("Processing Job", job.arn, detail, now=now, region=region)


def _endpoint_description() -> property:
    original = sagemaker_models.FakeEndpoint.response_object.fget

    def response_object(self: Any) -> dict[str, Any]:
        response: dict[str, Any] = original(self)
        config = response.pop("DataCaptureConfig", None)
        if config:
            enabled = is_enabled(config)
            response["DataCaptureConfig"] = {
                "EnableCapture": enabled,
                "CaptureStatus": "Started" if enabled else "Stopped",
                "CurrentSamplingPercentage": config["InitialSamplingPercentage"],
                "DestinationS3Uri": config["DestinationS3Uri"],
                "KmsKeyId": config.get("KmsKeyId", ""),
            }
        return response

    return property(response_object)
