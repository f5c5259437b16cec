"""The kind of monitor that compares predictions with labels."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

from modelwatch_core.domain.analysis_settings import DriftSettings, GroundTruthSettings, IntervalSettings
from modelwatch_core.domain.dataset_formats import RESPONSE
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.monitor_kinds.kind import MonitorKind, ProblemType
from modelwatch_core.domain.monitor_kinds.shell import (
    DRIFT_OPTIONS,
    GROUND_TRUTH_OPTIONS,
    INTERVAL_OPTIONS,
    LOOKS_OPTION,
    STATISTICS_OPTION,
    Shell,
    ShellCommand,
    ShellOption,
    refuse_missing_ground_truth,
)


class ThresholdRule(StrEnum):
    """What a metric may be worse by than its baseline.

    ``SamplingError``: by what chance does to both, so that a model that is as good as in its baseline does not alarm.
    ``Exact``: by nothing, which is SageMaker's rule.
    """

    SAMPLING_ERROR = "SamplingError"
    EXACT = "Exact"


class ModelQualitySettings(GroundTruthSettings, IntervalSettings, DriftSettings):
    """What an analysis of model quality is given.

    Attributes
    ----------
    problem_type : ProblemType, optional
        What the model does; without it the analysis refuses.
    threshold_rule : ThresholdRule
        Where a baseline puts its thresholds. In a check with ``Exact``, values alone are compared with the thresholds,
        whatever their constraints say of intervals.
    """

    analysis_type: Literal["MODEL_QUALITY"] = "MODEL_QUALITY"
    problem_type: ProblemType | None = None
    threshold_rule: ThresholdRule = ThresholdRule.SAMPLING_ERROR


def _refuse(given: Mapping[str, object]) -> None:
    if "probability_threshold_attribute" in given and "probability_attribute" not in given:
        message = "--probability-threshold-attribute needs --probability-attribute: which probability is meant?"
        raise InvalidInput("ProbabilityNotGiven", message)
    refuse_missing_ground_truth(given)


MODEL_QUALITY = MonitorKind(
    monitoring_type="ModelQuality",
    title="Model quality",
    settings=ModelQualitySettings,
    analysis="modelwatch_analyzer.model_quality.analysis",
    metric_namespace="model-metrics",
    in_parts=True,
    constraint_sections=frozenset(
        {"binary_classification_constraints", "multiclass_classification_constraints", "regression_constraints"}
    ),
    checks=frozenset({"LessThanThreshold", "GreaterThanThreshold", "baseline_drift_check"}),
    captured_sides=(RESPONSE,),
    transform_side="output",
    schedule_parameters=frozenset({"ground_truth_input", "problem_type"}),
    baseline_parameters=frozenset({"ground_truth_attribute", "problem_type"}),
    shell=Shell(
        watches="Accuracy, AUC, RMSE, ... of predictions that have labels.",
        baseline=ShellCommand(
            help="Measure a model on labelled data: statistics.json, and constraints.json that later data should "
            "satisfy.",
            data="Predictions with labels: a file, or a folder of files; local or in S3.",
            example="--data validation.csv --dataset-format csv --output baseline "
            "--problem-type BinaryClassification --inference-attribute prediction "
            "--probability-attribute probability --ground-truth-attribute label",
        ),
        check=ShellCommand(
            help="Check a model's quality against its baseline, with labels in the data or in files of their own.",
            data="Predictions: a file, or a folder of files; local or in S3.",
            example="--data captures --dataset-format capture --ground-truth labels --output report "
            "--problem-type BinaryClassification --probability-attribute 0 "
            "--probability-threshold-attribute 0.8 --statistics baseline/statistics.json "
            "--constraints baseline/constraints.json",
        ),
        options=(
            *GROUND_TRUTH_OPTIONS,
            STATISTICS_OPTION,
            ShellOption(field="problem_type", help="What the model predicts.", required=True),
            ShellOption(
                field="probability_threshold_attribute",
                metavar="X",
                help="A probability above it predicts the positive class, unless --inference-attribute says what was "
                "predicted; 0.5 by default.",
            ),
            ShellOption(
                field="threshold_rule",
                help="SamplingError: thresholds allow for chance in the baseline and in the data that is checked. "
                "Exact: SageMaker's rule, any value worse than the baseline's is a violation.",
            ),
            *DRIFT_OPTIONS,
            LOOKS_OPTION,
            *INTERVAL_OPTIONS,
        ),
        refuse=_refuse,
    ),
)
