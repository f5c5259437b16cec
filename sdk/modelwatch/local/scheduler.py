"""Fires EventBridge Scheduler's schedules and scheduled rules in the order in which they are due."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from modelwatch.local.aws_clients import AwsClients
from modelwatch.local.deliveries import DeadLetterQueue, Deliveries, RetryPolicy, Sender, Target
from modelwatch.local.event_rules import MatchedRule, aws_event, deliver_event
from modelwatch.local.schedule_expressions import next_due

SCHEDULER = "scheduler.amazonaws.com"


@dataclass(frozen=True, slots=True)
class Schedule:
    """An enabled schedule in its present state.

    Attributes
    ----------
    identity : str
        Changes if the schedule is deleted and created again under the same name.
    target : Mapping
        As the API describes it: Arn, RoleArn, Input, RetryPolicy, DeadLetterConfig, ...
    start, end : datetime or None
        The first and last time at which it may be due.
    deletes_itself : bool
        Whether ActionAfterCompletion is DELETE.
    """

    identity: str
    arn: str
    name: str
    group: str
    expression: str
    timezone: str
    target: Mapping[str, Any]
    start: datetime | None = None
    end: datetime | None = None
    deletes_itself: bool = False


@dataclass(frozen=True, slots=True)
class ScheduledRule:
    """An enabled rule of the default bus with a schedule expression."""

    identity: str
    rule: MatchedRule
    expression: str
    account: str
    region: str

    start: None = None
    end: None = None
    timezone: str = "UTC"

    @property
    def arn(self) -> str:
        """The rule's ARN."""
        return self.rule.arn


@dataclass(frozen=True, slots=True, order=True)
class Firing:
    """One due time of one schedule or rule."""

    due: datetime
    arn: str
    scheduled: Schedule | ScheduledRule = field(compare=False)


class Scheduler:
    """Finds what is due and sends it.

    Parameters
    ----------
    schedules : callable
        Returns every enabled schedule and scheduled rule as they stand now.
    deliveries : Deliveries
        Delivers to the targets.
    clients : AwsClients
        Deletes schedules after their last firing.
    """

    def __init__(
        self,
        schedules: Callable[[], list[Schedule | ScheduledRule]],
        *,
        deliveries: Deliveries,
        clients: AwsClients,
    ) -> None:
        self._schedules, self._deliveries, self._clients = schedules, deliveries, clients
        self._first_seen: dict[str, datetime] = {}

    def due(self, after: datetime, until: datetime) -> list[Firing]:
        """Return everything that is due at the earliest due time in (after, until], in a stable order.

        The schedules are read again at each call, because functions create and delete them. A ``rate`` counts from the
        first call that finds its schedule.
        """
        firings = []
        for scheduled in self._schedules():
            moment = self._next_due(scheduled, after)
            if moment is not None and moment <= until:
                firings.append(Firing(moment, scheduled.arn, scheduled))
        earliest = min(firings, default=None)
        return sorted(firing for firing in firings if earliest is not None and firing.due == earliest.due)

    def fire(self, firing: Firing) -> None:
        """Start the delivery of one firing."""
        if isinstance(firing.scheduled, ScheduledRule):
            self._fire_rule(firing.scheduled, firing.due)
        else:
            self._fire_schedule(firing.scheduled, firing.due)

    def _next_due(self, scheduled: Schedule | ScheduledRule, after: datetime) -> datetime | None:
        anchor = scheduled.start or self._first_seen.setdefault(scheduled.identity, after)
        moment = next_due(scheduled.expression, after, anchor=anchor, timezone=scheduled.timezone)
        while moment is not None and scheduled.start is not None and moment < scheduled.start:
            moment = next_due(scheduled.expression, moment, anchor=anchor, timezone=scheduled.timezone)
        return None if moment is None or (scheduled.end is not None and moment > scheduled.end) else moment

    def _fire_schedule(self, schedule: Schedule, due: datetime) -> None:
        target = schedule.target
        execution_id = str(uuid.uuid4())
        body = target.get("Input") or "{}"
        for keyword, value in {
            "schedule-arn": schedule.arn,
            "scheduled-time": _iso(due),
            "execution-id": execution_id,
            "attempt-number": "1",
        }.items():
            body = body.replace(f"<aws.scheduler.{keyword}>", value)
        sender = Sender(SCHEDULER, target.get("RoleArn"))
        self._deliveries.start(
            Target(
                target["Arn"],
                sender,
                sqs=target.get("SqsParameters") or {},
                event_bus=target.get("EventBridgeParameters") or {},
            ),
            body,
            description=f"the firing of {schedule.name} at {_iso(due)}",
            retry=RetryPolicy.from_target(target),
            dead_letter_queue=DeadLetterQueue.of_target(
                target, sender, SCHEDULE_ARN=schedule.arn, EXECUTION_ID=execution_id
            ),
        )
        if schedule.deletes_itself and self._next_due(schedule, due) is None:
            client = self._clients.for_principal(SCHEDULER, "scheduler")
            client.delete_schedule(GroupName=schedule.group, Name=schedule.name)

    def _fire_rule(self, scheduled: ScheduledRule, due: datetime) -> None:
        place = {"account": scheduled.account, "region": scheduled.region}
        event = aws_event("aws.events", "Scheduled Event", {}, **place, arn=scheduled.rule.arn, now=due)
        deliver_event(self._deliveries, scheduled.rule, event)


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
