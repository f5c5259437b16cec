"""The fast and the fallback path read the same language, which is the one that Python's csv module writes."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from modelwatch_analyzer.profile.lexical import read_numbers
from modelwatch_analyzer.reading.csv_text import parse_block, parse_records, plain_block, set_aside, text_frame
from modelwatch_analyzer.reading.dataset import Plan

# Only these characters matter to the parsers.
_PIECES = [*'aé😀0159.+-eE ,"', "\n", "\r", "\r\n", "\t", "\0", "nan", "inf", "true", "1e400", '""', '",', ',"', '"\n']
_texts = st.lists(st.sampled_from(_PIECES), max_size=25).map("".join)
_fields = st.one_of(
    _texts.map(lambda text: text[:6]), st.sampled_from(["", "1", "-2.5", "3e4", " 7", "12345678901234567890"])
)
_dtypes = st.sampled_from([pl.Int64(), pl.Float64(), pl.String()])
_separators = st.sampled_from([",", ";", "\t", "|"])


def _swapped(text: str, separator: str) -> str:
    """Exchange commas and another separator."""
    return text.translate(str.maketrans({",": separator, separator: ","}))


@st.composite
def _written_tables(draw: st.DrawFn) -> tuple[list[list[str]], bytes, list[pl.DataType]]:
    """Write a table by RFC 4180: with quotes where they are required, and sometimes elsewhere."""
    dtypes = draw(st.lists(_dtypes, min_size=1, max_size=4))
    rows = draw(st.lists(st.lists(_fields, min_size=len(dtypes), max_size=len(dtypes)), max_size=8))
    line_end = draw(st.sampled_from(["\n", "\r\n", "\r"]))

    def written(field: str, alone: bool) -> str:
        must = any(character in field for character in ',"\n\r') or (alone and not field)
        return '"' + field.replace('"', '""') + '"' if must or draw(st.booleans()) else field

    text = "".join(",".join(written(field, len(row) == 1) for field in row) + line_end for row in rows)
    return rows, (text.removesuffix(line_end) if draw(st.booleans()) else text).encode(), dtypes


@st.composite
def _any_texts(draw: st.DrawFn) -> tuple[bytes, list[pl.DataType]]:
    """Draw any text, and as many columns as its first record has fields."""
    text = draw(_texts).encode()
    width = next((len(record.fields) for record in parse_records(text, last=True) if record.fields), 1)
    return text, draw(st.lists(_dtypes, min_size=width, max_size=width))


def _names(dtypes: list[pl.DataType]) -> list[str]:
    return [f"c{index}" for index in range(len(dtypes))]


def _plan(dtypes: list[pl.DataType]) -> Plan:
    return Plan(dict(zip(_names(dtypes), dtypes, strict=True)))


def _both_paths(text: bytes, dtypes: list[pl.DataType], separator: str) -> Iterator[pl.DataFrame]:
    """Yield the columns from both paths, or from the fallback path if the fast one leaves the text to it."""
    names = _names(dtypes)
    block = plain_block(text, last=True, separator=separator)
    fast = parse_block(block, names, _plan(dtypes)) if block else None
    if fast is not None:
        yield fast
    records = list(parse_records(text, last=True, separator=separator))
    if all(record.fields is not None and len(record.fields) in (0, len(dtypes)) for record in records):
        yield text_frame([record.fields for record in records if record.fields], names, _plan(dtypes))


def _seen(column: pl.Series, dtype: pl.DataType) -> object:
    """Return what a profile uses of a column; the number of integers counts only if Integral is planned."""
    if dtype == pl.String():
        return column.to_list()
    numbers = read_numbers(column)
    integral = numbers.integral if dtype == pl.Int64() else None
    return (numbers.values.tolist(), numbers.type, numbers.present, numbers.missing, integral)


@settings(max_examples=200, deadline=None)
@given(_written_tables(), _separators)
def test_both_paths_read_a_written_table_correctly(
    table: tuple[list[list[str]], bytes, list[pl.DataType]], separator: str
) -> None:
    rows, text, dtypes = table
    rows = [[_swapped(field, separator) for field in row] for row in rows]
    paths = list(_both_paths(_swapped(text.decode(), separator).encode(), dtypes, separator))
    assert paths
    for frame in paths:
        for index, (name, dtype) in enumerate(zip(_names(dtypes), dtypes, strict=True)):
            written = pl.Series([row[index] or None for row in rows], dtype=pl.String)
            assert _seen(frame[name], dtype) == _seen(written, dtype)


@settings(max_examples=600, deadline=None)
@given(_any_texts(), _separators)
@example((b"1,2\n3\n4,5,", [pl.Int64(), pl.Int64()]), ",")
@example((b"1, \t2\n3,\t\n", [pl.Int64(), pl.Int64()]), "\t")
def test_whatever_the_fast_path_reads_the_fallback_path_reads_too(
    drawn: tuple[bytes, list[pl.DataType]], separator: str
) -> None:
    text, dtypes = drawn
    text = _swapped(text.decode(), separator).encode()
    names = _names(dtypes)
    block = plain_block(text, last=True, separator=separator)
    fast = parse_block(block, names, _plan(dtypes)) if block else None
    if block is None or fast is None:
        return
    records = list(parse_records(text, last=True, separator=separator))
    assert [record.reason for record in records if record.fields is None] == []
    rows = [record.fields for record in records if record.fields]
    assert {len(row) for row in rows} <= {len(dtypes)}
    assert fast.height == block.rows == len(rows)
    fallback = text_frame(rows, names, _plan(dtypes))
    for name, dtype in zip(names, dtypes, strict=True):
        assert _seen(fast[name], dtype) == _seen(fallback[name], dtype)


@settings(max_examples=300, deadline=None)
@given(_any_texts(), st.data())
def test_complete_records_are_taken_from_the_start_and_parsing_continues_after_them(
    drawn: tuple[bytes, list[pl.DataType]], data: st.DataObject
) -> None:
    text, _ = drawn
    all_at_once = [record[1:3] for record in parse_records(text, last=True) if record.fields != []]
    cut = data.draw(st.integers(0, len(text)))
    parts = list(parse_records(text[:cut], last=False))
    rest = text[parts[-1].end if parts else 0 :]
    parts += parse_records(rest, last=True)
    assert [record[1:3] for record in parts if record.fields != []] == all_at_once


@settings(max_examples=300, deadline=None)
@given(_any_texts(), st.sampled_from([b"", b"\xff"]), _separators)
@example((b'"a\nb",2\n3\n\n4,5\n6,7,8', [pl.String(), pl.String()]), b"", ",")
@example((b"1,2\r\n\r\n3\r\n4,5\r\n", [pl.String(), pl.String()]), b"\xff", ",")
def test_malformed_records_are_set_aside_with_the_lines_and_reasons_of_the_fallback_path(
    drawn: tuple[bytes, list[pl.DataType]], undecodable: bytes, separator: str
) -> None:
    text, dtypes = drawn
    text = _swapped(text.decode(), separator).encode().replace(b"0", undecodable or b"0")
    names, width = _names(dtypes), len(dtypes)
    block = plain_block(text, last=True, separator=separator)
    split = set_aside(text, width, separator) if block else None
    if split is None:
        return
    records = [record for record in parse_records(text, last=True, separator=separator) if record.fields != []]
    good = [record.fields for record in records if record.fields is not None and len(record.fields) == width]
    others = [record for record in records if record.fields is None or len(record.fields) != width]
    assert [(r.line, r.fields, r.reason) for r in split[1]] == [(r.line, r.fields, r.reason) for r in others]
    assert split[0].rows == len(good)
    frame = parse_block(split[0], names, Plan(dict.fromkeys(names, pl.String())))
    if frame is not None:
        assert frame.equals(text_frame(good, names, Plan(dict.fromkeys(names, pl.String()))))


@pytest.mark.parametrize(
    ("text", "rows", "quoted"),
    [
        (b"1,2\n3,4\n", 2, False),
        (b"1,2\r\n3,4", 2, False),
        (b"1,2\r3,4\r", 2, False),
        (b"\n1,2\n\n\n3,4\n\n", 2, False),
        (b'"a,b",2\n3,"4"\n', 2, True),
        (b'"a\nb",2\r\n\r\n3,"x ""y"""', 2, True),
    ],
)
def test_simple_text_takes_the_fast_path(text: bytes, rows: int, quoted: bool) -> None:
    block = plain_block(text, last=True)
    assert block is not None
    assert (block.rows, block.separators, block.quoted, block.consumed) == (rows, rows, quoted, len(text))
    frame = parse_block(block, ["a", "b"], Plan({"a": pl.String(), "b": pl.String()}))
    assert frame is not None
    assert frame.height == rows


