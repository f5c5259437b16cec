"""A dataset in parts gives the same reports, whoever reads which of them and merges what was read."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch_analyzer.analysis import analyze
from modelwatch_analyzer.calibrated.row_sample import RowSample
from modelwatch_analyzer.host import Host
from modelwatch_analyzer.parts import Counted, Node, Reading, merged, root
from modelwatch_analyzer.reading import files as reading_files
from modelwatch_analyzer.reading.dataset import Table
from modelwatch_analyzer.reading.files import SourceFile, in_parts
from modelwatch_core.domain.settings_environment import settings_from_environment
from tests.parts import datasets
from tests.parts.datasets import KINDS, baseline_of, check_of, reports_in


@dataclass(frozen=True)
class Merges:
    """A state that shows what was merged with what."""

    text: str

    def merge(self, other: Merges) -> Merges:
        return Merges(f"({self.text} {other.text})")


def leaves(start: int, stop: int) -> Iterator[Node]:
    return (Node(0, number, Merges(str(number))) for number in range(start, stop))


@given(st.integers(1, 70), st.lists(st.integers(0, 70), max_size=8))
def test_what_is_merged_with_what_does_not_depend_on_who_reads_which_parts(count: int, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, count) for cut in cuts), count]
    by_task = [node for start, stop in pairwise(edges) for node in merged(leaves(start, stop))]
    assert root(by_task) == root(leaves(0, count))


def test_seven_parts_are_merged_in_pairs_and_the_rest_from_the_last_one_on() -> None:
    assert root(leaves(0, 7)).text == "(((0 1) (2 3)) ((4 5) 6))"


def test_a_part_ends_with_the_file_that_fills_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_files, "PART_BYTES", 100)
    sources = []
    for number, size in enumerate([60, 40, 100, 30, 30]):
        (tmp_path / str(number)).write_bytes(b"x" * size)
        sources.append(SourceFile(tmp_path / str(number), str(number)))
    parts = in_parts(sources, lambda source: source)
    assert [[source.label for source in part] for part in parts] == [["0", "1"], ["2"], ["3", "4"]]


@dataclass(frozen=True)
class Tasks:
    """Reads parts as several processes would: what they are given and what they return is pickled."""

    count: int

    def __call__(self, reading: Reading[Any], parts: Sequence[Table]) -> Counted[Any]:
        edges = [len(parts) * task // self.count for task in range(self.count + 1)]
        nodes = [
            node
            for start, stop in pairwise(edges)
            for node in self._task(pickle.dumps((reading, parts[start:stop])), start)
        ]
        counted: Counted[Any] = root(nodes)
        return counted

    def _task(self, pickled: bytes, first: int) -> list[Node]:
        reading, parts = pickle.loads(pickled)
        nodes = merged(Node(0, number, reading(number, part)) for number, part in enumerate(parts, first))
        return pickle.loads(pickle.dumps(nodes))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parts")
    datasets.make(folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_reports_are_the_same_whoever_reads_which_parts(
    kind: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading_files, "PART_BYTES", 1)
    baseline, check = datasets.analyzed(kind, folder, tmp_path)
    assert json.loads((check / "constraint_violations.json").read_bytes())["violations"]
    again, check_again = tmp_path / "baseline again", tmp_path / "check again"
    analyze(settings_from_environment(baseline_of(kind, folder, again)), Host(gather=Tasks(2)))
    analyze(settings_from_environment(check_of(kind, folder, check_again, again)), Host(gather=Tasks(5)))
    assert reports_in(again) == reports_in(baseline)
    assert reports_in(check_again) == reports_in(check)


def test_parts_add_up_to_what_the_whole_has(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = analyze(settings_from_environment(baseline_of("DATA_QUALITY", folder, tmp_path / "whole")))
    monkeypatch.setattr(reading_files, "PART_BYTES", 1)
    parts = analyze(settings_from_environment(baseline_of("DATA_QUALITY", folder, tmp_path / "parts")))
    assert parts.records == whole.records
    assert (parts.records.read, parts.records.malformed) == (datasets.FILES * datasets.ROWS, 1)
    for one, other in zip(features_in(tmp_path / "parts"), features_in(tmp_path / "whole"), strict=True):
        assert one["inferred_type"] == other["inferred_type"]
        if "string_statistics" in one:
            assert one["string_statistics"] == other["string_statistics"]
            continue
        numbers, expected = one["numerical_statistics"], other["numerical_statistics"]
        exact = ("common", "sum", "mean", "min", "max")
        assert {name: numbers[name] for name in exact} == {name: expected[name] for name in exact}
        assert numbers["std_dev"] == pytest.approx(expected["std_dev"], rel=1e-12)


def features_in(folder: Path) -> list[dict[str, Any]]:
    document: list[dict[str, Any]] = json.loads((folder / "statistics.json").read_bytes())["features"]
    return document


@given(st.lists(st.integers(0, 900), min_size=1, max_size=6))
def test_a_merged_sample_has_the_rows_with_the_smallest_numbers_of_all_parts(sizes: list[int]) -> None:
    samples = []
    for part, size in enumerate(sizes):
        sample = RowSample(1, rows=1_000, part=part)
        for start in range(0, size, 250):
            rows = range(1_000 * part + start, 1_000 * part + min(start + 250, size))
            sample.update(pl.DataFrame({"row": rows}, schema={"row": pl.Int64()}))
        samples.append(sample)
    together = samples[0]
    for sample in samples[1:]:
        together = together.merge(sample)
    drawn = {
        1_000 * part + row: number
        for part, size in enumerate(sizes)
        for row, number in enumerate(np.random.default_rng([20261119, part] if part else 20261119).random(size))
    }
    smallest = sorted(sorted(drawn, key=drawn.__getitem__)[:1_000])
    assert [row for part in together.parts for row in part["row"]] == smallest
    assert together.total == sum(sizes)
