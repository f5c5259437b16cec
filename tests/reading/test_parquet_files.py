"""Files of Parquet, valid and damaged."""

from __future__ import annotations

import datetime as dt
import os
import re
import signal
import subprocess
import sys
from decimal import Decimal
from itertools import accumulate
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from modelwatch_analyzer.profile.lexical import infer_type
from modelwatch_analyzer.profile.table import profile_dataset
from modelwatch_analyzer.reading import parquet_files, parquet_process, typed_columns
from modelwatch_analyzer.reading.dataset import Plan
from modelwatch_analyzer.reading.files import source_files
from modelwatch_analyzer.reading.parquet_files import ParquetFiles, open_parquet
from modelwatch_analyzer.reading.parquet_footer import repeated_names, row_groups
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_analyzer.reading.typed_columns import TypedColumns
from modelwatch_core.domain.errors import InvalidInput

pytestmark = pytest.mark.slow  # each file is read in a process of its own


def opened(source: Path) -> ParquetFiles:
    return open_parquet(source_files(source))


def read(source: Path, dtype: pl.DataType) -> tuple[pl.DataFrame, ReadLog]:
    dataset, log = opened(source), ReadLog()
    batches = list(dataset.batches(Plan(dict.fromkeys(dataset.columns, dtype)), log))
    return pl.concat(batches, how="vertical_relaxed"), log


def test_every_type_becomes_text(tmp_path: Path) -> None:
    pl.DataFrame(
        {
            "integer": [1, None],
            "float": [1.0, float("nan")],
            "text": ["x", ""],
            "flag": [True, None],
            "day": [dt.date(2026, 1, 31), None],
            "time": [dt.timedelta(days=1), None],
            "money": [Decimal("1.50"), None],
            "bytes": [b"\xff\x00", b""],
            "uint64": pl.Series([2**63, None], dtype=pl.UInt64),
            "kind": pl.Series(["a", None], dtype=pl.Categorical),
            "none": [None, None],
        }
    ).write_parquet(tmp_path / "a.parquet")
    frame, log = read(tmp_path / "a.parquet", pl.String())
    expected = ("1", "1.0", "x", "true", "2026-01-31", "P1D", "1.50", "0xff00", "9223372036854775808", "a", None)
    assert frame.rows() == [expected, (None,) * 11]
    assert (log.objects, log.read, log.bytes) == (1, 2, (tmp_path / "a.parquet").stat().st_size)


@pytest.mark.parametrize("values", [[b"de", b"fr", None, b""], [b"de", b"\xff\x64", None, b""], ["de", "fr", None, ""]])
def test_binary_is_the_text_that_it_is(values: list[bytes | str | None], tmp_path: Path) -> None:
    pl.DataFrame({"city": values, "row": [1, 2, 3, 4]}).write_parquet(tmp_path / "a.parquet")
    frame, _ = read(tmp_path / "a.parquet", pl.String())
    other = "0xff64" if values[1] == b"\xff\x64" else "fr"
    assert frame["city"].to_list() == ["de", other, None, None]


@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Kolkata"])
def test_the_text_of_a_moment_is_the_same_in_whatever_unit_it_is_stored(zone: str | None, tmp_path: Path) -> None:
    noon = dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC).replace(tzinfo=None)
    moments = [noon, noon + dt.timedelta(seconds=10.12), None]
    for unit in ("ms", "us", "ns"):
        stored = pl.Series("a", moments, dtype=pl.Datetime(unit)).dt.replace_time_zone(zone)
        stored.to_frame().write_parquet(tmp_path / f"{unit}.parquet")
        offset = {None: "", "UTC": "+00:00", "Asia/Kolkata": "+05:30"}[zone]
        frame, _ = read(tmp_path / f"{unit}.parquet", pl.String())
        assert frame["a"].to_list() == [f"2026-01-31 12:00:00{offset}", f"2026-01-31 12:00:10.12{offset}", None]


