"""Files of JSON are what Python's own encoder writes, indented unless they are long."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from modelwatch_analyzer.output import write_csv, write_json, write_text

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda parts: st.lists(parts, max_size=4) | st.dictionaries(st.text(), parts, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_json_is_written_as_pythons_encoder_indents_it(document: object) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.json"
        write_json(path, document)
        assert path.read_text(encoding="utf-8") == json.dumps(document, indent=2) + "\n"


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=80))
@example([1e16, 1e15, 1e-4, 1e-5, 9.999e-5, 10.00001, -1e-5, -1.5e-05, 5e-324, 1e22, -0.0])
def test_long_lists_of_numbers_are_written_in_the_digits_of_python(values: list[float]) -> None:
    document = {"sketch": {"data": [values * 8, [], [1, 2.5] * 40]}, "rest": ["é", (1.5, [2])]}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.json"
        write_json(path, document)
        assert path.read_text(encoding="utf-8") == json.dumps(document, indent=2) + "\n"


def test_a_document_of_a_megabyte_is_one_line(tmp_path: Path) -> None:
    document = {"data": [[0.1 + index for index in range(1000)] for _ in range(400)], "name": "1e5"}
    write_json(tmp_path / "a.json", document)
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == json.dumps(document) + "\n"
    assert list(tmp_path.iterdir()) == [tmp_path / "a.json"]


@pytest.mark.parametrize("values", [[float("nan")], [1.0] * 100 + [float("inf")], [1.0] * 100 + [float("nan")]])
def test_what_is_no_number_is_refused_in_long_and_short_lists(tmp_path: Path, values: list[float]) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", {"data": values})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("document", [{"data": [1.0] * 100, "more": object()}, {(1, 2): 3}, [*range(300_000), {1}]])
def test_nothing_is_left_of_a_file_that_could_not_be_written(tmp_path: Path, document: object) -> None:
    (tmp_path / "a.json").write_text("older")
    with pytest.raises(TypeError):
        write_json(tmp_path / "a.json", document)
    with pytest.raises(UnicodeEncodeError):
        write_text(tmp_path / "a.json", "\ud800")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.json", "older")]


def test_a_spreadsheet_takes_no_name_and_no_text_of_a_table_for_a_formula(tmp_path: Path) -> None:
    names = ["=HYPERLINK(1)", "@SUM(1)", "plain", "n"]
    texts = ["=1+1", "-2+3+cmd|' /C calc'!A0", "+x", "\tx", "\rx", "-1.5", "+2e-3", "a=b", "\n=1+1", "\uff1d1+1"]
    table = pl.DataFrame(dict.fromkeys(names[:3], texts) | {"n": [-1.0] * len(texts)})
    write_csv(tmp_path / "table.csv", table)
    found = pl.read_csv(tmp_path / "table.csv", infer_schema=False)
    assert found.columns == ["'=HYPERLINK(1)", "'@SUM(1)", "plain", "n"]
    inert = ["'=1+1", "'-2+3+cmd|' /C calc'!A0", "'+x", "'\tx", "'\rx", "-1.5", "+2e-3", "a=b", "'\n=1+1", "'\uff1d1+1"]
    for name in found.columns[:3]:
        assert found[name].to_list() == inert
    assert {*found["n"]} == {"-1.0"}


@given(st.lists(st.text(max_size=20), min_size=1, unique=True))
def test_no_cell_of_a_tables_header_begins_a_formula(names: list[str]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        write_csv(path, pl.DataFrame({name: [1] for name in names}))
        (header,) = list(csv.reader(io.StringIO(path.read_bytes().decode(), newline="")))[:1]
    assert len(header) == len(names)
    assert not any(
        cell[:1] in tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20") and not is_number(cell) for cell in header if cell
    )


def is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
