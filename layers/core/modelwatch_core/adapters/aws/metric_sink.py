"""``MetricSink`` in CloudWatch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from modelwatch_core.adapters.aws.translation import aws_errors

if TYPE_CHECKING:
    from types_boto3_cloudwatch.client import CloudWatchClient

MOST_METRICS_IN_A_CALL = 500
"""PutMetricData takes 1,000 and 1 MB; the long names of SageMaker's dimensions make 500 the safe half."""


@dataclass(frozen=True, slots=True)
class CloudWatchMetrics:
    """``MetricSink`` in CloudWatch."""

    cloudwatch: CloudWatchClient

    def publish(self, namespace: str, metrics: Iterable[dict[str, Any]]) -> None:
        """Publish metrics."""
        remaining = iter(metrics)
        while batch := list(islice(remaining, MOST_METRICS_IN_A_CALL)):
            with aws_errors(f"publishing metrics to {namespace}"):
                self.cloudwatch.put_metric_data(Namespace=namespace, MetricData=batch)  # type: ignore[arg-type]
