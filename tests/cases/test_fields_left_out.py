"""Fields that some records leave out, or have as an object without any field.

After public reports: pandas 20030, where null in the place of an object was a column of its own, and roapi 134 and
pathling 2725, whose JSON leaves null fields out. One customer without an address is a missing value, and no violation.
"""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
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


def rows_of(number, *, coupon=0, **others):
    """Return records of which every so many have a coupon; the others leave the field out, as many programs do."""
    return [
        {"age": row * 7 % 50, **({"coupon": "spring"} if coupon and row % coupon == 0 else {}), **others}
        for row in range(number)
    ]


def checked(tmp_path, write, dataset_format, train, today, **options):
    for name, documents in (("train", train), ("today", today)):
        (tmp_path / f"{name}.jsonl").write_text(write(documents))
    made = modelwatch.baseline(tmp_path / "train.jsonl", dataset_format=dataset_format, **options)
    found = modelwatch.check(tmp_path / "today.jsonl", made, dataset_format=dataset_format)
    return [(each.feature_name, each.constraint_check_type) for each in found.violations], found


FORMATS = pytest.mark.parametrize(("write", "dataset_format"), [(jsonlines, "jsonlines"), (captured, "capture")])


@FORMATS
def test_a_field_that_few_records_have_may_be_absent_from_a_small_window(tmp_path, write, dataset_format):
    train = rows_of(2000, coupon=20)
    violations, found = checked(tmp_path, write, dataset_format, train, rows_of(20))
    assert violations == []
    assert [feature["name"] for feature in found.statistics["features"]] == ["age", "coupon"]
    # In a large window it is missing more often than chance explains.
    violations, _ = checked(tmp_path, write, dataset_format, train, rows_of(2000))
    assert violations == [("coupon", "completeness_check")]


@FORMATS
def test_a_field_that_all_records_had_is_a_missing_column(tmp_path, write, dataset_format):
    violations, _ = checked(tmp_path, write, dataset_format, rows_of(2000, coupon=1), rows_of(20))
    assert violations == [("coupon", "missing_column_check")]


@FORMATS
def test_an_object_that_is_null_in_all_records_of_a_small_window_has_its_fields(tmp_path, write, dataset_format):
    train = rows_of(1000, address={"floor": 2}) + rows_of(1000, address=None)
    violations, found = checked(tmp_path, write, dataset_format, train, rows_of(3, address=None))
    assert violations == []
    assert [feature["name"] for feature in found.statistics["features"]] == ["age", "address.floor"]


@FORMATS
def test_data_with_none_of_the_names_of_the_baseline_are_not_taken_for_records_that_leave_them_out(
    tmp_path, write, dataset_format
):
    today = [{"years": row} for row in range(20)]
    violations, found = checked(tmp_path, write, dataset_format, rows_of(2000, coupon=20), today)
    assert sorted(violations) == [
        ("age", "missing_column_check"),
        ("coupon", "missing_column_check"),
        ("years", "extra_column_check"),
    ]
    assert [each for each in found.warnings if each.startswith("no column has a name from the baseline")]


def test_rows_of_a_preprocessor_may_leave_fields_out(tmp_path):
    script = tmp_path / "preprocess.py"
    script.write_text("import json\ndef preprocess_handler(record):\n    return json.loads(record)\n")
    options = {"dataset_format": "jsonlines", "record_preprocessor": script}
    for name, documents in (("train", rows_of(2000, coupon=20)), ("today", rows_of(20))):
        (tmp_path / f"{name}.jsonl").write_text(jsonlines(documents))
    made = modelwatch.baseline(tmp_path / "train.jsonl", **options)
    assert modelwatch.check(tmp_path / "today.jsonl", made, **options).violations == []


@pytest.mark.parametrize(("write", "dataset_format"), [(jsonlines, "jsonlines"), (captured, "capture")])
def test_a_field_that_may_be_absent_is_found_under_a_name_in_another_case(tmp_path, write, dataset_format):
    for file, name in (("train", "Floor"), ("today", "floor")):
        rows = [{"plan": row % 3, name: row % 5} if row % 100 else {"plan": 1} for row in range(ROWS)]
        (tmp_path / file).write_text(write(rows))
    made = modelwatch.baseline(tmp_path / "train", dataset_format=dataset_format)
    checked = modelwatch.check(tmp_path / "today", made, dataset_format=dataset_format)
    assert checked.violations == []
    assert any("were taken for the same: 'floor' as 'Floor'" in each for each in checked.warnings)


