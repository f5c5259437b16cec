"""The doctor finds what is broken in a deployment, one thing at a time, and nothing in a sound one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto.cloudwatch.models import cloudwatch_backends
from typer.testing import CliRunner

from modelwatch.cli.commands import app as command
from modelwatch.doctor import alerting, deployment, machine, storage
from modelwatch.doctor.checks import OF_A_STACK, OF_THIS_MACHINE
from modelwatch.doctor.deployed import Deployed
from modelwatch.doctor.problem import Problem, examine
from modelwatch.local import LocalStackError
from modelwatch.local_session import LocalSession
from modelwatch.running_stack import announced
from modelwatch_core.adapters.aws.execution_table import execution_item, time_items
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.monitoring_execution import MonitoringExecution
from modelwatch_core.domain.windows import Window
from tests.app.deployed_app import HOUR, START, App, started

pytestmark = [pytest.mark.slow, pytest.mark.long_setup]


@pytest.fixture(scope="module")
def app() -> Iterator[App]:
    """A deployment that works: one execution has completed and published its metrics."""
    with started() as stack:
        app = App(stack)
        assert app.make_baseline()["status"] == "Completed"
        app.make_schedule()
        nine = START.replace(minute=0) + HOUR
        app.capture(nine)
        stack.advance_to(nine + HOUR + timedelta(minutes=20))
        assert app.execution(nine + HOUR)["monitoring_execution_status"] == "Completed"
        yield app


@pytest.fixture(scope="module")
def one_session(app: App) -> boto3.Session:
    """A session that has read each service's description once."""
    return boto3.Session("local", "local", region_name=app.stack.region)


@pytest.fixture
def session(app: App, one_session: boto3.Session, monkeypatch: pytest.MonkeyPatch) -> boto3.Session:
    monkeypatch.setenv("AWS_ENDPOINT_URL", app.stack.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "local")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")
    return one_session


def found(app: App, session: boto3.Session, now: datetime | None = None) -> dict[str, list[Problem]]:
    deployed = Deployed.read(session, app.stack.name, now or datetime.now(UTC))
    return {name: problems for name, problems in examine(OF_A_STACK, deployed) if problems}


def codes(app: App, session: boto3.Session, now: datetime | None = None) -> list[tuple[str, str]]:
    return [(name, problem.code) for name, problems in found(app, session, now).items() for problem in problems]


def test_a_sound_deployment_has_no_problem_and_nothing_in_it_is_changed(app, session):
    before = len(app.stack.calls)
    assert found(app, session) == {}
    made = {call.action for call in app.stack.calls[before:]}
    assert {action for action in made if not action.startswith(("Get", "List", "Describe"))} == {
        "SimulatePrincipalPolicy",
        "BatchGetItem",
        "Query",
    }


def rule(app: App) -> str:
    listed = app.stack.client("events").list_rules(EventBusName=app.stack.outputs["EventBusName"])["Rules"]
    return listed[0]["Name"]


def set_schedule(app: App, name: str, state: str) -> None:
    client = app.stack.client("scheduler")
    found = client.get_schedule(GroupName="modelwatch-schedules", Name=name)
    kept = ("Name", "GroupName", "ScheduleExpression", "FlexibleTimeWindow", "Target")
    client.update_schedule(**{name: found[name] for name in kept}, State=state)


def backups(app: App, *, enabled: bool) -> None:
    specification = {"PointInTimeRecoveryEnabled": enabled}
    app.stack.client("dynamodb").update_continuous_backups(
        TableName=app.stack.outputs["LedgerTableName"], PointInTimeRecoverySpecification=specification
    )


def bucket(app: App) -> dict[str, str]:
    return {"Bucket": app.stack.outputs["ResultsBucketName"]}


