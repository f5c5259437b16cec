"""Raise an alert: an event for each target that it is for, which is delivered by itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from modelwatch_core.domain.alert_targets import AlertTargetReference, reached
from modelwatch_core.domain.alerting import AlertName
from modelwatch_core.domain.alerts import Alert, AlertRaised
from modelwatch_core.ports import EventBus


@dataclass(frozen=True, slots=True)
class RaiseAlert:
    """Raise an alert for each of its targets.

    Parameters
    ----------
    default_targets : sequence of AlertTargetReference
        Who is notified of schedules that name no targets that alerts are sent to.
    """

    bus: EventBus
    default_targets: Sequence[AlertTargetReference]

    def __call__(
        self,
        alert: Alert,
        named: Iterable[AlertTargetReference],
        *,
        about: Sequence[AlertName],
        tags: Mapping[str, str],
    ) -> None:
        """Raise it.

        Parameters
        ----------
        named : iterable of AlertTargetReference
            The targets of its schedule.
        about : sequence of AlertName
            The alerts of the schedule that it is about.
        tags : mapping of str to str
            Those of the schedule.

        Raises
        ------
        Upstream
            When the bus did not take one; a retry raises it again, and each target is sent it once.
        """
        targets = reached(
            named,
            self.default_targets,
            alerts=about,
            severity=alert.severity,
            endpoint_name=alert.endpoint_name,
            tags=tags,
        )
        for target in targets:
            self.bus.publish(AlertRaised(alert=alert, target=target))
