"""Alarms are evaluated when their metric gets data, and notify their topics."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import count

import pytest

from modelwatch.local import LocalStack
from tests.local.conftest import Deployer

pytestmark = pytest.mark.long_setup  # one stack for the module

DIMENSIONS = [{"Name": "Endpoint", "Value": "churn"}, {"Name": "MonitoringSchedule", "Value": "hourly"}]
NUMBERS = count()


@pytest.fixture(scope="module")
def stack(deploy_once: Deployer) -> LocalStack:
    return deploy_once("People: {Type: AWS::SNS::Topic}", Outputs="People: {Value: !Ref People}")


class Watched:
    """An alarm of a metric of its own."""

    def __init__(self, stack: LocalStack, **changes: object) -> None:
        self.stack, self.client = stack, stack.client("cloudwatch")
        self.name = f"alarm-{next(NUMBERS)}"
        topic = stack.outputs["People"]
        stack.client("sns").subscribe(TopicArn=topic, Protocol="email", Endpoint="a@example.com")
        given = {
            "AlarmName": self.name,
            "ComparisonOperator": "GreaterThanThreshold",
            "EvaluationPeriods": 1,
            "MetricName": self.name,
            "Namespace": "n",
            "Period": 3600,
            "Statistic": "Average",
            "Threshold": 0.1,
            "AlarmActions": [topic],
            "OKActions": [topic],
            "Dimensions": DIMENSIONS,
        }
        self.client.put_metric_alarm(**given | changes)

    def measures(self, *values: float, hour: int = 0, dimensions: list[dict[str, str]] = DIMENSIONS) -> str:
        """Put values of an hour, and return the state that the alarm is in then."""
        at = self.stack.now + timedelta(hours=hour)
        data = [{"MetricName": self.name, "Dimensions": dimensions, "Timestamp": at, "Value": each} for each in values]
        self.client.put_metric_data(Namespace="n", MetricData=data)
        (found,) = self.client.describe_alarms(AlarmNames=[self.name])["MetricAlarms"]
        return found["StateValue"]

    def messages(self) -> list[tuple[str, str]]:
        """Return the subjects of the mails about the alarm, and the states that they announce."""
        self.stack.settle()
        mails = [mail for mail in self.stack.mails if f'"{self.name}"' in mail["Subject"]]
        return [(mail["Subject"], json.loads(str(mail.get_content()).partition("\n\n--")[0])) for mail in mails]


def test_an_alarm_goes_on_and_off_with_its_metric_and_announces_each_change_once(stack: LocalStack) -> None:
    watched = Watched(stack)
    assert watched.measures(0.05) == "OK"
    assert watched.measures(0.05, 0.5, hour=1) == "ALARM"
    ((subject, begun),) = watched.messages()  # a topic promises no order: the next change comes after it has arrived
    assert subject == f'ALARM: "{watched.name}" in us-east-1'
    assert watched.measures(0.6, hour=2) == "ALARM"
    assert watched.measures(0.01, hour=3) == "OK"
    _, (subject, _) = watched.messages()
    assert subject == f'OK: "{watched.name}" in us-east-1'
    assert (begun["OldStateValue"], begun["NewStateValue"], begun["Trigger"]["Statistic"]) == ("OK", "ALARM", "AVERAGE")


def test_other_dimensions_are_another_metric(stack: LocalStack) -> None:
    watched = Watched(stack)
    assert watched.measures(9.0, dimensions=DIMENSIONS[:1]) == "OK"


@pytest.mark.parametrize(
    ("missing", "states"),
    [("missing", ["OK", "OK", "ALARM", "OK"]), ("breaching", ["ALARM", "ALARM", "ALARM", "ALARM"])],
)
def test_an_alarm_may_need_two_of_three_periods(stack: LocalStack, missing: str, states: list[str]) -> None:
    watched = Watched(stack, EvaluationPeriods=3, DatapointsToAlarm=2, TreatMissingData=missing)
    # An hour that is bad, one without data, a bad one, and then a good one after another without data.
    hours = [(0, 0.5), (1, 0.01), (2, 0.5), (4, 0.01)]
    assert [watched.measures(value, hour=hour) for hour, value in hours] == states


def test_an_alarm_looks_at_what_is_there_when_it_is_made(stack: LocalStack) -> None:
    watched = Watched(stack, Threshold=100)
    assert watched.measures(5.0) == "OK"
    (found,) = watched.client.describe_alarms(AlarmNames=[watched.name])["MetricAlarms"]
    kept = ("ComparisonOperator", "EvaluationPeriods", "MetricName", "Namespace", "Period", "Statistic", "Dimensions")
    made = {name: found[name] for name in kept} | {"AlarmName": "afterwards", "Threshold": 4.0}
    watched.client.put_metric_alarm(**made)
    (found,) = watched.client.describe_alarms(AlarmNames=["afterwards"])["MetricAlarms"]
    assert found["StateValue"] == "ALARM"
