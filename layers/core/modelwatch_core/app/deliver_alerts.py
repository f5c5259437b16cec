"""An alert on its way: an event for each of its targets, each of which is sent once however often it is raised.

No target of people is sent more messages a second than people take.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from modelwatch_core.domain.alert_targets import AlertTargetReference, Takes, reached
from modelwatch_core.domain.alerts import Alert, AlertRaised, AlertsWaiting
from modelwatch_core.domain.errors import InvalidInput, ModelwatchError, NotReady, Upstream
from modelwatch_core.domain.heard_alerts import HeardAlerts
from modelwatch_core.ports import AlertTarget, BundlingTarget, EventBus, SentAlerts, WaitingAlerts

MOST_AT_ONCE = 99
"""How many alerts that wait are sent by one invocation, in as many messages as they need. All of them may be of one
schedule and in one message, and DynamoDB's transactions have at most 100 writes: theirs, and what is heard."""


@dataclass(frozen=True, slots=True)
class RaiseAlert:
    """Raise an alert for each of its targets.

    Parameters
    ----------
    default_targets : callable
        Returns who is notified of schedules that name no targets that alerts are sent to. It is asked when an alert is
        raised, so that targets that cannot be read keep nothing else from its work.
    """

    bus: EventBus
    default_targets: Callable[[], Sequence[AlertTargetReference]]

    def __call__(
        self,
        message: Callable[[Takes], Alert | None],
        named: Iterable[AlertTargetReference],
        *,
        endpoint_name: str | None,
        tags: Mapping[str, str],
    ) -> None:
        """Raise it.

        Parameters
        ----------
        message : callable
            Returns the alert for a target, with what the target takes; None where it takes nothing of it.
        named : iterable of AlertTargetReference
            The targets of its schedule.
        endpoint_name : str, optional
            The endpoint that the schedule watches.
        tags : mapping of str to str
            Those of the schedule.

        Raises
        ------
        InvalidInput
            ``InvalidParameter`` where the default targets of the deployment cannot be read.
        Upstream
            When the bus did not take one; a retry raises it again, and each target is sent it once.
        """
        for target, takes in reached(named, self.default_targets, endpoint_name=endpoint_name, tags=tags):
            if alert := message(takes):
                self.bus.publish(AlertRaised(alert=alert, target=target))

    def whole(self, alert: Alert, named: Iterable[AlertTargetReference], tags: Mapping[str, str]) -> None:
        """Raise an alert for each target that takes it; raises as above."""
        name = None if alert.headline else alert.alert_name
        self(
            lambda takes: alert if takes(name, alert.severity) else None,
            named,
            endpoint_name=alert.endpoint_name,
            tags=tags,
        )


class _Claim(NamedTuple):
    """Alerts of a schedule that nobody else sends to a target now, their messages there, and what is heard with them.

    Without messages nothing is left to do for them.
    """

    alerts: Sequence[Alert]
    messages: Sequence[Alert]
    heard: HeardAlerts


