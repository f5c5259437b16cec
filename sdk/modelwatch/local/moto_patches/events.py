"""EventBridge.

moto cannot deliver to Lambda or SNS, ignores Input and InputPath, delivers from disabled rules, lets a rule that has
only a schedule match every event, and writes the time as a number.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import moto.events.models as events_models
from moto.core.utils import unix_time

from modelwatch.local.event_rules import MatchedRule
from modelwatch.local.moto_patches.hooks import ACCOUNT_ID, Hooks, Replacement
from modelwatch.local.scheduler import ScheduledRule


def replacements(hooks: Hooks) -> list[Replacement]:
    """Return what is replaced in moto's EventBridge."""

    def send_to_targets(rule: Any, original_event: Mapping[str, Any], transform_input: bool = True) -> None:  # noqa: ARG001 - the signature that moto calls
        event = {key: value for key, value in original_event.items() if key != "ingestion-time"}
        if not isinstance(event["time"], str):
            event["time"] = datetime.fromtimestamp(float(event["time"]), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        hooks.event_sent(event)
        has_pattern = bool(rule.event_pattern.get_pattern())
        if rule.state == "ENABLED" and has_pattern and rule.event_pattern.matches_event(event):
            hooks.deliver_event(_matched_rule(rule), event)

    def unix_time_of_stack(moment: datetime | None = None) -> Any:
        return unix_time(moment or hooks.now().replace(tzinfo=None))

    return [
        Replacement(events_models.Rule, "send_to_targets", send_to_targets),
        Replacement(events_models, "unix_time", unix_time_of_stack),
    ]


def send_to_default_bus(event: dict[str, Any]) -> None:
    """Match an event that an AWS service emits against the rules of the default bus."""
    bus = events_models.events_backends[event["account"]][event["region"]].event_buses["default"]
    for rule in list(bus.rules.values()):
        rule.send_to_targets(event)


def scheduled_rules(region: str) -> list[ScheduledRule]:
    """Return every enabled rule of the default bus that has a schedule expression."""
    rules = events_models.events_backends[ACCOUNT_ID][region].event_buses["default"].rules
    return [
        ScheduledRule(f"{rule.arn}#{id(rule)}", _matched_rule(rule), rule.scheduled_expression, ACCOUNT_ID, region)
        for rule in list(rules.values())
        if rule.scheduled_expression and rule.state == "ENABLED"
    ]


def _matched_rule(rule: Any) -> MatchedRule:
    return MatchedRule(rule.name, rule.arn, tuple(dict(target) for target in rule.targets))
