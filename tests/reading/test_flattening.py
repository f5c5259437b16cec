"""JSON documents to rows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwatch_analyzer.reading import flattening
from modelwatch_analyzer.reading.flattening import Unflattenable, decode, flatten, records_of


@pytest.mark.parametrize(
    ("document", "records"),
    [
        ('{"a": 1}', [{"a": 1}]),
        ('[{"a": 1}, {"a": 2}]', [{"a": 1}, {"a": 2}]),
        ("[[1, 2], [3, 4]]", [[1, 2], [3, 4]]),
        ("[1, 2]", [[1, 2]]),
        ('{"instances": [{"features": [1]}, {"features": [2]}]}', [{"features": [1]}, {"features": [2]}]),
        ('{"instances": [[1], [2]]}', [[1], [2]]),
        ('{"features": [1, 2]}', [{"features": [1, 2]}]),
        ('{"instances": []}', [{"instances": []}]),
        ('{"instances": [[1]], "id": 5}', [{"instances": [[1]], "id": 5}]),
        ("[]", []),
        ("5", [[5]]),
        ("null", [[None]]),
    ],
)
def test_the_records_in_a_document_are_found(document: str, records: list[Any]) -> None:
    assert records_of(decode(document)) == records


def test_nested_fields_get_dotted_names_and_elements_their_index() -> None:
    record = decode('{"a": 1, "b": {"c": "x", "d": [true, {"e": null}]}, "f": [], "g": {}, "h": ""}')
    assert list(flatten(record).items()) == [
        ("a", "1"),
        ("b.c", "x"),
        ("b.d.0", "true"),
        ("b.d.1.e", None),
        ("f", None),
        ("g", None),
        ("h", None),
    ]


def test_a_list_becomes_its_values_in_order() -> None:
    assert list(flatten(decode('[1, [2, "x"], {"a": false}]')).values()) == ["1", "2", "x", "false"]


@pytest.mark.parametrize("number", ["1.50", "1e400", "-0.0", "1E5", "1" * 300, "18446744073709551616", "-7"])
def test_a_number_keeps_its_text(number: str) -> None:
    assert flatten(decode(f"[{number}]")) == {"0": number}


def test_of_two_fields_with_the_same_name_the_last_one_counts() -> None:
    assert decode('{"a": 1, "a": 2}') == {"a": 2}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("NaN", "not JSON"),
        ("[Infinity]", "not JSON"),
        ('{"a": 1', "not JSON"),
        ('{"a": 1}x', "something follows the JSON document: several must be on a line each"),
        ("{'a': 1}", "not JSON, which has names in double quotes"),
        ("", "not JSON"),
        (b'"\xff"', "not UTF-8"),
        ("1" * 5000, "too many digits"),
        ("[" * 100_000 + "]" * 100_000, "nested more than 32 levels"),
    ],
    ids=range(9),
)
def test_the_reason_for_malformed_json_contains_none_of_it(text: str | bytes, says: str) -> None:
    with pytest.raises(Unflattenable, match=f"^.{{0,20}}{says}.{{0,60}}$"):
        decode(text)


def test_too_deep_too_wide_and_ambiguous_records_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flattening, "MOST_COLUMNS", 3)
    assert len(flatten([1, 2, 3])) == 3
    deep: Any = 1
    for _ in range(flattening.DEEPEST):
        deep = [deep]
    assert len(flatten(deep)) == 1
    for record, says in (
        ({" ": 1}, "no name"),
        ([1, 2, 3, 4], "3 columns"),
        ([deep], "32 levels"),
        ({"a.b": 1, "a": {"b": 2}}, "same name"),
    ):
        with pytest.raises(Unflattenable, match=says):
            flatten(record)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text('ab é"\n\\', max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", min_size=1, max_size=2), inner, max_size=3)
    ),
    max_leaves=12,
)


def leaves(value: Any) -> list[Any]:
    if isinstance(value, dict | list) and value:
        return [leaf for item in (value.values() if isinstance(value, dict) else value) for leaf in leaves(item)]
    return [None] if isinstance(value, dict | list) else [value]


@settings(max_examples=150, deadline=None)
@given(JSON)
def test_no_value_of_a_document_is_lost_or_made_up(document: Any) -> None:
    records = records_of(decode(json.dumps(document)))
    found = [value for record in records for value in flatten(record).values()]
    as_text = {True: "true", False: "false"}
    wanted = [
        as_text[leaf] if isinstance(leaf, bool) else None if leaf in (None, "") else str(leaf)
        for record in records_of(document)
        if record != [] and record != {}
        for leaf in leaves(record)
    ]
    assert found == wanted
