"""Create, change, list and remove schedules, and look at what they did."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from modelwatch_core.app.access_advice import advice_on_access
from modelwatch_core.app.analysis_inputs import analysis_inputs, refuse_large_parameters, refuse_settings_of_the_app
from modelwatch_core.app.baseline_files import feature_names, refuse_unfit_constraints
from modelwatch_core.app.create_baseline import within_results
from modelwatch_core.app.follow_schedule import FollowSchedule
from modelwatch_core.app.monitor_alerts import AlertHistoryWanted, AlertsOf, AlertUpdate, MonitorAlerts, Mute
from modelwatch_core.app.monitor_lists import (
    ExecutionsWanted,
    JobsWanted,
    MonitorLists,
    SchedulesWanted,
    VersionsWanted,
)
from modelwatch_core.app.run_once import changed, due_once
from modelwatch_core.app.start_analysis import StartAnalysis
from modelwatch_core.app.stop_baselining_job import StopBaseliningJob
from modelwatch_core.app.stop_execution import StopExecution
from modelwatch_core.domain import s3_layout
from modelwatch_core.domain.alerting import matches
from modelwatch_core.domain.analysis_settings import Switch
from modelwatch_core.domain.baselining_job import BaseliningJob
from modelwatch_core.domain.dataset_formats import refuse_unknown_format
from modelwatch_core.domain.documents import NonEmpty, Owned, SageMakerName, iso_utc, parsed
from modelwatch_core.domain.errors import InvalidInput, ModelwatchError, NotReady
from modelwatch_core.domain.hosts import NoHost
from modelwatch_core.domain.monitoring_execution import MonitoringExecution
from modelwatch_core.domain.monitoring_schedule import (
    BatchTransformInput,
    EndpointInput,
    MonitoringSchedule,
    ScheduleRequest,
    ScheduleStatus,
)
from modelwatch_core.domain.windows import ScheduleExpression, Window
from modelwatch_core.ports import (
    BaseliningJobs,
    Clock,
    Endpoints,
    Ledger,
    NotifiedPlaces,
    ObjectStore,
    Schedules,
    UnreadableRecord,
)

_FOR_EVER = datetime.max.replace(tzinfo=UTC)
_RECENT = 20
"""How many executions are searched for the last scheduled one: one-off runs may have come after it."""


class ManageMonitorsRequest(Owned):
    """An operation and its parameters, with SageMaker's names."""

    operation: NonEmpty
    parameters: dict[str, Any] = Field(default_factory=dict)


class _ScheduleNamed(Owned):
    monitoring_schedule_name: SageMakerName


class _DescribeRequest(_ScheduleNamed):
    """A schedule as it is, or as it was in a version; ``schedule_id`` finds those of one that was deleted."""

    version: int | None = Field(default=None, ge=1)
    schedule_id: NonEmpty | None = None


class _CreateRequest(BaseModel):
    """Parameters of ``ScheduleRequest``, whose expression may be ``NOW``, and with which status it begins.

    With ``dry_run`` it is only said what would be made, or why it would not, and how many schedules there may be.
    """

    model_config = ConfigDict(extra="allow", hide_input_in_errors=True)
    monitoring_schedule_status: ScheduleStatus = ScheduleStatus.SCHEDULED
    dry_run: bool = False


class _UpdateRequest(_ScheduleNamed):
    """Parameters of ``ScheduleRequest``: those to change, each whole; null takes one back to its default."""

    model_config = ConfigDict(extra="allow")


class _ExecutionNamed(_ScheduleNamed):
    """One execution of a schedule; the one that is active if no window is given.

    ``schedule_id`` finds those of a schedule that was deleted.
    """

    schedule_id: NonEmpty | None = None
    window: Window | None = None
    attempt: int = Field(default=1, ge=1)


class _JobNamed(Owned):
    baselining_job_name: SageMakerName


