"""What a host provides to an analysis that calls a model, and the progress that it receives."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from modelwatch_analyzer.parts import EVERY_CPU, Gather
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.internal_addresses import is_internal
from modelwatch_core.domain.model_endpoints import Model, ModelReference, OpenModel

_RESERVE_SECONDS = 120.0
"""How many seconds must be left: a call may be in progress, and the report is still to be written."""


def _no_model(reference: ModelReference) -> AbstractContextManager[Model]:
    named = reference.endpoint_name or reference.model_name
    message = (
        f"{named!r} is in SageMaker, which this host cannot reach: give the model's URL, or run the analysis in AWS"
    )
    raise InvalidInput("ModelNotReachable", message)


def _no_object(s3_uri: str) -> bytes | None:
    message = f"{s3_uri} is in S3, which this host cannot reach: give the path of a local copy"
    raise InvalidInput("ObjectNotReachable", message)


def _ignore(*_: object) -> None:
    pass


def any_address(_: str) -> bool:
    """Allow every address: for a machine whose user starts the analysis, and may reach these addresses anyway."""
    return True


def is_external(address: str) -> bool:
    """Allow all IP addresses but those of the host itself, of its network's services and of AWS's metadata."""
    return not is_internal(address)


@dataclass(frozen=True, slots=True)
class Host:
    """A host of analyses; what is not said is refused.

    Attributes
    ----------
    open_model : callable
        Opens SageMaker's models.
    read_object : callable
        Returns the content of an S3 object, or None where there is none.
    announce : callable
        Called with a sentence about what will be done, before the first request, and about the expected time, after it.
    progress : callable
        Called with the number of requests that are done, and of those that are planned at most. May raise to end the
        analysis.
    allows_pickles : bool
        Whether models may be loaded from pickles where the settings ask for it.
    allows_address : callable
        Returns whether a model behind a URL may be at an IP address.
    chosen : str
        Which host it is, and why it was chosen: for the report.
    gather : Gather
        How the parts of a large dataset are read.
    """

    open_model: OpenModel = _no_model
    read_object: Callable[[str], bytes | None] = _no_object
    announce: Callable[[str], None] = _ignore
    progress: Callable[[int, int], None] = _ignore
    allows_pickles: bool = False
    allows_address: Callable[[str], bool] = is_external
    chosen: str = ""
    gather: Gather = EVERY_CPU


def within(seconds_left: Callable[[], float]) -> Callable[[int, int], None]:
    """Return a ``progress`` that ends an analysis before its host does.

    A host that kills the analysis does not report why, and may start it again and send all requests a second time.

    Parameters
    ----------
    seconds_left : callable
        Returns how much time the host has left.

    Raises
    ------
    InvalidInput
        ``ModelTooSlow``, from the ``progress``.
    """

    def progress(done: int, planned: int) -> None:
        if seconds_left() < _RESERVE_SECONDS:
            message = f"time ran out after {done:,} of at most {planned:,} model calls: lower max_explained_rows or "
            message += "num_samples, raise max_parallel_calls, or give the endpoint more instances"
            raise InvalidInput("ModelTooSlow", message)

    return progress
