"""A part of a dataset has the same rows and the same log in pieces as in one."""

from __future__ import annotations

import gzip
import json
import pickle
from collections.abc import Sequence
from pathlib import Path
from random import Random
from unittest.mock import patch

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from modelwatch_analyzer.calibrated import row_sample
from modelwatch_analyzer.calibrated.row_sample import RowSample, SampledRows
from modelwatch_analyzer.parts import Counted
from modelwatch_analyzer.profile.table import profile_dataset
from modelwatch_analyzer.reading import capture_records, csv_cuts, csv_files, event_ids, files, parquet_files
from modelwatch_analyzer.reading.attributes import Attributes
from modelwatch_analyzer.reading.capture import open_records
from modelwatch_analyzer.reading.capture_records import CapturedRecords
from modelwatch_analyzer.reading.csv_files import open_csv
from modelwatch_analyzer.reading.dataset import Plan, Table, TableWithRoles, pieces_of, shares_of
from modelwatch_analyzer.reading.event_ids import EventIds
from modelwatch_analyzer.reading.files import SourceFile, cuts_of, source_files
from modelwatch_analyzer.reading.parquet_files import open_parquet
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_analyzer.reading.value_spelling import ValueSpelling
from modelwatch_core.domain.dataset_formats import CaptureOptions, CsvOptions

Rows = list[tuple[str | None, ...]]


def read(table: Table) -> tuple[Rows, ReadLog]:
    plan, log = Plan(dict.fromkeys(table.columns, pl.String())), ReadLog()
    batches = [batch.select(pl.col(*table.columns).cast(pl.String)) for batch in table.batches(plan, log)]
    return [row for batch in batches for row in batch.rows()], log


def read_in_pieces(table: Table) -> tuple[Rows, ReadLog, int]:
    pieces = [read(piece) for piece in pieces_of(table)]
    log = ReadLog()
    for _, each in pieces:
        log.include(each)
    return [row for rows, _ in pieces for row in rows], log, len(pieces)


@given(size=st.integers(0, 1 << 44), least=st.integers(1, 1 << 26))
def test_pieces_have_one_size_which_is_at_least_the_least_and_not_much_more(size: int, least: int) -> None:
    with patch.object(files, "MOST_PIECES", 8):
        size = min(size, least * 5_000)
        sizes = np.diff([0, *cuts_of(size, least), size])
    assert sizes.sum() == size
    assert max(sizes) - min(sizes) <= 1
    if len(sizes) > 1:
        assert least - 1 <= min(sizes)
    assert max(sizes) <= 9 * least


def test_a_small_part_is_one_piece_and_one_of_a_gigabyte_has_eight() -> None:
    assert cuts_of(63 << 20, 32 << 20) == []
    assert cuts_of(64 << 20, 32 << 20) == [32 << 20]
    assert cuts_of(1 << 30, 32 << 20) == [number << 27 for number in range(1, 8)]
    assert len(cuts_of(5 << 30, 32 << 20)) == 19


TEXTS = st.lists(st.sampled_from(["a", "1", ",", "\n", "\r", "\r\n", '"', '""', '"x\ny"', '"b,"', "1,2\n", "3,4\r\n"]))


@settings(max_examples=400)
@given(text=TEXTS, least=st.integers(1, 6), block=st.integers(1, 12))
@example(text=['"x\ny"', ",", "1", "\n", '"', "\n", "1,2\n", "3,4\r\n"], least=1, block=3)
def test_a_file_of_csv_has_the_same_rows_and_log_in_pieces(
    tmp_path_factory: pytest.TempPathFactory, text: Sequence[str], least: int, block: int
) -> None:
    path = tmp_path_factory.mktemp("csv") / "data.csv"
    path.write_bytes(b"\xef\xbb\xbfp,q\n" + "".join(text).encode())
    with (
        patch.object(files, "BLOCK_BYTES", block),
        patch.object(files, "_LINE_BYTES", 1),
        patch.object(csv_cuts, "_OF_A_BLOCK", 1),
        patch.object(csv_files, "PIECE_BYTES", least),
    ):
        table = open_csv(path, CsvOptions(header=True))
        rows, log, _ = read_in_pieces(table)
        assert (rows, log) == read(table)


