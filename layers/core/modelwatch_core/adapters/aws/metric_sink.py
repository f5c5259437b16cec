"""``MetricSink`` in CloudWatch."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.metrics import MetricUnit, single_metric
from botocore.exceptions import ClientError, ParamValidationError
from pydantic import TypeAdapter

from modelwatch_core.adapters.aws import translation
from modelwatch_core.adapters.aws.translation import aws_errors, code_of
from modelwatch_core.domain.documents import UtcDatetime

if TYPE_CHECKING:
    from types_boto3_cloudwatch.client import CloudWatchClient

MOST_METRICS_IN_A_CALL = 500
"""How many metrics one call sends. PutMetricData takes 1,000 and 1 MB; SageMaker's long dimension names make half of
that safe."""


LONGEST_METRIC_NAME = 255
LONGEST_DIMENSION = 1024
OLDEST = timedelta(weeks=2)
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

_MOMENT: TypeAdapter[datetime | None] = TypeAdapter(UtcDatetime | None)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CloudWatchMetrics:
    """``MetricSink`` in CloudWatch."""

    cloudwatch: CloudWatchClient

    def publish(self, namespace: str, metrics: Iterable[dict[str, Any]]) -> None:
        """Publish metrics. What is left out or refused holds up nothing; what is refused is counted for the alarm.

        Metrics of a window of more than two weeks ago, and those of features with names that CloudWatch does not take,
        are left out: that is as it should be. That CloudWatch refuses the others is not.
        """
        given, left_out, refused, remaining = 0, 0, Counter[str](), iter(metrics)
        while batch := list(islice(remaining, MOST_METRICS_IN_A_CALL)):
            fitting = [metric for metric in batch if _has_names_that_cloudwatch_takes(metric) and not _is_old(metric)]
            given += len(batch)
            left_out += len(batch) - len(fitting)
            if fitting and (code := self._refusal(namespace, fitting)):
                refused[code] += len(fitting)
        if left_out:
            logger.warning("CloudWatch does not take %d of %d metrics for %s", left_out, given, namespace)
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


def _has_names_that_cloudwatch_takes(metric: dict[str, Any]) -> bool:
    dimensions = [text for dimension in metric.get("Dimensions", ()) for text in dimension.values()]
    lengths = [(metric["MetricName"], LONGEST_METRIC_NAME), *((text, LONGEST_DIMENSION) for text in dimensions)]
    return all(text.isascii() and text.isprintable() and 0 < len(text) <= most for text, most in lengths)


def _is_old(metric: dict[str, Any]) -> bool:
    moment = _MOMENT.validate_python(metric.get("Timestamp"))
    return moment is not None and datetime.now(UTC) - moment > OLDEST