@dataclass(frozen=True, slots=True)
class DeliverAlert:
    """Send an alert to a target, or leave it to be sent with others.

    A target of people takes some messages a second. What is more waits in the ledger; the first that has to wait asks
    for all of them to be sent as one message, and the sweep does so for whatever came after that.

    Alerts come in any order, too. A target is sent what an alert is to it after what it has heard: see
    ``modelwatch_core.domain.heard_alerts``.

    Parameters
    ----------
    targets : mapping of str to callable
        Gives the target of each type; it is made when it is needed, so that one whose settings are missing holds up no
        other.
    """

    sent: SentAlerts
    waiting: WaitingAlerts
    bus: EventBus
    targets: Mapping[str, Callable[[], AlertTarget]]

    def __call__(self, raised: AlertRaised) -> bool:
        """Return whether the alert was sent now.

        Raises
        ------
        InvalidInput
            ``UnknownAlertTarget``.
        NotReady
            ``AlertUnderWay`` while another process is sending it, which may have died; a retry finds out.
        Upstream
            When the target did not take it.
        """
        reference, alert = raised.target, raised.alert
        target = self._target(reference)
        claim = self._claimed([alert], reference)
        if not claim.messages:
            return False
        if isinstance(target, BundlingTarget) and (more := self._arrivals(claim, reference) - target.most_a_second) > 0:
            self._leave(claim, reference)
            if more == 1:
                self.bus.publish(AlertsWaiting(target=reference))
            return False
        self._send([claim], target, reference)
        return True

    def send_waiting(self, event: AlertsWaiting) -> int:
        """Send what waits for a target in as few messages as it takes, and return how many alerts were sent.

        Where there may be more, the next invocation is asked for. A message that is refused keeps none behind it.

        Raises
        ------
        Upstream
            When the target did not take some; they go on waiting.
        """
        reference = event.target
        target = self._target(reference)
        most = target.most_together if isinstance(target, BundlingTarget) else 1
        alerts = self.waiting.of(reference, most=MOST_AT_ONCE)
        sent, refused = 0, None
        for first in range(0, len(alerts), most):
            try:
                sent += self._send_some(alerts[first : first + most], target, reference)
            except Upstream as error:
                refused = error
        if refused:  # the sweep asks for what is left: a retry that asked too would multiply the invocations
            raise refused
        if sent and len(alerts) == MOST_AT_ONCE:
            self.bus.publish(event)
        return sent

    def _send_some(self, alerts: Sequence[Alert], target: AlertTarget, reference: AlertTargetReference) -> int:
        """Send alerts that wait as one message, and return how many of them were sent."""
        claims = [*self._claims(alerts, reference)]
        sent = [claim for claim in claims if claim.messages]
        if sent:
            self._send(sent, target, reference)
        for claim in claims:
            for alert in claim.alerts:
                self.waiting.remove(reference, alert.key)
        return sum(len(claim.messages) for claim in sent)

    def _claims(self, alerts: Iterable[Alert], reference: AlertTargetReference) -> Iterator[_Claim]:
        """Yield the claims on alerts; those of one schedule are one claim, since only one sender has it."""
        of_schedules: dict[str, list[Alert]] = {}
        for alert in alerts:
            of_schedules.setdefault(alert.schedule_id, []).append(alert)
        for group in of_schedules.values():
            with suppress(NotReady):  # another process is sending one of the schedule, or has died of it
                yield self._claimed(group, reference)

    def _claimed(self, alerts: Sequence[Alert], reference: AlertTargetReference) -> _Claim:
        """Return the claim on alerts of a schedule; those that were sent, or are no news there, have no message."""
        unsent, heard = self.sent.begin(alerts, reference)
        messages = []
        for alert in unsent:
            said, heard = heard.hear(alert.changes, alert.occasion)
            if said or not alert.changes:
                messages.append(alert.of_changes(said) if said else alert)
        if unsent and not messages:
            self.sent.finish(alerts, reference, heard)
        return _Claim(alerts, messages, heard)

    def _target(self, reference: AlertTargetReference) -> AlertTarget:
        if reference.type not in self.targets:
            message = f"{reference.type!r} is not a type of alert target; there is {', '.join(self.targets)}"
            raise InvalidInput("UnknownAlertTarget", message)
        return self.targets[reference.type]()

    def _arrivals(self, claim: _Claim, reference: AlertTargetReference) -> int:
        try:
            return self.waiting.arrivals(reference)
        except ModelwatchError:
            self.sent.abandon(claim.alerts, reference)
            raise

    def _leave(self, claim: _Claim, reference: AlertTargetReference) -> None:
        """Let alerts wait; their claim is given back in any case, for whoever sends them."""
        try:
            for alert in claim.alerts:
                self.waiting.put(reference, alert)
        finally:
            self.sent.abandon(claim.alerts, reference)

    def _send(self, claims: Sequence[_Claim], target: AlertTarget, reference: AlertTargetReference) -> None:
        messages = [message for claim in claims for message in claim.messages]
        try:
            if isinstance(target, BundlingTarget) and len(messages) > 1:
                target.send_together(messages, reference.address)
            else:
                target.send(messages[0], reference.address)
        except Exception as error:
            for claim in claims:
                self.sent.abandon(claim.alerts, reference)
            # Even a refusal is worth a retry: the owner of the target may be fixing it. The text of an error that is
            # not ours may hold what is secret in an address.
            reason = str(error) if isinstance(error, ModelwatchError) else type(error).__name__
            raise Upstream("AlertNotDelivered", f"{reference}: {reason}") from None
        for claim in claims:
            self.sent.finish(claim.alerts, reference, claim.heard)
