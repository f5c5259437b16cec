"""``TemporaryEndpoints`` in SageMaker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from modelwatch_core.adapters.aws.translation import SAGEMAKER_REFUSAL, aws_errors, code_of, response_or_none
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.model_endpoints import ModelReference
from modelwatch_core.domain.temporary_endpoint import EndpointStatus, TemporaryEndpoint, owned_prefix

if TYPE_CHECKING:
    from types_boto3_sagemaker.client import SageMakerClient
    from types_boto3_sagemaker.type_defs import ProductionVariantTypeDef, TagTypeDef

_STATUSES = {
    "InService": EndpointStatus.IN_SERVICE,
    "Failed": EndpointStatus.FAILED,
    "OutOfService": EndpointStatus.FAILED,
    "UpdateRollbackFailed": EndpointStatus.FAILED,
    "Deleting": EndpointStatus.DELETING,
}
OWNER_TAG = "modelwatch:owner"
"""The tag of whatever a deployment makes in SageMaker; its value names the deployment."""


@dataclass(frozen=True, slots=True)
class SageMakerTemporaryEndpoints:
    """Temporary endpoints in SageMaker; each has a configuration of the same name.

    SageMaker has one code for what it does not find, for a name that is taken and for all that it refuses; looking for
    what exists distinguishes these cases.

    Parameters
    ----------
    connect : callable
        Returns the client. Most analyses need no temporary endpoint, and SageMaker's client is slow to make.
    owner : str
        The deployment, see ``temporary_endpoint_name``.
    """

    connect: Callable[[], SageMakerClient]
    owner: str

    @property
    def sagemaker(self) -> SageMakerClient:
        """The client."""
        return self.connect()

    def create(self, name: str, model: ModelReference, subject: str) -> None:
        """Make the endpoint, or what of it is not there."""
        if model.instance_type is None:
            raise InvalidInput(
                "InstanceTypeMissing",
                f"a temporary endpoint of {model.model_name} needs an instance type: give predictor.instance_type",
            )
        variant: ProductionVariantTypeDef = {
            "VariantName": "AllTraffic",
            "ModelName": model.model_name or "",
            "InstanceType": model.instance_type,  # type: ignore[typeddict-item]  # AWS adds types before the stubs do
            "InitialInstanceCount": model.initial_instance_count or 1,
            "InitialVariantWeight": 1.0,
        }
        if model.accelerator_type:
            variant["AcceleratorType"] = model.accelerator_type  # type: ignore[typeddict-item]  # AWS adds types before the stubs do
        tags: list[TagTypeDef] = [
            {"Key": OWNER_TAG, "Value": self.owner},
            {"Key": "modelwatch:subject", "Value": subject},
        ]
        if not self._has_config(name):
            self._make(
                lambda: self.sagemaker.create_endpoint_config(
                    EndpointConfigName=name, ProductionVariants=[variant], Tags=tags
                ),
                lambda: self._has_config(name),
            )
        if not self.find(name):
            self._make(
                lambda: self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name, Tags=tags),
                lambda: self.find(name) is not None,
            )

    def find(self, name: str) -> TemporaryEndpoint | None:
        """Return the endpoint as it stands, or None."""
        with aws_errors(f"describing endpoint {name}"):
            described = response_or_none(lambda: self.sagemaker.describe_endpoint(EndpointName=name), SAGEMAKER_REFUSAL)
        if described is None:
            return None
        status = _STATUSES.get(described["EndpointStatus"], EndpointStatus.CHANGING)
        return TemporaryEndpoint(status=status, failure_reason=described.get("FailureReason"))

    def delete(self, name: str) -> bool:
        """Delete the endpoint and its configuration, and return whether both are gone or going."""
        endpoint = self.find(name)
        if endpoint and endpoint.status is EndpointStatus.CHANGING:
            return False
        with aws_errors(f"deleting endpoint {name}"):
            if endpoint and endpoint.status is not EndpointStatus.DELETING:
                response_or_none(lambda: self.sagemaker.delete_endpoint(EndpointName=name), SAGEMAKER_REFUSAL)
            response_or_none(lambda: self.sagemaker.delete_endpoint_config(EndpointConfigName=name), SAGEMAKER_REFUSAL)
        return (left := self.find(name)) is None or left.status is EndpointStatus.DELETING

    def names(self) -> Iterator[str]:
        """Yield the names of all endpoints and configurations that this deployment made."""
        prefix = owned_prefix(self.owner)
        with aws_errors("listing temporary endpoints"):
            for endpoints in self.sagemaker.get_paginator("list_endpoints").paginate(NameContains=prefix):
                yield from (found["EndpointName"] for found in endpoints["Endpoints"])
            for configs in self.sagemaker.get_paginator("list_endpoint_configs").paginate(NameContains=prefix):
                yield from (found["EndpointConfigName"] for found in configs["EndpointConfigs"])

    def _has_config(self, name: str) -> bool:
        with aws_errors(f"describing endpoint configuration {name}"):
            described = response_or_none(
                lambda: self.sagemaker.describe_endpoint_config(EndpointConfigName=name), SAGEMAKER_REFUSAL
            )
        return described is not None

    def _make(self, make: Callable[[], object], is_there: Callable[[], bool]) -> None:
        with aws_errors("making a temporary endpoint"):
            try:
                make()
            except ClientError as error:
                if code_of(error) != SAGEMAKER_REFUSAL:
                    raise
                if not is_there():
                    message = error.response["Error"].get("Message", "")
                    raise InvalidInput("TemporaryEndpointRefused", f"{error.operation_name}: {message}") from None