@dataclass(frozen=True, slots=True)
class Limits:
    """What a deployment allows.

    Attributes
    ----------
    most_schedules : int
        How many schedules there may be.
    shortest_schedule : timedelta
        How soon a schedule may be due again.
    """

    most_schedules: int = 100
    shortest_schedule: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class ManageMonitors:
    """Carry out one operation on monitors.

    Parameters
    ----------
    results : str
        S3 URI of the bucket that reports go to.
    output_buckets : collection of str
        Further buckets that they may go to.
    alert_targets : mapping of str to callable
        The types of targets that a schedule may name.
    new_token : callable
        Makes the part of a schedule's identity that distinguishes it from others of its name.
    arn_prefix : str
        How SageMaker's ARNs of the account and region begin: ``arn:{partition}:sagemaker:{region}:{account}``.
    """

    schedules: Schedules
    ledger: Ledger
    jobs: BaseliningJobs
    lists: MonitorLists
    alerts: MonitorAlerts
    follow_schedule: FollowSchedule
    endpoints: Endpoints
    objects: ObjectStore
    start_analysis: StartAnalysis
    stop_execution: StopExecution
    stop_baselining_job: StopBaseliningJob
    clock: Clock
    results: str
    alert_targets: Mapping[str, Callable[[], NotifiedPlaces]]
    new_token: Callable[[], str]
    arn_prefix: str
    output_buckets: Collection[str] = ()
    limits: Limits = Limits()

    def __call__(self, request: ManageMonitorsRequest) -> dict[str, Any]:
        """Carry out the operation and return its answer, ready for JSON.

        Raises
        ------
        InvalidInput
            ``UnknownOperation``, ``InvalidParameter`` or what the operation says.
        """
        if request.operation not in OPERATIONS:
            raise InvalidInput(
                "UnknownOperation", f"{request.operation!r} is not one of {', '.join(sorted(OPERATIONS))}"
            )
        parameters, operation = OPERATIONS[request.operation]
        return operation(self, parsed(parameters, request.parameters))

    def create(self, asked: _CreateRequest) -> dict[str, Any]:
        """Create a schedule and start its clock; if the clock cannot be started, nothing is left behind."""
        now = self.clock.now()
        request = parsed(ScheduleRequest, due_once(asked.model_extra or {}, now))
        schedule = MonitoringSchedule(
            **self._completed(request),
            monitoring_schedule_status=asked.monitoring_schedule_status,
            schedule_id=f"{request.monitoring_schedule_name}-{self.new_token()}",
            creation_time=now,
            last_modified_time=now,
            active_since=now,
        )
        if asked.dry_run:
            return _shown(schedule) | {"warnings": schedule.warnings, "most_schedules": self.limits.most_schedules}
        change = self.schedules.save(schedule, most=self.limits.most_schedules)
        try:
            self.follow_schedule(change)
        except ModelwatchError:
            self.schedules.delete(schedule, now=now)
            raise
        return _shown(schedule) | {"warnings": schedule.warnings}

    def update(self, changes: _UpdateRequest) -> dict[str, Any]:
        """Change what is given of a schedule; it goes on, or stays stopped, as it was.

        The answer's ``covered_until`` is where its next window begins.
        """
        old, now = self.lists.schedule(changes.monitoring_schedule_name), self.clock.now()
        request = _changed(old, changes.model_extra or {}, now)
        is_same = request.endpoint_name == old.endpoint_name
        # What was paused because its endpoint was deleted goes on with another one.
        resumes = not is_same and old.watched_endpoint is not None and old.watched_endpoint.paused
        schedule = MonitoringSchedule(
            **self._completed(request, old),
            schedule_id=old.schedule_id,
            monitoring_schedule_status=ScheduleStatus.SCHEDULED if resumes else old.monitoring_schedule_status,
            creation_time=old.creation_time,
            last_modified_time=now,
            active_since=now,
            definition_changed=now,
            covered_until=self._covered_until(old, now),
            watched_endpoint=old.watched_endpoint if is_same else None,
            version=old.version + 1,
        )
        self.follow_schedule(self.schedules.save(schedule))
        return _shown(schedule) | {"warnings": schedule.warnings}

    def start(self, named: _ScheduleNamed) -> dict[str, Any]:
        """Make a schedule fire again."""
        return self._switch(named, ScheduleStatus.SCHEDULED)

    def stop(self, named: _ScheduleNamed) -> dict[str, Any]:
        """Make a schedule fire no more until it is started."""
        return self._switch(named, ScheduleStatus.STOPPED)

    def delete(self, named: _ScheduleNamed) -> dict[str, Any]:
        """Remove a schedule, and stop what it has running; its executions and reports are kept.

        A run that went on would write over the reports of a schedule that is created again under the name.
        """
        schedule = self.lists.schedule(named.monitoring_schedule_name)
        # Before the deletion, so that one that meets an end in this moment can be repeated; what starts meanwhile is
        # stopped when the clock has followed.
        with suppress(InvalidInput):  # nothing is running, or it has ended in this moment
            self.stop_execution(schedule.schedule_id)
        self.follow_schedule(self.schedules.delete(schedule, now=self.clock.now()))
        return {}

    def describe(self, asked: _DescribeRequest) -> dict[str, Any]:
        """Return a schedule with its latest execution and what its executions cost so far, or a version of it."""
        if asked.version is not None:
            return _shown(self._version(asked, asked.version))
        schedule = self.lists.schedule(asked.monitoring_schedule_name)
        latest = self.ledger.history(schedule.schedule_id, limit=1)
        return self._as_it_is(schedule) | {
            "last_monitoring_execution": self.shown_execution(latest[0]) if latest else None,
            "cost": self.ledger.cost(schedule.schedule_id).model_dump(mode="json"),
        }

    def list_schedules(self, asked: SchedulesWanted) -> dict[str, Any]:
        """Return a page of schedules."""
        found, following = self.lists.of_schedules(asked, now=self.clock.now())
        return {"schedules": [self._as_it_is(schedule) for schedule in found], "next_token": following}

    def list_versions(self, asked: VersionsWanted) -> dict[str, Any]:
        """Return a page of the versions of a schedule, the newest first."""
        found, following = self.lists.of_versions(asked)
        return {"versions": [_shown(schedule) for schedule in found], "next_token": following}

    def list_executions(self, asked: ExecutionsWanted) -> dict[str, Any]:
        """Return a page of executions, of one schedule or of all."""
        found, following = self.lists.of_executions(asked)
        return {"executions": [self.shown_execution(execution) for execution in found], "next_token": following}

    def stop_one(self, requested: _ExecutionNamed) -> dict[str, Any]:
        """Stop an execution, and its run."""
        schedule_id = requested.schedule_id or self.lists.schedule(requested.monitoring_schedule_name).schedule_id
        stopped = self.stop_execution(schedule_id, requested.window, requested.attempt)
        return self.shown_execution(stopped)

    def describe_job(self, requested: _JobNamed) -> dict[str, Any]:
        """Return a baselining job."""
        return _shown(self._job(requested.baselining_job_name))

    def list_jobs(self, asked: JobsWanted) -> dict[str, Any]:
        """Return a page of baselining jobs, the newest first."""
        found, following = self.lists.of_jobs(asked)
        return {"baselining_jobs": [_shown(job) for job in found], "next_token": following}

    def stop_job(self, requested: _JobNamed) -> dict[str, Any]:
        """Stop a baselining job, and its run."""
        return _shown(self.stop_baselining_job(self._job(requested.baselining_job_name)))

    def _job(self, name: str) -> BaseliningJob:
        job = self.jobs.get(name)
        if job is None:
            raise InvalidInput("BaseliningJobNotFound", f"there is no baselining job {name}")
        return job

    def _as_it_is(self, schedule: MonitoringSchedule | UnreadableRecord) -> dict[str, Any]:
        """Return a schedule for JSON, with the status that it has by now."""
        if isinstance(schedule, UnreadableRecord):
            return _shown(schedule)
        return _shown(schedule) | {"monitoring_schedule_status": schedule.status_at(self.clock.now()).value}

    def shown_execution(self, execution: MonitoringExecution | UnreadableRecord) -> dict[str, Any]:
        """Return an execution for JSON, with the name and ARN that it has as a processing job."""
        if isinstance(execution, UnreadableRecord):
            return _shown(execution)
        name = execution.processing_job_name
        arn = f"{self.arn_prefix}:processing-job/{name}"
        return _shown(execution) | {"processing_job_name": name, "processing_job_arn": arn}

    def _completed(self, request: ScheduleRequest, old: MonitoringSchedule | None = None) -> dict[str, Any]:
        """Return what a request says of its schedule, with what it leaves to the app, unless it is refused.

        Parameters
        ----------
        old : MonitoringSchedule, optional
            What the request changes. Its expression, if it stays, may be over: one that ran ``NOW`` is.
        """
        self._refuse_unfit(request)
        if old is None or request.schedule_expression != old.schedule_expression:
            self._refuse_past(ScheduleExpression(request.schedule_expression))
        endpoint = self._looked_up(request.endpoint_input)
        self._refuse_missing_or_unreadable(request, endpoint or request.captured_input)
        output = request.output_s3_uri or s3_layout.join(self.results, "monitoring")
        return request.model_dump() | {
            "endpoint_input": endpoint,
            "output_s3_uri": within_results(output, self.results, self.output_buckets),
        }

    def _refuse_unfit(self, request: ScheduleRequest) -> None:
        """Refuse a request that contradicts itself, its baseline or the deployment."""
        refuse_large_parameters(request)
        request.refuse_windows_that_may_be_empty()
        expression = ScheduleExpression(request.schedule_expression)
        request.window(expression.example_due_time).refuse_long()
        self._refuse_frequent(expression)
        self._refuse_without_host(request)
        refuse_settings_of_the_app(request.environment, request.kind, request.parameters_that_are_settings)
        given = analysis_inputs(request, request.kind)  # refuses an environment that the analysis would refuse
        if request.batch_transform_input and request.image_uri is None:
            refuse_unknown_format({"batchTransform": request.batch_transform_input.dataset_format})
        if not request.compares and given.settings.get("report_values") is Switch.DISABLED:
            message = "report_values: Disabled hides what a schedule without constraints is there to show; remove it"
            raise InvalidInput("BaselineNeedsValues", message)
        self._refuse_unfit_targets(request)
        self._refuse_idle_rules(request)

    def _refuse_unfit_targets(self, request: ScheduleRequest) -> None:
        """Refuse targets of alerts that are not known, cannot be reached, or would never be sent one."""
        for target in request.alert_targets:
            if target.type not in self.alert_targets:
                known = ", ".join(self.alert_targets)
                message = f"alert_targets: {target.type!r} is not a type of alert target; there is {known}"
                raise InvalidInput("UnknownAlertTarget", message)
            self.alert_targets[target.type]().check(target.address, request)
            if not target.is_for(request.endpoint_name, request.tags):
                message = (
                    f"alert_targets: no alert of this schedule would go to {target}: its endpoints or tags are others"
                )
                raise InvalidInput("UnfitAlertTarget", f"{message}; correct them, or leave the target out")

    def _refuse_idle_rules(self, request: ScheduleRequest) -> None:
        """Refuse rules of severity for a check that the kind, or a feature that the baseline does not have.

        A postprocessor may write violations of checks of its own.
        """
        uri = request.baseline.constraints_s3_uri if request.baseline else None
        rules, checks = request.alerting.severity_rules, sorted(request.kind.checks)
        for place, rule in enumerate(rules if checks and not request.post_analytics_processor_source_uri else ()):
            for name in (name for name in rule.checks if name not in checks):
                message = f"alerting.severity_rules[{place}].checks: {name!r} is no check of this kind of monitor"
                meant = " or ".join(get_close_matches(name, checks, n=1) or checks)
                raise InvalidInput("RuleMatchesNothing", f"{message}; did you mean {meant}?")
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
        for name, uri in request.sources.items():
            if self._read(uri) is None:
                raise InvalidInput("ScriptNotFound", f"there is no {name} at {uri}")
        for folder in (watched.data_captured_destination_s3_uri, request.ground_truth_input):
            if folder:
                with advice_on_access(folder):
                    next(iter(self.objects.list(folder)), None)

    def _read(self, s3_uri: str) -> bytes | None:
        with advice_on_access(s3_uri):
            return self.objects.read(s3_uri)

    def _refuse_frequent(self, expression: ScheduleExpression) -> None:
        """Refuse an expression that is due too often."""
        shortest, least = expression.shortest_interval(), self.limits.shortest_schedule
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
        for job in self.jobs.open_and_due(_FOR_EVER):
            if isinstance(job, BaseliningJob) and uri.startswith(f"{job.output_s3_uri}/"):
                message = f"the baselining job {job.baselining_job_name} that makes {uri} has not ended; wait for it"
                raise NotReady("BaselineNotReady", f"{message} (DescribeBaseliningJob), then ask again")
        raise InvalidInput("BaselineNotFound", f"there is no baseline file {uri}")

    def _refuse_without_host(self, request: ScheduleRequest) -> None:
        """Refuse a schedule that no host could analyse even a window without data of."""
        choice = self.start_analysis.choose(request.demand, resources=request.resources)
        if isinstance(choice, NoHost):
            raise InvalidInput(choice.code, f"no host can run it: {choice.reason}. {choice.advice}")

    def _covered_until(self, schedule: MonitoringSchedule, now: datetime) -> datetime:
        """Return where the last window that a schedule has had ended."""
        ends = [
            execution.window.end
            for execution in self.ledger.history(schedule.schedule_id, limit=_RECENT)
            if isinstance(execution, MonitoringExecution) and schedule.scheduled_time_of(execution.window) is not None
        ]
        known = [*ends[:1], *([schedule.covered_until] if schedule.covered_until else [])]
        # One without executions yet has a first window, which began before its first tick.
        delay = timedelta(minutes=schedule.start_delay_minutes)
        return max(known) if known else schedule.expression.before(now - delay)

    def _looked_up(self, endpoint: EndpointInput | None) -> EndpointInput | None:
        if endpoint is None or endpoint.data_captured_destination_s3_uri:
            return endpoint
        destination = self.endpoints.capture_destination(endpoint.endpoint_name, endpoint.variant_name)
        return endpoint.model_copy(update={"data_captured_destination_s3_uri": destination})

    def _version(self, asked: _DescribeRequest, version: int) -> MonitoringSchedule:
        schedule_id = asked.schedule_id or self.lists.schedule(asked.monitoring_schedule_name).schedule_id
        found = self.schedules.version(schedule_id, version)
        if found is None:
            message = f"{schedule_id} has no version {version}; ListMonitoringScheduleVersions shows which it has"
            raise InvalidInput("VersionNotFound", message)
        return found

    def _switch(self, named: _ScheduleNamed, status: ScheduleStatus) -> dict[str, Any]:
        old, now = self.lists.schedule(named.monitoring_schedule_name), self.clock.now()
        seen = old.watched_endpoint.model_copy(update={"paused": False}) if old.watched_endpoint else None
        schedule = old.switched(status, now=now, watched_endpoint=seen)  # from now on as its user says
        self.follow_schedule(self.schedules.save(schedule))
        return _shown(schedule)


