"""The kind of monitor that compares how a model treats groups."""

from __future__ import annotations

from typing import Literal

from modelwatch_core.domain.analysis_settings import ConfiguredSettings, GroundTruthSettings, IntervalSettings
from modelwatch_core.domain.monitor_kinds.kind import MonitorKind
from modelwatch_core.domain.monitor_kinds.shell import (
    GROUND_TRUTH_OPTIONS,
    INTERVAL_OPTIONS,
    LOOKS_OPTION,
    Shell,
    ShellCommand,
    ShellOption,
)


class BiasSettings(GroundTruthSettings, IntervalSettings, ConfiguredSettings):
    """What an analysis of bias is given."""

    analysis_type: Literal["MODEL_BIAS"] = "MODEL_BIAS"


BIAS = MonitorKind(
    monitoring_type="ModelBias",
    title="Bias",
    settings=BiasSettings,
    analysis="modelwatch_analyzer.bias.analysis",
    metric_namespace="bias-metrics",
    in_parts=True,
    constraint_sections=frozenset({"pre_training_bias_metrics", "post_training_bias_metrics"}),
    is_metric_of_a_part=lambda _, dimensions: "Facet" in dimensions,
    checks=frozenset({"bias_drift_check"}),
    transform_side="output",
    baseline_files={"constraints_s3_uri": "analysis.json"},
    schedule_parameters=frozenset({"analysis_config"}),
    baseline_parameters=frozenset({"analysis_config"}),
    optional_parameters=frozenset({"ground_truth_input"}),
    # Labels need not be given: the configuration may name them, merged captures need no name for them, and predictions
    # alone have metrics too.
    shell=Shell(
        watches="How a model treats groups, before and after training.",
        baseline=ShellCommand(
            help="Measure bias in training data: analysis.json, which later data should not be worse than.",
            details="Labels alone give the pre-training metrics; with --inference-attribute or "
            "--probability-attribute there are the post-training ones too. Predictions alone give those that need no "
            "labels.",
            data="Training data with labels, predictions or both: a file, or a folder of files; local or in S3.",
            example="--data train.csv --dataset-format csv --analysis-config analysis_config.json "
            "--inference-attribute prediction --output baseline",
        ),
        check=ShellCommand(
            help="Check a model's bias against its baseline, with labels in the data, in files of their own, or none.",
            data="Predictions: a file, or a folder of files; local or in S3.",
            example="--data captures --dataset-format capture --analysis-config analysis_config.json "
            "--ground-truth labels --constraints baseline/analysis.json --output report",
        ),
        constraints="analysis.json of the baseline, edited or not.",
        options=(
            *GROUND_TRUTH_OPTIONS,
            ShellOption(
                field="analysis_config",
                metavar="FILE|S3URI",
                help="SageMaker's analysis_config.json: label, label_values_or_threshold, facet, group_variable, "
                "headers.",
                required=True,
            ),
            ShellOption(
                field="probability_threshold_attribute",
                metavar="X",
                help="A probability above it predicts 1, or the positive label if there is one; 0.5 by default.",
            ),
            LOOKS_OPTION,
            *INTERVAL_OPTIONS,
        ),
    ),
)