def test_a_wide_table_has_pieces_of_many_rows(tmp_path: Path) -> None:
    with (
        patch.object(files, "PIECE_ROWS", 100),
        patch.object(csv_files, "PIECE_BYTES", 1),
        patch.object(parquet_files, "PIECE_ROWS", 100),
        patch.object(parquet_files, "_PIECE_CELLS", 1),
    ):
        frame = pl.DataFrame({f"c{number}": [1_234_567_890.12345] * 350 for number in range(40)})
        frame.write_csv(tmp_path / "data.csv")
        frame.write_parquet(tmp_path / "data.parquet")
        csv = open_csv(tmp_path / "data.csv", CsvOptions(header=True))
        tables = (csv, open_parquet(source_files(tmp_path / "data.parquet")))
        rows = [[len(read(piece)[0]) for piece in pieces_of(table)] for table in tables]
    assert rows == [[117, 117, 116], [116, 117, 117]]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_malformed_rows_of_pieces_are_named_by_their_lines_in_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line_end: str
) -> None:
    monkeypatch.setattr(csv_files, "PIECE_BYTES", 16)
    lines = ["a,b", *(["1,2"] * 10), '"1\n2",3', *(["1,2"] * 10), "short", *(["1,2"] * 9), "short too", "1,2"]
    (tmp_path / "data.csv").write_bytes(line_end.join(lines).encode())
    rows, log, pieces = read_in_pieces(open_csv(tmp_path, CsvOptions(header=True)))
    assert pieces == 8
    assert (len(rows), log.objects, log.bytes) == (31, 1, (tmp_path / "data.csv").stat().st_size)
    found = [example.split(": ")[0] for example in log.malformed_examples]
    assert found == ["data.csv:24", "data.csv:34"]


LINES = st.lists(st.sampled_from(["1,2\n", "1,2\r\n", "short\n", '"1\n2",3\n', "\n", "1,2\rshort\r"]), max_size=12)


@given(texts=st.lists(LINES, min_size=1, max_size=4), least=st.integers(1, 9), data=st.data())
def test_malformed_rows_are_named_by_their_lines_whichever_pieces_are_merged_first(
    tmp_path_factory: pytest.TempPathFactory, texts: list[list[str]], least: int, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("csv")
    for number, text in enumerate(texts):
        (folder / f"{number}.csv").write_bytes(f"a,b\n{''.join(text)}".encode())
    with patch.object(csv_files, "PIECE_BYTES", least):
        table = open_csv(folder, CsvOptions(header=True))
        logs = [read(piece)[1] for piece in pieces_of(table)]
    while len(logs) > 1:
        place = data.draw(st.integers(0, len(logs) - 2))
        left, right = Counted(Nothing(), logs[place]), Counted(Nothing(), logs[place + 1])
        logs[place : place + 2] = [left.merge(right).log]
    assert logs == [read(table)[1]]


class Nothing:
    """What was read of no rows."""

    def update(self, batch: pl.DataFrame) -> None:
        raise AssertionError(batch)

    def merge(self, other: Nothing) -> Nothing:
        return other


@pytest.mark.parametrize(
    ("content", "pieces"),
    [
        (b"a,b\n" + b"1,2\n" * 100, 8),
        (b"a,b\n" + b'"1","2\n3"\n' * 100, 8),
        (b"a,b\n" + b"1,2\n" * 40 + b'1,2"\n' + b"1,2\n" * 60, 4),  # nothing is certain behind a quote that is text
        (b"a,b\r" + b"1,2\r" * 100, 1),
    ],
)
def test_a_file_is_cut_where_records_certainly_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, pieces: int
) -> None:
    monkeypatch.setattr(csv_files, "PIECE_BYTES", 40)
    monkeypatch.setattr(files, "BLOCK_BYTES", 320)
    (tmp_path / "data.csv").write_bytes(content)
    table = open_csv(tmp_path, CsvOptions(header=True))
    rows, log, found = read_in_pieces(table)
    assert found == pieces
    assert (rows, log) == read(table)


def test_what_counts_the_rows_of_a_file_is_read_in_one_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_files, "PIECE_BYTES", 1)
    monkeypatch.setattr(parquet_files, "_PIECE_CELLS", 1)
    (tmp_path / "data.csv").write_text("a,b\n" + "1,2\n" * 20)
    pl.DataFrame({"a": ["1"] * 20}).write_parquet(tmp_path / "data.parquet")
    spelling = ValueSpelling(decimal=",")
    csv = open_csv(tmp_path / "data.csv", CsvOptions(header=True), spelling=spelling)
    assert len(list(csv.pieces())) == 1
    assert len(list(open_parquet(source_files(tmp_path / "data.parquet"), spelling).pieces())) == 1


@given(rows=st.lists(st.integers(0, 40), min_size=1, max_size=4), least=st.integers(1, 30))
@settings(max_examples=20, deadline=None)
def test_files_of_parquet_have_the_same_rows_and_log_in_pieces(
    tmp_path_factory: pytest.TempPathFactory, rows: list[int], least: int
) -> None:
    folder = tmp_path_factory.mktemp("parquet")
    for number, count in enumerate(rows):
        frame = pl.DataFrame({"a": range(count), "b": [f"{number} {row}" for row in range(count)]})
        frame.cast({"a": pl.Int64, "b": pl.String}).write_parquet(folder / f"{number}.parquet", row_group_size=7)
    table = open_parquet(source_files(folder))
    with patch.object(parquet_files, "_PIECE_CELLS", 2 * least):
        found, log, pieces = read_in_pieces(table)
        assert (found, log) == read(table)
        assert pieces == len(cuts_of(sum(rows), least)) + 1


