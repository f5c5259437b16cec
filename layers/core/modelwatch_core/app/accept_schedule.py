"""A schedule was requested, new or changed: refuse one that could never run, and complete the others."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from typing import Any

from modelwatch_core.app.access_advice import advice_on_access
from modelwatch_core.app.analysis_inputs import (
    analysis_inputs,
    refuse_large_parameters,
    refuse_settings_of_the_app,
    refuse_unfit_parameters,
)
from modelwatch_core.app.baseline_files import feature_names, refuse_unfit_constraints, refuse_unfit_statistics
from modelwatch_core.app.create_baseline import within_results
from modelwatch_core.app.start_analysis import StartAnalysis
from modelwatch_core.domain import s3_layout
from modelwatch_core.domain.alerting import SeverityRule, matches
from modelwatch_core.domain.analysis_settings import Switch
from modelwatch_core.domain.baselining_job import BaseliningJob
from modelwatch_core.domain.dataset_formats import refuse_unknown_format
from modelwatch_core.domain.documents import iso_utc
from modelwatch_core.domain.errors import InvalidInput, NotReady
from modelwatch_core.domain.hosts import NoHost
from modelwatch_core.domain.monitor_kinds import MonitorKind
from modelwatch_core.domain.monitoring_schedule import (
    BatchTransformInput,
    EndpointInput,
    MonitoringSchedule,
    ScheduleRequest,
)
from modelwatch_core.domain.windows import ScheduleExpression
from modelwatch_core.ports import BaseliningJobs, Clock, Endpoints, NotifiedPlaces, ObjectStore


@dataclass(frozen=True, slots=True)
class AcceptSchedule:
    """Accept what a user asks for, before it is stored.

    Parameters
    ----------
    results : str
        S3 URI of the bucket that reports go to.
    alert_targets : mapping of str to callable
        The types of targets that a schedule may name.
    output_buckets : collection of str
        Further buckets that reports may go to.
    shortest_interval : timedelta
        How soon a schedule may be due again.
    """

    jobs: BaseliningJobs
    objects: ObjectStore
    endpoints: Endpoints
    start_analysis: StartAnalysis
    clock: Clock
    results: str
    alert_targets: Mapping[str, Callable[[], NotifiedPlaces]]
    output_buckets: Collection[str] = ()
    shortest_interval: timedelta = timedelta(hours=1)

    def __call__(self, request: ScheduleRequest, old: MonitoringSchedule | None = None) -> dict[str, Any]:
        """Return the parameters of the schedule, with what the request leaves to the app.

        Parameters
        ----------
        old : MonitoringSchedule, optional
            What the request changes. Its expression, if it stays, may be over: one that ran ``NOW`` is.

        Raises
        ------
        InvalidInput
            What is wrong with the request; docs/errors.md lists the codes.
        NotReady
            ``BaselineNotReady``; a retry helps when the baseline has been made.
        """
        self._refuse_unfit(request)
        if old is None or request.schedule_expression != old.schedule_expression:
            self._refuse_past(request.expression)
        endpoint = self._looked_up(request.endpoint_input)
        self._refuse_missing_or_unreadable(request, endpoint or request.captured_input)
        output = request.output_s3_uri or s3_layout.join(self.results, "monitoring")
        return request.model_dump() | {
            "endpoint_input": endpoint,
            "output_s3_uri": within_results(output, self.results, self.output_buckets),
        }

    def _looked_up(self, endpoint: EndpointInput | None) -> EndpointInput | None:
        if endpoint is None or endpoint.data_captured_destination_s3_uri:
            return endpoint
        destination = self.endpoints.capture_destination(endpoint.endpoint_name, endpoint.variant_name)
        return endpoint.model_copy(update={"data_captured_destination_s3_uri": destination})

    def _refuse_unfit(self, request: ScheduleRequest) -> None:
        """Refuse a request that contradicts itself, its baseline or the deployment."""
        refuse_large_parameters(request)
        request.refuse_windows_that_may_be_empty()
        request.window(request.expression.example_due_time).refuse_long()
        self._refuse_frequent(request.expression)
        self._refuse_without_host(request)
        refuse_settings_of_the_app(request.environment, request.kind, request.parameters_that_are_settings)
        given = analysis_inputs(request, request.kind)  # refuses an environment that the analysis would refuse
        refuse_unfit_parameters(request.kind, request.parameters_that_are_settings)
        if request.batch_transform_input and request.image_uri is None:
            refuse_unknown_format({"batchTransform": request.batch_transform_input.dataset_format})
        if not request.compares and given.settings.get("report_values") is Switch.DISABLED:
            message = "report_values: Disabled hides all that a schedule without constraints can show; remove it"
            raise InvalidInput("BaselineNeedsValues", message)
        self._refuse_unfit_targets(request)
        self._refuse_idle_rules(request)

    def _refuse_unfit_targets(self, request: ScheduleRequest) -> None:
        """Refuse targets of alerts that are not known, cannot be reached, or would never be sent one."""
        for target in request.alert_targets:
            if target.type not in self.alert_targets:
                known = ", ".join(self.alert_targets)
                message = f"alert_targets: {target.type!r} is not a type of alert target; choose from {known}"
                raise InvalidInput("UnknownAlertTarget", message)
            self.alert_targets[target.type]().check(target.address, request)
            if not target.is_for(request.endpoint_name, request.tags):
                message = (
                    f"alert_targets: no alert of this schedule would go to {target}: its endpoints or tags do not match"
                )
                raise InvalidInput("UnfitAlertTarget", f"{message}; correct them, or leave the target out")

    def _refuse_idle_rules(self, request: ScheduleRequest) -> None:
        """Refuse rules of severity for a check that the kind, or a feature that the baseline, does not have."""
        rules = request.alerting.severity_rules
        if not request.post_analytics_processor_source_uri:  # which may write violations of other checks
            _refuse_unknown_checks(rules, request.kind)
        uri = request.baseline.constraints_s3_uri if request.baseline else None
        if uri is None or not any(rule.features for rule in rules):
            return
        known = feature_names(self._read(uri) or b"")
        for place, rule in enumerate(rules):
            for pattern in rule.features:
                if known and not any(matches(pattern, name) for name in known):
                    message = f"alerting.severity_rules[{place}].features: {pattern!r} matches none of the"
                    advice = f"{len(known)} features of {uri}; correct it, or write * for any part of a name"
                    raise InvalidInput("RuleMatchesNothing", f"{message} {advice}")

    def _refuse_missing_or_unreadable(
        self, request: ScheduleRequest, watched: EndpointInput | BatchTransformInput
    ) -> None:
        """Refuse files that no execution could use, and buckets that may not be read, before one fails of them.

        Folders of captures and labels may be empty still.
        """
        baseline = request.baseline
        for uri in baseline.uris if baseline else ():
            content = self._read(uri)
            if content is None:
                self._refuse_missing(uri)
            elif baseline and uri == baseline.constraints_s3_uri:
                refuse_unfit_constraints(content, uri, request.kind)
            else:
                refuse_unfit_statistics(content, uri, request.kind)
        for name, uri in request.sources.items():
            if self._read(uri) is None:
                raise InvalidInput("ScriptNotFound", f"there is no {name} at {uri}")
        config = request.analysis_config
        if isinstance(config, str) and self._read(config) is None:
            raise InvalidInput("AnalysisConfigNotFound", f"there is no analysis configuration at {config}")
        for folder in (watched.data_captured_destination_s3_uri, request.ground_truth_input):
            if folder:
                with advice_on_access(folder):
                    next(iter(self.objects.list(folder)), None)

    def _read(self, s3_uri: str) -> bytes | None:
        with advice_on_access(s3_uri):
            return self.objects.read(s3_uri)

    def _refuse_frequent(self, expression: ScheduleExpression) -> None:
        """Refuse an expression that is due too often."""
        shortest, least = expression.shortest_interval(), self.shortest_interval
        if shortest is not None and shortest < least:
            minutes = least // timedelta(minutes=1)
            frequency = "hourly" if least == timedelta(hours=1) else f"once in {minutes} minutes"
            raise InvalidInput(
                "InvalidScheduleExpression",
                f"the minimum monitoring frequency is {frequency}, and {expression.text} may be due again after"
                f" {shortest // timedelta(minutes=1)} minutes; make it due once an hour at most, for instance"
                " cron(0 * ? * * *), or lower the deployment's parameter ShortestScheduleMinutes",
            )

    def _refuse_past(self, expression: ScheduleExpression) -> None:
        """Refuse an expression that is never due again."""
        now = self.clock.now()
        if not expression.is_due_after(now):
            message = (
                f"{expression.text} is never due after now, {iso_utc(now)}; correct its years, or write * for them"
            )
            raise InvalidInput("CronNeverFires", message)

    def _refuse_missing(self, uri: str) -> None:
        """Refuse a baseline file that is not there, and say if it is being made."""
        for job in self.jobs.still_open():
            if isinstance(job, BaseliningJob) and uri.startswith(f"{job.output_s3_uri}/"):
                message = f"the baselining job {job.baselining_job_name} that makes {uri} has not ended; wait for it"
                raise NotReady("BaselineNotReady", f"{message} (DescribeBaseliningJob), then repeat the request")
        raise InvalidInput("BaselineNotFound", f"there is no baseline file {uri}")

    def _refuse_without_host(self, request: ScheduleRequest) -> None:
        """Refuse a schedule that no host could analyse even a window without data of, or under its role."""
        choice = self.start_analysis.choose(request.demand, resources=request.resources)
        if isinstance(choice, NoHost):
            raise InvalidInput(choice.code, f"no host can run it: {choice.reason}. {choice.advice}")
        if request.image_uri is not None:
            role_arn = request.processing.role_arn if request.processing else None
            limits = self.start_analysis.hosts[choice.name].limits
            limits.refuse_role(role_arn, f"the schedule {request.monitoring_schedule_name}")


def _refuse_unknown_checks(rules: Iterable[SeverityRule], kind: MonitorKind) -> None:
    """Refuse rules for checks that a kind does not have; a kind that lists none may have any."""
    for place, rule in enumerate(rules if kind.checks else ()):
        for name in rule.checks:
            if name not in kind.checks:
                checks = sorted(kind.checks)
                message = f"alerting.severity_rules[{place}].checks: {name!r} is not a check of this kind of monitor"
                meant = " or ".join(get_close_matches(name, checks, n=1) or checks)
                raise InvalidInput("RuleMatchesNothing", f"{message}; did you mean {meant}?")
