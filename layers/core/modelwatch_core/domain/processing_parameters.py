"""How SageMaker would run an analysis as a processing job: kept for the hosts that run jobs."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from modelwatch_core.domain.documents import NonEmpty, Owned

_TAG_KEY, _TAG_VALUE = 128, 256
_NETWORK_CONFIG = frozenset({"EnableInterContainerTrafficEncryption", "EnableNetworkIsolation", "VpcConfig"})


class ProcessingParameters(Owned):
    """The parameters of a processing job, as the API reference of ``CreateProcessingJob`` bounds them.

    All of them are kept, shown by Describe and handed on by an update. A host that runs jobs or containers uses them;
    the Lambda host, which runs under a role, a network and keys of the deployment's own, uses none.

    Attributes
    ----------
    role_arn : str, optional
        The role that a job runs under.
    tags : dict of str to str
        At most 50.
    network_config : dict, optional
        In SageMaker's shape: ``EnableNetworkIsolation``, ``EnableInterContainerTrafficEncryption``, ``VpcConfig``.
    max_runtime_in_seconds : int, optional
        How long a job may run; a day at most.
    instance_type, instance_count, volume_size_in_gb : optional
        What a job runs on.
    output_kms_key, volume_kms_key : str, optional
        The keys of what a job writes, and of its disk.
    entrypoint, arguments : tuple of str, optional
        What a container is started with.
    input_local_path, local_path : str, optional
        Where a container finds its input, and where it leaves its output.
    s3_input_mode, s3_data_distribution_type, s3_upload_mode : str, optional
        How a job moves them.
    """

    role_arn: str | None = Field(
        default=None, min_length=20, max_length=2048, pattern=r"^arn:aws[a-z\-]*:iam::\d{12}:role/\S+$"
    )
    tags: dict[str, str] = Field(default_factory=dict, max_length=49)  # SageMaker takes 50, and one is ours
    network_config: dict[str, Any] | None = None
    max_runtime_in_seconds: int | None = Field(default=None, ge=1, le=24 * 60 * 60)
    instance_type: NonEmpty | None = None
    instance_count: int | None = Field(default=None, ge=1, le=100)
    volume_size_in_gb: int | None = Field(default=None, ge=1, le=16384)
    output_kms_key: NonEmpty | None = None
    volume_kms_key: NonEmpty | None = None
    entrypoint: tuple[str, ...] | None = Field(default=None, min_length=1, max_length=100)
    arguments: tuple[str, ...] | None = Field(default=None, min_length=1, max_length=100)
    input_local_path: NonEmpty | None = Field(default=None, max_length=256)
    local_path: NonEmpty | None = Field(default=None, max_length=256)
    s3_input_mode: Literal["File", "Pipe"] | None = None
    s3_data_distribution_type: Literal["FullyReplicated", "ShardedByS3Key"] | None = None
    s3_upload_mode: Literal["Continuous", "EndOfJob"] | None = None

    @field_validator("tags")
    @classmethod
    def _are_tags(cls, tags: dict[str, str]) -> dict[str, str]:
        if any(not 1 <= len(key) <= _TAG_KEY or len(value) > _TAG_VALUE for key, value in tags.items()):
            raise ValueError(f"a tag has a key of 1 to {_TAG_KEY} characters and a value of at most {_TAG_VALUE}")
        return tags

    @field_validator("network_config")
    @classmethod
    def _has_known_parts(cls, config: dict[str, Any] | None) -> dict[str, Any] | None:
        if unknown := sorted((config or {}).keys() - _NETWORK_CONFIG):
            raise ValueError(f"has {', '.join(unknown)}, but may only have {', '.join(sorted(_NETWORK_CONFIG))}")
        return config
