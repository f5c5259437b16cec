"""Reports are the same bytes for any number of processes that read the dataset."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from modelwatch_analyzer.analysis import analyze
from modelwatch_analyzer.host import Host
from modelwatch_analyzer.parts import Workers
from modelwatch_analyzer.reading import capture_records, csv_files, parquet_files
from modelwatch_analyzer.reading import files as reading_files
from modelwatch_core.domain.settings_environment import settings_from_environment
from tests.parts import datasets
from tests.parts.datasets import KINDS, baseline_of, check_of, reports_in
from tests.parts.test_pieces import capture


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("workers")
    datasets.make(folder)
    for name in ("baseline", "window"):
        files = [pl.read_csv(path, ignore_errors=True) for path in sorted((folder / name).iterdir())]
        pl.concat(file.cast({"mixed": pl.String}) for file in files).write_parquet(folder / f"{name}.parquet")
    (folder / "captures").mkdir()
    capture(folder / "captures", [[f"{number} {row // 2}" for row in range(300)] for number in range(9)])
    return folder


def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have small datasets in many pieces."""
    monkeypatch.setattr(csv_files, "PIECE_BYTES", 4_000)
    monkeypatch.setattr(parquet_files, "_PIECE_CELLS", 1_000)
    monkeypatch.setattr(capture_records, "_PIECE_BYTES", 4_000)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_reports_are_the_same_for_any_number_of_processes(
    kind: str, file_format: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(monkeypatch)

    def run(environment: dict[str, str], source: str, count: int) -> dict[str, bytes]:
        if file_format == "parquet":
            source = str(folder / f"{source}.parquet")
            environment |= {"dataset_format": '{"parquet": {}}', "dataset_source": source}
        analyze(settings_from_environment(environment), Host(gather=Workers(count)))
        return reports_in(Path(environment["output_path"]))

    def analyzed(count: int) -> tuple[dict[str, bytes], dict[str, bytes]]:
        baseline, check = tmp_path / f"baseline {count}", tmp_path / f"check {count}"
        made = run(baseline_of(kind, folder, baseline), "baseline", count)
        return made, run(check_of(kind, folder, check, baseline), "window", count)

    alone = analyzed(1)
    assert json.loads(alone[1]["constraint_violations.json"])["violations"]
    assert analyzed(3) == alone  # two and four: the tests of this file that follow


@pytest.mark.slow
def test_reports_on_captures_are_the_same_for_any_number_of_processes(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(monkeypatch)
    written: list[dict[str, bytes]] = []
    for count in (1, 2):
        environment = {
            "analysis_type": "DATA_QUALITY",
            "dataset_source": str(folder / "captures"),
            "dataset_format": '{"sagemakerCaptureJson": {}}',
            "output_path": str(tmp_path / str(count)),
        }
        summary = analyze(settings_from_environment(environment), Host(gather=Workers(count)))
        assert (summary.records.read, summary.records.duplicate_events, summary.records.malformed) == (2_700, 1_350, 9)
        written.append(reports_in(tmp_path / str(count)))
    assert written[0] == written[1]


@pytest.mark.slow
def test_many_parts_are_shared_out_whole_with_the_same_reports(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading_files, "PART_BYTES", 1)
    found: list[dict[str, Any]] = []
    for count in (1, 4):
        settings = settings_from_environment(baseline_of("DATA_QUALITY", folder, tmp_path / str(count)))
        analyze(settings, Host(gather=Workers(count)))
        found.append(reports_in(tmp_path / str(count)))
    assert found[0] == found[1]


def _requests(folder: Path, requests: int) -> None:
    """Write labelled captures of requests of up to nine rows, a file each hour."""
    drawn = np.random.default_rng(4)
    folder.mkdir()
    for hour in range(3):
        lines = []
        for number in range(requests):
            rows = int(drawn.integers(1, 10))
            texts = {
                "endpointInput": "\n".join(json.dumps({"sex": "fm"[value]}) for value in drawn.integers(0, 2, rows)),
                "endpointOutput": "\n".join(f"{value:.6f}" for value in drawn.random(rows)),
            }
            forms = ("JSON", "CSV")
            sides = {
                side: {"data": text, "encoding": form} for form, (side, text) in zip(forms, texts.items(), strict=True)
            }
            truth = {"data": "\n".join(map(str, drawn.integers(0, 2, rows).tolist())), "encoding": "CSV"}
            metadata = {"eventId": f"{hour}-{number}", "inferenceTime": f"2026-11-22T{hour:02}:30:00Z"}
            lines.append(json.dumps({"captureData": sides, "groundTruthData": truth, "eventMetadata": metadata}))
        (folder / f"{hour}.jsonl").write_text("\n".join(lines))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["MODEL_QUALITY", "MODEL_BIAS"])
def test_reports_on_requests_of_which_some_are_kept_are_the_same_for_any_number_of_processes(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(monkeypatch)
    _requests(tmp_path / "captures", 2_500)  # 37,500 rows, of which 20,000 entries are kept
    facet = {"label_values_or_threshold": [1], "facet": [{"name_or_index": "sex", "value_or_threshold": ["f"]}]}
    (tmp_path / "config.json").write_text(json.dumps(facet))
    more = {"MODEL_QUALITY": {"problem_type": "BinaryClassification"}, "MODEL_BIAS": {}}[kind]
    written = []
    for count in (1, 3):
        environment = more | {
            "analysis_type": kind,
            "dataset_source": str(tmp_path / "captures"),
            "dataset_format": '{"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput", "endpointOutput"]}}',
            "probability_attribute": "0",
            "output_path": str(tmp_path / str(count)),
            "bootstrap_replicates": "100",
        }
        if kind == "MODEL_BIAS":
            environment["analysis_config"] = str(tmp_path / "config.json")
        analyze(settings_from_environment(environment), Host(gather=Workers(count)))
        written.append(reports_in(tmp_path / str(count)))
    assert any(b'"repeated"' in each for each in written[0].values())
    assert written[0] == written[1]
