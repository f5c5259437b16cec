"""What is monitored, and where its results go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self

from modelwatch.arguments import choice, duration, given, s3_uri, sagemaker_name, text
from modelwatch.model_monitor.dataset_format import DatasetFormatDocument, as_app_reads_it

INPUT_MODES = ("File", "Pipe")
DISTRIBUTIONS = ("FullyReplicated", "ShardedByS3Key")
UPLOAD_MODES = ("EndOfJob", "Continuous")

_INPUT_PATH = "/opt/ml/processing/input/endpoint"
_OUTPUT_PATH = "/opt/ml/processing/output"


@dataclass(frozen=True, kw_only=True)
class MonitoredInput:
    """What the captures of endpoints and of transform jobs have in common.

    Attributes
    ----------
    start_time_offset, end_time_offset : str, optional
        Where the window of an execution begins and ends, before its scheduled time: ISO 8601 durations, ``-PT2H``.
    probability_threshold_attribute : float, optional
        A probability above it predicts the positive class.
    exclude_features_attribute : str, optional
        Names of features to leave out, with commas.
    """

    start_time_offset: str | None = None
    end_time_offset: str | None = None
    probability_threshold_attribute: float | None = None
    exclude_features_attribute: str | None = None

    def __post_init__(self) -> None:
        """Refuse what no schedule would take."""
        choice("s3_input_mode", self._value("s3_input_mode"), INPUT_MODES)
        choice("s3_data_distribution_type", self._value("s3_data_distribution_type"), DISTRIBUTIONS)
        text("destination", self._value("destination"))
        for name in ("features_attribute", "inference_attribute", "probability_attribute"):
            if self._value(name) is not None:
                text(name, self._value(name))
        for name in ("start_time_offset", "end_time_offset"):
            if self._value(name) is not None:
                duration(name, self._value(name))

    @property
    def processing(self) -> dict[str, Any]:
        """How a processing job would be given it: kept by the app for hosts that run jobs."""
        return {
            "input_local_path": self._value("destination"),
            "s3_input_mode": self._value("s3_input_mode"),
            "s3_data_distribution_type": self._value("s3_data_distribution_type"),
        }

    @property
    def attributes(self) -> dict[str, Any]:
        """The attributes and offsets that are given, with the app's names."""
        names = [each.name for each in fields(self) if each.name.endswith(("_attribute", "_offset"))]
        return given(**{name: self._value(name) for name in names})

    def with_defaults(self, attributes: Mapping[str, Any]) -> Self:
        """Return the input with attributes that are not given."""
        return replace(self, **{name: value for name, value in attributes.items() if self._value(name) is None})

    def _request(self) -> dict[str, Any]:
        request = {
            "LocalPath": self._value("destination"),
            "S3InputMode": self._value("s3_input_mode"),
            "S3DataDistributionType": self._value("s3_data_distribution_type"),
        }
        return request | {"".join(map(str.title, name.split("_"))): value for name, value in self.attributes.items()}

    def _value(self, name: str) -> Any:
        return getattr(self, name)


@dataclass(frozen=True)
class EndpointInput(MonitoredInput):
    """The captures of an endpoint; data capture must be enabled at it.

    Parameters
    ----------
    endpoint_name : str
        The endpoint.
    destination : str
        Where a container finds the data. Hosts that run containers use it; the Lambda host keeps and shows it.
    s3_input_mode : {"File", "Pipe"}
    s3_data_distribution_type : {"FullyReplicated", "ShardedByS3Key"}
        How a processing job is given the data: kept and shown, as ``destination``.
    features_attribute, inference_attribute, probability_attribute : str, optional
        Where a record has its features, its prediction and its probabilities: JMESPath expressions for JSON, indices of
        columns for CSV payloads.

    Notes
    -----
    Offsets and attributes of ``MonitoredInput`` are given by keyword only.

    Examples
    --------
    >>> EndpointInput("my-endpoint", inference_attribute="prediction").as_app_reads_it()
    {'endpoint_name': 'my-endpoint', 'inference_attribute': 'prediction'}
    """

    endpoint_name: str
    destination: str = _INPUT_PATH
    s3_input_mode: str = "File"
    s3_data_distribution_type: str = "FullyReplicated"
    features_attribute: str | None = None
    inference_attribute: str | None = None
    probability_attribute: str | None = None

    def __post_init__(self) -> None:
        """Refuse what no schedule would take."""
        sagemaker_name("endpoint_name", self.endpoint_name)
        super().__post_init__()

    def as_app_reads_it(self) -> dict[str, Any]:
        """Return the input with the app's names."""
        return {"endpoint_name": self.endpoint_name} | self.attributes

    def _to_request_dict(self) -> dict[str, Any]:
        return {"EndpointInput": {"EndpointName": self.endpoint_name} | self._request()}


