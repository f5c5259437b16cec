"""Whatever an analysis leaves in its output folder, its execution ends once, with a reason, and people are notified."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch_core.app import output_folder
from modelwatch_core.app.reconcile import Sweep
from modelwatch_core.domain.alert_chat import chat_message
from modelwatch_core.domain.alert_text import alert_subject, alert_text
from modelwatch_core.domain.errors import InvalidInput, Upstream
from modelwatch_core.domain.events import ExecutionRequest
from modelwatch_core.domain.monitoring_execution import ExecutionStatus
from modelwatch_core.domain.outcome import Outcome, OutcomeStatus, RecordCounts
from tests.core.in_memory import MemoryHost
from tests.core.world import DRIFT, LEASE, TEN, World

REPORTS: dict[str, bytes | None] = {
    "missing": None,
    "empty": b"",
    "half of it": b'{"violations": [{"feature_name": "in',
    "no violations": b'{"violations": []}',
    "one violation": json.dumps({"violations": [DRIFT]}).encode(),
    "5,000 violations": json.dumps({"violations": [DRIFT | {"feature_name": f"f{i}"} for i in range(5000)]}).encode(),
    "a future version": json.dumps({"version": "9.0", "summary": {}, "violations": [DRIFT | {"since": 3}]}).encode(),
    "another shape": b'{"violations": {"income": "drifted"}}',
    "a list": b"[]",
    "entries of another shape": b'{"violations": ["income drifted", 3, {"feature_name": "income"}, null]}',
    "not text": b"\xff\xfe\x00",
    "nested too deeply": b"[" * 100_000,
    "half of a surrogate pair": json.dumps({"violations": [DRIFT | {"feature_name": "\ud800"}]}).encode(),
    "a field nested too deeply": b'{"violations": [{"constraint_check_type": "c", "description": "d", "x": %s}]}'
    % (b"[" * 300 + b"]" * 300),
    "endless names": json.dumps(
        {"violations": [DRIFT | {"feature_name": f"{i}{'n' * 20_000}"} for i in range(60)]}
    ).encode(),
}
LINE = b'{"MetricName": "feature_baseline_drift_distance", "Value": 1.0}\n'
METRICS: dict[str, bytes | None] = {
    "missing": None,
    "empty": b"",
    "good": LINE,
    "a line that somebody appended": LINE + b"done\n",
    "values that are no numbers": LINE + b'{"MetricName": "a", "Value": NaN}\n{"MetricName": "b", "Value": "1"}\n[1]\n',
    "not text": b"\xff\xfe\x00\n",
    "almost metrics": LINE
    + b"".join(
        b'{"MetricName": "m", "Value": 1.0, %s}\n' % part
        for part in (
            b'"Comment": "x"',
            b'"Dimensions": "host=a"',
            b'"Dimensions": [{"Name": "a"}]',
            b'"Dimensions": [{"Name": "a", "Value": ""}]',
            b'"Timestamp": "yesterday"',
            b'"Timestamp": 1e30',
            b'"Unit": 3',
            b'"Unit": "percent"',
            b'"StorageResolution": 5',
            b'"StatisticValues": {"Max": 1}',
            b'"Values": [1, "x"]',
        )
    )
    + b'{"MetricName": "m", "Value": 1%s}\n' % (b"0" * 400),
}
LARGEST_EVENT = 256 * 1024
"""The largest event that EventBridge takes."""

STATUSES = [OutcomeStatus.COMPLETED, OutcomeStatus.COMPLETED_WITH_VIOLATIONS, OutcomeStatus.FAILED]
READABLE = {
    "no violations": 0,
    "one violation": 1,
    "5,000 violations": 5000,
    "a future version": 1,
    "half of a surrogate pair": 1,
    "a field nested too deeply": 1,
    "endless names": 60,
}
UNREADABLE = set(REPORTS) - set(READABLE) - {"entries of another shape"}


def world_whose_folder_holds(report: bytes | None, metrics: bytes | None) -> tuple[World, Any, str]:
    world = World()
    world.has_schedule()
    world.has_captures()
    execution = world.tick()
    ended = world.ends(execution)
    for name, content in (("constraint_violations.json", report), ("cloudwatch_metrics.jsonl", metrics)):
        uri = f"{execution.output_s3_uri}/{name}"
        if content is None:
            world.objects.kept.pop(uri)
        else:
            world.objects.kept[uri] = content
    return world, execution, ended


def end(world: World, execution: Any, ended: Any, status: OutcomeStatus, by_sweep: bool) -> None:
    changes: dict[str, object] = {
        "status": status,
        "failure_reason": "AnalyzerCrashed: x" if status == "Failed" else None,
    }
    ended = ended.model_copy(update={"outcome": ended.outcome.model_copy(update=changes)})
    if by_sweep:  # the function that was to settle it died once; the settled record waits for the sweep
        publish = world.bus.publish

        def down(_):
            raise Upstream("ServiceError", "the bus is down")

        world.bus.publish = down
        with pytest.raises(Upstream):
            world.finish(ended)
        world.bus.publish = publish
        world.clock.pass_by(LEASE)
        assert world.reconcile().failures == ()
    else:
        world.finish(ended)
    world.deliver()
    assert world.reconcile() == Sweep(0, ())


@given(st.sampled_from(sorted(REPORTS)), st.sampled_from(sorted(METRICS)), st.sampled_from(STATUSES), st.booleans())
def test_whatever_the_folder_holds_an_end_is_one_status_with_a_reason_and_is_announced(
    report, metrics, status, by_sweep
):
    world, execution, ended = world_whose_folder_holds(REPORTS[report], METRICS[metrics])
    end(world, execution, ended, status, by_sweep)
    settled = world.ledger.get(execution.key)
    assert settled.is_done
    outcome = settled.outcome
    if status is OutcomeStatus.FAILED or report in UNREADABLE:
        assert settled.monitoring_execution_status is ExecutionStatus.FAILED
        assert outcome.failure_reason.startswith(("AnalyzerCrashed: ", "ReportMissing: ", "ReportUnreadable: "))
        assert world.metrics.published == []
    else:
        count = READABLE.get(report, 4)
        violated = count > 0 or status is OutcomeStatus.COMPLETED_WITH_VIOLATIONS
        expected = ExecutionStatus.COMPLETED_WITH_VIOLATIONS if violated else ExecutionStatus.COMPLETED
        known = count or (None if violated else 0)  # a report that lists none does not say how many there are
        assert (settled.monitoring_execution_status, outcome.violation_count) == (expected, known)
        published = [metric["MetricName"] for _, metric in world.metrics.published]
        assert published == (
            ["feature_baseline_drift_distance"] if METRICS[metrics] and LINE in METRICS[metrics] else []
        )
    assert all(len(event.model_dump_json().encode()) < LARGEST_EVENT for event in world.announcements)
    notified = settled.monitoring_execution_status is not ExecutionStatus.COMPLETED
    assert len(world.mail.alerts) == int(notified)


def test_entries_that_are_not_violations_are_counted_and_shown_by_their_place():
    world, execution, ended = world_whose_folder_holds(REPORTS["entries of another shape"], LINE)
    end(world, execution, ended, OutcomeStatus.COMPLETED, by_sweep=False)
    (alert,) = world.mail.alerts
    assert alert.outcome.violation_count == 4
    assert "Entry 2 of the report is not in the form of a violation" in alert_text(alert)


def test_lines_that_are_not_metrics_are_counted_in_the_outcome_and_the_alert():
    world, execution, ended = world_whose_folder_holds(REPORTS["one violation"], METRICS["values that are no numbers"])
    end(world, execution, ended, OutcomeStatus.COMPLETED, by_sweep=False)
    warning = "3 lines of cloudwatch_metrics.jsonl are not metrics, and were left out"
    assert world.ledger.get(execution.key).outcome.warnings == (warning,)
    assert f"Note: {warning}" in alert_text(world.mail.alerts[0])


@pytest.mark.parametrize("time", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"])
def test_a_metric_of_a_time_that_utc_does_not_have_keeps_no_execution_from_its_end(time):
    line = json.dumps({"MetricName": "m", "Value": 1.0, "Timestamp": time}).encode()
    world, execution, ended = world_whose_folder_holds(REPORTS["one violation"], line)
    end(world, execution, ended, OutcomeStatus.COMPLETED, by_sweep=False)
    warning = "1 lines of cloudwatch_metrics.jsonl are not metrics, and were left out"
    assert world.ledger.get(execution.key).outcome.warnings == (warning,)


def test_metrics_that_cloudwatch_does_not_take_are_named_in_the_outcome_and_hold_up_no_others():
    values = (1.0, 1e120, -1e300, 1e-200)
    lines = [{"MetricName": f"m{place}", "Value": value} for place, value in enumerate(values)]
    lines.append({"MetricName": "late", "Value": 1.0, "Timestamp": "2026-01-01T00:00:00Z"})
    content = b"\n".join(json.dumps(line).encode() for line in lines)
    world, execution, ended = world_whose_folder_holds(REPORTS["one violation"], content)
    end(world, execution, ended, OutcomeStatus.COMPLETED, by_sweep=False)
    warning = (
        "3 of 5 metrics were not published, since CloudWatch does not take numbers beyond 2^360 (2);"
        " times more than two weeks ago or two hours ahead (1)"
    )
    assert world.ledger.get(execution.key).outcome.warnings == (warning,)
    assert f"Note: {warning}" in alert_text(world.mail.alerts[0])


def test_metrics_of_features_that_nobody_asked_for_are_no_warning():
    dimensions = [{"Name": "Feature", "Value": "caf\N{LATIN SMALL LETTER E WITH ACUTE}"}]
    line = {"MetricName": "feature_baseline_drift_x", "Value": 1e120, "Dimensions": dimensions}
    world, execution, ended = world_whose_folder_holds(REPORTS["no violations"], json.dumps(line).encode())
    assert not execution.publish_feature_metrics
    end(world, execution, ended, OutcomeStatus.COMPLETED, by_sweep=False)
    assert world.ledger.get(execution.key).outcome.warnings == ()


def test_metrics_in_other_spellings_are_published_as_cloudwatch_takes_them():
    lines = b'\n{"MetricName": "m", "Value": 1, "Unit": "Bytes/Second", "Timestamp": 1795341600000}\n \n'
    world, execution, ended = world_whose_folder_holds(REPORTS["no violations"], lines)
    end(world, execution, ended, OutcomeStatus.COMPLETED, by_sweep=False)
    ((_, metric),) = world.metrics.published
    assert (metric["Timestamp"], metric["Unit"]) == ("2026-11-22T10:00:00Z", "Bytes/Second")
    assert world.ledger.get(execution.key).outcome.warnings == ()


def test_a_report_that_would_not_fit_the_memory_fails_the_execution_without_being_read(monkeypatch):
    monkeypatch.setattr(output_folder, "MOST_BYTES_OF_A_REPORT", 10)
    world, execution, ended = world_whose_folder_holds(REPORTS["one violation"], LINE)
    end(world, execution, ended, OutcomeStatus.COMPLETED, by_sweep=False)
    reason = world.ledger.get(execution.key).outcome.failure_reason
    assert reason.startswith("ReportUnreadable: s3://results/monitoring/mortgages/hourly")
    assert "more than the 10 that are read" in reason


def test_an_analysis_that_counted_other_violations_than_its_report_lists_is_noted():
    world, execution, ended = world_whose_folder_holds(REPORTS["one violation"], LINE)
    ended = ended.model_copy(update={"outcome": ended.outcome.model_copy(update={"violation_count": 3})})
    end(world, execution, ended, OutcomeStatus.COMPLETED_WITH_VIOLATIONS, by_sweep=False)
    outcome = world.ledger.get(execution.key).outcome
    assert outcome.violation_count == 1
    assert outcome.warnings == ("the analysis counted 3 violations, but its report lists 1",)


@pytest.mark.parametrize("status", STATUSES)
def test_a_results_bucket_that_refuses_to_be_read_is_the_reason_of_a_failure(status):
    world, execution, ended = world_whose_folder_holds(REPORTS["one violation"], LINE)

    def refuse(uri, **_):
        raise InvalidInput("AccessDenied", f"reading {uri}: GetObject returned AccessDenied")

    world.objects.read = refuse
    end(world, execution, ended, status, by_sweep=False)
    reason = world.ledger.get(execution.key).outcome.failure_reason
    assert reason.startswith("AnalyzerCrashed: x" if status == "Failed" else "ReportUnreadable: reading")
    assert len(world.mail.alerts) == 1


@given(st.integers(0, 5000), st.sampled_from("aé€😀\x01\ud800"), st.integers(0, 200))
def test_no_event_is_longer_than_eventbridge_takes(length, character, number):
    text = character * length
    records = RecordCounts(malformed_examples=(text,) * number)
    outcome = Outcome(
        status=OutcomeStatus.COMPLETED_WITH_VIOLATIONS,
        exit_message=text,
        failure_reason=text,
        changes=(text,) * number,
        warnings=(text,) * number,
        records=records,
    )
    world = World()
    world.has_schedule()
    world.has_captures()
    execution = world.tick()
    ended = world.ends(execution, *[DRIFT | {"feature_name": text}] * number)
    ended = ended.model_copy(update={"outcome": outcome})
    events = [ended]
    world.finish(ended)
    (announcement,) = world.announcements
    world.route(announcement)
    events += world.bus.published
    assert [type(event).__name__ for event in events] == ["AnalysisEnded", "ExecutionEnded", "AlertRaised"]
    assert max(len(event.model_dump_json().encode()) for event in events) < LARGEST_EVENT
    if number:
        shown = text.encode("utf-8", "replace").decode()
        kept = [change for change in outcome.changes if change in (shown, f"{shown[:999]}…")]
        assert outcome.changes[len(kept) :] in ((), (f"and {number - len(kept)} more",))
        assert len(kept) == number or outcome.changes[-1].endswith(" more")


@pytest.mark.parametrize("metrics_are_down", [InvalidInput("AccessDenied", "no"), Upstream("ServiceError", "down")])
def test_people_do_not_wait_for_metrics(metrics_are_down):
    world, execution, ended = world_whose_folder_holds(REPORTS["one violation"], LINE)
    publish = world.metrics.publish

    def down(*_):
        raise metrics_are_down

    world.metrics.publish = down
    if isinstance(metrics_are_down, Upstream):
        with pytest.raises(Upstream):
            world.finish(ended)
    else:
        world.finish(ended)
    world.deliver()
    assert len(world.mail.alerts) == 1
    world.metrics.publish = publish
    world.clock.pass_by(LEASE)
    world.reconcile()
    assert world.ledger.get(execution.key).is_done
    assert len(world.metrics.published) == int(isinstance(metrics_are_down, Upstream))


def test_a_report_that_is_deleted_before_its_announcement_is_announced_by_its_record():
    world, execution, ended = world_whose_folder_holds(REPORTS["one violation"], LINE)
    publish = world.bus.publish

    def down(_):
        raise Upstream("ServiceError", "the bus is down")

    world.bus.publish = down
    with pytest.raises(Upstream):
        world.finish(ended)
    world.bus.publish = publish
    del world.objects.kept[f"{execution.output_s3_uri}/constraint_violations.json"]
    world.clock.pass_by(LEASE)
    assert world.reconcile() == Sweep(1, ())
    (announcement,) = world.announcements
    assert (announcement.outcome.violation_count, announcement.violations) == (1, ())


class TestCustomContainers:
    """Their files are read leniently: they may write no report, or the one that some documents name."""

    @pytest.fixture
    def world(self) -> World:
        world = World()
        world.hosts["containers"] = MemoryHost(name="containers", runs_images=True)
        world.has_schedule("custom", monitoring_type="Custom", image_uri="1.dkr.ecr.us-east-1.amazonaws.com/mine:1")
        world.has_captures()
        return world

    def test_without_constraints_nobody_is_told_that_they_find_nothing(self, world):
        image = "1.dkr.ecr.us-east-1.amazonaws.com/mine:1"
        world.has_schedule("bare", monitoring_type="Custom", image_uri=image, baseline=None)
        assert world.schedules.kept["bare"].warnings == []

    @pytest.mark.parametrize(
        ("name", "content", "status"),
        [
            (None, b"", "Completed"),
            ("violations.json", json.dumps({"violations": [DRIFT]}).encode(), "CompletedWithViolations"),
            ("constraint_violations.json", b"{", "Failed"),
        ],
    )
    def test_a_container_without_an_analysis_of_ours_runs_and_ends(self, world, name, content, status):
        execution = world.tick(name="custom")
        (request,) = world.hosts["containers"].started
        assert request.image_uri == "1.dkr.ecr.us-east-1.amazonaws.com/mine:1"
        assert request.settings.analysis_type == "CUSTOM"
        ended = world.ends(execution)
        del world.objects.kept[f"{execution.output_s3_uri}/constraint_violations.json"]
        del world.objects.kept[f"{execution.output_s3_uri}/cloudwatch_metrics.jsonl"]
        if name:
            world.objects.kept[f"{execution.output_s3_uri}/{name}"] = content
        world.finish(ended)
        world.deliver()
        assert world.ledger.get(execution.key).monitoring_execution_status == status
        assert len(world.mail.alerts) == int(status != "Completed")

    def test_a_message_of_the_container_alone_is_what_people_read(self, world):
        execution = world.tick(name="custom")
        said = "CompletedWithViolations: income is negative"
        found = {"status": OutcomeStatus.COMPLETED_WITH_VIOLATIONS, "violation_count": None}
        ended = world.ends(execution, exit_message=said, **found)
        del world.objects.kept[f"{execution.output_s3_uri}/constraint_violations.json"]
        world.finish(ended)
        world.deliver()
        (alert,) = world.mail.alerts
        assert alert_subject(alert).startswith("Modelwatch: violations in custom at ")
        assert f"\n{said}\n" in alert_text(alert)
        assert said in chat_message(alert)["content"]["description"]

    def test_what_an_earlier_attempt_left_is_no_report_of_a_later_one(self, world):
        first = world.tick(name="custom")
        world.finish(world.ends(first, DRIFT))
        world.clock.pass_by(LEASE)
        again = ExecutionRequest(monitoring_schedule_name="custom", scheduled_time=TEN, tick_id="again", backfill=True)
        second = world.launch(again)
        left = dict(world.objects.kept)
        ended = world.ends(second)
        for name in ("constraint_violations.json", "cloudwatch_metrics.jsonl"):  # as its container wrote neither
            uri = f"{second.output_s3_uri}/{name}"
            world.objects.kept[uri] = left[uri]
            world.objects.modified[uri] = first.creation_time
        world.finish(ended)
        world.deliver()
        assert (second.attempt, second.output_s3_uri) == (2, first.output_s3_uri)
        assert world.ledger.get(second.key).monitoring_execution_status == "Completed"
        assert len(world.metrics.published) == 1

    def test_without_a_host_that_runs_images_the_execution_fails_with_what_to_do(self, world):
        del world.hosts["containers"]
        world.tick(name="custom")
        reason = world.endings[0].outcome.failure_reason
        assert reason.startswith("NoHost: ")
        assert "memory does not run container images" in reason
        assert "Deploy a host that runs container images" in reason
