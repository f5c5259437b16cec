"""Explanations of a model that is only named: its temporary endpoint comes up, fails, hangs, and is always deleted."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from modelwatch_core.app.reconcile import Sweep
from modelwatch_core.app.temporary_endpoints import CREATION_TIMEOUT, GRACE_PERIOD
from modelwatch_core.domain.baselining_job import BaselineRequest, JobStatus
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.events import AnalysisEnded
from modelwatch_core.domain.monitoring_execution import ExecutionStatus
from modelwatch_core.domain.outcome import Outcome, OutcomeStatus
from modelwatch_core.domain.temporary_endpoint import EndpointStatus, TemporaryEndpoint, temporary_endpoint_name
from tests.core.world import LEASE, World

SUBJECT = "execution/hourly-0001/2026-11-22T09:00:00Z/2026-11-22T10:00:00Z/1"
NAME = temporary_endpoint_name("world", SUBJECT)
COMPLETED = Outcome(status=OutcomeStatus.COMPLETED)


@pytest.fixture
def world() -> World:
    world = World()
    world.has_captures()
    return world


def status_of(world: World) -> ExecutionStatus:
    (execution,) = world.ledger.kept.values()
    return execution.monitoring_execution_status


def is_clean(world: World) -> bool:
    return not (world.temporary_endpoints.kept or world.temporary_endpoints.configs or world.deferred_analyses.kept)


def test_an_execution_waits_for_its_endpoint_runs_on_it_and_leaves_nothing(world):
    world.has_explainability_schedule()
    execution = world.tick()
    assert world.temporary_endpoints.created == [(NAME, "scorer", SUBJECT)]
    assert world.host.started == []
    assert status_of(world) is ExecutionStatus.IN_PROGRESS
    assert not world.follow(NAME)  # an event of its creation, or anything else that comes too early
    world.temporary_endpoint_becomes(EndpointStatus.IN_SERVICE)
    assert world.follow(NAME)
    (request,) = world.host.started
    assert request.settings.model_endpoint_name == NAME
    assert request.subject == SUBJECT
    assert not world.follow(NAME)  # the same event again
    assert len(world.host.started) == 1
    world.finish(world.ends(execution))
    assert status_of(world) is ExecutionStatus.COMPLETED
    assert is_clean(world)
    world.follow(NAME)  # and once more, late
    assert (len(world.host.started), len(world.temporary_endpoints.created)) == (1, 1)


@pytest.mark.parametrize(
    "predictor",
    [
        {"model_name": None, "instance_type": None},
        {"endpoint_name": "mortgages"},
        {"model_url": "http://10.0.0.7/invocations"},
    ],
    ids=["the endpoint that is watched", "an endpoint by name", "a server of the user's own"],
)
def test_a_model_that_is_there_already_is_explained_at_once(world, predictor):
    world.has_explainability_schedule(**predictor)
    world.tick()
    (request,) = world.host.started
    assert request.settings.model_endpoint_name is None
    assert is_clean(world)


@pytest.mark.parametrize("setting", ["model_url", "model_endpoint_name", "model_artifact"])
def test_a_setting_that_names_the_model_comes_before_a_temporary_endpoint(world, setting):
    world.has_schedule(
        monitoring_type="ModelExplainability",
        baseline={"constraints_s3_uri": "s3://results/baseline/constraints.json"},
        analysis_config={"predictor": {"model_name": "scorer", "instance_type": "ml.m5.large"}},
        environment={setting: "elsewhere"},
    )
    world.tick()
    (request,) = world.host.started
    assert str(getattr(request.settings, setting)) == "elsewhere"
    assert is_clean(world)


BACKGROUND = "s3://captures/background.csv"


@pytest.mark.parametrize(
    ("predictor", "endpoint_name"), [({"endpoint_name": "others"}, "others"), ({}, None), (None, None)]
)
@pytest.mark.parametrize(
    ("methods", "named"),
    [
        ({"shap": {"baseline": BACKGROUND}}, (BACKGROUND,)),
        ({"shap": {"baseline": {"shap_baseline_uri": BACKGROUND}}}, (BACKGROUND,)),
        ({"shap": {"baseline": [[1, 2]]}}, ()),
        ({"shap": {"baseline": "background.csv"}}, ()),
        ({"shap": None}, ("s3://captures/of-the-api.csv",)),
        ("none", ("s3://captures/of-the-api.csv",)),
    ],
)
def test_a_request_says_what_the_configuration_in_s3_names(world, predictor, endpoint_name, methods, named):
    uri = "s3://results/config.json"
    world.objects.kept[uri] = json.dumps(
        {
            "predictor": predictor,
            "methods": methods,
            "explainability_config": {"baseline": "s3://captures/of-the-api.csv"},
        }
    ).encode()
    baseline = {"constraints_s3_uri": "s3://results/baseline/constraints.json"}
    world.has_schedule(monitoring_type="ModelExplainability", baseline=baseline, analysis_config=uri)
    world.tick()
    (request,) = world.host.started
    assert (request.endpoint_name, request.named) == (endpoint_name, named)


@pytest.mark.parametrize("background", ["s3://", "s3:///rows.csv", "s3://captures", "s3://*/rows.csv"])
def test_background_rows_that_are_no_object_end_the_execution_with_the_reason(world, background):
    world.has_schedule(
        monitoring_type="ModelExplainability",
        baseline={"constraints_s3_uri": "s3://results/baseline/constraints.json"},
        analysis_config={"methods": {"shap": {"baseline": background}}},
    )
    world.tick()
    world.deliver()
    (execution,) = world.ledger.kept.values()
    assert world.host.started == []
    assert execution.outcome.failure_reason.startswith("InvalidAnalysisConfig: methods.shap.baseline: ")


@pytest.mark.parametrize("empty", [None, {}])
def test_an_empty_section_gives_way_to_that_of_the_other_name(world, empty):
    world.has_schedule(
        monitoring_type="ModelExplainability",
        baseline={"constraints_s3_uri": "s3://results/baseline/constraints.json"},
        analysis_config={"predictor": empty, "model_config": {"endpoint_name": "others"}},
    )
    world.tick()
    (request,) = world.host.started
    assert request.endpoint_name == "others"


def test_a_configuration_in_s3_is_read_by_either_name_of_the_section(world):
    uri = "s3://results/config.json"
    for section in ("predictor", "model_config"):
        config = {section: {"model_name": "scorer", "instance_type": "ml.m5.large"}}
        world.objects.kept[uri] = json.dumps(config).encode()
        baseline = {"constraints_s3_uri": "s3://results/baseline/constraints.json"}
        world.has_schedule(
            section.replace("_", "-"),
            monitoring_type="ModelExplainability",
            baseline=baseline,
            analysis_config=uri,
        )
        world.tick(name=section.replace("_", "-"))
    assert [model for _, model, _ in world.temporary_endpoints.created] == ["scorer", "scorer"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "AnalysisConfigNotFound"),
        (b"{", "InvalidAnalysisConfig"),
        (b'{"predictor": {"model_name": 3}}', "InvalidParameter"),
        (b'{"predictor": {"model_name": "m", "initial_instance_count": 0}}', "InvalidParameter"),
        (b"[]", "InvalidParameter"),
        (b'{"predictor": {"model_name": "m"}}', "InstanceTypeMissing"),
        (b'{"predictor": {"model_name": "missing", "instance_type": "ml.m5.large"}}', "TemporaryEndpointRefused"),
    ],
)
def test_what_cannot_become_an_endpoint_fails_the_execution_with_the_reason_and_leaves_nothing(world, content, reason):
    world.objects.kept["s3://results/config.json"] = b"{}"
    baseline = {"constraints_s3_uri": "s3://results/baseline/constraints.json"}
    world.has_schedule(
        monitoring_type="ModelExplainability", baseline=baseline, analysis_config="s3://results/config.json"
    )
    if content is None:
        del world.objects.kept["s3://results/config.json"]
    else:
        world.objects.kept["s3://results/config.json"] = content
    world.tick()
    world.deliver()
    (execution,) = world.ledger.kept.values()
    assert execution.monitoring_execution_status is ExecutionStatus.FAILED
    assert execution.outcome.failure_reason.startswith(reason)
    assert is_clean(world)


def test_an_endpoint_that_fails_fails_the_execution_with_sagemakers_reason(world):
    world.has_explainability_schedule()
    world.tick()
    world.temporary_endpoint_becomes(EndpointStatus.FAILED, "the container did not respond to its ping")
    assert world.follow(NAME)
    world.deliver()
    (execution,) = world.ledger.kept.values()
    assert execution.monitoring_execution_status is ExecutionStatus.FAILED
    assert "TemporaryEndpointFailed" in execution.outcome.failure_reason
    assert "model scorer failed: the container did not respond to its ping" in execution.outcome.failure_reason
    assert world.host.started == []
    assert is_clean(world)


def test_an_endpoint_that_hangs_fails_the_execution_and_is_deleted_as_soon_as_it_may_be(world):
    world.has_explainability_schedule()
    world.tick()
    world.clock.pass_by(CREATION_TIMEOUT + timedelta(minutes=1))
    world.reconcile()
    world.deliver()
    (execution,) = world.ledger.kept.values()
    assert execution.outcome.failure_reason.startswith("TemporaryEndpointTooSlow")
    assert world.reconcile() == Sweep(0, ())  # it is still being created: SageMaker lets nobody delete it
    world.temporary_endpoint_becomes(EndpointStatus.IN_SERVICE)
    world.follow(NAME)
    assert world.host.started == []
    assert is_clean(world)


def test_an_event_that_never_comes_is_made_up_for_by_the_sweep(world):
    world.has_explainability_schedule()
    world.tick()
    world.temporary_endpoint_becomes(EndpointStatus.IN_SERVICE)
    assert world.reconcile() == Sweep(1, ())
    assert len(world.host.started) == 1
    assert world.reconcile() == Sweep(0, ())


def test_an_outage_of_events_and_sweeps_longer_than_its_lease_fails_no_analysis_that_waits(world):
    world.has_explainability_schedule()
    execution = world.tick()
    world.temporary_endpoint_becomes(EndpointStatus.IN_SERVICE)
    world.clock.pass_by(CREATION_TIMEOUT + 5 * LEASE)
    world.reconcile()
    assert len(world.host.started) == 1
    assert status_of(world) is ExecutionStatus.IN_PROGRESS
    world.finish(world.ends(execution))
    assert status_of(world) is ExecutionStatus.COMPLETED
    assert is_clean(world)


@pytest.mark.parametrize("becomes", [None, EndpointStatus.FAILED, EndpointStatus.CHANGING])
def test_once_the_analysis_runs_its_host_reports_how_it_ends_whatever_becomes_of_the_endpoint(world, becomes):
    world.has_explainability_schedule()
    world.tick()
    world.temporary_endpoint_becomes(EndpointStatus.IN_SERVICE)
    world.follow(NAME)
    del world.temporary_endpoints.kept[NAME]
    if becomes:
        world.temporary_endpoints.kept[NAME] = TemporaryEndpoint(status=becomes)
    world.clock.pass_by(CREATION_TIMEOUT + timedelta(minutes=1))
    assert world.reconcile() == Sweep(0, ())
    assert status_of(world) is ExecutionStatus.IN_PROGRESS
    assert (len(world.host.started), len(world.temporary_endpoints.created)) == (1, 1)


def test_an_analysis_that_dies_in_silence_leaves_nothing_after_the_sweep(world):
    world.has_explainability_schedule()
    world.tick()
    world.temporary_endpoint_becomes(EndpointStatus.IN_SERVICE)
    world.follow(NAME)
    world.clock.pass_by(LEASE)
    world.reconcile()
    assert status_of(world) is ExecutionStatus.FAILED
    assert is_clean(world)
    assert world.reconcile() == Sweep(0, ())


def test_the_sweep_deletes_what_nobody_noted_and_nothing_of_others(world):
    ours, theirs = temporary_endpoint_name("world", "execution/gone/x"), temporary_endpoint_name("another", SUBJECT)
    for name in (ours, theirs, "mortgages"):
        world.temporary_endpoints.kept[name] = TemporaryEndpoint(status=EndpointStatus.IN_SERVICE)
    assert world.reconcile() == Sweep(1, ())
    assert set(world.temporary_endpoints.kept) == {theirs, "mortgages"}
    assert not world.follow(theirs)
    assert not world.follow("mortgages")
    assert set(world.temporary_endpoints.kept) == {theirs, "mortgages"}


def test_an_endpoint_whose_model_went_away_before_it_was_made_fails_the_execution(world):
    world.has_explainability_schedule()
    world.tick()
    waiting = world.deferred_analyses.kept[NAME]
    gone = waiting.model.model_copy(update={"model_name": "missing"})
    world.deferred_analyses.kept[NAME] = waiting.model_copy(update={"model": gone})
    world.temporary_endpoints.kept.clear()
    world.clock.pass_by(GRACE_PERIOD)
    world.follow(NAME)
    world.deliver()
    assert status_of(world) is ExecutionStatus.FAILED
    assert is_clean(world)


def test_the_sweep_makes_an_endpoint_only_where_whoever_noted_it_had_the_time_to(world):
    world.has_explainability_schedule()
    world.tick()
    made = list(world.temporary_endpoints.created)
    world.temporary_endpoints.kept.clear()  # as between the note and the endpoint
    assert world.reconcile() == Sweep(0, ())
    assert world.temporary_endpoints.created == made
    world.clock.pass_by(GRACE_PERIOD)
    assert world.reconcile() == Sweep(1, ())
    assert world.temporary_endpoints.created == made * 2


class TestBaselines:
    REQUEST = BaselineRequest(
        baselining_job_name="first",
        monitoring_type="ModelExplainability",
        baseline_dataset_s3_uri="s3://data/train.csv",
        dataset_format={"csv": {"header": True}},
        analysis_config={"predictor": {"model_name": "scorer", "instance_type": "ml.m5.large"}},
    )
    NAME = temporary_endpoint_name("world", "baseline/first")

    @pytest.fixture
    def world(self) -> World:
        world = World()
        world.objects.kept["s3://data/train.csv"] = b"a\n1\n"
        return world

    def test_they_run_on_temporary_endpoints_too(self, world):
        job = world.create_baseline(self.REQUEST)
        assert world.host.started == []
        world.temporary_endpoint_becomes(EndpointStatus.IN_SERVICE)
        world.follow(self.NAME)
        (request,) = world.host.started
        assert (request.subject, request.settings.model_endpoint_name) == ("baseline/first", self.NAME)
        world.finish(AnalysisEnded.of(job, COMPLETED))
        assert world.jobs.get("first").status is JobStatus.COMPLETED
        assert is_clean(world)

    def test_one_that_is_refused_is_failed_at_once_and_the_sweep_forgets_it(self, world):
        model = {"model_name": "missing", "instance_type": "ml.m5.large"}
        refused = self.REQUEST.model_copy(update={"analysis_config": {"predictor": model}})
        with pytest.raises(InvalidInput, match="TemporaryEndpointRefused"):
            world.create_baseline(refused)
        assert world.jobs.get("first").status is JobStatus.FAILED
        world.reconcile()
        assert is_clean(world)

    def test_one_that_dies_in_silence_is_failed_and_leaves_nothing(self, world):
        world.create_baseline(self.REQUEST)
        world.temporary_endpoint_becomes(EndpointStatus.IN_SERVICE)
        world.follow(self.NAME)
        world.clock.pass_by(LEASE)
        world.reconcile()
        assert world.jobs.get("first").status is JobStatus.FAILED
        assert is_clean(world)
