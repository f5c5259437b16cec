"""A model that an analysis asks for predictions: how the analyzer names it, and what the host brings for the name."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol, Self

from pydantic import Field, model_validator

from modelwatch_core.domain.documents import NonEmpty, Owned, SageMakerName
from modelwatch_core.domain.errors import Upstream

LARGEST_PAYLOAD = 6 * 1024 * 1024
"""The most bytes that InvokeEndpoint takes as a body."""

MOST_INSTANCES = 20
"""The most instances of a temporary endpoint: a typing mistake must not cost a fortune."""


class ModelFields(Owned):
    """A SageMaker model, with the names of ``predictor`` in SageMaker's ``analysis_config.json``.

    Attributes
    ----------
    endpoint_name : str, optional
        A live endpoint that is asked itself.
    model_name : str, optional
        A model for which a temporary endpoint is made and deleted; the endpoint's settings are the fields below.
    target_model, custom_attributes : str, optional
        Sent with every request as InvokeEndpoint has them.
    """

    endpoint_name: SageMakerName | None = None
    model_name: SageMakerName | None = None
    instance_type: NonEmpty | None = None
    initial_instance_count: int | None = Field(default=None, ge=1, le=MOST_INSTANCES)
    accelerator_type: NonEmpty | None = None
    endpoint_name_prefix: NonEmpty | None = None
    target_model: NonEmpty | None = None
    custom_attributes: NonEmpty | None = None


class ModelReference(ModelFields):
    """One that is named: as an endpoint, or as a model."""

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if (self.endpoint_name is None) == (self.model_name is None):
            raise ValueError("name either an endpoint (endpoint_name) or a model (model_name)")
        return self


class Model(Protocol):
    """Anything with SageMaker's ``/invocations`` contract. Asked by several threads at a time."""

    def invoke(self, body: bytes, content_type: str, accept: str) -> bytes:
        """Send one request and return the body of the response.

        Implementations retry by themselves what a retry can help.

        Raises
        ------
        ModelFailure
            When that did not help.
        """
        ...


class ModelFailure(Upstream):
    """A model did not respond.

    Parameters
    ----------
    code : str
        ``ModelNotFound``, ``ModelNotReached``, ``ModelThrottled``, ``ModelTimedOut``, ``ModelRefusedPayload`` (too
        large), ``ModelRefused`` (any other fault of the request) or ``ModelFailed`` (a fault of the model).
    message : str
        What happened and how to fix it.
    model_message : str
        The endpoint's own message. It may hold row values, which must be removed before it is shown.
    """

    def __init__(self, code: str, message: str, model_message: str = "") -> None:
        super().__init__(code, message)
        self.model_message = model_message


OpenModel = Callable[[ModelReference], AbstractContextManager[Model]]
"""Gives the model of a reference for a while; its temporary endpoint is gone when the context is left, however it is
left."""
