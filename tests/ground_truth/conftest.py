"""Captures and labels, written as SageMaker's data capture and its users write them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from modelwatch_analyzer.ground_truth import LabelledDataset, open_labelled_dataset
from modelwatch_analyzer.reading.dataset import Dataset, Plan, Role
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_core.domain.analysis_settings import GroundTruthSettings
from modelwatch_core.domain.settings_environment import analysis_settings

HOUR = "churn/AllTraffic/2026/11/22/03"
WINDOW = {"start_time": "2026-11-22T03:00:00Z", "end_time": "2026-11-22T04:00:00Z"}
PART = "part-00000-20261122T030000Z-20261122T040000Z.jsonl"


def captured(
    response: str,
    request: str = "41,7",
    event: str | None = "e",
    inference: str | None = None,
    time: str | None = "2026-11-22T03:10:00Z",
) -> dict[str, Any]:
    metadata = {"eventId": event, "inferenceId": inference, "inferenceTime": time}
    return {
        "captureData": {
            "endpointInput": {
                "observedContentType": "text/csv",
                "mode": "INPUT",
                "data": request,
                "encoding": "CSV",
            },
            "endpointOutput": {
                "observedContentType": "text/csv; charset=utf-8",
                "mode": "OUTPUT",
                "data": response,
                "encoding": "CSV",
            },
        },
        "eventMetadata": {name: value for name, value in metadata.items() if value is not None},
        "eventVersion": "0",
    }


def label(event: str, data: str, encoding: str = "CSV") -> dict[str, Any]:
    return {
        "groundTruthData": {"data": data, "encoding": encoding},
        "eventMetadata": {"eventId": event},
        "eventVersion": "0",
    }


class World:
    """Folders of captures and labels, and the dataset that they are merged into."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def capture(self, *records: dict[str, Any] | str, path: str = f"{HOUR}/a.jsonl") -> None:
        self.write(f"capture/{path}", "".join(f"{_line(record)}\n" for record in records))

    def labels(self, *records: dict[str, Any] | str, path: str = "2026/11/22/03/a.jsonl") -> None:
        self.write(f"labels/{path}", "".join(f"{_line(record)}\n" for record in records))

    def write(self, path: str, content: str | bytes) -> Path:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        data = content if isinstance(content, bytes) else content.encode()
        file.write_bytes(gzip.compress(data) if path.endswith(".gz") else data)
        return file

    def opened(self, **changes: Any) -> LabelledDataset:
        settings: dict[str, Any] = {
            "dataset_source": self.folder / "capture",
            "dataset_format": {"sagemakerCaptureJson": {}},
            "output_path": self.folder / "out",
            "ground_truth_source": self.folder / "labels",
            **WINDOW,
        }
        made = analysis_settings(**({"analysis_type": "MODEL_BIAS"} | settings | changes))
        assert isinstance(made, GroundTruthSettings)
        return open_labelled_dataset(made)

    def merged(self, path: str = f"{HOUR}/{PART}") -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "out/merge" / path).read_text().splitlines()]


def _line(record: dict[str, Any] | str) -> str:
    return record if isinstance(record, str) else json.dumps(record)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def rows(dataset: Dataset, *roles: Role, log: ReadLog | None = None) -> list[tuple[str | None, ...]]:
    """Read the columns of some roles, as text."""
    names = [name for role in roles for name in dataset.roles[role]]
    batches = dataset.batches(Plan(dict.fromkeys(names, pl.String())), log or ReadLog())
    return [row for batch in batches for row in batch[:, names].rows()]
