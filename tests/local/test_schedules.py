"""Schedules and scheduled rules, fired by a virtual clock."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import pytest
from botocore.exceptions import ClientError

from modelwatch.local import LocalStack, LocalStackError
from tests.local.conftest import SCHEDULER_ROLE, START, Deployer, events_of, messages

ROLE = (
    SCHEDULER_ROLE
    + """
Queue: {Type: AWS::SQS::Queue}
Group: {Type: AWS::Scheduler::ScheduleGroup, Properties: {Name: !Sub "${AWS::StackName}-ticks"}}
Fn:
  Type: AWS::Serverless::Function
  Properties:
    Policies:
      - Version: 2012-10-17
        Statement:
          - {Effect: Allow, Action: ["scheduler:CreateSchedule", "scheduler:DeleteSchedule"], Resource: "*"}
          - {Effect: Allow, Action: iam:PassRole, Resource: !GetAtt Role.Arn}
"""
)
OUTPUTS = """
Fn: {Value: !Ref Fn}
FnArn: {Value: !GetAtt Fn.Arn}
Role: {Value: !GetAtt Role.Arn}
Queue: {Value: !Ref Queue}
QueueArn: {Value: !GetAtt Queue.Arn}
Group: {Value: !Ref Group}
"""
INPUT = json.dumps(
    {
        "arn": "<aws.scheduler.schedule-arn>",
        "time": "<aws.scheduler.scheduled-time>",
        "id": "<aws.scheduler.execution-id>",
        "attempt": "<aws.scheduler.attempt-number>",
    }
)


@pytest.fixture
def stack(deploy: Deployer) -> LocalStack:
    return deploy(ROLE, Outputs=OUTPUTS)


def schedule(stack: LocalStack, name: str, expression: str, **options: Any) -> str:
    """Create a schedule that invokes the function."""
    target = {"Arn": stack.outputs["FnArn"], "RoleArn": stack.outputs["Role"], "Input": INPUT} | options.pop(
        "Target", {}
    )
    response = stack.client("scheduler").create_schedule(
        Name=name,
        GroupName=stack.outputs["Group"],
        ScheduleExpression=expression,
        FlexibleTimeWindow={"Mode": "OFF"},
        Target=target,
        **options,
    )
    return response["ScheduleArn"]


def fired(stack: LocalStack) -> list[tuple[str, str]]:
    """Return the name and time of each firing, in the order in which the invocations ended."""
    return [(event["arn"].rpartition("/")[2], event["time"]) for event in events_of(stack, stack.outputs["Fn"])]


def clock(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-01-05T{text}").replace(tzinfo=UTC)


def test_schedules_fire_in_the_order_in_which_they_are_due(stack: LocalStack) -> None:
    schedule(stack, "hourly", "cron(0 * ? * * *)")
    schedule(stack, "often", "rate(40 minutes)")
    schedule(stack, "once", "at(2026-01-05T11:00:00)", ScheduleExpressionTimezone="Europe/Berlin")
    stack.advance_to(clock("11:35:00"))
    # "often" counts from 09:30; 11:00 in Berlin is 10:00 UTC, when two schedules are due.
    assert sorted(fired(stack)[:2]) == [("hourly", "2026-01-05T10:00:00Z"), ("once", "2026-01-05T10:00:00Z")]
    assert fired(stack)[2:] == [
        ("often", "2026-01-05T10:10:00Z"),
        ("often", "2026-01-05T10:50:00Z"),
        ("hourly", "2026-01-05T11:00:00Z"),
        ("often", "2026-01-05T11:30:00Z"),
    ]
    assert stack.now == clock("11:35:00")


def test_keywords_in_the_input_are_replaced_and_each_firing_has_its_own_id(stack: LocalStack) -> None:
    arn = schedule(stack, "hourly", "cron(0 * ? * * *)")
    stack.advance_to(clock("11:00:00"))
    first, second = events_of(stack, stack.outputs["Fn"])
    assert first == {"arn": arn, "time": "2026-01-05T10:00:00Z", "id": first["id"], "attempt": "1"}
    assert first["id"] != second["id"]


def test_a_schedule_invokes_with_its_own_role(stack: LocalStack) -> None:
    schedule(stack, "hourly", "cron(0 * ? * * *)")
    stack.advance_to(clock("10:00:00"))
    role = stack.outputs["Role"].rpartition("/")[2]
    assert [(c.time, c.role, c.status) for c in stack.calls if c.action == "Invoke"] == [(clock("10:00:00"), role, 202)]


def test_what_one_due_time_sets_off_has_settled_before_the_next(deploy: Deployer) -> None:
    # The function is slow and needs retries, while the virtual minutes pass instantly.
    code = """
        import time
        def handler(event, context):
            time.sleep(0.3)
            if event["time"] == "2026-01-05T09:31:00Z":
                raise ValueError("always")
    """
    stack = deploy(ROLE, code=code, Outputs=OUTPUTS)
    schedule(stack, "minutely", "rate(1 minute)")
    stack.advance_to(clock("09:32:00"))
    order = [(json.loads(done.payload)["time"], done.attempt) for done in stack.invocations]
    assert order == [("2026-01-05T09:31:00Z", attempt) for attempt in (1, 2, 3)] + [("2026-01-05T09:32:00Z", 1)]


def test_a_move_that_is_abandoned_leaves_the_clock_at_what_has_fired(stack: LocalStack) -> None:
    class AfterTheFirst(Event):
        def is_set(self) -> bool:
            return bool(fired(stack))

    schedule(stack, "minutely", "rate(1 minute)")
    stack.advance_to(clock("09:31:30"), AfterTheFirst())  # nothing else would have fired
    assert stack.now == clock("09:31:00")
    stack.advance_to(clock("12:00:00"), AfterTheFirst())
    assert stack.now == clock("09:31:00")
    stack.advance_to(clock("09:32:00"))
    assert [time for _, time in fired(stack)] == ["2026-01-05T09:31:00Z", "2026-01-05T09:32:00Z"]


def test_a_span_begins_where_the_call_before_leaves_the_clock(
    stack: LocalStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    class HeldByAnAbandonedCall(AbstractContextManager[None]):
        def __enter__(self) -> None:
            stack._clock.move_to(clock("10:00:00"))

        def __exit__(self, *_: object) -> None:
            pass

        def acquire(self, *, blocking: bool) -> bool:
            return blocking

    monkeypatch.setattr(stack._ticker, "_lock", HeldByAnAbandonedCall())
    stack.advance(timedelta(minutes=1))
    assert stack.now == clock("10:01:00")


def test_a_schedule_that_a_function_creates_fires_and_one_that_it_deletes_does_not(deploy: Deployer) -> None:
    code = """
        import boto3
        def handler(event, context):
            scheduler = boto3.client("scheduler")
            if event.get("create"):
                scheduler.create_schedule(**event["create"])
            if event.get("delete"):
                scheduler.delete_schedule(**event["delete"])
    """
    stack = deploy(ROLE, code=code, Outputs=OUTPUTS)
    target = {"Arn": stack.outputs["FnArn"], "RoleArn": stack.outputs["Role"]}
    group = stack.outputs["Group"]
    create = {
        "Name": "made",
        "GroupName": group,
        "ScheduleExpression": "rate(10 minutes)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": target | {"Input": '{"made": true}'},
    }
    schedule(stack, "maker", "at(2026-01-05T10:00:00)", Target={"Input": json.dumps({"create": create})})
    delete = {"Name": "made", "GroupName": group}
    schedule(stack, "deleter", "at(2026-01-05T10:25:00)", Target={"Input": json.dumps({"delete": delete})})
    stack.advance_to(clock("11:00:00"))
    made = [done.started for done in stack.invocations if json.loads(done.payload) == {"made": True}]
    assert made == [clock("10:10:00"), clock("10:20:00")]
    assert not [done for done in stack.invocations if done.function_error]


def test_start_end_and_state_are_respected(stack: LocalStack) -> None:
    schedule(stack, "between", "cron(0/20 * ? * * *)", StartDate=clock("10:00:00"), EndDate=clock("10:40:00"))
    schedule(stack, "from-start", "rate(30 minutes)", StartDate=clock("10:05:00"), EndDate=clock("10:35:00"))
    schedule(stack, "off", "rate(1 minute)", State="DISABLED")
    stack.advance_to(clock("12:00:00"))
    assert fired(stack) == [
        ("between", "2026-01-05T10:00:00Z"),
        ("from-start", "2026-01-05T10:05:00Z"),
        ("between", "2026-01-05T10:20:00Z"),
        ("from-start", "2026-01-05T10:35:00Z"),
        ("between", "2026-01-05T10:40:00Z"),
    ]


def test_a_schedule_that_deletes_itself_is_deleted_after_its_last_firing(stack: LocalStack) -> None:
    schedule(stack, "once", "at(2026-01-05T10:00:00)", ActionAfterCompletion="DELETE")
    schedule(stack, "twice", "rate(30 minutes)", EndDate=clock("10:30:00"), ActionAfterCompletion="DELETE")
    schedule(stack, "stays", "at(2026-01-05T10:00:00)")

    def names() -> set[str]:
        return {found["Name"] for found in stack.client("scheduler").list_schedules()["Schedules"]}

    stack.advance_to(clock("10:00:00"))
    assert names() == {"twice", "stays"}
    stack.advance_to(clock("12:00:00"))
    assert names() == {"stays"}
    assert len(fired(stack)) == 4


def test_schedules_deliver_to_queues_and_buses(stack: LocalStack) -> None:
    schedule(stack, "q", "at(2026-01-05T10:00:00)", Target={"Arn": stack.outputs["QueueArn"]})
    bus = {
        "Arn": "arn:aws:events:us-east-1:123456789012:event-bus/default",
        "EventBridgeParameters": {"Source": "ticks", "DetailType": "Tick"},
    }
    schedule(stack, "b", "at(2026-01-05T10:00:00)", Target=bus)
    events = stack.client("events")
    events.put_rule(Name="ticks", EventPattern='{"source": ["ticks"]}')
    events.put_targets(Rule="ticks", Targets=[{"Id": "q", "Arn": stack.outputs["QueueArn"]}])
    stack.advance_to(clock("10:00:00"))
    bodies = [json.loads(message["Body"]) for message in messages(stack, stack.outputs["Queue"])]
    assert sorted("detail" in body for body in bodies) == [False, True]
    assert {body.get("detail", body)["time"] for body in bodies} == {"2026-01-05T10:00:00Z"}


def test_a_firing_that_cannot_be_delivered_goes_to_the_schedules_dead_letter_queue(stack: LocalStack) -> None:
    target = {
        "Arn": "arn:aws:lambda:us-east-1:123456789012:function:missing",
        "DeadLetterConfig": {"Arn": stack.outputs["QueueArn"]},
    }
    arn = schedule(stack, "undeliverable", "at(2026-01-05T10:00:00)", Target=target)
    stack.advance_to(clock("10:00:00"))
    (letter,) = messages(stack, stack.outputs["Queue"])
    attributes = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert attributes["SCHEDULE_ARN"] == arn
    assert attributes["ERROR_CODE"] == "ResourceNotFoundException"
    assert json.loads(letter["Body"])["arn"] == arn
    (sent,) = [call for call in stack.calls if call.action == "SendMessage"]
    assert sent.role == stack.outputs["Role"].rpartition("/")[2]  # Scheduler sends with the role of the schedule
    assert stack.undelivered == []


def test_a_scheduled_rule_fires_by_the_clock_and_never_on_an_event(stack: LocalStack) -> None:
    events = stack.client("events")
    arn = events.put_rule(Name="hourly", ScheduleExpression="rate(1 hour)")["RuleArn"]
    events.put_targets(Rule="hourly", Targets=[{"Id": "f", "Arn": stack.outputs["FnArn"]}])
    events.put_events(Entries=[{"Source": "x", "DetailType": "x", "Detail": "{}"}])
    stack.settle()
    assert stack.invocations == []
    stack.advance_to(clock("11:30:00"))
    first, second = events_of(stack, stack.outputs["Fn"])
    assert (first["detail-type"], first["source"], first["resources"]) == ("Scheduled Event", "aws.events", [arn])
    assert (first["time"], second["time"]) == ("2026-01-05T10:30:00Z", "2026-01-05T11:30:00Z")


def test_the_clock_stands_still_between_advances_and_never_goes_back(stack: LocalStack) -> None:
    stack.advance(timedelta(minutes=1))
    assert stack.now == START + timedelta(minutes=1)
    with pytest.raises(LocalStackError) as caught:
        stack.advance_to(START)
    assert caught.value.code == "ClockGoesBack"
    with pytest.raises(LocalStackError) as caught:
        stack.advance_to(datetime(2026, 1, 6))  # noqa: DTZ001 - the missing time zone is what is tested
    assert caught.value.code == "NoTimeZone"


def test_schedules_that_aws_refuses_are_refused(stack: LocalStack) -> None:
    with pytest.raises(ClientError) as caught:
        schedule(stack, "bad", "cron(every hour)")
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    with pytest.raises(ClientError) as caught:
        schedule(stack, "late", "cron(0 * ? * * *)", StartDate=START - timedelta(minutes=6))
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    client = stack.client("scheduler")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.create_schedule(
            Name="n",
            GroupName="no-group",
            ScheduleExpression="rate(1 day)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": stack.outputs["FnArn"], "RoleArn": stack.outputs["Role"]},
        )


def test_every_firing_of_two_days_is_on_time(stack: LocalStack) -> None:
    for number in range(3):
        schedule(stack, f"hourly-{number}", f"cron({number * 7} * ? * * *)", Target={"Arn": stack.outputs["QueueArn"]})
    stack.advance(timedelta(hours=48))
    times = [json.loads(message["Body"])["time"] for message in messages(stack, stack.outputs["Queue"])]
    # The clock starts at 09:30, after all three minutes of that hour: each schedule fires 48 times, from 10:00 on.
    assert len(times) == len(set(times)) == 3 * 48


def test_on_the_machines_clock_schedules_fire_by_themselves(deploy: Deployer) -> None:
    stack = deploy(ROLE, Outputs=OUTPUTS, options={"start": None})
    soon = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
    schedule(stack, "soon", f"at({soon:%Y-%m-%dT%H:%M:%S})", Target={"Arn": stack.outputs["QueueArn"]})
    response = stack.client("sqs").receive_message(QueueUrl=stack.outputs["Queue"], WaitTimeSeconds=20)
    assert json.loads(response["Messages"][0]["Body"])["time"] == f"{soon:%Y-%m-%dT%H:%M:%SZ}"


CLOCK = """
from datetime import datetime
from modelwatch_core.adapters.system_clock import SystemClock
def handler(event, context):
    return SystemClock().now().isoformat()
