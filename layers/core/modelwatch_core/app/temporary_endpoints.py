"""Analyses of a model that is only named: a temporary endpoint is made, followed, and deleted.

Nobody waits. ``DeferAnalysis`` notes the analysis and has the endpoint made. What happens later, to the endpoint or
to the analysis, leads to ``FollowEndpoint``, which looks at the present state and takes the one step that is due: any
number of times, in any order. The note is written before the endpoint is made and removed after it is gone, so a crash
in between leaves something that the sweep finds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from modelwatch_core.app.analysis_records import AnalysisRecord, AnalysisRecords
from modelwatch_core.domain.analysis import AnalysisRequest
from modelwatch_core.domain.errors import InvalidInput, NotReady
from modelwatch_core.domain.events import AnalysisEnded
from modelwatch_core.domain.model_endpoints import ModelReference
from modelwatch_core.domain.outcome import Outcome
from modelwatch_core.domain.temporary_endpoint import (
    DeferredAnalysis,
    EndpointStatus,
    owned_prefix,
    temporary_endpoint_name,
)
from modelwatch_core.ports import AnalysisHost, Clock, DeferredAnalyses, EventBus, TemporaryEndpoints

CREATION_TIMEOUT = timedelta(minutes=60)
"""How long an endpoint may take to come into service. SageMaker itself gives up after about as long."""

GRACE_PERIOD = timedelta(minutes=2)
"""How long the process that noted an endpoint has to make it: longer than any of the Lambdas runs."""


@dataclass(frozen=True, slots=True)
class OwnedEndpoints:
    """The temporary endpoints of one deployment, and the analyses that they are for.

    Parameters
    ----------
    owner : str
        The deployment, see ``temporary_endpoint_name``.
    """

    analyses: DeferredAnalyses
    endpoints: TemporaryEndpoints
    owner: str

    def name_of(self, subject: str) -> str:
        """Return the name of the endpoint of an analysis."""
        return temporary_endpoint_name(self.owner, subject)

    def is_ours(self, endpoint_name: str) -> bool:
        """Return whether an endpoint, by its name, is one of this deployment's."""
        return endpoint_name.startswith(owned_prefix(self.owner))

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
        noted = set(self.analyses.endpoint_names())
        yield from sorted(noted)
        yield from sorted(set(self.endpoints.names()) - noted)


@dataclass(frozen=True, slots=True)
class DeferAnalysis:
    """Have a temporary endpoint made for an analysis that needs one."""

    owned: OwnedEndpoints
    clock: Clock

    def __call__(self, request: AnalysisRequest, model: ModelReference) -> None:
        """Note an analysis, and have the endpoint of a model made that it waits for.

        Raises
        ------
        InvalidInput
            ``TemporaryEndpointRefused`` and others where SageMaker refuses the endpoint.
        Upstream
            When a retry may help.
        """
        name = self.owned.name_of(request.subject)
        if self.owned.analyses.get(name) is None:
            self._note(name, model, request)
        self.owned.endpoints.create(name, model, request.subject)

    def _note(self, name: str, model: ModelReference, request: AnalysisRequest) -> None:
        settings = request.settings.model_copy(update={"model_endpoint_name": name})
        waiting = DeferredAnalysis(
            endpoint_name=name,
            model=model,
            request=request.model_copy(update={"settings": settings}),
            creation_time=self.clock.now(),
        )
        try:
            self.owned.analyses.save(waiting)
        except InvalidInput as error:
            if error.code != "DeferredAnalysisExists":  # another process noted it in this moment
                raise


@dataclass(frozen=True, slots=True)
class FollowEndpoint:
    """Take the step that a temporary endpoint's state makes due."""

    owned: OwnedEndpoints
    records: AnalysisRecords
    hosts: Mapping[str, AnalysisHost]
    bus: EventBus
    clock: Clock

    def __call__(self, endpoint_name: str) -> bool:
        """Move on the analysis of an endpoint, or delete an endpoint that nothing needs.

        Returns
        -------
        bool
            Whether there was something to do.
        """
        if not self.owned.is_ours(endpoint_name):
            return False
        analysis = self.owned.analyses.get(endpoint_name)
        record = self._open_record(analysis.request.subject) if analysis else None
        if analysis is None or record is None:
            return self.owned.delete(endpoint_name)
        try:
            return self._moved_on(analysis, record)
        except InvalidInput as error:  # a person must fix it: no later step can
            self._end(analysis, str(error))
            return True

    def _open_record(self, subject: str) -> AnalysisRecord | None:
        """Return the execution or job that waits for an analysis, None if nothing does."""
        record = self.records.get(subject)
        return None if record is None or record.is_settled else record

    def _moved_on(self, analysis: DeferredAnalysis, record: AnalysisRecord) -> bool:
        if analysis.started:
            return False  # its host reports how it ends
        name = analysis.endpoint_name
        age = self.clock.now() - analysis.creation_time
        endpoint = self.owned.endpoints.find(name)
        if endpoint is None and age < GRACE_PERIOD:
            return False  # the process that noted it may be about to make it
        if endpoint is None:
            self.owned.endpoints.create(name, analysis.model, analysis.request.subject)
        elif endpoint.status is EndpointStatus.FAILED:
            self._end(analysis, f"TemporaryEndpointFailed: {_described(analysis)} failed: {endpoint.failure_reason}")
        elif endpoint.status is EndpointStatus.IN_SERVICE:
            self._start(analysis, record)
        elif age > CREATION_TIMEOUT:
            reason = f"{_described(analysis)} was not in service within {CREATION_TIMEOUT}."
            self._end(analysis, f"TemporaryEndpointTooSlow: {reason}")
        else:
            return False
        return True

    def _start(self, analysis: DeferredAnalysis, record: AnalysisRecord) -> None:
        run = self.hosts[analysis.request.host].start(analysis.request)
        with suppress(NotReady):  # another process started it too: the host runs it once
            self.owned.analyses.save(analysis.as_started())
        with suppress(NotReady):  # it is settled already, or that other one noted the run
            lease = self.hosts[run.host].limits.lease
            self.records.save(record.running(run, now=self.clock.now(), lease=lease))

    def _end(self, analysis: DeferredAnalysis, reason: str) -> None:
        self.bus.publish(AnalysisEnded.of(analysis.request, Outcome.failed(reason)))


def _described(analysis: DeferredAnalysis) -> str:
    return f"the temporary endpoint {analysis.endpoint_name} of model {analysis.model.model_name}"
