"""Tags of schedules, job definitions and baselining jobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from modelwatch_core.app.listing import unknown_token
from modelwatch_core.app.sagemaker_api.definitions import found_definition
from modelwatch_core.app.sagemaker_api.operation import App, NotOurs, Operation
from modelwatch_core.domain.documents import parsed
from modelwatch_core.domain.processing_parameters import ProcessingParameters
from modelwatch_core.domain.sagemaker_api.job_definitions import ARN_TYPES
from modelwatch_core.domain.sagemaker_api.requests import AddTags, DeleteTags, TagsOf, tags_by_key

_Tags = dict[str, str]
_Change = Callable[[_Tags], _Tags]
_KINDS = {arn_type: monitoring_type for monitoring_type, arn_type in ARN_TYPES.items()}


def _list(app: App, request: TagsOf) -> dict[str, Any]:
    tags = _changed(app, request.resource_arn, None)
    if request.next_token is not None:  # all tags are on the first page
        raise unknown_token()
    return _shown(tags)


def _add(app: App, request: AddTags) -> dict[str, Any]:
    return _shown(_changed(app, request.resource_arn, lambda tags: tags | tags_by_key(request.tags)))


def _delete(app: App, request: DeleteTags) -> dict[str, Any]:
    gone = frozenset(request.tag_keys)
    _changed(app, request.resource_arn, lambda tags: {key: value for key, value in tags.items() if key not in gone})
    return {}


def _shown(tags: _Tags) -> dict[str, Any]:
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


def _changed(app: App, arn: str, change: _Change | None) -> _Tags:
    """Return the tags of a resource, after a change."""
    arn_type, _, name = arn.removeprefix(f"{app.arns}:").partition("/")
    if arn_type == "monitoring-schedule":
        return _of_schedule(app, name, change)
    if arn_type in _KINDS:
        return _of_definition(app, _KINDS[arn_type], name, change)
    if arn_type == "processing-job":
        return _of_job(app, name, change)
    raise NotOurs


def _of_schedule(app: App, name: str, change: _Change | None) -> _Tags:
    schedule = app.monitors.lists.schedule(name)
    processing = schedule.processing or ProcessingParameters()
    if change is None:
        return processing.tags
    tags = change(processing.tags)
    document = processing.model_dump(mode="json", exclude_none=True) | {"tags": tags}
    kept = {"processing": document, "sagemaker_request": schedule.sagemaker_request}
    app.manage("UpdateMonitoringSchedule", monitoring_schedule_name=name, **kept)
    return tags


def _of_definition(app: App, monitoring_type: str, name: str, change: _Change | None) -> _Tags:
    definition = found_definition(app, monitoring_type, name)
    if change is None:
        return definition.tags
    changed = definition.changed(tags=parsed(ProcessingParameters, {"tags": change(definition.tags)}).tags)
    app.definitions.save(changed)
    return changed.tags


def _of_job(app: App, name: str, change: _Change | None) -> _Tags:
    job = app.monitors.jobs.get(name)
    if job is None:
        if app.monitors.ledger.of_processing_job(name) is None:
            raise NotOurs
        return {}
    tags = job.processing.tags if job.processing else {}
    if change is None:
        return tags
    tagged = parsed(ProcessingParameters, {"tags": change(tags)}).tags
    app.monitors.jobs.save(job.tagged(tagged, now=app.monitors.clock.now()))
    return tagged


TAG_OPERATIONS: Mapping[str, Operation] = {
    "ListTags": Operation(TagsOf, _list),
    "AddTags": Operation(AddTags, _add),
    "DeleteTags": Operation(DeleteTags, _delete),
}
