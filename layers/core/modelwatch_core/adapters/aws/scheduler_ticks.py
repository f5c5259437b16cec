"""``Ticks`` in EventBridge Scheduler: one schedule of its own for each monitoring schedule."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelwatch_core.adapters.aws.translation import aws_errors, response_or_none
from modelwatch_core.domain.monitoring_schedule import MonitoringSchedule, ScheduleStatus

if TYPE_CHECKING:
    from types_boto3_scheduler.client import EventBridgeSchedulerClient
    from types_boto3_scheduler.type_defs import FlexibleTimeWindowTypeDef

_NOT_THERE = "ResourceNotFoundException"


@dataclass(frozen=True, slots=True)
class SchedulerTicks:
    """``Ticks`` in EventBridge Scheduler.

    Parameters
    ----------
    launch_function_arn, role_arn, dead_letter_arn : str
        What is invoked, with whose permissions, and where a tick goes that could not be delivered.
    key_arn : str
        The customer managed key that schedules are kept under; empty for AWS's own.
    """

    scheduler: EventBridgeSchedulerClient
    group: str
    launch_function_arn: str
    role_arn: str
    dead_letter_arn: str
    key_arn: str = ""

    def set(self, schedule: MonitoringSchedule) -> None:
        """Make a schedule fire, or not, as it now says."""
        name = schedule.monitoring_schedule_name
        expression, delay = schedule.expression.delayed(schedule.start_delay_minutes)
        definition: dict[str, Any] = {
            "Name": name,
            "GroupName": self.group,
            "ScheduleExpression": expression,
            "ScheduleExpressionTimezone": "UTC",
            "FlexibleTimeWindow": _flexible(schedule.start_within_minutes),
            **({"KmsKeyArn": self.key_arn} if self.key_arn else {}),
            "State": "DISABLED" if schedule.monitoring_schedule_status is ScheduleStatus.STOPPED else "ENABLED",
            "Target": {
                "Arn": self.launch_function_arn,
                "RoleArn": self.role_arn,
                "Input": json.dumps(
                    {
                        "monitoring_schedule_name": name,
                        "schedule_id": schedule.schedule_id,
                        "scheduled_time": "<aws.scheduler.scheduled-time>",
                        "start_delay_minutes": delay,
                        "tick_id": "<aws.scheduler.execution-id>",
                    }
                ),
                "RetryPolicy": {"MaximumRetryAttempts": 8, "MaximumEventAgeInSeconds": 3600},
                "DeadLetterConfig": {"Arn": self.dead_letter_arn},
            },
        }
        with aws_errors(f"setting the clock of schedule {name}"):
            if response_or_none(lambda: self.scheduler.update_schedule(**definition), _NOT_THERE) is None:
                self.scheduler.create_schedule(**definition)

    def remove(self, schedule_name: str) -> None:
        """Make a schedule fire no more."""
        with aws_errors(f"removing the clock of schedule {schedule_name}"):
            response_or_none(
                lambda: self.scheduler.delete_schedule(Name=schedule_name, GroupName=self.group), _NOT_THERE
            )


def _flexible(minutes: int) -> FlexibleTimeWindowTypeDef:
    """Return how long Scheduler may put off a tick; the tick carries the time for which it was due all the same."""
    return {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": minutes} if minutes else {"Mode": "OFF"}
