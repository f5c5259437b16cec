"""An execution ended: tell people, once, if it is news."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from modelwatch_core.domain.alerts import Alert, alert_of
from modelwatch_core.domain.errors import NotReady, Upstream
from modelwatch_core.domain.events import ExecutionEnded
from modelwatch_core.ports import AlertTarget, SentAlerts


@dataclass(frozen=True, slots=True)
class RouteAlerts:
    """Send an alert to every target, never twice to the same one.

    Parameters
    ----------
    targets : mapping of str to AlertTarget
        By name; the name is part of what is remembered, so that one failing target holds up no other.
    """

    sent: SentAlerts
    targets: Mapping[str, AlertTarget]

    def __call__(self, event: ExecutionEnded) -> Alert | None:
        """Send what people should hear, and return it.

        Raises
        ------
        Upstream
            ``AlertNotDelivered`` after every target was tried and at least one failed, or is being sent to by somebody
            else; a retry sends to those only.
        """
        alert = alert_of(event)
        if alert is None:
            return None
        failed = [name for name, target in self.targets.items() if not self._sent_to(name, target, alert)]
        if failed:
            raise Upstream("AlertNotDelivered", f"{alert.key} is not known to have reached {', '.join(failed)}")
        return alert

    def _sent_to(self, name: str, target: AlertTarget, alert: Alert) -> bool:
        key = f"{alert.key}/{name}"
        try:
            if not self.sent.begin(key):
                return True
        except NotReady:
            # Whoever is sending it may have died: it counts as sent when it is noted so, not before.
            return False
        try:
            target.send(alert)
        except Upstream:
            self.sent.abandon(key)
            return False
        self.sent.finish(key)
        return True
