"""Files of JSON: one document per line, or one array of documents."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwatch_analyzer.reading import files, json_files
from modelwatch_analyzer.reading.dataset import Plan, Role
from modelwatch_analyzer.reading.files import source_files
from modelwatch_analyzer.reading.json_files import JsonFiles, open_json
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_core.domain.dataset_formats import JsonOptions
from modelwatch_core.domain.errors import InvalidInput

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(content: bytes | str, name: str = "data.json") -> Path:
        (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return tmp_path / name

    return write


def opened(source: Path, *, lines: bool = True, **attributes: str) -> JsonFiles:
    requested = {Role(role): text for role, text in attributes.items()}
    return open_json(source_files(source), JsonOptions(lines=lines), requested)


def read(source: Path, *, lines: bool = True, **attributes: str) -> tuple[JsonFiles, list[tuple[Any, ...]], ReadLog]:
    dataset, log = opened(source, lines=lines, **attributes), ReadLog()
    plan = Plan(dict.fromkeys(dataset.columns, pl.String()))
    return dataset, [row for batch in dataset.batches(plan, log) for row in batch[list(dataset.columns)].rows()], log


def test_columns_are_all_names_that_occur_and_absent_fields_are_missing_values(write: Write) -> None:
    dataset, rows, log = read(write('{"a": 1, "b": {"c": 1.50}}\n\n{"d": [true, "x"], "a": null}\r\n'))
    assert (dataset.columns, dataset.named) == (("a", "b.c", "d.0", "d.1"), True)
    assert rows == [("1", "1.50", None, None), (None, None, "true", "x")]
    assert (log.objects, log.read, log.malformed) == (1, 2, 0)


def test_each_malformed_line_is_counted_with_its_location_and_the_others_are_kept(write: Write) -> None:
    content = b'{"a": 1}\n{"a": \n{"a": NaN}\n[1]\n{"a": "\xff"}\n{"a.b": 1, "a": {"b": 2}}\n{"a": 1e400}'
    _, rows, log = read(write(content))
    assert [row[0] for row in rows] == ["1", "1e400"]
    assert log.malformed_examples == [
        "data.json:2: not JSON",
        "data.json:3: not JSON, which has no NaN and Infinity: write null",
        "data.json:4: a list, but most records are objects",
        "data.json:5: not UTF-8",
        "data.json:6: two fields become columns of the same name",
    ]
    assert (log.read, log.malformed) == (2, 5)


def test_a_document_on_each_line_is_no_single_document_and_the_format_is_named(write: Write) -> None:
    with pytest.raises(InvalidInput, match="there is a document on each line: name the format jsonlines"):
        read(write('{"a": 1}\n{"a": 2}\n'), lines=False)


def test_lists_are_columns_by_position_and_ragged_ones_are_left_out(write: Write) -> None:
    dataset, rows, log = read(write('[1, "x"]\n[2, "y"]\n[3]\n{"a": 1}\n'))
    assert (dataset.columns, dataset.named) == (("_c0", "_c1"), False)
    assert rows == [("1", "x"), ("2", "y")]
    assert log.malformed_examples == [
        "data.json:3: 1 values instead of 2",
        "data.json:4: an object, but most records are lists",
    ]


def test_elements_of_an_array_over_several_lines_have_their_line_numbers(write: Write) -> None:
    content = '\n[\n {"a": "],\\"{["},\n {"a": NaN}, {"a": "\\\\"},\n\n {"a":\n 3}\n]\n'
    _, rows, log = read(write(content), lines=False)
    assert rows == [('],"{[',), ("\\",), ("3",)]
    assert log.malformed_examples == ["data.json:4: not JSON, which has no NaN and Infinity: write null"]


@pytest.mark.parametrize(
    ("content", "rows", "malformed"),
    [
        ('{"a": 1}', [("1",)], []),
        ('[{"a": 1}, {"a": 2}', [("1",)], ["data.json:1: the array is truncated"]),
        ('[{"a": 1}] {"a": 2}', [("1",)], ["data.json:1: the array is followed by something else"]),
        ('[{"a": 1}]\n[{"a": 2}]', [("1",)], ["data.json:1: the array is followed by something else"]),
        ('[{"a": 1},]', [("1",)], ["data.json:1: not JSON"]),
        ('[{"a": 1},,{"a": 2}]', [("1",), ("2",)], ["data.json:1: not JSON"]),
        ('[{"a": 1}}', [("1",)], ["data.json:1: the array is followed by something else"]),
        ("[1, 2]", [("1",), ("2",)], []),
        ('{"instances": [{"a": 1}, {"a": 2}]}', [("1",), ("2",)], []),
    ],
)
def test_a_malformed_array_yields_the_elements_that_are_valid(
    write: Write, content: str, rows: list[tuple[str]], malformed: list[str]
) -> None:
    _, found, log = read(write(content), lines=False)
    assert found == rows
    assert log.malformed_examples == malformed


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "EmptyDataset"),
        (b" \n", "EmptyDataset"),
        (b"[]", "EmptyDataset"),
        (b"[ ]\n", "EmptyDataset"),
        (b"\x80\x04K\x01.", "OtherFormat"),
        (b"{", "AllMalformed"),
        (b"[" * 200_000, "AllMalformed"),
        ('[{"a": 1}]'.encode("utf-16"), "NotUtf8"),
    ],
    ids=range(8),
)
def test_a_file_without_a_record_is_refused(write: Write, content: bytes, code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        opened(write(content), lines=False)
    assert refused.value.code == code


def test_an_element_beyond_the_limit_ends_the_reading_of_its_file(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelwatch_analyzer.reading.json_files.LONGEST_RECORD", 100)
    monkeypatch.setattr(files, "BLOCK_BYTES", 40)
    _, rows, log = read(write('[{"a": 1}, {"a": "' + "x" * 200_000 + '"}, {"a": 2}]'), lines=False)
    assert rows == [("1",)]
    assert "everything after it were not read" in log.malformed_examples[0]


def test_attributes_select_inference_and_features(write: Write) -> None:
    content = '{"x": [{"f": [1, 2]}, {"f": [3, 4]}], "y": {"p": [0.1, 0.9]}, "id": 7}\n{"x": [{"f": [5, 6]}]}\n'
    dataset, rows, log = read(write(content), features="x[*].f", inference="y.p[*]")
    assert (dataset.columns, dataset.named) == (("_c0", "_c1", "_c2"), False)
    assert rows == [("0.1", "1", "2"), ("0.9", "3", "4")]
    assert log.malformed_examples == ["data.json:2: inference_attribute finds nothing in the payload"]


def test_records_that_each_have_another_field_are_refused_before_they_exhaust_the_memory(write: Write) -> None:
    with pytest.raises(InvalidInput) as refused:
        opened(write("\n".join(json.dumps({f"k{i}": 1}) for i in range(10_001))))
    assert refused.value.code == "TooManyColumns"


SCALARS = st.none() | st.booleans() | st.integers() | st.text('a"\\[]{},\n é<>/.$^*', max_size=6)
RECORDS = st.lists(
    st.dictionaries(st.text('a"\\,/$^*<', min_size=1, max_size=3), SCALARS, min_size=1, max_size=4), max_size=12
)


@settings(max_examples=120, deadline=None)
@given(RECORDS, st.sampled_from([None, 1]), st.integers(1, 60), st.booleans())
def test_lines_and_arrays_of_the_same_records_give_the_same_rows_whatever_the_blocks(
    tmp_path_factory: pytest.TempPathFactory,
    records: list[dict[str, Any]],
    indent: int | None,
    size: int,
    ascii_only: bool,
) -> None:
    folder = tmp_path_factory.mktemp("json")
    records = [{"id": index, **record} for index, record in enumerate([*records, {}])]
    lines = "\n".join(json.dumps(record, ensure_ascii=ascii_only) for record in records)
    (folder / "lines.json").write_text(lines, encoding="utf-8")
    (folder / "array.json").write_text(json.dumps(records, indent=indent, ensure_ascii=ascii_only), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "BLOCK_BYTES", size)
        (one, rows, log), (other, rows_of_array, _) = (
            read(folder / "lines.json"),
            read(folder / "array.json", lines=False),
        )
    assert one.columns == other.columns
    assert rows == rows_of_array
    assert (log.read, log.malformed) == (len(records), 0)
    as_text = {None: None, "": None, True: "true", False: "false"}
    for record, row in zip(records, rows, strict=True):
        values = dict(zip(one.columns, row, strict=True))
        for name, value in record.items():
            assert values[name] == (as_text[value] if value in (None, "") or isinstance(value, bool) else str(value))


VALUES = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text("1.e é", max_size=3)
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(VALUES, VALUES, st.integers(-5, 5), st.floats(-1, 1)), min_size=1, max_size=8),
    st.sampled_from([pl.String(), pl.Int64(), pl.Float64()]),
    st.booleans(),
    st.lists(st.sets(st.sampled_from(["a", "b.c", "d", "further", 'quoted"'])), max_size=8),
)
def test_documents_that_are_parsed_together_give_the_same_rows_as_one_by_one(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[Any, ...]],
    dtype: pl.DataType,
    named: bool,
    other_names: list[set[str]],
) -> None:
    source = tmp_path_factory.mktemp("uniform") / "a.json"
    documents = [dict(zip(["a", "b.c", "d", "e"], row, strict=True)) if named else list(row) for row in rows]
    for document, names in zip(documents, other_names, strict=False):
        for name in names if isinstance(document, dict) else ():
            if document.pop(name, None) is None:  # each lacks some names, or has others
                document[name] = 7
    source.write_text("\n".join(map(json.dumps, documents)).replace("Infinity", "1e999"))
    dataset = opened(source)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_files, "count_uniform_rows", lambda *_: None)
        assert opened(source).columns == dataset.columns
    together = pl.concat(dataset.batches(Plan(dict.fromkeys(dataset.columns, dtype)), ReadLog()))
    alone = pl.concat(dataset.table.batches(Plan(dict.fromkeys(dataset.columns, pl.String())), ReadLog()))
    assert together.height == alone.height == len(rows)
    for column in dataset.columns:
        if together[column].dtype == pl.String:
            assert together[column].to_list() == alone[column].to_list()
        else:
            as_floats = [None if text is None else float(text) for text in alone[column]]
            assert together[column].cast(pl.Float64).to_list() == as_floats


LEAVES = st.integers(0, 3) | st.sampled_from(["x", "", 0.5, None])
FOUND = st.one_of(
    LEAVES,
    st.lists(LEAVES, max_size=2),
    st.fixed_dictionaries({"a": LEAVES}, optional={"b": LEAVES}),
    st.lists(st.lists(LEAVES, min_size=1, max_size=2), max_size=2),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(FOUND, LEAVES, FOUND), min_size=1, max_size=5), st.booleans())
def test_attributes_select_the_same_in_all_documents_together_and_in_each(
    tmp_path_factory: pytest.TempPathFactory, parts: list[tuple[Any, ...]], alike: bool
) -> None:
    source = tmp_path_factory.mktemp("uniform") / "a.json"
    documents = [dict(zip(["in", "out", "y"], part, strict=True)) for part in parts]
    source.write_text("\n".join(map(json.dumps, documents[:1] * 3 if alike else documents)))
    try:
        dataset = opened(source, features="in", inference="out", ground_truth="y")
    except InvalidInput:  # nothing is found in any document; the tests of attributes cover this
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_files, "count_uniform_rows", lambda *_: None)
        one_by_one = opened(source, features="in", inference="out", ground_truth="y")
    assert (dataset.columns, dataset.named, dataset.selected_roles) == (
        one_by_one.columns,
        one_by_one.named,
        one_by_one.selected_roles,
    )
    plan, logs = Plan(dict.fromkeys(dataset.columns, pl.String())), (ReadLog(), ReadLog())
    together, alone = (
        [row for batch in table.batches(plan, log) for row in batch[:, list(dataset.columns)].rows()]
        for table, log in zip((dataset, dataset.table), logs, strict=True)
    )
    assert together == alone
    assert sorted(logs[0].malformed_examples) == sorted(logs[1].malformed_examples)


def test_objects_of_many_names_in_any_order_are_read_as_one_by_one(tmp_path: Path) -> None:
    names = [f"n{place}" for place in range(150)]
    documents = [dict.fromkeys(names[start:] + names[:start], start) for start in range(5)]
    source = tmp_path / "a.json"
    source.write_text("\n".join(map(json.dumps, documents)))
    dataset = opened(source)
    assert dataset.columns == tuple(names)
    batches = list(dataset.batches(Plan(dict.fromkeys(names, pl.Int64())), ReadLog()))
    assert pl.concat(batches).select(names).rows() == [(start,) * 150 for start in range(5)]