@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Kolkata"])
@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_a_moment_or_day_that_no_calendar_reaches_is_read_as_its_number(
    unit: Literal["ms", "us", "ns"], zone: str | None, tmp_path: Path
) -> None:
    # PyArrow, and others, write PostgreSQL's infinity as the greatest number; nanoseconds end in 2262 anyway.
    numbers = pl.DataFrame({"t": [2**63 - 1, -(2**63), 0, None], "d": [2**31 - 1, -(2**31), 0, None]})
    frame = numbers.select(
        pl.col("t").cast(pl.Datetime(unit)).dt.replace_time_zone("UTC"), pl.col("d").cast(pl.Int32).cast(pl.Date)
    )
    frame = frame.with_columns(pl.col("t").dt.convert_time_zone(zone or "UTC"))
    frame = frame if zone else frame.with_columns(pl.col("t").dt.replace_time_zone(None))
    frame.write_parquet(tmp_path / "a.parquet")
    found, _ = read(tmp_path / "a.parquet", pl.String())
    assert found["d"].to_list() == ["2147483647", "-2147483648", "1970-01-01", None]
    midnight = {None: "1970-01-01 00:00:00", "UTC": "1970-01-01 00:00:00+00:00"}.get(zone, "1970-01-01 05:30:00+05:30")
    last, first, *others = found["t"].to_list()
    assert others == [midnight, None]
    if unit == "ns":
        assert (last[:4], first[:4]) == ("2262", "1677")
    else:
        assert (last, first) == ("9223372036854775807", "-9223372036854775808")


def test_moments_whose_zone_is_an_offset_are_in_utc_at_every_level(tmp_path: Path) -> None:
    # As pandas stores what it reads of 2026-01-31 12:00:00+05:30.
    moment = pyarrow.timestamp("us", "+05:30")
    midday = dt.datetime(2026, 1, 31, 12, tzinfo=dt.timezone(dt.timedelta(hours=5, minutes=30)))
    columns = {
        "t": pyarrow.array([midday, None], moment),
        "s": pyarrow.array([{"t": [midday]}, None], pyarrow.struct([("t", pyarrow.list_(moment))])),
    }
    parquet.write_table(pyarrow.table(columns), tmp_path / "a.parquet")
    frame, log = read(tmp_path, pl.String())
    assert frame.columns == ["t", "s.t.0"]
    assert frame.rows() == [("2026-01-31 06:30:00+00:00",) * 2, (None, None)]
    assert log.read == 2


@pytest.mark.parametrize("zone", ["GMT+1", "+05:30"])
def test_moments_whose_zone_polars_does_not_know_are_in_utc(
    tmp_path: Path, zone: str, capfd: pytest.CaptureFixture[str]
) -> None:
    moment = pyarrow.timestamp("us", zone)
    noon = dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)
    columns = {
        "t": pyarrow.array([noon], moment),
        "f": pyarrow.array([[noon]], pyarrow.list_(moment, 1)),
        "m": pyarrow.array([[("k", noon)]], pyarrow.map_(pyarrow.string(), moment)),
    }
    parquet.write_table(pyarrow.table(columns), tmp_path / "a.parquet")
    frame, _ = read(tmp_path, pl.String())
    text = "2026-01-31 12:00:00+00:00"
    assert frame.rows() == [(text, text, "k", text)]
    assert capfd.readouterr().err == ""


def test_structs_and_lists_become_columns_like_those_of_json(tmp_path: Path) -> None:
    for name, lists in (("a", [[1, 2], None]), ("b", [[3, 4, 5], []])):
        frame = pl.DataFrame({"s": [{"x": 1, "y": [{"z": "q"}]}, None], "l": lists})
        frame.write_parquet(tmp_path / f"{name}.parquet")
    frame, _ = read(tmp_path, pl.String())
    assert frame.columns == ["s.x", "s.y.0.z", "l.0", "l.1", "l.2"]
    assert frame.rows() == [
        ("1", "q", "1", "2", None),
        (None,) * 5,
        ("1", "q", "3", "4", "5"),
        (None,) * 5,
    ]


