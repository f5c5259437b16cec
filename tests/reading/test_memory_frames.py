"""Data frames in memory are read as Parquet files of them would be."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from modelwatch_analyzer.reading import memory_frames, open_dataset
from modelwatch_analyzer.reading.dataset import Plan, Table
from modelwatch_analyzer.reading.files import source_files
from modelwatch_analyzer.reading.memory_frames import DATA_FRAME, FrameOptions, HeldFrame, open_frame
from modelwatch_analyzer.reading.parquet_files import open_parquet
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.settings_environment import analysis_settings

EVERY_TYPE = pl.DataFrame(
    {
        "integer": [1, None],
        "half": pl.Series([1.5, float("nan")], dtype=pl.Float32),
        "infinite": [1.0, float("inf")],
        "text": ["x", ""],
        "flag": [True, None],
        "day": [dt.date(2026, 1, 31), None],
        "time": [dt.timedelta(days=1), None],
        "money": [Decimal("1.50"), None],
        "bytes": [b"\xff\x00", b""],
        "uint64": pl.Series([2**63, None], dtype=pl.UInt64),
        "kind": pl.Series(["a", None], dtype=pl.Categorical),
        "none": [None, None],
        "s": [{"x": 1, "y": [{"z": "q"}]}, None],
        "l": [[1, 2], []],
    }
)


def opened(frame: pl.DataFrame) -> memory_frames.MemoryFrame:
    return open_frame(FrameOptions(data=HeldFrame(frame, "the frame")))


def read(table: Table, dtype: pl.DataType) -> tuple[pl.DataFrame, int]:
    log = ReadLog()
    plan = Plan(dict.fromkeys(table.columns, dtype))
    return pl.concat(table.batches(plan, log), how="vertical_relaxed"), log.read


@pytest.mark.slow  # a Parquet file is read in a process of its own
@pytest.mark.parametrize("dtype", [pl.String(), pl.Float64(), pl.Int64()], ids=str)
def test_a_frame_is_read_as_the_parquet_file_of_it(tmp_path: Path, dtype: pl.DataType) -> None:
    EVERY_TYPE.write_parquet(tmp_path / "a.parquet")
    of_file, rows = read(open_parquet(source_files(tmp_path)), dtype)
    of_frame, rows_of_frame = read(opened(EVERY_TYPE), dtype)
    assert_frame_equal(of_frame, of_file)
    assert rows_of_frame == rows == 2


PRICES = pa.table(
    {
        "prices": pa.array([[("net", 1)], None], pa.map_(pa.string(), pa.int64())),
        "by_day": pa.array([[[("net", 2)]], []], pa.list_(pa.map_(pa.string(), pa.int64()))),
        "response": pa.array(['{"a": 1}', None], pa.json_()),
    }
)
PERIODS = pd.DataFrame(
    {"month": pd.period_range("2026-01", periods=2, freq="M"), "age": pd.interval_range(0, 2, periods=2)}
)


@pytest.mark.slow  # a Parquet file is read in a process of its own
@pytest.mark.parametrize(
    ("table", "first_row"),
    [
        (
            PRICES,
            {
                "prices.0.key": "net",
                "prices.0.value": "1",
                "by_day.0.0.key": "net",
                "by_day.0.0.value": "2",
                "response": '{"a": 1}',
            },
        ),
        # 2026-01 is 56 years of 12 months after 1970-01.
        (pa.Table.from_pandas(PERIODS), {"month": "672", "age.left": "0", "age.right": "1"}),
    ],
    ids=["maps", "extension types"],
)
def test_maps_and_extension_types_are_read_as_what_they_are_stored_as(
    tmp_path: Path, table: pa.Table, first_row: dict[str, str]
) -> None:
    pq.write_table(table, tmp_path / "a.parquet")
    of_file, _ = read(open_parquet(source_files(tmp_path)), pl.String())
    of_frame, _ = read(opened(pl.DataFrame(table)), pl.String())
    assert_frame_equal(of_frame, of_file)
    assert of_frame.row(0, named=True) == first_row


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=20), st.integers(1, 7))
def test_batches_are_the_rows_in_their_order_however_large_they_are(values: list[int], cells: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory_frames, "_BATCH_CELLS", cells)
        found, rows = read(opened(pl.DataFrame({"a": values})), pl.Int64())
    assert (found["a"].to_list(), rows) == (values, len(values))


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (pl.DataFrame({"o": pl.Series([object()], dtype=pl.Object)}), "UnreadableFrame"),
        (pl.DataFrame({" ": [1]}), "BlankColumnName"),
        (pl.DataFrame({"a.b": [1], "a": [{"b": 1}]}), "DuplicateColumn"),
        (pl.DataFrame(), "EmptyDataset"),
    ],
    ids=["objects", "blank name", "two columns of one name", "no columns"],
)
def test_a_frame_that_cannot_be_read_says_why(frame: pl.DataFrame, code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        opened(frame)
    assert refused.value.code == code


def test_settings_do_not_show_the_frame_they_hold(tmp_path: Path) -> None:
    frame = pl.DataFrame({"a": ["secret value"]})
    dataset_format = {DATA_FRAME: {"data": HeldFrame(frame, "the frame")}}
    settings = analysis_settings(dataset_source=tmp_path, dataset_format=dataset_format, output_path=tmp_path)
    assert open_dataset(settings).columns == ("a",)
    assert "secret value" not in repr(settings)


def test_a_document_cannot_hold_a_frame(tmp_path: Path) -> None:
    dataset_format = '{"dataFrame": {"data": "text"}}'
    settings = analysis_settings(dataset_source=tmp_path, dataset_format=dataset_format, output_path=tmp_path)
    with pytest.raises(InvalidInput, match=r"dataset_format\.dataFrame\.data") as refused:
        open_dataset(settings)
    assert refused.value.code == "InvalidSettings"
