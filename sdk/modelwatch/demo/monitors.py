"""What is watched, and by what: the endpoints, the baselines and the monitoring schedules of the demo.

A new monitor is one more entry in ``MONITORS``; what it must find in an hour is in ``hours.HOURS``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from modelwatch.demo.applications import DECISION, FEATURES, SCORE
from modelwatch.demo.payloads import CSV, JSON, PayloadFormat
from modelwatch_core.domain.monitor_kinds import (
    BIAS,
    DATA_QUALITY,
    EXPLAINABILITY,
    MODEL_QUALITY,
    MonitorKind,
    ProblemType,
)

MODEL = "mortgage-approval"
DECIDED_AFTER = 2
"""The number of hours after which the bank has decided on an hour's applications."""
APPROVED_ABOVE = 0.5


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A way to reach the model.

    Attributes
    ----------
    name : str
        Its name in SageMaker.
    payloads : PayloadFormat
        How its clients write requests.
    requests_per_hour : int
        Its traffic.
    """

    name: str
    payloads: PayloadFormat
    requests_per_hour: int


class Applications(Enum):
    """The parts of the data, with descriptions."""

    TRAINING = "applications that the model was trained on"
    HELD_OUT = "applications that the model has not seen"


@dataclass(frozen=True, slots=True)
class Edit:
    """What a user changes in the constraints that were suggested.

    Attributes
    ----------
    description : str
        What, for the timeline.
    apply : callable
        Takes the document in the file, and returns the changed one.
    """

    description: str
    apply: Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a monitor compares with.

    Attributes
    ----------
    name : str
        The name of the baselining job.
    kind : MonitorKind
        The kind of monitor that it is for.
    columns : tuple of str
        The columns of the scored applications that it describes, in this order.
    described : Applications
        The applications that it describes.
    parameters : mapping of str to object
        What its kind needs, for the baseline and for the schedule.
    settings : mapping of str to str
        Settings that only the baselining job has.
    attributes : mapping of str to str
        Which columns have which roles, as SageMaker names them.
    edit : Edit, optional
        What is changed in its constraints before a monitor uses them.
    """

    name: str
    kind: MonitorKind
    columns: tuple[str, ...]
    described: Applications = Applications.TRAINING
    parameters: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    edit: Edit | None = None


@dataclass(frozen=True, slots=True)
class Monitor:
    """A monitoring schedule.

    Attributes
    ----------
    name : str
        The name of the schedule.
    endpoint : Endpoint
        What it watches.
    baseline : Baseline
        What it compares with; it is of the same kind.
    hours_apart : int
        How often it runs: each time on everything since the last run, unless ``window_hours`` is given.
    phase : int
        It runs at the end of hours whose numbers leave this remainder.
    hours_back : int
        The number of hours between the end of its window and its run, because labels come late.
    window_hours : int, optional
        The length of its window.
    attributes : mapping of str to str
        Where features and predictions are in the payloads, as SageMaker names it.
    remark : str
        What the timeline adds.
    """

    name: str
    endpoint: Endpoint
    baseline: Baseline
    hours_apart: int = 1
    phase: int = 0
    hours_back: int = 0
    window_hours: int | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    remark: str = ""

    def is_due(self, number: int) -> bool:
        """Return whether it runs at the end of an hour; the first one is hour 1."""
        return number > self.hours_back and number % self.hours_apart == self.phase

    def hours_in_window(self, number: int) -> range:
        """Return the numbers of the hours in its window, when it runs at the end of one at which it is due."""
        last = number - self.hours_back
        return range(max(1, last - (self.window_hours or self.hours_apart) + 1), last + 1)

    @property
    def starts_with(self) -> int:
        """The hour from which on it runs: the first one at whose end its window can have data."""
        return self.hours_back + 1

    def schedule_expression(self, first_hour: datetime) -> str:
        """Return when it runs, if hour 1 starts at ``first_hour``."""
        return f"cron(0 {(first_hour.hour + self.phase) % self.hours_apart}/{self.hours_apart} ? * * *)"

    @property
    def offsets(self) -> Mapping[str, str]:
        """The window as SageMaker writes it, where it is not everything since the last run."""
        if not self.hours_back and self.window_hours is None:
            return {}
        start = self.hours_back + (self.window_hours or self.hours_apart)
        return {"start_time_offset": f"-PT{start}H", "end_time_offset": f"-PT{self.hours_back}H"}


def _worse_beyond_chance(document: dict[str, Any]) -> dict[str, Any]:
    suggested = document["binary_classification_constraints"]
    kept = {name: suggested[name] | {"beyond_confidence_interval": True} for name in ("accuracy", "precision")}
    return document | {"binary_classification_constraints": kept}


def _at_most_ten_points(document: dict[str, Any]) -> dict[str, Any]:
    for groups in document["post_training_bias_metrics"]["facets"].values():
        for group in groups:
            for metric in group["metrics"]:
                metric["range"] = [-0.1, 0.1]
    return document


def _no_feature_decides_alone(document: dict[str, Any]) -> dict[str, Any]:
    return document | {"monitoring_config": document["monitoring_config"] | {"max_attribution_change": 0.1}}