def test_names_that_look_like_patterns_paths_or_html_are_only_names(tmp_path: Path) -> None:
    names = ["^a.*$", "ab", "../b", "<b>", "*"]
    pl.DataFrame([[1], [2], [3], [4], [5]], schema=names).write_parquet(tmp_path / "a.parquet")
    frame, _ = read(tmp_path / "a.parquet", pl.Int64())
    assert (frame.columns, frame.rows()) == (names, [(1, 2, 3, 4, 5)])


def test_numbers_are_delivered_as_numbers_and_infinities_as_text(tmp_path: Path) -> None:
    frame = pl.DataFrame({"i": pl.Series([1, 2], dtype=pl.Int8), "f": [1.0, 2.0], "n": [None, 0.5], "x": [1.0, -1e999]})
    frame.write_parquet(tmp_path / "a.parquet")
    dataset, plan = opened(tmp_path / "a.parquet"), Plan(dict.fromkeys("ifnx", pl.Float64()))
    (batch,) = dataset.batches(plan, ReadLog())
    assert batch.schema == {"i": pl.Int64, "f": pl.Float64, "n": pl.Float64, "x": pl.String}
    assert batch["x"].to_list() == ["1.0", "-inf"]
    assert plan.dtypes["x"] == pl.String


def write_with_repeated_names(path: Path, columns: dict[str, list[Any]], renamed: dict[str, str]) -> None:
    """Write a file as a join leaves it: polars refuses to, so names of equal length are replaced in its footer."""
    pl.DataFrame(columns).write_parquet(path)
    content = path.read_bytes()
    for name, other in renamed.items():
        size = bytes([len(name.encode())])
        content = content.replace(size + name.encode(), size + other.encode())
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("columns", "renamed", "says"),
    [
        ({"a": [1], "b": ["x"], "Q": [2]}, {"Q": "a"}, "joined.parquet: columns 1, 3 are all named 'a'; rename them"),
        ({"key": [1], "KEY": [1.5]}, {"KEY": "key"}, "columns 1, 2 are all named 'key'"),
        ({"aa": [1], "QQ": [2], "b": [3], "RR": [4]}, {"QQ": "aa", "RR": "aa"}, "columns 1, 2, 4 are all named 'aa'"),
        ({"é": [1], "QQ": [2]}, {"QQ": "é"}, "columns 1, 2 are all named 'é'"),
        ({"s": [{"x": 1, "Q": 2}]}, {"Q": "x"}, "two fields become the column 's.x'"),
        ({"l": [[1, 2]], "id": [1], "ID": ["x"]}, {"ID": "id"}, "columns 2, 3 are all named 'id'"),
    ],
)
def test_columns_of_one_name_are_refused_with_their_numbers(
    tmp_path: Path, columns: dict[str, list[Any]], renamed: dict[str, str], says: str
) -> None:
    write_with_repeated_names(tmp_path / "joined.parquet", columns, renamed)
    with pytest.raises(InvalidInput, match=re.escape(says)) as refused:
        opened(tmp_path / "joined.parquet")
    assert refused.value.code == "DuplicateColumn"


def test_many_columns_of_two_names_are_each_found(tmp_path: Path) -> None:
    names = {f"{index:03}": [index] for index in range(200)}
    write_with_repeated_names(tmp_path / "a.parquet", names, {"150": "007", "151": "007", "199": "000"})
    assert dict(repeated_names(tmp_path / "a.parquet")) == {"000": [1, 200], "007": [8, 151, 152]}
    pl.DataFrame(names).write_parquet(tmp_path / "sound.parquet")
    assert dict(repeated_names(tmp_path / "sound.parquet")) == {}


