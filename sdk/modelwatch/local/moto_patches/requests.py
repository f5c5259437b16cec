"""Requests to the emulator.

moto's router and parsers find out which operation of which service a request calls, and with which parameters.
Nothing is replaced.
"""

from __future__ import annotations

import gzip
import io
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import UnknownServiceError
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.utils import get_service_model
from werkzeug.exceptions import HTTPException

_SERVICE_NAMES = {"monitoring": "cloudwatch"}  # services whose requests are signed with another name

_BODIES_ARE_DATA = ("s3", "sagemaker-runtime")


@dataclass(frozen=True, slots=True)
class Operation:
    """What a request calls.

    Attributes
    ----------
    service, action : str
        For example ``s3`` and ``PutObject``; the action is ``?`` if the request matches none.
    parameters : dict
        As boto3 names them. Where the body is data only those in the path, so that no object is read into memory, and
        the prefix of a listing.
    is_form : bool
        Whether the request is an HTML form, to which XML is the response.
    """

    service: str
    action: str
    parameters: dict[str, Any] = field(default_factory=dict)
    is_form: bool = False


def operation_of(environ: dict[str, Any]) -> Operation:
    """Return what a request calls; its body can be read again afterwards."""
    authorization = environ.get("HTTP_AUTHORIZATION", "")
    scope = authorization.partition("Credential=")[2].split(",")[0].split("/")
    signing_name = scope[3] if len(scope) == 5 else "s3"
    service = _SERVICE_NAMES.get(signing_name, signing_name)
    if service == "sagemaker" and environ["PATH_INFO"].endswith("invocations"):
        service = "sagemaker-runtime"  # signed with the name of another service
    body = io.BytesIO()
    if service not in _BODIES_ARE_DATA:
        body = io.BytesIO(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
        environ["wsgi.input"] = body
    is_compressed = environ.get("HTTP_CONTENT_ENCODING") == "gzip"  # PutMetricData with many metrics
    is_form = environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded")
    request = Request(dict(environ))
    try:
        operation, path_parameters = get_service_router(service).match(request)
    except (HTTPException, NotImplementedError, UnknownServiceError):
        return Operation(service, "?", is_form=is_form)
    finally:
        body.seek(0)
    parameters = dict(path_parameters)
    if service == "s3" and "prefix" in request.args:
        parameters["Prefix"] = request.args["prefix"]
    if service not in _BODIES_ARE_DATA:
        parser = PROTOCOL_PARSERS[determine_request_protocol(get_service_model(service), request.content_type)]
        parsed = parser(operation).parse(
            {
                "method": request.method,
                "values": request.values,
                "headers": request.headers,
                "body": gzip.decompress(body.getvalue()) if is_compressed else body.getvalue(),
                "url_path": request.path,
                "url_params": path_parameters,
            }
        )
        parameters |= dict(parsed)
    body.seek(0)
    return Operation(service, operation.name, parameters, is_form)