@pytest.mark.parametrize(
    "text",
    [b"1,2\n3\n4,5,6\n", b"1,2\n3\n", b"1,2\n3,4,5\n", b"\xff,2\n", b'"a"b,2\n', b'a"b,2\n', b'"a,2\n'],
    ids=["ragged", "short", "long", "latin-1", "text behind a quote", "quote in a field", "open quote"],
)
def test_text_that_is_not_simple_is_left_to_the_fallback_path(text: bytes) -> None:
    block = plain_block(text, last=True)
    assert block is None or parse_block(block, ["a", "b"], Plan({"a": pl.String(), "b": pl.String()})) is None


def test_a_long_row_that_makes_up_for_a_short_one_is_found_in_a_block_of_many_megabytes() -> None:
    # polars splits large texts into parts that it parses in parallel.
    rows = [b"1.5,2.5,3.5"] * 300_000
    rows[100_000], rows[200_000] = b"1.5,2.5", b"1.5,2.5,3.5,4.5"
    block = plain_block(b"\n".join(rows), last=True)
    assert block is not None
    assert block.separators == 2 * block.rows
    assert parse_block(block, ["a", "b", "c"], Plan(dict.fromkeys("abc", pl.Float64()))) is None


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [pl.Int64(), pl.Float64()])
@pytest.mark.parametrize("place", ["before", "after", "within"])
def test_every_byte_next_to_a_digit_is_read_as_the_grammar_says(dtype: pl.DataType, place: str) -> None:
    for byte in range(256):
        value = {"before": b"%c5", "after": b"5%c", "within": b"5%c5"}[place] % byte
        text = b"x," + value + b"\nx,6.5\n"
        block = plain_block(text, last=True)
        frame = parse_block(block, ["a", "b"], Plan({"b": dtype})) if block else None
        if frame is not None:
            as_text = pl.Series([record.fields[1] for record in parse_records(text, last=True) if record.fields])
            assert _seen(frame["b"], dtype) == _seen(as_text, dtype), byte


