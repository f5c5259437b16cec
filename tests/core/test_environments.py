"""What a request's ``environment`` may set."""

from __future__ import annotations

from datetime import timedelta

import pytest

from modelwatch_core.app.analysis_inputs import SET_BY_THE_APP
from modelwatch_core.domain.baselining_job import BaselineRequest
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.events import ExecutionRequest
from modelwatch_core.domain.monitor_kinds import KINDS, MonitorKind
from tests.core.in_memory import MemoryHost
from tests.core.world import TEN, World, schedule_parameters

GIVEN = {
    "image_uri": "mine:1",
    "problem_type": "BinaryClassification",
    "ground_truth_input": "s3://captures/labels",
    "analysis_config": {"methods": {"shap": {}}},
}


@pytest.fixture
def world() -> World:
    world = World()
    world.hosts["containers"] = MemoryHost(name="containers", runs_images=True)
    world.objects.kept["s3://data/train.csv"] = b"a\n1\n"
    world.objects.kept["s3://captures/labels/0100.jsonl"] = b"{}\n"
    world.objects.kept["s3://results/script.py"] = b""
    for hours in (1, 2):
        world.has_captures(TEN - timedelta(hours=hours))
    return world


def of_kind(kind: MonitorKind, parameters: frozenset[str], **changes: object) -> dict[str, object]:
    given = {name: value for name, value in GIVEN.items() if name in parameters}
    scripts = {
        "record_preprocessor_source_uri": "s3://results/script.py",
        "post_analytics_processor_source_uri": "s3://results/script.py",
    }
    return {"monitoring_type": kind.monitoring_type} | given | scripts | changes


def baselining(kind: MonitorKind, **changes: object) -> BaselineRequest:
    fields = {
        "baselining_job_name": "first",
        "baseline_dataset_s3_uri": "s3://data/train.csv",
        "dataset_format": {"csv": {"header": True}},
        "ground_truth_attribute": "label",
        **of_kind(kind, kind.baseline_parameters, **changes),
    }
    return BaselineRequest(**fields)


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_whatever_a_run_is_given_without_an_environment_is_refused_in_an_environment(world, kind):
    world.has_schedule(**of_kind(kind, kind.schedule_parameters | kind.optional_parameters))
    world.finish(world.ends(world.tick(TEN - timedelta(hours=1))))
    world.objects.kept[f"s3://results/monitoring/mortgages/hourly/2026/11/22/09/{kind.earlier_report}"] = b"{}"
    world.finish(world.ends(world.tick(TEN, "tick-2")))
    world.launch(
        ExecutionRequest(monitoring_schedule_name="hourly", scheduled_time=TEN, tick_id="again", backfill=True)
    )
    world.create_baseline(baselining(kind))
    started = [request for host in world.hosts.values() for request in host.started]
    assert len(started) == 4
    names = {name for request in started for name in request.settings.model_fields_set}
    assert "previous_attempt_results" in names
    assert ("earlier_executions_results" in names) == (kind.earlier_report is not None)
    for name in names:
        with pytest.raises(InvalidInput, match=f"InvalidSettings: {name}: the "):
            world.has_schedule(
                "other",
                **of_kind(kind, kind.schedule_parameters, ground_truth_attribute="label", environment={name: "x"}),
            )
    assert set(world.schedules.kept) == {"hourly"}


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_a_setting_of_the_app_is_refused_for_baselining_jobs_too(world, kind):
    for name in SET_BY_THE_APP.keys() & kind.settings.model_fields.keys():
        with pytest.raises(InvalidInput, match=f"{name}: the app sets it for every run.*; remove it from environment"):
            world.create_baseline(baselining(kind, environment={name: "x"}))
    assert world.jobs.kept == {}


UNKNOWN_NAMES = {
    "comparison_method": "comparison_method: must be one of Calibrated, Simple, Robust, KLDivergence, Wasserstein, ",
    "categorical_drift_method": "categorical_drift_method: must be one of LInfinity, Calibrated, Simple, Robust, ",
    "report_values": "report_values: .*'Enabled' or 'Disabled'",
    "decimal": "decimal: .*'.' or ','",
}


