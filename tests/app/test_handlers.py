"""Each handler, given the sample events that ship for ``sam local invoke``, calls its one use case."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

import pytest

from modelwatch_core import wiring
from modelwatch_core.app.keep_measures import KeepMeasures
from modelwatch_core.app.monitor_lists import MonitorLists
from modelwatch_core.app.sagemaker_api.custom_resources import ProvideCustomResource
from modelwatch_core.app.show_monitors import ReadMonitors, ShowWidget, WriteDashboard
from modelwatch_core.domain.alert_targets import AlertTargetReference
from modelwatch_core.domain.alerts import AlertRaised
from modelwatch_core.domain.analysis import AnalysisRequest
from modelwatch_core.domain.dead_letters import DeadLetter
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.sagemaker_events import TransformJob
from modelwatch_core.domain.temporary_endpoint import EndpointStatus
from modelwatch_core.domain.watched_endpoint import Deployment
from tests.core.in_memory import MemoryBus, MemoryMonitorPeriods, MemoryMonitorSummaries, MemoryResponses
from tests.core.world import World
from tests.repository import ROOT

FUNCTIONS = sorted(path.parent.name for path in ROOT.glob("functions/*/app.py"))
NAMED = {"monitoring_schedule_name": "hourly"}
WITHOUT_METRICS = pytest.mark.filterwarnings("ignore:No application metrics to publish")
SAMPLES = sorted(path for path in ROOT.glob("events/inbound/*.json") if not path.name.startswith("analyzer."))


@dataclass
class Context:
    function_name: str = "function"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:function"
    aws_request_id: str = "3f6c0d1a-8a2a-4f0e-bb3f-6f1a0d6f2b11"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


@pytest.fixture
def world(monkeypatch) -> World:
    world = World()
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Modelwatch")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "modelwatch")
    monkeypatch.setattr(wiring, "manage_monitors", lambda: world._manage)
    attributes = {"launch_execution": "launch", "finish_analysis": "finish", "route_alerts": "route"}
    attributes |= {"follow_endpoint": "follow", "follow_watched_endpoint": "follow_watched"}
    used = (
        "create_baseline",
        "launch_execution",
        "finish_analysis",
        "follow_endpoint",
        "follow_watched_endpoint",
        "check_batch",
        "baseline_by_rule",
        "route_alerts",
        "deliver_alert",
    )
    for use_case in (*used, "reconcile", "redeliver"):
        monkeypatch.setattr(wiring, use_case, partial(getattr, world, attributes.get(use_case, use_case)))
    return world


def invoke(function: str, event: dict):
    return importlib.import_module(f"functions.{function}.app").handler(event, Context())


def sample(name: str) -> dict:
    return json.loads((ROOT / "events/inbound" / f"{name}.json").read_text())


def gets_the_identity_of_the_samples(world: World) -> None:
    schedule = world.schedules.kept["hourly"]
    world.schedules.kept["hourly"] = schedule.model_copy(update={"schedule_id": "hourly-5f2c9a1e"})


def ready(world: World) -> World:
    world.endpoints.destinations["mortgages"] = "s3://my-data/live"
    for name in ("constraints", "statistics"):
        world.objects.kept[f"s3://modelwatch-results-example/baselining/first/{name}.json"] = b"{}"
    invoke("manage_monitors", sample("manage_monitors.create"))
    gets_the_identity_of_the_samples(world)
    world.objects.kept["s3://my-data/live/mortgages/AllTraffic/2026/11/22/09/a.jsonl"] = b"{}"
    return world


def test_every_function_has_a_sample_event():
    assert {path.name.split(".")[0] for path in SAMPLES} == set(FUNCTIONS)


@WITHOUT_METRICS
@pytest.mark.parametrize(
    "function",
    [
        *("create_baseline", "launch_execution", "manage_monitors"),
        *("finish_execution", "follow_endpoints", "route_alerts"),
    ],
)
@pytest.mark.parametrize("payload", [{}, [], "text", None, {"monitoring_schedule_name": "a", "tick_id": "b"}])
def test_a_payload_that_cannot_be_used_is_one_line_with_a_code(world, function, payload):
    with pytest.raises(InvalidInput) as refused:
        invoke(function, payload)
    assert str(refused.value).startswith("InvalidParameter: ")
    assert "\n" not in str(refused.value)


@WITHOUT_METRICS
@pytest.mark.parametrize(
    "name",
    [
        *("finish_execution.analysis_ended", "follow_endpoints.deleted", "route_alerts.alert_raised"),
        "route_alerts.execution_ended",
    ],
)
def test_an_event_with_wrong_details_is_one_line_with_a_code_and_none_of_its_values(world, name):
    event = sample(name) | {"detail": {"EndpointName": ["secret"], "subject": ["secret"], "alert": "secret"}}
    with pytest.raises(InvalidInput) as refused:
        invoke(name.partition(".")[0], event)
    assert refused.value.code in ("InvalidParameter", "InvalidEvent")
    assert "\n" not in str(refused.value)
    assert "secret" not in str(refused.value)


@WITHOUT_METRICS
def test_an_event_that_tells_of_no_alert_is_refused_by_its_type(world):
    with pytest.raises(
        InvalidInput, match="UnknownEvent: 'Scheduled Event' is not one of Execution Ended, Alert Raised"
    ):
        invoke("route_alerts", sample("route_alerts.alert_raised") | {"detail-type": "Scheduled Event"})


def test_an_hour_goes_through_the_handlers_from_tick_to_mail(world):
    ready(world)
    invoke("launch_execution", sample("launch_execution.tick"))
    (request,) = world.host.started
    expected = sample("analyzer.check")
    reason = "memory takes up to 1,000,000 bytes of input, and there are 2"
    of_the_world = {
        "host": "memory",
        "host_reason": reason,
        "output_s3_uri": "s3://results/monitoring/mortgages/hourly/2026/11/22/10",
    }
    assert request == AnalysisRequest.model_validate(expected | of_the_world)
    execution = world.executions()[0]
    world.ends(execution, {"feature_name": "income", "constraint_check_type": "c", "description": "d"})
    invoke("finish_execution", sample("finish_execution.analysis_ended"))
    assert world.ledger.get(execution.key).outcome.violation_count == 1
    invoke("route_alerts", sample("route_alerts.execution_ended"))
    (raised,) = [event for event in world.bus.published if isinstance(event, AlertRaised)]
    shipped = AlertRaised.model_validate(sample("route_alerts.alert_raised")["detail"])
    assert raised.alert == shipped.alert
    for event_id in ("one", "another"):
        detail = raised.model_dump(mode="json")
        invoke("route_alerts", sample("route_alerts.alert_raised") | {"id": event_id, "detail": detail})
    assert len(world.mail.alerts) == 1
    listed = invoke("manage_monitors", sample("manage_monitors.list_executions"))
    assert listed["executions"][0]["monitoring_execution_status"] == "CompletedWithViolations"
    json.dumps(listed, allow_nan=False)


@pytest.mark.parametrize(("status", "violations"), [("Failed", None), ("Completed", [0.0])])
def test_the_app_has_no_metric_of_violations_that_are_unknown(world, capsys, status, violations):
    ready(world)
    invoke("launch_execution", sample("launch_execution.tick"))
    ended = world.ends(world.executions()[0], status=status, failure_reason="AllMalformed: x")
    invoke("finish_execution", sample("finish_execution.analysis_ended") | {"detail": ended.model_dump(mode="json")})
    emitted = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    (settled,) = (each for each in emitted if "ExecutionsEnded" in each)
    assert (settled["ExecutionsFailed"], settled.get("Violations")) == ([float(status == "Failed")], violations)


def test_the_dashboard_follows_executions_and_is_shown_to_cloudwatch(world, monkeypatch):
    lists = MonitorLists(world.schedules, world.ledger, world.jobs)
    periods = MemoryMonitorPeriods()
    read = ReadMonitors(lists, MemoryMonitorSummaries(), periods, world.alert_states)
    keep = KeepMeasures(world.ledger, periods, world.clock)
    written = WriteDashboard(read, keep, world.objects, world.clock, "s3://results")
    monkeypatch.setattr(wiring, "write_dashboard", lambda: written)
    monkeypatch.setattr(wiring, "show_widget", lambda: ShowWidget(read, world.clock))
    ready(world)
    assert invoke("show_monitors", sample("show_monitors.execution_ended")) is None
    assert b'href="hourly.html"' in world.objects.kept["s3://results/dashboard/index.html"]
    widget = invoke("show_monitors", sample("show_monitors.widget"))
    assert widget.startswith('<div class="mw cwdb-no-default-styles">')
    assert "--paper:#14181d" in widget  # the sample's theme is dark
    assert "monitor: the name" in invoke("show_monitors", {"describe": True})
    for unknown in ({}, [], "text", None):
        with pytest.raises(InvalidInput, match="UnknownEvent"):
            invoke("show_monitors", unknown)


def test_a_request_of_sagemakers_api_gets_a_response_in_its_own_json(world, monkeypatch):
    monkeypatch.setattr(wiring, "serve_sagemaker_request", lambda: world.serve_sagemaker)
    ready(world)
    response = invoke("manage_monitors", sample("manage_monitors.sagemaker"))["response"]
    (summary,) = json.loads(json.dumps(response))["MonitoringScheduleSummaries"]
    assert summary["CreationTime"] == world.clock.now().timestamp()
    refused = invoke("create_baseline", sample("manage_monitors.sagemaker"))
    assert refused["error"]["code"] == "ValidationException"


def test_an_event_of_cloudformation_is_carried_out_and_gets_a_response(world, monkeypatch):
    ready(world)
    responses = MemoryResponses()
    provide = ProvideCustomResource(world.serve_sagemaker, responses)
    monkeypatch.setattr(wiring, "provide_custom_resource", lambda: provide)
    assert invoke("manage_monitors", sample("manage_monitors.custom_resource")) == {}
    assert world.schedules.kept == {}
    assert responses.sent[-1]["Status"] == "SUCCESS"


@pytest.mark.parametrize("target", wiring.ALERT_TARGETS)
def test_a_process_makes_a_target_of_alerts_once_and_not_for_each_alert(target, monkeypatch):
    monkeypatch.setenv("ALERT_TOPIC_ARN", "arn:aws:sns:us-east-1:123456789012:alerts")
    monkeypatch.setenv("METRIC_NAMESPACE_PREFIX", "aws/sagemaker")
    make = wiring.ALERT_TARGETS[target]
    assert make() is make()


def test_an_endpoint_that_is_in_service_starts_the_analysis_that_waited_for_it(world):
    world.has_explainability_schedule()
    gets_the_identity_of_the_samples(world)
    world.has_captures()
    world.tick()
    assert world.host.started == []
    world.temporary_endpoint_becomes(EndpointStatus.IN_SERVICE)
    invoke("follow_endpoints", sample("follow_endpoints.in_service"))
    (request,) = world.host.started
    assert request.settings.model_endpoint_name == sample("follow_endpoints.in_service")["detail"]["EndpointName"]


def test_an_endpoint_of_the_users_own_that_is_gone_pauses_its_schedule(world):
    ready(world)
    invoke("follow_endpoints", sample("follow_endpoints.deleted"))
    assert world.schedules.kept["hourly"].watched_endpoint.paused
    deployed = Deployment(status="InService", endpoint_config_name="first", deployed_since=world.clock.now())
    world.endpoints.deployed["mortgages"] = deployed
    invoke("follow_endpoints", sample("follow_endpoints.updated"))
    assert not world.schedules.kept["hourly"].watched_endpoint.paused


def test_a_batch_that_was_written_is_checked(world):
    asked = sample("manage_monitors.create")["parameters"] | {"monitoring_schedule_name": "nightly"}
    folder = {"data_captured_destination_s3_uri": "s3://my-data/captured", "dataset_format": {"csv": {"header": False}}}
    world.endpoints.destinations["mortgages"] = "s3://my-data/live"
    ready(world)
    world.manage(
        "CreateMonitoringSchedule",
        **{name: value for name, value in asked.items() if name != "endpoint_input"},
        batch_transform_input=folder | {"check_when_written": True},
    )
    ended = world.clock.now()
    world.transform_jobs.kept["churn-b3"] = TransformJob(
        name="churn-b3",
        data_captured_destination_s3_uri="s3://my-data/captured",
        started=ended - timedelta(minutes=9),
        ended=ended,
    )
    response = invoke("launch_execution", sample("launch_execution.batch_written"))
    (launched,) = response["executions"]
    assert launched["execution"]["monitoring_schedule_name"] == "nightly"


def test_a_training_job_and_an_approved_model_get_the_baselines_that_they_ask_for(world):
    world.objects.kept["s3://my-data/train/a.csv"] = b"a\n1\n"
    made = invoke("create_baseline", sample("create_baseline.training_completed"))
    assert (made["baselining_job_name"], made["status"]) == ("churn-t9-baseline", "InProgress")
    approved = sample("create_baseline.model_approved")
    assert invoke("create_baseline", approved) == {}
    noted = {"baseline_dataset_s3_uri": "s3://my-data/train/", "dataset_format": "csv"}
    world.packages.kept[approved["resources"][0]] = {f"modelwatch:{name}": value for name, value in noted.items()}
    assert invoke("create_baseline", approved)["baselining_job_name"] == "churn-8-baseline"


def test_a_crashed_analyzer_ends_in_a_failed_record_that_says_how_it_crashed(world):
    ready(world)
    invoke("launch_execution", sample("launch_execution.tick"))
    invoke("finish_execution", sample("finish_execution.analyzer_failed"))
    reason = world.executions()[0].outcome.failure_reason
    assert reason.startswith("AnalyzerCrashed: the analyzer was started 2 times")
    assert "Runtime.ExitError" in reason


def test_a_request_that_starts_nothing_gets_the_reason(world):
    response = invoke("launch_execution", sample("launch_execution.tick"))
    assert response == {"refusal": {"code": "ScheduleNotFound", "message": "there is no monitoring schedule hourly"}}
    ready(world)
    invoke("manage_monitors", {"operation": "StopMonitoringSchedule", "parameters": NAMED})
    assert invoke("launch_execution", sample("launch_execution.one_off"))["refusal"]["code"] == "ScheduleStopped"


def test_an_event_that_reports_the_end_of_no_run_is_refused_by_its_type():
    with pytest.raises(InvalidInput, match="UnknownEvent: 'Something Else' does not report the end of a run"):
        wiring.analysis_ended("Something Else", {})


def test_a_baseline_is_created_and_the_sweep_finds_nothing_to_do(world, capsys):
    world.objects.kept["s3://my-data/train.csv"] = b"a\n1\n"
    world.create_baseline = replace(world.create_baseline, results="s3://modelwatch-results-example")
    assert invoke("create_baseline", sample("create_baseline"))["status"] == "InProgress"
    assert invoke("reconcile", sample("reconcile.sweep")) is None
    emitted = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    assert any(metric.get("MovedOn") == metric.get("NotMovedOn") == [0.0] for metric in emitted)


def test_dead_letters_are_delivered_when_they_are_due_and_all_of_them_where_that_is_asked_for(world, capsys):
    now = world.clock.now()
    for age in (timedelta(hours=1), timedelta(days=2)):
        letter = DeadLetter(
            receipt=str(age), function_arn="arn", payload={}, given_up_at=now - age, happened_at=now - age
        )
        world.dead_letters.kept.append(letter)
    invoke("reconcile", sample("reconcile.sweep"))
    assert world.dead_letters.delivered == []
    invoke("reconcile", sample("reconcile.redelivery"))
    assert [letter.receipt for letter in world.dead_letters.delivered] == ["1:00:00"]
    invoke("reconcile", sample("reconcile.redeliver"))
    assert world.dead_letters.kept == []
    emitted = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    assert [metric["Redelivered"] for metric in emitted if "Redelivered" in metric] == [[1.0], [1.0]]


def test_what_a_person_must_fix_reaches_the_caller_with_its_code(world):
    with pytest.raises(InvalidInput, match="ScheduleNotFound"):
        invoke(
            "manage_monitors", sample("manage_monitors.list_executions") | {"operation": "DescribeMonitoringSchedule"}
        )


@pytest.mark.parametrize("function", ["create_baseline", "manage_monitors"])
def test_a_request_that_cannot_be_read_names_the_fields_and_not_what_they_hold(world, function):
    with pytest.raises(InvalidInput, match="InvalidParameter") as refused:
        invoke(function, {"baselining_job_name": "no spaces", "colour": "red"})
    assert "colour: " in refused.value.message
    assert "no spaces" not in refused.value.message


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_zip_function_loads_the_numeric_packages_or_boto3_before_it_needs_them(function):
    script = (
        "import sys, app; loaded = {'numpy', 'scipy', 'polars', 'msgspec', 'jinja2', 'boto3'} & set(sys.modules);"
        "print(sorted(loaded))"
    )
    paths = f"{ROOT}/layers/core:{ROOT}/functions/{function}"
    ran = subprocess.run(
        [sys.executable, "-c", script], env={"PYTHONPATH": paths}, capture_output=True, text=True, check=False
    )
    assert (ran.stdout, ran.stderr) == ("[]\n", "")


def test_a_function_without_its_settings_names_the_variables(monkeypatch):
    from modelwatch_core.settings import TickSettings

    monkeypatch.delenv("SCHEDULE_GROUP", raising=False)
    monkeypatch.setenv("DEAD_LETTER_ARN", "")
    with pytest.raises(InvalidInput, match=r"FunctionNotConfigured.*SCHEDULE_GROUP.*DEAD_LETTER_ARN"):
        TickSettings.from_environment()


def test_default_targets_that_cannot_be_read_are_named_and_keep_no_other_alert_and_no_sweep(monkeypatch):
    bus = MemoryBus()
    monkeypatch.setattr(wiring, "_bus", lambda: bus)
    monkeypatch.setenv("ALERT_TOPIC_ARN", "arn:aws:sns:us-east-1:123456789012:alerts")
    monkeypatch.setenv("DEFAULT_ALERT_TARGETS", '[{"type": "sns",}]')
    raise_alert = wiring._raise_alert()  # which the sweep has too
    alert = AlertRaised.model_validate(sample("route_alerts.alert_raised")["detail"]).alert
    named = AlertTargetReference(type="sns", address="arn:aws:sns:us-east-1:123456789012:mine")
    raise_alert.whole(alert, [named], {})
    assert [event.target for event in bus.published] == [named]
    with pytest.raises(InvalidInput, match=r"^InvalidParameter: DefaultAlertTargets: Invalid JSON"):
        raise_alert.whole(alert, [], {})


def printed_by(program: str, variables: dict[str, str]) -> str:
    """Run a program in a process of its own, because the analyzer hides its process from others when imported."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


