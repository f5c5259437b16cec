"""``AlertTarget``: SNS topics, and with them email, SMS, chat and whatever subscribes."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelwatch_core.adapters.aws.translation import aws_errors
from modelwatch_core.domain.alert_chat import chat_bundle, chat_message
from modelwatch_core.domain.alert_event import alert_event
from modelwatch_core.domain.alert_targets import refuse_unlisted
from modelwatch_core.domain.alert_text import (
    LONGEST_SMS,
    alert_subject,
    alert_text,
    bundle_subject,
    bundle_text,
    cut_line,
    short_text,
)
from modelwatch_core.domain.alerts import Alert
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.monitoring_schedule import ScheduleRequest
from modelwatch_core.domain.report_links import ReportLinks, no_link

if TYPE_CHECKING:
    from types_boto3_sns.client import SNSClient

LONGEST_SUBJECT = 99
"""The most characters of a subject: SNS takes fewer than 100."""
_JSON_PROTOCOLS = ("sqs", "lambda", "http", "firehose", "email-json")
_MOST_BYTES = 256 * 1024
"""The most bytes that SNS takes for all bodies of a message together."""
_MOST_BYTES_OF_BODIES = ((60_000, 25_000), (60_000, 12_500), (30_000, 12_500), (5_000, 4_000))
"""The most bytes of the text, which a message holds twice, and of the JSON, which it holds five times. The first pair
that fits is taken: quotes and line ends take twice as much inside the JSON of the message."""


@dataclass(frozen=True, slots=True)
class SnsTopics:
    """SNS topics; an address is the ARN of one.

    A message has a body for each protocol: text for mail, one line for SMS and apps, JSON for queues and functions, and
    for HTTPS what AWS's chat integration shows. It has no attributes: SNS's guide says that they are not sent with
    bodies by protocol. ``SnsJsonTopics`` sends them.

    Parameters
    ----------
    listed : collection of str
        The ARNs of the topics that this deployment may publish to; the first is its own.
    link : callable
        Gives where the report of an alert opens.
    """

    sns: SNSClient
    listed: Collection[str] = ()
    link: ReportLinks = no_link
    most_a_second: int = 5
    """Half of the mails a second that SNS delivers to one address before it may suspend it."""
    most_together: int = 20
    """As many alerts as fit into one message, whatever their names, if each is cut down to what identifies it."""

    def check(self, address: str, schedule: ScheduleRequest) -> None:  # noqa: ARG002 - the same for all schedules
        """Refuse a topic that may not be published to."""
        _refuse_topic(address, self.listed)

    def send(self, alert: Alert, address: str) -> None:
        """Send an alert."""
        link = self.link(alert)
        self._publish(
            address,
            alert_subject(alert),
            text=alert_text(alert, link),
            short=short_text(alert),
            data=lambda most_bytes: alert_event(alert, most_bytes=most_bytes),
            chat=chat_message(alert, link),
        )

    def send_together(self, alerts: Sequence[Alert], address: str) -> None:
        """Send several alerts as one message."""
        subject = bundle_subject(alerts)
        self._publish(
            address,
            subject,
            text=bundle_text(alerts, [self.link(alert) for alert in alerts]),
            short=cut_line(subject, LONGEST_SMS),
            data=lambda most_bytes: {"alerts": _as_they_fit(alerts, most_bytes // len(alerts))},
            chat=chat_bundle(alerts),
        )

    def _publish(
        self,
        address: str,
        subject: str,
        *,
        text: str,
        short: str,
        data: Callable[[int], dict[str, Any]],
        chat: dict[str, Any],
    ) -> None:
        message = ""
        for most_of_text, most_of_json in _MOST_BYTES_OF_BODIES:
            cut = _cut(text, most_of_text)
            by_protocol = {"default": cut, "email": cut, "sms": short, "application": short, "https": _written(chat)}
            message = _written(by_protocol | dict.fromkeys(_JSON_PROTOCOLS, _written(data(most_of_json))))
            if len(message.encode()) <= _MOST_BYTES:
                break
        with aws_errors(f"publishing to {address}"):
            self.sns.publish(
                TopicArn=address, Subject=cut_line(subject, LONGEST_SUBJECT), Message=message, MessageStructure="json"
            )


@dataclass(frozen=True, slots=True)
class SnsJsonTopics:
    """SNS topics whose subscribers are programs: each message is JSON, with attributes for filter policies."""

    sns: SNSClient
    listed: Collection[str] = ()

    def check(self, address: str, schedule: ScheduleRequest) -> None:  # noqa: ARG002 - the same for all schedules
        """Refuse a topic that may not be published to."""
        _refuse_topic(address, self.listed)

    def send(self, alert: Alert, address: str) -> None:
        """Send an alert."""
        event = alert_event(alert)
        names = ("severity", "change", "alertName", "monitoringScheduleName", "monitoringType", "endpointName")
        attributes = {
            name: {"DataType": "String", "StringValue": str(event[name])} for name in names if event[name] is not None
        }
        with aws_errors(f"publishing to {address}"):
            self.sns.publish(
                TopicArn=address,
                Subject=cut_line(alert_subject(alert), LONGEST_SUBJECT),
                Message=_written(event),
                MessageAttributes=attributes,  # type: ignore[arg-type]  # plain dicts
            )


@dataclass(frozen=True, slots=True)
class SnsChatTopics:
    """SNS topics of AWS's chat integration alone, which drops whatever is not in its own form."""

    sns: SNSClient
    listed: Collection[str] = ()
    link: ReportLinks = no_link

    def check(self, address: str, schedule: ScheduleRequest) -> None:  # noqa: ARG002 - the same for all schedules
        """Refuse a topic that may not be published to."""
        _refuse_topic(address, self.listed)

    def send(self, alert: Alert, address: str) -> None:
        """Send an alert."""
        with aws_errors(f"publishing to {address}"):
            self.sns.publish(TopicArn=address, Message=_written(chat_message(alert, self.link(alert))))


def _refuse_topic(address: str, listed: Collection[str]) -> None:
    if address.endswith(".fifo"):
        message = f"alert_targets: {address} is a FIFO topic, to which only queues can subscribe; name a standard topic"
        raise InvalidInput("UnfitAlertTarget", message)
    refuse_unlisted(address, listed, own=next(iter(listed), ""), parameter="AlertTopicArns")


def _written(document: object) -> str:
    return json.dumps(document, ensure_ascii=False)


def _as_they_fit(alerts: Sequence[Alert], most_bytes: int) -> list[dict[str, Any]]:
    """Return alerts as JSON, each in its share; of one that is larger still, what says which it is and where."""
    brief = ("alertKey", "incidentKey", "monitoringScheduleName", "severity", "change", "alertName", "violationReport")
    events = [alert_event(alert, most_bytes=most_bytes) for alert in alerts]
    return [
        event if len(_written(event).encode()) <= most_bytes else {name: event[name] for name in brief}
        for event in events
    ]


def _cut(text: str, most_bytes: int) -> str:
    """Return text that is no larger, and says so if it was: its first lines, and its end, which names the report."""
    if len(text.encode()) <= most_bytes:
        return text
    body, _, end = text.rpartition("\n\n")
    kept, size = [], len(end.encode())
    lines = body.splitlines()
    for line in lines:
        size += len(line.encode()) + 1
        if size > most_bytes - 100:
            break
        kept.append(line)
    left_out = f"{len(lines) - len(kept)} of {len(lines)} lines are left out: the message was too long."
    return "\n".join([*kept, "", left_out, "", end])