BRANCHES = Endpoint("mortgage-approval", CSV, requests_per_hour=500)
BROKERS = Endpoint("mortgage-brokers", JSON, requests_per_hour=100)
ENDPOINTS = (BRANCHES, BROKERS)

# SageMaker puts output before features, so a baseline must name it first.
DATA_QUALITY_BASELINE = Baseline("data-quality-baseline", DATA_QUALITY, (SCORE, *FEATURES))
MODEL_QUALITY_BASELINE = Baseline(
    "model-quality-baseline",
    MODEL_QUALITY,
    (SCORE, DECISION),
    described=Applications.HELD_OUT,
    parameters={"problem_type": ProblemType.BINARY_CLASSIFICATION},
    settings={"threshold_rule": "Exact"},
    attributes={
        "probability_attribute": SCORE,
        "probability_threshold_attribute": APPROVED_ABOVE,
        "ground_truth_attribute": DECISION,
    },
    edit=Edit(
        "of the metrics only accuracy and precision are checked; only what chance does not explain alarms",
        _worse_beyond_chance,
    ),
)
BIAS_BASELINE = Baseline(
    "bias-baseline",
    BIAS,
    (SCORE, *FEATURES, DECISION),
    described=Applications.HELD_OUT,
    parameters={
        "analysis_config": {
            "headers": [*FEATURES, DECISION],
            "label": DECISION,
            "label_values_or_threshold": [1],
            "facet": [
                {"name_or_index": "race", "value_or_threshold": ["black", "hispanic"]},
                {"name_or_index": "sex", "value_or_threshold": ["female"]},
            ],
            "methods": {"post_training_bias": {"methods": ["DPPL"]}},
        }
    },
    attributes={"probability_attribute": SCORE, "probability_threshold_attribute": APPROVED_ABOVE},
    edit=Edit(
        "the share of approvals (DPPL) may differ between groups by 0.1; only what chance does not explain alarms",
        _at_most_ten_points,
    ),
)
EXPLAINABILITY_BASELINE = Baseline(
    "explainability-baseline",
    EXPLAINABILITY,
    tuple(FEATURES),
    described=Applications.HELD_OUT,
    parameters={
        "analysis_config": {
            "headers": [*FEATURES],
            "methods": {
                "shap": {
                    "explainer": "permutation",  # attributes exactly 0 to race and sex, which the model ignores
                    "num_clusters": 1,
                    "num_samples": 128,
                    "agg_method": "mean_abs",
                    "seed": 1989,
                    "save_local_shap_values": False,
                }
            },
            # A temporary endpoint of the model: the live one would capture the requests of the explanation.
            "predictor": {
                "model_name": MODEL,
                "instance_type": "ml.m5.large",
                "initial_instance_count": 1,
                "content_type": "text/csv",
                "accept_type": "text/csv",
                "label_headers": [SCORE],
            },
        }
    },
    edit=Edit("no feature's share of all attribution may change by more than 0.1", _no_feature_decides_alone),
)
BASELINES = (DATA_QUALITY_BASELINE, MODEL_QUALITY_BASELINE, BIAS_BASELINE, EXPLAINABILITY_BASELINE)

_SCORE_IS_THE_RESPONSE = {"probability_attribute": "0", "probability_threshold_attribute": APPROVED_ABOVE}

BRANCHES_DATA_QUALITY = Monitor("mortgage-approval-data-quality", BRANCHES, DATA_QUALITY_BASELINE)
BROKERS_DATA_QUALITY = Monitor(
    "mortgage-brokers-data-quality",
    BROKERS,
    DATA_QUALITY_BASELINE,
    hours_apart=3,
    attributes={
        "features_attribute": "instances[*].features",
        "inference_attribute": f"predictions[*].{{{SCORE}: score}}",  # named as in the baseline
    },
)
BRANCHES_MODEL_QUALITY = Monitor(
    "mortgage-approval-model-quality",
    BRANCHES,
    MODEL_QUALITY_BASELINE,
    hours_back=DECIDED_AFTER,
    attributes=_SCORE_IS_THE_RESPONSE,
)
BRANCHES_BIAS = Monitor(
    "mortgage-approval-bias",
    BRANCHES,
    BIAS_BASELINE,
    hours_back=DECIDED_AFTER + 1,  # one hour more, for late labels
    attributes=_SCORE_IS_THE_RESPONSE,
)
BRANCHES_EXPLAINABILITY = Monitor(
    "mortgage-approval-explainability",
    BRANCHES,
    EXPLAINABILITY_BASELINE,
    hours_apart=6,
    phase=4,
    window_hours=1,  # explaining is expensive: a sample of the hours is enough
    remark=", at the last of them, through a temporary endpoint of the same model",
)
MONITORS = (
    BRANCHES_DATA_QUALITY,
    BROKERS_DATA_QUALITY,
    BRANCHES_MODEL_QUALITY,
    BRANCHES_BIAS,
    BRANCHES_EXPLAINABILITY,
)
