"""Objects in S3 are read as files are, by a driver that has only their ends and tasks that have their own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import polars as pl
import pytest
from moto import mock_aws

from modelwatch.spark import objects as spark_objects
from modelwatch.spark.objects import S3Dataset
from modelwatch_analyzer.analysis import analyze
from modelwatch_analyzer.host import Host
from modelwatch_analyzer.parts import Counted, Node, Reading, root
from modelwatch_analyzer.reading import files as reading_files
from modelwatch_analyzer.reading.dataset import Table
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.settings_environment import settings_from_environment

_FORMATS = {"csv": '{"csv": {"header": true}}', "parquet": '{"parquet": {}}'}


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(reading_files, "PART_BYTES", 1)
    monkeypatch.setattr(spark_objects, "_END_BYTES", 8_192)
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="bucket")
        yield client


def write(folder: Path, kind: str, *, lists: bool = False) -> None:
    draw = np.random.default_rng(3)
    for number in range(3):
        rows = pl.DataFrame({"a": draw.normal(size=4_000), "b": draw.integers(0, 9, 4_000)})
        if lists:
            rows = rows.with_columns(pl.concat_list("a", "b").alias("both"))
        path = folder / f"day={number}" / f"part.{kind}"
        path.parent.mkdir(parents=True)
        rows.write_csv(path) if kind == "csv" else rows.write_parquet(path, compression="uncompressed")
    (folder / "_SUCCESS").write_text("")


def upload(s3: Any, folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            s3.upload_file(str(path), "bucket", f"data/{path.relative_to(folder).as_posix()}")


@dataclass
class Tasks:
    """Reads each part while its files are present, and notes how much storage they take before."""

    dataset: S3Dataset
    stored: list[int]

    def __call__(self, reading: Reading[Any], parts: Sequence[Table]) -> Counted[Any]:
        counted: Counted[Any] = root(self._nodes(reading, parts))
        return counted

    def _nodes(self, reading: Reading[Any], parts: Sequence[Any]) -> Iterator[Node]:
        for number, part in enumerate(parts):
            self.stored.append(sum(source.path.stat().st_blocks * 512 for source in part.sources))
            with self.dataset.present(part.sources):
                yield Node(0, number, reading(number, part))


def statistics(output: Path) -> Any:
    return json.loads((output / "statistics.json").read_bytes())


@pytest.mark.parametrize(("kind", "lists"), [("csv", False), ("parquet", False), ("parquet", True)])
def test_a_dataset_in_s3_has_the_statistics_of_its_files(s3: Any, tmp_path: Path, kind: str, lists: bool) -> None:
    write(tmp_path / "files", kind, lists=lists)
    upload(s3, tmp_path / "files")
    given = {"dataset_format": _FORMATS[kind]}
    local = given | {"dataset_source": str(tmp_path / "files"), "output_path": str(tmp_path / "local")}
    analyze(settings_from_environment(local))
    dataset = S3Dataset("s3://bucket/data", tmp_path / "placed")
    remote = given | {"dataset_source": str(dataset.place()), "output_path": str(tmp_path / "remote")}
    tasks = Tasks(dataset, [])
    analyze(settings_from_environment(remote), Host(gather=tasks))
    assert statistics(tmp_path / "remote") == statistics(tmp_path / "local")
    whole = (tmp_path / f"files/day=1/part.{kind}").stat().st_size
    assert all((stored < whole) is not lists for stored in tasks.stored[1:])  # of the first file all is there
    with pytest.raises(InvalidInput):  # what a task has read takes no storage any more
        analyze(settings_from_environment(remote | {"output_path": str(tmp_path / "again")}))


def test_one_object_is_one_file(s3: Any, tmp_path: Path) -> None:
    s3.put_object(Bucket="bucket", Key="data/rows.csv", Body=b"a,b\n1,2\n")
    dataset = S3Dataset("s3://bucket/data/rows.csv", tmp_path)
    path = dataset.place()
    assert path == tmp_path / "rows.csv"
    path.write_bytes(b"")
    with dataset.present([reading_files.SourceFile(path, "rows.csv")]):
        assert path.read_bytes() == b"a,b\n1,2\n"


@pytest.mark.parametrize(
    ("key", "code"), [("other/rows.csv", "InputNotFound"), ("data/../rows.csv", "KeyOutsideFolder")]
)
def test_objects_that_cannot_be_files_of_the_dataset_are_refused(s3: Any, tmp_path: Path, key: str, code: str) -> None:
    s3.put_object(Bucket="bucket", Key=key, Body=b"a\n1\n")
    with pytest.raises(InvalidInput) as refused:
        S3Dataset("s3://bucket/data", tmp_path).place()
    assert refused.value.code == code
