"""``modelwatch capture enable`` and ``disable``: data capture of a live endpoint."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from modelwatch.app_client import AppClient
from modelwatch.cli.app_options import AppOptions
from modelwatch.cli.option_groups import takes_option_groups
from modelwatch.cli.options import AsJson, examples
from modelwatch.cli.responses import print_response
from modelwatch.model_monitor.data_capture import CAPTURE_MODES, DataCaptureConfig
from modelwatch_core.domain.errors import InvalidInput, Upstream

ENABLE_EXAMPLE = examples("modelwatch capture enable my-endpoint --destination-s3-uri s3://my-bucket/capture")
DISABLE_EXAMPLE = examples("modelwatch capture disable my-endpoint")

EndpointName = Annotated[str, typer.Argument(metavar="ENDPOINT", help="The endpoint's name; it must be InService.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Do not wait for the update; a failed one is then not undone.")]


@takes_option_groups
def enable(
    endpoint_name: EndpointName,
    destination_s3_uri: Annotated[
        str | None,
        typer.Option(metavar="S3URI", help="The folder for captures; by default the one used before."),
    ] = None,
    sampling_percentage: Annotated[
        int | None,
        typer.Option(
            metavar="PERCENT",
            min=0,
            max=100,
            help="The percentage of requests to capture; by default the one used before, or 100.",
        ),
    ] = None,
    no_wait: NoWait = False,
    as_json: AsJson = False,
    *,
    options: AppOptions,
) -> None:
    """Switch on data capture for a live endpoint: its configuration is copied, and the endpoint is updated.

    The key, the content types and the sides of its earlier captures are kept: only requests, only responses, or both.
    """
    with options.app(doing=None) as app:
        present = _present(app, endpoint_name)
        destination = destination_s3_uri or present.get("DestinationS3Uri")
        if not destination:
            message = f"--destination-s3-uri: {endpoint_name} has no folder for captures yet; give one in S3"
            raise InvalidInput("InvalidParameter", message)
        sampling = present.get("InitialSamplingPercentage", 100) if sampling_percentage is None else sampling_percentage
        config = DataCaptureConfig(True, sampling, destination, **_kept(present), sagemaker_session=app)
        _apply(config, endpoint_name, f"captures to {destination}", no_wait=no_wait, as_json=as_json)


@takes_option_groups
def disable(
    endpoint_name: EndpointName, no_wait: NoWait = False, as_json: AsJson = False, *, options: AppOptions
) -> None:
    """Switch off data capture for a live endpoint; its captures are kept, and capture can be enabled again."""
    with options.app(doing=None) as app:
        present = _present(app, endpoint_name)
        if not present.get("EnableCapture"):
            raise InvalidInput("InvalidParameter", f"{endpoint_name} does not capture; there is nothing to disable")
        sampling, destination = present["InitialSamplingPercentage"], present["DestinationS3Uri"]
        config = DataCaptureConfig(False, sampling, destination, **_kept(present), sagemaker_session=app)
        _apply(config, endpoint_name, "no longer captures", no_wait=no_wait, as_json=as_json)


def _present(app: AppClient, endpoint_name: str) -> dict[str, Any]:
    """Return the data capture that an endpoint's configuration has; empty if it has none.

    Raises
    ------
    InvalidInput
        ``EndpointNotFound``.
    """
    from modelwatch_core.adapters.aws.translation import SAGEMAKER_REFUSAL, response_or_none

    sagemaker = app.client("sagemaker")
    endpoint = response_or_none(lambda: sagemaker.describe_endpoint(EndpointName=endpoint_name), SAGEMAKER_REFUSAL)
    if endpoint is None:
        raise InvalidInput("EndpointNotFound", f"there is no endpoint {endpoint_name} in this account and region")
    config = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    found: dict[str, Any] = config.get("DataCaptureConfig") or {}
    return found


def _kept(present: dict[str, Any]) -> dict[str, Any]:
    """Return what the commands do not change of a data capture: without its key, data would be stored under another."""
    content_types = present.get("CaptureContentTypeHeader") or {}
    modes = {option["CaptureMode"] for option in present.get("CaptureOptions", ())}
    sides = [side for side, mode in CAPTURE_MODES.items() if {mode, "InputAndOutput"} & modes]
    return {
        "capture_options": sides or list(CAPTURE_MODES),
        "kms_key_id": present.get("KmsKeyId"),
        "csv_content_types": content_types.get("CsvContentTypes"),
        "json_content_types": content_types.get("JsonContentTypes"),
    }


def _apply(config: DataCaptureConfig, endpoint_name: str, what: str, *, no_wait: bool, as_json: bool) -> None:
    try:
        name = config.apply(endpoint_name, wait=not no_wait, logs=not as_json)
    except RuntimeError as error:
        raise Upstream("EndpointNotUpdated", str(error)) from None
    print_response(
        {"EndpointName": endpoint_name, "EndpointConfigName": name},
        [f"{endpoint_name} {what}; its new configuration is {name}."],
        as_json=as_json,
    )
