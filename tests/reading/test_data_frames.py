"""Files and payloads of JSON that hold a whole table; `pandas.DataFrame.to_json` (pandas 2) says what the forms are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch_analyzer.reading.data_frames import rows_of_file
from modelwatch_analyzer.reading.dataset import Plan, Role
from modelwatch_analyzer.reading.files import source_files
from modelwatch_analyzer.reading.flattening import Unflattenable, described_rows, records_of
from modelwatch_analyzer.reading.json_files import JsonFiles, open_json
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_core.domain.dataset_formats import JsonOptions

ROWS = [{"age": 30, "income": 1.5, "job": "clerk"}, {"age": 41, "income": None, "job": "none, yet"}]
FORMS: dict[str, Any] = {
    "split": {"columns": list(ROWS[0]), "index": [0, 1], "data": [list(row.values()) for row in ROWS]},
    "split without an index": {"columns": list(ROWS[0]), "data": [list(row.values()) for row in ROWS]},
    "dataframe_split": {"dataframe_split": {"columns": list(ROWS[0]), "data": [list(row.values()) for row in ROWS]}},
    "table": {
        "schema": {"fields": [{"name": "index"}, *({"name": name} for name in ROWS[0])], "primaryKey": ["index"]},
        "data": [{"index": number, **row} for number, row in enumerate(ROWS)],
    },
    "tight": {
        "index": [0, 1],
        "columns": list(ROWS[0]),
        "data": [list(row.values()) for row in ROWS],
        "index_names": [None],
        "column_names": [None],
    },
    "split with parameters": {
        "dataframe_split": {"columns": list(ROWS[0]), "data": [list(row.values()) for row in ROWS]},
        "params": {"top": 3},
    },
    "records with parameters": {"dataframe_records": ROWS, "params": {}},
    "instances with a signature": {"signature_name": "serving_default", "instances": ROWS},
    "columns": {name: {str(7 * number): row[name] for number, row in enumerate(ROWS)} for name in ROWS[0]},
    "lists": {name: [row[name] for row in ROWS] for name in ROWS[0]},
    "index": {str(number): row for number, row in enumerate(ROWS)},
    "records": ROWS,
}


def read(folder: Path, *, lines: bool, **attributes: str) -> tuple[JsonFiles, list[dict[str, Any]], ReadLog]:
    requested = {Role(role): text for role, text in attributes.items()}
    dataset, log = open_json(source_files(folder), JsonOptions(lines=lines), requested), ReadLog()
    plan = Plan({name: pl.String() for name in dataset.columns})
    return dataset, [row for batch in dataset.batches(plan, log) for row in batch.iter_rows(named=True)], log


def as_text(row: dict[str, Any]) -> dict[str, str | None]:
    return {name: None if value is None else str(value) for name, value in row.items()}


@pytest.mark.parametrize("lines", [True, False])
@pytest.mark.parametrize("form", FORMS)
def test_a_file_that_is_a_table_has_its_rows_in_every_form(tmp_path: Path, form: str, lines: bool) -> None:
    names = ("first",) if form == "lists" else ("first", "second")
    for name in names:
        (tmp_path / f"{name}.json").write_text(json.dumps(FORMS[form]))
    dataset, rows, log = read(tmp_path, lines=lines)
    assert dataset.columns == ("age", "income", "job")
    assert rows == len(names) * [as_text(row) for row in ROWS]
    assert log.read == 2 * len(names)
    says_nothing_of_itself = form in ("columns", "lists", "index")
    assert [remark.split(":")[0] for remark in log.remarks] == says_nothing_of_itself * [
        "a file of JSON is one object with the values of each column, or with an object for each row number"
    ]


def test_a_split_table_with_as_many_rows_as_columns_is_read_by_its_names(tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text('{"columns": ["a", "b"], "data": [[1, 2], [3, 4]]}')
    assert read(tmp_path, lines=False)[1] == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]


@pytest.mark.parametrize(
    ("columns", "row", "cause"),
    [
        (["a", "a"], [1, 2], "columns of a table have one name, or none"),
        (["a", None], [1, 2], "columns of a table have one name, or none"),
        ([["a", "x"], ["a", "y"]], [1, 2], "columns of a table have one name, or none"),
        (["a", "b"], [1], "a row of a table has more or fewer values than there are columns"),
    ],
)
def test_a_malformed_split_table_is_left_out_with_the_cause(columns: list[Any], row: list[int], cause: str) -> None:
    with pytest.raises(Unflattenable, match=cause):
        records_of({"dataframe_split": {"columns": columns, "data": [row]}})


def test_whole_numbers_may_be_the_names_of_a_split_table(tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text('{"columns": [0, 1], "index": [0, 1], "data": [[1, 2.5], [2, 3.5]]}')
    assert read(tmp_path, lines=True)[1] == [{"0": "1", "1": "2.5"}, {"0": "2", "1": "3.5"}]


def test_a_frame_of_one_column_is_a_table_and_a_list_alone_is_a_record(tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text('{"a": {"0": 1, "4": 2}}')
    assert read(tmp_path, lines=True)[1] == [{"a": "1"}, {"a": "2"}]
    (tmp_path / "data.json").write_text('{"a": [1, 2]}')
    _, rows, log = read(tmp_path, lines=True)
    assert (len(rows), len(log.remarks)) == (1, 1)


def test_files_of_one_record_each_are_no_tables(tmp_path: Path) -> None:
    for number in range(4):
        record = {"features": [number, 2, 3], "probabilities": [0.1, 0.2, 0.7]}
        (tmp_path / f"{number}.json").write_text(json.dumps(record))
    dataset, rows, log = read(tmp_path, lines=True)
    assert (len(rows), dataset.columns[:2], log.remarks) == (4, ("features.0", "features.1"), [])


def test_one_record_in_an_array_is_one_as_the_remark_says(tmp_path: Path) -> None:
    record = {"features": [1, 2, 3], "probabilities": [0.1, 0.2, 0.7]}
    (tmp_path / "data.json").write_text(json.dumps(record))
    assert "write it in an array, in the format json" in read(tmp_path, lines=True)[2].remarks[0]
    (tmp_path / "data.json").write_text(json.dumps([record]))
    assert len(read(tmp_path, lines=False)[1]) == 1


def test_an_object_that_may_be_a_table_by_text_is_reported(tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text('{"a": {"x1": 1, "x2": 2}, "b": {"x1": 3, "x2": 4}}')
    _, rows, log = read(tmp_path, lines=True)
    assert len(rows) == 1
    assert "was read as one record: if it is a table, write a record on each line" in log.remarks[0]


def test_numbers_of_a_table_keep_their_text(tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text('{"a": [1.50, 2e3], "b": ["x\\u00e9", null]}')
    assert read(tmp_path, lines=True)[1] == [{"a": "1.50", "b": "xé"}, {"a": "2e3", "b": None}]


@pytest.mark.parametrize(
    "document",
    [
        {"age": 30, "history": [1, 2]},
        {"customer": {"age": 1, "income": 2}, "loan": {"age": 3, "income": 4}},
        {"features": [1, 2, 3]},
        {"a": [1, 2], "b": [1, 2, 3]},
        {"a": {"0": 1, "1": 2}, "b": {"0": 1, "2": 2}},
        {"a": [], "b": []},
        {"0": {"x": 1}, "1": 5},
        {"columns": ["a", "b"], "data": [1, 2]},
        {"columns": ["a"], "data": [[1]], "name": "t"},
        {"a": {"x1": 1, "x2": 2}, "b": {"x1": 3, "x2": 4}},
        {"schema": "s3://bucket/schema", "data": [{"a": 1}]},
        {},
        5,
    ],
    ids=str,
)
def test_what_may_be_one_record_is_no_table(document: Any) -> None:
    assert described_rows(document) is None
    assert rows_of_file(json.dumps(document).encode(), alone=True) is None


def test_objects_of_lists_on_several_lines_are_records(tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text(2 * '{"a": [1, 2], "b": [3, 4]}\n')
    dataset, rows, log = read(tmp_path, lines=True)
    assert (dataset.columns, len(rows), log.remarks) == (("a.0", "a.1", "b.0", "b.1"), 2, [])


def test_an_attribute_that_names_a_column_finds_it_in_a_table(tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text(json.dumps(FORMS["columns"]))
    dataset, rows, _ = read(tmp_path, lines=True, ground_truth="job")
    assert (dataset.columns, len(rows)) == (("age", "income", "job"), 2)


def test_a_jmespath_searches_the_document_and_not_its_rows(tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text(json.dumps(FORMS["lists"]))
    dataset, rows, log = read(tmp_path, lines=True, features="[age, income]")
    assert (len(dataset.columns), len(rows), log.remarks) == (2, 2, [])


names = st.lists(st.text(min_size=1).filter(str.strip), min_size=2, max_size=4, unique=True)
values = st.none() | st.integers(-9, 9) | st.text(max_size=3) | st.lists(st.integers(0, 3), max_size=2)


@given(columns=names, table=st.data())
def test_any_table_is_the_same_in_every_form(columns: list[str], table: st.DataObject) -> None:
    height = table.draw(st.integers(1, 4))
    rows = [dict(zip(columns, table.draw(st.tuples(*[values] * len(columns))), strict=True)) for _ in range(height)]
    split = {"columns": columns, "data": [list(row.values()) for row in rows]}
    assert records_of({"dataframe_split": split}) == rows
    for document in (
        {name: [row[name] for row in rows] for name in columns},
        {name: {str(number): row[name] for number, row in enumerate(rows)} for name in columns},
    ):
        found = rows_of_file(json.dumps(document).encode(), alone=True)
        assert found is not None
        assert list(map(json.loads, found)) == rows
