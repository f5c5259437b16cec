"""One contract per port, run against the fake that the use-case tests trust and against AWS's own API, emulated."""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
import requests
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws
from moto.sagemaker.models import sagemaker_backends

from modelwatch.local.sam_template import read_template
from modelwatch_core.adapters.aws import schedule_table
from modelwatch_core.adapters.aws.alarms import Alarms
from modelwatch_core.adapters.aws.alert_functions import AlertFunctions
from modelwatch_core.adapters.aws.alert_tables import TableAlertStates, TableSentAlerts, TableWaitingAlerts
from modelwatch_core.adapters.aws.analyzer_function import AnalyzerFunction
from modelwatch_core.adapters.aws.baselining_job_table import TableBaseliningJobs
from modelwatch_core.adapters.aws.deferred_analysis_table import TableDeferredAnalyses
from modelwatch_core.adapters.aws.emr_serverless import EmrServerless, emr_serverless_limits
from modelwatch_core.adapters.aws.endpoints import SageMakerEndpoints
from modelwatch_core.adapters.aws.event_bus import EventBridgeBus
from modelwatch_core.adapters.aws.execution_table import TableLedger
from modelwatch_core.adapters.aws.job_definition_table import TableJobDefinitions
from modelwatch_core.adapters.aws.metric_sink import CloudWatchMetrics
from modelwatch_core.adapters.aws.object_store import S3ObjectStore
from modelwatch_core.adapters.aws.presigned_links import PresignedLinks
from modelwatch_core.adapters.aws.run_claim_table import TableRunClaims
from modelwatch_core.adapters.aws.schedule_table import TableSchedules
from modelwatch_core.adapters.aws.scheduler_ticks import SchedulerTicks
from modelwatch_core.adapters.aws.sns_topic import SnsJsonTopics, SnsTopics
from modelwatch_core.adapters.aws.summary_table import TableMonitorPeriods, TableMonitorSummaries
from modelwatch_core.adapters.aws.temporary_endpoints import SageMakerTemporaryEndpoints
from modelwatch_core.adapters.aws.versioned_items import VersionedItems, conflict
from modelwatch_core.adapters.system_clock import SystemClock
from modelwatch_core.app.deliver_alerts import MOST_AT_ONCE
from modelwatch_core.domain.alert_event import alert_event
from modelwatch_core.domain.alert_states import AlertState, AlertTransition, place_of
from modelwatch_core.domain.alert_targets import AlertTargetReference
from modelwatch_core.domain.alert_text import alert_subject
from modelwatch_core.domain.alerting import AlertName
from modelwatch_core.domain.alerts import Alert, alert_of
from modelwatch_core.domain.analysis import AnalysisRequest
from modelwatch_core.domain.baselining_job import BaseliningJob
from modelwatch_core.domain.constraint_violations import ConstraintViolation
from modelwatch_core.domain.dashboard.periods import Measured, Period, PeriodLength
from modelwatch_core.domain.dashboard.summaries import MonitorSummary
from modelwatch_core.domain.errors import InvalidInput, NotReady, Upstream
from modelwatch_core.domain.events import AnalysisEnded, ExecutionEnded
from modelwatch_core.domain.execution_cost import Cost, Usage
from modelwatch_core.domain.heard_alerts import HeardAlert, HeardAlerts
from modelwatch_core.domain.hosts import HostLimits, Run, RunDescription, RunStatus
from modelwatch_core.domain.model_endpoints import ModelReference
from modelwatch_core.domain.monitoring_execution import ExecutionStatus, MonitoringExecution
from modelwatch_core.domain.monitoring_schedule import MonitoringSchedule, ScheduleRequest, ScheduleStatus
from modelwatch_core.domain.outcome import Outcome, OutcomeStatus
from modelwatch_core.domain.report_links import console_page
from modelwatch_core.domain.sagemaker_api.job_definitions import JobDefinition
from modelwatch_core.domain.scores import Score
from modelwatch_core.domain.settings_environment import analysis_settings
from modelwatch_core.domain.temporary_endpoint import (
    DeferredAnalysis,
    EndpointStatus,
    TemporaryEndpoint,
    temporary_endpoint_name,
)
from modelwatch_core.ports import Claim, ExecutionOrder, KnownAlerts, MutedSchedule, Page, RunClaim, UnreadableRecord
from tests.core.in_memory import (
    ManualClock,
    MemoryAlertStates,
    MemoryDeferredAnalyses,
    MemoryJobDefinitions,
    MemoryJobs,
    MemoryLedger,
    MemoryMonitorPeriods,
    MemoryMonitorSummaries,
    MemoryObjects,
    MemoryRunClaims,
    MemorySchedules,
    MemorySentAlerts,
    MemoryTemporaryEndpoints,
    MemoryWaitingAlerts,
)
from tests.core.ledger_table import ONE_SESSION, create_ledger_table
from tests.core.world import LEASE, TEN, schedule_parameters
from tests.repository import ROOT

HOUR = timedelta(hours=1)
NOW = ManualClock().now()
COMPLETED = Outcome(status=OutcomeStatus.COMPLETED)
FAILED = Outcome.failed("AnalyzerCrashed: x")
RUN = Run(host="h", subject="s", run_id="1")
SETTINGS = analysis_settings(dataset_source="/in", output_path="/out")
REQUEST = AnalysisRequest(
    subject="baseline/a", settings=SETTINGS, inputs=(), output_s3_uri="s3://results/a", host="lambda"
)


