"""The outputs of a model by their labels: the explanation of each, matched with that of another analysis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from modelwatch_analyzer.explainability.attribution import AGGREGATIONS, consistency, interval, stability
from modelwatch_analyzer.explainability.documents import Analysis, LabelExplanation, earlier_analyses
from modelwatch_analyzer.explainability.drift import LabelDrift, compare
from modelwatch_analyzer.explainability.explanation import ExplanationTask
from modelwatch_analyzer.undefined import Undefined
from modelwatch_core.domain.errors import InvalidInput


def label_names(headers: Sequence[str], outputs: int) -> list[str]:
    """Return the labels of a model's outputs.

    Raises
    ------
    InvalidInput
        ``LabelHeadersDiffer`` where the configuration names more or fewer than there are.
    """
    if headers and len(headers) != outputs:
        message = f"label_headers names {len(headers)} outputs, and the model answers {outputs} numbers a row: fix "
        raise InvalidInput("LabelHeadersDiffer", f"{message}either, or name the numbers by label or probability")
    return list(headers) or [f"label{index}" for index in range(outputs)]


def explanation_of(
    task: ExplanationTask, values: NDArray[np.float64], expected: float, samples: NDArray[np.float64] | Undefined
) -> LabelExplanation:
    """Return the explanation of one output.

    Parameters
    ----------
    values : array, shape (rows, features)
        SHAP values of the output.
    expected : float
        Mean prediction for the background.
    samples : array, shape (replicates, features), or Undefined
        Bootstrap replicates of the global attributions.
    """
    attributions = AGGREGATIONS[task.config.shap.agg_method](values)
    level = task.settings.confidence_level
    spread = None
    if not isinstance(samples, Undefined):
        spread = {name: interval(samples[:, i], level) for i, name in enumerate(task.features)}
    consistent = consistency(values)
    return LabelExplanation(
        global_shap_values=dict(zip(task.features, attributions.tolist(), strict=True)),
        expected_value=expected,
        confidence_intervals=spread,
        explanation_consistency=None if isinstance(consistent, Undefined) else consistent,
    )


def drifts_of(
    task: ExplanationTask,
    found: Mapping[str, LabelExplanation],
    samples: Mapping[str, NDArray[np.float64] | Undefined],
    baseline: Analysis,
    values: NDArray[np.float64],
) -> dict[str, LabelDrift]:
    """Compare every output with the baseline.

    Parameters
    ----------
    found : mapping of str to LabelExplanation
        By label, in the order of the outputs.
    samples : mapping of str to array or Undefined
        As for `explanation_of`, by label.
    values : array, shape (rows, outputs, features)
        SHAP values.

    Raises
    ------
    InvalidInput
        ``ExplanationsNotComparable`` where the baseline explains another number of outputs.
    """
    then = matched(list(found), baseline)
    earlier = [
        matched(list(found), analysis) for analysis in earlier_analyses(task.settings.earlier_executions_results)
    ]
    drifts = {}
    for output, (label, explanation) in enumerate(found.items()):
        now = explanation.global_shap_values
        known = [
            each[label].global_shap_values for each in earlier if each[label].global_shap_values.keys() == now.keys()
        ]
        drifts[label] = compare(
            label,
            now,
            samples[label],
            then[label],
            baseline.monitoring_config,
            level=task.settings.confidence_level,
            stability=stability(np.array([*now.values()]), [np.array([each[name] for name in now]) for each in known]),
            consistency=consistency(values[:, output]),
        )
    return drifts


def matched(labels: list[str], analysis: Analysis) -> dict[str, LabelExplanation]:
    """Find each label in a file, by name or else by position: the first party names them by values of the data.

    Raises
    ------
    InvalidInput
        ``ExplanationsNotComparable`` where the file explains another number of outputs.
    """
    if set(labels) <= set(analysis.labels):
        return {label: analysis.labels[label] for label in labels}
    if len(labels) != len(analysis.labels):
        message = (
            f"the model has {len(labels)} outputs, and the baseline explains {len(analysis.labels)}: make it again"
        )
        raise InvalidInput("ExplanationsNotComparable", message)
    return dict(zip(labels, analysis.labels.values(), strict=True))
