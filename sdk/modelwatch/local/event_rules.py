"""What EventBridge rules send to their targets."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from modelwatch.local.deliveries import DeadLetterQueue, Deliveries, RetryPolicy, Sender, Target

EVENTS = "events.amazonaws.com"
_MISSING = object()
_PLACEHOLDER = re.compile(r"<([A-Za-z0-9_.-]+)>")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\['([^']+)'\]")


def aws_event(
    source: str,
    detail_type: str,
    detail: Mapping[str, Any],
    *,
    account: str,
    region: str,
    arn: str | None,
    now: datetime,
) -> dict[str, Any]:
    """Return an event of an AWS service about the resource with an ARN, or about none."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": detail_type,
        "source": source,
        "account": account,
        "time": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": region,
        "resources": [arn] if arn else [],
        "detail": dict(detail),
    }


@dataclass(frozen=True, slots=True)
class MatchedRule:
    """An enabled rule whose pattern matched, with its targets as the API describes them."""

    name: str
    arn: str
    targets: tuple[Mapping[str, Any], ...]


def deliver_event(deliveries: Deliveries, rule: MatchedRule, event: Mapping[str, Any]) -> None:
    """Start the delivery of an event to every target of a rule.

    Parameters
    ----------
    deliveries : Deliveries
        Delivers to the targets.
    rule : MatchedRule
        The rule that matched.
    event : Mapping
        The event as targets receive it, with ``time`` in ISO 8601.
    """
    for target in rule.targets:
        body = target_input(target, event, rule)
        event_bus: dict[str, Any] = {}
        if ":event-bus/" in target["Arn"]:
            event_bus = {
                "Source": event["source"],
                "DetailType": event["detail-type"],
                "Resources": event["resources"],
            }
            body = json.dumps(event["detail"])
        deliveries.start(
            Target(
                target["Arn"],
                Sender(EVENTS, target.get("RoleArn")),
                sqs=target.get("SqsParameters", {}),
                event_bus=event_bus,
            ),
            body,
            description=f"an event of rule {rule.name}",
            retry=RetryPolicy.from_target(target),
            dead_letter_queue=DeadLetterQueue.of_target(target, Sender(EVENTS), RULE_ARN=rule.arn),
        )


def target_input(target: Mapping[str, Any], event: Mapping[str, Any], rule: MatchedRule) -> str:
    """Return what a target receives: the event, or the result of its Input, InputPath or InputTransformer."""
    if (constant := target.get("Input")) is not None:
        return str(constant)
    if (path := target.get("InputPath")) is not None:
        found = look_up(path, event)
        return json.dumps(None if found is _MISSING else found)
    if (transformer := target.get("InputTransformer")) is not None:
        values = {name: look_up(path, event) for name, path in transformer.get("InputPathsMap", {}).items()}
        values |= {
            "aws.events.rule-arn": rule.arn,
            "aws.events.rule-name": rule.name,
            "aws.events.event.ingestion-time": event["time"],
            "aws.events.event": {key: value for key, value in event.items() if key != "detail"},
            "aws.events.event.json": dict(event),
        }
        return fill_template(transformer["InputTemplate"], values)
    return json.dumps(event)


def look_up(path: str, event: Mapping[str, Any]) -> Any:
    """Return the value at a JSON path as EventBridge supports it: names and indices from the root."""
    value: Any = event
    position = 1
    while position < len(path):
        step = _STEP.match(path, position)
        if step is None:
            return _MISSING
        name, index, quoted = step.groups()
        try:
            value = value[int(index)] if index is not None else value[name or quoted]
        except (KeyError, IndexError, TypeError):
            return _MISSING
        position = step.end()
    return value


def fill_template(template: str, values: Mapping[str, Any]) -> str:
    """Fill the placeholders of an input template.

    Inside quotes a value is inserted as text, elsewhere as JSON. A value that is missing from the event is empty inside
    quotes and null elsewhere.
    """
    filled, position = [], 0
    for quoted in _STRING.finditer(template):
        filled.append(_fill(template[position : quoted.start()], values, _as_json))
        filled.append(_fill(quoted.group(), values, _as_text))
        position = quoted.end()
    filled.append(_fill(template[position:], values, _as_json))
    return "".join(filled)


def _fill(part: str, values: Mapping[str, Any], write: Any) -> str:
    return _PLACEHOLDER.sub(lambda match: write(values[match[1]]) if match[1] in values else match[0], part)


def _as_json(value: Any) -> str:
    return json.dumps(None if value is _MISSING else value)


def _as_text(value: Any) -> str:
    if value is _MISSING:
        return ""
    text = value if isinstance(value, str) else json.dumps(value)
    return json.dumps(text)[1:-1]
