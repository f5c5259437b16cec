"""``MetricSink`` in CloudWatch."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, ParamValidationError

from modelwatch_core.adapters.aws.translation import aws_errors, code_of

if TYPE_CHECKING:
    from types_boto3_cloudwatch.client import CloudWatchClient

MOST_METRICS_IN_A_CALL = 500
"""PutMetricData takes 1,000 and 1 MB; the long names of SageMaker's dimensions make 500 the safe half."""


LONGEST_METRIC_NAME = 255
LONGEST_DIMENSION = 1024
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
        given, taken, remaining = 0, 0, iter(metrics)
        while batch := list(islice(remaining, MOST_METRICS_IN_A_CALL)):
            given += len(batch)
            named = [metric for metric in batch if _has_names_that_cloudwatch_takes(metric)]
            taken += len(named) if named and self._put(namespace, named) else 0
        if taken < given:
            logger.warning("CloudWatch does not take %d of %d metrics for %s", given - taken, given, namespace)

    def _put(self, namespace: str, metrics: list[dict[str, Any]]) -> bool:
        with aws_errors(f"publishing metrics to {namespace}"):
            try:
                self.cloudwatch.put_metric_data(Namespace=namespace, MetricData=metrics)  # type: ignore[arg-type]
            except ParamValidationError:
                return False
            except ClientError as error:
                if code_of(error) not in NOT_TAKEN:
                    raise
                return False
        return True


def _has_names_that_cloudwatch_takes(metric: dict[str, Any]) -> bool:
    dimensions = [text for dimension in metric.get("Dimensions", ()) for text in dimension.values()]
    lengths = [(metric["MetricName"], LONGEST_METRIC_NAME), *((text, LONGEST_DIMENSION) for text in dimensions)]
    return all(text.isascii() and text.isprintable() and 0 < len(text) <= most for text, most in lengths)
