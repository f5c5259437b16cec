"""What CloudWatch takes of metrics. Source of the limits: its API reference, PutMetricData, MetricDatum, Dimension."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from unittest.mock import Mock
from urllib.parse import urlencode

import pytest

from modelwatch_core.adapters.aws.metric_sink import CloudWatchMetrics
from modelwatch_core.adapters.system_clock import SystemClock
from modelwatch_core.domain.documents import iso_utc
from modelwatch_core.domain.metric_datum import MetricDatum
from tests.core.in_memory import ManualClock


class StrictCloudWatch:
    """CloudWatch as its reference describes it: one metric that it does not take makes it refuse all of a call."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []

    def put_metric_data(self, *, Namespace: str, MetricData: list[dict[str, Any]]) -> None:  # noqa: N803 (the name that CloudWatch has)
        assert len(MetricData) <= 1000
        assert len(urlencode(_flat(f"{Namespace}.MetricData.member", MetricData))) <= 2**20
        for metric in MetricData:
            dimensions = metric.get("Dimensions", [])
            names = [each["Name"] for each in dimensions]
            texts = [(metric["MetricName"], 255), *((name, 255) for name in names)]
            texts += [(each["Value"], 1024) for each in dimensions]
            assert all(re.fullmatch(r"[ -~]*[!-~][ -~]*", text) and len(text) <= most for text, most in texts)
            assert len(set(names)) == len(names) <= 30
            assert not any(name.startswith(":") for name in names)
            assert metric.get("StatisticValues", {"SampleCount": 1})["SampleCount"] > 0
            for value in metric.get("StatisticValues", {"Value": metric.get("Value")}).values():
                assert value == 0 or 8.515920e-109 <= abs(value) <= 2.0**360
            age = datetime.now(UTC) - datetime.fromisoformat(metric.get("Timestamp", datetime.now(UTC).isoformat()))
            assert timedelta(hours=-2) <= age <= timedelta(weeks=2)
        self.taken += MetricData


def _flat(name: str, document: Any) -> dict[str, Any]:
    """Return a document as the query protocol of AWS writes it."""
    if isinstance(document, dict):
        return {k: v for key, value in document.items() for k, v in _flat(f"{name}.{key}", value).items()}
    if isinstance(document, list):
        return {k: v for n, value in enumerate(document, 1) for k, v in _flat(f"{name}.{n}", value).items()}
    return {name: document}


GOOD = {"MetricName": "fine", "Value": 2.0**360}
BAD: dict[str, dict[str, Any]] = {
    "a number that is too large": {"Value": 2.0**361},
    "a number that is too far below": {"Value": -1e200},
    "a statistic that is too large": {
        "Value": None,
        "StatisticValues": {"SampleCount": 2.0, "Sum": 1e200, "Minimum": 0.0, "Maximum": 1.0},
    },
    "statistics of no samples": {
        "Value": None,
        "StatisticValues": {"SampleCount": 0.0, "Sum": 0.0, "Minimum": 0.0, "Maximum": 0.0},
    },
    "a time that is too old": {"Timestamp": "2020-01-01T00:00:00Z"},
    "a time that is far ahead": {"Timestamp": "2120-01-01T00:00:00Z"},
    "a blank name": {"MetricName": " "},
    "a dimension twice": {"Dimensions": [{"Name": "a", "Value": "1"}, {"Name": "a", "Value": "2"}]},
    "a dimension with a colon": {"Dimensions": [{"Name": ":a", "Value": "1"}]},
    "a dimension with a long name": {"Dimensions": [{"Name": "a" * 256, "Value": "1"}]},
    "a dimension with a long value": {"Dimensions": [{"Name": "a", "Value": "1" * 1025}]},
    "a blank dimension": {"Dimensions": [{"Name": "a", "Value": " "}]},
}


@pytest.mark.parametrize("bad", BAD)
def test_one_metric_that_cloudwatch_does_not_take_costs_no_other(bad, caplog):
    cloudwatch, metric = StrictCloudWatch(), GOOD | BAD[bad]
    bad_one = {name: value for name, value in metric.items() if value is not None}
    CloudWatchMetrics(cast("Any", cloudwatch), SystemClock()).publish("x", [GOOD, bad_one, GOOD])
    assert cloudwatch.taken == [GOOD, GOOD]
    (message,) = caplog.messages
    assert message.startswith("CloudWatch does not take 1 of 3 metrics for x: ")


def test_the_longest_metrics_are_sent_in_calls_that_cloudwatch_takes():
    longest = {"MetricName": "%" * 255, "Value": 1.0} | {
        "Dimensions": [{"Name": f"{place:%>255}", "Value": "%" * 1024} for place in range(30)]
    }
    cloudwatch = StrictCloudWatch()
    CloudWatchMetrics(cast("Any", cloudwatch), SystemClock()).publish("x", [longest] * 40)
    assert cloudwatch.taken == [longest] * 40


def test_how_far_ahead_a_time_is_depends_on_the_clock_of_the_app_which_the_local_stack_moves():
    cloudwatch, clock = Mock(), ManualClock(datetime.now(UTC) + timedelta(hours=10))
    metrics = [GOOD | {"Timestamp": iso_utc(clock.now() + timedelta(hours=hours))} for hours in (0, 3)]
    CloudWatchMetrics(cloudwatch, clock).publish("x", metrics)
    cloudwatch.put_metric_data.assert_called_once_with(Namespace="x", MetricData=metrics[:1])


@pytest.mark.parametrize(
    ("value", "taken"), [(1e-200, 0.0), (-1e-300, 0.0), (1e-108, 1e-108), (-(2.0**360), -(2.0**360))]
)
def test_a_number_that_is_too_small_for_cloudwatch_is_zero(value, taken):
    assert MetricDatum.model_validate({"MetricName": "m", "Value": value}).value == taken