def tagged(lengths):
    """Return a table whose lists have these lengths, from the first row to the last and again from the first."""
    lists = [[float(place) for place in range(length)] for length in lengths]
    return pa.table(
        {"age": [row * 7 % 50 for row in range(ROWS)], "tags": pa.array((lists * ROWS)[:ROWS], pa.list_(pa.float64()))}
    )


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize(
    ("train", "today", "violations", "columns"),
    [
        # Few rows have a third element, so a window may well have none.
        ([2] * 99 + [3], [2], [], ["age", "tags.0", "tags.1", "tags.2"]),
        # Half the rows are without any, all rows today: that is a violation of completeness, not of the columns.
        ([0, 1], [0], [("tags.0", "completeness_check")], ["age", "tags.0"]),
        ([2], [1], [("tags.1", "missing_column_check")], ["age", "tags.0"]),
        # A file in which all lists are empty is sound, and so is the check of a column that is read alone.
        ([0], [0], [], ["age", "tags"]),
    ],
)
def test_lists_of_a_table_may_be_shorter_than_those_of_the_baseline(
    tmp_path, stored, train, today, violations, columns
):
    tables = {"train": tagged(train), "today": tagged(today)}
    for name, table in tables.items():
        pq.write_table(table, tmp_path / f"{name}.parquet")
    options = {"dataset_format": "parquet"} if stored else {}
    data = {name: tmp_path / f"{name}.parquet" if stored else table for name, table in tables.items()}
    found = modelwatch.check(data["today"], modelwatch.baseline(data["train"], **options), **options)
    assert [(each.feature_name, each.constraint_check_type) for each in found.violations] == violations
    assert [feature["name"] for feature in found.statistics["features"]] == columns
    counts = [
        (feature.get("numerical_statistics") or feature["string_statistics"])["common"]
        for feature in found.statistics["features"]
    ]
    assert {count["num_present"] + count["num_missing"] for count in counts} == {ROWS}


def test_lists_that_are_empty_in_one_of_several_files_are_no_column_of_their_own(tmp_path):
    for name, lengths in (("a", [0]), ("b", [2]), ("c", [1])):
        pq.write_table(tagged(lengths), tmp_path / f"{name}.parquet")
    made = modelwatch.baseline(tmp_path, dataset_format="parquet")
    found = features(made)
    assert list(found) == ["age", "tags.0", "tags.1"]
    counts = {name: found[name]["numerical_statistics"]["common"]["num_present"] for name in found}
    assert counts == {"age": 3 * ROWS, "tags.0": 2 * ROWS, "tags.1": ROWS}


@pytest.mark.parametrize(
    ("first", "second", "columns"),
    [
        # pandas writes a column of nothing but None without a type.
        (pa.array([{"floor": 2}] * ROWS), pa.nulls(ROWS), {"home.floor": ROWS}),
        (pa.array([[1, 2]] * ROWS), pa.nulls(ROWS), {"home.0": ROWS, "home.1": ROWS}),
        (pa.array([[1]] * ROWS), pa.array([3] * ROWS), {"home.0": ROWS, "home": ROWS}),
    ],
)
def test_a_column_without_values_is_none_beside_its_fields_in_other_files_and_values_are_kept(
    tmp_path, first, second, columns
):
    for name, values in (("a", first), ("b", second)):
        pq.write_table(pa.table({"home": values}), tmp_path / f"{name}.parquet")
    found = features(modelwatch.baseline(tmp_path, dataset_format="parquet"))
    assert {name: found[name]["numerical_statistics"]["common"]["num_present"] for name in found} == columns


def test_a_struct_that_is_none_in_all_rows_of_a_window_has_its_fields():
    def table(values):
        return pa.table({"age": [row * 7 % 50 for row in range(len(values))], "home": values})

    made = modelwatch.baseline(table(pa.array(([{"floor": 2}] + [None] * 19) * 100)))
    found = modelwatch.check(table(pa.nulls(20)), made)
    assert found.violations == []
    assert [feature["name"] for feature in found.statistics["features"]] == ["age", "home.floor"]
