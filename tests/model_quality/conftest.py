"""Labelled predictions in CSV files, and analyses of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelwatch_analyzer.analysis import analyze
from modelwatch_core.domain.analysis import AnalysisSummary
from modelwatch_core.domain.settings_environment import analysis_settings


class Runs:
    """Runs analyses in a folder and reads what they wrote."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def csv(self, name: str, header: str, *rows: str) -> Path:
        path = self.folder / name
        path.write_text("\n".join([header, *rows]) + "\n")
        return path

    def run(self, source: Path, output: str, **settings: Any) -> AnalysisSummary:
        values = {
            "analysis_type": "MODEL_QUALITY",
            "dataset_format": {"csv": {"header": True}},
            "dataset_source": source,
            "output_path": self.folder / output,
            "bootstrap_replicates": 100,
            "ground_truth_attribute": "label",
            **settings,
        }
        return analyze(analysis_settings(**{name: value for name, value in values.items() if value is not None}))

    def read(self, output: str, name: str) -> dict[str, Any]:
        def no_constant(word: str) -> None:
            raise AssertionError(f"{name} is not strict JSON: {word}")

        document: dict[str, Any] = json.loads((self.folder / output / name).read_text(), parse_constant=no_constant)
        return document


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


@pytest.fixture
def edited(runs: Runs) -> Callable[[str, Callable[[dict[str, Any]], None]], Path]:
    """Change the constraints of a baseline, as a person would."""

    def edit(output: str, change: Callable[[dict[str, Any]], None]) -> Path:
        document = runs.read(output, "constraints.json")
        change(document)
        path = runs.folder / "edited.json"
        path.write_text(json.dumps(document))
        return path

    return edit