@pytest.fixture
def aws(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws(config=ONE_SESSION):
        yield boto3


@pytest.fixture
def table(aws):
    return create_ledger_table(aws)


@pytest.fixture(params=["in memory", "on AWS"])
def world(request):
    return request.param


def schedule(name: str = "hourly", **changes: object) -> MonitoringSchedule:
    fields = schedule_parameters(name) | {
        "schedule_id": f"{name}-1",
        "output_s3_uri": "s3://results/monitoring",
        "creation_time": NOW,
        "last_modified_time": NOW,
    }
    return MonitoringSchedule(**(fields | changes))


def execution(hours: int = 0, tick_id: str = "tick", name: str = "hourly") -> MonitoringExecution:
    scheduled_time = TEN + hours * HOUR
    window = schedule(name).window(scheduled_time)
    return MonitoringExecution.planned(
        schedule(name),
        window=window,
        scheduled_time=scheduled_time,
        tick_id=tick_id,
        now=NOW,
        lease=LEASE,
        captures_until=NOW,
    )


def definition(name: str, hours: int = 0) -> JobDefinition:
    made = NOW + timedelta(hours=hours)
    return JobDefinition(monitoring_type="DataQuality", job_definition_name=name, request={}, creation_time=made)


def all_of(read, *, limit: int, **asked: object) -> list:
    """Return the records of a list, read by pages of so many."""
    seen, after, has_more = [], None, True
    while has_more:
        records, has_more = read(limit=limit, after=after, **asked)
        assert len(records) <= limit
        seen += [record for record, _ in records]
        after = records[-1][1] if records else after
    return seen


class TestSchedules:
    @pytest.fixture
    def schedules(self, world, request):
        if world == "in memory":
            return MemorySchedules()
        return TableSchedules(VersionedItems(request.getfixturevalue("table")))

    def test_what_is_saved_comes_back_equal(self, schedules):
        schedules.save(schedule())
        assert schedules.get("hourly") == schedule()
        assert schedules.get("other") is None

    def test_a_name_is_taken_once(self, schedules):
        schedules.save(schedule())
        with pytest.raises(InvalidInput, match="ScheduleExists"):
            schedules.save(schedule())

    def test_a_write_that_does_not_follow_on_is_refused(self, schedules):
        schedules.save(schedule())
        schedules.save(schedule(version=2))
        with pytest.raises(NotReady, match="ChangedMeanwhile"):
            schedules.save(schedule(version=2))

    def test_a_deleted_schedule_is_gone_and_its_name_is_free(self, schedules):
        schedules.save(schedule())
        schedules.delete(schedule(), now=NOW)
        with pytest.raises(NotReady, match="ChangedMeanwhile"):
            schedules.delete(schedule(), now=NOW)
        assert schedules.get("hourly") is None
        schedules.save(schedule())

    def test_a_schedule_that_was_changed_meanwhile_is_not_deleted(self, schedules):
        schedules.save(schedule())
        schedules.save(schedule(version=2))
        with pytest.raises(NotReady, match="ChangedMeanwhile"):
            schedules.delete(schedule(), now=NOW)
        assert schedules.get("hourly") == schedule(version=2)

    @pytest.mark.parametrize("descending", [False, True])
    @pytest.mark.parametrize("by_creation", [False, True])
    def test_pages_follow_the_order_of_names_or_of_creation(self, schedules, by_creation, descending):
        for hours, name in enumerate(("c", "a", "b", "d")):
            schedules.save(schedule(name, creation_time=NOW + hours * HOUR))
        seen = all_of(schedules.page, limit=3, by_creation=by_creation, descending=descending)
        names = [found.monitoring_schedule_name for found in seen]
        in_order = ["c", "a", "b", "d"] if by_creation else ["a", "b", "c", "d"]
        assert names == (in_order[::-1] if descending else in_order)

    def test_every_version_is_kept_after_the_schedule_is_deleted(self, schedules):
        schedules.save(schedule())
        schedules.save(schedule(version=2, start_delay_minutes=7))
        schedules.delete(schedule(version=2), now=NOW)
        assert schedules.version("hourly-1", 1) == schedule()
        assert schedules.version("hourly-1", 2).start_delay_minutes == 7
        assert schedules.version("hourly-1", 3) is None
        assert [each.version for each in all_of(partial(schedules.versions, "hourly-1"), limit=1)] == [2, 1]

    def test_a_change_stands_until_it_is_followed(self, schedules):
        made = schedules.save(schedule())
        changed = schedules.save(schedule(version=2, last_modified_time=NOW + HOUR))
        deleted = schedules.delete(schedule(version=2), now=NOW + 2 * HOUR)
        assert list(schedules.changes(NOW)) == [made]
        assert {made, changed, deleted} == set(schedules.changes(NOW + 3 * HOUR))
        for change in (made, changed, deleted):
            schedules.followed(change)
        assert list(schedules.changes(NOW + 3 * HOUR)) == []

    def test_a_schedule_is_found_by_what_it_watches_as_long_as_it_does(self, schedules):
        folder = {"data_captured_destination_s3_uri": "s3://captures/batches/", "dataset_format": {"csv": {}}}
        schedules.save(schedule("first"))
        schedules.save(schedule("second"))
        schedules.save(schedule("batches", endpoint_input=None, batch_transform_input=folder))
        schedules.save(schedule("another", endpoint_input={"endpoint_name": "another"}))
        watched = schedule().watched
        assert [each.monitoring_schedule_name for each in schedules.watching(watched)] == ["first", "second"]
        assert [each.monitoring_schedule_name for each in schedules.watching("s3://captures/batches")] == ["batches"]
        schedules.save(schedule("first", version=2, endpoint_input={"endpoint_name": "another"}))
        schedules.delete(schedule("second"), now=NOW)
        assert list(schedules.watching(watched)) == []
        assert sorted(each.monitoring_schedule_name for each in schedules.watching("another")) == ["another", "first"]

    def test_a_schedule_is_overdue_from_the_time_by_which_it_was_to_fire_until_it_did(self, schedules):
        hourly = schedule()
        schedules.save(hourly)
        overdue = hourly.overdue_at(NOW)
        assert list(schedules.overdue(overdue - timedelta(seconds=1))) == []
        assert list(schedules.overdue(overdue)) == ["hourly"]
        schedules.expect(hourly, NOW + HOUR)
        assert list(schedules.overdue(overdue)) == []
        assert list(schedules.overdue(overdue + HOUR)) == ["hourly"]

    def test_what_nobody_wants_to_know_of_is_never_overdue(self, schedules):
        schedules.save(schedule("unwatched", alerting={"not_fired_after_hours": None}))
        schedules.save(schedule("once", schedule_expression="cron(0 10 22 11 ? 2026)"))
        schedules.save(schedule("stopped"))
        schedules.save(schedule("stopped", version=2, monitoring_schedule_status="Stopped"))
        schedules.save(schedule("deleted"))
        schedules.delete(schedule("deleted"), now=NOW)
        schedules.expect(schedule("once", schedule_expression="cron(0 10 22 11 ? 2026)"), TEN)  # and never again
        assert list(schedules.overdue(NOW + timedelta(days=400))) == []

    def test_a_firing_of_what_was_changed_or_deleted_meanwhile_notes_nothing(self, schedules):
        schedules.save(schedule())
        schedules.save(schedule(version=2))
        schedules.expect(schedule(), NOW + timedelta(days=9))
        assert list(schedules.overdue(NOW + timedelta(days=1))) == ["hourly"]
        schedules.delete(schedule(version=2), now=NOW)
        schedules.expect(schedule(version=2), NOW)
        assert list(schedules.overdue(NOW + timedelta(days=400))) == []

    def test_there_may_be_so_many_schedules_and_one_more_after_a_deletion(self, schedules):
        for name in ("a", "b"):
            schedules.save(schedule(name), most=2)
        with pytest.raises(InvalidInput, match="ResourceLimitExceeded"):
            schedules.save(schedule("c"), most=2)
        assert schedules.get("c") is None
        with pytest.raises(InvalidInput, match="ScheduleExists"):
            schedules.save(schedule("a"), most=2)
        schedules.save(schedule("a", version=2), most=2)
        schedules.delete(schedule("b"), now=NOW)
        schedules.save(schedule("c"), most=2)


class TestLedger:
    @pytest.fixture
    def ledger(self, world, request):
        return MemoryLedger() if world == "in memory" else TableLedger(VersionedItems(request.getfixturevalue("table")))

    def test_what_is_claimed_comes_back_equal(self, ledger):
        assert ledger.claim(execution()) == (Claim.CLAIMED, execution())
        assert ledger.get(execution().key) == execution()
        assert ledger.get(execution(1).key) is None

    def test_what_executions_cost_is_summed_once_for_each_that_settles(self, ledger):
        assert ledger.cost("hourly-1") == Cost()
        for hours, seconds in enumerate((2.0, 4.5)):
            planned = execution(hours)
            ledger.claim(planned)
            cost = Cost.of(Usage(seconds=seconds, memory_mebibytes=2048), objects=7)
            settled = planned.settled(Outcome(status=OutcomeStatus.COMPLETED), now=NOW, cost=cost)
            ledger.save(settled)
            with pytest.raises(NotReady):
                ledger.save(settled)  # by another process
            ledger.save(settled.with_announcement(now=NOW))
        # 2 GiB for 6.5 s; 3 invocations and 7 objects each: 13 * 1.66667e-5 + 6 * 2e-7 + 14 * 4e-7 dollars
        assert ledger.cost(execution().schedule_id) == Cost(gb_seconds=13, requests=20, usd=0.000223467, executions=2)

    def test_what_an_execution_cost_that_never_held_its_schedule_is_summed_too(self, ledger):
        ledger.claim(execution())
        other = ledger.enqueue(execution(1))
        cost = Cost.of(Usage(seconds=1, memory_mebibytes=1024), objects=0)
        ledger.save(other.settled(Outcome(status=OutcomeStatus.STOPPED), now=NOW, cost=cost))
        assert ledger.cost(other.schedule_id) == cost
        assert ledger.active(other.schedule_id) == execution()

    def test_a_window_is_claimed_by_one_firing(self, ledger):
        ledger.claim(execution(tick_id="one"))
        claim, standing = ledger.claim(execution(tick_id="two"))
        assert (claim, standing.tick_id) == (Claim.TAKEN, "one")
        assert ledger.claim(execution(tick_id="one"))[0] is Claim.CLAIMED

    def test_what_is_in_progress_cannot_be_claimed_again_by_its_own_firing(self, ledger):
        ledger.claim(execution())
        ledger.save(execution().started(host="h", host_reason="it fits", run=RUN, now=NOW, lease=LEASE))
        assert ledger.claim(execution())[0] is Claim.TAKEN

    def test_one_execution_of_a_schedule_is_active_and_the_next_waits_its_turn(self, ledger):
        ledger.claim(execution(0))
        claim, waiting = ledger.claim(execution(1))
        assert (claim, waiting.active) == (Claim.WAITING, False)
        assert ledger.claim(execution(1))[0] is Claim.WAITING
        ledger.save(execution(0).settled(COMPLETED, now=NOW))
        claim, standing = ledger.claim(execution(1))
        assert (claim, standing.active) == (Claim.CLAIMED, True)
        assert ledger.get(execution(1).key) == standing

    def test_what_is_enqueued_waits_even_where_nothing_is_active_and_keeps_what_stands(self, ledger):
        assert ledger.enqueue(execution(0)) == execution(0).waiting()
        assert ledger.enqueue(execution(0, tick_id="another")) == execution(0).waiting()
        assert ledger.get(execution(0).key) == execution(0).waiting()
        assert ledger.claim(execution(1))[0] is Claim.CLAIMED
        assert ledger.claim(execution(0))[0] is Claim.WAITING
        ledger.enqueue(execution(1, tick_id="another"))
        assert ledger.get(execution(1).key) == execution(1)
        ledger.save(execution(1).settled(COMPLETED, now=NOW))
        claim, standing = ledger.claim(execution(0))
        assert (claim, standing.active) == (Claim.CLAIMED, True)

    def test_an_execution_is_found_by_the_name_of_its_processing_job(self, ledger):
        first, second = execution(0), execution(1)
        ledger.claim(first)
        ledger.enqueue(second)
        assert ledger.of_processing_job(first.processing_job_name) == first
        found = ledger.of_processing_job(second.processing_job_name)
        assert found is not None
        assert found.key == second.key
        assert ledger.of_processing_job("another") is None

    def test_schedules_do_not_hold_each_other_up(self, ledger):
        ledger.claim(execution(name="a"))
        assert ledger.claim(execution(name="b"))[0] is Claim.CLAIMED

    def test_a_write_that_does_not_follow_on_is_refused(self, ledger):
        ledger.claim(execution())
        done = execution().settled(COMPLETED, now=NOW)
        ledger.save(done)
        with pytest.raises(NotReady, match="ChangedMeanwhile"):
            ledger.save(execution().settled(FAILED, now=NOW))
        assert ledger.get(execution().key) == done

    def test_settling_what_only_waited_leaves_the_holder_alone(self, ledger):
        ledger.claim(execution(0))
        _, waiting = ledger.claim(execution(1))
        ledger.save(waiting.settled(FAILED, now=NOW))
        assert ledger.claim(execution(2))[0] is Claim.WAITING

    def test_history_is_newest_first_and_pages_back_in_time(self, ledger):
        for hours in (1, 0, 2):
            ledger.claim(execution(hours))
        newest, next_newest = islice(ledger.executions_before("hourly-1"), 2)
        assert [newest.scheduled_time, next_newest.scheduled_time] == [TEN + 2 * HOUR, TEN + HOUR]
        older = ledger.executions_before("hourly-1", next_newest.window.start)
        assert [found.scheduled_time for found in older] == [TEN]
        assert [*ledger.executions_before("other")] == []

    @pytest.mark.parametrize("descending", [False, True])
    def test_executions_of_one_schedule_or_of_all_are_listed_by_either_time(self, ledger, descending):
        # Created in another order than they were scheduled in; one waits, one has a second version.
        plans = [execution(hours, name=name) for hours, name in [(2, "b"), (0, "a"), (3, "a"), (1, "a")]]
        made = [each.model_copy(update={"creation_time": NOW + n * HOUR}) for n, each in enumerate(plans)]
        for each in made:
            ledger.claim(each)
        ledger.save(ledger.get(made[0].key).settled(COMPLETED, now=NOW))

        def listed(by, **order):
            seen = all_of(partial(ledger.page, ExecutionOrder(by, **order)), limit=2, descending=descending)
            keys = [found.key for found in seen]
            return [made.index(each) for key in keys for each in made if each.key == key]

        def ordered(*expected):
            return list(reversed(expected)) if descending else list(expected)

        assert listed("CreationTime") == ordered(0, 1, 2, 3)
        assert listed("ScheduledTime") == ordered(1, 3, 0, 2)
        assert listed("CreationTime", schedule_id="a-1") == ordered(1, 2, 3)
        assert listed("ScheduledTime", schedule_id="a-1") == ordered(1, 3, 2)
        span = {"since": TEN + HOUR, "until": TEN + 2 * HOUR}
        assert listed("ScheduledTime", **span) == ordered(3, 0)
        assert listed("ScheduledTime", schedule_id="a-1", **span) == [3]
        assert listed("CreationTime", since=NOW + 2 * HOUR) == ordered(2, 3)
        assert listed("CreationTime", until=NOW, schedule_id="b-1") == [0]
        assert ledger.page(ExecutionOrder("CreationTime", "none"), limit=5) == Page([], False)

    def test_a_re_run_stands_beside_its_window_and_before_the_windows_before_it(self, ledger):
        for hours in (0, 1):
            claimed = execution(hours)
            ledger.claim(claimed)
            ledger.save(claimed.settled(COMPLETED, now=NOW))
        again = execution(0).model_copy(update={"attempt": 2, "tick_id": "again"})
        assert ledger.claim(again) == (Claim.CLAIMED, again)
        assert ledger.get(again.key) == again
        listed = [(found.scheduled_time, found.attempt) for found in ledger.executions_before("hourly-1")]
        assert listed == [(TEN + HOUR, 1), (TEN, 2), (TEN, 1)]
        before = ledger.executions_before("hourly-1", TEN)
        assert [found.attempt for found in before] == [2, 1]

    @pytest.mark.parametrize("page", [1, 2, 3, 100])
    def test_pages_of_executions_leave_out_no_attempt_and_repeat_none(self, ledger, page):
        attempts = [(0, 1), (1, 1), (1, 2), (1, 3), (2, 1), (2, 2)]
        for hours, attempt in attempts:
            planned = execution(hours).model_copy(update={"attempt": attempt, "tick_id": f"{hours}/{attempt}"})
            ledger.claim(planned)
            ledger.save(planned.settled(COMPLETED, now=NOW))
        found = [(found.scheduled_time, found.attempt) for found in ledger.executions_before("hourly-1", page=page)]
        assert found == [(TEN + hours * HOUR, attempt) for hours, attempt in reversed(attempts)]
        earlier = [each.attempt for each in ledger.executions_before("hourly-1", TEN + HOUR, page=page)]
        assert earlier == [3, 2, 1, 1]

    def test_open_executions_are_found_when_due_and_until_all_is_published(self, ledger):
        ledger.claim(execution(0, name="a"))
        ledger.claim(execution(0, name="b"))
        assert list(ledger.still_open(NOW)) == []
        later = NOW + LEASE
        for found in (ledger.still_open(later), ledger.still_open()):
            assert {each.monitoring_schedule_name for each in found} == {"a", "b"}
        settled = execution(name="a").settled(COMPLETED, now=NOW)
        ledger.save(settled)
        assert settled in list(ledger.still_open(later))
        announced = settled.with_announcement(now=NOW)
        ledger.save(announced)
        assert announced in list(ledger.still_open(later))
        ledger.save(announced.with_metrics(now=NOW))
        assert [found.monitoring_schedule_name for found in ledger.still_open(later)] == ["b"]


@pytest.mark.parametrize(
    "reasons", [[], ["None", "TransactionConflict"], ["ConditionalCheckFailed", "TransactionConflict"]]
)
def test_a_settlement_that_meets_another_transaction_is_retried_and_still_lets_go(table, monkeypatch, reasons):
    """DynamoDB cancels one of two transactions on one item; settling without letting go would stop the schedule."""
    ledger = TableLedger(VersionedItems(table))
    ledger.claim(execution())
    done = execution().settled(COMPLETED, now=NOW)
    response = {
        "Error": {"Code": "TransactionCanceledException", "Message": "Transaction cancelled"},
        "CancellationReasons": [{"Code": code} for code in reasons],
    }

    def conflict(**_):
        raise ClientError(response, "TransactWriteItems")

    with monkeypatch.context() as patched:
        patched.setattr(table.meta.client, "transact_write_items", conflict)
        with pytest.raises(Upstream):
            ledger.save(done)
        with pytest.raises(Upstream):
            ledger.claim(execution(1))
    assert ledger.get(execution().key) == execution()
    ledger.save(done)
    assert ledger.claim(execution(1))[0] is Claim.CLAIMED


class TestBaseliningJobs:
    @pytest.fixture
    def jobs(self, world, request):
        if world == "in memory":
            return MemoryJobs()
        return TableBaseliningJobs(VersionedItems(request.getfixturevalue("table")))

    def test_a_job_is_kept_and_changes_only_in_order(self, jobs):
        job = BaseliningJob(
            baselining_job_name="first",
            baseline_dataset_s3_uri="s3://data/train.csv",
            dataset_format={"csv": {"header": True}},
            output_s3_uri="s3://results/b",
            creation_time=NOW,
            last_modified_time=NOW,
            due=NOW,
            host="lambda",
        )
        jobs.save(job)
        assert jobs.get("first") == job
        assert jobs.get("second") is None
        with pytest.raises(InvalidInput, match="BaseliningJobExists"):
            jobs.save(job)
        assert list(jobs.still_open(NOW)) == [job]
        assert list(jobs.still_open(NOW - HOUR)) == []
        assert list(jobs.still_open()) == [job]
        done = job.settled(COMPLETED, now=NOW)
        jobs.save(done)
        assert list(jobs.still_open(NOW)) == []
        with pytest.raises(NotReady):
            jobs.save(done)


class TestJobDefinitions:
    @pytest.fixture
    def definitions(self, world, request):
        if world == "in memory":
            return MemoryJobDefinitions()
        return TableJobDefinitions(VersionedItems(request.getfixturevalue("table")))

    def test_a_definition_is_kept_changes_only_in_order_and_is_deleted_as_it_is(self, definitions):
        made = definition("b")
        definitions.save(made)
        assert definitions.get("DataQuality", "b") == made
        assert definitions.get("ModelQuality", "b") is None
        with pytest.raises(InvalidInput, match="xists"):
            definitions.save(made)
        changed = made.changed(tags={"team": "ml"})
        definitions.save(changed)
        with pytest.raises(NotReady):
            definitions.save(changed)
        with pytest.raises(NotReady):
            definitions.delete(made)
        definitions.delete(changed)
        assert definitions.get("DataQuality", "b") is None

    @pytest.mark.parametrize("by_creation", [True, False])
    @pytest.mark.parametrize("descending", [True, False])
    def test_pages_follow_the_order_of_creation_or_of_names(self, definitions, by_creation, descending):
        for hours, name in enumerate("cab"):
            definitions.save(definition(name, hours))
        found = all_of(
            lambda **asked: definitions.page("DataQuality", **asked),
            limit=2,
            by_creation=by_creation,
            descending=descending,
        )
        expected = list("cab" if by_creation else "abc")
        assert [each.job_definition_name for each in found] == (expected[::-1] if descending else expected)


def transition(hour: int, status: str, alert: str = "violations", schedule_id: str = "hourly-1") -> AlertTransition:
    start = NOW + timedelta(hours=hour)
    return AlertTransition.model_validate(
        {
            "monitoring_schedule_name": schedule_id.partition("-")[0],
            "schedule_id": schedule_id,
            "alert_name": alert,
            "alert_status": status,
            "severity": "warning",
            "creation_time": start + timedelta(minutes=65),
            "window": {"start": start, "end": start + timedelta(hours=1)},
            "scheduled_time": start + timedelta(hours=1),
            "since": start,
        }
    )


class TestAlertStates:
    @pytest.fixture
    def states(self, world, request):
        if world == "in memory":
            return MemoryAlertStates()
        return TableAlertStates(VersionedItems(request.getfixturevalue("table")))

    def test_nothing_is_known_at_first(self, states):
        assert states.known("hourly-1") == KnownAlerts({}, None)

    def test_an_alert_stands_as_it_was_after_the_latest_execution_in_whatever_order_it_is_kept(self, states):
        first, second = transition(0, "InAlert"), transition(1, "OK")
        other = transition(0, "InAlert", "no-data")
        known, muted = AlertState(second, second), AlertState(other, None)
        for state, place in ((known, second), (AlertState(first, None), first), (muted, other), (known, second)):
            states.keep(state, place=place_of(place))
        assert states.known("hourly-1").states == {AlertName.VIOLATIONS: known, AlertName.NO_DATA: muted}
        notified = AlertState(second, first, 3)
        states.keep(notified, place=place_of(second))
        assert states.known("hourly-1").state(AlertName.VIOLATIONS) == notified

    def test_a_change_is_in_the_history_once_as_it_was_first_noted(self, states):
        change = transition(0, "InAlert")
        states.note(change, announced=True)
        states.note(change.model_copy(update={"creation_time": NOW + timedelta(hours=9)}), announced=True)
        page = states.page("hourly-1", limit=10)
        assert ([each for each, _ in page.records], page.has_more) == ([change], False)

    @pytest.mark.parametrize("descending", [True, False])
    def test_changes_of_all_schedules_are_listed_by_creation_page_by_page(self, states, descending):
        changes = [transition(n, "InAlert", schedule_id=f"{'abc'[n]}-1") for n in range(3)]
        for change in changes:
            states.note(change, announced=True)
        found, after = [], None
        for _ in range(3):
            page = states.page(None, limit=1, after=after, descending=descending)
            ((change, after),) = page.records
            found.append(change)
        assert found == (changes[::-1] if descending else changes)

    @pytest.mark.parametrize("descending", [True, False])
    def test_changes_of_a_schedule_are_listed_by_creation_whatever_their_windows(self, states, descending):
        late = transition(0, "InAlert").model_copy(update={"creation_time": NOW + timedelta(hours=9)})
        changes = [transition(1, "InAlert"), transition(2, "OK"), late]
        for change in (*changes, transition(0, "OK", schedule_id="daily-1")):
            states.note(change, announced=True)
        found, after = [], None
        for _ in range(3):
            page = states.page("hourly-1", limit=1, after=after, descending=descending)
            ((change, after),) = page.records
            found.append(change)
        assert found == (changes[::-1] if descending else changes)

    def test_an_execution_that_changed_an_alert_is_known_by_its_place_once_it_is_announced(self, states):
        change = transition(0, "InAlert")
        states.note(change, announced=False)
        assert not states.is_announced("hourly-1", AlertName.VIOLATIONS, place_of(change))
        for announced in (True, False):
            states.note(change.model_copy(update={"creation_time": NOW}), announced=announced)
            assert states.is_announced("hourly-1", AlertName.VIOLATIONS, place_of(change))
        assert [each for each, _ in states.page("hourly-1", limit=10).records] == [change]
        assert not states.is_announced("hourly-1", AlertName.NO_DATA, place_of(change))
        assert not states.is_announced("hourly-1", AlertName.VIOLATIONS, place_of(transition(1, "InAlert")))
        assert not states.is_announced("daily-1", AlertName.VIOLATIONS, place_of(change))

    def test_a_schedule_is_muted_until_a_moment(self, states):
        states.mute(MutedSchedule("hourly", "hourly-1", NOW))
        assert states.known("hourly-1").muted_until == NOW
        assert states.known("hourly-2").muted_until is None

    def test_a_mute_is_listed_from_its_end_until_it_is_seen_to_unless_it_was_made_longer(self, states):
        first, second = (MutedSchedule(name, f"{name}-1", NOW) for name in ("daily", "hourly"))
        for each in (first, second):
            states.mute(each)
        assert not [*states.ended_mutes(NOW - timedelta(seconds=1))]
        assert sorted(states.ended_mutes(NOW)) == [first, second]
        longer = second._replace(until=NOW + timedelta(hours=1))
        states.mute(longer)
        for each in (first, second):
            states.unlist(each)
        assert not [*states.ended_mutes(NOW)]
        assert [*states.ended_mutes(longer.until)] == [longer]
        assert states.known("daily-1").muted_until == NOW


class TestMonitorSummaries:
    @pytest.fixture
    def summaries(self, world, request):
        if world == "in memory":
            return MemoryMonitorSummaries()
        return TableMonitorSummaries(VersionedItems(request.getfixturevalue("table")))

    def test_each_schedule_has_the_summary_that_was_read_last_in_whatever_order_they_are_written(self, summaries):
        older, newer = (MonitorSummary(schedule_id="hourly-1", since=NOW + timedelta(hours=n)) for n in range(2))
        other = MonitorSummary(schedule_id="daily-1")
        summaries.put(newer, read_at=NOW + timedelta(microseconds=1))
        summaries.put(older, read_at=NOW)
        summaries.put(other, read_at=NOW)
        assert sorted(summaries.all(), key=lambda each: each.schedule_id) == [other, newer]

    def test_a_summary_is_read_by_its_schedule(self, summaries):
        summaries.put(kept := MonitorSummary(schedule_id="hourly-1", since=NOW), read_at=NOW)
        assert summaries.get("hourly-1") == kept
        assert summaries.get("daily-1") is None

    def test_a_thousand_summaries_are_read_page_after_page(self, summaries):
        written = [MonitorSummary(schedule_id=f"{n:04}") for n in range(1000)]
        for each in written:
            summaries.put(each, read_at=NOW)
        assert sorted(summaries.all(), key=lambda each: each.schedule_id) == written


class TestMonitorPeriods:
    @pytest.fixture
    def periods(self, world, request):
        if world == "in memory":
            return MemoryMonitorPeriods()
        return TableMonitorPeriods(VersionedItems(request.getfixturevalue("table")))

    def test_hours_of_a_day_and_days_are_listed_as_they_were_read_last(self, periods):
        day = TEN.replace(hour=0)
        worst = (Measured(at=TEN, score=Score(name="income", value=0.5), again=True),)

        def kept(start, length=PeriodLength.HOUR, schedule="hourly-1", measures=()):
            periods.put(
                period := Period(schedule_id=schedule, length=length, start=start, measures=measures), read_at=NOW
            )
            return period

        hours = [kept(day + n * HOUR) for n in (0, 23)]
        for elsewhere in (day - HOUR, day + 24 * HOUR):
            kept(elsewhere)
        kept(day, schedule="other")
        days = [kept(day - n * 24 * HOUR, PeriodLength.DAY) for n in range(5)]
        newer = hours[0].model_copy(update={"measures": worst})
        periods.put(newer, read_at=NOW + timedelta(microseconds=1))
        kept(day)  # read earlier
        assert [*periods.hours("hourly-1", day)] == [newer, hours[1]]
        assert [*periods.days("hourly-1", most=3)] == days[:3]
        assert [*periods.days("hourly-1", most=9)] == days
        assert [*periods.days("daily-1", most=9)] == []


class TestWaitingAlerts:
    PEOPLE = AlertTargetReference(type="sns", address="arn:people")
    OTHERS = AlertTargetReference(type="sns", address="arn:others", least_severity="critical")

    @pytest.fixture
    def clock(self):
        return ManualClock()

    @pytest.fixture
    def waiting(self, world, clock, request):
        if world == "in memory":
            return MemoryWaitingAlerts(clock)
        return TableWaitingAlerts(VersionedItems(request.getfixturevalue("table")), clock)

    def test_alerts_of_a_second_are_counted_for_each_target(self, waiting, clock):
        assert [waiting.arrivals(self.PEOPLE) for _ in range(3)] == [1, 2, 3]
        assert waiting.arrivals(self.OTHERS) == 1
        clock.pass_by(timedelta(seconds=1))
        assert waiting.arrivals(self.PEOPLE) == 1

    def test_an_alert_waits_once_until_it_is_removed(self, waiting):
        alert = violating()
        waiting.put(self.OTHERS, alert)
        waiting.put(self.OTHERS, alert)
        assert list(waiting.targets()) == [self.OTHERS]
        assert list(waiting.of(self.OTHERS, most=10)) == [alert]
        assert list(waiting.of(self.PEOPLE, most=10)) == []
        waiting.remove(self.OTHERS, alert.key)
        assert list(waiting.targets()) == []

    def test_of_more_than_are_asked_for_those_come_first_that_have_waited_longest(self, waiting, clock):
        alerts = [violating().model_copy(update={"key": key}) for key in "cab"]
        for alert in (*alerts, alerts[0]):  # the first of them is left waiting twice
            waiting.put(self.PEOPLE, alert)
            clock.pass_by(timedelta(seconds=1))
        for sent in range(3):
            assert list(waiting.of(self.PEOPLE, most=2)) == alerts[sent:][:2]
            waiting.remove(self.PEOPLE, alerts[sent].key)

    def test_each_target_that_alerts_wait_for_is_found_once_and_has_its_own(self, waiting):
        addresses = ("arn:a", "arn:a-b", "arn:ab", "arn:a:1")  # one begins as another does
        targets = [AlertTargetReference(type="sns", address=address) for address in addresses]
        for number, target in enumerate(targets):
            for key in range(number + 1):
                waiting.put(target, violating().model_copy(update={"key": f"{key}"}))
        assert sorted(map(str, waiting.targets())) == sorted(map(str, targets))
        assert [len(waiting.of(target, most=9)) for target in targets] == [1, 2, 3, 4]


class TestSentAlerts:
    @pytest.fixture
    def clock(self):
        return ManualClock()

    @pytest.fixture
    def sent(self, world, clock, request):
        return (
            MemorySentAlerts(clock)
            if world == "in memory"
            else TableSentAlerts(VersionedItems(request.getfixturevalue("table")), clock)
        )

    PEOPLE, OTHERS = (AlertTargetReference(type="sns", address=each) for each in ("people", "others"))

    def test_one_sender_begins_with_the_alerts_of_a_schedule_for_a_target(self, sent):
        alert, other = violating(), violating().model_copy(update={"key": "another/1"})
        later = alert.model_copy(update={"key": f"{alert.schedule_id}/later"})
        assert sent.begin([alert], self.PEOPLE) == ([alert], HeardAlerts())
        for each in (alert, later):
            with pytest.raises(NotReady, match="AlertUnderWay"):
                sent.begin([each], self.PEOPLE)
        assert sent.begin([later], self.OTHERS) == ([later], HeardAlerts())
        assert sent.begin([other], self.PEOPLE) == ([other], HeardAlerts())

    def test_what_failed_may_begin_again_and_what_went_out_may_not(self, sent, clock):
        alert = violating()
        sent.begin([alert], self.PEOPLE)
        sent.abandon([alert], self.PEOPLE)
        assert sent.begin([alert], self.PEOPLE)[0] == [alert]
        sent.finish([alert], self.PEOPLE, HeardAlerts())
        clock.pass_by(timedelta(days=1))
        for _ in range(2):  # to be refused holds up nobody
            assert sent.begin([alert], self.PEOPLE)[0] == []
        later = alert.model_copy(update={"key": f"{alert.schedule_id}/later"})
        assert sent.begin([later], self.PEOPLE)[0] == [later]

    def test_alerts_of_a_schedule_begin_and_end_together_but_for_those_that_went_out(self, sent):
        alert = violating()
        keys = [f"{alert.schedule_id}/{number}" for number in range(MOST_AT_ONCE)]
        alerts = [alert.model_copy(update={"key": key}) for key in keys]
        sent.begin(alerts[1:2], self.PEOPLE)
        sent.finish(alerts[1:2], self.PEOPLE, HeardAlerts())
        assert sent.begin(alerts, self.PEOPLE)[0] == [alerts[0], *alerts[2:]]
        with pytest.raises(NotReady, match="AlertUnderWay"):
            sent.begin(alerts[2:3], self.PEOPLE)
        sent.abandon(alerts, self.PEOPLE)
        sent.begin(alerts, self.PEOPLE)
        sent.finish(alerts, self.PEOPLE, HeardAlerts())
        assert sent.begin(alerts, self.PEOPLE)[0] == []

    def test_what_was_sent_is_known_while_another_alert_is_under_way(self, sent):
        alert = violating()
        sent.begin([alert], self.PEOPLE)
        sent.finish([alert], self.PEOPLE, HeardAlerts())
        sent.begin([alert.model_copy(update={"key": f"{alert.schedule_id}/later"})], self.PEOPLE)
        assert sent.begin([alert], self.PEOPLE)[0] == []

    def test_what_a_target_has_heard_is_known_to_the_next_sender(self, sent):
        alert = violating()
        heard = HeardAlerts(alerts={AlertName.VIOLATIONS: HeardAlert(number=3, since=NOW, occasion="a")})
        sent.begin([alert], self.PEOPLE)
        sent.finish([alert], self.PEOPLE, heard)
        later = alert.model_copy(update={"key": f"{alert.schedule_id}/later"})
        for target, known in ((self.PEOPLE, heard), (self.OTHERS, HeardAlerts())):
            assert sent.begin([later], target) == ([later], known)
            sent.abandon([later], target)
        assert sent.begin([later], self.PEOPLE) == ([later], heard)

    def test_whoever_is_a_target_again_has_returned_until_it_hears_of_something(self, sent):
        alert = violating()
        known = HeardAlerts(alerts={AlertName.VIOLATIONS: HeardAlert(number=3, since=NOW, occasion="a")})
        keys = iter(f"{alert.schedule_id}/{number}" for number in range(9))

        def heard(target: AlertTargetReference) -> HeardAlerts:
            later = alert.model_copy(update={"key": next(keys)})
            _, before = sent.begin([later], target)
            sent.finish([later], target, known)
            return before

        for target in (self.PEOPLE, self.OTHERS):
            heard(target)
        sent.note_return(alert.schedule_id, of_all_but=[self.OTHERS])
        sent.note_return("another", of_all_but=[])
        assert [heard(target) for target in (self.PEOPLE, self.OTHERS)] == [known.after_a_return, known]
        assert heard(self.PEOPLE) == known

    def test_a_sender_that_died_is_succeeded_after_its_lease_and_its_end_ends_no_other(self, sent, clock):
        alert = violating()
        later = alert.model_copy(update={"key": f"{alert.schedule_id}/later"})
        sent.begin([alert], self.PEOPLE)
        clock.pass_by(timedelta(minutes=3))
        assert sent.begin([later], self.PEOPLE)[0] == [later]
        sent.abandon([alert], self.PEOPLE)
        with pytest.raises(NotReady, match="AlertUnderWay"):
            sent.begin([alert], self.PEOPLE)


class TestRunClaims:
    @pytest.fixture
    def claims(self, world, request):
        if world == "in memory":
            return MemoryRunClaims()
        return TableRunClaims(VersionedItems(request.getfixturevalue("table")), ManualClock())

    def test_the_first_run_owns_a_subject_as_often_as_it_asks(self, claims):
        assert claims.claim("a", "one") is RunClaim.OWNED
        assert claims.claim("a", "two") is RunClaim.TAKEN
        assert claims.claim("a", "one") is RunClaim.OWNED
        assert claims.claim("b", "two") is RunClaim.OWNED

    def test_what_is_stopped_belongs_to_no_run_any_more(self, claims):
        claims.claim("a", "one")
        claims.stop("a")
        claims.stop("b")
        assert [claims.claim(subject, "one") for subject in "ab"] == [RunClaim.STOPPED] * 2

    def test_the_owner_of_a_subject_is_known(self, claims):
        claims.claim("a", "one")
        claims.claim("a", "two")
        claims.claim("b", "one")
        claims.stop("b")
        assert [claims.owner(subject) for subject in "abc"] == ["one", None, None]


def test_a_record_that_cannot_be_read_is_reported_and_hides_no_other(table):
    ledger = TableLedger(VersionedItems(table))
    ledger.claim(execution(name="good"))
    ledger.claim(execution(name="bad"))
    key = {"pk": "EXECUTIONS#bad-1", "sk": "EXECUTION#2026-11-22T09:00:00Z~2026-11-22T10:00:00Z#00001"}
    item = table.get_item(Key=key)["Item"]
    document = json.loads(item["document"]) | {"a_field_of_tomorrow": 1}
    table.put_item(Item=item | {"document": json.dumps(document)})
    found = sorted(ledger.still_open(NOW + LEASE), key=lambda each: isinstance(each, UnreadableRecord))
    assert [each.monitoring_schedule_name for each in found[:1]] == ["good"]
    (broken,) = found[1:]
    assert broken.identity == f"{key['pk']} {key['sk']}"
    assert "a_field_of_tomorrow: Extra inputs are not permitted" in broken.reason
    (listed,) = ledger.executions_before("bad-1")
    assert listed == broken
    with pytest.raises(Upstream, match="RecordUnreadable: the record EXECUTIONS#bad-1") as refused:
        ledger.active("bad-1")
    assert "2026" not in refused.value.message.partition("cannot be read")[2]


def test_a_schedule_that_cannot_be_read_hides_no_other_and_shows_nothing_of_its_content(table):
    schedules = TableSchedules(VersionedItems(table))
    schedules.save(schedule("bad"))
    schedules.save(schedule("good"))
    key = {"pk": "SCHEDULE#bad", "sk": "DEFINITION"}
    item = table.get_item(Key=key)["Item"]
    document = json.loads(item["document"]) | {"environment": "API_TOKEN=secret"}
    table.put_item(Item=item | {"document": json.dumps(document)})
    ((bad, _), (good, _)), has_more = schedules.page(limit=5)
    assert isinstance(bad, UnreadableRecord)
    assert (good.monitoring_schedule_name, has_more) == ("good", False)
    with pytest.raises(Upstream, match="RecordUnreadable") as refused:
        schedules.get("bad")
    assert "secret" not in str(refused.value)


@pytest.fixture
def of_an_earlier_version(table, monkeypatch) -> TableSchedules:
    """Five schedules that have no places, in pages of two."""
    monkeypatch.setattr(schedule_table, "_PAGE", 2)
    schedules = TableSchedules(VersionedItems(table))
    for name in "abcde":
        schedules.save(schedule(name))
        table.delete_item(Key={"pk": f"SCHEDULE#{name}", "sk": "PLACE"})
    return schedules


def names_of(found) -> str:
    return "".join(sorted(each if isinstance(each, str) else each.monitoring_schedule_name for each in found))


def test_schedules_of_an_earlier_version_are_found_as_before_and_given_places_once(table, of_an_earlier_version):
    schedules, tomorrow = of_an_earlier_version, NOW + timedelta(days=1)
    schedules.expect(schedule("a"), NOW)  # a tick, before anything else happens
    assert names_of(schedules.watching(schedule().watched)) == "abcde"
    assert names_of(schedules.overdue(tomorrow)) == "abcde"
    assert names_of(schedules.watching(schedule().watched)) == "abcde"
    table.delete_item(Key={"pk": "SCHEDULE#a", "sk": "PLACE"})
    assert names_of(schedules.overdue(tomorrow)) == "bcde"  # nobody looks again
    assert names_of(schedules.watching(schedule().watched)) == "bcde"


def test_places_that_a_crash_left_out_are_given_by_the_next_look(of_an_earlier_version, monkeypatch):
    schedules, given, give_place = of_an_earlier_version, [], TableSchedules._give_place

    def crashing(self, each):
        if len(given) == 3:
            raise Upstream("Crash", "x")
        noting(self, each)

    def noting(self, each):
        given.append(each.monitoring_schedule_name)
        give_place(self, each)

    monkeypatch.setattr(TableSchedules, "_give_place", crashing)
    with pytest.raises(Upstream, match="Crash"):
        list(schedules.overdue(NOW))
    assert names_of(schedules.watching(schedule().watched)) == "abcde"
    monkeypatch.setattr(TableSchedules, "_give_place", noting)
    assert names_of(schedules.overdue(NOW + timedelta(days=1))) == "abcde"
    assert "".join(given) == "abc" + "cde"  # the first page was noted


def test_a_schedule_that_is_deleted_while_places_are_given_gets_none(table):
    schedules = TableSchedules(VersionedItems(table))
    schedules.save(schedule())
    schedules.delete(schedule(), now=NOW)
    schedules._give_place(schedule())
    assert list(schedules.overdue(NOW + timedelta(days=1))) == []


def test_alerts_of_a_later_version_do_not_keep_others_waiting(table):
    people, clock = TestWaitingAlerts.PEOPLE, ManualClock()
    waiting = TableWaitingAlerts(VersionedItems(table), clock)
    alerts = [violating().model_copy(update={"key": key}) for key in "abc"]
    for alert in alerts:
        waiting.put(people, alert)
        clock.pass_by(timedelta(seconds=1))
    for item in table.scan()["Items"]:
        if item["sk"] in ("a", "b"):
            table.put_item(Item=item | {"document": "{}"})
    assert list(waiting.of(people, most=1)) == alerts[2:]


def test_of_alerts_that_wait_no_more_are_read_than_are_sent(table, monkeypatch):
    people, others = TestWaitingAlerts.PEOPLE, TestWaitingAlerts.OTHERS
    waiting, read = TableWaitingAlerts(VersionedItems(table), ManualClock()), []
    for number in range(30):
        waiting.put(people if number else others, violating().model_copy(update={"key": f"{number}"}))
    query = table.query

    def counted(**asked):
        page = query(**asked)
        read.append(len(page["Items"]))
        return page

    monkeypatch.setattr(table, "query", counted)
    assert len(waiting.of(people, most=7)) == 7
    assert read == [7]
    read.clear()
    assert list(waiting.targets()) == [others, people]
    assert sum(read) == 2


def test_an_analysis_of_a_later_version_hides_no_other_endpoint(table):
    analyses = TableDeferredAnalyses(VersionedItems(table))
    item = {"pk": "DEFERRED#later", "sk": "ANALYSIS", "list": "DEFERRED", "list_key": "2026-11-22T10:00:00Z"}
    settings = {"analysis_type": "DATA_QUALITY", "dataset_source": "/a", "output_path": "/b", "setting_of_tomorrow": 1}
    table.put_item(Item=item | {"version": 1, "document": json.dumps({"request": {"settings": settings}})})
    assert list(analyses.endpoint_names()) == ["later"]
    with pytest.raises(Upstream, match="RecordUnreadable: the record DEFERRED#later ANALYSIS cannot be read"):
        analyses.get("later")


def test_the_execution_that_holds_a_schedule_is_found_however_many_came_after_it(table):
    ledger = TableLedger(VersionedItems(table))
    held = execution(hours=0)
    ledger.claim(held)
    for hours in range(1, 4):
        ledger.claim(execution(hours=hours, tick_id=f"t{hours}"))
    assert ledger.active(held.schedule_id).key == held.key
    ledger.save(held.settled(Outcome.stopped("x"), now=NOW))
    assert ledger.active(held.schedule_id) is None


class TestDeferredAnalyses:
    @pytest.fixture
    def analyses(self, world, request):
        if world == "in memory":
            return MemoryDeferredAnalyses()
        return TableDeferredAnalyses(VersionedItems(request.getfixturevalue("table")))

    def test_an_analysis_is_kept_until_it_is_forgotten_and_changes_only_in_order(self, analyses):
        waiting = DeferredAnalysis(
            endpoint_name="modelwatch-temporary-1",
            model=ModelReference(model_name="m", instance_type="ml.m5.large"),
            request=REQUEST,
            creation_time=NOW,
        )
        analyses.save(waiting)
        assert analyses.get("modelwatch-temporary-1") == waiting
        assert analyses.get("modelwatch-temporary-2") is None
        with pytest.raises(InvalidInput, match="DeferredAnalysisExists"):
            analyses.save(waiting)
        analyses.save(waiting.as_started())
        with pytest.raises(NotReady, match="ChangedMeanwhile"):
            analyses.save(waiting.as_started())
        assert [analyses.get(name).started for name in analyses.endpoint_names()] == [True]
        analyses.delete("modelwatch-temporary-1")
        analyses.delete("modelwatch-temporary-1")
        assert analyses.get("modelwatch-temporary-1") is None
        assert list(analyses.endpoint_names()) == []


class TestTemporaryEndpoints:
    """``become`` gives an endpoint a status: the emulator knows no other than InService by itself."""

    NAME = temporary_endpoint_name("ledger", "baseline/a")
    MODEL = ModelReference(model_name="m", instance_type="ml.m5.large")

    @pytest.fixture
    def endpoints(self, world, request):
        if world == "in memory":
            return MemoryTemporaryEndpoints("ledger")
        sagemaker = request.getfixturevalue("aws").client("sagemaker")
        role = "arn:aws:iam::123456789012:role/r"
        sagemaker.create_model(ModelName="m", PrimaryContainer={"Image": "i"}, ExecutionRoleArn=role)
        return SageMakerTemporaryEndpoints(lambda: sagemaker, "ledger")

    @pytest.fixture
    def become(self, endpoints):
        def become(name: str, status: str, reason: str | None = None) -> None:
            if isinstance(endpoints, MemoryTemporaryEndpoints):
                endpoints.kept[name] = TemporaryEndpoint(status=EndpointStatus(status), failure_reason=reason)
            else:
                endpoint = sagemaker_backends["123456789012"]["us-east-1"].endpoints[name]
                endpoint.endpoint_status, endpoint.failure_reason = status, reason

        return become

    def test_an_endpoint_is_made_once_and_says_how_it_stands(self, endpoints, become):
        assert endpoints.find(self.NAME) is None
        endpoints.create(self.NAME, self.MODEL, "baseline/a")
        become(self.NAME, "Failed", "no capacity")
        endpoints.create(self.NAME, self.MODEL, "baseline/a")
        assert endpoints.find(self.NAME) == TemporaryEndpoint(
            status=EndpointStatus.FAILED, failure_reason="no capacity"
        )
        become(self.NAME, "InService")
        assert endpoints.find(self.NAME).status is EndpointStatus.IN_SERVICE
        assert set(endpoints.names()) == {self.NAME}

    def test_it_is_deleted_with_all_that_belongs_to_it_once_it_may_be(self, endpoints, become):
        endpoints.create(self.NAME, self.MODEL, "baseline/a")
        become(self.NAME, "Creating")
        assert not endpoints.delete(self.NAME)
        assert endpoints.find(self.NAME).status is EndpointStatus.CHANGING
        become(self.NAME, "InService")
        assert endpoints.delete(self.NAME)
        assert endpoints.find(self.NAME) is None
        assert list(endpoints.names()) == []
        assert endpoints.delete(self.NAME)

    def test_those_of_another_deployment_are_not_listed(self, endpoints):
        endpoints.create(temporary_endpoint_name("another", "baseline/a"), self.MODEL, "baseline/a")
        assert list(endpoints.names()) == []

    def test_a_model_that_is_not_there_and_one_without_an_instance_type_are_for_a_person_to_fix(self, endpoints):
        with pytest.raises(InvalidInput, match=r"TemporaryEndpointRefused.*find model"):
            endpoints.create(self.NAME, ModelReference(model_name="missing", instance_type="ml.m5.large"), "baseline/a")
        with pytest.raises(InvalidInput, match="InstanceTypeMissing"):
            endpoints.create(self.NAME, ModelReference(model_name="m"), "baseline/a")
        assert list(endpoints.names()) == []


@pytest.fixture
def sagemaker(aws):
    sagemaker = aws.client("sagemaker")
    role = "arn:aws:iam::123456789012:role/r"
    sagemaker.create_model(ModelName="m", PrimaryContainer={"Image": "i"}, ExecutionRoleArn=role)
    return sagemaker


@pytest.mark.parametrize("call", ["CreateEndpointConfig", "CreateEndpoint"])
def test_a_temporary_endpoint_that_somebody_else_makes_in_the_same_moment_is_as_good(aws, sagemaker, call):
    name, made = TestTemporaryEndpoints.NAME, (TestTemporaryEndpoints.NAME, TestTemporaryEndpoints.MODEL, "baseline/a")
    rival = SageMakerTemporaryEndpoints(lambda: aws.client("sagemaker"), "ledger")

    def taken(**_: object) -> tuple[AWSResponse, dict[str, object]]:
        """Let the other one be quicker, and respond as SageMaker does: the emulator takes a name twice."""
        rival.create(*made)
        return AWSResponse("", 400, {}, None), {"Error": {"Code": "ValidationException", "Message": "already existing"}}

    sagemaker.meta.events.register_first(f"before-call.sagemaker.{call}", taken)
    endpoints = SageMakerTemporaryEndpoints(lambda: sagemaker, "ledger")
    endpoints.create(*made)
    assert list(endpoints.names()) == [name, name]  # one endpoint, one configuration


@pytest.mark.parametrize("status", ["OutOfService", "UpdateRollbackFailed"])
def test_a_temporary_endpoint_that_is_good_for_nothing_is_deleted(sagemaker, status):
    endpoints = SageMakerTemporaryEndpoints(lambda: sagemaker, "ledger")
    endpoints.create(TestTemporaryEndpoints.NAME, TestTemporaryEndpoints.MODEL, "baseline/a")
    sagemaker_backends["123456789012"]["us-east-1"].endpoints[TestTemporaryEndpoints.NAME].endpoint_status = status
    assert endpoints.delete(TestTemporaryEndpoints.NAME)
    assert list(endpoints.names()) == []


def test_a_temporary_endpoint_runs_on_what_was_asked_for_captures_nothing_and_names_its_owner(aws):
    sagemaker = aws.client("sagemaker")
    role = "arn:aws:iam::123456789012:role/r"
    sagemaker.create_model(ModelName="m", PrimaryContainer={"Image": "i"}, ExecutionRoleArn=role)
    model = ModelReference(model_name="m", instance_type="ml.c5.large", initial_instance_count=2)
    SageMakerTemporaryEndpoints(lambda: sagemaker, "ledger").create(
        "modelwatch-temporary-1", model, "execution/hourly/x"
    )
    config = sagemaker.describe_endpoint_config(EndpointConfigName="modelwatch-temporary-1")
    (variant,) = config["ProductionVariants"]
    assert (variant["ModelName"], variant["InstanceType"], variant["InitialInstanceCount"]) == ("m", "ml.c5.large", 2)
    assert not config.get("DataCaptureConfig", {}).get("EnableCapture")
    arn = sagemaker.describe_endpoint(EndpointName="modelwatch-temporary-1")["EndpointArn"]
    tags = {tag["Key"]: tag["Value"] for tag in sagemaker.list_tags(ResourceArn=arn)["Tags"]}
    assert tags == {"modelwatch:owner": "ledger", "modelwatch:subject": "execution/hourly/x"}


def test_a_configuration_that_was_left_alone_is_found_and_finished_or_deleted(aws):
    sagemaker = aws.client("sagemaker")
    role = "arn:aws:iam::123456789012:role/r"
    sagemaker.create_model(ModelName="m", PrimaryContainer={"Image": "i"}, ExecutionRoleArn=role)
    endpoints, model = SageMakerTemporaryEndpoints(lambda: sagemaker, "ledger"), TestTemporaryEndpoints.MODEL
    finished, deleted = (temporary_endpoint_name("ledger", subject) for subject in ("baseline/a", "baseline/b"))
    for name in (finished, deleted):
        endpoints.create(name, model, "a")
        sagemaker.delete_endpoint(EndpointName=name)
    assert set(endpoints.names()) == {finished, deleted}
    endpoints.create(finished, model, "a")
    assert endpoints.find(finished) is not None
    assert endpoints.delete(deleted)
    assert set(endpoints.names()) == {finished}


def listed(found):
    """Return URIs and sizes; all was written in this minute, by the clock of the store."""
    found = list(found)
    assert all(abs(datetime.now(UTC) - each.modified) < timedelta(minutes=1) for each in found)
    return [(each.s3_uri, each.size) for each in found]


class TestObjectStore:
    @pytest.fixture
    def objects(self, world, request, tmp_path):
        store = MemoryObjects()
        if world == "on AWS":
            s3 = request.getfixturevalue("aws").client("s3")
            s3.create_bucket(Bucket="bucket")
            store = S3ObjectStore(s3)
        for key, content in {"a/1.txt": "one", "a/b/2.txt": "two", "ab/3.txt": "three"}.items():
            path = tmp_path / "source"
            path.write_text(content)
            store.upload(path, f"s3://bucket/{key}")
        return store

    def test_a_text_is_written_as_it_is(self, objects):
        objects.write("Größe: 1 µm\n", "s3://bucket/a/1.txt")
        assert objects.read("s3://bucket/a/1.txt") == "Größe: 1 µm\n".encode()

    def test_a_folder_lists_what_is_below_it_and_no_sibling(self, objects):
        below = [("s3://bucket/a/1.txt", 3), ("s3://bucket/a/b/2.txt", 3)]
        assert listed(objects.list("s3://bucket/a")) == below
        assert listed(objects.list("s3://bucket/a/")) == below
        assert listed(objects.list("s3://bucket/a/1.txt")) == below[:1]
        assert len(list(objects.list("s3://bucket"))) == 3
        assert list(objects.list("s3://bucket/none")) == []

    def test_the_objects_that_exist_among_many_are_found(self, objects):
        there = ["s3://bucket/a/1.txt", "s3://bucket/a/b/2.txt", "s3://bucket/ab/3.txt"]
        missing = [
            "s3://bucket/a",
            "s3://bucket/a/0.txt",
            "s3://bucket/a/b/",
            "s3://bucket/zz",
            "s3://bucket/a/1.txt.gz",
        ]
        assert sorted(listed(objects.find([*missing, *there]))) == [(uri, 5 if "ab" in uri else 3) for uri in there]
        assert list(objects.find(missing)) == list(objects.find([])) == []

    def test_folders_are_listed_by_name_without_the_files_beside_them(self, objects):
        assert list(objects.folders("s3://bucket")) == ["a", "ab"]
        assert list(objects.folders("s3://bucket/a/")) == ["b"]
        assert list(objects.folders("s3://bucket/none")) == []

    def test_the_files_of_a_folder_are_those_directly_in_it_and_an_object_is_its_own(self, objects):
        only = [("s3://bucket/a/1.txt", 3)]
        assert listed(objects.files("s3://bucket/a")) == only
        assert listed(objects.files("s3://bucket/a/")) == only
        assert listed(objects.files("s3://bucket/a/1.txt")) == only
        assert list(objects.files("s3://bucket")) == []
        assert list(objects.files("s3://bucket/none")) == []

    def test_objects_are_read_and_downloaded_into_folders_that_are_made(self, objects, tmp_path):
        assert objects.read("s3://bucket/a/1.txt") == b"one"
        assert objects.read("s3://bucket/none") is None
        objects.download("s3://bucket/a/b/2.txt", tmp_path / "x" / "y")
        assert (tmp_path / "x" / "y").read_bytes() == b"two"

    def test_an_object_that_is_larger_than_asked_for_is_not_read(self, objects):
        assert objects.read("s3://bucket/a/1.txt", most=3) == b"one"
        with pytest.raises(InvalidInput, match=r"ObjectTooLarge: s3://bucket/a/1.txt has 3 bytes"):
            objects.read("s3://bucket/a/1.txt", most=2)


class PagesOfKeys:
    """``list_objects_v2`` of a bucket, in pages of so many keys, in the order of their UTF-8; counts calls and keys."""

    def __init__(self, keys, page):
        self.keys, self.page, self.calls, self.listed = sorted(keys, key=str.encode), page, 0, 0

    def list_objects_v2(self, Bucket, Prefix, StartAfter, MaxKeys):  # noqa: N803, ARG002 - names that boto3 has
        self.calls += 1
        first = max(
            bisect_right(self.keys, StartAfter.encode(), key=str.encode),
            bisect_left(self.keys, Prefix.encode(), key=str.encode),
        )
        end = bisect_right(self.keys, Prefix.encode() + b"\xff", key=str.encode)
        last, now = min(first + min(self.page, MaxKeys), end), datetime.now(UTC)
        self.listed += len(self.keys[first:last])
        contents = [{"Key": key, "Size": 1, "LastModified": now} for key in self.keys[first:last]]
        assert all(content["Key"].startswith(Prefix) for content in contents)
        return {"Contents": contents, "IsTruncated": last < end}


_keys = st.text(st.sampled_from("ab/~ \x1f\ue000é\U0001f600"), min_size=1, max_size=5)


@given(there=st.sets(_keys, max_size=60), wanted=st.sets(_keys, max_size=20), page=st.integers(1, 20))
def test_objects_are_found_in_pages_of_any_size(there, wanted, page):
    bucket = PagesOfKeys(there, page)
    found = [stored.s3_uri for stored in S3ObjectStore(bucket).find(f"s3://b/{key}" for key in wanted)]
    assert found == [f"s3://b/{key}" for key in sorted(wanted & there, key=str.encode)]
    assert bucket.calls <= 1 + len(wanted) * (1 + len(there) // page)


@pytest.mark.parametrize("others", [0, 1_000_000])
def test_a_hundred_thousand_objects_of_one_folder_take_a_hundred_calls(others):
    wanted = [f"job/out/part-{number:06}.csv.out" for number in range(100_000)]
    bucket = PagesOfKeys([], 1000)
    bucket.keys = [*wanted, *(f"job/zz/{number:07}" for number in range(others))]
    found = S3ObjectStore(bucket).find(f"s3://b/{key}" for key in wanted)
    assert sum(1 for _ in found) == 100_000
    assert bucket.calls <= 101


def test_two_objects_are_found_without_listing_all_that_follow_them():
    others = [f"baseline/z/{number:04}.json" for number in range(5000)]
    bucket = PagesOfKeys(["baseline/constraints.json", "baseline/statistics.json", *others], 1000)
    uris = [f"s3://b/baseline/{name}.json" for name in ("constraints", "statistics")]
    assert [stored.s3_uri for stored in S3ObjectStore(bucket).find(uris)] == uris
    assert (bucket.calls, bucket.listed) == (1, 20)


def test_a_bucket_that_is_not_there_is_said_to_be_not_there(aws):
    with pytest.raises(InvalidInput, match="BucketNotFound"):
        list(S3ObjectStore(aws.client("s3")).list("s3://no-such-bucket/a"))


def test_an_upload_that_fails_leaves_no_parts(aws, tmp_path):
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="bucket")
    error = {"Code": "AccessDenied", "Message": "no"}
    s3.meta.events.register("before-call.s3.UploadPart", lambda **_: refuse(error))
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(9 * 2**20)  # boto3 uploads more than 8 MiB in parts
    with pytest.raises(InvalidInput):
        S3ObjectStore(s3).upload(large, "s3://bucket/large")
    assert "Uploads" not in s3.list_multipart_uploads(Bucket="bucket")


def refuse(error: dict[str, str]) -> None:
    raise ClientError({"Error": error}, "Called")


def test_a_service_that_cannot_be_reached_is_upstream():
    s3 = boto3.client(
        "s3",
        endpoint_url="http://127.0.0.1:9",
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=boto3.session.Config(retries={"total_max_attempts": 1}, connect_timeout=1),
    )
    with pytest.raises(Upstream, match="ServiceNotReached"):
        S3ObjectStore(s3).read("s3://bucket/key")


def test_an_event_reaches_the_bus_with_our_source_and_its_type(aws):
    events, sqs = aws.client("events"), aws.client("sqs")
    events.create_event_bus(Name="bus")
    queue = sqs.create_queue(QueueName="seen")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["modelwatch"], "detail-type": ["Analysis Ended"]}
    events.put_rule(Name="all", EventBusName="bus", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="all", EventBusName="bus", Targets=[{"Id": "1", "Arn": arn}])
    ended = AnalysisEnded(subject="baseline/a", output_s3_uri="s3://results/a", outcome=COMPLETED)
    EventBridgeBus(events, "bus").publish(ended)
    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    assert AnalysisEnded.model_validate(json.loads(message["Body"])["detail"]) == ended


