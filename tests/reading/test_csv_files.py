"""Files of comma-separated text, valid and malformed."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from modelwatch_analyzer.profile.lexical import ColumnType, infer_type, read_numbers
from modelwatch_analyzer.reading import csv_files, csv_text, files
from modelwatch_analyzer.reading.csv_files import open_csv
from modelwatch_analyzer.reading.dataset import Plan
from modelwatch_analyzer.reading.files import first_characters
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_core.domain.dataset_formats import CsvOptions
from modelwatch_core.domain.errors import InvalidInput

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(content: bytes | str, name: str = "data.csv") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def read(source: Path, *, header: bool = True) -> tuple[list[tuple[str | None, ...]], ReadLog]:
    """Read everything as text."""
    dataset, log = open_csv(source, CsvOptions(header=header)), ReadLog()
    plan = Plan(dict.fromkeys(dataset.columns, pl.String()))
    return [row for batch in dataset.batches(plan, log) for row in batch.select(dataset.columns).rows()], log


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_every_line_end_works_and_blank_lines_are_skipped(write: Write, line_end: str) -> None:
    rows, log = read(write(line_end.join(["", "a,b", "1,x", "", "2,", ""])))
    assert rows == [("1", "x"), ("2", None)]
    assert (log.objects, log.read, log.malformed) == (1, 2, 0)


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("block_bytes", [1, 2, 7])
def test_the_header_is_found_after_more_blank_lines_than_the_limit_of_a_record(
    write: Write, monkeypatch: pytest.MonkeyPatch, line_end: str, block_bytes: int
) -> None:
    monkeypatch.setattr(csv_files, "LONGEST_RECORD", 20)
    monkeypatch.setattr(files, "BLOCK_BYTES", block_bytes)
    monkeypatch.setattr(files, "_LINE_BYTES", 1)
    rows, log = read(write(line_end * 50 + line_end.join(["a,b", "1,x", "2", "3,y"])))
    assert rows == [("1", "x"), ("3", "y")]
    assert log.malformed_examples == ["data.csv:53: 1 field instead of 2"]


def test_a_byte_order_mark_is_not_part_of_the_first_name(write: Write) -> None:
    path = write(b"\xef\xbb\xbfa,b\n1,2\n")
    assert open_csv(path, CsvOptions()).columns == ("a", "b")
    assert read(path)[0] == [("1", "2")]


def test_a_name_that_looks_like_a_pattern_is_only_a_name(write: Write) -> None:
    dataset = open_csv(write("^a.*$,ab,*\n1,2,3\n"), CsvOptions())
    for dtype in (pl.String(), pl.Int64()):
        (batch,) = dataset.batches(Plan({"^a.*$": dtype, "*": dtype}), ReadLog())
        assert batch.columns == ["^a.*$", "*"]


def test_quoted_commas_line_ends_and_quotes_are_content(write: Write) -> None:
    rows, _ = read(write('"a","b\nb"\n"x,y","z\n""w"""\n,""\n'))
    assert rows == [("x,y", 'z\n"w"'), (None, None)]


def test_each_malformed_row_is_counted_with_its_location_and_the_others_are_kept(write: Write) -> None:
    content = b'a,b\n1,2\n3\n4,5,6\n\n\xe9,7\n"8"x,9\n10,"11\n12,13\n'
    rows, log = read(write(content))
    assert rows == [("1", "2"), ("12", "13")]
    assert log.read == 2
    assert log.malformed == 5
    assert log.malformed_examples == [
        "data.csv:3: 1 field instead of 2",
        "data.csv:4: 3 fields instead of 2 (a separator within a value needs quotes around the value)",
        "data.csv:6: not UTF-8: save it as UTF-8",
        "data.csv:7: text follows a closing quote",
        "data.csv:8: a quote is opened and not closed",
    ]


def test_rows_long_after_a_malformed_one_take_the_fast_path_and_keep_their_line_numbers(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_files, "_FALLBACK_BYTES", 10)
    path = write('a,b\n"1,2\n' + "3,4\n" * 100 + "5\n" + "6,7\n" * 3)
    dataset, log = open_csv(path, CsvOptions()), ReadLog()
    batches = list(dataset.batches(Plan(dict.fromkeys("ab", pl.Int64())), log))
    assert log.malformed_examples == [
        "data.csv:2: a quote is opened and not closed",
        "data.csv:103: 1 field instead of 2",
    ]
    assert sum(batch["a"].cast(pl.Int64).sum() for batch in batches) == 3 * 100 + 6 * 3
    assert batches[-1].schema == {"a": pl.Int64(), "b": pl.Int64()}


