"""One analysis from settings to files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelwatch_analyzer.analysis import analyze
from modelwatch_core.domain.analysis import AnalysisSummary
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.settings_environment import analysis_settings, settings_from_environment
from tests.data_quality.conftest import Workbench, table


def test_settings_are_read_from_the_containers_environment(tmp_path: Path) -> None:
    settings = settings_from_environment(
        {
            "dataset_source": str(tmp_path),
            "dataset_format": '{"sagemakerCaptureJson":{"captureIndexNames":["endpointInput"]}}',
            "output_path": "/out",
            "start_time": "2019-11-26T03:00:00Z",
            "end_time": "2019-11-26T06:00:00+02:00",
            "publish_cloudwatch_metrics": "Enabled",
            "baseline_constraints": "/in/constraints.json",
            "baseline_statistics": "",
            "analysis_type": "DATA_QUALITY",
            "PATH": "/bin",
        }
    )
    assert settings.dataset_format.name == "sagemakerCaptureJson"
    assert settings.dataset_format.options == {"captureIndexNames": ["endpointInput"]}
    assert settings.start_time is not None
    assert settings.end_time is not None
    assert (settings.end_time - settings.start_time).total_seconds() == 3600
    assert settings.baseline_statistics is None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"dataset_source": ""}, "dataset_source: Field required"),
        ({"dataset_format": "csv"}, "dataset_format: is not JSON"),
        ({"dataset_format": "[]"}, "dataset_format: must be an object"),
        ({"dataset_format": '{"csv":{},"json":{}}'}, "exactly one format"),
        ({"start_time": "2026"}, "start_time: is not an ISO 8601 moment"),
        ({"start_time": "2026-01-02", "end_time": "2026-01-01"}, "start_time must be before end_time"),
        ({"analysis_type": "MODEL_TASTE"}, "analysis_type"),
        ({"publish_cloudwatch_metrics": "yes"}, "publish_cloudwatch_metrics"),
        ({"baseline_statistics": "/s.json"}, "needs the constraints"),
    ],
)
def test_wrong_settings_are_refused_with_the_variable(change: dict[str, str], says: str) -> None:
    with pytest.raises(InvalidInput, match=says) as refused:
        settings_from_environment({"dataset_source": "/in", "output_path": "/out"} | change)
    assert refused.value.code == "InvalidSettings"


@pytest.mark.parametrize(
    ("dataset_format", "code", "says"),
    [
        ({"orc": {}}, "UnsupportedFormat", "'orc'"),
        ({"csv": {"hedaer": True}}, "InvalidSettings", "dataset_format.csv.hedaer"),
        ({"csv": {"output_columns_position": "MIDDLE"}}, "InvalidSettings", "output_columns_position"),
        ({"sagemakerCaptureJson": {"captureIndexNames": []}}, "InvalidSettings", "captureIndexNames"),
    ],
)
def test_formats_and_options_that_do_not_exist_are_refused(
    workbench: Workbench, dataset_format: dict[str, object], code: str, says: str
) -> None:
    workbench.baseline("a\n1\n")
    with pytest.raises(InvalidInput, match=says) as refused:
        workbench.check("a\n1\n", dataset_format=dataset_format)
    assert refused.value.code == code


def test_the_output_folder_holds_the_files_of_the_contract_and_the_summary_names_them(workbench: Workbench) -> None:
    made = workbench.baseline("a\n1\n2\n")
    always = {"report.html", "cloudwatch_metrics.jsonl", "analysis_summary.json"}
    assert {path.name for path in (workbench.folder / "baseline").iterdir()} == {
        "statistics.json", "constraints.json", *always,
    }  # fmt: skip
    checked = workbench.check("a\n-1\n2\n")
    files = {path.name for path in (workbench.folder / "check").iterdir()}
    assert files == {"statistics.json", "constraint_violations.json", "violations.json", *always}
    assert workbench.read("check/violations.json") == workbench.read("check/constraint_violations.json")
    assert checked.outputs == {name: name for name in files}
    assert AnalysisSummary.model_validate(workbench.read("check/analysis_summary.json")) == checked
    assert (made.status, checked.status) == ("Completed", "CompletedWithViolations")
    page = (workbench.folder / "check/report.html").read_text()
    assert "of the values are zero or more" in page


def test_metrics_are_written_where_they_are_published_and_for_the_features_that_emit_them(workbench: Workbench) -> None:
    workbench.baseline(table({"a": [1, 2, 4], "b": ["x", "x", "x"], "quiet": [1, 2, 3]}))
    constraints = workbench.read("baseline/constraints.json")
    constraints["features"][2]["monitoringConfigOverrides"] = {"emit_metrics": "Disabled"}
    constraints["monitoring_config"]["distribution_constraints"]["comparison_method"] = "Simple"
    workbench.rewrite("baseline/constraints.json", constraints)
    summary = workbench.check(
        table({"a": [1, 2, 4, None], "b": ["x", "x", "x", "y"], "quiet": [1, 2, 3, 3]}),
        publish_cloudwatch_metrics="Enabled",
        cloudwatch_metrics_directory=workbench.folder / "metrics",
        end_time="2026-11-22T10:00:00Z",
        sagemaker_endpoint_name="loans",
        sagemaker_monitoring_schedule_name="hourly",
    )
    assert summary.outputs["cloudwatch_metrics.jsonl"] == str(workbench.folder / "metrics/cloudwatch_metrics.jsonl")
    lines = (workbench.folder / "metrics/cloudwatch_metrics.jsonl").read_text().splitlines()
    shared = {
        "Timestamp": "2026-11-22T10:00:00Z",
        "Dimensions": [
            {"Name": "Endpoint", "Value": "loans"},
            {"Name": "MonitoringSchedule", "Value": "hourly"},
        ],
        "Unit": "None",
    }
    numbers = {"SampleCount": 3, "Sum": 7.0, "Minimum": 1.0, "Maximum": 4.0}
    assert [json.loads(line) for line in lines] == [
        {"MetricName": "feature_data_a", "StatisticValues": numbers, **shared},
        {"MetricName": "feature_non_null_a", "Value": 0.75, **shared},
        {"MetricName": "feature_baseline_drift_a", "Value": 0.0, **shared},
        {"MetricName": "feature_non_null_b", "Value": 1.0, **shared},
        {"MetricName": "feature_baseline_drift_b", "Value": 0.25, **shared},
        {"MetricName": "feature_baseline_drift_distance", "Value": 0.25, **shared},
    ]


def published(workbench: Workbench) -> dict[str, float]:
    lines = (workbench.folder / "check/cloudwatch_metrics.jsonl").read_text().splitlines()
    return {line["MetricName"]: line["Value"] for line in map(json.loads, lines) if "Value" in line}


def test_the_feature_that_drifted_most_has_a_metric_without_its_name(workbench: Workbench) -> None:
    workbench.baseline(
        table({"a": [1, 2, 3, 4], "b": [5, 6, 7, 8], "s": ["x", "y"] * 2}), categorical_drift_method="ChiSquared"
    )
    constraints = workbench.read("baseline/constraints.json")
    constraints["monitoring_config"]["distribution_constraints"]["comparison_method"] = "Simple"
    workbench.rewrite("baseline/constraints.json", constraints)
    now = table({"a": [1, 2, 3, 9] * 5, "b": [5, 9, 9, 9] * 5, "s": ["x"] * 19 + ["y"]})
    workbench.check(now, publish_cloudwatch_metrics="Enabled")
    metrics = published(workbench)
    # By hand: a quarter of a moved, three quarters of b; four rows of s are too few for a p-value.
    assert metrics["feature_baseline_drift_distance"] == metrics["feature_baseline_drift_b"] == 0.75
    assert "feature_baseline_drift_p_value" not in metrics
    workbench.baseline(
        table({"s": ["x", "y"] * 20, "t": ["x", "y"] * 20, "u": ["x"] * 40}), categorical_drift_method="ChiSquared"
    )
    workbench.check(
        table({"s": ["x"] * 40, "t": ["x", "y"] * 20, "u": ["x"] * 40}), publish_cloudwatch_metrics="Enabled"
    )
    metrics = published(workbench)
    assert metrics["feature_baseline_drift_p_value"] == metrics["feature_baseline_drift_s"] < 1e-6
    assert metrics["feature_baseline_drift_t"] == metrics["feature_baseline_drift_u"] == 1.0
    assert "feature_baseline_drift_distance" not in metrics


def test_a_feature_that_has_the_name_of_the_common_metric_keeps_its_own_and_that_is_said(workbench: Workbench) -> None:
    workbench.baseline(table({"distance": [1, 2, 3, 4], "b": [5, 6, 7, 8]}))
    constraints = workbench.read("baseline/constraints.json")
    constraints["monitoring_config"]["distribution_constraints"]["comparison_method"] = "Simple"
    workbench.rewrite("baseline/constraints.json", constraints)
    summary = workbench.check(
        table({"distance": [1, 2, 3, 9], "b": [9, 9, 9, 9]}), publish_cloudwatch_metrics="Enabled"
    )
    assert published(workbench)["feature_baseline_drift_distance"] == 0.25
    assert any("feature_baseline_drift_distance is the metric of the feature" in each for each in summary.warnings)


def test_a_feature_that_emits_no_metrics_is_not_in_the_common_one(workbench: Workbench) -> None:
    workbench.baseline(table({"a": [1, 2, 3, 4], "quiet": [5, 6, 7, 8]}))
    constraints = workbench.read("baseline/constraints.json")
    constraints["features"][1]["monitoringConfigOverrides"] = {"emit_metrics": "Disabled"}
    constraints["monitoring_config"]["distribution_constraints"]["comparison_method"] = "Simple"
    workbench.rewrite("baseline/constraints.json", constraints)
    workbench.check(table({"a": [1, 2, 3, 9], "quiet": [9, 9, 9, 9]}), publish_cloudwatch_metrics="Enabled")
    assert published(workbench)["feature_baseline_drift_distance"] == 0.25


def test_no_metric_is_written_unless_publishing_is_enabled(workbench: Workbench) -> None:
    workbench.baseline("a\n1\n")
    assert (workbench.folder / "baseline/cloudwatch_metrics.jsonl").read_text() == ""


def test_the_exit_message_says_how_it_ended_also_where_it_failed(workbench: Workbench) -> None:
    message = workbench.folder / "deep/message"
    workbench.baseline("a\n1\n", output_message_file=message)
    assert message.read_text() == "Completed: Job completed successfully with no violations."
    workbench.check("a\n-1\n", output_message_file=message)
    assert message.read_text() == "CompletedWithViolations: Job completed successfully with 1 violations."
    with pytest.raises(InvalidInput):
        workbench.check("", output_message_file=message)
    assert message.read_text().startswith("Failed: EmptyDataset: ")


def test_an_output_folder_that_cannot_be_made_is_said_so(workbench: Workbench) -> None:
    in_the_way = workbench.write("", "file")
    with pytest.raises(InvalidInput) as refused:
        workbench.baseline("a\n1\n", cloudwatch_metrics_directory=in_the_way / "below")
    assert refused.value.code == "OutputNotWritable"


def test_a_check_neither_replaces_its_baseline_nor_leaves_reports_among_the_data(workbench: Workbench) -> None:
    workbench.baseline("a\n1\n")
    before = workbench.read("baseline/statistics.json")
    data = workbench.write("a\n2\n", "data/day.csv").parent
    for output in (workbench.folder / "baseline", data / "report"):
        with pytest.raises(InvalidInput) as refused:
            workbench.check("", dataset_source=data, output_path=output)
        assert refused.value.code == "OutputAmongInput"
    assert workbench.read("baseline/statistics.json") == before
    assert [path.name for path in data.rglob("*")] == ["day.csv"]


def test_a_failed_analysis_leaves_the_reports_of_the_one_before(workbench: Workbench) -> None:
    workbench.baseline("a\n1\n")
    before = workbench.read("baseline/statistics.json")
    with pytest.raises(InvalidInput):
        workbench.baseline("a\n")
    assert workbench.read("baseline/statistics.json") == before
    assert not list((workbench.folder / "baseline").glob("*.partial"))


def test_a_header_only_dataset_and_a_missing_one_are_refused(workbench: Workbench) -> None:
    for path, code in (("absent.csv", "DatasetNotFound"), ("header.csv", "EmptyDataset")):
        workbench.write("a,b\n", "header.csv")
        settings = analysis_settings(dataset_source=workbench.folder / path, output_path=workbench.folder / "o")
        with pytest.raises(InvalidInput) as refused:
            analyze(settings)
        assert refused.value.code == code
