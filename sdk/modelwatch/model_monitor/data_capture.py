"""Data capture of an endpoint, at its deployment and afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from modelwatch.app_client import app_client
from modelwatch.arguments import flag, given, integer, listed, s3_uri, sagemaker_name
from modelwatch.model_monitor.progress import wait_for

CAPTURE_MODES = {"REQUEST": "Input", "RESPONSE": "Output"}
"""SageMaker's names of the sides of a capture, by those that its Python SDK has."""
_NOT_COPIED = frozenset(
    {"EndpointConfigName", "EndpointConfigArn", "CreationTime", "DataCaptureConfig", "ResponseMetadata"}
)
_LONGEST_NAME = 63


@dataclass(frozen=True)
class DataCaptureConfig:
    """What an endpoint keeps of its requests and responses, and where.

    Parameters
    ----------
    enable_capture : bool
    sampling_percentage : int
        How many of a hundred requests are captured, 0 to 100.
    destination_s3_uri : str
        Where captures go: a bucket that the deployment reads, one of its ``MonitoredBuckets``.
    kms_key_id : str, optional
        The key that captures are encrypted with.
    capture_options : sequence of {"REQUEST", "RESPONSE"}
        What is captured. Monitors need both, but for batch transform.
    csv_content_types, json_content_types : sequence of str, optional
        Content types that are kept as text; all others are kept as BASE64. SageMaker's own if not given: ``text/csv``
        and ``application/json``.
    sagemaker_session : optional
        For ``apply``; see ``modelwatch.app_client.app_client``.
    """

    enable_capture: bool = False
    sampling_percentage: int = 100
    destination_s3_uri: str | None = None
    kms_key_id: str | None = None
    capture_options: Sequence[str] = ("REQUEST", "RESPONSE")
    csv_content_types: Sequence[str] | None = None
    json_content_types: Sequence[str] | None = None
    sagemaker_session: Any = None

    def __post_init__(self) -> None:
        """Refuse what SageMaker would refuse."""
        flag("enable_capture", self.enable_capture)
        integer("sampling_percentage", self.sampling_percentage, 0, 100)
        s3_uri("destination_s3_uri", self.destination_s3_uri)
        for name in ("csv_content_types", "json_content_types"):
            if getattr(self, name) is not None:
                listed(name, getattr(self, name))
        options = self.capture_options
        if isinstance(options, str) or not options or not set(options) <= CAPTURE_MODES.keys():
            raise ValueError(f'capture_options must be a list of "REQUEST", "RESPONSE" or both, not {options!r}')

    def apply(self, endpoint_name: str, wait: bool = True, logs: bool = True) -> str:
        """Make a live endpoint capture: copy its configuration with this one, and update the endpoint to the copy.

        Where the update fails, the endpoint is put back on the configuration that it had.

        Parameters
        ----------
        endpoint_name : str
            An endpoint in service.
        wait : bool
            Whether to wait for the end of the update; without, a failure is not undone.
        logs : bool
            Whether a line is printed at each change of the endpoint's status.

        Returns
        -------
        str
            The name of the new endpoint configuration.

        Raises
        ------
        ValueError
            Where the endpoint is not in service: only such a one can be updated.
        RuntimeError
            Where the update failed, with SageMaker's reason.
        botocore.exceptions.ClientError
            What SageMaker returns, for instance of an endpoint that does not exist.
        """
        sagemaker = app_client(self.sagemaker_session).client("sagemaker")
        endpoint = sagemaker.describe_endpoint(EndpointName=sagemaker_name("endpoint_name", endpoint_name))
        if endpoint["EndpointStatus"] != "InService":
            status = endpoint["EndpointStatus"]
            raise ValueError(f"endpoint_name: {endpoint_name} is {status}; only an endpoint InService can be updated")
        old = endpoint["EndpointConfigName"]
        new = self._copied(sagemaker, old)
        try:
            sagemaker.update_endpoint(EndpointName=endpoint_name, EndpointConfigName=new)
        except BaseException:
            sagemaker.delete_endpoint_config(EndpointConfigName=new)
            raise
        if wait and (reason := _reason_of_failure(sagemaker, endpoint_name, new, show=logs)) is not None:
            _undo(sagemaker, endpoint_name, old, new)
            raise RuntimeError(f"data capture was not applied to {endpoint_name}: {reason}; it has {old} as before")
        return new

    def _copied(self, sagemaker: Any, name: str) -> str:
        """Make a copy of an endpoint configuration with this capture, and return its name."""
        old = sagemaker.describe_endpoint_config(EndpointConfigName=name)
        kept = {part: value for part, value in old.items() if part not in _NOT_COPIED and value}
        mark = f"-capture-{datetime.now(UTC):%Y%m%d%H%M%S%f}"
        new = f"{name.split('-capture-', maxsplit=1)[0][: _LONGEST_NAME - len(mark)]}{mark}"
        sagemaker.create_endpoint_config(EndpointConfigName=new, DataCaptureConfig=self._to_request_dict(), **kept)
        return new

    def _to_request_dict(self) -> dict[str, Any]:
        content_types = given(
            CsvContentTypes=self.csv_content_types and list(self.csv_content_types),
            JsonContentTypes=self.json_content_types and list(self.json_content_types),
        )
        return given(
            EnableCapture=self.enable_capture,
            InitialSamplingPercentage=self.sampling_percentage,
            DestinationS3Uri=self.destination_s3_uri,
            KmsKeyId=self.kms_key_id,
            CaptureOptions=[{"CaptureMode": CAPTURE_MODES[option]} for option in self.capture_options],
            CaptureContentTypeHeader=content_types or None,
        )


def _reason_of_failure(sagemaker: Any, endpoint_name: str, config_name: str, *, show: bool) -> str | None:
    """Wait for the end of an update, and return why it failed, or None where it did not."""
    seen: dict[str, Any] = {}

    def ask() -> tuple[str, bool]:
        seen.update(sagemaker.describe_endpoint(EndpointName=endpoint_name))
        return seen["EndpointStatus"], seen["EndpointStatus"] in ("InService", "Failed", "UpdateRollbackFailed")

    wait_for(f"endpoint {endpoint_name}", ask, show=show)
    if seen["EndpointStatus"] == "InService" and seen["EndpointConfigName"] == config_name:
        return None
    return str(seen.get("FailureReason") or f"it is {seen['EndpointStatus']} with {seen['EndpointConfigName']}")


def _undo(sagemaker: Any, endpoint_name: str, old: str, new: str) -> None:
    """Put an endpoint back on its configuration where SageMaker has not done so, and remove the new one."""
    if sagemaker.describe_endpoint(EndpointName=endpoint_name)["EndpointConfigName"] != old:
        sagemaker.update_endpoint(EndpointName=endpoint_name, EndpointConfigName=old)
    sagemaker.delete_endpoint_config(EndpointConfigName=new)