def capture(folder: Path, events: Sequence[Sequence[str]]) -> CapturedRecords:
    for number, ids in enumerate(events):
        lines = [
            json.dumps(
                {
                    "captureData": {
                        side: {"mode": "X", "data": data, "encoding": "CSV", "observedContentType": "text/csv"}
                        for side, data in (("endpointInput", f"{number},{row}"), ("endpointOutput", "0.5"))
                    },
                    "eventMetadata": {"eventId": event, "inferenceTime": "2026-11-22T09:30:00Z"},
                }
            )
            for row, event in enumerate(ids)
        ]
        (folder / f"{number}.jsonl").write_text("\n".join([*lines, "no record", ""]))
    return CapturedRecords(source_files(folder))


@given(
    events=st.lists(st.lists(st.sampled_from("abcdef"), max_size=5), min_size=1, max_size=6), least=st.integers(1, 999)
)
@settings(max_examples=50, deadline=None)
def test_captures_have_the_same_rows_and_log_in_pieces(
    tmp_path_factory: pytest.TempPathFactory, events: list[list[str]], least: int
) -> None:
    events[0].append("a")
    captured = capture(tmp_path_factory.mktemp("captures"), events)
    table = open_records(captured, CaptureOptions(), Attributes())
    with patch.object(capture_records, "_PIECE_BYTES", least):
        rows, log, _ = read_in_pieces(table)
        again = [pickle.loads(pickle.dumps(piece)) for piece in pieces_of(table)]
    assert (rows, log) == read(table)
    assert [row for piece in again for row in read(piece)[0]] == rows


def test_merged_captures_count_what_was_merged_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture_records, "_PIECE_BYTES", 1)
    merged = ReadLog(objects=7, bytes=70, duplicate_events=3)
    captured = CapturedRecords(capture(tmp_path, [["a"], ["a"], ["a"]]).files, merge_log=merged)
    _, log, pieces = read_in_pieces(open_records(captured, CaptureOptions(), Attributes()))
    assert (pieces, log.objects, log.bytes, log.duplicate_events) == (3, 7, 70, 3)


@given(st.lists(st.lists(st.sampled_from("abcdefghij"), max_size=7), min_size=1, max_size=5))
def test_repeated_events_are_counted_alike_in_pieces_and_as_a_whole(pieces: list[list[str]]) -> None:
    together, repeated = EventIds(), 0
    for piece in pieces:
        events = EventIds()
        repeated += events.count_repeated(pl.Series(piece, dtype=pl.String))
        together, again = together.followed_by(events)
        repeated += again
    whole = [event for piece in pieces for event in piece]
    assert repeated == len(whole) - len(set(whole))


@given(st.lists(st.lists(st.integers(0, 60), max_size=20), min_size=1, max_size=5))
@example([[0, 1, 5, 6, 7, 1, 2, 3, 4, 1]])  # 1 comes again where it was about to be forgotten
def test_pieces_count_every_event_that_is_repeated_soon_and_remember_a_limited_number(
    pieces: list[list[int]],
) -> None:
    with patch.object(event_ids, "REMEMBERED_EVENTS", 4):
        together, repeated = EventIds(), 0
        for piece in pieces:
            events = EventIds()
            repeated += sum(events.count_repeated(pl.Series([str(event)])) for event in piece)
            together, again = together.followed_by(events)
            repeated += again
            assert len(together._latest) + len(together._older) <= 2 * 4 + 4
    whole = [event for piece in pieces for event in piece]
    soon = sum(event in whole[max(0, place - 4) : place] for place, event in enumerate(whole))
    assert soon <= repeated <= len(whole) - len(set(whole))


