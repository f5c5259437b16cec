"""Where alerts go, as a schedule or the deployment names it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial

from pydantic import Field, TypeAdapter, ValidationError

from modelwatch_core.domain.alerting import AlertName, Severity, matches
from modelwatch_core.domain.documents import NonEmpty, Owned, validation_message
from modelwatch_core.domain.errors import InvalidInput

ALARM = "cloudwatch-alarm"
"""The type of a target that watches a schedule by itself. Nothing is sent to it, and it stands for no other target: it
does not see that an execution failed."""


class AlertTargetReference(Owned):
    """Somewhere alerts go, and which of them do.

    Attributes
    ----------
    type : str
        The kind of target: ``sns``, ``sns-json``, ``sns-chat``, ``lambda`` or ``cloudwatch-alarm``;
        ``modelwatch_core.wiring.ALERT_TARGETS`` has the list.
    address : str
        Which one, in the target's own form: the ARN of a topic or function, the name of an alarm. It is stored and
        shown, so it must hold no secret; a target that needs one takes the ARN of a secret.
    least_severity : Severity
        Less serious alerts do not go there.
    alerts : tuple of AlertName
        Which alerts go there; all if empty.
    endpoints : tuple of str
        Alerts of which endpoints go there, with ``*`` and ``?``; of all, and of batch transform, if empty.
    tags : dict of str to str
        Alerts of schedules that have all of these tags go there.
    """

    type: NonEmpty
    address: NonEmpty
    least_severity: Severity = Severity.INFO
    alerts: tuple[AlertName, ...] = ()
    endpoints: tuple[NonEmpty, ...] = ()
    tags: dict[str, str] = Field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.type}:{self.address}"

    def takes(self, alert: AlertName | None, severity: Severity) -> bool:
        """Return whether a message about an alert of a severity goes there; None for a notice, which is about none."""
        return severity.rank >= self.least_severity.rank and (not self.alerts or alert in self.alerts)

    def is_for(self, endpoint_name: str | None, tags: Mapping[str, str]) -> bool:
        """Return whether messages about a schedule with an endpoint and tags may go there."""
        named = not self.endpoints or any(matches(pattern, endpoint_name or "") for pattern in self.endpoints)
        return named and self.tags.items() <= tags.items()


Takes = Callable[[AlertName | None, Severity], bool]
"""Whether messages about an alert of a severity go to a target; None in place of its name for a notice."""


def reached(
    named: Iterable[AlertTargetReference],
    defaults: Callable[[], Iterable[AlertTargetReference]],
    *,
    endpoint_name: str | None,
    tags: Mapping[str, str],
) -> Iterator[tuple[AlertTargetReference, Takes]]:
    """Yield the targets of a schedule, each once, with what each takes; the default ones if it names none.

    Parameters
    ----------
    named : iterable of AlertTargetReference
        Alarms among them count for none: nothing is sent to them.
    defaults : callable
        Asked only where they count.
    """
    asked = [target for target in named if target.type != ALARM] or defaults()
    places: dict[str, list[AlertTargetReference]] = {}
    for target in asked:
        if target.is_for(endpoint_name, tags):
            places.setdefault(str(target), []).append(target)
    for references in places.values():
        yield references[0], partial(_takes, references)


def _takes(references: Iterable[AlertTargetReference], alert: AlertName | None, severity: Severity) -> bool:
    return any(each.takes(alert, severity) for each in references)


_REFERENCES: TypeAdapter[tuple[AlertTargetReference, ...]] = TypeAdapter(tuple[AlertTargetReference, ...])


DEFAULT_ALERT_TARGETS = "DefaultAlertTargets"
"""The parameter of the deployment that names its targets."""


def targets_in(document: str) -> tuple[AlertTargetReference, ...]:
    """Read the JSON list of targets of a deployment.

    Raises
    ------
    InvalidInput
        ``InvalidParameter``.
    """
    try:
        return _REFERENCES.validate_json(document)
    except ValidationError as error:
        raise InvalidInput(
            "InvalidParameter", validation_message(error, location_prefix=DEFAULT_ALERT_TARGETS)
        ) from None


def refuse_unlisted(address: str, listed: Collection[str], *, own: str, parameter: str) -> None:
    """Refuse an ARN of another account or region, or that the deployment was not given.

    Parameters
    ----------
    own : str
        The ARN of something in the account and region of the deployment.

    Raises
    ------
    InvalidInput
        ``UnfitAlertTarget``, naming the parameter of the deployment that lists them.
    """
    for what, place in (("account", 4), ("region", 3)):
        theirs, ours = _part(address, place), _part(own, place)
        if theirs and ours and theirs != ours:
            raise InvalidInput(
                "UnfitAlertTarget",
                f"alert_targets: {address} is in the {what} {theirs}, but this deployment notifies targets in the"
                f" {what} {ours} only; name one there that forwards the alerts, or use a rule on the event bus",
            )
    if address not in listed:
        advice = f"deploy with it in the parameter {parameter}"
        raise InvalidInput("UnfitAlertTarget", f"alert_targets: this deployment may not notify {address}; {advice}")


def _part(arn: str, place: int) -> str:
    parts = arn.split(":")
    return parts[place] if len(parts) > place else ""