ENCRYPTION = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
PRIVATE = dict.fromkeys(("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True)
DENIED = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::captures/*"}],
}


def role(app: App) -> dict[str, str]:
    listed = app.stack.client("iam").list_roles()["Roles"]
    return {"RoleName": next(each["RoleName"] for each in listed if "AnalysisRole" in each["RoleName"])}


def alarm(app: App, state: str) -> None:
    client = app.stack.client("cloudwatch")
    name = next(
        each["AlarmName"] for each in client.describe_alarms()["MetricAlarms"] if "SweepAlarm" in each["AlarmName"]
    )
    client.set_alarm_state(AlarmName=name, StateValue=state, StateReason="tried")


def unsubscribe(app: App) -> None:
    client = app.stack.client("sns")
    for each in client.list_subscriptions_by_topic(TopicArn=app.stack.outputs["AlertTopicArn"])["Subscriptions"]:
        client.unsubscribe(SubscriptionArn=each["SubscriptionArn"])


def subscribe(app: App) -> None:
    topic = app.stack.outputs["AlertTopicArn"]
    app.stack.client("sns").subscribe(TopicArn=topic, Protocol="email", Endpoint="team@example.com")


def execution(app: App, change: Callable[[dict[str, Any]], None]) -> None:
    client, table = app.stack.client("dynamodb"), app.stack.outputs["LedgerTableName"]
    items = [each for each in client.scan(TableName=table)["Items"] if each["sk"]["S"].startswith("EXECUTION#")]
    item = max(items, key=lambda each: each["sk"]["S"])
    document = json.loads(item["document"]["S"])
    change(document)
    client.put_item(TableName=table, Item=item | {"document": {"S": json.dumps(document)}})


def status(status: str) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        document["monitoring_execution_status"] = document["outcome"]["status"] = status
        document["outcome"]["failure_reason"] = "NoData: nothing was captured" if status == "Failed" else None

    return change


def schedule_record(app: App, broken: bool) -> None:
    client, table = app.stack.client("dynamodb"), app.stack.outputs["LedgerTableName"]
    (item,) = [each for each in client.scan(TableName=table)["Items"] if each["sk"]["S"] == "DEFINITION"]
    document = json.loads(item["document"]["S"])
    document.pop("later", None)
    if broken:
        document["later"] = 1
    client.put_item(TableName=table, Item=item | {"document": {"S": json.dumps(document)}})


def watched_endpoint(app: App, name: str) -> None:
    client, table = app.stack.client("dynamodb"), app.stack.outputs["LedgerTableName"]
    (item,) = [each for each in client.scan(TableName=table)["Items"] if each["sk"]["S"] == "DEFINITION"]
    document = json.loads(item["document"]["S"])
    document["endpoint_input"]["endpoint_name"] = name
    client.put_item(TableName=table, Item=item | {"document": {"S": json.dumps(document)}})


KEPT: dict[str, bytes] = {}


def baseline(app: App, change: Callable[[bytes], bytes] | None) -> None:
    place = {"Bucket": app.stack.outputs["ResultsBucketName"], "Key": "baselining/first/constraints.json"}
    content = KEPT.setdefault("constraints", app.s3.get_object(**place)["Body"].read())
    app.s3.put_object(**place, Body=change(content) if change else content)


BROKEN: dict[str, tuple[list[tuple[str, str]], Callable[[App], object], Callable[[App], object]]] = {
    "a rule is disabled": (
        [("rules", "RuleDisabled")],
        lambda app: app.stack.client("events").disable_rule(
            Name=rule(app), EventBusName=app.stack.outputs["EventBusName"]
        ),
        lambda app: app.stack.client("events").enable_rule(
            Name=rule(app), EventBusName=app.stack.outputs["EventBusName"]
        ),
    ),
    "the sweep is disabled": (
        [("schedules", "SweepDisabled")],
        lambda app: set_schedule(app, "modelwatch_sweep", "DISABLED"),
        lambda app: set_schedule(app, "modelwatch_sweep", "ENABLED"),
    ),
    "dead letters are not delivered again": (
        [("schedules", "RedeliveryDisabled")],
        lambda app: set_schedule(app, "modelwatch_redelivery", "DISABLED"),
        lambda app: set_schedule(app, "modelwatch_redelivery", "ENABLED"),
    ),
    "the table cannot be restored": (
        [("ledger", "NoPointInTimeRecovery")],
        lambda app: backups(app, enabled=False),
        lambda app: backups(app, enabled=True),
    ),
    "the bucket is not encrypted": (
        [("results bucket", "BucketNotEncrypted")],
        lambda app: app.s3.delete_bucket_encryption(**bucket(app)),
        lambda app: app.s3.put_bucket_encryption(**bucket(app), ServerSideEncryptionConfiguration=ENCRYPTION),
    ),
    "the bucket may be public": (
        [("results bucket", "BucketMayBePublic")],
        lambda app: app.s3.delete_public_access_block(**bucket(app)),
        lambda app: app.s3.put_public_access_block(**bucket(app), PublicAccessBlockConfiguration=PRIVATE),
    ),
    "a part of the bucket may be public": (
        [("results bucket", "BucketMayBePublic")],
        lambda app: app.s3.put_public_access_block(
            **bucket(app), PublicAccessBlockConfiguration=PRIVATE | {"BlockPublicPolicy": False}
        ),
        lambda app: app.s3.put_public_access_block(**bucket(app), PublicAccessBlockConfiguration=PRIVATE),
    ),
    "a role may not read": (
        [("permissions", "RoleMayNotRead")],
        lambda app: app.stack.client("iam").put_role_policy(
            **role(app), PolicyName="denied", PolicyDocument=json.dumps(DENIED)
        ),
        lambda app: app.stack.client("iam").delete_role_policy(**role(app), PolicyName="denied"),
    ),
    "nobody is subscribed": ([("alert topic", "NobodySubscribed")], unsubscribe, subscribe),
    "a letter was given up": (
        [("dead letters", "DeadLettersWaiting")],
        lambda app: app.stack.client("sqs").send_message(
            QueueUrl=app.stack.outputs["DeadLettersUrl"], MessageBody="{}"
        ),
        lambda app: app.stack.client("sqs").purge_queue(QueueUrl=app.stack.outputs["DeadLettersUrl"]),
    ),
    "an alarm is on": ([("alarms", "AlarmOn")], lambda app: alarm(app, "ALARM"), lambda app: alarm(app, "OK")),
    "the clock of a schedule is disabled": (
        [("clocks", "ClockStopped")],
        lambda app: set_schedule(app, "hourly", "DISABLED"),
        lambda app: set_schedule(app, "hourly", "ENABLED"),
    ),
    "the endpoint is another one": (
        [("capture", "EndpointNotFound")],
        lambda app: watched_endpoint(app, "gone"),
        lambda app: watched_endpoint(app, "loans"),
    ),
    "the baseline is that of another kind": (
        [("baselines", "InvalidConstraints")],
        lambda app: baseline(app, lambda _: b'{"binary_classification_constraints": {}}'),
        lambda app: baseline(app, None),
    ),
    "the latest execution failed": (
        [("executions", "LatestExecutionFailed")],
        lambda app: execution(app, status("Failed")),
        lambda app: execution(app, status("Completed")),
    ),
    "a record is of a later version": (
        [("executions", "RecordUnreadable")],
        lambda app: schedule_record(app, broken=True),
        lambda app: schedule_record(app, broken=False),
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_found_and_nothing_else(app, session, name):
    expected, breaks, restores = BROKEN[name]
    breaks(app)
    try:
        assert codes(app, session) == expected
    finally:
        restores(app)
    assert codes(app, session) == []


def test_a_schedule_that_was_due_and_did_not_run_is_found(app, session):
    # Functions have the machine's clock, and by it the schedule was made just now.
    assert codes(app, session, datetime.now(UTC) + 2 * HOUR) == [("executions", "NoExecutionLately")]


def test_the_latest_execution_is_that_which_was_due_last_though_an_update_moved_windows_back(app, session):
    def before_the_update(document: dict[str, Any]) -> None:
        status("Failed")(document)
        record = MonitoringExecution.model_validate(document)
        window = Window(start=record.window.start + 5 * HOUR, end=record.window.end + 5 * HOUR)
        earlier = record.model_copy(update={"window": window, "scheduled_time": record.scheduled_time - HOUR})
        for item in (execution_item(earlier), *time_items(earlier)):
            ledger.put_item(Item=item)
            added.append({"pk": item["pk"], "sk": item["sk"]})
        status("Completed")(document)

    ledger = session.resource("dynamodb").Table(app.stack.outputs["LedgerTableName"])
    added: list[dict[str, str]] = []
    execution(app, before_the_update)
    assert codes(app, session) == []
    for key in added:
        ledger.delete_item(Key=key)


def test_metrics_that_did_not_arrive_are_found(app, session, monkeypatch):
    backend = cloudwatch_backends["123456789012"][app.stack.region]
    monkeypatch.setattr(backend, "metric_data", [])
    monkeypatch.setattr(backend, "paged_metric_data", {}, raising=False)
    assert codes(app, session) == [("metrics", "NoMetrics")]


def test_a_stack_that_is_not_there_is_refused(app, session):
    with pytest.raises(InvalidInput, match="there is no stack 'other' in us-east-1") as refused:
        Deployed.read(session, "other")
    assert refused.value.code == "StackNotFound"


def test_the_command_prints_each_check_and_ends_with_one_for_a_problem(app, session):
    arguments = ["doctor", "--stack", "modelwatch", "--region", "us-east-1"]
    sound = CliRunner().invoke(command, arguments)
    assert sound.exit_code == 0, sound.stderr
    assert [line.split("  ")[0] for line in sound.stdout.splitlines()[1:]] == [check.name for check in OF_A_STACK]
    alarm(app, "ALARM")
    try:
        ended, as_json = (CliRunner().invoke(command, [*arguments, *more]) for more in ([], ["--json"]))
    finally:
        alarm(app, "OK")
    assert ended.exit_code == as_json.exit_code == 1
    (wrong,) = [line for line in ended.stdout.splitlines()[1:] if line.split()[-1] != "ok"]
    assert wrong.split()[:2] == ["alarms", "AlarmOn"]
    assert ". Fix: " in wrong
    assert ".. " not in wrong
    problems = [each for check in json.loads(as_json.stdout)["checks"] for each in check["problems"]]
    assert [each["code"] for each in problems] == ["AlarmOn"]


def test_the_stack_that_runs_here_is_checked_by_its_own_clock(app, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    with announced(app.stack.endpoint_url):
        ended = CliRunner().invoke(command, ["doctor", "--local"])
    assert ended.exit_code == 0, ended.stdout + ended.stderr
    assert [line.split("  ")[0] for line in ended.stdout.splitlines()[1:]] == [check.name for check in OF_A_STACK]
    assert Deployed.read(LocalSession(app.stack.endpoint_url), "modelwatch").now == app.stack.now


def test_the_command_ends_with_two_without_such_a_stack(app, session):
    ended = CliRunner().invoke(command, ["doctor", "--stack", "other", "--region", "us-east-1"])
    assert ended.exit_code == 2
    assert ended.stderr.startswith("modelwatch: StackNotFound: ")


def responding(client: object, **changes: Any) -> Deployed:
    """A deployment whose services return what the emulator cannot."""
    fields = {
        "session": SimpleNamespace(client=lambda *_, **__: client),
        "name": "modelwatch",
        "status": "CREATE_COMPLETE",
        "outputs": {"AlertTopicArn": "arn:t", "LedgerTableName": "t"},
        "parameters": {},
        "resources": {"Analyzer": ("AWS::Lambda::Function", "a")},
        "now": datetime(2026, 1, 1, tzinfo=UTC),
    }
    return Deployed(**(fields | changes))


def pages(**page: Any) -> Any:
    return SimpleNamespace(get_paginator=lambda _: SimpleNamespace(paginate=lambda **_: [page]))


def test_states_that_the_emulator_cannot_have_are_found():
    pending = SimpleNamespace(get_function_configuration=lambda **_: {"State": "Pending"})
    failed = SimpleNamespace(
        get_function_configuration=lambda **_: {"LastUpdateStatus": "Failed", "LastUpdateStatusReason": "no image"}
    )
    group = SimpleNamespace(get_schedule_group=lambda **_: {"State": "DELETING"})
    table = SimpleNamespace(
        describe_table=lambda **_: {"Table": {"TableStatus": "UPDATING"}},
        describe_continuous_backups=lambda **_: {"ContinuousBackupsDescription": {}},
    )
    subscribed = pages(Subscriptions=[{"SubscriptionArn": "PendingConfirmation"}])
    looked = {
        "StackNotReady": deployment.stack(responding(None, status="UPDATE_ROLLBACK_COMPLETE")),
        "FunctionNotReady": [*deployment.functions(responding(pending)), *deployment.functions(responding(failed))],
        "ScheduleGroupNotActive": deployment.schedules(responding(group)),
        "TableNotReady": list(storage.ledger(responding(table)))[:1],
        "SubscriptionNotConfirmed": alerting.topic(responding(subscribed)),
    }
    assert {name: {problem.code for problem in problems} for name, problems in looked.items()} == {
        name: {name} for name in looked
    }


def test_a_check_that_is_refused_is_a_problem_and_the_others_are_made(app, session):
    deployed = Deployed.read(session, app.stack.name, app.stack.now)
    without = {name: value for name, value in deployed.outputs.items() if name != "AlertTopicArn"}
    fields = {name: getattr(deployed, name) for name in ("session", "name", "status", "parameters", "resources", "now")}
    found = dict(examine(OF_A_STACK, Deployed(outputs=without, **fields)))
    assert [problem.code for problem in found.pop("alert topic")] == ["OutputMissing"]
    assert not any(found.values())


def test_this_machine_is_checked_and_what_it_lacks_is_found(monkeypatch):
    monkeypatch.setattr(machine, "SUPPORTED", ((3, 1), (3, 2)))
    monkeypatch.setattr(machine, "LEAST_DISK", 1 << 80)
    monkeypatch.setattr(machine, "LEAST_MEMORY", 1 << 80)
    monkeypatch.setattr(machine, "ENGINES", ("no-such-engine",))
    codes = [problem.code for check in OF_THIS_MACHINE[:4] for problem in check.problems(None)]
    assert codes == ["PythonNotSupported", "LittleDiskSpace", "LittleMemory", "NoContainerEngine"]


def test_an_analysis_runs_on_this_machine():
    assert list(machine.analysis(None)) == []


def test_a_local_stack_that_does_not_start_is_found(monkeypatch):
    def refuses(**_: object) -> None:
        raise LocalStackError("WrongEmulator", "moto is another one")

    monkeypatch.setattr("modelwatch.local.LocalStack", refuses)
    assert [problem.code for problem in machine.local_stack(None)] == ["WrongEmulator"]


def test_records_of_an_earlier_version_are_put_into_todays_lists_once(app, session):
    table = Deployed.read(session, app.stack.name, app.stack.now).table
    (schedule,) = (item for item in table.scan()["Items"] if item["sk"] == "DEFINITION")
    table.put_item(Item={name: value for name, value in schedule.items() if not name.startswith("time_")})
    arguments = ["doctor", "--stack", app.stack.name, "--region", app.stack.region, "--repair-lists", "--json"]
    first, second = (json.loads(CliRunner().invoke(command, arguments).stdout)["checks"][0] for _ in range(2))
    assert (first["check"], [each["code"] for each in first["problems"]]) == ("lists", ["ListsRepaired"])
    assert "1 record of" in first["problems"][0]["message"]
    assert second["problems"] == []
    assert table.get_item(Key={"pk": schedule["pk"], "sk": schedule["sk"]})["Item"] == schedule


def test_the_repair_of_lists_needs_a_stack():
    ended = CliRunner().invoke(command, ["doctor", "--repair-lists"])
    assert (ended.exit_code, "--repair-lists needs --local, or --stack" in ended.stderr) == (2, True)


@pytest.mark.parametrize(
    ("document", "code", "says"),
    [
        ('[{"type": "sns",}]', "DefaultAlertTargetsUnreadable", "DefaultAlertTargets: Invalid JSON"),
        ('[{"type": "sns"}]', "DefaultAlertTargetsUnreadable", "DefaultAlertTargets[0].address: Field required"),
        ('[{"type": "mail", "address": "me"}]', "UnknownAlertTarget", "'mail' is not a type of alert target"),
        ('[{"type": "sns", "address": "arn:aws:sns:us-east-1:1:b"}]', "UnfitAlertTarget", "may not notify arn:aws:sns"),
        ('[{"type": "lambda", "address": "arn:aws:sns:us-east-1:1:a"}]', "UnfitAlertTarget", "may not notify"),
        ('[{"type": "sns", "address": "arn:aws:sns:us-east-1:1:a.fifo"}]', "UnfitAlertTarget", "is a FIFO topic"),
    ],
)
def test_default_alert_targets_that_reach_nobody_are_found(document, code, says):
    topic, function = "arn:aws:sns:us-east-1:1:a", "arn:aws:lambda:us-east-1:1:function:page"
    variables = {
        "DEFAULT_ALERT_TARGETS": document,
        "ALERT_TOPIC_ARN": topic,
        "ALERT_TOPIC_ARNS": f"{topic}.fifo",
        "ALERT_FUNCTION_ARNS": function,
    }
    client = SimpleNamespace(get_function_configuration=lambda **_: {"Environment": {"Variables": variables}})
    functions = {"RouteAlerts": ("AWS::Lambda::Function", "r")}
    (problem,) = alerting.default_targets(responding(client, resources=functions))
    assert problem.code == code
    assert says in problem.message
    listed = [{"type": "sns", "address": topic}, {"type": "lambda", "address": function}]
    for fine in (" ", json.dumps(listed)):
        variables["DEFAULT_ALERT_TARGETS"] = fine
        assert list(alerting.default_targets(responding(client, resources=functions))) == []
