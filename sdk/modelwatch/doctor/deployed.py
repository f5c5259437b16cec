"""A stack in an account, as CloudFormation describes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from botocore.config import Config
from botocore.exceptions import ClientError

from modelwatch.app_client import time_of
from modelwatch_core.adapters.aws.translation import aws_errors, code_of
from modelwatch_core.domain.errors import InvalidInput

if TYPE_CHECKING:
    import boto3
    from types_boto3_dynamodb.service_resource import Table

CONFIG = Config(connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 3})


@dataclass(frozen=True, slots=True)
class Deployed:
    """What was deployed.

    Attributes
    ----------
    session : boto3.Session
        The session with whose credentials the calls are made; all of them only read.
    name, status : str
        The stack's.
    outputs, parameters : mapping of str to str
        The stack's.
    resources : mapping of str to (str, str)
        The type and the physical id of each resource, by its logical id.
    now : datetime
        The time at which schedules are looked at: by the stack's clock, unless another is given.
    """

    session: boto3.Session
    name: str
    status: str
    outputs: Mapping[str, str]
    parameters: Mapping[str, str]
    resources: Mapping[str, tuple[str, str]]
    now: datetime

    @classmethod
    def read(cls, session: boto3.Session, name: str, now: datetime | None = None) -> Self:
        """Read the description of a stack.

        Raises
        ------
        InvalidInput
            ``StackNotFound``, ``NoRegion``, or what AWS refuses.
        Upstream
            When AWS does not respond.
        """
        if session.region_name is None:
            raise InvalidInput("NoRegion", "no AWS region is set, so the stack cannot be found: give --region")
        cloudformation = session.client("cloudformation", config=CONFIG)
        with aws_errors(f"describing the stack {name}"):
            try:
                described = cloudformation.describe_stacks(StackName=name)
            except ClientError as error:
                if code_of(error) != "ValidationError":
                    raise
                message = f"there is no stack {name!r} in {session.region_name}: give its name and --region"
                raise InvalidInput("StackNotFound", message) from None
            (stack,) = described["Stacks"]
            pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
            resources = {
                resource["LogicalResourceId"]: (resource["ResourceType"], resource.get("PhysicalResourceId", ""))
                for page in pages
                for resource in page["StackResourceSummaries"]
            }
        outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", ())}
        parameters = {each["ParameterKey"]: each["ParameterValue"] for each in stack.get("Parameters", ())}
        return cls(session, name, stack["StackStatus"], outputs, parameters, resources, now or time_of(described))

    def client(self, service: str) -> Any:
        """Return a client of a service."""
        session: Any = self.session
        return session.client(service, config=CONFIG)

    def of_type(self, kind: str) -> dict[str, str]:
        """Return the physical ids of the resources of a type, by their logical ids."""
        return {logical: physical for logical, (found, physical) in self.resources.items() if found == kind}

    def output(self, name: str) -> str:
        """Return an output.

        Raises
        ------
        InvalidInput
            ``OutputMissing``.
        """
        if name not in self.outputs:
            raise InvalidInput(
                "OutputMissing", f"the stack {self.name} has no output {name}: deploy this version of it"
            )
        return self.outputs[name]

    @property
    def table(self) -> Table:
        """The ledger's table."""
        return self.session.resource("dynamodb", config=CONFIG).Table(self.output("LedgerTableName"))