@given(st.binary(max_size=60))
def test_nothing_is_found_in_any_bytes_that_are_no_footer(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.parquet"
    path.write_bytes(content + len(content).to_bytes(4, "little") + b"PAR1")
    assert dict(repeated_names(path)) == {}
    assert row_groups(path) == ()


@given(st.integers(1, 40), st.integers(1, 12), st.integers(1, 15))
def test_slices_are_whole_row_groups_where_these_are_not_larger(
    tmp_path_factory: pytest.TempPathFactory, rows: int, group: int, most: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "groups.parquet"
    pl.DataFrame({"a": range(rows), "s": [{"t": ["x"]}] * rows}).write_parquet(path, row_group_size=group)
    groups = row_groups(path)
    content = TypedColumns(rows, frozenset(), {}, {}, frozenset())
    file = parquet_files._ParquetFile(source_files(path)[0], content, groups, 0, rows)
    slices = list(file.slices(most))
    assert sum(groups) == rows
    assert [row for start, stop in slices for row in range(start, stop)] == list(range(rows))
    assert max(stop - start for start, stop in slices) <= most
    if group <= most:
        assert {stop for _, stop in slices} <= set(accumulate(groups))


def test_other_rows_of_a_query_are_not_decoded_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pl.DataFrame({"a": range(10)}).write_parquet(path)
    query = pl.scan_parquet(path)
    with parquet_process.parquet_process() as collect:
        assert [batch["a"].to_list() for batch in collect(query, 2, start=1, stop=4)] == [[1], [2, 3]]
        path.unlink()
        assert [batch["a"].to_list() for batch in collect(query, 5, start=4)] == [[4, 5, 6], [7, 8, 9]]


def test_half_floats_are_numbers(tmp_path: Path) -> None:
    # A half float nearest to 0.1 is 0.0999755859375 (IEEE 754, 11 bits of precision); the greatest is 65504.
    for values, kind, text in (
        ([1.5, 0.1, float("nan"), None, 65504], pl.Float64, ["1.5", "0.0999755859375", None, None, "65504.0"]),
        ([-0.5, 2.0], pl.Float64, ["-0.5", "2.0"]),
        ([float("inf"), 1.0], pl.String, ["inf", "1.0"]),
        ([None, float("nan")], pl.String, [None, None]),
        ([1.0, 2.0], pl.Float64, ["1.0", "2.0"]),
    ):
        pl.DataFrame({"h": pl.Series(values, dtype=pl.Float16)}).write_parquet(tmp_path / "half.parquet")
        (batch,) = opened(tmp_path / "half.parquet").batches(Plan({"h": pl.Float64()}), ReadLog())
        assert batch["h"].dtype == kind
        assert read(tmp_path / "half.parquet", pl.String())[0]["h"].to_list() == text


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "NotParquet"),
        (b"PAR1", "NotParquet"),
        (b"a\nb\n", "NotParquet"),
        (b"PAR1" + b"x" * 50 + b"PAR1", "NotParquet"),
        (b"a,b\n1,2\n", "OtherFormat"),
        (b"\x80\x04K\x01.", "OtherFormat"),
    ],
)
def test_a_file_that_is_not_parquet_is_refused(tmp_path: Path, content: bytes, code: str) -> None:
    (tmp_path / "a.parquet").write_bytes(content)
    with pytest.raises(InvalidInput, match=r"a\.parquet") as refused:
        opened(tmp_path / "a.parquet")
    assert refused.value.code == code


