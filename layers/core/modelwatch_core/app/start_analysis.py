"""Choosing a host for an analysis, and starting it: at once, or once its temporary endpoint is in service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from modelwatch_core.app.explained_model import ExplanationConfig, explanation_config
from modelwatch_core.app.temporary_endpoints import CREATION_TIMEOUT, DeferAnalysis
from modelwatch_core.domain.analysis import AnalysisRequest
from modelwatch_core.domain.hosts import Demand, HostCandidate, HostChoice, NoHost, Resources, Run, choose_host
from modelwatch_core.ports import AnalysisHost, ObjectStore


@dataclass(frozen=True, slots=True)
class StartAnalysis:
    """Start analyses.

    Parameters
    ----------
    hosts : mapping of str to AnalysisHost
        The hosts by name, the cheapest first.
    """

    hosts: Mapping[str, AnalysisHost]
    objects: ObjectStore
    defer: DeferAnalysis

    def choose(self, demand: Demand, *, resources: Resources | None, after: str | None = None) -> HostChoice | NoHost:
        """Choose a host, see ``choose_host``."""
        candidates = [HostCandidate(name=name, limits=host.limits) for name, host in self.hosts.items()]
        return choose_host(candidates, demand, resources=resources, after=after)

    def lease(self, host: str, *, waits: bool) -> timedelta:
        """Return how long an analysis may go without a report.

        Parameters
        ----------
        waits : bool
            Whether a temporary endpoint may have to be made first.
        """
        return self.hosts[host].limits.lease + (CREATION_TIMEOUT if waits else timedelta(0))

    def __call__(self, request: AnalysisRequest) -> Run | None:
        """Start an analysis on the host that its request names.

        Returns
        -------
        Run or None
            None where a temporary endpoint is made first: the analysis starts when that is in service.

        Raises
        ------
        InvalidInput
            What the host, or making the endpoint, refuses; and what `explanation_config` raises.
        Upstream
            When a retry may help.
        """
        config = explanation_config(self.objects, request)
        if config is not None:
            request = _with_names(request, config)
            model = None if request.settings.names_a_model else config.model_to_deploy
            if model is not None:
                self.defer(request, model)
                return None
        return self.hosts[request.host].start(request)


def _with_names(request: AnalysisRequest, config: ExplanationConfig) -> AnalysisRequest:
    named = (*request.named, config.background) if config.background else request.named
    return request.model_copy(update={"named": named, "endpoint_name": config.predictor.endpoint_name})
