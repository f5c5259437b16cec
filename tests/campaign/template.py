"""What the template says of functions, rules and retries, with the names of one deployment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from moto.events.models import EventPattern

from modelwatch.local.event_rules import MatchedRule
from modelwatch.local.sam_template import parameter_values, read_template
from tests.repository import ROOT

ACCOUNT, REGION = "123456789012", "us-east-1"


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def function_arn(name: str) -> str:
    """Return the ARN of a function."""
    return _arn("lambda", f"function:{name}")


QUEUE_URL = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/DeadLetters"
QUEUE_ARN, TOPIC_ARN = _arn("sqs", "DeadLetters"), _arn("sns", "AlertTopic")
TABLE, BUS, GROUP, RESULTS, CAPTURES = "Ledger", "Bus", "Schedules", "results", "captures"
_REFS = {"Results": RESULTS, "DeadLetters": QUEUE_URL, "AlertTopic": TOPIC_ARN, "Schedules": GROUP}
_ARNS = {
    "DeadLetters": QUEUE_ARN,
    "Bus": _arn("events", f"event-bus/{BUS}"),
    **{name: f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("ScheduleRole", "AnalysisRole")},
}


@dataclass(frozen=True, slots=True)
class Function:
    """A function, and what becomes of its asynchronous invocations.

    Attributes
    ----------
    timeout : float
        In seconds.
    retries : int
        How often an invocation that failed is repeated.
    longest_age : float
        In seconds, how long an invocation waits to be run.
    destination : str
        The ARN of where those go that are given up.
    """

    name: str
    timeout: float
    retries: int
    longest_age: float
    destination: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a bus."""

    pattern: Mapping[str, Any]
    matched: MatchedRule

    def matches(self, event: Mapping[str, Any]) -> bool:
        """Return whether an event is for the targets of this rule."""
        return bool(EventPattern(None, dict(self.pattern)).matches_event(dict(event)))


@dataclass(frozen=True, slots=True)
class Deployment:
    """The template, resolved.

    Attributes
    ----------
    sweeps : tuple of Mapping
        The schedules that are not the users': of sweeps, and of what is delivered again.
    """

    functions: Mapping[str, Function]
    rules: tuple[Rule, ...]
    sweeps: tuple[Mapping[str, Any], ...]
    environment: Mapping[str, str]


@cache
def deployment() -> Deployment:
    """Read the template."""
    template = read_template(ROOT / "template.yaml")
    parameters = parameter_values(template["Parameters"], {})
    resources = template["Resources"]
    names = [name for name, each in resources.items() if each["Type"] == "AWS::Serverless::Function"]

    def resolved(value: Any) -> Any:
        if isinstance(value, list):
            return [resolved(each) for each in value]
        if not isinstance(value, dict):
            return value
        match list(value.items()):
            case [("Ref", name)]:
                return parameters.get(name, _REFS.get(name, name))
            case [("Fn::GetAtt", [name, *_])]:
                return _ARNS.get(name, function_arn(name))
            case [("Fn::Join", [separator, parts])]:
                return separator.join(resolved(parts))
            case [("Fn::If", [condition, yes, no])]:
                return resolved(yes if condition == "MakesResultsBucket" else no)
        return {key: resolved(each) for key, each in value.items()}

    properties = {name: resolved(resources[name]["Properties"]) for name in names}
    common = resolved(template["Globals"]["Function"])
    environment = dict(common["Environment"]["Variables"])
    for each in properties.values():
        environment |= each.get("Environment", {}).get("Variables", {})
    invocations = {name: each.get("EventInvokeConfig") for name, each in properties.items()}
    invocations["Analyzer"] = resolved(resources["AnalyzerInvocations"]["Properties"])
    events = [
        (name, event_name, event) for name in names for event_name, event in properties[name].get("Events", {}).items()
    ]
    return Deployment(
        functions={
            name: _function(name, properties[name].get("Timeout", common["Timeout"]), invocations[name])
            for name in names
        },
        rules=tuple(
            _rule(name, event_name, event["Properties"])
            for name, event_name, event in events
            if event["Type"] == "EventBridgeRule"
        ),
        sweeps=tuple(event["Properties"] for _, _, event in events if event["Type"] == "ScheduleV2"),
        environment={name: str(value) for name, value in environment.items()},
    )


def _function(name: str, timeout: float, config: Mapping[str, Any]) -> Function:
    return Function(
        name,
        timeout,
        config["MaximumRetryAttempts"],
        config["MaximumEventAgeInSeconds"],
        config["DestinationConfig"]["OnFailure"]["Destination"],
    )


def _rule(function: str, name: str, properties: Mapping[str, Any]) -> Rule:
    target = {
        "Arn": function_arn(function),
        "RetryPolicy": properties["RetryPolicy"],
        "DeadLetterConfig": properties["DeadLetterConfig"],
    }
    matched = MatchedRule(f"{function}{name}", _arn("events", f"rule/{function}{name}"), (target,))
    return Rule(json.loads(json.dumps(properties["Pattern"])), matched)
