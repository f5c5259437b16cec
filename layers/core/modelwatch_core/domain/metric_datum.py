"""One line of ``cloudwatch_metrics.jsonl``, and what CloudWatch takes of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, FiniteFloat, model_validator

from modelwatch_core.domain.documents import NonEmpty, Owned, UtcDatetime

_SIZES = [f"{prefix}{unit}" for unit in ("bytes", "bits") for prefix in ("", "Kilo", "Mega", "Giga", "Tera")]
_AMOUNTS = [*map(str.capitalize, _SIZES), "Count"]
_UNITS = {*_AMOUNTS, *(f"{each}/Second" for each in _AMOUNTS), "Seconds", "Milliseconds", "Microseconds"}
_UNITS |= {"Percent", "None"}


def _of_cloudwatch(unit: str) -> str:
    if unit not in _UNITS:
        raise ValueError("it is not one of CloudWatch's units")
    return unit


LARGEST_NUMBER = 2.0**360
"""Source: CloudWatch API reference, ``PutMetricData``."""
SMALLEST_NUMBER = 8.515920e-109
"""The smallest magnitude but 0. Source: that reference until 2018; the present one does not say what is too small."""
LONGEST_NAME, LONGEST_DIMENSION_VALUE = 255, 1024
OLDEST, FARTHEST_AHEAD = timedelta(weeks=2), timedelta(hours=2)


def _number(value: float) -> float:
    return value if abs(value) >= SMALLEST_NUMBER else 0.0


Number = Annotated[FiniteFloat, AfterValidator(_number)]
"""What is too small for CloudWatch is 0 in every chart."""


class Dimension(Owned):
    """A name and a value that distinguish metrics of the same name."""

    name: NonEmpty = Field(alias="Name")
    value: NonEmpty = Field(alias="Value")


class StatisticSet(Owned):
    """A number of values in brief."""

    sample_count: Number = Field(alias="SampleCount")
    sum: Number = Field(alias="Sum")
    minimum: Number = Field(alias="Minimum")
    maximum: Number = Field(alias="Maximum")


class MetricDatum(Owned):
    """A metric in the shape that CloudWatch takes; anything else would make it refuse all that is sent along.

    Notes
    -----
    Amazon CloudWatch API reference: ``MetricDatum``, ``Dimension``, ``StatisticSet``.
    """

    metric_name: NonEmpty = Field(alias="MetricName")
    dimensions: tuple[Dimension, ...] = Field((), alias="Dimensions", max_length=30)
    timestamp: UtcDatetime | None = Field(None, alias="Timestamp")
    value: Number | None = Field(None, alias="Value", strict=True)
    statistic_values: StatisticSet | None = Field(None, alias="StatisticValues")
    unit: Annotated[str, AfterValidator(_of_cloudwatch)] | None = Field(None, alias="Unit")
    storage_resolution: Literal[1, 60] | None = Field(None, alias="StorageResolution")

    @model_validator(mode="after")
    def _has_one_value(self) -> Self:
        if (self.value is None) == (self.statistic_values is None):
            raise ValueError("give either Value or StatisticValues")
        return self


def what_is_not_taken(metric: Mapping[str, Any], now: datetime) -> str | None:
    """Return what of a metric CloudWatch takes of none, for which it would refuse all that is sent along; else None.

    Parameters
    ----------
    metric : mapping
        In the shape of a ``MetricDatum``.

    Notes
    -----
    Amazon CloudWatch API reference: ``PutMetricData``, ``MetricDatum``, ``Dimension``. That a dimension may be there
    only once is how CloudWatch responds (jdamick/dropwizard-metrics-cloudwatch, issue 3), and that statistics are of
    samples (blacklocus/metrics-cloudwatch, issue 4).
    """
    datum = MetricDatum.model_validate(metric)
    names = [each.name for each in datum.dimensions]
    lengths = [(text, LONGEST_NAME) for text in (datum.metric_name, *names)]
    lengths += [(each.value, LONGEST_DIMENSION_VALUE) for each in datum.dimensions]
    if not all(text.isascii() and text.isprintable() and text.strip() and len(text) <= most for text, most in lengths):
        return "names and dimensions that are too long, blank or not of printable ASCII characters"
    if any(name.startswith(":") for name in names) or len(names) != len(set(names)):
        return "dimensions that begin with a colon or are given twice"
    if datum.statistic_values and datum.statistic_values.sample_count <= 0:
        return "statistics of no samples"
    values = datum.statistic_values.model_dump().values() if datum.statistic_values else [datum.value or 0.0]
    if any(abs(value) > LARGEST_NUMBER for value in values):
        return "numbers beyond 2^360"
    if datum.timestamp and not now - OLDEST <= datum.timestamp <= now + FARTHEST_AHEAD:
        return "times more than two weeks ago or two hours ahead"
    return None
