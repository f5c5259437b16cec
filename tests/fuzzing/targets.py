"""Every parser of what others write, by the name of its folder in the corpus."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import polars as pl
from aws_lambda_powertools.utilities.parser.models import EventBridgeModel
from pydantic import BaseModel

from modelwatch_analyzer.bias.config import BiasConfig
from modelwatch_analyzer.bias.documents import BiasAnalysis
from modelwatch_analyzer.data_quality.documents import Constraints, Statistics
from modelwatch_analyzer.explainability.config import ExplainabilityConfig
from modelwatch_analyzer.explainability.documents import Analysis
from modelwatch_analyzer.ground_truth.label_files import label_blocks
from modelwatch_analyzer.host import Host
from modelwatch_analyzer.kind_analysis import analysis_of
from modelwatch_analyzer.model_quality.documents import read_constraints
from modelwatch_analyzer.reading import files, open_dataset
from modelwatch_analyzer.reading.dataset import Plan
from modelwatch_analyzer.reading.files import SourceFile
from modelwatch_analyzer.reading.parquet_footer import repeated_names
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_core import wiring
from modelwatch_core.adapters.aws.dead_letter_queue import _letter
from modelwatch_core.adapters.aws.versioned_items import parsed_item
from modelwatch_core.app.manage_monitors import ManageMonitorsRequest
from modelwatch_core.app.output_folder import (
    END_OF_ANALYSIS,
    METRICS,
    VIOLATION_REPORTS,
    metrics_warnings,
    read_end,
    read_violations,
)
from modelwatch_core.domain.alerts import AlertRaised
from modelwatch_core.domain.analysis import AnalysisRequest
from modelwatch_core.domain.baselining_job import BaselineRequest, BaseliningJob
from modelwatch_core.domain.batch_manifest import manifest_objects
from modelwatch_core.domain.documents import parsed
from modelwatch_core.domain.events import ExecutionEnded, ExecutionRequest
from modelwatch_core.domain.monitor_kinds import kind_of_analysis
from modelwatch_core.domain.monitor_kinds.kind import ProblemType
from modelwatch_core.domain.monitoring_execution import MonitoringExecution
from modelwatch_core.domain.monitoring_schedule import MonitoringSchedule
from modelwatch_core.domain.settings_environment import analysis_settings, settings_from_environment
from modelwatch_core.domain.temporary_endpoint import EndpointStateChange
from tests.core.in_memory import MemoryObjects
from tests.fuzzing.target import Target, each

BASELINE = Path(__file__).with_name("baseline")
"""What data quality made of ``data.csv``; edited baselines start from it."""

MOST_ANALYZED_COLUMNS = 100
MOST_DECOMPRESSED_BYTES = 1 << 16
"""Replaces `files.DECOMPRESSED_LIMIT`: what compressed bytes cost is what they decompress to."""


def _analyzed(folder: Path, name: str, content: bytes, dataset_format: Mapping[str, Any], **settings: Any) -> None:
    """Analyse a file: a baseline without further settings. One of many columns, a millisecond each, is only read."""
    path = folder / name
    path.write_bytes(content)
    given = analysis_settings(
        dataset_source=path, dataset_format=dataset_format, output_path=folder / "output", **settings
    )
    dataset = open_dataset(given)
    if len(dataset.columns) > MOST_ANALYZED_COLUMNS:
        plan = Plan(dict.fromkeys(dataset.columns, pl.String()))
        for _ in dataset.batches(plan, ReadLog()):
            pass
        return
    analysis_of(kind_of_analysis(given.analysis_type)).run(given, Host())


def _captures(content: bytes, folder: Path) -> None:
    _analyzed(folder, "captured.jsonl", content, {"sagemakerCaptureJson": {}})


def _csv(content: bytes, folder: Path) -> None:
    with patch.object(files, "DECOMPRESSED_LIMIT", MOST_DECOMPRESSED_BYTES):
        each(
            lambda: _analyzed(folder, "data.csv", content, {"csv": {"header": True}}),
            lambda: _analyzed(folder, "data.csv", content, {"csv": {"header": False}}),
        )


def _json(content: bytes, folder: Path) -> None:
    with patch.object(files, "DECOMPRESSED_LIMIT", MOST_DECOMPRESSED_BYTES):
        each(
            lambda: _analyzed(folder, "data.json", content, {"json": {"lines": True}}),
            lambda: _analyzed(folder, "data.json", content, {"json": {"lines": False}}),
        )


def _parquet_footers(content: bytes, folder: Path) -> None:
    path = folder / "data.parquet"
    path.write_bytes(content)
    list(repeated_names(path))


def _manifests(content: bytes, folder: Path) -> None:
    path = folder / "labels"
    path.write_bytes(content)
    each(
        lambda: manifest_objects(content, "manifest.json"),
        lambda: list(label_blocks(SourceFile(path, path.name), ReadLog())),
    )


def _analysis_configs(content: bytes, folder: Path) -> None:
    path = folder / "analysis_config.json"
    path.write_bytes(content)
    each(
        lambda: BiasConfig.read(path).metrics,
        lambda: ExplainabilityConfig.read(path).predictor.reference,
        lambda: settings_from_environment(
            {"dataset_source": "in", "output_path": "out", "dataset_format": _text(content)}
        ),
        lambda: settings_from_environment(_strings(content)),
    )


def _baselines(content: bytes, folder: Path) -> None:
    path = folder / "edited.json"
    path.write_bytes(content)
    data, form = (BASELINE / "data.csv").read_bytes(), {"csv": {"header": True}}
    kept = {"baseline_constraints": BASELINE / "constraints.json", "baseline_statistics": BASELINE / "statistics.json"}
    each(
        lambda: Constraints.read(path),
        lambda: Statistics.read(path),
        lambda: BiasAnalysis.read(path),
        lambda: Analysis.read(path),
        *(lambda problem=problem: read_constraints(path, problem) for problem in ProblemType),
        lambda: _analyzed(folder, "data.csv", data, form, **kept | {"baseline_constraints": path}),
        lambda: _analyzed(folder, "data.csv", data, form, **kept | {"baseline_statistics": path}),
    )


_DETAILS: tuple[type[BaseModel], ...] = (ExecutionEnded, AlertRaised, EndpointStateChange)
_INVOCATIONS: tuple[type[BaseModel], ...] = (BaselineRequest, ManageMonitorsRequest, ExecutionRequest, AnalysisRequest)


def _events(content: bytes, _: Path) -> None:
    event = _document(content)
    if not isinstance(event, dict):  # Lambda gives functions documents only
        return
    each(
        *(lambda model=model: parsed(model, event) for model in _INVOCATIONS),
        *(lambda model=model: parsed(model, parsed(EventBridgeModel, event).detail) for model in _DETAILS),
        lambda: wiring.analysis_ended(str(event.get("detail-type")), event.get("detail")),
    )
    _letter(_message(event))


def _message(event: Mapping[str, Any]) -> dict[str, Any]:
    body = event.get("Body", json.dumps(event))
    target = {"TARGET_ARN": {"StringValue": "arn:aws:lambda:us-east-1:123456789012:function:f"}}
    message = {"MessageId": "1", "ReceiptHandle": "r", "Attributes": {"SentTimestamp": "1764000000000"}}
    return message | {"MessageAttributes": target, "Body": body}


def _stored(content: bytes, _: Path) -> None:
    item = {"pk": "p", "sk": "s", "document": _text(content)}
    for model in (MonitoringSchedule, MonitoringExecution, BaseliningJob):
        parsed_item(model, item)
    objects, folder = MemoryObjects(), "s3://bucket/output"
    for name in (VIOLATION_REPORTS[0], END_OF_ANALYSIS, METRICS):
        objects.kept[f"{folder}/{name}"] = content
    read_violations(objects, folder)
    read_end(objects, folder, "baseline/first")
    list(metrics_warnings(objects, folder, now=datetime(2026, 11, 22, tzinfo=UTC)))


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")


def _document(content: bytes) -> object:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _strings(content: bytes) -> dict[str, str]:
    document = _document(content)
    pairs = document.items() if isinstance(document, dict) else ()
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in pairs}


TARGETS: Mapping[str, Target] = {
    "captures": Target(_captures),
    "csv": Target(_csv),
    "json": Target(_json),
    "parquet_footers": Target(_parquet_footers),
    "manifests": Target(_manifests),
    "analysis_configs": Target(_analysis_configs),
    "baselines": Target(_baselines),
    "events": Target(_events),
    "stored": Target(_stored),
}