@given(
    pieces=st.lists(st.tuples(st.integers(0, 9_000), st.floats(0.8, 1.25)), min_size=1, max_size=6),
    part=st.integers(0, 3),
    associates=st.randoms(use_true_random=False),
)
@example(pieces=[(1_000, 1.0), (9_000, 0.8), *[(1_000, 1.25)] * 4], part=0, associates=Random(1))
def test_the_sample_of_unequal_pieces_has_the_rows_with_the_smallest_numbers_of_all(
    pieces: list[tuple[int, float]], part: int, associates: Random
) -> None:
    """The shares need only be about right."""
    total, drawn, samples = sum(size for size, _ in pieces), dict[int, float](), []
    for piece, (size, factor) in enumerate(pieces):
        number = part | piece << 32
        sample = RowSample(1, rows=1_000, part=number, share=factor * size / max(total, 1))
        for start in range(0, size, 500):
            first = len(drawn) + start
            rows = range(first, first + min(500, size - start))
            sample.update(pl.DataFrame({"row": rows}, schema={"row": pl.Int64()}))
            assert sample._held <= 2 * sample._limit
        numbers = np.random.default_rng([20261119, number] if number else 20261119).random(size)
        drawn |= dict(enumerate(numbers, len(drawn)))
        samples.append(sample)
    while len(samples) > 1:
        place = associates.randrange(len(samples) - 1)
        samples[place : place + 2] = [samples[place].merge(samples[place + 1])]
    kept = [row for frame in samples[0].parts for row in frame["row"]]
    assert kept == sorted(sorted(drawn, key=drawn.__getitem__)[:1_000])


@given(
    texts=st.lists(st.tuples(st.integers(1, 400), st.sampled_from(["plain", "stray quote", "gzip"])), min_size=1),
    least=st.integers(100, 1_000),
)
@settings(max_examples=50, deadline=None)
def test_pieces_know_their_share_of_the_rows(
    tmp_path_factory: pytest.TempPathFactory, texts: list[tuple[int, str]], least: int
) -> None:
    folder = tmp_path_factory.mktemp("csv")
    for number, (count, form) in enumerate(texts):
        last = b'9,9"\n' if form == "stray quote" else b"99,9\n"
        text = b"a,b\n" + last + b"11,2\n" * count
        (folder / f"{number:03}.csv").write_bytes(gzip.compress(text, mtime=0) if form == "gzip" else text)
    with patch.object(csv_files, "PIECE_BYTES", least):
        pieces = pieces_of(open_csv(folder, CsvOptions(header=True)))
    rows = [len(read(piece)[0]) for piece in pieces]
    assert shares_of(pieces) == pytest.approx([each / sum(rows) for each in rows], abs=1e-9)


def test_a_compressed_text_is_measured_by_its_beginning(tmp_path: Path) -> None:
    numbers = np.random.default_rng(1).random((4_000, 8))
    text = pl.DataFrame(numbers).write_csv().encode()
    members = b"".join(gzip.compress(text[start : start + 100_000], mtime=0) for start in range(0, len(text), 100_000))
    header = gzip.compress(b"a,b\n", mtime=0) + gzip.compress(text, mtime=0)
    for name, compressed in (("one", gzip.compress(text, mtime=0)), ("several", members), ("header", header)):
        (tmp_path / name).write_bytes(compressed)
        assert SourceFile(tmp_path / name, name).text_size == pytest.approx(len(text), rel=0.02)


@pytest.mark.parametrize("content", [b"", b"\x1f\x8b", b"\x1f\x8bno gzip", gzip.compress(b"", mtime=0), b"1,2\n"])
def test_what_cannot_be_decompressed_is_measured_as_it_is_stored(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "data").write_bytes(content)
    assert 0 <= SourceFile(tmp_path / "data", "data").text_size <= len(content)


@pytest.mark.parametrize("shape", ["a stray quote", "a compressed file", "a dominant capture"])
def test_the_sample_of_a_dataset_is_full_whatever_is_the_largest_of_its_pieces(
    shape: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_sample, "_CELLS", 1)  # so that 1,000 rows are sampled
    monkeypatch.setattr(row_sample, "_AT_LEAST_MORE", 50)
    monkeypatch.setattr(csv_files, "PIECE_BYTES", 4_000)
    monkeypatch.setattr(files, "BLOCK_BYTES", 8_000)
    monkeypatch.setattr(capture_records, "_PIECE_BYTES", 20_000)
    rows = b"1,2\n" * 8_000
    if shape == "a stray quote":
        (tmp_path / "data.csv").write_bytes(b"a,b\n" + rows[:8_000] + b'1,2"\n' + rows[8_000:])
    elif shape == "a compressed file":
        for number in range(4):
            (tmp_path / f"{number}.csv").write_bytes(b"a,b\n" + rows[:4_800])
        (tmp_path / "data.csv").write_bytes(gzip.compress(b"a,b\n" + rows, mtime=0))
    if shape == "a dominant capture":
        events = [[f"{number} {row}" for row in range(count)] for number, count in enumerate([90, 3_000, 90, 90, 90])]
        dataset = open_records(capture(tmp_path, events), CaptureOptions(), Attributes())
    else:
        table = open_csv(tmp_path, CsvOptions(header=True))
        dataset = TableWithRoles(table, table.columns, {})
    assert len(pieces_of(dataset)) > 1
    sample = SampledRows()
    profile_dataset(dataset, sample=sample)
    assert sample.rows == 1_000
