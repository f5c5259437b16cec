"""What is watched, and by what: the endpoints, the baselines and the monitoring schedules of the demo.

A new monitor is one more entry in ``MONITORS``; what it must say of an hour stands in ``hours.HOURS``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from modelwatch.demo.applications import DECISION, FEATURES, SCORE
from modelwatch.demo.payloads import CSV, JSON, PayloadFormat
from modelwatch_core.domain.monitor_kinds import MonitoringType, ProblemType

MODEL = "mortgage-approval"
DECIDED_AFTER = 2
"""So many hours after its own, people have decided on an hour's applications."""
APPROVED_ABOVE = 0.5


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


class Applications(Enum):
    """The parts of the data; the value says what people call it."""

    TRAINING = "applications that the model was trained on"
    HELD_OUT = "applications that the model has not seen"


@dataclass(frozen=True, slots=True)
class Edit:
    """What a user changes in the constraints that were suggested.

    Attributes
    ----------
    told : str
        What, for the timeline.
    apply : callable
        From the file's document to the changed one.
    """

    told: str
    apply: Callable[[dict[str, Any]], dict[str, Any]]


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
        What of the scored applications it describes, in this order.
    described : Applications
        Which ones.
    parameters : mapping of str to object
        What its kind must know, of the baseline as of the schedule.
    attributes : mapping of str to str
        Which columns are what, in SageMaker's words.
    edit : Edit, optional
        What is changed in its constraints before a monitor uses them.
    """

    name: str
    monitoring_type: MonitoringType
    columns: tuple[str, ...]
    described: Applications = Applications.TRAINING
    parameters: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    edit: Edit | None = None


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
        How often it looks: each time at everything since the last, if ``window_hours`` says nothing else.
    phase : int
        It looks at the end of hours whose numbers leave this remainder.
    hours_back : int
        So many hours lie between what it looks at and the moment at which it does, because labels come late.
    window_hours : int, optional
        How many hours it looks at.
    attributes : mapping of str to str
        Where features and predictions lie in the payloads, in SageMaker's words.
    remark : str
        What the timeline tells beside.
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
        """Whether it looks at the end of an hour; the first one is hour 1."""
        return number > self.hours_back and number % self.hours_apart == self.phase

    def hours_seen(self, number: int) -> range:
        """Return the numbers of the hours that it looks at, at the end of one at which it is due."""
        last = number - self.hours_back
        return range(max(1, last - (self.window_hours or self.hours_apart) + 1), last + 1)

    @property
    def starts_with(self) -> int:
        """The hour from which on it runs: the first one at whose end there may be anything to look at."""
        return self.hours_back + 1

    def schedule_expression(self, first_hour: datetime) -> str:
        """Write when it looks, if hour 1 starts at ``first_hour``."""
        return f"cron(0 {(first_hour.hour + self.phase) % self.hours_apart}/{self.hours_apart} ? * * *)"

    @property
    def offsets(self) -> Mapping[str, str]:
        """The window in SageMaker's words, where it is not everything since the last look."""
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
DATA_QUALITY = Baseline("data-quality-baseline", MonitoringType.DATA_QUALITY, (SCORE, *FEATURES))
MODEL_QUALITY = Baseline(
    "model-quality-baseline",
    MonitoringType.MODEL_QUALITY,
    (SCORE, DECISION),
    described=Applications.HELD_OUT,
    parameters={"problem_type": ProblemType.BINARY_CLASSIFICATION},
    attributes={
        "probability_attribute": SCORE,
        "probability_threshold_attribute": APPROVED_ABOVE,
        "ground_truth_attribute": DECISION,
    },
    edit=Edit(
        "accuracy and precision stay, and are to be worse by more than chance: by their whole confidence interval",
        _worse_beyond_chance,
    ),
)
BIAS = Baseline(
    "bias-baseline",
    MonitoringType.MODEL_BIAS,
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
        "the share of approvals (DPPL) may differ between groups by 0.1; an interval that reaches less is no alarm",
        _at_most_ten_points,
    ),
)
EXPLAINABILITY = Baseline(
    "explainability-baseline",
    MonitoringType.MODEL_EXPLAINABILITY,
    tuple(FEATURES),
    described=Applications.HELD_OUT,
    parameters={
        "analysis_config": {
            "headers": [*FEATURES],
            "methods": {
                "shap": {
                    "explainer": "permutation",  # gives columns that the model never sees, race and sex, nothing at all
                    "num_clusters": 1,
                    "num_samples": 128,
                    "agg_method": "mean_abs",
                    "seed": 1989,
                    "save_local_shap_values": False,
                }
            },
            # Of the model a temporary endpoint is made: the live one would capture what it is asked for explanations.
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
BASELINES = (DATA_QUALITY, MODEL_QUALITY, BIAS, EXPLAINABILITY)

_SCORE_IS_THE_ANSWER = {"probability_attribute": "0", "probability_threshold_attribute": APPROVED_ABOVE}

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
BRANCHES_MODEL_QUALITY = Monitor(
    "mortgage-approval-model-quality",
    BRANCHES,
    MODEL_QUALITY,
    hours_back=DECIDED_AFTER,
    attributes=_SCORE_IS_THE_ANSWER,
)
BRANCHES_BIAS = Monitor(
    "mortgage-approval-bias",
    BRANCHES,
    BIAS,
    hours_back=DECIDED_AFTER + 1,  # an hour of grace for labels that are late
    attributes=_SCORE_IS_THE_ANSWER,
)
BRANCHES_EXPLAINABILITY = Monitor(
    "mortgage-approval-explainability",
    BRANCHES,
    EXPLAINABILITY,
    hours_apart=6,
    phase=4,
    window_hours=1,  # explaining is dear: a sample of the hours will do
    remark=", at the last one of them, by a temporary endpoint of the same model",
)
MONITORS = (
    BRANCHES_DATA_QUALITY,
    BROKERS_DATA_QUALITY,
    BRANCHES_MODEL_QUALITY,
    BRANCHES_BIAS,
    BRANCHES_EXPLAINABILITY,
)
