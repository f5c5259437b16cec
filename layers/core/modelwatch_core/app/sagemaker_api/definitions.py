"""The job definitions of the four kinds of monitor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from modelwatch_core.app.analysis_inputs import analysis_inputs
from modelwatch_core.app.listing import ListRequest, Section, listed
from modelwatch_core.app.sagemaker_api.operation import App, Operation
from modelwatch_core.domain.documents import NonEmpty, UtcDatetime, parsed
from modelwatch_core.domain.errors import InvalidInput, NotReady
from modelwatch_core.domain.monitoring_schedule import ScheduleRequest
from modelwatch_core.domain.sagemaker_api.job_definitions import ARN_TYPES, JobDefinition, names_of_kind
from modelwatch_core.domain.sagemaker_api.requests import DefinitionNamed, DefinitionRequest, DefinitionsWanted
from modelwatch_core.domain.sagemaker_api.responses import arn, given
from modelwatch_core.domain.sagemaker_api.schedule_parameters import DAILY, schedule_parameters
from modelwatch_core.ports import Page, readable

_TRIES = 5


def found_definition(app: App, monitoring_type: str, name: str) -> JobDefinition:
    """Return a definition.

    Raises
    ------
    InvalidInput
        ``JobDefinitionNotFound``.
    """
    found = app.definitions.get(monitoring_type, name)
    if found is None:
        raise InvalidInput("JobDefinitionNotFound", f"there is no {monitoring_type} job definition {name}")
    return found


def note_use(app: App, monitoring_type: str, name: str, schedule: str) -> JobDefinition:
    """Note that a schedule is made with a definition, and return the definition."""
    for _ in range(_TRIES):
        found = found_definition(app, monitoring_type, name)
        if schedule in found.schedules:
            return found
        try:
            app.definitions.save(found.changed(schedules=(*_users(app, found), schedule)))
        except NotReady:  # another schedule was made with it in this moment
            continue
        return found
    raise NotReady("ChangedMeanwhile", f"the job definition {name} is being changed by other requests; try again")


def definition_arn(app: App, definition: JobDefinition) -> str:
    """Return the ARN of a definition."""
    return arn(app.arns, ARN_TYPES[definition.monitoring_type], definition.job_definition_name)


def _create(monitoring_type: str, app: App, request: DefinitionRequest) -> dict[str, Any]:
    definition = JobDefinition.requested(monitoring_type, request, app.monitors.clock.now())
    _refuse_what_no_schedule_could_do(definition)
    app.definitions.save(definition)
    return {"JobDefinitionArn": definition_arn(app, definition)}


def _refuse_what_no_schedule_could_do(definition: JobDefinition) -> None:
    parameters = schedule_parameters(definition.monitoring_type, definition.definition, {})
    named = {"monitoring_schedule_name": definition.job_definition_name, "schedule_expression": DAILY}
    given = {name: value for name, value in parameters.items() if value is not None}
    request = parsed(ScheduleRequest, named | given)
    analysis_inputs(request, request.kind)  # refuses an environment that the analysis would refuse


def _describe(monitoring_type: str, app: App, named: DefinitionNamed) -> dict[str, Any]:
    definition = found_definition(app, monitoring_type, named.job_definition_name)
    return names_of_kind(monitoring_type, definition.request) | {
        "JobDefinitionArn": definition_arn(app, definition),
        "JobDefinitionName": definition.job_definition_name,
        "CreationTime": definition.creation_time,
    }


def _delete(monitoring_type: str, app: App, named: DefinitionNamed) -> dict[str, Any]:
    definition = found_definition(app, monitoring_type, named.job_definition_name)
    if users := _users(app, definition):
        message = f"{named.job_definition_name} is used by {', '.join(users)}; delete or update the schedules first"
        raise InvalidInput("JobDefinitionInUse", message)
    app.definitions.delete(definition)
    return {}


def _users(app: App, definition: JobDefinition) -> tuple[str, ...]:
    """Return the schedules that have a definition now."""
    found = {name: app.monitors.schedules.get(name) for name in definition.schedules}
    name = definition.job_definition_name
    return tuple(each for each, schedule in found.items() if schedule and schedule.job_definition_name == name)


class _Wanted(ListRequest):
    """What distinguishes lists of definitions; a token goes on with the list that it came from."""

    monitoring_type: NonEmpty
    name_contains: str | None
    endpoint_name: str | None
    creation_time_after: UtcDatetime | None
    creation_time_before: UtcDatetime | None
    sort_by: str
    sort_order: str


def _list(monitoring_type: str, app: App, asked: DefinitionsWanted) -> dict[str, Any]:
    wanted = _Wanted.model_validate(asked.model_dump() | {"monitoring_type": monitoring_type})

    def read(limit: int, after: str | None) -> Page[JobDefinition]:
        by_creation, descending = asked.sort_by == "CreationTime", asked.sort_order == "Descending"
        page = app.definitions.page
        return page(monitoring_type, limit=limit, after=after, by_creation=by_creation, descending=descending)

    def keeps(definition: JobDefinition) -> bool:
        after, before, made = asked.creation_time_after, asked.creation_time_before, definition.creation_time
        return (
            (asked.name_contains or "").lower() in definition.job_definition_name.lower()
            and asked.endpoint_name in (None, definition.endpoint_name)
            and (after is None or after < made)
            and (before is None or made < before)
        )

    found, following = listed(wanted, [Section(read, keeps)])
    summaries = [_summary(app, each) for each in readable(found)]
    return given(JobDefinitionSummaries=summaries, NextToken=following)


def _summary(app: App, definition: JobDefinition) -> dict[str, Any]:
    return {
        "MonitoringJobDefinitionName": definition.job_definition_name,
        "MonitoringJobDefinitionArn": definition_arn(app, definition),
        "CreationTime": definition.creation_time,
        "EndpointName": definition.endpoint_name or "",  # the shape needs one, and batch transform jobs have none
    }


def _of(monitoring_type: str, carry_out: Callable[[str, App, Any], dict[str, Any]]) -> Callable[[App, Any], Any]:
    return partial(carry_out, monitoring_type)


DEFINITION_OPERATIONS: Mapping[str, Operation] = {
    name.format(kind): Operation(request, _of(kind, carry_out))
    for kind in ARN_TYPES
    for name, request, carry_out in (
        ("Create{}JobDefinition", DefinitionRequest, _create),
        ("Describe{}JobDefinition", DefinitionNamed, _describe),
        ("Delete{}JobDefinition", DefinitionNamed, _delete),
        ("List{}JobDefinitions", DefinitionsWanted, _list),
    )
}
