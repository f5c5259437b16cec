"""``MetricSink`` in CloudWatch."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.metrics import MetricUnit, single_metric
from botocore.exceptions import ClientError, ParamValidationError

from modelwatch_core.adapters.aws import translation
from modelwatch_core.adapters.aws.translation import aws_errors, code_of
from modelwatch_core.domain.metric_datum import what_is_not_taken
from modelwatch_core.ports import Clock

if TYPE_CHECKING:
    from types_boto3_cloudwatch.client import CloudWatchClient

MOST_METRICS_IN_A_CALL = 500
"""How many metrics one call sends; PutMetricData takes 1,000."""
MOST_BYTES_IN_A_CALL = 10**6
"""The most bytes of metrics that one call sends; PutMetricData takes 1 MB."""
_LONGER_IN_A_CALL = 4
"""How many times as long as its JSON a metric may be in a call: a character takes three if it is escaped, and the name
of each field is repeated with its place."""

NEVER_TAKEN = {
    "InvalidParameterValue",
    "InvalidParameterValueException",
    "InvalidParameterCombination",
    "InvalidParameterCombinationException",
    "ValidationError",
    *translation.REFUSED,
}
"""Codes with which no retry helps: a reserved namespace, a number out of its range, a permission that is missing."""

REFUSED = "MetricsRefused"
"""The app's own metric of what CloudWatch refused; an alarm of the template watches it."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CloudWatchMetrics:
    """``MetricSink`` in CloudWatch."""

    cloudwatch: CloudWatchClient
    clock: Clock

    def publish(self, namespace: str, metrics: Iterable[dict[str, Any]]) -> None:
        """Publish metrics. What is left out or refused holds up nothing; what is refused is counted for the alarm.

        Metrics that CloudWatch does not take, of a window of more than two weeks ago for instance, are left out: that
        is as it should be, and the outcome of the execution says so. That CloudWatch refuses the others is not.
        """
        left_out, refused, sent = Counter[str](), Counter[str](), 0
        for batch in _batches(_fitting(metrics, self.clock.now(), left_out)):
            sent += len(batch)
            if code := self._refusal(namespace, batch):
                refused[code] += len(batch)
        given = sent + left_out.total()
        if left_out:
            message = "CloudWatch does not take %d of %d metrics for %s: %s"
            logger.warning(message, left_out.total(), given, namespace, "; ".join(left_out))
        if refused:
            _report(refused, given, namespace)

    def _refusal(self, namespace: str, metrics: list[dict[str, Any]]) -> str | None:
        """Put metrics, and return the code with which they were refused; the message may have values in it."""
        with aws_errors(f"publishing metrics to {namespace}"):
            try:
                self.cloudwatch.put_metric_data(Namespace=namespace, MetricData=metrics)  # type: ignore[arg-type]  # validated as MetricDatum
            except ParamValidationError:
                return "ParamValidationError"
            except ClientError as error:
                if code_of(error) not in NEVER_TAKEN:
                    raise
                return code_of(error)
        return None


def _report(refused: Mapping[str, int], given: int, namespace: str) -> None:
    count, codes = sum(refused.values()), ", ".join(refused)
    logger.error("CloudWatch refused %d of %d metrics for %s: %s", count, given, namespace, codes)
    with single_metric(name=REFUSED, unit=MetricUnit.Count, value=count, default_dimensions={"service": "modelwatch"}):
        pass  # a line of the log, which CloudWatch makes a metric of


def _fitting(metrics: Iterable[dict[str, Any]], now: datetime, left_out: Counter[str]) -> Iterator[dict[str, Any]]:
    """Yield the metrics that CloudWatch takes, and count the others by the reason."""
    for metric in metrics:
        if what := what_is_not_taken(metric, now):
            left_out[what] += 1
        else:
            yield metric


def _batches(metrics: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Yield metrics as many at a time as a call takes."""
    batch: list[dict[str, Any]] = []
    size = 0
    for metric in metrics:
        more = _LONGER_IN_A_CALL * len(json.dumps(metric))
        if batch and (len(batch) == MOST_METRICS_IN_A_CALL or size + more > MOST_BYTES_IN_A_CALL):
            yield batch
            batch, size = [], 0
        batch.append(metric)
        size += more
    if batch:
        yield batch