def test_ticks_follow_the_schedule_in_the_scheduler(aws):
    scheduler = aws.client("scheduler")
    scheduler.create_schedule_group(Name="group")
    arn = "arn:aws:lambda:us-east-1:123456789012:function:launch"
    ticks = SchedulerTicks(
        scheduler, "group", arn, "arn:aws:iam::123456789012:role/r", "arn:aws:sqs:us-east-1:123456789012:dead"
    )
    ticks.set(schedule())
    made = scheduler.get_schedule(Name="hourly", GroupName="group")
    assert (made["ScheduleExpression"], made["State"]) == ("cron(5 * ? * * *)", "ENABLED")
    sent = json.loads(made["Target"]["Input"])
    assert (sent["monitoring_schedule_name"], sent["schedule_id"]) == ("hourly", "hourly-1")
    assert sent["start_delay_minutes"] == 5
    assert made["Target"]["DeadLetterConfig"]["Arn"].endswith(":dead")
    assert made["FlexibleTimeWindow"] == {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 5}
    stopped = {"monitoring_schedule_status": ScheduleStatus.STOPPED}
    ticks.set(schedule(**stopped, start_delay_minutes=0, start_within_minutes=0))
    changed = scheduler.get_schedule(Name="hourly", GroupName="group")
    assert changed["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert (changed["ScheduleExpression"], changed["State"]) == ("cron(0 * ? * * *)", "DISABLED")
    ticks.remove("hourly")
    ticks.remove("hourly")
    assert scheduler.list_schedules(GroupName="group")["Schedules"] == []


def test_an_endpoint_says_where_it_captures_or_why_it_does_not(aws):
    sagemaker = aws.client("sagemaker")
    sagemaker.create_model(
        ModelName="m", PrimaryContainer={"Image": "i"}, ExecutionRoleArn="arn:aws:iam::123456789012:role/r"
    )
    variants = [
        {"VariantName": "AllTraffic", "ModelName": "m", "InstanceType": "ml.t2.medium", "InitialInstanceCount": 1}
    ]
    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": "s3://captures/live/",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
    }
    for name, extra in {"with": {"DataCaptureConfig": capture}, "without": {}}.items():
        sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants, **extra)
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    endpoints = SageMakerEndpoints(sagemaker)
    assert endpoints.capture_destination("with") == "s3://captures/live"
    assert endpoints.capture_destination("with", "AllTraffic") == "s3://captures/live"
    with pytest.raises(InvalidInput, match="VariantNotFound: endpoint with has no variant Blue: it has AllTraffic"):
        endpoints.capture_destination("with", "Blue")
    with pytest.raises(InvalidInput, match="DataCaptureNotEnabled"):
        endpoints.capture_destination("without")
    with pytest.raises(InvalidInput, match="EndpointNotFound"):
        endpoints.capture_destination("none")
    sagemaker.delete_endpoint_config(EndpointConfigName="with")
    assert list(endpoints.deployment("with").models) == ["AllTraffic"]


