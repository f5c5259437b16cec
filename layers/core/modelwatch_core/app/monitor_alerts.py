"""The alerts of schedules: how they stand, what they were, and what a user changes about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from itertools import islice
from typing import Any, Literal

from pydantic import Field

from modelwatch_core.app.follow_schedule import FollowSchedule
from modelwatch_core.app.listing import ListRequest, Section, SortOrder, by_status, listed, passes, shown
from modelwatch_core.app.monitor_lists import MonitorLists
from modelwatch_core.app.scheduled_executions import scheduled_executions
from modelwatch_core.domain.alert_states import OF_EXECUTIONS, AlertTransition, in_order, standing
from modelwatch_core.domain.alerting import AlertName, AlertStatus, AlertThreshold
from modelwatch_core.domain.documents import NonEmpty, Owned, SageMakerName, UtcDatetime, iso_utc, parsed
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.monitoring_execution import MonitoringExecution
from modelwatch_core.domain.monitoring_schedule import MonitoringSchedule
from modelwatch_core.ports import AlertStates, Clock, Ledger, MutedSchedule, Page, Schedules, readable


class AlertsOf(ListRequest):
    """Which alerts are listed: those of a schedule."""

    monitoring_schedule_name: SageMakerName


class AlertHistoryWanted(ListRequest):
    """Which changes of alerts are listed, and in which order.

    Attributes
    ----------
    schedule_id : str, optional
        Finds those of a schedule that was deleted.
    creation_time_after, creation_time_before : datetime, optional
        Inclusive.
    """

    monitoring_schedule_name: SageMakerName | None = None
    schedule_id: NonEmpty | None = None
    monitoring_alert_name: NonEmpty | None = None
    status_equals: AlertStatus | None = None
    creation_time_after: UtcDatetime | None = None
    creation_time_before: UtcDatetime | None = None
    sort_by: Literal["CreationTime", "Status"] = "CreationTime"
    sort_order: SortOrder = SortOrder.DESCENDING


class AlertUpdate(Owned):
    """Another threshold of an alert, which counts from the next execution on."""

    monitoring_schedule_name: SageMakerName
    monitoring_alert_name: NonEmpty
    datapoints_to_alert: int = Field(ge=1, le=100)
    evaluation_period: int = Field(ge=1, le=100)


class Mute(Owned):
    """Until when nothing is sent about a schedule; null ends it."""

    monitoring_schedule_name: SageMakerName
    until: UtcDatetime | None


@dataclass(frozen=True, slots=True)
class MonitorAlerts:
    """List and change the alerts of schedules."""

    lists: MonitorLists
    schedules: Schedules
    ledger: Ledger
    states: AlertStates
    follow_schedule: FollowSchedule
    clock: Clock

    def of_schedule(self, asked: AlertsOf) -> dict[str, Any]:
        """Return a page of the alerts of a schedule."""
        schedule = self.lists.schedule(asked.monitoring_schedule_name)
        known = self.states.known(schedule.schedule_id)
        executions, muted = self._executions(schedule), known.are_muted(self.clock.now())
        alerts: list[dict[str, Any]] = []
        for name in AlertName:
            state = known.state(name)
            stands, latest = standing(name, executions, state), state.latest
            alerts.append(
                {
                    "monitoring_alert_name": name.value,
                    "alert_status": stands.status.value,
                    "creation_time": iso_utc(schedule.creation_time),
                    "last_modified_time": iso_utc(latest.creation_time if latest else schedule.creation_time),
                    "since": iso_utc(stands.since) if stands.since else None,
                    "severity": stands.severity.value if stands.severity else None,
                    "muted_until": iso_utc(known.muted_until) if known.muted_until and muted else None,
                    "model_dashboard_indicator": schedule.model_dashboard_indicator,
                    **schedule.alerting.threshold(name).model_dump(),
                }
            )

        def read(limit: int, after: str | None) -> Page[dict[str, Any]]:
            first = int(after or 0)
            numbered = [(alert, str(number)) for number, alert in enumerate(alerts, start=1)]
            return Page(numbered[first : first + limit], has_more=first + limit < len(alerts))

        found, following = listed(asked, [Section(read)])
        return {"alerts": found, "next_token": following}

    def history(self, asked: AlertHistoryWanted) -> dict[str, Any]:
        """Return a page of changes."""
        descending = asked.sort_order is SortOrder.DESCENDING
        schedule_id = asked.schedule_id
        if schedule_id is None and asked.monitoring_schedule_name is not None:
            schedule_id = self.lists.schedule(asked.monitoring_schedule_name).schedule_id

        def read(limit: int, after: str | None) -> Page[AlertTransition]:
            return self.states.page(schedule_id, limit=limit, after=after, descending=descending)

        def keeps(change: AlertTransition) -> bool:
            first, last = asked.creation_time_after, asked.creation_time_before
            in_time = (not first or first <= change.creation_time) and (not last or change.creation_time <= last)
            return in_time and passes(change, alert_name=asked.monitoring_alert_name, alert_status=asked.status_equals)

        statuses = sorted(AlertStatus, reverse=descending)
        sections = [Section(read, keeps)]
        if asked.sort_by == "Status":
            sections = by_status(read, statuses, lambda each: each.alert_status, keeps)
        found, following = listed(asked, sections)
        return {"alert_history": [shown(change) for change in found], "next_token": following}

    def update(self, asked: AlertUpdate) -> dict[str, Any]:
        """Change the threshold of an alert."""
        schedule = self.lists.schedule(asked.monitoring_schedule_name)
        alert = _alert_of_executions(asked.monitoring_alert_name)
        numbers = {
            "datapoints_to_alert": asked.datapoints_to_alert,
            "evaluation_period": asked.evaluation_period,
        }
        alerting = schedule.alerting.with_threshold(alert, parsed(AlertThreshold, numbers))
        changes = {
            "alerting": alerting,
            "last_modified_time": self.clock.now(),
            "version": schedule.version + 1,
        }
        self.follow_schedule(self.schedules.save(schedule.model_copy(update=changes)))
        return {"monitoring_schedule_name": schedule.monitoring_schedule_name, "monitoring_alert_name": alert.value}

    def mute(self, asked: Mute) -> dict[str, Any]:
        """Send nothing about a schedule until a moment, or from now on again."""
        schedule, now = self.lists.schedule(asked.monitoring_schedule_name), self.clock.now()
        if asked.until is not None and asked.until <= now:
            message = f"until: {iso_utc(asked.until)} is in the past (it is {iso_utc(now)}); give a later time, or null"
            raise InvalidInput("InvalidParameter", message)
        until = asked.until or now.astimezone(UTC)
        self.states.mute(MutedSchedule(schedule.monitoring_schedule_name, schedule.schedule_id, until))
        return {
            "monitoring_schedule_name": schedule.monitoring_schedule_name,
            "muted_until": iso_utc(until) if asked.until else None,
        }

    def _executions(self, schedule: MonitoringSchedule) -> list[MonitoringExecution]:
        most = schedule.alerting.executions_looked_at
        found = scheduled_executions(self.ledger, schedule.schedule_id, page=most)
        return in_order(readable(islice(found, most)))


def _alert_of_executions(name: str) -> AlertName:
    if name in set(OF_EXECUTIONS):
        return AlertName(name)
    known = ", ".join(OF_EXECUTIONS)
    if name == AlertName.NOT_FIRED:
        message = f"{name} counts hours, not executions: change alerting.not_fired_after_hours of the schedule"
        raise InvalidInput("InvalidParameter", message)
    raise InvalidInput(
        "AlertNotFound", f"there is no alert {name}; each schedule has {known} and {AlertName.NOT_FIRED}"
    )
