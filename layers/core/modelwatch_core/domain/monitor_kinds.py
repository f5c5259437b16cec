"""The kinds of monitor. A new one is a member of ``MonitoringType`` and an entry of ``KINDS``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class MonitoringType(StrEnum):
    """SageMaker's kinds of monitor."""

    DATA_QUALITY = "DataQuality"
    MODEL_QUALITY = "ModelQuality"
    MODEL_BIAS = "ModelBias"
    MODEL_EXPLAINABILITY = "ModelExplainability"

    @property
    def kind(self) -> MonitorKind:
        """What is particular about it."""
        return KINDS[self]


class ProblemType(StrEnum):
    """SageMaker's names of what a model does."""

    BINARY_CLASSIFICATION = "BinaryClassification"
    MULTICLASS_CLASSIFICATION = "MulticlassClassification"
    REGRESSION = "Regression"


@dataclass(frozen=True, slots=True)
class MonitorKind:
    """What is particular about a kind of monitor.

    Attributes
    ----------
    analysis_type : str
        The word for it in the container's environment.
    metric_namespace : str
        The last part of SageMaker's CloudWatch namespaces for it.
    captured_sides : tuple of str
        Which sides of captured records it reads.
    transform_side : str
        Which side of batch transform jobs: what they were given, or what they wrote.
    schedule_parameters, baseline_parameters : frozenset of str
        What must be given beside what every kind needs.
    report : str, optional
        The report of earlier executions that it compares with.
    """

    analysis_type: str
    metric_namespace: str
    captured_sides: tuple[str, ...]
    transform_side: str
    schedule_parameters: frozenset[str] = frozenset()
    baseline_parameters: frozenset[str] = frozenset()
    report: str | None = None


_REQUEST, _ANSWER = "endpointInput", "endpointOutput"

KINDS: Mapping[MonitoringType, MonitorKind] = {
    MonitoringType.DATA_QUALITY: MonitorKind("DATA_QUALITY", "data-metrics", (_REQUEST, _ANSWER), "input"),
    MonitoringType.MODEL_QUALITY: MonitorKind(
        "MODEL_QUALITY",
        "model-metrics",
        (_ANSWER,),
        "output",
        schedule_parameters=frozenset({"ground_truth_input", "problem_type"}),
        baseline_parameters=frozenset({"ground_truth_attribute", "problem_type"}),
    ),
    MonitoringType.MODEL_BIAS: MonitorKind(
        "MODEL_BIAS",
        "bias-metrics",
        (_REQUEST, _ANSWER),
        "output",
        schedule_parameters=frozenset({"ground_truth_input", "analysis_config"}),
        baseline_parameters=frozenset({"analysis_config"}),
    ),
    MonitoringType.MODEL_EXPLAINABILITY: MonitorKind(
        "MODEL_EXPLAINABILITY",
        "explainability-metrics",
        (_REQUEST,),
        "input",
        schedule_parameters=frozenset({"analysis_config"}),
        baseline_parameters=frozenset({"analysis_config"}),
        report="analysis.json",
    ),
}

_OF_SOME_KINDS = {"ground_truth_input", "problem_type", "analysis_config"}


def refuse_unfit(monitoring_type: MonitoringType, needed: frozenset[str], given: Mapping[str, object]) -> None:
    """Refuse a request that lacks a parameter that its kind needs, or has one that its kind knows nothing of.

    Raises
    ------
    ValueError
        Naming the parameters; pydantic reports it.
    """
    present = {name for name, value in given.items() if value is not None}
    if missing := sorted(needed - present):
        raise ValueError(f"{monitoring_type} needs {' and '.join(missing)}")
    kind = monitoring_type.kind
    if strange := sorted(present & _OF_SOME_KINDS - kind.schedule_parameters - kind.baseline_parameters):
        raise ValueError(f"{' and '.join(strange)}: not for {monitoring_type}")
