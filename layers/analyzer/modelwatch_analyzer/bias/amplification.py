"""Bias amplification: how much larger a gap between the groups is in the predictions than in the labels.

Both gaps are those of the same rows, so that their difference is what the model adds, whatever the data are like. It
is computed within each replicate: an interval of it is not made of the intervals of the two gaps, which are
correlated.

A gap of predictions less that of the labels is a signed number: positive where the model favours ``a`` more than the
labels do, zero where every group gets as many positive predictions as it has positive labels.
"""

from __future__ import annotations

from modelwatch_analyzer.bias.counts import Array, Counts
from modelwatch_analyzer.bias.formulas import (
    conditional_disparity_in_labels,
    conditional_disparity_in_predictions,
    positive_proportions_in_labels,
    positive_proportions_in_predictions,
)
from modelwatch_analyzer.bias.metric import (
    ANY_VALUE,
    BOTH_LABELS,
    GROUPED,
    NEGATIVE_PREDICTIONS,
    PREDICTED,
    BiasMetric,
    Stage,
)


def bias_amplification(counts: Counts) -> Array:
    """DPPL - DPL: by how much the model favours ``a`` more than the labels do.

    That is ``D_a - D_d`` with ``D_g = P(prediction = 1 | g) - P(label = 1 | g)``, the differences of which Wang and
    Russakovsky, "Directional bias amplification", ICML 2021, make their amplification from attribute to task.
    """
    return positive_proportions_in_predictions(counts) - positive_proportions_in_labels(counts)


def conditional_bias_amplification(counts: Counts) -> Array:
    """CDDPL - CDDL: the same for the demographic disparity within the groups of the group variable.

    The disparity compares the shares of ``d`` among the rejected and among the accepted. These are the bias scores of
    Zhao et al., "Men also like shopping: reducing gender bias amplification using corpus-level constraints", EMNLP
    2017, whose amplification is how much larger they are in the predictions than in the labels.
    """
    return conditional_disparity_in_predictions(counts) - conditional_disparity_in_labels(counts)


_OF_TWO_DIFFERENCES = (-2.0, 2.0)

AMPLIFICATION = (
    BiasMetric(
        "BA",
        "Bias Amplification (BA)",
        Stage.POST_TRAINING,
        bias_amplification,
        PREDICTED,
        bounds=_OF_TWO_DIFFERENCES,
    ),
    BiasMetric(
        "CBA",
        "Conditional Bias Amplification (CBA)",
        Stage.POST_TRAINING,
        conditional_bias_amplification,
        (GROUPED, *PREDICTED, NEGATIVE_PREDICTIONS, *BOTH_LABELS),
        allowed=ANY_VALUE,
        is_mirrored=False,
        bounds=_OF_TWO_DIFFERENCES,
    ),
)