def test_only_the_first_twenty_malformed_rows_are_named(write: Write) -> None:
    _, log = read(write("a,b\n" + "1,2\n" + "3\n" * 50))
    assert (log.malformed, len(log.malformed_examples)) == (50, 20)
    assert log.malformed_examples[-1].startswith("data.csv:22:")


def test_nul_bytes_and_lines_of_ten_megabytes_are_data(write: Write) -> None:
    long = "x" * (10 << 20)
    rows, log = read(write(f"a,b\n1\0,2\n{long},3\n"))
    assert rows == [("1\0", "2"), (long, "3")]
    assert log.malformed == 0


def test_a_folder_is_read_in_the_order_of_its_paths_and_hidden_files_are_not(write: Write, tmp_path: Path) -> None:
    write("b,a\n2,1\n", "data/y/part-1.csv")
    write("a,b\n3,4\n", "data/z.csv")
    write("a,b\n5,6\n", "data/x.csv")
    write("", "data/empty.csv")
    write("junk", "data/_SUCCESS")
    write("junk", "data/.hidden/x.csv")
    rows, log = read(tmp_path / "data")
    assert rows == [("5", "6"), ("1", "2"), ("3", "4")]
    assert log.objects == 3


def test_a_folder_that_cannot_be_listed_is_not_left_out(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("a,b\n1,2\n", "data/monday/x.csv")
    write("a,b\n3,4\n", "data/tuesday/x.csv")
    write("junk", "data/_temporary/x.csv")
    scandir = os.scandir

    def list_folder(path: str) -> object:
        if path.endswith(("tuesday", "_temporary")):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", list_folder)
    with pytest.raises(InvalidInput, match=r"UnreadableFile: .*tuesday cannot be read: Permission denied"):
        read(tmp_path / "data")


def test_folders_behind_links_are_read_once(write: Write, tmp_path: Path) -> None:
    write("a,b\n1,2\n", "elsewhere/x.csv")
    write("a,b\n3,4\n", "data/monday/x.csv")
    (tmp_path / "data" / "tuesday").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "data" / "the-same").symlink_to(tmp_path / "data" / "monday")
    (tmp_path / "data" / "monday" / "back").symlink_to(tmp_path / "data")
    rows, log = read(tmp_path / "data")
    assert (sorted(rows), log.objects) == ([("1", "2"), ("3", "4")], 2)


def test_without_a_header_columns_are_named_by_position_and_the_usual_width_counts(write: Write) -> None:
    path = write("1\n1,2\n3,4\n5,6,7\n")
    assert open_csv(path, CsvOptions(header=False)).columns == ("_c0", "_c1")
    rows, log = read(path, header=False)
    assert rows == [("1", "2"), ("3", "4")]
    assert log.malformed == 2


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        (b"", "EmptyDataset", "at least one row"),
        (b"\n\n", "EmptyDataset", "at least one row"),
        (b"a,,c\n1,2,3\n", "BlankColumnName", "column 2"),
        (b"a, \n1,2\n", "BlankColumnName", "column 2"),
        (b"a,b,a\n1,2,3\n", "DuplicateColumn", "columns 1, 3"),
        (b'a,"b\n1,2\n', "MalformedHeader", "not closed"),
        (b"pr\xe9nom,b\n1,2\n", "NotUtf8", "not UTF-8: save it as UTF-8, or name its format"),
        ("a,b\n1,2\n".encode("utf-16"), "NotUtf8", "UTF-16"),
        ("a,b\n1,2\n".encode("utf-16-le"), "NotUtf8", "UTF-16"),
        (b"\x1f\x8b\x08\x00", "AllMalformed", "is truncated"),
    ],
    ids=str,
)
def test_a_file_that_cannot_be_read_is_refused_with_its_reason(
    write: Write, content: bytes, code: str, says: str
) -> None:
    with pytest.raises(InvalidInput, match=says) as refused:
        open_csv(write(content), CsvOptions())
    assert refused.value.code == code


def test_missing_paths_empty_folders_and_different_headers_are_refused(write: Write, tmp_path: Path) -> None:
    write("a,b\n1,2\n", "unlike/1.csv")
    write("a,c\n1,2\n", "unlike/2.csv")
    (tmp_path / "nothing").mkdir()
    for name, code in (("absent", "DatasetNotFound"), ("nothing", "NoData"), ("unlike", "HeadersDiffer")):
        with pytest.raises(InvalidInput) as refused:
            open_csv(tmp_path / name, CsvOptions())
        assert refused.value.code == code


