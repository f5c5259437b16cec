"""``Endpoints`` in SageMaker."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from modelwatch_core.adapters.aws.translation import SAGEMAKER_REFUSAL, aws_errors, response_or_none
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.watched_endpoint import Deployment

if TYPE_CHECKING:
    from types_boto3_sagemaker.client import SageMakerClient


_CAPTURED = "or give endpoint_input.data_captured_destination_s3_uri if something else captures its data"


@dataclass(frozen=True, slots=True)
class SageMakerEndpoints:
    """``Endpoints`` in SageMaker."""

    sagemaker: SageMakerClient

    def capture_destination(self, endpoint_name: str, variant_name: str | None = None) -> str:
        """Return the S3 URI below which the endpoint captures."""
        with aws_errors(f"describing endpoint {endpoint_name}"):
            endpoint = self._described(endpoint_name)
        if endpoint is None:
            raise InvalidInput("EndpointNotFound", f"there is no endpoint {endpoint_name} in this account and region")
        capture = endpoint.get("DataCaptureConfig")
        if not capture or not capture.get("EnableCapture"):
            raise InvalidInput(
                "DataCaptureNotEnabled",
                f"endpoint {endpoint_name} does not capture its data; update it with a DataCaptureConfig, {_CAPTURED}",
            )
        variants = [each["VariantName"] for each in _variants(endpoint)]
        if variant_name and variants and variant_name not in variants:  # one that is being created lists none yet
            message = f"endpoint {endpoint_name} has no variant {variant_name}: it has {', '.join(variants)}"
            raise InvalidInput("VariantNotFound", f"{message}; correct endpoint_input.variant_name, {_CAPTURED}")
        return str(capture["DestinationS3Uri"]).rstrip("/")

    def deployment(self, endpoint_name: str) -> Deployment | None:
        """Return what is deployed at an endpoint."""
        with aws_errors(f"describing endpoint {endpoint_name}"):
            endpoint = self._described(endpoint_name)
            if endpoint is None:
                return None
            name = endpoint["EndpointConfigName"]
            # A configuration may be deleted while its endpoint serves.
            describe = partial(self.sagemaker.describe_endpoint_config, EndpointConfigName=name)
            config: Mapping[str, Any] = response_or_none(describe, SAGEMAKER_REFUSAL) or {}
            models = {each["VariantName"]: each.get("ModelName", "") for each in _variants(config or endpoint)}
            made = [self._made(model) for model in set(models.values()) if model]
        return Deployment(
            status=endpoint["EndpointStatus"],
            endpoint_config_name=name,
            deployed_since=config.get("CreationTime") or endpoint["LastModifiedTime"],
            models=models,
            newest_model=max(filter(None, made), default=None),
            failure_reason=endpoint.get("FailureReason"),
        )

    def _described(self, endpoint_name: str) -> Mapping[str, Any] | None:
        describe = partial(self.sagemaker.describe_endpoint, EndpointName=endpoint_name)
        return response_or_none(describe, SAGEMAKER_REFUSAL)

    def _made(self, model_name: str) -> datetime | None:
        model = response_or_none(lambda: self.sagemaker.describe_model(ModelName=model_name), SAGEMAKER_REFUSAL)
        return model["CreationTime"] if model else None


def _variants(described: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the variants of an endpoint or a configuration; those that shadow others capture as well."""
    for name in ("ProductionVariants", "ShadowProductionVariants"):
        yield from described.get(name) or ()
