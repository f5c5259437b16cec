"""What is read, and what is said, of files of each format that are said to be of each other one."""

from __future__ import annotations

import gzip
import io
import json
import pickle
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import modelwatch

RECORDS = [{"age": age, "city": "de", "score": age / 2} for age in range(20, 60)]
LISTS = [list(record.values()) for record in RECORDS]
CAPTURED = {
    "captureData": {"endpointInput": {"data": "1,2", "encoding": "CSV"}},
    "eventMetadata": {"eventId": "e", "inferenceTime": "2026-03-01T10:00:00Z"},
    "eventVersion": "0",
}


def binary(write: Callable[[io.BytesIO], object]) -> bytes:
    content = io.BytesIO()
    write(content)
    return content.getvalue()


def lines(documents: Iterable[object]) -> bytes:
    return "\n".join(map(json.dumps, documents)).encode()


CSV = pl.DataFrame(RECORDS).write_csv().encode()
FILES = {
    "csv": CSV,
    "csv without names": CSV.partition(b"\n")[2],
    "csv in quotes": pl.DataFrame(RECORDS).write_csv(quote_style="always").encode(),
    "csv of Windows": b"\xef\xbb\xbf" + CSV.replace(b"\n", b"\r\n"),
    "csv of semicolons": CSV.replace(b",", b";"),
    "csv of tabs": CSV.replace(b",", b"\t"),
    "jsonlines": lines(RECORDS),
    "jsonlines of lists": lines(LISTS),
    "json": json.dumps(RECORDS).encode(),
    "json over lines": json.dumps(RECORDS, indent=2).encode(),
    "capture": lines([CAPTURED] * 9),
    "parquet": binary(pl.DataFrame(RECORDS).write_parquet),
}
DECLARED = ("csv", "json", "jsonlines", "parquet", "capture", "batch-transform")
READ = {  # what is of the declared format, or has documents that it may have
    "csv": {name for name in FILES if name.startswith("csv")},
    "json": {"json", "json over lines"},
    "jsonlines": {"json", "jsonlines", "jsonlines of lists"},
    "parquet": {"parquet"},
    "capture": {"capture"},
    "batch-transform": set(),
}


@pytest.mark.parametrize("declared", DECLARED)
@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("actual", FILES)
def test_a_file_is_read_or_refused_with_the_name_of_the_format_that_it_has(
    tmp_path: Path, actual: str, declared: str, *, compressed: bool
) -> None:
    content = FILES[actual]
    path = tmp_path / "data"  # whose name says nothing
    path.write_bytes(gzip.compress(content) if compressed else content)
    if actual in READ[declared] and not (compressed and actual == "parquet"):
        assert modelwatch.baseline(path, dataset_format=declared).statistics["dataset"]["item_count"] > 0
        return
    with pytest.raises(modelwatch.ModelwatchError) as refused:
        modelwatch.baseline(path, dataset_format=declared)
    assert refused.value.code == "OtherFormat"
    assert refused.value.message.startswith("data")
    assert refused.value.message.endswith(f"name the format {actual.split(maxsplit=1)[0]} in dataset_format")
    assert ("decompress it" in refused.value.message) == (compressed and actual == "parquet")


UNREADABLE = {
    "Avro": b"Obj\1\4\x16avro.schema\2{}",  # the Avro specification, 1.11.1: Object Container Files
    "ORC": b"ORC\x0a\0\0",  # the ORC specification, v1: the file's header
    "Arrow": binary(pl.DataFrame(RECORDS).write_ipc),
    "an array of NumPy": binary(lambda file: np.save(file, np.zeros(3))),
    "a pickle": pickle.dumps(RECORDS),
    "a workbook": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512),  # MS-CFB 2.2, the header's signature
    "an HTML page": b"\n<!DOCTYPE html>\n<html><body>Not found</body></html>\n",
    "an XML document": b"<?xml version='1.0'?>\n<Error><Code>AccessDenied</Code></Error>\n",
}


@pytest.mark.parametrize("declared", DECLARED)
@pytest.mark.parametrize("what", UNREADABLE)
def test_a_file_of_a_format_that_is_not_read_is_refused_by_what_it_is(tmp_path: Path, what: str, declared: str) -> None:
    (tmp_path / "data").write_bytes(UNREADABLE[what])
    with pytest.raises(modelwatch.ModelwatchError, match=f"OtherFormat: data is {what}"):
        modelwatch.baseline(tmp_path / "data", dataset_format=declared)


@pytest.mark.parametrize("text", ["PAR1,ORC\n1,2\n", "ORC,b\n1,2\n", "<htmlsize>,b\n1,2\n", "<b>,c\n1,2\n"])
def test_text_may_begin_like_a_file_of_another_format(tmp_path: Path, text: str) -> None:
    (tmp_path / "data").write_text(text)
    made = modelwatch.baseline(tmp_path / "data", dataset_format="csv")
    assert [feature["name"] for feature in made.statistics["features"]] == text.split("\n", maxsplit=1)[0].split(",")


@pytest.mark.parametrize(
    "text",
    [
        "{'a': 1, 'b': 2}\n{'a': 2, 'b': 3}\n",  # as Python prints them
        '{"a": 1, "b": 2},\n{"a": 2, "b": 3},\n',
        '{"a": 1}{"a": 2}',
        "one\ntwo\n",
        "one, two\nthree\n",
        "one line, and no more",
    ],
)
@pytest.mark.parametrize("declared", ["json", "jsonlines", "capture"])
def test_what_is_of_no_format_for_certain_is_malformed(tmp_path: Path, text: str, declared: str) -> None:
    (tmp_path / "data").write_text(text)
    with pytest.raises(modelwatch.ModelwatchError, match="AllMalformed: "):
        modelwatch.baseline(tmp_path / "data", dataset_format=declared)


@pytest.mark.parametrize("declared", ["json", "jsonlines"])
@pytest.mark.parametrize("content", [FILES["json"], json.dumps(RECORDS[0]).encode()])
def test_an_attribute_that_finds_nothing_is_not_taken_for_another_format(
    tmp_path: Path, declared: str, content: bytes
) -> None:
    (tmp_path / "data").write_bytes(content)
    with pytest.raises(modelwatch.ModelwatchError, match="features_attribute"):
        modelwatch.baseline(tmp_path / "data", dataset_format=declared, features_attribute="rows[*]")


def test_one_file_of_another_format_among_others_is_counted_as_malformed(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "a.csv").write_bytes(CSV)
    (folder / "b.jsonl").write_bytes(FILES["jsonlines"])
    made = modelwatch.baseline(folder, dataset_format="jsonlines")
    assert made.statistics["dataset"]["item_count"] == len(RECORDS)
    assert made.summary is not None
    assert made.summary.records.malformed == CSV.count(b"\n")
