"""An execution ended: raise an alert for each target of its schedule, and deliver each once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from modelwatch_core.domain.alert_targets import ALARM, AlertTargetReference
from modelwatch_core.domain.alerts import Alert, AlertRaised, alert_of
from modelwatch_core.domain.errors import InvalidInput, ModelwatchError, Upstream
from modelwatch_core.domain.events import ExecutionEnded
from modelwatch_core.ports import AlertTarget, EventBus, SentAlerts


@dataclass(frozen=True, slots=True)
class RouteAlerts:
    """Raise the alert that an execution calls for, once for each target.

    Parameters
    ----------
    default_target : AlertTargetReference
        Who is notified of executions whose schedule names no targets that alerts are sent to.
    """

    bus: EventBus
    default_target: AlertTargetReference

    def __call__(self, event: ExecutionEnded) -> Alert | None:
        """Raise the alert, and return it.

        Raises
        ------
        Upstream
            When the bus did not take it; a retry raises it for all targets again, and each is sent it once.
        """
        alert = alert_of(event)
        if alert is not None:
            named = [target for target in event.alert_targets if target.type != ALARM]
            for target in dict.fromkeys(named or [self.default_target]):
                self.bus.publish(AlertRaised(alert=alert, target=target))
        return alert


@dataclass(frozen=True, slots=True)
class DeliverAlert:
    """Send an alert to a target, once however often it is raised.

    Parameters
    ----------
    targets : mapping of str to callable
        Gives the target of each type; it is made when it is needed, so that one whose settings are missing holds up no
        other.
    """

    sent: SentAlerts
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
        if raised.target.type not in self.targets:
            message = f"{raised.target.type!r} is not a type of alert target; there is {', '.join(self.targets)}"
            raise InvalidInput("UnknownAlertTarget", message)
        key = f"{raised.alert.key}/{raised.target}"
        target = self.targets[raised.target.type]()
        if not self.sent.begin(key):
            return False
        try:
            target.send(raised.alert, raised.target.address)
        except Exception as error:
            self.sent.abandon(key)
            # Even a refusal is worth a retry: the owner of the target may be fixing it. The text of an error that is
            # not ours may hold what is secret in an address.
            reason = str(error) if isinstance(error, ModelwatchError) else type(error).__name__
            raise Upstream("AlertNotDelivered", f"{raised.target}: {reason}") from None
        self.sent.finish(key)
        return True
