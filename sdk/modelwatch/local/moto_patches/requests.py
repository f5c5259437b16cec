"""Requests to the emulator.

moto's router finds out which operation of which service a request calls. Nothing is replaced.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import UnknownServiceError
from moto.core.request import Request
from moto.core.routing import get_service_router
from werkzeug.exceptions import HTTPException

_SERVICE_NAMES = {"monitoring": "cloudwatch"}  # services whose requests are signed with another name


def operation_of(environ: Mapping[str, Any]) -> tuple[str, str]:
    """Return the service and the action of a request; the action is ``?`` if the request matches none."""
    authorization = environ.get("HTTP_AUTHORIZATION", "")
    scope = authorization.partition("Credential=")[2].split(",")[0].split("/")
    signing_name = scope[3] if len(scope) == 5 else "s3"
    service = _SERVICE_NAMES.get(signing_name, signing_name)
    if service == "sagemaker" and environ["PATH_INFO"].endswith("invocations"):
        service = "sagemaker-runtime"  # signed with the name of another service
    try:
        operation, _ = get_service_router(service).match(Request(dict(environ)))
    except (HTTPException, NotImplementedError, UnknownServiceError):
        return service, "?"
    return service, operation.name
