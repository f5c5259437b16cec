"""``Model`` behind a SageMaker endpoint."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.config import Config

from modelwatch_core.adapters.aws.translation import model_errors, payload_too_large
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.model_endpoints import LARGEST_PAYLOAD, Model, ModelReference

RUNTIME_CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 4},
    connect_timeout=3,
    read_timeout=65,  # SageMaker gives a model 60 seconds
    max_pool_connections=64,
)
"""The configuration that clients of sagemaker-runtime need."""


@dataclass(frozen=True, slots=True)
class EndpointModel:
    """The model behind an endpoint, reached by InvokeEndpoint.

    Parameters
    ----------
    runtime : client of sagemaker-runtime
        Made with ``RUNTIME_CONFIG``: it retries by itself what is throttled, unavailable or cut off. Many threads may
        use one.
    """

    runtime: Any
    endpoint_name: str
    target_model: str | None = None
    custom_attributes: str | None = None

    def invoke(self, body: bytes, content_type: str, accept: str) -> bytes:
        """Send one request and return the body of the response."""
        if len(body) > LARGEST_PAYLOAD:
            raise payload_too_large(body)
        given = {"TargetModel": self.target_model, "CustomAttributes": self.custom_attributes}
        asked: dict[str, Any] = {name: value for name, value in given.items() if value}
        with model_errors(self.endpoint_name, body):
            response = self.runtime.invoke_endpoint(
                EndpointName=self.endpoint_name, Body=body, ContentType=content_type, Accept=accept, **asked
            )
            content: bytes = response["Body"].read()
        return content


@dataclass(frozen=True, slots=True)
class EndpointModels:
    """``OpenModel`` for endpoints that are there.

    Parameters
    ----------
    runtime : client of sagemaker-runtime
        See `EndpointModel`.
    """

    runtime: Any

    @contextmanager
    def __call__(self, reference: ModelReference) -> Iterator[Model]:
        """Give the model behind an endpoint.

        Raises
        ------
        InvalidInput
            ``ModelNotDeployed`` for a model by name: who wants one explained has an endpoint made of it before the
            analysis starts, see ``modelwatch_core.app.temporary_endpoints``.
        """
        if reference.endpoint_name is None:
            raise InvalidInput(
                "ModelNotDeployed",
                f"this host creates no temporary endpoint for the model {reference.model_name}; name an endpoint, or"
                " run it as a schedule or a baselining job",
            )
        yield EndpointModel(self.runtime, reference.endpoint_name, reference.target_model, reference.custom_attributes)
