"""The choice of a host, and what the sweep does with runs."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch_core.adapters.aws.emr_serverless import emr_serverless_limits
from modelwatch_core.adapters.aws.processing_jobs import processing_job_limits
from modelwatch_core.app.reconcile import Sweep
from modelwatch_core.domain.baselining_job import BaselineRequest, BaseliningJob, JobStatus
from modelwatch_core.domain.dataset_parts import read_as_a_whole
from modelwatch_core.domain.errors import InvalidInput, NotReady, Upstream
from modelwatch_core.domain.events import AnalysisEnded
from modelwatch_core.domain.execution_cost import Usage
from modelwatch_core.domain.hosts import (
    Demand,
    HostCandidate,
    HostChoice,
    HostLimits,
    NoHost,
    Pace,
    Resource,
    Resources,
    Run,
    RunDescription,
    RunStatus,
    choose_host,
)
from modelwatch_core.domain.monitor_kinds import monitor_kind
from modelwatch_core.domain.monitoring_execution import ExecutionStatus, MonitoringExecution
from modelwatch_core.domain.outcome import Outcome, OutcomeStatus
from modelwatch_core.ports import RunClaim
from modelwatch_core.settings import AnalyzerFunctionSettings
from modelwatch_core.wiring import analysis_ended
from tests.core.in_memory import MemoryHost
from tests.core.world import DRIFT, LEASE, TEN, World

HOUR = timedelta(hours=1)


def candidate(name: str, input_bytes: int, *, runs_images: bool = False) -> HostCandidate:
    limits = HostLimits(
        input_bytes=input_bytes, memory_bytes=1, lease=LEASE, runs_images=runs_images, advice=f"Enlarge {name}."
    )
    return HostCandidate(name=name, limits=limits)


SMALL, LARGE = candidate("small", 10), candidate("large", 100, runs_images=True)


def test_the_cheapest_host_that_fits_is_chosen_and_the_reason_says_why_the_others_are_not():
    assert choose_host([SMALL, LARGE], Demand(input_bytes=10)) == HostChoice(
        name="small", reason="small takes up to 10 bytes of input, and there are 10"
    )
    choice = choose_host([SMALL, LARGE], Demand(input_bytes=11))
    assert choice.name == "large"
    assert (
        choice.reason == "small takes 10 bytes of input at most; large takes up to 100 bytes of input, and there are 11"
    )


def test_an_image_goes_to_a_host_that_runs_images():
    assert choose_host([SMALL, LARGE], Demand(input_bytes=1, needs_image=True)).name == "large"
    refused = choose_host([SMALL], Demand(input_bytes=1, needs_image=True))
    assert (refused.code, refused.reason) == ("NoHost", "small does not run container images")


def test_a_wish_is_followed_or_refused_and_never_overruled():
    assert choose_host([SMALL, LARGE], Demand(input_bytes=1), resources=Resources(host="large")).name == "large"
    assert (
        choose_host([SMALL, LARGE], Demand(input_bytes=11), resources=Resources(host="small")).code == "WindowTooLarge"
    )
    refused = choose_host([SMALL, LARGE], Demand(input_bytes=1), resources=Resources(host="smal"))
    assert (refused.code, refused.advice) == ("NoHost", "It has small, large.")


def test_what_outgrew_a_host_goes_to_one_that_comes_after_it():
    assert choose_host([SMALL, LARGE], Demand(input_bytes=1), after="small").name == "large"
    refused = choose_host([SMALL, LARGE], Demand(input_bytes=1), after="large")
    assert (refused.code, refused.reason) == ("NoHost", "no host of this deployment is larger than large")
    wish = Resources(host="small")
    assert choose_host([SMALL, LARGE], Demand(input_bytes=1), resources=wish, after="small").code == "NoHost"


def hosts_of_the_template(memory: int = 3008, storage: int = 6400) -> list[HostCandidate]:
    """The hosts as a deployment with all defaults has them, and an image for jobs and packages for Spark."""
    function = AnalyzerFunctionSettings.model_validate(
        {
            "ANALYZER_FUNCTION": "analyzer",
            "ANALYZER_LOG_GROUP": "logs",
            "ANALYZER_STORAGE_MEBIBYTES": storage,
            "ANALYZER_MEMORY_MEBIBYTES": memory,
            "ANALYSIS_LEASE_SECONDS": 5400,
        }
    )
    jobs = processing_job_limits(runs_analyses=True)
    return [
        HostCandidate(name="lambda", limits=function.limits),
        HostCandidate(name="sagemaker", limits=jobs),
        HostCandidate(name="emr-serverless", limits=emr_serverless_limits(64)),
    ]


# By hand: at 20 MB/s a gigabyte takes 50 s. Lambda: 2.9375 GB x $0.0000166667 x (5 s + 50 s a gigabyte). A job: $0.115
# an hour x (120 s + 50 s a gigabyte), and $0.14 a month (730 h) for each gigabyte of storage meanwhile.
def lambda_dollars(gigabytes: float) -> float:
    return 2.9375 * 0.0000166667 * (5 + 50 * gigabytes)


def job_dollars(gigabytes: float) -> float:
    return (0.115 + 0.14 / 730 * gigabytes) * (120 + 50 * gigabytes) / 3600


# Spark: a worker has 4 vCPUs at $0.052624 an hour and 16 GB at $0.0057785, and reads 80 MB/s. One more is the driver.
# With 64 vCPUs there are at most 15 that read, and each has a gibibyte to read at least.
def spark_dollars(gigabytes: float) -> float:
    workers = min(15, max(1, math.ceil(gigabytes * 1e9 / 2**30)))
    hours = (120 + gigabytes * 1e9 / (80e6 * workers)) / 3600
    return (workers + 1) * (4 * 0.052624 + 16 * 0.0057785) * hours


@pytest.mark.parametrize(
    ("size", "whole", "parts"),
    [
        (10**6, "lambda", "lambda"),
        (10**7, "lambda", "lambda"),
        (10**8, "lambda", "lambda"),
        (10**9, "lambda", "lambda"),
        (3 * 10**9, "lambda", "lambda"),
        (10**10, "sagemaker", "sagemaker"),
        (10**11, "sagemaker", "sagemaker"),
        (10**12, "sagemaker", "emr-serverless"),
        (10**13, None, "emr-serverless"),
        (5 * 10**13, None, "emr-serverless"),
    ],
)
def test_from_a_megabyte_to_many_terabytes_no_host_that_fits_is_a_quarter_cheaper(size, whole, parts):
    gigabytes = size / 1e9
    costs = {}
    if size <= 6400 * 2**20 * 4 // 5 and 5 + 50 * gigabytes <= 0.8 * 900:  # what Lambda holds, and gets through in time
        costs["lambda"] = lambda_dollars(gigabytes)
    if 120 + 50 * gigabytes <= 0.8 * 86_400:
        costs["sagemaker"] = job_dollars(gigabytes)
    as_a_whole = choose_host(hosts_of_the_template(), Demand(input_bytes=size, read_as_a_whole="captures"))
    if whole is None:
        assert isinstance(as_a_whole, NoHost)
        assert as_a_whole.reason.endswith("emr-serverless does not share out captures")
    else:
        assert isinstance(as_a_whole, HostChoice)
        assert as_a_whole.name == whole
        assert costs[whole] <= 1.25 * min(costs.values())
    costs["emr-serverless"] = spark_dollars(gigabytes)
    in_parts = choose_host(hosts_of_the_template(), Demand(input_bytes=size, largest_file_bytes=min(size, 10**9)))
    assert isinstance(in_parts, HostChoice)
    assert in_parts.name == parts
    assert costs[parts] <= 1.25 * min(costs.values())


def test_a_file_is_not_divided_so_one_of_a_hundred_gigabytes_goes_to_one_machine():
    demand = Demand(input_bytes=10**12, largest_file_bytes=10**11)
    choice = choose_host(hosts_of_the_template(), demand)
    assert choice.name == "sagemaker"
    wish = Resources(host="emr-serverless")
    refused = choose_host(hosts_of_the_template(), demand, resources=wish)
    assert (
        refused.reason
        == "emr-serverless takes files of 4,000,000,000 bytes at most, but the largest has 100,000,000,000"
    )
    assert "SparkVcpus" in refused.advice


@pytest.mark.parametrize(
    ("format_name", "options", "reason"),
    [
        ("csv", {}, None),
        ("parquet", {}, None),
        ("sagemakerCaptureJson", {}, "captures"),
        ("batchTransform", {}, "what transform jobs captured"),
        ("json", {}, "JSON"),
        ("avro", {}, "the format avro"),
        ("csv", {"preprocessed": True}, "a record preprocessor, which sees all records in their order"),
        ("csv", {"merged": True}, "the merge of predictions with labels"),
        ("csv", {"kind": "ModelExplainability"}, "the analysis of explainability monitors"),
    ],
)
def test_what_is_read_as_a_whole_is_known_before_anything_is_started(format_name, options, reason):
    asked = {"kind": "DataQuality", "preprocessed": False, "merged": False} | options
    kind = monitor_kind(asked.pop("kind"))
    assert read_as_a_whole(kind, format_name, **asked) == reason


def test_a_schedule_that_wishes_for_spark_is_refused_when_it_is_made():
    world = World()
    spark = MemoryHost(name="emr-serverless")
    spark.limits = spark.limits.model_copy(update={"needs_parts": True})
    world.hosts["emr-serverless"] = spark
    with pytest.raises(InvalidInput, match="emr-serverless does not share out captures"):
        world.has_schedule(resources={"host": "emr-serverless"})


@given(st.integers(1, 10**13), st.integers(1024, 10240), st.integers(512, 10240))
def test_a_chosen_host_is_never_a_quarter_dearer_than_another_one_that_fits(size, memory, storage):
    candidates = hosts_of_the_template(memory, storage)
    choice = choose_host(candidates, Demand(input_bytes=size))
    if isinstance(choice, HostChoice):
        alone = [choose_host([each], Demand(input_bytes=size)) for each in candidates]
        fitting = {each.name for each in alone if isinstance(each, HostChoice)}
        dollars = {each.name: each.limits.pace.dollars(size) for each in candidates if each.name in fitting}
        assert dollars[choice.name] <= 1.25 * min(dollars.values())


def test_an_analysis_whose_time_or_memory_would_not_suffice_goes_to_a_larger_host_at_once():
    slow = hosts_of_the_template(memory=1024, storage=10240)[:2]  # at 11.6 MB/s, 8.4 GB would take 725 s of 900
    by_time = choose_host(slow, Demand(input_bytes=8_400_000_000))
    assert by_time.name == "sagemaker"
    assert by_time.reason.startswith("lambda ends a run after 900 s, but this one may take 731 s; sagemaker takes")
    by_memory = choose_host(slow, Demand(input_bytes=10**9, memory_bytes=2 * 10**9))
    assert by_memory.name == "sagemaker"
    assert "labels need about 2,000,000,000" in by_memory.reason
    by_files = choose_host(slow, Demand(input_bytes=10**8, files=100_000))
    assert by_files.name == "sagemaker"
    assert by_files.reason.startswith("lambda ends a run after 900 s, but this one may take 877 s; sagemaker takes")


def test_a_deployment_without_an_image_of_the_analyzer_runs_users_images_only():
    limits = processing_job_limits(runs_analyses=False)
    jobs = [*hosts_of_the_template()[:1], HostCandidate(name="sagemaker", limits=limits)]
    assert choose_host(jobs, Demand(input_bytes=1, needs_image=True)).name == "sagemaker"
    refused = choose_host(jobs, Demand(input_bytes=10**10))
    assert refused.code == "WindowTooLarge"
    assert "JobImageUri" in refused.advice


@given(st.lists(st.integers(1, 20), min_size=1, max_size=4), st.integers(1, 25))
def test_a_chosen_host_can_hold_the_input_and_none_is_chosen_only_if_none_can(sizes, input_bytes):
    candidates = [candidate(f"host-{place}", size) for place, size in enumerate(sizes)]
    choice = choose_host(candidates, Demand(input_bytes=input_bytes))
    fitting = [each for each in candidates if each.limits.input_bytes >= input_bytes]
    if fitting:
        assert choice.name == fitting[0].name
    else:
        assert isinstance(choice, NoHost)
        assert all(each.limits.advice in choice.advice for each in candidates)


@pytest.fixture
def world() -> World:
    world = World()
    world.has_schedule()
    world.has_captures()
    return world


def test_an_execution_keeps_its_run_and_why_its_host_was_chosen(world):
    execution = world.ledger.get(world.tick().key)
    assert execution.host == "memory"
    assert execution.host_reason == "memory takes up to 1,000,000 bytes of input, and there are 3"
    assert execution.run == Run(host="memory", subject=execution.subject, run_id="1", log_location="the log of memory")


def test_a_baselining_job_keeps_its_run(world):
    world.objects.kept["s3://data/train.csv"] = b"a\n1\n"
    world.create_baseline(
        BaselineRequest(
            baselining_job_name="first", baseline_dataset_s3_uri="s3://data/train.csv", dataset_format={"csv": {}}
        )
    )
    job = world.jobs.get("first")
    assert (job.host, job.run.run_id) == ("memory", "1")
    assert "memory takes" in job.host_reason


def test_a_window_that_does_not_fit_the_first_host_goes_to_the_next(world):
    world.host.limits = world.host.limits.model_copy(update={"input_bytes": 2})
    larger = world.hosts["larger"] = MemoryHost(name="larger")
    execution = world.tick()
    assert (execution.host, len(larger.started), world.host.started) == ("larger", 1, [])
    assert execution.host_reason.startswith("memory takes 2 bytes of input at most; larger takes")


def test_a_window_of_more_tiny_files_than_a_host_has_time_for_goes_to_the_next(world):
    pace = Pace(bytes_per_second=20e6, dollars_per_hour=0)
    world.host.limits = world.host.limits.model_copy(update={"pace": pace, "longest_run_seconds": 2})
    world.hosts["larger"] = MemoryHost(name="larger")
    for number in range(400):
        world.objects.kept[f"s3://captures/live/mortgages/AllTraffic/2026/11/22/09/00-01-{number:03}-b.jsonl"] = b"{}"
    execution = world.tick()
    assert execution.host == "larger"
    assert "this one may take 2 s" in execution.host_reason


def test_a_schedule_that_wishes_for_a_host_gets_that_one(world):
    larger = world.hosts["larger"] = MemoryHost(name="larger")
    world.has_schedule("wished", resources={"host": "larger"})
    assert world.tick(name="wished").host == "larger"
    assert len(larger.started) == 1


def test_a_run_that_its_host_knows_to_be_running_is_given_more_time(world):
    execution = world.tick()
    world.host.descriptions[execution.subject] = RunDescription(status=RunStatus.RUNNING)
    world.clock.pass_by(LEASE)
    assert world.reconcile() == Sweep(1, ())
    assert world.ledger.get(execution.key).monitoring_execution_status is ExecutionStatus.IN_PROGRESS
    assert world.reconcile() == Sweep(0, ())


def test_a_run_whose_end_no_event_reported_ends_as_its_host_says(world):
    execution = world.tick()
    world.ends(execution, DRIFT)  # the reports are there
    outcome = Outcome(status=OutcomeStatus.COMPLETED_WITH_VIOLATIONS, violation_count=1)
    world.host.descriptions[execution.subject] = RunDescription(status=RunStatus.ENDED, outcome=outcome)
    world.clock.pass_by(LEASE)
    world.reconcile()
    settled = world.ledger.get(execution.key)
    assert settled.monitoring_execution_status is ExecutionStatus.COMPLETED_WITH_VIOLATIONS


def test_a_run_on_a_host_that_the_deployment_no_longer_has_is_failed_with_the_log(world):
    execution = world.tick()
    del world.hosts["memory"]
    world.clock.pass_by(LEASE)
    assert world.reconcile() == Sweep(1, ())
    reason = world.ledger.get(execution.key).outcome.failure_reason
    assert reason.startswith("HostDidNotReport: the analysis was started on memory")
    assert reason.endswith("Its log is the log of memory.")


def failed_invocation(subject: str, request_id: str) -> dict[str, object]:
    return {
        "requestContext": {"requestId": request_id, "condition": "EventAgeExceeded", "approximateInvokeCount": 0},
        "requestPayload": {"subject": subject, "output_s3_uri": "s3://results/x", "settings": {}},
    }


FAILURE = "Lambda Function Invocation Result - Failure"


def test_the_failure_of_an_invocation_that_was_repeated_changes_nothing_for_the_run_that_has_the_analysis(world):
    execution = world.tick()
    world.claims.claim(execution.subject, "the owner")
    other = analysis_ended(FAILURE, failed_invocation(execution.subject, "another one"))
    assert world.finish(other) is None
    assert world.ledger.get(execution.key).monitoring_execution_status is ExecutionStatus.IN_PROGRESS
    world.finish(analysis_ended(FAILURE, failed_invocation(execution.subject, "the owner")))
    settled = world.ledger.get(execution.key)
    assert settled.outcome.failure_reason.startswith("AnalyzerCrashed")
    assert settled.run.run_id == "the owner"


def test_an_invocation_that_failed_before_any_run_had_the_analysis_fails_it(world):
    execution = world.tick()
    world.finish(analysis_ended(FAILURE, failed_invocation(execution.subject, "the only one")))
    assert world.ledger.get(execution.key).monitoring_execution_status is ExecutionStatus.FAILED


@pytest.mark.parametrize(
    "detail",
    [{"requestContext": {"condition": "x"}}, {"requestContext": {"condition": "x"}, "requestPayload": {"order": 7}}],
)
def test_a_failure_of_something_else_is_an_error_with_a_code(detail):
    with pytest.raises(InvalidInput, match="InvalidEvent: requestPayload"):
        analysis_ended(FAILURE, detail)


def test_a_run_that_has_ended_has_an_outcome_and_no_other_has():
    with pytest.raises(ValueError, match="an outcome belongs to a run that has ended"):
        RunDescription(status=RunStatus.ENDED)
    with pytest.raises(ValueError, match="an outcome belongs to a run that has ended"):
        RunDescription(status=RunStatus.RUNNING, outcome=Outcome.failed("x"))


class TestStopping:
    def test_a_running_execution_is_stopped_with_its_run_and_the_schedule_goes_on(self, world):
        execution = world.tick()
        stopped = world.manage("StopMonitoringExecution", monitoring_schedule_name="hourly")
        assert stopped["monitoring_execution_status"] == "Stopped"
        assert world.host.stopped == [execution.subject]
        world.finish(world.ends(execution, DRIFT))  # an end that was on its way
        assert world.ledger.get(execution.key).monitoring_execution_status is ExecutionStatus.STOPPED
        assert [event.monitoring_execution_status for event in world.announcements] == ["Stopped"]
        world.deliver()
        assert world.mail.alerts == []
        world.has_captures(TEN)
        assert world.tick(TEN + HOUR, "tick-2").monitoring_execution_status is ExecutionStatus.IN_PROGRESS

    def test_an_execution_is_found_by_its_window(self, world):
        execution = world.tick()
        window = execution.window.model_dump(mode="json")
        named = {"monitoring_schedule_name": "hourly", "window": window}
        assert world.manage("StopMonitoringExecution", **named)["attempt"] == 1
        with pytest.raises(InvalidInput, match="ExecutionEnded"):
            world.manage("StopMonitoringExecution", **named)
        with pytest.raises(InvalidInput, match="ExecutionNotFound"):
            world.manage("StopMonitoringExecution", **named, attempt=2)

    def test_a_run_that_was_started_and_not_noted_is_stopped_by_its_subject(self, world):
        """The process that started it died before it wrote down the run."""
        save = world.ledger.save

        def die(_):
            raise Upstream("ServiceError", "the table is down")

        world.ledger.save = die
        with pytest.raises(Upstream):
            world.tick()
        world.ledger.save = save
        (started,) = world.host.started
        stopped = world.manage("StopMonitoringExecution", monitoring_schedule_name="hourly")
        assert stopped["monitoring_execution_status"] == "Stopped"
        assert world.claims.claim(started.subject, "its run") is RunClaim.STOPPED

    def test_an_execution_that_ends_while_it_is_stopped_keeps_its_end_and_its_metrics(self, world):
        execution = world.tick()
        ended = world.ends(execution, DRIFT)
        stop = world.claims.stop

        def end_first(subject):
            stop(subject)
            world.finish.finish_execution.settle(world.ledger.get(execution.key), ended)

        world.claims.stop = end_first
        with pytest.raises(NotReady, match="ChangedMeanwhile"):
            world.manage("StopMonitoringExecution", monitoring_schedule_name="hourly")
        with pytest.raises(InvalidInput, match="no active execution"):
            world.manage("StopMonitoringExecution", monitoring_schedule_name="hourly")
        world.finish(ended)
        assert world.ledger.get(execution.key).is_done
        assert len(world.metrics.published) == 1

    def test_an_execution_of_a_schedule_that_is_gone_is_stopped_by_its_schedules_id(self, world):
        execution = world.tick()
        world.schedules.delete(world.schedules.kept["hourly"], now=world.clock.now())
        named = {"monitoring_schedule_name": "hourly", "schedule_id": execution.schedule_id}
        stopped = world.manage("StopMonitoringExecution", **named)
        assert stopped["monitoring_execution_status"] == "Stopped"

    def test_there_may_be_nothing_to_stop(self, world):
        with pytest.raises(InvalidInput, match="ExecutionNotFound: hourly-0001 has no active execution"):
            world.manage("StopMonitoringExecution", monitoring_schedule_name="hourly")

    def test_an_execution_that_waits_for_its_endpoint_releases_it(self):
        world = World()
        world.has_explainability_schedule()
        world.has_captures()
        world.tick()
        from modelwatch_core.domain.temporary_endpoint import EndpointStatus

        world.temporary_endpoint_becomes(EndpointStatus.IN_SERVICE)
        world.manage("StopMonitoringExecution", monitoring_schedule_name="hourly")
        assert world.temporary_endpoints.kept == {}
        assert world.host.started == []


def outgrown() -> tuple[World, MonitoringExecution]:
    """Return a world with a second, larger host, and an execution that the first one runs."""
    world = World()
    world.hosts["larger"] = MemoryHost(name="larger")
    world.finish = replace(
        world.finish, finish_execution=replace(world.finish.finish_execution, hosts=("memory", "larger", "largest"))
    )
    world.reconcile = replace(world.reconcile, finish=world.finish)
    world.has_schedule()
    world.has_captures()
    return world, world.tick()


def test_a_run_that_its_host_was_too_small_for_is_started_once_more_on_the_next_one():
    world, first = outgrown()
    larger = world.hosts["larger"]
    died = death_of(first, exhausted=Resource.MEMORY)
    world.finish(died)
    waiting = world.ledger.get(first.key)
    assert (waiting.monitoring_execution_status, waiting.active) == (ExecutionStatus.PENDING, True)
    assert world.finish(died) is None  # delivered again
    world.reconcile()
    moved = world.ledger.get(first.key)
    assert (moved.host, moved.moved_up_from) == ("larger", "memory")
    assert moved.host_reason.startswith("memory ran out of memory; larger takes")
    assert moved.captures_until == first.captures_until
    assert world.finish(died) is None  # and again, when another host has it
    (request,) = larger.started
    assert (request.host, request.inputs) == ("larger", world.host.started[0].inputs)
    again = died.model_copy(update={"run": moved.run})
    settled = world.finish(again)
    assert settled.monitoring_execution_status is ExecutionStatus.FAILED  # once is enough
    world.finish(again)
    assert len(larger.started) == 1


@pytest.fixture
def two_hosts() -> World:
    """A world with a second, larger host for baselining jobs, and a dataset."""
    world = World()
    world.hosts["larger"] = MemoryHost(name="larger")
    finish_job = replace(world.finish.finish_baselining_job, hosts=("memory", "larger", "largest"))
    world.finish = replace(world.finish, finish_baselining_job=finish_job)
    world.reconcile = replace(world.reconcile, finish=world.finish)
    world.objects.kept["s3://data/train.csv"] = b"a\n1\n"
    return world


def started_job(world: World, **changes) -> BaseliningJob:
    asked = {"baselining_job_name": "first", "baseline_dataset_s3_uri": "s3://data/train.csv"}
    return world.create_baseline(BaselineRequest(**asked, dataset_format={"csv": {}}, **changes))


def death_of(record: MonitoringExecution | BaseliningJob, **changes: object) -> AnalysisEnded:
    failed = {"outcome": Outcome.failed("AnalyzerCrashed: x"), "exhausted": Resource.TIME}
    return AnalysisEnded(
        subject=record.subject, output_s3_uri=record.output_s3_uri, run=record.run, **(failed | changes)
    )


def completed(record: MonitoringExecution | BaseliningJob, **changes: object) -> AnalysisEnded:
    return death_of(record, outcome=Outcome(status=OutcomeStatus.COMPLETED), exhausted=None, **changes)


def test_a_baselining_job_that_outgrew_its_host_is_started_once_more_on_the_next_one(two_hosts):
    world, larger = two_hosts, two_hosts.hosts["larger"]
    died = death_of(started_job(world))
    world.finish(died)
    waiting = world.jobs.get("first")
    assert (waiting.status, waiting.moved_up_from, waiting.run) == (JobStatus.IN_PROGRESS, "memory", None)
    assert world.finish(died) is None  # delivered again
    assert world.reconcile() == Sweep(1, ())
    moved = world.jobs.get("first")
    assert (moved.host, moved.run.host) == ("larger", "larger")
    assert moved.host_reason.startswith("memory ran out of time; larger takes")
    (request,) = larger.started
    assert (request.host, request.inputs) == ("larger", world.host.started[0].inputs)
    assert world.finish(died) is None
    assert world.reconcile() == Sweep(0, ())
    world.finish(death_of(moved))
    failed = world.jobs.get("first")
    assert (failed.status, failed.outcome.failure_reason) == (JobStatus.FAILED, "AnalyzerCrashed: x")  # once is enough
    assert len(larger.started) == 1


def test_a_baselining_job_that_no_larger_host_starts_within_its_lease_fails_with_the_last_response(two_hosts):
    world, larger = two_hosts, two_hosts.hosts["larger"]
    larger.limits, larger.broken = larger.limits.model_copy(update={"lease": timedelta(minutes=15)}), True
    world.finish(death_of(started_job(world)))
    for _ in range(3):
        assert world.reconcile() == Sweep(0, ("baseline/first: ServiceError: the host is down",))
        world.clock.pass_by(timedelta(minutes=5))
    assert world.reconcile() == Sweep(1, ())
    failed = world.jobs.get("first")
    assert failed.status is JobStatus.FAILED
    assert failed.outcome.failure_reason == (
        "HostDidNotStart: memory ran out of time, and no larger host has started it within 0:15:00."
        " The last error was ServiceError: the host is down"
    )
    assert world.reconcile() == Sweep(0, ())


def test_an_execution_that_no_larger_host_starts_within_its_lease_fails_and_lets_go_of_its_schedule():
    world, first = outgrown()
    larger = world.hosts["larger"]
    larger.broken = True
    world.finish(death_of(first))
    assert world.reconcile().moved == 0
    world.clock.pass_by(LEASE - timedelta(seconds=1))
    assert world.reconcile().moved == 0
    world.clock.pass_by(timedelta(seconds=1))
    assert world.reconcile() == Sweep(1, ())
    failed = world.ledger.get(first.key)
    assert failed.outcome.failure_reason.startswith("HostDidNotStart: memory ran out of time, and no larger host")
    assert world.ledger.active(first.schedule_id) is None


def test_an_execution_whose_first_host_is_away_is_started_when_that_is_back():
    world = World()
    world.has_schedule()
    world.has_captures()
    world.host.broken = True
    with pytest.raises(Upstream):
        world.tick()
    for _ in range(4):
        world.clock.pass_by(LEASE)
        assert world.reconcile().moved == 0
    world.host.broken = False
    assert world.reconcile() == Sweep(1, ())


USED = Usage(seconds=900, memory_mebibytes=1024)


def test_what_the_run_that_died_cost_is_part_of_the_cost(two_hosts):
    # By hand, of each run: 900 x 0.0000166667 + 3 x 0.2e-6
    world = two_hosts
    world.finish(death_of(started_job(world), usage=USED))
    assert world.jobs.get("first").cost.usd == pytest.approx(0.01500063)
    world.reconcile()
    moved = world.jobs.get("first")
    world.finish(completed(moved, usage=USED))
    cost = world.jobs.get("first").cost
    assert (cost.usd, cost.gb_seconds, cost.executions) == (pytest.approx(0.03000126), 1800, 1)


@pytest.mark.parametrize("later", [USED, None])
def test_the_cost_of_a_schedule_has_the_runs_of_an_execution_that_moved_up(later):
    world, first = outgrown()
    world.finish(death_of(first, usage=USED))
    world.reconcile()
    moved = world.ledger.get(first.key)
    world.ends(moved)
    world.finish(completed(moved, usage=later))
    total = world.ledger.cost(first.schedule_id)
    assert (total.usd, total.executions) == (pytest.approx(0.03000126 if later else 0.01500063), 1)


def test_an_invocation_that_lambda_ended_by_its_time_says_what_it_used(monkeypatch):
    given = {"function": "analyzer", "log_group": "logs", "storage_mebibytes": "512", "memory_mebibytes": "1024"}
    for name, value in given.items():
        monkeypatch.setenv(f"ANALYZER_{name.upper()}", value)
    monkeypatch.setenv("ANALYSIS_LEASE_SECONDS", "5400")
    detail = failed_invocation("baseline/first", "1")
    detail["requestContext"]["approximateInvokeCount"] = 2
    detail["responsePayload"] = {
        "errorType": "Sandbox.Timedout",
        "errorMessage": "RequestId: 1 Error: Task timed out after 900.25 seconds",
    }
    ended = analysis_ended(FAILURE, detail)
    assert (ended.usage, ended.exhausted) == (Usage(seconds=1800.5, memory_mebibytes=1024), Resource.TIME)


def test_a_baselining_job_that_no_larger_host_takes_fails_with_both_reasons(two_hosts):
    world, larger = two_hosts, two_hosts.hosts["larger"]
    larger.limits = larger.limits.model_copy(update={"needs_parts": True})
    job = started_job(world, record_preprocessor_source_uri="s3://data/first.py")
    world.finish(death_of(job))
    world.reconcile()
    reason = world.jobs.get("first").outcome.failure_reason
    assert "memory ran out of time; larger does not share out a record preprocessor" in reason
    assert larger.started == []


def test_a_baselining_job_that_is_stopped_while_it_moves_up_has_no_run_that_goes_on(two_hosts):
    world, larger = two_hosts, two_hosts.hosts["larger"]
    job = started_job(world)
    world.finish(death_of(job))
    start = larger.start

    def stopped_meanwhile(request):
        run = start(request)
        world.manage("StopBaseliningJob", baselining_job_name="first")
        return run

    larger.start = stopped_meanwhile
    world.reconcile()
    assert world.jobs.get("first").status is JobStatus.STOPPED
    assert larger.stopped == [job.subject]


def test_a_baselining_job_that_a_mistake_of_ours_keeps_from_moving_up_fails_with_its_place(two_hosts):
    world = two_hosts
    world.finish(death_of(started_job(world)))
    world.hosts["larger"].start = lambda request: request.not_there
    world.reconcile()
    assert world.jobs.get("first").outcome.failure_reason.startswith("InternalError: AttributeError at ")


def test_a_baselining_job_that_is_stopped_while_its_first_run_starts_has_no_run_that_goes_on(two_hosts):
    world, start = two_hosts, two_hosts.host.start

    def stopped_meanwhile(request):
        run = start(request)
        world.manage("StopBaseliningJob", baselining_job_name="first")
        return run

    world.host.start = stopped_meanwhile
    job = started_job(world)
    assert job.status is JobStatus.STOPPED
    assert world.host.stopped == [job.subject]


def test_an_execution_that_is_stopped_while_its_job_is_being_started_has_no_job_that_goes_on():
    world = World()
    world.has_schedule()
    world.has_captures()
    start = world.host.start

    def stopped_meanwhile(request):
        run = start(request)
        world.stop_execution(world.schedule_id())
        return run

    world.host.start = stopped_meanwhile
    execution = world.tick()
    assert execution.monitoring_execution_status is ExecutionStatus.STOPPED
    assert world.host.stopped == [execution.subject]
