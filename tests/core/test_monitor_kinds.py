from __future__ import annotations

import json
from datetime import timedelta
from importlib import import_module
from pathlib import Path

import pytest

from modelwatch_core.app.fetch_inputs import wanted_objects
from modelwatch_core.domain.alert_text import alert_subject, alert_text
from modelwatch_core.domain.documents import iso_utc
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.events import ExecutionRequest
from modelwatch_core.domain.monitor_kinds import KINDS, ProblemType
from modelwatch_core.domain.monitoring_execution import ExecutionKey, ExecutionStatus
from modelwatch_core.domain.outcome import GroundTruthCounts, OutcomeStatus
from tests.core.world import DRIFT, TEN, World

HOUR = timedelta(hours=1)
QUALITY = {
    "monitoring_type": "ModelQuality",
    "problem_type": "BinaryClassification",
    "ground_truth_input": "s3://captures/labels",
}


@pytest.fixture
def world() -> World:
    world = World()
    world.has_captures()
    return world


def has_labels(world: World, path: str, content: bytes = b"{}\n") -> str:
    uri = f"s3://captures/labels/{path}"
    world.objects.kept[uri] = content
    return uri


def repeated(world: World, tick_id: str = "by hand", name: str = "quality"):
    tick = ExecutionRequest(monitoring_schedule_name=name, scheduled_time=TEN, tick_id=tick_id, backfill=True)
    return world.launch(tick)


def test_no_two_kinds_have_a_name_in_common():
    for names in ("monitoring_type", "analysis_type", "title", "metric_namespace"):
        assert len({getattr(kind, names) for kind in KINDS.values()}) == len(KINDS)


def test_every_kind_has_an_analysis_or_is_analysed_by_the_users_container():
    for kind in KINDS.values():
        if kind.analysis is None:
            assert "image_uri" in kind.schedule_parameters
        else:
            assert import_module(kind.analysis).ANALYSIS


def test_the_checks_of_a_kind_are_those_that_its_reports_have_words_for():
    for kind in KINDS.values():
        report = kind.analysis and import_module(kind.analysis.replace(".analysis", ".report"))
        assert kind.checks == {*getattr(report, "_CHECKS", ())}


def test_a_model_quality_execution_gets_its_labels_and_stores_what_was_merged(world):
    world.has_schedule("quality", **QUALITY, environment={"seed": "7"})
    has_labels(world, "2026/11/22/09/0100.jsonl")
    world.tick(name="quality")
    (request,) = world.host.started
    assert request.settings.problem_type is ProblemType.BINARY_CLASSIFICATION
    assert request.settings.ground_truth_source == Path("/opt/ml/processing/groundtruth")
    assert request.settings.seed == 7
    assert request.settings.dataset_source == Path("/opt/ml/processing/input")
    assert "groundtruth/2026/11/22/09/0100.jsonl" in [path for _, path in wanted_objects(world.objects, request.inputs)]
    assert [(out.path, out.s3_uri) for out in request.further_outputs] == [("merge/", "s3://results/monitoring/merge")]
    assert request.settings.dataset_format.sagemaker_document == {
        "sagemakerCaptureJson": {"captureIndexNames": ["endpointOutput"]}
    }


def test_labels_are_looked_for_from_the_window_on_until_now_and_beside_the_hour_folders(world):
    world.clock.moment = TEN + 26 * HOUR
    world.has_schedule("quality", **QUALITY)
    expected = [
        has_labels(world, "labels.csv"),
        has_labels(world, "2026/11/22/09/0100.jsonl"),
        has_labels(world, "2026/11/23/11/0100.jsonl"),
    ]
    has_labels(world, "2026/11/22/08/5959.jsonl")
    has_labels(world, "2026/11/22/10/empty.jsonl", b"")
    has_labels(world, "2026/11/24/00/0000.jsonl")
    world.tick(name="quality")
    (request,) = world.host.started
    wanted = wanted_objects(world.objects, request.inputs)
    assert [stored.s3_uri for stored, path in wanted if path.startswith("groundtruth/")] == expected


def test_a_window_without_labels_fails_with_what_to_do_and_the_schedule_goes_on(world):
    world.has_schedule("quality", **QUALITY)
    execution = world.tick(name="quality")
    world.deliver()
    settled = world.ledger.get(execution.key)
    assert settled.monitoring_execution_status is ExecutionStatus.FAILED
    assert settled.outcome.failure_reason.startswith("GroundTruthNotFound: no labels were found for the window")
    assert "s3://captures/labels/yyyy/mm/dd/hh" in settled.outcome.failure_reason
    assert "backfill" in settled.outcome.failure_reason
    assert len(world.mail.alerts) == 1
    world.has_captures(TEN)
    has_labels(world, "2026/11/22/10/0100.jsonl")
    assert world.tick(TEN + HOUR, "tick-2", "quality").monitoring_execution_status is ExecutionStatus.IN_PROGRESS


