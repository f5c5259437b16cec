"""An alert on its way: an event for each of its targets, each of which is sent once however often it is raised.

No target of people is sent more messages a second than people take.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from modelwatch_core.domain.alert_targets import AlertTargetReference, Takes, reached
from modelwatch_core.domain.alerts import Alert, AlertRaised, AlertsWaiting
from modelwatch_core.domain.errors import InvalidInput, ModelwatchError, NotReady, Upstream
from modelwatch_core.ports import AlertTarget, BundlingTarget, EventBus, SentAlerts, WaitingAlerts

MOST_AT_ONCE = 100
"""How many alerts that wait are sent by one invocation, in as many messages as they need."""


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


@dataclass(frozen=True, slots=True)
class DeliverAlert:
    """Send an alert to a target, or leave it to be sent with others.

    A target of people takes some messages a second. What is more waits in the ledger; the first that has to wait asks
    for all of them to be sent as one message, and the sweep does so for whatever came after that.

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
        key = _claim(alert, reference)
        if not self.sent.begin(key):
            return False
        if isinstance(target, BundlingTarget) and (more := self._arrivals(reference, key) - target.most_a_second) > 0:
            self._leave(alert, reference, key)
            if more == 1:
                self.bus.publish(AlertsWaiting(target=reference))
            return False
        self._send([key], reference, lambda: target.send(alert, reference.address))
        return True

    def send_waiting(self, event: AlertsWaiting) -> int:
        """Send what waits for a target in as few messages as it takes, and return how many alerts were sent.

        Raises
        ------
        Upstream
            When the target did not take it; they go on waiting.
        """
        reference = event.target
        target = self._target(reference)
        claimed: dict[str, Alert] = {}
        for alert in self.waiting.of(reference, most=MOST_AT_ONCE):
            try:
                if self.sent.begin(_claim(alert, reference)):
                    claimed[_claim(alert, reference)] = alert
                    continue
            except NotReady:  # another process is sending it, or has died of it
                continue
            self.waiting.remove(reference, alert.key)
        most = target.most_together if isinstance(target, BundlingTarget) else 1
        keys = list(claimed)
        for first in range(0, len(keys), most):
            try:
                self._send_some({key: claimed[key] for key in keys[first : first + most]}, target, reference)
            except Upstream:
                for key in keys[first + most :]:
                    self.sent.abandon(key)
                raise
        return len(claimed)

    def _send_some(self, claimed: Mapping[str, Alert], target: AlertTarget, reference: AlertTargetReference) -> None:
        alerts = list(claimed.values())
        if isinstance(target, BundlingTarget) and len(alerts) > 1:
            self._send(list(claimed), reference, lambda: target.send_together(alerts, reference.address))
        else:
            self._send(list(claimed), reference, lambda: target.send(alerts[0], reference.address))
        for alert in alerts:
            self.waiting.remove(reference, alert.key)

    def _target(self, reference: AlertTargetReference) -> AlertTarget:
        if reference.type not in self.targets:
            message = f"{reference.type!r} is not a type of alert target; there is {', '.join(self.targets)}"
            raise InvalidInput("UnknownAlertTarget", message)
        return self.targets[reference.type]()

    def _arrivals(self, reference: AlertTargetReference, key: str) -> int:
        try:
            return self.waiting.arrivals(reference)
        except ModelwatchError:
            self.sent.abandon(key)
            raise

    def _leave(self, alert: Alert, reference: AlertTargetReference, key: str) -> None:
        """Let an alert wait; its claim is given back in any case, for whoever sends it."""
        try:
            self.waiting.put(reference, alert)
        finally:
            self.sent.abandon(key)

    def _send(self, keys: list[str], reference: AlertTargetReference, send: Callable[[], None]) -> None:
        try:
            send()
        except Exception as error:
            for key in keys:
                self.sent.abandon(key)
            # Even a refusal is worth a retry: the owner of the target may be fixing it. The text of an error that is
            # not ours may hold what is secret in an address.
            reason = str(error) if isinstance(error, ModelwatchError) else type(error).__name__
            raise Upstream("AlertNotDelivered", f"{reference}: {reason}") from None
        for key in keys:
            self.sent.finish(key)


def _claim(alert: Alert, reference: AlertTargetReference) -> str:
    return f"{alert.key}/{reference}"
