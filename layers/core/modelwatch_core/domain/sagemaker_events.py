"""SageMaker's events about the user's own jobs and model packages. They may come twice, late and out of order."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from modelwatch_core.domain.documents import Inbound, NonEmpty, Owned, S3Uri, UtcDatetime


class TransformJobStateChange(Inbound):
    """A batch transform job began, or ended."""

    detail_type: ClassVar[str] = "SageMaker Transform Job State Change"

    name: NonEmpty = Field(alias="TransformJobName")


class TransformJob(Owned):
    """A batch transform job that has ended, and captured.

    Attributes
    ----------
    data_captured_destination_s3_uri : str
        Below which its manifests are.
    """

    name: NonEmpty
    data_captured_destination_s3_uri: S3Uri
    started: UtcDatetime
    ended: UtcDatetime


class TrainingJobStateChange(Inbound):
    """A training job began, went on, or ended."""

    detail_type: ClassVar[str] = "SageMaker Training Job State Change"

    name: NonEmpty = Field(alias="TrainingJobName")
    channels: tuple[dict[str, Any], ...] | None = Field(default=None, alias="InputDataConfig")
    tags: dict[str, str] | None = Field(default=None, alias="Tags")

    def channel(self, name: str) -> str | None:
        """Return the S3 URI of a channel of the training data, or None."""
        for channel in self.channels or ():
            if channel.get("ChannelName") == name:
                uri = ((channel.get("DataSource") or {}).get("S3DataSource") or {}).get("S3Uri")
                return str(uri) if uri else None
        return None


class ModelPackageStateChange(Inbound):
    """A model package was made, approved or rejected."""

    detail_type: ClassVar[str] = "SageMaker Model Package State Change"

    arn: NonEmpty = Field(alias="ModelPackageArn")

    @property
    def name(self) -> str:
        """Its group and its version, as the name of a job may hold them."""
        return self.arn.partition(":model-package/")[2].replace("/", "-")