@pytest.mark.parametrize(("capacity", "status"), [(9, "InProgress"), (8, "Failed")])
def test_labels_and_merged_captures_count_against_the_hosts_storage(world, capacity, status):
    world.has_schedule("quality", **QUALITY)
    world.has_captures(content=b"{}\n")
    has_labels(world, "2026/11/22/09/0100.jsonl", b"{}\n")
    world.host.limits = world.host.limits.model_copy(update={"input_bytes": capacity})
    execution = world.tick(name="quality")
    world.deliver()
    settled = world.ledger.get(execution.key)
    assert settled.monitoring_execution_status == status
    if status == "Failed":
        assert settled.outcome.failure_reason.startswith("WindowTooLarge")


def test_a_first_run_is_compared_with_no_other_whatever_is_in_its_folder(world):
    world.has_schedule("quality", **QUALITY)
    has_labels(world, "2026/11/22/09/0100.jsonl")
    world.objects.kept["s3://results/monitoring/mortgages/quality/2026/11/22/10/statistics.json"] = b"{}"
    execution = world.tick(name="quality")
    assert f"{execution.output_s3_uri}/statistics.json" in world.objects.kept
    assert world.host.started[-1].settings.previous_attempt_results is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"monitoring_type": "ModelQuality"}, "ModelQuality needs ground_truth_input and problem_type"),
        ({"monitoring_type": "ModelBias"}, "ModelBias needs analysis_config"),
        ({"monitoring_type": "ModelExplainability"}, "ModelExplainability needs analysis_config"),
        ({"ground_truth_input": "s3://captures/labels"}, "ground_truth_input: not for DataQuality"),
        (QUALITY | {"problem_type": "Ranking"}, "problem_type"),
        (QUALITY | {"analysis_config": {}}, "analysis_config: not for ModelQuality"),
    ],
)
def test_a_schedule_that_does_not_fit_its_kind_is_refused_by_name(world, changes, message):
    with pytest.raises(InvalidInput, match=message) as refused:
        world.has_schedule("unfit", **changes)
    assert refused.value.code == "InvalidParameter"


def test_a_configuration_is_written_where_the_analyzer_looks_for_it_or_fetched_from_s3(world):
    given = {"label": "approved", "facet": [{"name_or_index": "sex"}]}
    common = {"monitoring_type": "ModelBias", "ground_truth_input": "s3://captures/labels"}
    has_labels(world, "labels.jsonl")
    world.has_schedule("inline", **common, analysis_config=given)
    world.objects.kept["s3://results/config.json"] = b"{}"
    world.has_schedule("stored", **common, analysis_config="s3://results/config.json")
    world.tick(name="inline")
    world.tick(name="stored")
    inline, stored = world.host.started
    assert {request.settings.analysis_config for request in (inline, stored)} == {
        Path("/opt/ml/processing/config/analysis_config.json")
    }
    assert json.loads(inline.files["config/analysis_config.json"]) == given
    assert ("s3://results/config.json", "config/analysis_config.json") in [
        (entry.s3_uri, entry.path) for entry in stored.inputs
    ]


def test_a_bias_schedule_without_ground_truth_analyses_the_predictions_and_merges_nothing(world):
    has_labels(world, "2026/11/22/09/0100.jsonl")
    world.has_schedule("unlabelled", monitoring_type="ModelBias", analysis_config={"facet": []})
    world.tick(name="unlabelled")
    (request,) = world.host.started
    assert request.settings.ground_truth_source is None
    assert request.settings.merged_output_path is None
    assert request.further_outputs == ()
    assert not any(entry.path.startswith("groundtruth/") for entry in request.inputs)
    assert request.settings.dataset_format.sagemaker_document == {
        "sagemakerCaptureJson": {"captureIndexNames": ["endpointInput", "endpointOutput"]}
    }


def test_a_baseline_of_model_quality_hands_its_attributes_to_the_analyzer(world):
    from modelwatch_core.domain.baselining_job import BaselineRequest

    world.objects.kept["s3://captures/validation.csv"] = b"p,l\n1,1\n"
    world.create_baseline(
        BaselineRequest(
            baselining_job_name="quality",
            monitoring_type="ModelQuality",
            baseline_dataset_s3_uri="s3://captures/validation.csv",
            dataset_format={"csv": {"header": True}},
            problem_type="BinaryClassification",
            probability_attribute="p",
            probability_threshold_attribute=0.7,
            ground_truth_attribute="l",
        )
    )
    (request,) = world.host.started
    settings = request.settings
    assert (settings.probability_attribute, settings.ground_truth_attribute) == ("p", "l")
    assert settings.probability_threshold_attribute == 0.7


