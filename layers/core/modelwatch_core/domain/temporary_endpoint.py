"""Temporary endpoints: made of a model that is only named, for the time of one analysis, and then deleted."""

from __future__ import annotations

import hashlib
from enum import StrEnum

from pydantic import Field

from modelwatch_core.domain.analysis import AnalysisRequest
from modelwatch_core.domain.documents import Inbound, NonEmpty, Owned, UtcDatetime
from modelwatch_core.domain.model_endpoints import ModelReference

TEMPORARY_ENDPOINT_PREFIX = "modelwatch-temporary-"
"""How the names of all temporary endpoints begin; the template's roles may make and delete no others."""


class EndpointStatus(StrEnum):
    """What a temporary endpoint can be; the statuses of SageMaker that are treated differently.

    CHANGING stands for every status in which SageMaker refuses to delete an endpoint.
    """

    CHANGING = "Creating"
    IN_SERVICE = "InService"
    FAILED = "Failed"
    DELETING = "Deleting"


class TemporaryEndpoint(Owned):
    """A temporary endpoint as SageMaker describes it."""

    status: EndpointStatus
    failure_reason: str | None = None


class DeferredAnalysis(Owned):
    """An analysis that waits for its temporary endpoint, or runs on it. Written before the endpoint is made.

    Attributes
    ----------
    endpoint_name : str
        The identity: there is one for each subject.
    started : bool
        Whether a host has the analysis.
    version : int
        Counts the writes; a write that does not follow on the one it read is refused.
    """

    endpoint_name: NonEmpty
    model: ModelReference
    request: AnalysisRequest
    creation_time: UtcDatetime
    started: bool = False
    version: int = 1

    def as_started(self) -> DeferredAnalysis:
        """Return the analysis as one that a host has."""
        return self.model_copy(update={"started": True, "version": self.version + 1})


class EndpointStateChange(Inbound):
    """SageMaker's event about an endpoint. It may come twice, late and out of order: only the name is used."""

    endpoint_name: NonEmpty = Field(alias="EndpointName")
    endpoint_status: str = Field(alias="EndpointStatus")


def owned_prefix(owner: str) -> str:
    """Return how the names of one deployment's temporary endpoints begin; another one's are none of its business."""
    return f"{TEMPORARY_ENDPOINT_PREFIX}{_digest(owner, 8)}-"


def temporary_endpoint_name(owner: str, subject: str) -> str:
    """Return the name of the temporary endpoint of an analysis: always the same, so that there is one at most.

    Parameters
    ----------
    owner : str
        The deployment that makes it.
    subject : str
        Whose analysis it is, see ``modelwatch_core.domain.events.AnalysisEnded``.
    """
    return owned_prefix(owner) + _digest(subject, 32)  # 59 characters; SageMaker allows 63


def _digest(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]