def test_a_shadow_variant_is_one_of_those_that_are_deployed():
    # Fields of DescribeEndpoint and DescribeEndpointConfig: Amazon SageMaker API Reference; moto has no such variant.
    config = {
        "CreationTime": NOW,
        "ProductionVariants": [{"VariantName": "AllTraffic", "ModelName": "a"}],
        "ShadowProductionVariants": [{"VariantName": "Shadow", "ModelName": "b"}],
    }
    sagemaker = SimpleNamespace(
        describe_endpoint=lambda **_: {"EndpointStatus": "InService", "EndpointConfigName": "c"},
        describe_endpoint_config=lambda **_: config,
        describe_model=lambda **_: {"CreationTime": NOW},
    )
    found = SageMakerEndpoints(sagemaker).deployment("any")
    assert (found.models, found.newest_model) == ({"AllTraffic": "a", "Shadow": "b"}, NOW)


def test_more_metrics_than_one_call_takes_are_all_published(aws):
    cloudwatch = aws.client("cloudwatch")
    metrics = ({"MetricName": f"feature_data_{i}", "Value": 1.0} for i in range(1203))
    CloudWatchMetrics(cloudwatch, SystemClock()).publish("aws/sagemaker/Endpoints/data-metrics", metrics)
    pages = cloudwatch.get_paginator("list_metrics").paginate(Namespace="aws/sagemaker/Endpoints/data-metrics")
    assert sum(len(page["Metrics"]) for page in pages) == 1203


