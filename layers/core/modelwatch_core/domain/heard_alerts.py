"""What a target has heard of the alerts of a schedule, and what a message tells it.

Messages wait, fail and are repeated, each on its own, so they reach a target in any order. Their numbers say in which
order they were raised. A target hears the beginning of an alert, then its end, each once, and of no end without its
beginning.
"""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import Field

from modelwatch_core.domain.alerting import AlertName
from modelwatch_core.domain.alerts import AlertPhase, Change
from modelwatch_core.domain.documents import Owned, UtcDatetime


class HeardAlert(Owned):
    """What a target has heard of one alert.

    Attributes
    ----------
    number : int
        The latest beginning or end that came for the target, see ``Change``.
    since : datetime, optional
        Since when the alert is on, as the target knows it; None if the target knows that it is over, or nothing.
    occasion : str
        What the latest message that it is on was raised for.
    has_returned : bool
        Whether the target was none of the schedule's for a time since, in which an alert that it knows to be on may
        have been over, and have begun again.
    """

    number: int = 0
    since: UtcDatetime | None = None
    occasion: str = ""
    has_returned: bool = False

    def hear(self, change: Change, occasion: str) -> tuple[Change | None, HeardAlert]:
        """Return what a change is to the target, None for nothing, and what the target has heard after it."""
        is_over = change.phase is AlertPhase.RECOVERED
        if change.number is None:
            is_end = is_over and change.since == self.since
            return change, self.model_copy(update={"since": None}) if is_end else self
        if not is_over and occasion == self.occasion:
            return None, self
        if change.number < self.number:
            # The end came before it; what is on again says nothing of earlier times.
            if is_over or self.since:
                return None, self
            return change.model_copy(update={"phase": AlertPhase.RECOVERED}), self
        if is_over:
            end = change.model_copy(update={"since": self.since}) if self.since else None
            return end, self.model_copy(update={"number": change.number, "since": None})
        # Without a number between, no end was sent of what the target knows to be on; or it was sent to others.
        is_next = change.number == self.number + 1 or (self.has_returned and change.number > self.number)
        is_begin = self.since is None or is_next
        since = change.since if is_begin or self.since is None else self.since
        phase = AlertPhase.IN_ALERT if is_begin else AlertPhase.REMINDER
        heard = change.model_copy(update={"phase": phase, "since": since})
        return heard, HeardAlert(number=change.number, since=since, occasion=occasion)


class HeardAlerts(Owned):
    """What a target has heard of the alerts of a schedule.

    Attributes
    ----------
    alerts : dict of AlertName to HeardAlert
        Those that it has heard of.
    """

    alerts: dict[AlertName, HeardAlert] = Field(default_factory=dict)

    @property
    def after_a_return(self) -> HeardAlerts:
        """The same, heard by a target that was none of the schedule's for a time since."""
        returned = {name: heard.model_copy(update={"has_returned": True}) for name, heard in self.alerts.items()}
        return HeardAlerts(alerts=returned)

    def hear(self, changes: Iterable[Change], occasion: str) -> tuple[list[Change], HeardAlerts]:
        """Return what the changes of a message are to the target, and what the target has heard after it."""
        heard = {
            each.alert_name: self.alerts.get(each.alert_name, HeardAlert()).hear(each, occasion) for each in changes
        }
        after = HeardAlerts(alerts=self.alerts | {name: known for name, (_, known) in heard.items()})
        return [change for change, _ in heard.values() if change], after
