"""The job definitions of SageMaker's API, as they are kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field

from modelwatch_core.domain.documents import NonEmpty, Owned, SageMakerName, UtcDatetime
from modelwatch_core.domain.sagemaker_api.requests import DefinitionRequest, MonitoringDefinition, tags_by_key

ARN_TYPES = {
    "DataQuality": "data-quality-job-definition",
    "ModelQuality": "model-quality-job-definition",
    "ModelBias": "model-bias-job-definition",
    "ModelExplainability": "model-explainability-job-definition",
}
"""What stands before the name in the ARN of a definition, by its monitoring type."""

_PREFIXED = frozenset({"BaselineConfig", "AppSpecification", "JobInput", "JobOutputConfig"})


class JobDefinition(Owned):
    """A definition that schedules may be made with; it never changes but for its tags.

    Attributes
    ----------
    request : dict
        What was sent, by the names that all kinds have in common, without the tags.
    schedules : tuple of str
        The schedules that were made with it; they may have another definition by now, or be gone.
    version : int
        Counts the writes; a write that does not follow on the one it read is refused.
    """

    monitoring_type: NonEmpty
    job_definition_name: SageMakerName
    request: dict[str, Any]
    tags: dict[str, str] = Field(default_factory=dict)
    schedules: tuple[str, ...] = ()
    creation_time: UtcDatetime
    version: int = 1

    @classmethod
    def requested(cls, monitoring_type: str, request: DefinitionRequest, now: UtcDatetime) -> Self:
        """Return the definition that a request asks for."""
        sent = {name: value for name, value in request.as_sent.items() if name not in ("Tags", "JobDefinitionName")}
        return cls(
            monitoring_type=monitoring_type,
            job_definition_name=request.job_definition_name,
            request=sent,
            tags=tags_by_key(request.tags),
            creation_time=now,
        )

    def changed(self, **changes: object) -> Self:
        """Return the next version."""
        return self.model_copy(update={**changes, "version": self.version + 1})

    @property
    def definition(self) -> MonitoringDefinition:
        """What a schedule with it does."""
        return MonitoringDefinition.model_validate(self.request)

    @property
    def endpoint_name(self) -> str | None:
        """The endpoint that it monitors, if it does."""
        watched = self.definition.job_input.endpoint_input
        return watched.endpoint_name if watched else None


def common_names(monitoring_type: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request with ``AppSpecification`` in place of ``DataQualityAppSpecification``, and so on."""
    known = {f"{monitoring_type}{name}": name for name in _PREFIXED}
    return {known.get(name, name): value for name, value in parameters.items()}


def names_of_kind(monitoring_type: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the opposite of ``common_names``."""
    return {f"{monitoring_type}{name}" if name in _PREFIXED else name: value for name, value in document.items()}