def test_metrics_that_cloudwatch_does_not_take_hold_up_no_others_and_are_counted(aws, caplog):
    cloudwatch = aws.client("cloudwatch")
    names = ("fine", "caf\N{LATIN SMALL LETTER E WITH ACUTE}", "x" * 256)
    CloudWatchMetrics(cloudwatch, SystemClock()).publish(
        "aws/sagemaker/x", [{"MetricName": name, "Value": 1.0} for name in names]
    )
    assert [metric["MetricName"] for metric in cloudwatch.list_metrics()["Metrics"]] == ["fine"]
    what = "names and dimensions that are too long, blank or not of printable ASCII characters"
    assert caplog.messages == [f"CloudWatch does not take 2 of 3 metrics for aws/sagemaker/x: {what}"]


def test_a_window_too_old_for_cloudwatch_is_finished_without_metrics(aws, caplog):
    cloudwatch, now = aws.client("cloudwatch"), datetime.now(UTC)
    metrics = [
        {
            "MetricName": f"{days}-days-ago",
            "Value": 1.0,
            "Timestamp": f"{now - timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}",
        }
        for days in (13, 15)
    ]
    CloudWatchMetrics(cloudwatch, SystemClock()).publish("aws/sagemaker/x", metrics)
    assert [metric["MetricName"] for metric in cloudwatch.list_metrics()["Metrics"]] == ["13-days-ago"]
    what = "times more than two weeks ago or two hours ahead"
    assert caplog.messages == [f"CloudWatch does not take 1 of 2 metrics for aws/sagemaker/x: {what}"]