def test_files_with_different_no_or_too_many_columns_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "a.parquet")
    pl.DataFrame({"b": [[1, 2, 3, 4]]}).write_parquet(tmp_path / "b.parquet")
    pl.DataFrame({"a.b": [1], "a": [{"b": 1}]}).write_parquet(tmp_path / "same.parquet")
    pl.DataFrame({"": [1]}).write_parquet(tmp_path / "blank.parquet")
    pl.DataFrame().write_parquet(tmp_path / "none.parquet")
    (tmp_path / "both").mkdir()
    for name in "ab":
        (tmp_path / "both" / name).write_bytes((tmp_path / f"{name}.parquet").read_bytes())
    monkeypatch.setattr(typed_columns, "MOST_COLUMNS", 3)
    for name, code in {
        "both": "HeadersDiffer",
        "b.parquet": "TooManyColumns",
        "same.parquet": "DuplicateColumn",
        "blank.parquet": "BlankColumnName",
        "none.parquet": "EmptyDataset",
    }.items():
        if name == "both":
            monkeypatch.setattr(typed_columns, "MOST_COLUMNS", 10)
        else:
            monkeypatch.setattr(typed_columns, "MOST_COLUMNS", 3)
        with pytest.raises(InvalidInput) as refused:
            opened(tmp_path / name)
        assert refused.value.code == code


@pytest.mark.parametrize("rows", [0, 1, 7, 8, 20])
def test_a_file_is_read_slice_by_slice_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    monkeypatch.setattr(parquet_files, "_SLICE_CELLS", 8)
    monkeypatch.setattr(parquet_files, "_BATCH_CELLS", 6)
    frame = pl.DataFrame({"a": range(rows), "b": [f"{row}.5" for row in range(rows)]}, schema={"a": pl.Int64, "b": str})
    frame.write_parquet(tmp_path / "a.parquet", row_group_size=5)
    dataset, log = opened(tmp_path / "a.parquet"), ReadLog()
    batches = list(dataset.batches(Plan({"a": pl.Int64(), "b": pl.String()}), log))
    assert log.read == rows
    assert max((batch.height for batch in batches), default=0) <= 4
    assert [row for batch in batches for row in batch.select("a", "b").iter_rows()] == frame.rows()


@pytest.fixture(scope="module")
def valid() -> bytes:
    import io

    file = io.BytesIO()
    pl.DataFrame({"a": range(50), "b": ["x", "y"] * 25, "c": [[1, 2]] * 50}).write_parquet(file, row_group_size=20)
    return file.getvalue()


