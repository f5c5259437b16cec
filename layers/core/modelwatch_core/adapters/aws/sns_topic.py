"""``AlertTarget``: SNS topics, and with them email, SMS, chat and whatever subscribes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelwatch_core.adapters.aws.translation import aws_errors
from modelwatch_core.domain.alert_text import alert_subject, alert_text
from modelwatch_core.domain.alerts import Alert

if TYPE_CHECKING:
    from types_boto3_sns.client import SNSClient

LONGEST_SUBJECT = 100
"""SNS takes no longer one."""


@dataclass(frozen=True, slots=True)
class SnsTopics:
    """SNS topics; an address is the ARN of one."""

    sns: SNSClient

    def send(self, alert: Alert, address: str) -> None:
        """Send an alert."""
        subject = alert_subject(alert)[:LONGEST_SUBJECT]
        with aws_errors(f"publishing to {address}"):
            self.sns.publish(TopicArn=address, Subject=subject, Message=alert_text(alert))
