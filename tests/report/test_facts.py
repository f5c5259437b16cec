"""What a report says of its subject."""

from __future__ import annotations

from pathlib import Path

from modelwatch_analyzer.report import facts_of, title_of
from modelwatch_core.domain.analysis_settings import AnalysisSettings
from modelwatch_core.domain.settings_environment import analysis_settings


def settings(**fields) -> AnalysisSettings:
    given = {"dataset_source": Path("/data/today.csv"), "output_path": Path("/out")}
    return analysis_settings(**(given | fields))


def test_the_title_names_the_kind_and_the_schedule_and_distinguishes_a_check_from_a_baseline():
    assert title_of("Bias", settings()) == "Bias baseline of today.csv"
    hourly = settings(
        baseline_constraints=Path("/constraints.json"),
        sagemaker_endpoint_name="mortgage",
        sagemaker_monitoring_schedule_name="hourly",
    )
    assert title_of("Bias", hourly) == "Bias of mortgage / hourly"


def test_the_facts_are_those_that_were_given():
    assert facts_of(settings()) == {"Dataset": "today.csv", "Format": "csv"}
    given = settings(
        analysis_type="MODEL_QUALITY",
        start_time="2026-11-22T09:00:00Z",
        end_time="2026-11-22T10:00:00Z",
        ground_truth_source="/labels",
        problem_type="Regression",
        sagemaker_endpoint_name="mortgage",
    )
    assert facts_of(given) == {
        "Dataset": "today.csv",
        "Format": "csv",
        "Window": "2026-11-22T09:00:00Z to 2026-11-22T10:00:00Z",
        "Labels": "labels",
        "Problem type": "Regression",
        "Endpoint": "mortgage",
    }
    assert facts_of(settings(end_time="2026-11-22T10:00:00Z"))["Window"] == "... to 2026-11-22T10:00:00Z"


def test_a_folder_that_holds_one_file_is_named_by_the_file(tmp_path: Path) -> None:
    (tmp_path / "input").mkdir()
    (tmp_path / "input" / "train.csv").touch()
    alone = settings(dataset_source=tmp_path / "input")
    assert title_of("Bias", alone) == "Bias baseline of train.csv"
    (tmp_path / "input" / "more.csv").touch()
    assert facts_of(alone)["Dataset"] == "input"
