"""EventBridge Scheduler.

moto's schedules never fire. It accepts any expression and any group, and compares a start date with the machine's
clock.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import moto.scheduler.models as scheduler_models
from moto.scheduler.exceptions import ScheduleGroupNotFound, ValidationException

from modelwatch.local.errors import LocalStackError
from modelwatch.local.moto_patches.hooks import ACCOUNT_ID, Hooks, Replacement
from modelwatch.local.schedule_expressions import next_due
from modelwatch.local.scheduler import Schedule


def replacements(hooks: Hooks) -> list[Replacement]:
    """Return what is replaced in moto's Scheduler."""
    backend = scheduler_models.EventBridgeSchedulerBackend
    original_init = scheduler_models.Schedule.__init__
    original_create, original_update = backend.create_schedule, backend.update_schedule

    def check_expression(expression: str, timezone: str | None) -> None:
        try:
            next_due(expression, hooks.now(), anchor=hooks.now(), timezone=timezone or "UTC")
        except LocalStackError as error:
            raise ValidationException(f"Invalid Schedule Expression {expression}. {error.message}") from error

    def init_with_identity(self: Any, *arguments: Any, **options: Any) -> None:
        original_init(self, *arguments, **options)
        self.modelwatch_identity = str(uuid.uuid4())

    def create_schedule(self: Any, **options: Any) -> Any:
        check_expression(options["schedule_expression"], options["schedule_expression_timezone"])
        if (options["group_name"] or "default") not in self.schedule_groups:
            raise ScheduleGroupNotFound(options["group_name"])
        return original_create(self, **options)

    def update_schedule(self: Any, **options: Any) -> Any:
        check_expression(options["schedule_expression"], options["schedule_expression_timezone"])
        return original_update(self, **options)

    def validate_start_date(_: Any, start_date: Any) -> Any:
        if start_date is not None and hooks.now().timestamp() - float(start_date) > 300:
            raise ValidationException("The StartDate you specify cannot be earlier than 5 minutes ago.")
        return start_date

    return [
        Replacement(scheduler_models.Schedule, "__init__", init_with_identity),
        Replacement(scheduler_models.Schedule, "_validate_start_date", validate_start_date),
        Replacement(backend, "create_schedule", create_schedule),
        Replacement(backend, "update_schedule", update_schedule),
    ]


def enabled_schedules(region: str) -> list[Schedule]:
    """Return every enabled schedule."""
    groups = scheduler_models.scheduler_backends[ACCOUNT_ID][region].schedule_groups
    return [
        Schedule(
            identity=schedule.modelwatch_identity,
            arn=schedule.arn,
            name=schedule.name,
            group=group.name,
            expression=schedule.schedule_expression,
            timezone=schedule.schedule_expression_timezone,
            target=schedule.target,
            start=_datetime_or_none(schedule.start_date),
            end=_datetime_or_none(schedule.end_date),
            deletes_itself=schedule.action_after_completion == "DELETE",
        )
        for group in list(groups.values())
        for schedule in list(group.schedules.values())
        if schedule.state == "ENABLED"
    ]


def _datetime_or_none(epoch: Any) -> datetime | None:
    return None if epoch is None else datetime.fromtimestamp(float(epoch), UTC)
