"""SNS messages on their way to subscriptions that moto does not deliver to."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from modelwatch.local.clock import Clock
from modelwatch.local.deliveries import Deliveries, Sender, Target
from modelwatch.local.mail import notification_mail, send_mail
from modelwatch.local.moto_patches.hooks import Notification
from modelwatch.local.work import WorkInProgress

SNS = "sns.amazonaws.com"


class Notifier:
    """Sends email notifications as mail and invokes subscribed functions.

    Parameters
    ----------
    deliveries : Deliveries
        Delivers to functions, and records what cannot be delivered.
    clock : Clock
        The stack's clock, for the time of a message.
    work : WorkInProgress
        Counts the mails that are being sent.
    smtp_port : int
        The port of the mail server on loopback.
    """

    def __init__(self, *, deliveries: Deliveries, clock: Clock, work: WorkInProgress, smtp_port: int) -> None:
        self._deliveries, self._clock, self._work, self._smtp_port = deliveries, clock, work, smtp_port

    def notify(self, notification: Notification) -> None:
        """Start the delivery of a message to one subscription."""
        description = f"a message of {notification.topic_arn}"
        if notification.protocol in ("email", "email-json"):
            self._work.start(f"mail to {notification.endpoint}", self._send_mail, notification)
        elif notification.protocol == "lambda":
            event = {"Records": [_sns_record(notification, self._clock.now())]}
            target = Target(notification.endpoint, Sender(SNS))
            self._deliveries.start(target, json.dumps(event), description=description)
        else:
            self._deliveries.record_undelivered(
                description,
                f"{notification.protocol} subscription {notification.subscription_arn}",
                f"the local stack does not deliver by {notification.protocol}",
            )

    def _send_mail(self, notification: Notification) -> None:
        body = notification.message
        if notification.protocol == "email-json":
            body = json.dumps(_sns_record(notification, self._clock.now())["Sns"])
        mail = notification_mail(
            to=notification.endpoint,
            topic_arn=notification.topic_arn,
            display_name=notification.display_name,
            subject=notification.subject,
            body=body,
            subscription_arn=notification.subscription_arn,
            sent_at=self._clock.now(),
        )
        send_mail(mail, self._smtp_port)


def _sns_record(notification: Notification, moment: datetime) -> dict[str, Any]:
    return {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": notification.subscription_arn,
        "Sns": {
            "Type": "Notification",
            "MessageId": notification.message_id,
            "TopicArn": notification.topic_arn,
            "Subject": notification.subject,
            "Message": notification.message,
            "Timestamp": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "SignatureVersion": "1",
            "Signature": "",
            "SigningCertUrl": "",
            "UnsubscribeUrl": "",
            "MessageAttributes": {
                name: {"Type": value["Type"], "Value": value["Value"]}
                for name, value in notification.attributes.items()
            },
        },
    }