def _changed(schedule: MonitoringSchedule, changes: Mapping[str, Any], now: datetime) -> ScheduleRequest:
    """Return the request that would make a schedule as it is, with changes.

    What SageMaker's API sent is not what a schedule does any more, unless the change comes from there.
    """
    known = ScheduleRequest.model_fields
    kept = set(known) - {"sagemaker_request"}
    parameters = changed(schedule.model_dump(mode="json", include=kept), changes, now)
    return parsed(ScheduleRequest, {name: v for name, v in parameters.items() if v is not None or name not in known})


def _shown(record: BaseModel | UnreadableRecord) -> dict[str, Any]:
    """Return a record for JSON; one that cannot be read is shown as the reason."""
    return {"unreadable": str(record.error)} if isinstance(record, UnreadableRecord) else record.model_dump(mode="json")


OPERATIONS: Mapping[str, tuple[type[BaseModel], Callable[[ManageMonitors, Any], dict[str, Any]]]] = {
    "CreateMonitoringSchedule": (_CreateRequest, ManageMonitors.create),
    "UpdateMonitoringSchedule": (_UpdateRequest, ManageMonitors.update),
    "StartMonitoringSchedule": (_ScheduleNamed, ManageMonitors.start),
    "StopMonitoringSchedule": (_ScheduleNamed, ManageMonitors.stop),
    "DeleteMonitoringSchedule": (_ScheduleNamed, ManageMonitors.delete),
    "DescribeMonitoringSchedule": (_DescribeRequest, ManageMonitors.describe),
    "ListMonitoringSchedules": (SchedulesWanted, ManageMonitors.list_schedules),
    "ListMonitoringScheduleVersions": (VersionsWanted, ManageMonitors.list_versions),
    "ListMonitoringExecutions": (ExecutionsWanted, ManageMonitors.list_executions),
    "StopMonitoringExecution": (_ExecutionNamed, ManageMonitors.stop_one),
    "ListMonitoringAlerts": (AlertsOf, lambda manage, asked: manage.alerts.of_schedule(asked)),
    "ListMonitoringAlertHistory": (AlertHistoryWanted, lambda manage, asked: manage.alerts.history(asked)),
    "UpdateMonitoringAlert": (AlertUpdate, lambda manage, asked: manage.alerts.update(asked)),
    "MuteMonitoringAlerts": (Mute, lambda manage, asked: manage.alerts.mute(asked)),
    "DescribeBaseliningJob": (_JobNamed, ManageMonitors.describe_job),
    "ListBaseliningJobs": (JobsWanted, ManageMonitors.list_jobs),
    "StopBaseliningJob": (_JobNamed, ManageMonitors.stop_job),
}
