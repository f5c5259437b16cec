"""One line of ``cloudwatch_metrics.jsonl``."""

from __future__ import annotations

from typing import Annotated, Literal, Self

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


class Dimension(Owned):
    """A name and a value that distinguish metrics of the same name."""

    name: NonEmpty = Field(alias="Name")
    value: NonEmpty = Field(alias="Value")


class StatisticSet(Owned):
    """A number of values in brief."""

    sample_count: FiniteFloat = Field(alias="SampleCount")
    sum: FiniteFloat = Field(alias="Sum")
    minimum: FiniteFloat = Field(alias="Minimum")
    maximum: FiniteFloat = Field(alias="Maximum")


class MetricDatum(Owned):
    """A metric in the shape that CloudWatch takes; anything else would make it refuse all that is sent along.

    Notes
    -----
    Amazon CloudWatch API reference: ``MetricDatum``, ``Dimension``, ``StatisticSet``.
    """

    metric_name: NonEmpty = Field(alias="MetricName")
    dimensions: tuple[Dimension, ...] = Field((), alias="Dimensions", max_length=30)
    timestamp: UtcDatetime | None = Field(None, alias="Timestamp")
    value: FiniteFloat | None = Field(None, alias="Value", strict=True)
    statistic_values: StatisticSet | None = Field(None, alias="StatisticValues")
    unit: Annotated[str, AfterValidator(_of_cloudwatch)] | None = Field(None, alias="Unit")
    storage_resolution: Literal[1, 60] | None = Field(None, alias="StorageResolution")

    @model_validator(mode="after")
    def _has_one_value(self) -> Self:
        if (self.value is None) == (self.statistic_values is None):
            raise ValueError("give either Value or StatisticValues")
        return self
