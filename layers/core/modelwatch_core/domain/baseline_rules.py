"""Which baseline a training job or a model package asks for: its owner notes the parameters at it.

They are tags of a training job, and ``CustomerMetadataProperties`` of a model package (whose versions take no tags):
``modelwatch:`` and the name of a parameter of ``BaselineRequest``, for instance ``modelwatch:baseline_dataset_s3_uri``
and ``modelwatch:dataset_format``. Without the former nothing is asked for. A training job may name one of its channels
instead, ``modelwatch:baseline_channel``.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from modelwatch_core.domain.baselining_job import BaselineRequest
from modelwatch_core.domain.documents import parsed
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.sagemaker_events import TrainingJobStateChange

PREFIX = "modelwatch:"
CHANNEL, DATASET, FORMAT = "baseline_channel", "baseline_dataset_s3_uri", "dataset_format"
FORMATS: Mapping[str, dict[str, Any]] = {
    "csv": {"csv": {"header": True}},
    "csv-without-header": {"csv": {"header": False}},
    "json": {"json": {"lines": False}},
    "json-lines": {"json": {"lines": True}},
    "parquet": {"parquet": {}},
}
"""What a tag calls the formats of a dataset: tags hold no braces."""


def noted_parameters(properties: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters among tags or properties."""
    return {key.removeprefix(PREFIX): value for key, value in properties.items() if key.startswith(PREFIX)}


def of_training_job(job: TrainingJobStateChange) -> dict[str, str]:
    """Return the parameters that a training job has.

    Raises
    ------
    InvalidInput
        ``ChannelNotFound``.
    """
    parameters = noted_parameters(job.tags or {})
    channel = parameters.pop(CHANNEL, None)
    if channel is None:
        return parameters
    uri = job.channel(channel)
    if uri is None:
        message = f"the training job {job.name} has no channel {channel} in S3; correct its tag {PREFIX}{CHANNEL}"
        raise InvalidInput("ChannelNotFound", message)
    return {DATASET: uri} | parameters


_LONGEST = 54
"""The most characters of a job's or package's name with which that of a baselining job begins: it may have 63 with
``-baseline``."""


def baseline_request(name: str, parameters: Mapping[str, str]) -> BaselineRequest | None:
    """Return the request for the baseline of a training job or model package; None where it asks for none.

    Parameters
    ----------
    name : str
        The name of the job or package; that of the baselining job begins with it.

    Raises
    ------
    InvalidInput
        ``InvalidParameter`` for parameters that no baseline has, or values that it refuses.
    """
    if DATASET not in parameters:
        return None
    format_name = parameters.get(FORMAT, "")
    if format_name not in FORMATS:
        message = f"{PREFIX}{FORMAT} of {name}: {format_name!r} is not one of {', '.join(FORMATS)}"
        raise InvalidInput("InvalidParameter", message)
    given = {**parameters, FORMAT: FORMATS[format_name], "baselining_job_name": f"{_shortened(name)}-baseline"}
    return parsed(BaselineRequest, given)


def _shortened(name: str) -> str:
    """Return a name of at most 54 characters: of a longer one the beginning, and a hash."""
    if len(name) <= _LONGEST:
        return name
    return f"{name[: _LONGEST - 9].rstrip('-')}-{sha256(name.encode()).hexdigest()[:8]}"
