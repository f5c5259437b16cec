"""What a host brings to an analysis that asks a model, and what it wants to be told on the way."""

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


def _untold(*_: object) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Host:
    """A host of analyses.

    Attributes
    ----------
    model : callable
        Gives SageMaker's models.
    announce : callable
        Told in words what is about to be done, before the first request.
    progress : callable
        Told how many requests are done, and how many are planned at most.
    """

    model: OpenModel = _no_model
    announce: Callable[[str], None] = _untold
    progress: Callable[[int, int], None] = _untold
