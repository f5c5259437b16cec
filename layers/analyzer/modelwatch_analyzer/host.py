"""What a host brings to an analysis that asks a model, and what it is told on the way."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.model_endpoints import Model, ModelReference, OpenModel


def _no_model(reference: ModelReference) -> AbstractContextManager[Model]:
    named = reference.endpoint_name or reference.model_name
    message = f"{named!r} lies in SageMaker, which this host does not reach: give a model's URL, or run it where it is"
    raise InvalidInput("ModelNotReachable", message)


def _no_object(s3_uri: str) -> bytes | None:
    message = f"{s3_uri} lies in S3, which this host does not reach: name a copy of it that lies here"
    raise InvalidInput("ObjectNotReachable", message)


def _untold(*_: object) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Host:
    """A host of analyses.

    Attributes
    ----------
    model : callable
        Gives SageMaker's models.
    read : callable
        Gives what lies at an S3 URI, or None where nothing does.
    announce : callable
        Told in words what is about to be done, before the first request.
    progress : callable
        Told how many requests are done, and how many are planned at most.
    """

    model: OpenModel = _no_model
    read: Callable[[str], bytes | None] = _no_object
    announce: Callable[[str], None] = _untold
    progress: Callable[[int, int], None] = _untold
