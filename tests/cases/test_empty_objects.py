"""Objects and lists without any field, which other records have with fields.

After a public report: pandas 20030, where the records without an object got a column of their own. One customer
without an address is a missing value, and no violation.
"""

from __future__ import annotations

import json

import pytest

import modelwatch

ROWS = 600


def jsonlines(documents):
    return "".join(json.dumps(document) + "\n" for document in documents)


def captured(documents):
    return jsonlines(
        {
            "captureData": {"endpointInput": {"data": json.dumps(document), "encoding": "JSON"}},
            "eventMetadata": {"eventId": f"e{number}", "inferenceTime": "2026-03-01T10:00:00Z"},
            "eventVersion": "0",
        }
        for number, document in enumerate(documents)
    )


def documents(empty, place):
    return [
        {"plan": number % 3, "address": empty if number == place else {"floor": number % 5, "rooms": [number % 2, 1]}}
        for number in range(ROWS)
    ]


def features(made):
    return {feature["name"]: feature for feature in made.statistics["features"]}


@pytest.mark.parametrize(
    ("write", "dataset_format", "place", "empty"),
    [
        (jsonlines, "jsonlines", 0, None),
        (jsonlines, "jsonlines", ROWS - 1, {}),
        (jsonlines, "jsonlines", 3, []),
        (captured, "capture", 0, {}),
        (captured, "capture", 3, None),
    ],
)
def test_an_object_without_fields_is_a_missing_value_of_each_field_and_no_column(
    tmp_path, write, dataset_format, place, empty
):
    paths = {"one": tmp_path / "one.jsonl", "none": tmp_path / "none.jsonl"}
    paths["one"].write_text(write(documents(empty, place)))
    paths["none"].write_text(write(documents(empty, None)))
    made = {name: modelwatch.baseline(path, dataset_format=dataset_format) for name, path in paths.items()}
    found = features(made["one"])
    assert sorted(found) == ["address.floor", "address.rooms.0", "address.rooms.1", "plan"]
    assert found["address.floor"]["numerical_statistics"]["common"] == {"num_present": ROWS - 1, "num_missing": 1}
    # One such record is no violation, whether it is in the baseline or in the window, and no field is unread.
    for train, today in (("one", "none"), ("none", "one")):
        checked = modelwatch.check(paths[today], made[train], dataset_format=dataset_format)
        assert checked.violations == []
        if dataset_format == "capture":
            records = json.loads(checked.files["analysis_summary.json"])["records"]
            assert records["malformed"] == records["with_unread_fields"] == 0


@pytest.mark.parametrize(
    ("odd", "columns"),
    [
        ({"plan": 1, "address": "unknown"}, ["address", "address.floor", "plan"]),
        ({"plan": 1, "address": None, "address.floor": 2}, ["address", "address.floor", "plan"]),
        ({"plan": 1, "address": None, "addresses": 2}, ["address.floor", "addresses", "plan"]),
    ],
)
def test_a_field_that_has_a_value_or_stands_beside_a_name_with_a_dot_keeps_its_column(tmp_path, odd, columns):
    usual = [{"plan": number % 3, "address": {"floor": number % 5}} for number in range(ROWS)]
    (tmp_path / "train.jsonl").write_text(jsonlines([*usual, odd]))
    made = modelwatch.baseline(tmp_path / "train.jsonl", dataset_format="jsonlines")
    assert sorted(features(made)) == columns


def test_a_field_that_is_null_in_all_records_is_a_column_without_values(tmp_path):
    (tmp_path / "train.jsonl").write_text(jsonlines({"plan": row % 3, "address": None} for row in range(ROWS)))
    made = modelwatch.baseline(tmp_path / "train.jsonl", dataset_format="jsonlines")
    assert features(made)["address"]["inferred_type"] == "Unknown"
