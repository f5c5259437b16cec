"""Files whose separator or header is not what the options say: reported, and read otherwise only where certain."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch_analyzer.reading.csv_files import CsvFiles, open_csv
from modelwatch_analyzer.reading.csv_form import Expected, looks_like_header, looks_like_row
from modelwatch_analyzer.reading.dataset import Plan
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_analyzer.reading.value_spelling import ValueSpelling
from modelwatch_core.domain.dataset_formats import CsvOptions
from modelwatch_core.domain.errors import InvalidInput

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(content: str, name: str = "data.csv") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return path

    return write


def rows_of(dataset: CsvFiles) -> tuple[list[tuple[str | None, ...]], ReadLog]:
    log = ReadLog()
    plan = Plan(dict.fromkeys(dataset.columns, pl.String()))
    return [row for batch in dataset.batches(plan, log) for row in batch[:, list(dataset.columns)].rows()], log


def expected(*names: str) -> Expected:
    return Expected(names, lambda fields: all(field.replace(".", "").isdecimal() for field in fields))


_LOOKS_LIKE_DATA = "looks like data, not like names of columns: if it is, give --no-header"


@pytest.mark.parametrize(
    ("content", "is_data"),
    [
        ("7.0,0.25,0.5\n1.0,0.1,0.2\n", True),
        ("-1,1e3,5\n2,3,4\n", True),
        ("5.1,3.5,setosa\n4.9,3.0,setosa\n4.7,3.2,virginica\n", True),
        ("5.1,NA,setosa\n4.9,3.0,setosa\n4.7,3.2,virginica\n", True),
        ('"1,5",x\n"2,5",y\n', True),
        ("red,round\ngreen,flat\nred,flat\ngreen,round\n", True),
        ("2019,2020,2021\n5,6,7\n", True),
        ("1,2,3\n", True),
        ("age,x\n29,0.1\n", False),
        ("0,age\n5,3\n", False),
        ("color,shape\nred,round\ngreen,flat\n", False),
        ("a,b\n1,x\n", False),
        ("id,name\nu1,x\nu2,y\n", False),
        ("name,kind\nx,y\nname,kind\nz,w\n", False),  # files that were joined with their headers
        ("a\n", False),
    ],
)
def test_a_header_that_looks_like_data_is_reported_with_the_option(write: Write, content: str, is_data: bool) -> None:
    dataset = open_csv(write(content), CsvOptions())
    assert (f'the first line of data.csv {_LOOKS_LIKE_DATA} (in JSON "header": false)' in dataset.remarks) is is_data
    _, log = rows_of(dataset)
    assert log.remarks == list(dataset.remarks)
    again = open_csv(write(content), CsvOptions(header=False))
    assert not is_data or again.remarks == ()
    assert len(rows_of(again)[0]) == log.read + 1


@pytest.mark.parametrize(
    ("content", "is_header"),
    [
        ("age,x\n29,0.1\n46,0.3\n", True),
        ("name,score\nann,1\nbob,NA\n", True),
        ("color,shape\n" + "red,round\ngreen,flat\n" * 10, True),
        ("29,0.1\n46,0.3\n", False),
        ("ann,0.1\nbob,0.3\n", False),
        ("red,round\n" + "red,flat\ngreen,round\n" * 10, False),
        ("NA,x\n1,y\n2,z\n", False),
        ("x,y\n", False),
    ],
)
def test_a_first_row_that_looks_like_a_header_is_reported_with_the_option(
    write: Write, content: str, is_header: bool
) -> None:
    dataset = open_csv(write(content), CsvOptions(header=False))
    assert (
        any("looks like names of columns" in remark and "--header" in remark for remark in dataset.remarks) is is_header
    )
    assert not is_header or open_csv(write(content), CsvOptions()).remarks == ()


@pytest.mark.parametrize(
    ("content", "separator", "option"),
    [
        ("age;x\n29;0.1\n46;0.3\n", ";", "--separator ';'"),
        ("age\tx\n29\t0.1\n46\t0.3\n", "\t", "--separator tab"),
        ("age|x|y\n29|0.1|2\n46|0.3|2\n", "|", "--separator '|'"),
        ("age;x\n29;0,1\n46;0,3\n", ";", "--separator ';'"),
        ('age;"x, y"\n29;0,1\n46;"a;b"\n', ";", "--separator ';'"),
        ("age;x\n" + "29;0.1\n" * 50 + "1;2;3\n", ";", "--separator ';'"),
    ],
)
def test_other_separators_are_reported_with_the_option_which_works(
    write: Write, content: str, separator: str, option: str
) -> None:
    dataset = open_csv(write(content), CsvOptions())
    (remark,) = dataset.remarks
    assert option in remark
    read = open_csv(write(content), CsvOptions.model_validate({"separator": "tab" if separator == "\t" else separator}))
    assert read.remarks == ()
    assert read.columns[0] == "age"
    assert rows_of(read)[0][0][0] == "29"


@pytest.mark.parametrize(
    "content",
    ["a,b\n1,2\n", "a;b,c\nx;y,1\nz;w,2\n", "id,tags\n1,a;b\n2,c;d\n", "text\nhello; you\nthere\n", "a\n1\n2\n"],
)
def test_a_table_with_other_separators_in_its_text_is_plausible(write: Write, content: str) -> None:
    assert open_csv(write(content), CsvOptions()).remarks == ()


def test_numbers_that_are_torn_at_their_decimal_comma_are_reported(write: Write) -> None:
    dataset = open_csv(write("1,5;2,3\n2,5;4,1\n"), CsvOptions(header=False))
    assert dataset.columns == ("_c0", "_c1", "_c2")
    assert any("--separator ';'" in remark for remark in dataset.remarks)


def test_where_no_row_can_be_read_the_error_names_the_separator(write: Write) -> None:
    _, log = rows_of(open_csv(write("a;b\n1,5;2,5\n"), CsvOptions()))
    with pytest.raises(InvalidInput, match="--separator ';'") as refused:
        log.require_records()
    assert refused.value.code == "AllMalformed"


def test_a_header_of_quoted_names_names_the_separator(write: Write) -> None:
    path = write('"age";"x"\n"29";"0,1"\n')  # as write.csv2 of R writes it
    with pytest.raises(InvalidInput, match="--separator ';'") as refused:
        open_csv(path, CsvOptions())
    assert refused.value.code == "MalformedHeader"
    assert rows_of(open_csv(path, CsvOptions(separator=";")))[0] == [("29", "0,1")]
    assert rows_of(open_csv(path, CsvOptions(), expected("age", "x")))[0] == [("29", "0,1")]


@pytest.mark.parametrize("content", ["1,0,0,1\n0,1,1,0\n", "1,,2\n3,4,5\n"])
def test_errors_about_a_header_name_the_option_that_leads_on(write: Write, content: str) -> None:
    with pytest.raises(InvalidInput, match="--no-header"):
        open_csv(write(content), CsvOptions())
    assert len(rows_of(open_csv(write(content), CsvOptions(header=False)))[0]) == 2


def test_headless_files_of_a_folder_name_the_option(write: Write) -> None:
    write("1,0.5\n2,0.5\n", "data/a.csv")
    folder = write("3,0.5\n4,0.5\n", "data/b.csv").parent
    with pytest.raises(InvalidInput, match="--no-header") as refused:
        open_csv(folder, CsvOptions())
    assert refused.value.code == "HeadersDiffer"


def test_a_row_in_place_of_the_baselines_names_is_read_as_one(write: Write) -> None:
    path = write("29,0.1\n46,0.3\n")
    dataset = open_csv(path, CsvOptions(), expected("age", "x"))
    assert (dataset.columns, dataset.named) == (("age", "x"), True)
    assert rows_of(dataset)[0] == [("29", "0.1"), ("46", "0.3")]
    (remark,) = dataset.remarks
    assert "not their names: it was read as a row" in remark
    assert "--no-header" in remark
    assert rows_of(open_csv(path, CsvOptions(header=False), expected("age", "x")))[0] == rows_of(dataset)[0]


@pytest.mark.parametrize("header", ["age,y", "29,0.1,3", "29,age", "x,age", "29,a"])
def test_what_is_not_certain_is_read_as_the_options_say(write: Write, header: str) -> None:
    row = ",".join(["1"] * len(header.split(",")))
    dataset = open_csv(write(f"{header}\n{row}\n"), CsvOptions(), expected("age", "x"))
    assert dataset.columns == tuple(header.split(","))
    assert len(rows_of(dataset)[0]) == 1


def test_the_baselines_names_are_a_header_in_any_order_and_in_some_files(write: Write) -> None:
    write("x,age\n0.1,29\n", "data/a.csv")
    folder = write("0.2,30\n", "data/b.csv").parent
    dataset = open_csv(folder, CsvOptions(header=False), expected("age", "x"))
    assert (dataset.columns, dataset.named) == (("x", "age"), True)
    assert rows_of(dataset)[0] == [("0.1", "29"), ("0.2", "30")]
    (remark,) = dataset.remarks
    assert "the first line of a.csv has the baseline's names: it was read as a header; give --header" in remark


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_a_separator_that_gives_the_baselines_names_is_certain(write: Write, separator: str) -> None:
    path = write(f"x{separator}age\n0.1{separator}29\n")
    dataset = open_csv(path, CsvOptions(), expected("age", "x"))
    assert rows_of(dataset)[0] == [("0.1", "29")]
    assert any("as the baseline's names show" in remark for remark in dataset.remarks)


@given(
    st.lists(st.lists(st.text(max_size=4), min_size=2, max_size=2), max_size=5),
    st.lists(st.text(max_size=4), min_size=2, max_size=2),
)
def test_no_first_line_looks_like_both_a_row_and_a_header(rows: list[list[str]], first: list[str]) -> None:
    assert not (looks_like_row(first, rows) and looks_like_header(first, rows))


@pytest.mark.parametrize(
    ("options", "expected_values"),
    [
        ({}, ["1,5", "1.234", " NA ", "1.5", "x,y", " "]),
        ({"decimal": "."}, ["1,5", "1.234", " NA ", "1.5", "x,y", " "]),
        ({"decimal": ","}, ["1.5", "1234", " NA ", "1.5", "x,y", " "]),
        ({"missing": frozenset({"na"})}, ["1,5", "1.234", None, "1.5", "x,y", " "]),
        ({"blanks": True}, ["1,5", "1.234", "NA", "1.5", "x,y", None]),
        ({"decimal": ",", "missing": frozenset({"na"}), "blanks": True}, ["1.5", "1234", None, "1.5", "x,y", None]),
    ],
)
def test_values_are_read_as_the_options_spell_them(
    write: Write, options: dict[str, Any], expected_values: list[str | None]
) -> None:
    path = write('^a.*$\n"1,5"\n1.234\n NA \n1.5\n"x,y"\n \n')
    dataset = open_csv(path, CsvOptions(), spelling=ValueSpelling(**options))
    assert [row[0] for row in rows_of(dataset)[0]] == expected_values
    (batch,) = dataset.batches(Plan({"^a.*$": pl.Float64()}), ReadLog())
    assert batch["^a.*$"].to_list() == expected_values
