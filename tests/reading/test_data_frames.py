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
from modelwatch_analyzer.reading.dataset import Plan, ReadLog, Role
from modelwatch_analyzer.reading.files import source_files
from modelwatch_analyzer.reading.flattening import described_rows, records_of
from modelwatch_analyzer.reading.json_files import JsonFiles, JsonOptions, open_json

ROWS = [{"age": 30, "income": 1.5, "job": "clerk"}, {"age": 41, "income": None, "job": "none, yet"}]
FORMS: dict[str, Any] = {
    "split": {"columns": list(ROWS[0]), "index": [0, 1], "data": [list(row.values()) for row in ROWS]},
    "split without an index": {"columns": list(ROWS[0]), "data": [list(row.values()) for row in ROWS]},
    "dataframe_split": {"dataframe_split": {"columns": list(ROWS[0]), "data": [list(row.values()) for row in ROWS]}},
    "table": {"schema": {"fields": [{"name": name} for name in ROWS[0]]}, "data": ROWS},
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
    for name in ("first", "second"):
        (tmp_path / f"{name}.json").write_text(json.dumps(FORMS[form]))
    dataset, rows, log = read(tmp_path, lines=lines)
    assert dataset.columns == ("age", "income", "job")
    assert rows == 2 * [as_text(row) for row in ROWS]
    assert log.read == 4
    says_nothing_of_itself = form in ("columns", "lists", "index")
    assert [remark.split(":")[0] for remark in log.remarks] == says_nothing_of_itself * [
        "a file of JSON is one object with the values of each column, or with an object for each row number"
    ]


def test_a_split_table_with_as_many_rows_as_columns_is_read_by_its_names(tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text('{"columns": ["a", "b"], "data": [[1, 2], [3, 4]]}')
    assert read(tmp_path, lines=False)[1] == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]


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
        {"columns": ["a", "b"], "data": [[1, 2], [3]]},
        {"columns": ["a", "a"], "data": [[1, 2]]},
        {"columns": ["a"], "data": [[1]], "name": "t"},
        {"schema": "s3://bucket/schema", "data": [{"a": 1}]},
        {},
        5,
    ],
    ids=str,
)
def test_what_may_be_one_record_is_no_table(document: Any) -> None:
    assert described_rows(document) is None
    assert rows_of_file(json.dumps(document).encode()) is None


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
        found = rows_of_file(json.dumps(document).encode())
        assert found is not None
        assert list(map(json.loads, found)) == rows