OF_THE_DEPLOYMENT = {
    "ANALYZER_LOG_GROUP": "g",
    "ANALYSIS_ROLE_ARN": "arn:aws:iam::1:role/r",
    "POWERTOOLS_TRACE_DISABLED": "true",
}


def hosts_of_the_analyzer(variable: str, values: list[str | None], shown: str) -> list[object]:
    """Return what an expression shows of the host of an analysis, for each value of a variable."""
    program = f"""
import json, os
from analyzer_container import app
from modelwatch_core.ports import AnalysisAccess
app.analyze = lambda settings, host: host
found = []
for value in {values}:
    os.environ |= {{}} if value is None else {{{variable!r}: value}}
    host = app._analyze(None, None, AnalysisAccess(objects=None, model=None), "lambda")
    found.append({shown})
print(json.dumps(found))
"""
    found: list[object] = json.loads(printed_by(program, OF_THE_DEPLOYMENT))
    return found


def test_the_analyzer_reads_with_as_many_processes_as_its_memory_has_cpus():
    counts = {None: None, "512": 1, "1769": 1, "2048": 1, "3008": 2, "10240": 6}
    found = hosts_of_the_analyzer("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", [*counts], "host.gather.count")
    assert dict(zip(counts, found, strict=True)) == counts


REFUSAL_OF_THE_ANALYZER = """
from analyzer_container import app
from modelwatch_core.domain.errors import InvalidInput
from tests.app.test_handlers import Context
try:
    app.handler({"subject": ["secret"]}, Context())
except InvalidInput as error:
    print(error)
"""


def test_the_analyzer_refuses_a_request_in_one_line_with_a_code_and_none_of_its_values():
    variables = {"POWERTOOLS_METRICS_NAMESPACE": "Modelwatch", "POWERTOOLS_TRACE_DISABLED": "true"}
    printed = printed_by(REFUSAL_OF_THE_ANALYZER, variables)
    (line,) = (line for line in printed.splitlines() if not line.startswith("{"))  # metrics
    assert line.startswith("InvalidParameter: subject: ")
    assert "secret" not in printed


def test_the_analyzer_loads_pickles_where_the_deployment_says_so_and_calls_no_internal_address():
    addresses = "host.allows_address('169.254.169.254'), host.allows_address('10.0.0.1')"
    found = hosts_of_the_analyzer("ALLOW_PICKLES", [None, "true", "false"], f"[host.allows_pickles, {addresses}]")
    assert found == [[False, False, True], [True, False, True], [False, False, True]]