@settings(max_examples=20, deadline=None)
@given(
    changes=st.dictionaries(st.integers(0, 400), st.integers(0, 255), min_size=1, max_size=5), cut=st.integers(0, 30)
)
def test_a_damaged_file_is_either_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, valid: bytes, changes: dict[int, int], cut: int
) -> None:
    content: Any = bytearray(valid)
    for place, value in changes.items():
        content[place % len(content)] = value
    if cut < 10:
        del content[len(content) // 2 : len(content) // 2 + cut]
    path = tmp_path_factory.mktemp("damaged") / "a.parquet"
    path.write_bytes(content)
    try:
        dataset = opened(path)
        list(dataset.batches(Plan(dict.fromkeys(dataset.columns, pl.String())), ReadLog()))
        code = "NotParquet"
    except InvalidInput as refused:
        code = refused.code
    assert code in {
        "NotParquet",
        "HeadersDiffer",
        "TooManyColumns",
        "DuplicateColumn",
        "EmptyDataset",
        "BlankColumnName",
    }


def end_idle_process() -> None:
    """End the process that is kept for the next dataset."""
    if process := parquet_process._LEFT.take():
        parquet_process._end(process)


def _children() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


@pytest.mark.skipif(sys.platform != "linux", reason="the children of a process are looked up in /proc")
def test_a_dataset_is_read_by_one_process_that_the_next_one_has(tmp_path: Path) -> None:
    pl.DataFrame({"a": [1, 2]}).write_parquet(tmp_path / "a.parquet")
    end_idle_process()
    before = _children()
    dataset = opened(tmp_path / "a.parquet")
    started = _children() - before
    for _ in range(2):
        assert [batch.rows() for batch in dataset.batches(Plan({"a": pl.Int64()}), ReadLog())] == [[(1,), (2,)]]
        assert _children() - before == started
    assert len(started) == 1
    second = opened(tmp_path / "a.parquet")
    with_two = _children() - before
    assert len(with_two) == 2
    del dataset
    assert _children() - before == with_two  # the one waits for the next dataset
    third = opened(tmp_path / "a.parquet")
    assert _children() - before == with_two
    del second, third
    assert _children() - before in ({each} for each in with_two)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
def test_a_fork_leaves_the_process_to_its_parent(tmp_path: Path) -> None:
    pl.DataFrame({"a": [1, 2]}).write_parquet(tmp_path / "a.parquet")
    code = f"""if True:
        import os
        from pathlib import Path
        from modelwatch_analyzer.reading import parquet_process
        from modelwatch_analyzer.reading.dataset import Plan
        from modelwatch_analyzer.reading.read_log import ReadLog
        from modelwatch_analyzer.reading.files import source_files
        from modelwatch_analyzer.reading.parquet_files import open_parquet

        def opened():
            return open_parquet(source_files(Path({str(tmp_path)!r})))

        def read(table):
            return [len(batch) for batch in table.batches(Plan(dict.fromkeys(table.columns)), ReadLog())]

        kept, left = opened(), opened()
        del left
        if fork := os.fork():
            _, status = os.waitpid(fork, 0)
            print(os.waitstatus_to_exitcode(status), read(kept), read(opened()))
        else:
            other = parquet_process._LEFT.take()
            del kept
            os._exit(0 if other is None else 1)
    """
    ended = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "0 [2] [2]\n"


def test_a_process_is_found_in_another_folder_than_it_was_started_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("one", 1), ("two", 2)):
        (tmp_path / name).mkdir()
        pl.DataFrame({"a": [value]}).write_parquet(tmp_path / name / "a.parquet")
        monkeypatch.chdir(tmp_path / name)
        (file,) = source_files(Path("a.parquet"))
        table = open_parquet([file])
        assert [batch.rows() for batch in table.batches(Plan({"a": pl.Int64()}), ReadLog())] == [[(value,)]]
        del table


def test_a_process_that_dies_while_it_waits_is_replaced(tmp_path: Path) -> None:
    pl.DataFrame({"a": range(10)}).write_parquet(tmp_path / "a.parquet")
    end_idle_process()
    waiting = parquet_process._started()
    waiting.kill()
    waiting.wait()
    waiting.poll = lambda: None  # type: ignore[method-assign]  # it died after it was looked at
    parquet_process._LEFT.keep(waiting)
    dataset = opened(tmp_path / "a.parquet")
    assert [batch.height for batch in dataset.batches(Plan({"a": pl.Int64()}), ReadLog())] == [10]


def test_of_two_processes_that_wait_the_earlier_one_ends() -> None:
    kept = parquet_process._Kept(parquet_process._end)
    earlier, later = parquet_process._started(), parquet_process._started()
    kept.keep(earlier)
    kept.keep(later)
    assert earlier.returncode == -signal.SIGKILL
    assert kept.take() is later
    parquet_process._end(later)


def test_the_last_result_is_not_kept_for_the_next_dataset(tmp_path: Path) -> None:
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "a.parquet")
    queries = [pl.scan_parquet(tmp_path / "a.parquet")] * 2
    for value, query in zip((1, 2), queries, strict=True):
        pl.DataFrame({"a": [value]}).write_parquet(tmp_path / "a.parquet")
        process = parquet_process.ParquetProcess()
        with process.queries() as collect:
            assert [frame["a"].to_list() for frame in collect(query, 10)] == [[value]]
        del process, collect