@pytest.mark.parametrize(
    ("column", "read_as"),
    [
        (b"1\n2\n", pl.Int64()),
        (b"1.5\n2\n", pl.Float64()),
        (b"1.0\n2.0\n", pl.Float64()),
        (b"1\n2.\n", pl.Float64()),
        (b"-3\n" * 150 + b"1e3\n", pl.Float64()),
        (b"1.0\nnan\n", pl.String()),
        (b"1.5\nnan\n", pl.String()),
        (b"1.5\n1e400\n", pl.String()),
        (b"1.5\n  2\n", pl.String()),
        (b"1.5\n 2\n", pl.Float64()),
        (b"1.5\n -2\n", pl.String()),
        (b"1.5\nabc\n", pl.String()),
    ],
)
def test_numbers_are_delivered_as_text_if_their_type_is_in_doubt(column: bytes, read_as: pl.DataType) -> None:
    block = plain_block(column, last=True)
    assert block is not None
    planned = pl.Int64() if read_as == pl.Int64() else pl.Float64()
    frame = parse_block(block, ["a"], Plan({"a": planned}))
    assert frame is not None
    assert frame["a"].dtype == read_as


def test_only_a_column_that_cannot_be_parsed_as_numbers_is_planned_as_text_from_then_on() -> None:
    plan = Plan({"a": pl.Int64(), "b": pl.Int64()})
    block = plain_block(b"1,x\n2,3\n", last=True)
    assert block is not None
    assert parse_block(block, ["a", "b"], plan) is not None
    assert plan.dtypes == {"a": pl.Int64(), "b": pl.String()}


def test_one_fraction_makes_all_whole_numbers_of_its_block_floats_wherever_it_is() -> None:
    for place in (0, 99, 100, 250):
        column = b"".join(b"7.0\n" if row == place else b"%d\n" % row for row in range(300))
        block = plain_block(column, last=True)
        assert block is not None
        plan = Plan({"a": pl.Float64()})
        frame = parse_block(block, ["a"], plan)
        assert frame is not None
        assert frame["a"].to_list() == [7.0 if row == place else float(row) for row in range(300)]
        assert plan.dtypes == {"a": pl.Float64()}


def test_a_column_without_a_fraction_is_read_as_text_from_then_on() -> None:
    plan = Plan({"a": pl.Float64()})
    for column in (b"1\n2\n", b"3.0\n4.0\n"):
        block = plain_block(column, last=True)
        assert block is not None
        frame = parse_block(block, ["a"], plan)
        assert frame is not None
        assert frame["a"].dtype == pl.String


def test_a_column_whose_name_looks_like_a_pattern_may_have_whole_numbers() -> None:
    block = plain_block(b"1.0,2\n3.0,4\n", last=True)
    assert block is not None
    frame = parse_block(block, ["^a.*$", "*"], Plan({"^a.*$": pl.Float64(), "*": pl.Float64()}))
    assert frame is not None
    assert frame.schema == {"^a.*$": pl.Float64, "*": pl.String}
