"""``AlertTarget``: an SNS topic, and with it email, SMS, chat and whatever subscribes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelwatch_core.adapters.aws.translation import aws_errors
from modelwatch_core.domain.alerts import Alert
from modelwatch_core.domain.errors import InvalidInput, Upstream

if TYPE_CHECKING:
    from types_boto3_sns.client import SNSClient


@dataclass(frozen=True, slots=True)
class SnsTopic:
    """An SNS topic."""

    sns: SNSClient
    topic_arn: str

    def send(self, alert: Alert) -> None:
        """Send an alert."""
        try:
            with aws_errors(f"publishing to {self.topic_arn}"):
                self.sns.publish(TopicArn=self.topic_arn, Subject=alert.subject, Message=alert.body)
        except InvalidInput as error:
            # A topic that refuses must not keep other targets from being tried, nor the event from being retried.
            raise Upstream(error.code, error.message) from error
