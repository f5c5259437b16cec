"""Sketches of a ``statistics.json`` are read where they are used, however the file is written."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from modelwatch_analyzer.data_quality.documents import Statistics
from modelwatch_analyzer.feature_statistics import sketch_of
from modelwatch_analyzer.sketches.kll import KllSketch
from modelwatch_core.domain.errors import InvalidInput


def _document(sketch: object) -> dict[str, object]:
    numbers = {"distribution": {"kll": {"buckets": [], "sketch": sketch}}}
    features = [
        {"name": f'"sketch": {i}', "inferred_type": "Fractional", "numerical_statistics": numbers} for i in (0, 1)
    ]
    return {"version": 0.0, "features": features}


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("order", [("parameters", "data"), ("data", "parameters")])
def test_every_way_to_write_a_sketch_reads_the_same(tmp_path: Path, indent: int | None, order: tuple[str, str]) -> None:
    sketch = KllSketch()
    sketch.update(np.random.default_rng(1).normal(size=5_000))
    written = {key: sketch.to_document()[key] for key in order}
    path = tmp_path / "statistics.json"
    path.write_text(json.dumps(_document(written), indent=indent))
    statistics = Statistics.read(path)
    for feature in statistics.features:
        read = sketch_of(feature)
        assert read is not None
        assert read.to_document() == sketch.to_document()


def test_a_damaged_sketch_is_an_error_of_what_looks_at_it(tmp_path: Path) -> None:
    path = tmp_path / "statistics.json"
    content = json.dumps(_document({"parameters": {"c": 0.64, "k": 2048.0}, "data": [[1.5]]}))
    path.write_text(content.replace("1.5", "null", 1))
    damaged, sound = Statistics.read(path).features
    assert sketch_of(sound) is not None
    with pytest.raises(InvalidInput, match="create the baseline again") as refused:
        sketch_of(damaged)
    assert refused.value.code == "InvalidSketch"
    assert damaged.name in refused.value.message


def test_a_file_with_what_is_no_json_is_refused_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "statistics.json"
    content = json.dumps(_document({"parameters": {"c": 0.64, "k": 2048.0}, "data": [[1.5]]}))
    path.write_text(content.replace("1.5", "1.5.5", 1))
    with pytest.raises(InvalidInput, match="line 1 column") as refused:
        Statistics.read(path)
    assert refused.value.code == "InvalidStatistics"
