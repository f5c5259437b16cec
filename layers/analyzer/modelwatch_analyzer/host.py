"""What a host brings to an analysis that asks a model, and what it is told on the way."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.model_endpoints import Model, ModelReference, OpenModel

_RESERVE_SECONDS = 120.0
"""A call that is under way, and the report."""


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
        Told how many requests are done, and how many are planned at most. May raise, and so end the analysis.
    """

    model: OpenModel = _no_model
    read: Callable[[str], bytes | None] = _no_object
    announce: Callable[[str], None] = _untold
    progress: Callable[[int, int], None] = _untold


def within(seconds_left: Callable[[], float]) -> Callable[[int, int], None]:
    """Return a ``progress`` that ends an analysis before its host does.

    A host that kills it tells nobody why, and may start it again and ask the model everything a second time.

    Parameters
    ----------
    seconds_left : callable
        Tells how long the host goes on.

    Raises
    ------
    InvalidInput
        ``ModelTooSlow``, from the ``progress``.
    """

    def progress(done: int, planned: int) -> None:
        if seconds_left() < _RESERVE_SECONDS:
            message = f"time is over after {done:,} of at most {planned:,} model calls: lower max_model_calls or "
            message += "num_samples, raise max_parallel_calls, or give the endpoint more instances"
            raise InvalidInput("ModelTooSlow", message)

    return progress
