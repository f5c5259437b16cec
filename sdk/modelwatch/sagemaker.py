"""SageMaker's own clients, served by the app: ``modelwatch.sagemaker.connect``."""

from __future__ import annotations

import json
from functools import partial
from types import SimpleNamespace
from typing import Any

from modelwatch.app_client import AppClient, app_client
from modelwatch_core.domain.sagemaker_api.images import is_monitor_analyzer

_KINDS = ("DataQuality", "ModelQuality", "ModelBias", "ModelExplainability")

OPERATIONS = (
    *(f"{verb}{kind}JobDefinition" for kind in _KINDS for verb in ("Create", "Describe", "Delete")),
    *(f"List{kind}JobDefinitions" for kind in _KINDS),
    *(f"{verb}MonitoringSchedule" for verb in ("Create", "Update", "Describe", "Delete", "Start", "Stop")),
    "ListMonitoringSchedules",
    "ListMonitoringExecutions",
    *(f"{verb}ProcessingJob" for verb in ("Create", "Describe", "Stop")),
    "ListProcessingJobs",
    "ListMonitoringAlerts",
    "ListMonitoringAlertHistory",
    "UpdateMonitoringAlert",
    "ListTags",
    "AddTags",
    "DeleteTags",
)
"""The operations that the app serves. All others go on to AWS."""

Response = tuple[Any, dict[str, Any]]
_REFUSED, _FAILED = 400, 500


def connect(session_or_client: Any = None, *, app: AppClient | None = None) -> None:
    """Have the app serve the monitoring operations of a session's ``sagemaker`` clients.

    Requests and responses have SageMaker's shapes, and nothing is patched: botocore asks before it calls. What concerns
    processing jobs and tags that the app does not have goes on to AWS, as all other operations do.

    Parameters
    ----------
    session_or_client : boto3.Session, boto3 client, or a session of SageMaker's SDK, optional
        A boto3 session's clients that are made afterwards are connected, boto3's default session's if none is given;
        of a client or of a session of SageMaker's SDK, that client, which may exist already.
    app : AppClient, optional
        The app that serves them; by default that of ``modelwatch.app_client.app_client``, for a session with its
        credentials and region.

    Examples
    --------
    >>> import boto3, modelwatch.sagemaker
    >>> session = boto3.Session(region_name="eu-west-1")
    >>> modelwatch.sagemaker.connect(session)
    """
    import boto3

    client = getattr(session_or_client, "sagemaker_client", session_or_client)
    session: Any = getattr(session_or_client, "boto_session", None)
    events: Any
    if client is None:
        if boto3.DEFAULT_SESSION is None:
            boto3.setup_default_session()
        client = boto3.DEFAULT_SESSION
    if isinstance(client, boto3.Session):
        events, session = client.events, client
    else:
        events, session = client.meta.events, session or boto3.Session(region_name=client.meta.region_name)
    server = app or app_client(session)
    for operation in OPERATIONS:
        event = f"before-call.sagemaker.{operation}"
        events.register(event, partial(_respond, server), unique_id=f"modelwatch-{operation}")


def _respond(app: AppClient, model: Any, params: dict[str, Any], **_: Any) -> Response | None:
    """Serve a call as botocore's ``before-call`` wants it; None lets it go on to AWS."""
    from botocore.exceptions import ClientError

    parameters = json.loads(params["body"])
    if model.name == "CreateProcessingJob" and not is_monitor_analyzer(_image(parameters)):
        return None
    try:
        result = app.sagemaker(model.name, parameters)
    except ClientError as error:
        return _parsed(model, error.response["Error"], _FAILED)
    except ValueError as error:
        return _parsed(model, {"Code": "ValidationException", "Message": str(error)}, _REFUSED)
    if result.get("not_ours"):
        return None
    if refusal := result.get("error"):
        return _parsed(model, {"Code": refusal["code"], "Message": refusal["message"]}, _REFUSED)
    return _parsed(model, result["response"], 200)


def _image(parameters: dict[str, Any]) -> str:
    return str((parameters.get("AppSpecification") or {}).get("ImageUri"))


def _parsed(model: Any, document: Any, status: int) -> Response:
    """Return a response as botocore makes it of SageMaker's own JSON."""
    from botocore.parsers import create_parser

    body = {"__type": document.get("Code"), "message": document.get("Message")} if status >= _REFUSED else document
    raw = {"status_code": status, "headers": {"x-amzn-requestid": "modelwatch"}, "body": json.dumps(body).encode()}
    parsed = create_parser(model.service_model.metadata["protocol"]).parse(raw, model.output_shape)
    return SimpleNamespace(status_code=status, headers=raw["headers"]), parsed
