"""SNS.

moto accepts email subscriptions and drops their messages, and what it passes to Lambda lacks attributes. It leaves
subscriptions pending, and nothing in the local stack would ever confirm them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import moto.sns.models as sns_models

from modelwatch.local.moto_patches.hooks import Hooks, Notification, Replacement

_DELIVERED_BY_MOTO = ("sqs", "http", "https")


def replacements(hooks: Hooks) -> list[Replacement]:
    """Return what is replaced in moto's SNS."""
    return [
        Replacement(sns_models.Subscription, "publish", _publish(hooks)),
        Replacement(sns_models.Subscription, "__init__", _confirmed_init()),
    ]


def _publish(hooks: Hooks) -> Callable[..., None]:
    original = sns_models.Subscription.publish

    def publish(
        self: Any,
        message: str,
        message_id: str,
        subject: str | None = None,
        message_attributes: dict[str, Any] | None = None,
        message_structure: str | None = None,
        **options: Any,
    ) -> None:
        if self.protocol in _DELIVERED_BY_MOTO:
            original(
                self,
                message,
                message_id,
                subject=subject,
                message_attributes=message_attributes,
                message_structure=message_structure,
                **options,
            )
            return
        matcher = self._filter_policy_matcher
        if matcher is not None and not matcher.matches(message_attributes, message):
            return
        if message_structure == "json":
            message = self._parse_message_structure(message, self.protocol)
        hooks.notify(
            Notification(
                protocol=self.protocol,
                endpoint=self.endpoint,
                subscription_arn=self.arn,
                topic_arn=self.topic.arn,
                display_name=self.topic.display_name,
                message_id=message_id,
                subject=subject,
                message=message,
                attributes=message_attributes or {},
            )
        )

    return publish


def _confirmed_init() -> Callable[..., None]:
    original = sns_models.Subscription.__init__

    def init_confirmed(self: Any, *arguments: Any, **options: Any) -> None:
        original(self, *arguments, **options)
        self.confirmed = True

    return init_confirmed
