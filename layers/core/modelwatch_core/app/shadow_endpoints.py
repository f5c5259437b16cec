"""Analyses of a model that is only named: a temporary endpoint is made, followed, and surely deleted.

Nobody waits. ``ShadowedHost`` notes the analysis, has the endpoint made, and is done. Whatever happens later, to the
endpoint or to the analysis, leads to ``FollowEndpoint``, which looks at how things stand and takes the one step that is
due: any number of times, in any order. The note is written before the endpoint is made and removed after it is gone, so
whoever dies in between leaves something that the sweep finds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from pydantic import AliasChoices, Field

from modelwatch_core.app.analysis_material import CONFIG
from modelwatch_core.domain.analysis import AnalysisRequest, AnalysisStatus
from modelwatch_core.domain.baselining_job import BaseliningJob, JobStatus
from modelwatch_core.domain.documents import Inbound, NonEmpty, parsed
from modelwatch_core.domain.errors import InvalidInput, NotReady
from modelwatch_core.domain.events import AnalysisEnded
from modelwatch_core.domain.model_endpoints import ModelReference
from modelwatch_core.domain.monitor_kinds import MonitoringType
from modelwatch_core.domain.monitoring_execution import ExecutionKey
from modelwatch_core.domain.shadow_endpoint import (
    MODEL_ENDPOINT,
    EndpointStatus,
    ShadowAnalysis,
    shadow_endpoint_name,
    shadow_prefix,
)
from modelwatch_core.ports import (
    AnalysisHost,
    BaseliningJobs,
    Clock,
    EventBus,
    Ledger,
    ObjectStore,
    ShadowAnalyses,
    ShadowEndpoints,
)

PATIENCE = timedelta(minutes=60)
"""How long an endpoint may take to come up. SageMaker itself gives up after about as long."""

HEAD_START = timedelta(minutes=2)
"""How long an endpoint is left to be made by whoever noted it: longer than any of their Lambdas runs."""

_MODELS_ELSEWHERE = (MODEL_ENDPOINT, "model_url", "model_artifact")
"""Settings of the analyzer that name the model; they come before the configuration."""


class _Predictor(Inbound):
    model_name: NonEmpty | None = None
    endpoint_name: NonEmpty | None = None
    model_url: NonEmpty | None = None
    instance_type: NonEmpty | None = None
    initial_instance_count: int | None = Field(default=None, ge=1)
    accelerator_type: NonEmpty | None = None


class _AnalysisConfig(Inbound):
    predictor: _Predictor | None = Field(default=None, validation_alias=AliasChoices("predictor", "model_config"))


@dataclass(frozen=True, slots=True)
class Shadows:
    """The temporary endpoints of one deployment, and the analyses that they are for.

    Parameters
    ----------
    owner : str
        The deployment, see ``shadow_endpoint_name``.
    """

    analyses: ShadowAnalyses
    endpoints: ShadowEndpoints
    owner: str

    def name_of(self, subject: str) -> str:
        """Return the name of the endpoint of an analysis."""
        return shadow_endpoint_name(self.owner, subject)

    def is_ours(self, endpoint_name: str) -> bool:
        """Return whether an endpoint, by its name, is one of this deployment's."""
        return endpoint_name.startswith(shadow_prefix(self.owner))

    def release(self, subject: str) -> None:
        """Delete the endpoint of an analysis that ended, if it has one; what may not be deleted yet, a sweep will."""
        name = self.name_of(subject)
        if self.analyses.get(name) is not None:
            self.delete(name)

    def delete(self, name: str) -> bool:
        """Delete an endpoint, then what was noted of it, and return whether it may be deleted already."""
        gone = self.endpoints.delete(name)
        if gone:
            self.analyses.delete(name)
        return gone

    def names(self) -> Iterator[str]:
        """Yield the name of every endpoint that is noted, or is there."""
        noted = {analysis.endpoint_name for analysis in self.analyses.all()}
        yield from sorted(noted)
        yield from sorted(set(self.endpoints.names()) - noted)


