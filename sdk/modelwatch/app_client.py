"""The deployed app, found by the name of its stack and called through its Lambda functions.

AWS_ENDPOINT_URL leads to a local stack as it leads any boto3 client there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from modelwatch_core.domain.sagemaker_api.errors import SAGEMAKER_CODES

if TYPE_CHECKING:
    import boto3

STACK_VARIABLE = "MODELWATCH_STACK"
DEFAULT_STACK = "modelwatch"

_REFUSALS = frozenset({"InvalidInput", "ValidationError"})
_FUNCTION_SECONDS = 330
"""Longer than any function that is called here may take: boto3 would call it again while the first call still runs."""


class AppClient:
    """The app of one stack, called with the credentials and in the region of a boto3 session.

    Parameters
    ----------
    session : boto3.Session
    stack_name : str
        The CloudFormation stack that template.yaml was deployed as.
    """

    def __init__(self, session: boto3.Session, stack_name: str) -> None:
        self.session = session
        self.stack_name = stack_name
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """Return a boto3 client of a service; there is one of each."""
        if service not in self._clients:
            from botocore.config import Config

            config = Config(read_timeout=_FUNCTION_SECONDS, retries={"mode": "standard"})
            session: Any = self.session
            self._clients[service] = session.client(service, config=config)
        return self._clients[service]

    @property
    def region(self) -> str:
        """The region of the session."""
        return str(self.client("lambda").meta.region_name)

    @property
    def account_id(self) -> str:
        """The account of the stack."""
        return str(self._stack["StackId"].split(":")[4])

    @property
    def partition(self) -> str:
        """``aws``, or that of another group of regions."""
        return str(self._stack["StackId"].split(":")[1])

    @property
    def sagemaker_arns(self) -> str:
        """How SageMaker's ARNs of the stack's account and region begin."""
        return f"arn:{self.partition}:sagemaker:{self.region}:{self.account_id}"

    @property
    def results(self) -> str:
        """The S3 URI of the bucket that results go to by default."""
        return f"s3://{self._output('ResultsBucketName')}"

    @property
    def now(self) -> datetime:
        """The time by the clock of AWS, or of the local stack, which may be ahead of this machine's."""
        return time_of(self.client("cloudformation").describe_stacks(StackName=self.stack_name))

    def manage(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Carry out an operation on monitors.

        Raises
        ------
        ValueError
            Where the app refuses what was given.
        botocore.exceptions.ClientError
            Where a resource is not there, is in use, or a service failed; ``Error.Code`` says which.
        """
        return self._invoke("ManageMonitorsFunction", operation, {"operation": operation, "parameters": parameters})

    def pages(self, operation: str, result: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        """Yield the records of all pages of a listing."""
        while True:
            response = self.manage(operation, **parameters)
            yield from response[result]
            if not response.get("next_token"):
                return
            parameters["next_token"] = response["next_token"]

    def create_baseline(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Start a baselining job and return its record; see ``manage`` for what is raised."""
        return self._invoke("CreateBaselineFunction", "CreateBaseliningJob", request)

    def sagemaker(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return the app's response to a request of SageMaker's API, both as its JSON has them.

        Returns
        -------
        dict
            ``response``, ``error`` or ``not_ours``.
        """
        output = "CreateBaselineFunction" if operation == "CreateProcessingJob" else "ManageMonitorsFunction"
        return self._invoke(output, operation, {"api": "sagemaker", "operation": operation, "parameters": parameters})

    def launch(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Request an execution and return its record; see ``manage`` for what is raised."""
        response = self._invoke("LaunchExecutionFunction", "LaunchExecution", request)
        if refusal := response.get("refusal"):
            raise _error("LaunchExecution", "InvalidInput", refusal["code"], refusal["message"])
        execution: dict[str, Any] = response["execution"]
        return execution

    @cached_property
    def _stack(self) -> Mapping[str, Any]:
        from botocore.exceptions import ClientError

        try:
            (stack,) = self.client("cloudformation").describe_stacks(StackName=self.stack_name)["Stacks"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationError":
                raise
            message = (
                f"there is no stack {self.stack_name!r} in {self.region}; deploy the app, or name its stack"
                f" in {STACK_VARIABLE}, and its region in AWS_DEFAULT_REGION"
            )
            raise _error("DescribeStacks", "InvalidInput", "StackNotFound", message) from None
        found: Mapping[str, Any] = stack
        return found

    def _output(self, name: str) -> str:
        outputs = {each["OutputKey"]: each["OutputValue"] for each in self._stack.get("Outputs", ())}
        if name not in outputs:
            message = f"the stack {self.stack_name} has no output {name}; deploy this version of the app"
            raise _error("DescribeStacks", "InvalidInput", "OutputMissing", message)
        return str(outputs[name])

    def _invoke(self, output: str, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        body = json.dumps(payload, default=_of_numpy).encode()
        response = self.client("lambda").invoke(FunctionName=self._output(output), Payload=body)
        document: dict[str, Any] = json.loads(response["Payload"].read())
        if "FunctionError" in response:
            code, _, message = str(document.get("errorMessage")).partition(": ")
            raise _error(operation, str(document.get("errorType")), code, message)
        return document


def time_of(response: Mapping[str, Any]) -> datetime:
    """Return the time of a response of boto3 by the clock of who sent it.

    One without a date has the time of its receipt (RFC 9110, section 6.6.1).
    """
    date = response["ResponseMetadata"]["HTTPHeaders"].get("date")
    return parsedate_to_datetime(date) if date else datetime.now(UTC)


def app_client(sagemaker_session: Any = None) -> AppClient:
    """Return the app that a session leads to.

    Parameters
    ----------
    sagemaker_session : boto3.Session, a session of SageMaker's SDK, or AppClient, optional
        The session whose region and credentials are used; boto3's default session if not given. The stack is named by
        the environment variable MODELWATCH_STACK, ``modelwatch`` by default; an ``AppClient`` names another.
    """
    if isinstance(sagemaker_session, AppClient):
        return sagemaker_session
    import boto3

    session = getattr(sagemaker_session, "boto_session", sagemaker_session) or boto3.DEFAULT_SESSION
    stack_name = os.environ.get(STACK_VARIABLE) or DEFAULT_STACK
    return _app_client(session, stack_name, *(os.environ.get(name) for name in _OF_CLIENTS))


_OF_CLIENTS = ("AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION", "AWS_PROFILE")
"""Environment variables that a client follows when it is made, and not afterwards."""


@lru_cache(maxsize=16)
def _app_client(session: Any, stack_name: str, *_environment: str | None) -> AppClient:
    import boto3

    if session is not None and not isinstance(session, boto3.Session):
        raise TypeError(f"sagemaker_session must be a boto3.Session, not {type(session).__name__}")
    return AppClient(session or boto3.Session(), stack_name)


def _of_numpy(value: Any) -> Any:
    """Return an array or a number of numpy, or a column of pandas, as JSON has it."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"a value of the type {type(value).__name__} was given; write it as a list, a number or a text")


def _error(operation: str, kind: str, code: str, message: str) -> Exception:
    """Return the app's error as callers of SageMaker's API know it."""
    from botocore.exceptions import ClientError

    known = SAGEMAKER_CODES.get(code)
    if known is None and kind in _REFUSALS:
        return ValueError(f"{code}: {message}")
    error: Any = {"Error": {"Code": known or "InternalFailure", "Message": f"{code}: {message}"}}
    return ClientError(error, operation)