"""


def test_the_machines_clock_can_be_set_ahead_and_functions_and_objects_follow_it(deploy: Deployer, invoke: Any) -> None:
    resources = ROLE + "\nBucket: {Type: AWS::S3::Bucket}\n"
    outputs = OUTPUTS + "\nBucket: {Value: !Ref Bucket}\n"
    stack = deploy(resources, code=CLOCK, Outputs=outputs, options={"start": None})
    before = datetime.now(UTC)
    assert abs(datetime.fromisoformat(invoke(stack, stack.outputs["Fn"])[0]) - before) < timedelta(minutes=2)
    schedule(stack, "hourly", "cron(0 * ? * * *)", Target={"Arn": stack.outputs["QueueArn"]})
    later = before.replace(minute=30, second=0, microsecond=0) + timedelta(hours=3)
    stack.advance_to(later)
    fired = [json.loads(message["Body"])["time"] for message in messages(stack, stack.outputs["Queue"])]
    assert fired == sorted(fired)
    assert fired[-3:] == [f"{later - timedelta(hours=back):%Y-%m-%dT%H:00:00Z}" for back in (2, 1, 0)]
    # The process that ran before the move sees the new time as well.
    assert timedelta(0) <= datetime.fromisoformat(invoke(stack, stack.outputs["Fn"])[0]) - later < timedelta(minutes=2)
    stack.client("s3").put_object(Bucket=stack.outputs["Bucket"], Key="k", Body=b"")
    modified = stack.client("s3").head_object(Bucket=stack.outputs["Bucket"], Key="k")["LastModified"]
    assert timedelta(seconds=-1) <= modified - later < timedelta(minutes=2)
    with pytest.raises(LocalStackError) as caught:
        stack.advance_to(later - timedelta(minutes=1))
    assert caught.value.code == "ClockGoesBack"
