"""``AlertTarget``: SNS topics, and with them email, SMS, chat and whatever subscribes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelwatch_core.adapters.aws.translation import aws_errors
from modelwatch_core.domain.alert_targets import refuse_unlisted
from modelwatch_core.domain.alert_text import alert_subject, alert_text
from modelwatch_core.domain.alerts import Alert
from modelwatch_core.domain.monitoring_schedule import ScheduleRequest

if TYPE_CHECKING:
    from types_boto3_sns.client import SNSClient

LONGEST_SUBJECT = 100
"""SNS takes no longer one."""


@dataclass(frozen=True, slots=True)
class SnsTopics:
    """SNS topics; an address is the ARN of one.

    Parameters
    ----------
    listed : collection of str
        The ARNs of the topics that this deployment may publish to.
    """

    sns: SNSClient
    listed: Collection[str] = ()

    def check(self, address: str, schedule: ScheduleRequest) -> None:  # noqa: ARG002 - the same for all schedules
        """Refuse a topic that may not be published to."""
        refuse_unlisted(address, self.listed, parameter="AlertTopicArns")

    def send(self, alert: Alert, address: str) -> None:
        """Send an alert."""
        subject = alert_subject(alert)[:LONGEST_SUBJECT]
        with aws_errors(f"publishing to {address}"):
            self.sns.publish(TopicArn=address, Subject=subject, Message=alert_text(alert))
