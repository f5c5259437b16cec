"""The app from its template, in the local stack: hours go by, and each ends in one record and at most one mail."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from tests.app.deployed_app import HOUR, START, App, started

pytestmark = pytest.mark.long_setup


NAMESPACE = "aws/sagemaker/Endpoints/data-metrics"


@pytest.fixture(scope="module")
def app():
    with started() as stack:
        app = App(stack)
        job = app.make_baseline()
        assert job["status"] == "Completed", job
        app.make_schedule(publish_feature_metrics=True)
        yield app
        assert not [call for call in stack.calls if call.refused]


def test_hours_go_by_and_each_ends_in_one_record_and_at_most_one_mail(app):
    nine = START.replace(minute=0) + HOUR
    healthy, drifted, silent, again = (nine + i * HOUR for i in range(4))
    app.capture(healthy)
    app.capture(drifted, income_factor=1000)
    app.capture(again)
    app.stack.advance_to(again + HOUR + timedelta(minutes=6))

    first = app.execution(healthy + HOUR)
    assert (first["monitoring_execution_status"], first["outcome"]["records"]["read"]) == ("Completed", 600), first
    (mail,) = app.mails_of(healthy)  # nothing was captured in the hour before it
    assert ": recovered from missing data in hourly" in mail["Subject"]

    second = app.execution(drifted + HOUR)
    assert second["monitoring_execution_status"] == "CompletedWithViolations"
    violations = app.report(second, "constraint_violations.json")["violations"]
    assert {(v["feature_name"], v["constraint_check_type"]) for v in violations} == {("income", "baseline_drift_check")}
    (mail,) = app.mails_of(drifted)
    assert mail["To"] == "team@example.com"
    assert "income: baseline drift check" in mail.get_content()

    third = app.execution(silent + HOUR)
    assert third["monitoring_execution_status"] == "Failed"
    assert third["outcome"]["failure_reason"].startswith("NoData")
    assert len(app.mails_of(silent)) == 1

    assert app.execution(again + HOUR)["monitoring_execution_status"] == "Completed"
    (mail,) = app.mails_of(again)
    assert ": recovered from " in mail["Subject"]

    metrics = app.stack.client("cloudwatch").list_metrics(Namespace=NAMESPACE)["Metrics"]
    dimensions = [{"Name": "Endpoint", "Value": "loans"}, {"Name": "MonitoringSchedule", "Value": "hourly"}]
    for name in ("feature_baseline_drift_income", "feature_baseline_drift_distance"):
        assert {"Namespace": NAMESPACE, "MetricName": name, "Dimensions": dimensions} in metrics

    roles = {call.role for call in app.stack.calls}
    for function in (
        "ManageMonitors",
        "CreateBaseline",
        "LaunchExecution",
        "Analyzer",
        "FinishExecution",
        "RouteAlerts",
        "ShowMonitors",
    ):
        assert any(function in role for role in roles), f"{function} made no call under a role of its own"


def test_further_ticks_and_repeated_events_change_nothing(app):
    app.make_schedule("repeated")
    hour = START.replace(minute=0) - 10 * HOUR
    app.capture(hour, income_factor=1000)
    functions, names = app.stack.client("lambda"), app.stack.outputs
    tick = {"monitoring_schedule_name": "repeated", "scheduled_time": f"{hour + HOUR:%Y-%m-%dT%H:%M:%SZ}"}
    for tick_id in ("one", "two", "one", "three"):
        functions.invoke(
            FunctionName=names["LaunchExecutionFunction"],
            InvocationType="Event",
            Payload=json.dumps(tick | {"tick_id": tick_id}),
        )
    app.stack.settle()
    settled = app.execution(hour + HOUR, "repeated")
    assert settled["monitoring_execution_status"] == "CompletedWithViolations"
    event = {
        "schema_version": "2.0",
        "subject": settled["run"]["subject"],
        "output_s3_uri": settled["output_s3_uri"],
        "outcome": {"status": "Failed", "failure_reason": "late"},
    }
    entry = {"EventBusName": names["EventBusName"], "Source": "modelwatch", "DetailType": "Analysis Ended"}
    app.stack.client("events").put_events(Entries=[entry | {"Detail": json.dumps(event)}] * 2)
    app.stack.settle()
    assert app.execution(hour + HOUR, "repeated") == settled
    assert len([mail for mail in app.mails_of(hour) if "repeated" in mail["Subject"]]) == 1
    app.manage("DeleteMonitoringSchedule", monitoring_schedule_name="repeated")


def test_what_a_person_must_fix_comes_back_with_its_code(app):
    with pytest.raises(RuntimeError, match="ScheduleNotFound: there is no monitoring schedule ghost"):
        app.manage("DescribeMonitoringSchedule", monitoring_schedule_name="ghost")
