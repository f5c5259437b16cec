"""What a rule's target receives. Expected outputs follow EventBridge's documentation of input transformation."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwatch.local.event_rules import MatchedRule, fill_template, target_input

RULE = MatchedRule("my-rule", "arn:aws:events:us-east-1:123456789012:rule/my-rule", ())
EVENT = {
    "version": "0",
    "id": "one",
    "detail-type": "Job Ended",
    "source": "modelwatch",
    "account": "123456789012",
    "time": "2026-01-05T09:30:00Z",
    "region": "us-east-1",
    "resources": ["arn:a"],
    "detail": {"status": 'a "quoted" word', "count": 3, "items": [{"name": "x"}], "nested": {"deep": True}},
}


def received(**target: Any) -> Any:
    return json.loads(target_input(target, EVENT, RULE))


def test_by_default_the_target_receives_the_event() -> None:
    assert received() == EVENT


def test_input_is_passed_unchanged() -> None:
    assert received(Input='{"a": 1}') == {"a": 1}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$.detail.count", 3),
        ("$.detail.items[0].name", "x"),
        ("$.detail-type", "Job Ended"),
        ("$.detail.none", None),
        ("$['source']", "modelwatch"),
        ("$.resources[5]", None),
    ],
)
def test_input_path_selects_a_part_of_the_event(path: str, value: Any) -> None:
    assert received(InputPath=path) == value


def test_a_transformer_inserts_values_as_json_outside_quotes_and_as_text_inside() -> None:
    transformer = {
        "InputPathsMap": {
            "status": "$.detail.status",
            "count": "$.detail.count",
            "nested": "$.detail.nested",
            "no": "$.no",
        },
        "InputTemplate": '{"s": <status>, "text": "<status>: <count> of <nested><no>", '
        '"n": <nested>, "no": <no>, "rule": "<aws.events.rule-name>"}',
    }
    assert received(InputTransformer=transformer) == {
        "s": 'a "quoted" word',
        "text": 'a "quoted" word: 3 of {"deep": true}',
        "n": {"deep": True},
        "no": None,
        "rule": "my-rule",
    }


def test_a_transformer_may_produce_text_or_the_complete_event() -> None:
    text = {"InputPathsMap": {"c": "$.detail.count"}, "InputTemplate": '"<c> seen"'}
    assert received(InputTransformer=text) == "3 seen"
    assert received(InputTransformer={"InputTemplate": '{"e": <aws.events.event.json>}'}) == {"e": EVENT}


def test_an_unknown_placeholder_is_left_as_it_is() -> None:
    assert fill_template('"<nobody>"', {}) == '"<nobody>"'


@given(
    value=st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3))
)
@settings(max_examples=100, deadline=None)
def test_any_value_is_inserted_unchanged(value: Any) -> None:
    assert json.loads(fill_template('{"v": <v>}', {"v": value})) == {"v": value}
    text = value if isinstance(value, str) else json.dumps(value)
    assert json.loads(fill_template('"<v>"', {"v": value})) == text