@pytest.mark.parametrize("code", ["InvalidParameterValue", "AccessDenied"])
def test_what_cloudwatch_refuses_is_counted_in_a_metric_that_an_alarm_watches(aws, caplog, monkeypatch, capsys, code):
    cloudwatch = aws.client("cloudwatch")
    error = {"Code": code, "Message": "the value 887766 of Minimum"}
    cloudwatch.meta.events.register("before-call.cloudwatch.PutMetricData", lambda **_: refuse(error))
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Modelwatch")
    metrics = [{"MetricName": name, "Value": 1.0} for name in "abc"]
    CloudWatchMetrics(cloudwatch, SystemClock()).publish("AWS/x", metrics)
    assert caplog.messages == [f"CloudWatch refused 3 of 3 metrics for AWS/x: {code}"]
    emitted = json.loads(capsys.readouterr().out)
    alarm = read_template(ROOT / "template.yaml")["Resources"]["MetricsAlarm"]["Properties"]
    (described,) = emitted["_aws"]["CloudWatchMetrics"]
    assert (described["Namespace"], described["Metrics"][0]["Name"]) == (alarm["Namespace"], alarm["MetricName"])
    assert [{"Name": name, "Value": emitted[name]} for name in described["Dimensions"][0]] == alarm["Dimensions"]
    assert emitted[alarm["MetricName"]] == [3.0]