@pytest.mark.skipif(sys.platform != "linux", reason="the children of a process are looked up in /proc")
def test_a_process_that_has_ended_or_is_busy_is_not_used_again(tmp_path: Path) -> None:
    pl.DataFrame({"a": range(10)}).write_parquet(tmp_path / "a.parquet")
    end_idle_process()
    before = _children()
    dataset, plan = opened(tmp_path / "a.parquet"), Plan({"a": pl.Int64()})
    unfinished = dataset.batches(plan, ReadLog())
    next(unfinished)
    assert [batch.height for batch in dataset.batches(plan, ReadLog())] == [10]  # by another one meanwhile
    unfinished.close()
    (kept,) = _children() - before  # the one that is idle
    os.kill(int(kept), signal.SIGKILL)
    os.waitid(os.P_PID, int(kept), os.WEXITED | os.WNOWAIT)
    assert [batch.height for batch in dataset.batches(plan, ReadLog())] == [10]


@pytest.mark.parametrize(
    "columns",
    [
        {"i": [1, None], "f": [1.0, 2.0], "t": ["x", "1"], "n": ["1", "2.5"], "b": [True, False]},
        {
            "f": [None, float("nan")],
            "i": pl.Series([None, None], dtype=pl.Int32),
            "x": [1.0, -1e999],
            "z": [None, None],
        },
        {"i": [1, 2]},
        {"t": ["x", "y"]},
    ],
)
def test_a_profile_has_the_types_of_the_text_and_takes_one_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: dict[str, Any]
) -> None:
    pl.DataFrame(columns).write_parquet(tmp_path / "a.parquet")
    text, _ = read(tmp_path / "a.parquet", pl.String())
    end_idle_process()
    started, start = [], parquet_process._started
    monkeypatch.setattr(parquet_process, "_started", lambda: started.append(start()) or started[-1])
    profile = profile_dataset(opened(tmp_path / "a.parquet"))
    found = {name: column.type for name, column in profile.columns.items()}
    assert found == {column.name: infer_type(column.drop_nulls()) for column in text.iter_columns()}
    assert len(started) == 1


def test_no_batch_of_a_wide_table_is_a_remainder_of_a_row_or_two(tmp_path: Path) -> None:
    values = np.arange(4_400.0) + 0.5
    pl.DataFrame({f"n{place}": values for place in range(1_000)}).write_parquet(tmp_path / "a.parquet")
    dataset = opened(tmp_path / "a.parquet")
    heights = [batch.height for batch in dataset.batches(Plan(dict.fromkeys(dataset.columns, pl.Float64())), ReadLog())]
    assert (sum(heights), min(heights[:-1])) == (4_400, max(heights))


def test_text_is_left_alone_where_no_other_spelling_is_set(tmp_path: Path) -> None:
    pl.DataFrame({"s": [" NA ", "1,5"], "n": [1.5, 2.5]}).write_parquet(tmp_path / "a.parquet")
    frame, _ = read(tmp_path / "a.parquet", pl.String())
    assert frame.rows() == [(" NA ", "1.5"), ("1,5", "2.5")]


def test_the_first_rows_may_be_in_two_slices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_files, "_SLICE_CELLS", 100)  # 50 rows, in which one group of 30 has room
    monkeypatch.setattr(parquet_files, "_BATCH_CELLS", 80)  # 40 rows, by which types are found
    monkeypatch.setattr(parquet_files, "_SHORT", 0)
    path = tmp_path / "data.parquet"
    pl.DataFrame({"number": range(120), "text": ["a"] * 120}).write_parquet(path, row_group_size=30)
    profile = profile_dataset(opened(path))
    assert {name: column.missing for name, column in profile.columns.items()} == {"number": 0, "text": 0}


def test_a_system_that_refuses_larger_pipes_is_read_by_small_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr("fcntl.fcntl", refuse)
    with parquet_process.parquet_process() as collect:
        (batch,) = collect(pl.LazyFrame({"a": range(200_000)}), 1_000_000)
    assert batch["a"].sum() == 199_999 * 100_000
