"""``TransformJobs`` and ``ModelPackages`` in SageMaker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelwatch_core.adapters.aws.translation import aws_errors
from modelwatch_core.domain.sagemaker_events import TransformJob

if TYPE_CHECKING:
    from types_boto3_sagemaker.client import SageMakerClient


@dataclass(frozen=True, slots=True)
class SageMakerTransformJobs:
    """``TransformJobs`` in SageMaker."""

    sagemaker: SageMakerClient

    def find(self, name: str) -> TransformJob | None:
        """Return a job that has ended and captured."""
        with aws_errors(f"describing transform job {name}"):
            job = self.sagemaker.describe_transform_job(TransformJobName=name)
        destination = job.get("DataCaptureConfig", {}).get("DestinationS3Uri")
        started, ended = job.get("TransformStartTime"), job.get("TransformEndTime")
        if not destination or started is None or ended is None:
            return None
        return TransformJob(name=name, data_captured_destination_s3_uri=destination, started=started, ended=ended)


@dataclass(frozen=True, slots=True)
class SageMakerModelPackages:
    """``ModelPackages`` in SageMaker."""

    sagemaker: SageMakerClient

    def properties(self, arn: str) -> Mapping[str, str]:
        """Return what its owner noted at a model package."""
        with aws_errors(f"describing model package {arn}"):
            return self.sagemaker.describe_model_package(ModelPackageName=arn).get("CustomerMetadataProperties", {})