@dataclass(frozen=True)
class BatchTransformInput(MonitoredInput):
    """The captures of batch transform jobs.

    Parameters
    ----------
    data_captured_destination_s3_uri : str
        Where the jobs' data capture writes.
    destination : str
        Where a container finds the data; see ``EndpointInput``, also for the parameters that are not named here.
    dataset_format : dict
        The format of the data, as ``MonitoringDatasetFormat`` or ``DatasetFormat`` make it.
    s3_input_mode, s3_data_distribution_type : str
        Kept and shown by describe; see ``EndpointInput``.
    features_attribute, inference_attribute, probability_attribute : str, optional
        See ``EndpointInput``.
    """

    data_captured_destination_s3_uri: str
    destination: str
    dataset_format: DatasetFormatDocument
    s3_input_mode: str = "File"
    s3_data_distribution_type: str = "FullyReplicated"
    features_attribute: str | None = None
    inference_attribute: str | None = None
    probability_attribute: str | None = None

    def __post_init__(self) -> None:
        """Refuse what no schedule would take."""
        s3_uri("data_captured_destination_s3_uri", self.data_captured_destination_s3_uri)
        as_app_reads_it(self.dataset_format)
        super().__post_init__()

    def as_app_reads_it(self) -> dict[str, Any]:
        """Return the input with the app's names."""
        return {
            "data_captured_destination_s3_uri": self.data_captured_destination_s3_uri,
            "dataset_format": as_app_reads_it(self.dataset_format),
        } | self.attributes

    def _to_request_dict(self) -> dict[str, Any]:
        captured = {"DataCapturedDestinationS3Uri": self.data_captured_destination_s3_uri}
        return {"BatchTransformInput": captured | {"DatasetFormat": self.dataset_format} | self._request()}


@dataclass(frozen=True)
class MonitoringOutput:
    """Where the results of executions go.

    Parameters
    ----------
    source : str
        Where a container leaves them. Hosts that run containers use it; the Lambda host keeps and shows it.
    destination : str, optional
        The S3 URI below which results are kept, in the results bucket or in one of the deployment's ``OutputBuckets``;
        by default a folder of the results bucket.
    s3_upload_mode : {"EndOfJob", "Continuous"}
        When a processing job uploads: kept and shown. The Lambda host uploads at the end.
    """

    source: str = _OUTPUT_PATH
    destination: str | None = None
    s3_upload_mode: str = "EndOfJob"

    def __post_init__(self) -> None:
        """Refuse what no schedule would take."""
        if text("source", self.source).startswith("s3://"):
            raise ValueError(f"source: {self.source!r} is not a path in a container; give it as destination=...")
        choice("s3_upload_mode", self.s3_upload_mode, UPLOAD_MODES)
        if self.destination is not None:
            s3_uri("destination", self.destination)

    @property
    def processing(self) -> dict[str, Any]:
        """How a processing job would upload it."""
        return {"local_path": self.source, "s3_upload_mode": self.s3_upload_mode}

    def _to_request_dict(self) -> dict[str, Any]:
        location = given(S3Uri=self.destination, LocalPath=self.source, S3UploadMode=self.s3_upload_mode)
        return {"S3Output": location}
