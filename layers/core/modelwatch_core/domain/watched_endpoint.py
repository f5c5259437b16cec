"""The user's own endpoints, as schedules saw them last, and what people should know of them."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from pydantic import Field

from modelwatch_core.domain.alerting import Severity
from modelwatch_core.domain.documents import ExactUtcDatetime, NonEmpty, Owned, UtcDatetime


class Deployment(Owned):
    """What is deployed at an endpoint.

    Attributes
    ----------
    status : str
        As DescribeEndpoint says it, for instance ``InService``.
    endpoint_config_name : str
        The endpoint configuration.
    deployed_since : datetime
        When that configuration was made.
    models : dict of str to str
        The model of each variant, shadow variants included; empty where the variant has none of its own (inference
        components).
    newest_model : datetime, optional
        When the newest of these models was made; None where none is known to SageMaker any more.
    failure_reason : str, optional
        Why it failed.
    """

    status: NonEmpty
    endpoint_config_name: NonEmpty
    deployed_since: ExactUtcDatetime
    models: dict[str, str] = Field(default_factory=dict)
    newest_model: ExactUtcDatetime | None = None
    failure_reason: str | None = None


class Condition(StrEnum):
    """What an endpoint's status means for a schedule."""

    WORKS = "Works"
    FAILED = "Failed"
    GONE = "Gone"


_CONDITIONS = {
    "InService": Condition.WORKS,
    "Failed": Condition.FAILED,
    "OutOfService": Condition.FAILED,
    "UpdateRollbackFailed": Condition.FAILED,
    "Deleting": Condition.GONE,  # it does not come back
}


def condition_of(deployment: Deployment | None) -> Condition | None:
    """Return what an endpoint's status means; None while it changes, since another event follows."""
    return Condition.GONE if deployment is None else _CONDITIONS.get(deployment.status)


class Notice(Owned):
    """Something that happened to what a schedule watches.

    Attributes
    ----------
    code : str
        Stable; docs/errors.md lists it.
    headline : str
        The few words of a subject line.
    message : str
        What happened, what the app did, and what to do.
    noticed : datetime, optional
        When the app saw it; None if it is raised at once.
    """

    code: NonEmpty
    severity: Severity
    headline: NonEmpty
    message: NonEmpty
    noticed: UtcDatetime | None = None


_TAKES_BACK = {"EndpointRecovered": "EndpointFailed", "ScheduleResumed": "EndpointDeleted"}


def unheard_notices(held_back: Iterable[Notice], *later: Notice) -> tuple[Notice, ...]:
    """Return what people should hear after a mute: the last notice of each code, without what was taken back."""
    found = {notice.code: notice for notice in held_back}
    for notice in later:
        if found.pop(_TAKES_BACK.get(notice.code, ""), None) is None:
            found.pop(notice.code, None)
            found[notice.code] = notice
    return tuple(found.values())


class WatchedEndpoint(Owned):
    """The endpoint of a schedule when an event last made the app look at it.

    Attributes
    ----------
    condition : Condition
        Whether it works. A schedule whose endpoint failed goes on, and is marked by this.
    deployment : Deployment, optional
        What was deployed when it last worked.
    paused : bool
        Whether the app stopped the schedule because its endpoint was deleted, and starts it when there is one again.
    unheard : tuple of Notice
        What is said after the mute in which it happened.
    """

    condition: Condition
    deployment: Deployment | None = None
    paused: bool = False
    unheard: tuple[Notice, ...] = ()
