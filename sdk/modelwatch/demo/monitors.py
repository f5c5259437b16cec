"""What is watched, and by what: the endpoints, the baselines and the monitoring schedules of the demo.

A new monitor is one more entry in ``MONITORS``; what it must say of an hour stands in ``hours.HOURS``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from modelwatch.demo.applications import FEATURES, SCORE
from modelwatch.demo.payloads import CSV, JSON, PayloadFormat
from modelwatch_core.domain.monitor_kinds import MonitoringType

MODEL = "mortgage-approval"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A way to reach the model.

    Attributes
    ----------
    name : str
        Its name in SageMaker.
    payloads : PayloadFormat
        How its clients write.
    requests_per_hour : int
        Its traffic.
    """

    name: str
    payloads: PayloadFormat
    requests_per_hour: int


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a monitor compares with.

    Attributes
    ----------
    name : str
        Of the baselining job.
    monitoring_type : MonitoringType
        Its kind.
    columns : tuple of str
        What of the scored training data it describes, in this order.
    """

    name: str
    monitoring_type: MonitoringType
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Monitor:
    """A monitoring schedule.

    Attributes
    ----------
    name : str
        Of the schedule.
    endpoint : Endpoint
        What it watches.
    baseline : Baseline
        What it compares with; it is of the same kind.
    hours_apart : int
        How often it looks: each time at everything since the last.
    attributes : mapping of str to str
        Where features and predictions lie in the payloads, in SageMaker's words.
    """

    name: str
    endpoint: Endpoint
    baseline: Baseline
    hours_apart: int = 1
    attributes: Mapping[str, str] = field(default_factory=dict)

    def is_due(self, number: int) -> bool:
        """Whether it looks at the end of an hour; the first one is hour 1."""
        return number % self.hours_apart == 0

    def schedule_expression(self, first_hour: datetime) -> str:
        """Write when it looks, if hour 1 starts at ``first_hour``."""
        return f"cron(0 {first_hour.hour % self.hours_apart}/{self.hours_apart} ? * * *)"


BRANCHES = Endpoint("mortgage-approval", CSV, requests_per_hour=500)
BROKERS = Endpoint("mortgage-brokers", JSON, requests_per_hour=100)
ENDPOINTS = (BRANCHES, BROKERS)

# SageMaker puts output before features, so a baseline must name it first.
DATA_QUALITY = Baseline("data-quality-baseline", MonitoringType.DATA_QUALITY, (SCORE, *FEATURES))
BASELINES = (DATA_QUALITY,)

BRANCHES_DATA_QUALITY = Monitor("mortgage-approval-data-quality", BRANCHES, DATA_QUALITY)
BROKERS_DATA_QUALITY = Monitor(
    "mortgage-brokers-data-quality",
    BROKERS,
    DATA_QUALITY,
    hours_apart=3,
    attributes={
        "features_attribute": "instances[*].features",
        "inference_attribute": f"predictions[*].{{{SCORE}: score}}",  # named as in the baseline
    },
)
MONITORS = (BRANCHES_DATA_QUALITY, BROKERS_DATA_QUALITY)