def test_a_service_that_was_away_for_metrics_is_worth_a_retry(aws):
    cloudwatch = aws.client("cloudwatch", config=boto3.session.Config(retries={"total_max_attempts": 1}))
    error = {"Code": "InternalServiceFault", "Message": "later"}
    cloudwatch.meta.events.register("before-call.cloudwatch.PutMetricData", lambda **_: refuse(error))
    with pytest.raises(Upstream):
        CloudWatchMetrics(cloudwatch, SystemClock()).publish("aws/sagemaker/x", [{"MetricName": "m", "Value": 1.0}])


def test_an_alert_is_published_for_each_protocol_and_a_missing_topic_is_worth_a_retry(aws):
    sns, sqs = aws.client("sns"), aws.client("sqs")
    topic = sns.create_topic(Name="alerts")["TopicArn"]
    queue = sqs.create_queue(QueueName="seen")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    alert = alert_of(ExecutionEnded.of(execution().settled(FAILED, now=NOW), ()))
    SnsTopics(sns).send(alert, topic)
    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    body = json.loads(message["Body"])
    assert (body["Subject"], json.loads(body["Message"])) == (alert_subject(alert)[:99], alert_event(alert))
    with pytest.raises(Upstream):
        SnsTopics(sns).send(alert, f"{topic}-gone")


def published(aws: Any, send: Callable[[Any], None]) -> dict[str, Any]:
    """Return what SNS is asked to publish."""
    sns, asked = aws.client("sns"), []
    sns.meta.events.register("provide-client-params.sns.Publish", lambda params, **_: asked.append(params))
    send(sns)
    (request,) = asked
    return request


def violating(count: int = 1, feature: str = "income", name: str = "hourly") -> Alert:
    sentence = "Baseline drift distance: 0.9 exceeds threshold: 0.1"
    found = [
        ConstraintViolation(
            feature_name=f"{feature} {number}", constraint_check_type="baseline_drift_check", description=sentence
        )
        for number in range(count)
    ]
    outcome = Outcome(status=OutcomeStatus.COMPLETED_WITH_VIOLATIONS, violation_count=count)
    event = ExecutionEnded.of(execution().settled(outcome, now=NOW), tuple(found))
    alert = alert_of(event.model_copy(update={"monitoring_schedule_name": name}))
    assert alert is not None
    return alert


@pytest.mark.parametrize("count", [1, 500])
@pytest.mark.parametrize(
    "feature", ["income", "\N{PILE OF POO}" * 1000, "<script>\n\u202e" * 100, '"\\' * 4000, "\0" * 5000]
)
def test_a_message_has_a_body_for_each_protocol_and_fits_in_what_sns_takes(aws, count, feature):
    topic = aws.client("sns").create_topic(Name="alerts")["TopicArn"]
    link = "https://example.com/report"
    alert = violating(count, feature)
    asked = published(aws, lambda sns: SnsTopics(sns, (topic,), lambda _: link).send(alert, topic))
    bodies = json.loads(asked["Message"])
    assert asked["MessageStructure"] == "json"
    assert set(bodies) >= {"default", "email", "sms", "sqs", "lambda", "https"}
    assert all(isinstance(body, str) for body in bodies.values())
    assert f"Open:      {link}" in bodies["email"]
    assert len(bodies["sms"]) <= 140
    assert json.loads(bodies["sqs"])["alertKey"] == alert.key
    chat = json.loads(bodies["https"])
    assert (chat["version"], chat["source"], chat["content"]["textType"]) == ("1.0", "custom", "client-markdown")
    assert len(asked["Message"].encode()) < 262_144
    assert len(asked["Subject"]) < 100


def test_a_hundred_alerts_fit_in_one_message_that_names_each(aws):
    topic = aws.client("sns").create_topic(Name="alerts")["TopicArn"]
    alerts = [violating(20, "x" * 500, f"schedule-{number:03}") for number in range(100)]
    asked = published(aws, lambda sns: SnsTopics(sns, (topic,)).send_together(alerts, topic))
    bodies = json.loads(asked["Message"])
    assert len(json.loads(bodies["sqs"])["alerts"]) == 100
    assert asked["Subject"].startswith("Modelwatch: 100 alerts: schedule-000")
    assert len(asked["Message"].encode()) < 262_144


