"""``MetricSink`` in CloudWatch."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from modelwatch_core.adapters.aws.translation import aws_errors, code_of

if TYPE_CHECKING:
    from types_boto3_cloudwatch.client import CloudWatchClient

MOST_METRICS_IN_A_CALL = 500
"""PutMetricData takes 1,000 and 1 MB; the long names of SageMaker's dimensions make 500 the safe half."""


LONGEST_METRIC_NAME = 255
NOT_TAKEN = {
    "InvalidParameterValue",
    "InvalidParameterValueException",
    "InvalidParameterCombination",
    "InvalidParameterCombinationException",
    "ValidationError",
}
"""Codes for data that CloudWatch will never take: a window of more than two weeks ago, a number out of its range."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CloudWatchMetrics:
    """``MetricSink`` in CloudWatch."""

    cloudwatch: CloudWatchClient

    def publish(self, namespace: str, metrics: Iterable[dict[str, Any]]) -> None:
        """Publish metrics; those that CloudWatch does not take are counted in the log, and hold up nothing."""
        given = list(metrics)
        remaining = iter([metric for metric in given if _has_a_name_that_cloudwatch_takes(metric)])
        left_out = len(given)
        while batch := list(islice(remaining, MOST_METRICS_IN_A_CALL)):
            with aws_errors(f"publishing metrics to {namespace}"):
                try:
                    self.cloudwatch.put_metric_data(Namespace=namespace, MetricData=batch)  # type: ignore[arg-type]
                except ClientError as error:
                    if code_of(error) not in NOT_TAKEN:
                        raise
                else:
                    left_out -= len(batch)
        if left_out:
            logger.warning("CloudWatch does not take %d of %d metrics for %s", left_out, len(given), namespace)


def _has_a_name_that_cloudwatch_takes(metric: dict[str, Any]) -> bool:
    name = str(metric.get("MetricName", ""))
    return name.isascii() and name.isprintable() and 0 < len(name) <= LONGEST_METRIC_NAME
