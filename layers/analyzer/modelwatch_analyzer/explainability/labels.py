"""The outputs of a model by their labels: the explanation of each, matched with that of another analysis."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from modelwatch_analyzer.explainability.attribution import AGGREGATIONS, Floats, consistency, interval, standard_errors
from modelwatch_analyzer.explainability.documents import Analysis, LabelExplanation, earlier_analyses
from modelwatch_analyzer.explainability.drift import Comparison, LabelDrift, Measured
from modelwatch_analyzer.explainability.explanation import ExplanationTask
from modelwatch_analyzer.explainability.history import history_of
from modelwatch_analyzer.explainability.resampled_background import BackgroundResampling
from modelwatch_analyzer.undefined import Undefined
from modelwatch_analyzer.wording import listed
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.number_text import count_text


def label_names(headers: Sequence[str], outputs: int) -> list[str]:
    """Return the labels of a model's outputs.

    Raises
    ------
    InvalidInput
        ``LabelHeadersDiffer`` where the configuration names more or fewer than there are.
    """
    if headers and len(headers) != outputs:
        named, returned = count_text(len(headers), "output"), count_text(outputs, "number")
        message = f"label_headers names {named}, but the model returns {returned} a row: correct label_headers, or "
        raise InvalidInput("LabelHeadersDiffer", f"{message}select the outputs with label or probability")
    return list(headers) or [f"label{index}" for index in range(outputs)]


def explanation_of(
    task: ExplanationTask,
    values: NDArray[np.float64],
    expected: float,
    samples: NDArray[np.float64] | Undefined,
    resampled: BackgroundResampling | Undefined,
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
    resampled : BackgroundResampling or Undefined
        What resampling the baseline rows made of them.
    """
    attributions = AGGREGATIONS[task.config.shap.agg_method](values)
    level = task.settings.confidence_level
    spread = errors = None
    if not isinstance(samples, Undefined):
        errors = dict(zip(task.features, standard_errors(samples).tolist(), strict=True))
        spread = {name: interval(samples[:, i], level) for i, name in enumerate(task.features)}
    consistent = consistency(values)
    return LabelExplanation(
        global_shap_values=dict(zip(task.features, attributions.tolist(), strict=True)),
        expected_value=expected,
        confidence_intervals=spread,
        standard_errors=errors,
        explanation_consistency=None if isinstance(consistent, Undefined) else consistent,
        background_resampling=(
            {"undefined": resampled.reason} if isinstance(resampled, Undefined) else resampled.document(task.features)
        ),
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
        The explanation of each label, in the order of the outputs.
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
    earlier = earlier_analyses(task.settings.earlier_executions_results)
    settings = task.settings
    comparison = Comparison(
        baseline.monitoring_config, settings.confidence_level, labels=len(found), share_of_month=settings.share_of_month
    )
    drifts = {}
    for output, (label, explanation) in enumerate(found.items()):
        now = explanation.global_shap_values
        past = {name: _comparable(task, list(found), label, analysis) for name, analysis in earlier.items()}
        history = history_of(task.features, np.array([*now.values()]), past)
        measured = Measured(now, samples[label], history, consistency(values[:, output]))
        drifts[label] = comparison.of_label(label, measured, then[label], seed=task.seed + output)
    return drifts


def _comparable(task: ExplanationTask, labels: list[str], label: str, earlier: Analysis) -> Floats | Undefined:
    """Return an output's attributions in an earlier execution, in the order of the features now."""
    try:
        then = matched(labels, earlier)[label].global_shap_values
    except InvalidInput:
        return Undefined("it explains other outputs")
    if then.keys() != set(task.features):
        return Undefined("it explains other features")
    if earlier.run_details is not None and not earlier.run_details.measures_as(task.config.shap):
        return Undefined("it was made with another agg_method or use_logit")
    return np.array([then[name] for name in task.features])


def matched(labels: list[str], analysis: Analysis) -> dict[str, LabelExplanation]:
    """Find each label in a file, by name or else by position: the first party names them by values of the data.

    Raises
    ------
    InvalidInput
        ``ExplanationsNotComparable`` where the file explains another number of outputs, or others of which some have
        the names of these.
    """
    if len(labels) != len(analysis.labels):
        outputs = count_text(len(analysis.labels), "output")
        message = f"the baseline explains {outputs}, but the model has {len(labels)}: make the baseline again"
        raise InvalidInput("ExplanationsNotComparable", message)
    if set(labels) == set(analysis.labels):
        return {label: analysis.labels[label] for label in labels}
    if {*labels} & {*analysis.labels}:
        names = f"{listed([*analysis.labels])}, but the configuration names {listed(labels)}"
        message = f"the outputs that the baseline explains are {names}: name the same ones in label_headers"
        raise InvalidInput("ExplanationsNotComparable", message)
    return dict(zip(labels, analysis.labels.values(), strict=True))


def remarks_on_order(labels: Sequence[str], baseline: Analysis) -> Iterator[str]:
    """Say where outputs are paired with the baseline's by their order."""
    if len(labels) > 1 and {*labels} != {*baseline.labels}:
        yield (
            f"the outputs {listed(labels)} have different names in the baseline, {listed([*baseline.labels])}, and are "
            "compared in this order: if it is not the model's, give them the same names in label_headers"
        )