def test_as_many_alerts_as_one_message_takes_are_all_in_the_mail_with_presigned_links(aws):
    topic = aws.client("sns").create_topic(Name="alerts")["TopicArn"]
    alerts = [violating(20, "x" * 500, f"schedule-{number:03}") for number in range(SnsTopics(None).most_together)]
    link = "https://results.s3.amazonaws.com/report.html?X-Amz-Security-Token=" + "x" * 1800
    asked = published(aws, lambda sns: SnsTopics(sns, (topic,), lambda _: link).send_together(alerts, topic))
    bodies = json.loads(asked["Message"])
    assert bodies["email"].count(link) == len(alerts)
    assert len(json.loads(bodies["sqs"])["alerts"]) == len(alerts)
    assert len(asked["Message"].encode()) < 262_144


def test_the_console_is_that_of_the_partition():
    # Amazon Web Services in China and AWS GovCloud (US) User Guides: their consoles have domains of their own.
    assert console_page("s3://r/k", "cn-north-1").startswith("https://cn-north-1.console.amazonaws.cn/s3/object/r?")
    assert console_page("s3://r/k", "us-gov-west-1").startswith("https://us-gov-west-1.console.amazonaws-us-gov.com/s3")
    assert console_page("s3://r/k", "eu-west-1").startswith("https://eu-west-1.console.aws.amazon.com/s3/object/r?")


def test_a_presigned_link_opens_the_report_for_who_has_no_credentials(aws):
    alert = violating()
    bucket, _, folder = alert.reports_s3_uri.removeprefix("s3://").partition("/")
    aws.client("s3").create_bucket(Bucket=bucket)
    aws.client("s3").put_object(Bucket=bucket, Key=f"{folder}/report.html", Body=b"<p>the report</p>")
    link = PresignedLinks(aws.client("s3"))(alert)
    response = requests.get(link, timeout=5)  # sent by moto
    assert (response.text, response.headers["Content-Type"]) == ("<p>the report</p>", "text/html")
    failed = alert.model_copy(update={"outcome": alert.outcome.model_copy(update={"status": OutcomeStatus.FAILED})})
    assert PresignedLinks(aws.client("s3"))(failed) is None


def test_programs_get_json_with_attributes_for_filter_policies(aws):
    topic = aws.client("sns").create_topic(Name="alerts")["TopicArn"]
    asked = published(aws, lambda sns: SnsJsonTopics(sns, (topic,)).send(violating(), topic))
    values = {name: each["StringValue"] for name, each in asked["MessageAttributes"].items()}
    assert values["severity"] == "warning"
    assert (values["alertName"], values["change"]) == ("violations", "InAlert")
    assert len(values) <= 10  # SQS discards a raw message with more
    assert json.loads(asked["Message"])["worstExcess"] == pytest.approx(9)
    assert "MessageStructure" not in asked


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("arn:aws:sns:us-east-1:999999999999:alerts", "is in the account 999999999999"),
        ("arn:aws:sns:eu-west-1:123456789012:alerts", "is in the region eu-west-1"),
    ],
)
def test_a_topic_of_another_account_or_region_is_refused_though_it_is_listed(address, reason):
    own = "arn:aws:sns:us-east-1:123456789012:own"
    with pytest.raises(InvalidInput, match=f"UnfitAlertTarget: .*{reason}"):
        SnsTopics(None, (own, address)).check(address, hourly_request())
    with pytest.raises(InvalidInput, match=f"UnfitAlertTarget: .*{reason}"):
        AlertFunctions(None, (address,), own).check(address, hourly_request())


def hourly_request(**changes: object) -> ScheduleRequest:
    """Return the request of a schedule of data quality that watches the endpoint ``mortgages``."""
    return ScheduleRequest.model_validate(schedule_parameters() | changes)


def test_a_fifo_topic_is_refused_for_it_reaches_no_people():
    topic = "arn:aws:sns:us-east-1:123456789012:alerts.fifo"
    with pytest.raises(InvalidInput, match=r"UnfitAlertTarget: .* is a FIFO topic"):
        SnsTopics(None, (topic,)).check(topic, hourly_request())


@pytest.mark.parametrize("target", [SnsTopics, AlertFunctions])
def test_a_target_that_the_deployment_does_not_list_is_refused(target):
    listed = target(None, ["arn:listed"])
    listed.check("arn:listed", hourly_request())
    with pytest.raises(InvalidInput, match=r"UnfitAlertTarget: .* may not notify arn:other; deploy with it in the"):
        listed.check("arn:other", hourly_request())


def test_a_function_is_given_an_alert_without_waiting_for_it(aws):
    client, sent = aws.client("lambda"), []

    def invoked(params, **_):
        sent.append((params["url"], params["headers"]["X-Amz-Invocation-Type"], json.loads(params["body"])))
        return SimpleNamespace(status_code=202), {"StatusCode": 202}

    client.meta.events.register("before-call.lambda.Invoke", invoked)
    alert = alert_of(ExecutionEnded.of(execution().settled(FAILED, now=NOW), ()))
    AlertFunctions(client, ()).send(alert, "arn:aws:lambda:us-east-1:123456789012:function:handle")
    ((url, kind, event),) = sent
    assert (url.endswith("%3Afunction%3Ahandle/invocations"), kind) == (True, "Event")
    assert event == alert_event(alert)


def test_a_function_that_does_not_exist_is_worth_a_retry(aws):
    alert = alert_of(ExecutionEnded.of(execution().settled(FAILED, now=NOW), ()))
    with pytest.raises(Upstream):
        AlertFunctions(aws.client("lambda"), ()).send(alert, "arn:aws:lambda:us-east-1:123456789012:function:none")


WATCHED = [{"Name": "MonitoringSchedule", "Value": "hourly"}, {"Name": "Endpoint", "Value": "mortgages"}]
METRIC = {"Namespace": "aws/sagemaker/Endpoints/data-metrics", "MetricName": "total", "Dimensions": WATCHED}
STAT = {"Period": 3600, "Stat": "Maximum"}
ALONE = {"Period": 3600, "Statistic": "Maximum"}


@pytest.mark.parametrize(
    ("watched", "changes", "refused"),
    [
        (METRIC | ALONE, {}, None),
        ({"Metrics": [{"Id": "a", "MetricStat": {"Metric": METRIC, **STAT}}]}, {}, None),
        (METRIC | ALONE, {"publish_cloudwatch_metrics": False}, "publishes no CloudWatch metrics"),
        (METRIC | ALONE | {"Namespace": "mine"}, {}, "does not watch this schedule"),
        (
            METRIC | ALONE | {"Dimensions": WATCHED[:1]},
            {},
            "with the dimensions Endpoint=mortgages and MonitoringSchedule=hourly",
        ),
        (None, {}, "there is no alarm 'drift'"),
    ],
    ids=["alone", "in an expression", "no metrics", "another namespace", "another dimension", "missing"],
)
def test_an_alarm_must_watch_the_schedule_that_names_it(aws, watched, changes, refused):
    cloudwatch = aws.client("cloudwatch")
    if watched:
        rule = {"AlarmName": "drift", "EvaluationPeriods": 1, "Threshold": 0.1}
        cloudwatch.put_metric_alarm(**rule, ComparisonOperator="GreaterThanThreshold", **watched)
    alarms = Alarms(lambda: cloudwatch, "aws/sagemaker")
    if refused is None:
        alarms.check("drift", hourly_request(**changes))
    else:
        with pytest.raises(InvalidInput, match=f"UnfitAlertTarget: .*{refused}"):
            alarms.check("drift", hourly_request(**changes))


def test_an_analyzer_that_does_not_exist_is_worth_a_retry(aws):
    limits = HostLimits(input_bytes=10, memory_bytes=10, lease=HOUR)
    host = AnalyzerFunction(aws.client("lambda"), "none", "the-log-group", limits)
    with pytest.raises(Upstream, match="ResourceNotFoundException"):
        host.start(REQUEST)


def test_a_run_of_the_analyzers_lambda_is_known_by_its_request(aws):
    limits = HostLimits(input_bytes=10, memory_bytes=10, lease=HOUR)
    host = AnalyzerFunction(_Invoked(), "analyzer", "the-log-group", limits)
    run = host.start(REQUEST)
    location = "the-log-group (request request-1)"
    assert run == Run(host="lambda", subject="baseline/a", run_id="request-1", log_location=location)
    assert host.describe(run) == RunDescription(status=RunStatus.UNKNOWN)


class _Invoked:
    def invoke(self, **_):
        return {"ResponseMetadata": {"RequestId": "request-1"}}


def test_a_job_run_of_emr_serverless_is_started_described_and_stopped(aws):
    aws.client("s3").create_bucket(Bucket="results")
    client = aws.client("emr-serverless")
    made = client.create_application(type="SPARK", releaseLabel="emr-7.9.0", clientToken="one")
    host = EmrServerless(
        client,
        S3ObjectStore(aws.client("s3")),
        "s3://results/processing-jobs",
        made["applicationId"],
        "arn:aws:iam::123456789012:role/spark",
        "s3://code/packages.tar.gz",
        "logs",
        emr_serverless_limits(8),
    )
    request = REQUEST.model_copy(update={"job_name": "a", "host": host.name})
    run = host.start(request)
    assert (run.host, run.subject) == ("emr-serverless", "baseline/a")
    described = client.get_job_run(applicationId=made["applicationId"], jobRunId=run.run_id)["jobRun"]
    (argument,) = described["jobDriver"]["sparkSubmit"]["entryPointArguments"]
    stored = S3ObjectStore(aws.client("s3")).read(argument.removeprefix("modelwatch_request="))
    assert AnalysisRequest.model_validate_json(stored) == request
    assert host.describe(run).status is RunStatus.ENDED  # moto's job runs have ended when they are started
    host.stop(run)
    assert host.describe(run).outcome.status is OutcomeStatus.STOPPED
    unknown = run.model_copy(update={"run_id": "none"})
    assert host.describe(unknown) == RunDescription(status=RunStatus.UNKNOWN)
    host.stop(unknown)


def test_every_terminal_status_is_one_of_sagemakers_words():
    assert {status for status in ExecutionStatus if status.is_terminal} == {
        "Completed",
        "CompletedWithViolations",
        "Failed",
        "Stopped",
    }


@pytest.mark.parametrize("statuses", [ExecutionStatus, OutcomeStatus])
def test_what_completed_has_come_to_its_end_with_or_without_violations(statuses):
    assert {status for status in statuses if status.is_completed} == {"Completed", "CompletedWithViolations"}


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (
            conflict({"pk": "JOB_DEFINITION#DataQuality#dq1", "version": 1}, "JobDefinitionExists"),
            "JobDefinitionExists: the job definition dq1 exists already; choose another name",
        ),
        (
            conflict({"pk": "BASELINE#first", "version": 1}, "BaseliningJobExists"),
            "BaseliningJobExists: the baselining job first exists already; choose another name",
        ),
        (
            conflict({"pk": "SCHEDULE#hourly", "version": 1}, "ScheduleExists"),
            "ScheduleExists: the monitoring schedule hourly exists already; choose another name or update it",
        ),
        (
            conflict({"pk": "SCHEDULE#race", "version": 2}, "ScheduleExists"),
            "ChangedMeanwhile: the monitoring schedule race was changed by another process in the meantime; try again",
        ),
    ],
)
def test_a_record_that_is_in_the_way_is_called_as_people_call_it(error, says):
    assert str(error) == says