def test_a_window_is_run_again_on_request_and_its_reports_are_replaced(world):
    world.has_schedule("quality", **QUALITY)
    has_labels(world, "2026/11/22/09/0100.jsonl")
    first = world.tick(name="quality")
    world.finish(world.ends(first, DRIFT))
    world.deliver()
    second = repeated(world)
    assert (second.attempt, second.output_s3_uri) == (2, first.output_s3_uri)
    assert ExecutionKey.of_subject(second.key.subject) == second.key
    request = world.host.started[-1]
    assert request.settings.previous_attempt_results == Path("/opt/ml/processing/previous_attempt")
    assert (f"{first.output_s3_uri}/", "previous_attempt/") in [(entry.s3_uri, entry.path) for entry in request.inputs]
    counts = GroundTruthCounts(predictions=600, labels=580, matched=580, unlabelled=20)
    world.finish(world.ends(second, DRIFT, ground_truth=counts, changes=("accuracy rose from 0.91 to 0.93",)))
    world.deliver()
    newest, oldest = world.manage("ListMonitoringExecutions", monitoring_schedule_name="quality")["executions"]
    assert (oldest["attempt"], newest["attempt"]) == (1, 2)
    assert oldest["monitoring_execution_status"] == "CompletedWithViolations"
    assert len(world.mail.alerts) == 2
    assert "Labels:    580 of 600 predictions have a label" in alert_text(world.mail.alerts[1])
    assert "- accuracy rose from 0.91 to 0.93" in alert_text(world.mail.alerts[1])
    assert alert_subject(world.mail.alerts[1]).endswith("(attempt 2)")


def test_the_same_request_for_a_re_run_delivered_twice_runs_once(world):
    world.has_schedule("quality", **QUALITY)
    has_labels(world, "2026/11/22/09/0100.jsonl")
    world.finish(world.ends(world.tick(name="quality")))
    second = repeated(world)
    world.finish(world.ends(second))
    assert repeated(world).key == second.key
    assert len(world.host.started) == 2


def test_a_window_that_is_being_analysed_is_not_run_again(world):
    world.has_schedule("quality", **QUALITY)
    has_labels(world, "2026/11/22/09/0100.jsonl")
    world.tick(name="quality")
    assert repeated(world).code == "WindowTaken"
    assert len(world.host.started) == 1


def test_a_tick_that_comes_late_after_a_re_run_starts_nothing(world):
    world.has_schedule("quality", **QUALITY)
    has_labels(world, "2026/11/22/09/0100.jsonl")
    world.finish(world.ends(world.tick(name="quality")))
    world.finish(world.ends(repeated(world)))
    assert world.requested(name="quality", tick_id="tick-9").code == "WindowTaken"
    assert len(world.host.started) == 2


def test_explanations_are_compared_with_the_reports_of_earlier_windows_that_are_there(world):
    world.has_explainability_schedule(endpoint_name="mortgages")
    reports = {}
    for hour in range(4):
        at = TEN + timedelta(hours=hour)
        world.clock.moment = at
        world.has_captures(at - timedelta(hours=1))
        execution = world.tick(at, tick_id=f"tick-{hour}")
        if hour < 2:  # the third one leaves no report
            reports[f"{execution.output_s3_uri}/analysis.json"] = execution.window.start
            world.objects.kept[f"{execution.output_s3_uri}/analysis.json"] = b"{}"
        world.finish(world.ends(execution))
    first, *_, last = world.host.started
    assert first.settings.earlier_executions_results is None
    assert last.settings.earlier_executions_results == Path("/opt/ml/processing/earlier_executions")
    earlier = {entry.s3_uri: entry.path for entry in last.inputs if entry.path.startswith("earlier_executions/")}
    assert earlier == {uri: f"earlier_executions/{iso_utc(start)}/analysis.json" for uri, start in reports.items()}


def test_the_attempt_that_completed_is_found_where_a_page_ends_between_it_and_one_that_failed(world):
    world.has_explainability_schedule(endpoint_name="mortgages")
    failed = {"status": OutcomeStatus.FAILED, "failure_reason": "NoData: nothing"}
    for hour in range(20):  # with the attempt after the first, 20 executions of which none completed
        at = TEN + timedelta(hours=hour)
        world.clock.moment = at
        world.has_captures(at - timedelta(hours=1))
        execution = world.tick(at, tick_id=f"tick-{hour}")
        world.finish(world.ends(execution, **(failed if hour else {})))
        if not hour:
            report = f"{execution.output_s3_uri}/analysis.json"
            world.objects.kept[report] = b"{}"
            asked = {"monitoring_schedule_name": "hourly", "scheduled_time": at, "tick_id": "again", "backfill": True}
            world.finish(world.ends(world.launch(ExecutionRequest(**asked)), **failed))
    world.clock.moment = TEN + timedelta(hours=20)
    world.has_captures(TEN + timedelta(hours=19))
    world.tick(TEN + timedelta(hours=20), tick_id="tick-20")
    assert report in {entry.s3_uri for entry in world.host.started[-1].inputs}