@pytest.mark.parametrize(
    ("kind", "name", "says"),
    [
        *((KINDS["DataQuality"], *unknown) for unknown in UNKNOWN_NAMES.items()),
        (KINDS["ModelQuality"], "comparison_method", UNKNOWN_NAMES["comparison_method"]),
        (KINDS["ModelQuality"], "threshold_rule", "threshold_rule: .*'SamplingError' or 'Exact'"),
        (KINDS["ModelExplainability"], "max_explained_rows", "max_explained_rows: must be a number of rows"),
    ],
    ids=lambda value: getattr(value, "monitoring_type", None),
)
def test_a_name_that_a_setting_does_not_know_is_refused_when_it_is_given_with_those_that_it_knows(
    world, kind, name, says
):
    unknown = {"environment": {name: "Horoscope"}}
    world.has_schedule("sound", **of_kind(kind, kind.schedule_parameters, ground_truth_attribute="label"))
    changed = schedule_parameters("sound") | of_kind(kind, kind.schedule_parameters, **unknown)
    for refused in (
        lambda: world.has_schedule("other", **of_kind(kind, kind.schedule_parameters, **unknown)),
        lambda: world.manage("UpdateMonitoringSchedule", **changed),
        lambda: world.create_baseline(baselining(kind, **unknown)),
    ):
        with pytest.raises(InvalidInput, match=f"InvalidSettings: {says}"):
            refused()
    assert (set(world.schedules.kept), world.jobs.kept) == ({"sound"}, {})


def test_another_spelling_of_a_drift_measure_is_taken_as_its_name(world):
    world.has_schedule(environment={"comparison_method": "linf_robust", "categorical_drift_method": "psi"})
    world.tick()
    (started,) = world.host.started
    assert (started.settings.comparison_method, started.settings.categorical_drift_method) == ("Robust", "PSI")


def test_the_refusal_says_which_parameter_a_setting_of_the_app_comes_from(world):
    with pytest.raises(InvalidInput) as refused:
        world.has_schedule(environment={"start_time": "2026-01-01", "output_path": "/x", "MINE": "1"})
    assert refused.value.message == (
        "output_path: the app sets it for every run; remove it from environment; start_time: the app sets it for every"
        " run from the parameters schedule_expression and start_time_offset; remove it from environment"
    )


def test_what_is_given_as_a_parameter_is_refused_in_the_environment_and_what_is_not_is_taken(world):
    environment = {"inference_attribute": "0", "ground_truth_attribute": "label"}
    world.has_schedule(environment=environment)
    world.tick()
    assert world.host.started[0].settings.inference_attribute == "0"
    watched = {"endpoint_name": "mortgages", "inference_attribute": "1"}
    with pytest.raises(InvalidInput, match="inference_attribute: the parameter inference_attribute sets it already"):
        world.manage(
            "UpdateMonitoringSchedule",
            **schedule_parameters() | {"endpoint_input": watched},
            environment=environment,
        )


@pytest.mark.parametrize("kind", [kind for name, kind in KINDS.items() if name != "Custom"])
def test_schedules_and_baselines_of_all_kinds_say_how_values_are_spelled(world, kind):
    spelled = {"decimal": ",", "missing_values": "usual, k. A.", "trim_blanks": "true"}
    world.has_schedule(**of_kind(kind, kind.schedule_parameters, ground_truth_attribute="label", environment=spelled))
    world.tick()
    world.create_baseline(baselining(kind, environment=spelled))
    for started in world.host.started:
        settings = started.settings
        assert (settings.decimal, settings.missing_values, settings.trim_blanks) == (",", ("usual", "k. A."), True)
    assert len(world.host.started) == 2


def test_a_container_of_the_users_own_is_given_names_that_are_settings_of_other_kinds(world):
    own = {"problem_type": "x", "seed": "1", "ground_truth_source": "y", "FLAG": ""}
    world.has_schedule(**of_kind(KINDS["Custom"], KINDS["Custom"].schedule_parameters, environment=own))
    world.tick()
    assert world.hosts["containers"].started[0].settings.user_environment == own


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"resources": {"host": "spark"}}, "spark is not a host of this deployment. It has memory."),
        ({"monitoring_type": "Custom", "image_uri": "x"}, "memory does not run container images. Deploy a host that"),
    ],
)
def test_a_schedule_that_no_host_could_ever_run_is_refused_when_it_is_made_or_changed(world, changes, says):
    del world.hosts["containers"]
    world.has_schedule()
    for operation, name in (("Create", "other"), ("Update", "hourly")):
        with pytest.raises(InvalidInput, match=f"NoHost: no host can run it: {says}"):
            world.manage(f"{operation}MonitoringSchedule", **schedule_parameters(name) | changes)
    assert [schedule.version for schedule in world.schedules.kept.values()] == [1]
