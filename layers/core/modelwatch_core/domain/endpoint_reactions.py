"""The rules by which a schedule reacts to what became of its endpoint: it is paused, marked or resumed, with a notice.

| the endpoint | the schedule |
|---|---|
| was deleted | paused, if it is scheduled |
| works again, and the schedule was paused | resumed: what was due meanwhile is not made up |
| failed, or went out of service | marked; it goes on, since the endpoint may still respond with what it had before |
| works again, and the schedule was marked | the mark is removed |
| has another configuration | goes on; a notice says which variants and models are new |
| has no variant of the name that the schedule watches | goes on; a warning |
| has another model where the schedule watches, made after it was given its baseline | goes on; a warning |
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from modelwatch_core.domain.alerting import Severity
from modelwatch_core.domain.documents import iso_utc
from modelwatch_core.domain.monitoring_schedule import MonitoringSchedule, ScheduleStatus
from modelwatch_core.domain.watched_endpoint import Condition, Deployment, Notice, WatchedEndpoint, condition_of


class Reaction(NamedTuple):
    """What a schedule does.

    Attributes
    ----------
    schedule : MonitoringSchedule
        Its next version.
    """

    schedule: MonitoringSchedule
    notices: tuple[Notice, ...]


def reaction_of(schedule: MonitoringSchedule, found: Deployment | None, now: datetime) -> Reaction | None:
    """Return how a schedule reacts to its endpoint as it is; None where nothing has changed for it.

    A schedule that its user stopped does not react.
    """
    seen, condition = schedule.watched_endpoint, condition_of(found)
    was_paused = seen is not None and seen.paused
    is_on = schedule.monitoring_schedule_status is ScheduleStatus.SCHEDULED
    if condition is None or not (is_on or was_paused):
        return None
    paused = condition is Condition.GONE and (was_paused or seen is None or seen.condition is not Condition.GONE)
    deployment = found if condition is Condition.WORKS else (seen.deployment if seen else None)
    unheard = seen.unheard if seen else ()
    sees = WatchedEndpoint(condition=condition, deployment=deployment, paused=paused, unheard=unheard)
    if sees == seen:
        return None
    is_resumed = was_paused and condition is not Condition.GONE
    status = ScheduleStatus.STOPPED if paused else ScheduleStatus.SCHEDULED
    changed = schedule.switched(status, now=now, watched_endpoint=sees)
    return Reaction(changed, tuple(_notices(schedule, found, condition, is_resumed=is_resumed)))


def _notices(
    schedule: MonitoringSchedule, found: Deployment | None, condition: Condition, *, is_resumed: bool
) -> Iterator[Notice]:
    name, seen = schedule.endpoint_name, schedule.watched_endpoint
    before = seen.condition if seen else Condition.WORKS
    if is_resumed:
        message = (
            f"the endpoint {name} exists again, and the schedule has resumed; windows that were due meanwhile are not"
            " analysed"
        )
        yield _notice("ScheduleResumed", Severity.INFO, "resumed, its endpoint exists again", message)
    if condition is Condition.GONE and before is not condition:
        message = (
            f"the endpoint {name} was deleted, and the schedule is paused; it resumes when an endpoint of that name"
            " exists again. Delete the schedule if you no longer need it"
        )
        yield _notice("EndpointDeleted", Severity.WARNING, "paused, its endpoint was deleted", message)
    elif condition is Condition.FAILED and before is not condition and found is not None:
        message = (
            f"the endpoint {name} is {found.status}: {found.failure_reason or 'SageMaker gives no reason'}. The"
            " schedule continues with what is captured; repair the endpoint, or stop the schedule"
        )
        yield _notice("EndpointFailed", Severity.WARNING, f"its endpoint is {found.status}", message)
    elif condition is Condition.WORKS and before is Condition.FAILED:
        yield _notice(
            "EndpointRecovered", Severity.INFO, "its endpoint works again", f"the endpoint {name} works again"
        )
    if condition is Condition.WORKS and found is not None:
        yield from _of_update(schedule, found)


def _of_update(schedule: MonitoringSchedule, found: Deployment) -> Iterator[Notice]:
    """Yield what is to be said of another configuration; one that is older than the schedule is none."""
    seen, watched = schedule.watched_endpoint, schedule.endpoint_input
    before = seen.deployment if seen else None
    is_known = before is not None and before.endpoint_config_name == found.endpoint_config_name
    defined = schedule.definition_changed or schedule.creation_time
    if watched is None or is_known or (before is None and found.deployed_since <= defined):
        return
    name, variant = watched.endpoint_name, watched.variant_name
    message = f"the endpoint {name} now has the configuration {found.endpoint_config_name}{_changes(before, found)}"
    yield _notice("EndpointUpdated", Severity.INFO, "its endpoint was updated", message)
    if variant is not None and variant not in found.models:
        message = (
            f"the schedule watches the variant {variant} of {name}, which now has {_listed(found.models)}: it will find"
            " no data. Update endpoint_input.variant_name"
        )
        yield _notice("VariantRemoved", Severity.WARNING, "its variant is gone", message)
    is_newer = found.newest_model is not None and found.newest_model > defined
    known = _models(before, variant) if before else set()
    if schedule.baseline is not None and is_newer and _models(found, variant) - known:
        message = (
            f"a model of the endpoint {name} was made at {iso_utc(found.newest_model or defined)}, and the schedule was"
            f" given its baseline at {iso_utc(defined)}. Make a baseline from the data of the new model, and update the"
            " schedule; there is nothing to do if the baseline's files have been replaced"
        )
        yield _notice("BaselineOlderThanModel", Severity.WARNING, "its baseline is older than the model", message)


def _models(deployment: Deployment, variant: str | None) -> set[str]:
    """Return the models of the variant that a schedule watches; of all if it names none."""
    return {model for name, model in deployment.models.items() if variant in (None, name)}


def _changes(before: Deployment | None, found: Deployment) -> str:
    old = before.models if before else {}
    added = [f"{variant} ({model})" for variant, model in found.models.items() if old.get(variant) != model]
    removed = [variant for variant in old if variant not in found.models]
    parts = [f"new: {', '.join(added)}"] if added else []
    parts += [f"removed: {', '.join(removed)}"] if removed else []
    return f"; {'; '.join(parts)}" if parts else ""


def _listed(models: dict[str, str]) -> str:
    return ", ".join(models) or "no variants"


def _notice(code: str, severity: Severity, headline: str, message: str) -> Notice:
    return Notice(code=code, severity=severity, headline=headline, message=f"{message}.")