@dataclass(frozen=True, slots=True)
class ShadowedHost:
    """``AnalysisHost``: explanations of a model that is only named wait for an endpoint; all else starts at once.

    Parameters
    ----------
    host : AnalysisHost
        Who runs the analyses.
    """

    host: AnalysisHost
    shadows: Shadows
    objects: ObjectStore
    clock: Clock

    @property
    def name(self) -> str:
        """The host's name."""
        return self.host.name

    @property
    def capacity_bytes(self) -> int:
        """The host's capacity."""
        return self.host.capacity_bytes

    def start(self, request: AnalysisRequest) -> None:
        """Start an analysis, or what must be there before it can start.

        Raises
        ------
        InvalidInput
            ``InvalidParameter``, ``AnalysisConfigNotFound`` or ``InvalidAnalysisConfig`` where the configuration does
            not say which model; ``ShadowEndpointRefused`` and others where SageMaker refuses the endpoint.
        Upstream
            When a retry may help.
        """
        model = self._model_to_deploy(request)
        if model is None:
            self.host.start(request)
            return
        name = self.shadows.name_of(request.subject)
        if self.shadows.analyses.get(name) is None:
            self._note(name, model, request)
        self.shadows.endpoints.create(name, model, request.subject)

    def _note(self, name: str, model: ModelReference, request: AnalysisRequest) -> None:
        environment = request.environment | {MODEL_ENDPOINT: name}
        waiting = ShadowAnalysis(
            endpoint_name=name,
            model=model,
            request=request.model_copy(update={"environment": environment}),
            creation_time=self.clock.now(),
        )
        try:
            self.shadows.analyses.save(waiting)
        except InvalidInput as error:
            if error.code != "ShadowAnalysisExists":  # somebody else noted it in this moment
                raise

    def _model_to_deploy(self, request: AnalysisRequest) -> ModelReference | None:
        environment = request.environment
        explains = environment["analysis_type"] == MonitoringType.MODEL_EXPLAINABILITY.kind.analysis_type
        if not explains or any(environment.get(name) for name in _MODELS_ELSEWHERE):
            return None
        predictor = parsed(_AnalysisConfig, self._config(request)).predictor
        if predictor is None or not predictor.model_name or predictor.endpoint_name or predictor.model_url:
            return None  # the analyzer asks what is named, or else the endpoint that is watched
        return ModelReference(**predictor.model_dump(exclude={"endpoint_name", "model_url"}))

    def _config(self, request: AnalysisRequest) -> object:
        if text := request.files.get(CONFIG):
            return json.loads(text)
        uris = [entry.s3_uri for entry in request.inputs if entry.path == CONFIG]
        if not uris:
            return {}
        content = self.objects.read(uris[0])
        if content is None:
            raise InvalidInput("AnalysisConfigNotFound", f"there is nothing at {uris[0]}; was it moved or deleted?")
        try:
            return json.loads(content)
        except ValueError:
            raise InvalidInput("InvalidAnalysisConfig", f"{uris[0]} is not JSON") from None


@dataclass(frozen=True, slots=True)
class FollowEndpoint:
    """Take the step that a temporary endpoint's state makes due.

    Parameters
    ----------
    host : AnalysisHost
        Who runs the analyses; not the ``ShadowedHost``.
    """

    shadows: Shadows
    ledger: Ledger
    jobs: BaseliningJobs
    host: AnalysisHost
    bus: EventBus
    clock: Clock

    def __call__(self, endpoint_name: str) -> bool:
        """Move on the analysis of an endpoint, or delete an endpoint that nothing needs.

        Returns
        -------
        bool
            Whether there was something to do.
        """
        if not self.shadows.is_ours(endpoint_name):
            return False
        analysis = self.shadows.analyses.get(endpoint_name)
        if analysis is None or not self._is_awaited(analysis.request.subject):
            return self.shadows.delete(endpoint_name)
        try:
            return self._moved_on(analysis)
        except InvalidInput as error:  # a person must mend it: no later step can
            self._end(analysis, str(error))
            return True

    def _is_awaited(self, subject: str) -> bool:
        if key := ExecutionKey.of_subject(subject):
            execution = self.ledger.get(key)
            return execution is not None and not execution.is_settled
        job = self.jobs.get(BaseliningJob.name_in(subject) or "")
        return job is not None and job.status is JobStatus.IN_PROGRESS

    def _moved_on(self, analysis: ShadowAnalysis) -> bool:
        if analysis.started:
            return False  # its host will tell how it ends
        name = analysis.endpoint_name
        age = self.clock.now() - analysis.creation_time
        endpoint = self.shadows.endpoints.find(name)
        if endpoint is None and age < HEAD_START:
            return False  # whoever noted it may be about to make it
        if endpoint is None:
            self.shadows.endpoints.create(name, analysis.model, analysis.request.subject)
        elif endpoint.status is EndpointStatus.FAILED:
            self._end(analysis, f"ShadowEndpointFailed: {self._words(analysis)} failed: {endpoint.failure_reason}")
        elif endpoint.status is EndpointStatus.IN_SERVICE:
            self._start(analysis)
        elif age > PATIENCE:
            self._end(analysis, f"ShadowEndpointTooSlow: {self._words(analysis)} did not come up within {PATIENCE}.")
        else:
            return False
        return True

    def _start(self, analysis: ShadowAnalysis) -> None:
        self.host.start(analysis.request)
        with suppress(NotReady):  # somebody else started it too: both do the same, the first end counts
            self.shadows.analyses.save(analysis.as_started())

    def _end(self, analysis: ShadowAnalysis, reason: str) -> None:
        self.bus.publish(
            AnalysisEnded(
                subject=analysis.request.subject,
                status=AnalysisStatus.FAILED,
                output_s3_uri=analysis.request.output_s3_uri,
                failure_reason=reason[:1024],
            )
        )

    @staticmethod
    def _words(analysis: ShadowAnalysis) -> str:
        return f"the temporary endpoint {analysis.endpoint_name} of model {analysis.model.model_name}"