def test_an_unterminated_header_is_refused(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (csv_files, csv_text):
        monkeypatch.setattr(module, "LONGEST_RECORD", 1000)
    with pytest.raises(InvalidInput) as refused:
        open_csv(write("x" * 2000), CsvOptions())
    assert refused.value.code == "MalformedHeader"


def test_no_message_contains_a_value(write: Write) -> None:
    _, log = read(write(b'a,b\nsecret\n"secret"x,1\nsecret\xff,1\n'))
    assert log.malformed == 3
    assert not any("secret" in example for example in log.malformed_examples)


_PIECES = ["a", "1", ",", ",", "\n", "\n", "\r\n", "\r", '"', '""', ',"', '",', '"\n', "\xff", "é", " ", "x" * 30]


@settings(max_examples=100, deadline=None)
@given(text=st.lists(st.sampled_from(_PIECES), max_size=40).map("".join), block=st.integers(1, 40))
@example(text='"' + "x" * 30 + "\n", block=1)
@example(text='aaaaaaa\r\n\r\n""""""""""""' + "x" * 30 + "\ra", block=26)
def test_any_block_size_gives_the_same_rows_and_malformed_records(
    tmp_path_factory: pytest.TempPathFactory, text: str, block: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(b"a,b\n1,2\n" + text.encode("latin-1", "replace"))
    with pytest.MonkeyPatch.context() as patch:
        for module in (csv_files, csv_text):
            patch.setattr(module, "LONGEST_RECORD", 25)
        rows, log = read(path)
        patch.setattr(files, "BLOCK_BYTES", block)
        patch.setattr(files, "_LINE_BYTES", 3)
        again, log_again = read(path)
    assert again == rows
    assert log_again == log


_SPELLED = st.sampled_from(["1", "2", "-3", "5.0", "2.", "1e3", "0.5"]), st.sampled_from(["nan", "", "x", "1e400", "7"])


@settings(max_examples=100, deadline=None)
@given(
    values=st.lists(_SPELLED[0], min_size=1, max_size=12).flatmap(
        lambda usual: st.lists(st.sampled_from(usual) | _SPELLED[1], min_size=1, max_size=20)
    ),
    block=st.integers(1, 30),
)
@example(values=["5.0", "5.0", "5.0", "nan"], block=6)
@example(values=["1", "1", "1", "2.", "1", "1"], block=5)
def test_the_type_of_a_column_of_numbers_does_not_depend_on_the_blocks(
    tmp_path_factory: pytest.TempPathFactory, values: list[str], block: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "types.csv"
    path.write_text("a,b\n" + "".join(f"{value},0.5\n" for value in values))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "BLOCK_BYTES", block)
        patch.setattr(files, "_LINE_BYTES", 3)
        batches = list(open_csv(path, CsvOptions(header=True)).batches(Plan({"a": pl.Float64()}), ReadLog()))
    found, numbers = ColumnType.UNKNOWN, list[float]()
    for batch in batches:
        read = read_numbers(batch["a"])
        found, numbers = found.combine(read.type), [*numbers, *read.values]
    as_text = pl.Series([value for value in values if value], dtype=pl.String)
    assert found is infer_type(as_text)
    assert numbers == read_numbers(as_text).values.tolist()


@pytest.mark.parametrize(
    ("read", "malformed", "is_said"), [(95, 5, True), (96, 4, False), (100, 0, False), (0, 1, True)]
)
def test_malformed_records_are_a_remark_if_they_are_a_twentieth(read: int, malformed: int, *, is_said: bool) -> None:
    log = ReadLog(read=read, malformed=malformed)
    said = (
        f"{malformed} of {read + malformed} records cannot be parsed and were left out: the results are of the others"
    )
    assert log.counts().remarks == ((said,) if is_said else ())


def test_files_with_the_same_header_hold_its_names_once(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.csv").write_text("income of the household,score\n1,2\n")
    first, second = open_csv(tmp_path, CsvOptions()).files
    assert [*map(id, first.columns)] == [*map(id, second.columns)]


@given(st.binary() | st.text(st.sampled_from('a,"\r\n')).map(str.encode))
def test_first_characters_are_those_behind_line_ends(text: bytes) -> None:
    lines = re.split(rb"(?<=[\r\n])", text)
    assert first_characters(text) == {line[0] for line in lines if line}
