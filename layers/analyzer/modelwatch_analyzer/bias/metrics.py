"""The bias metrics: each one line in `METRICS`, with its formula and where it is defined."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwatch_analyzer.bias import formulas
from modelwatch_analyzer.bias.counts import Array, Counts
from modelwatch_analyzer.undefined import Undefined

Mask = NDArray[np.bool_]


class Stage(StrEnum):
    """What a metric is about: the labels of the data, or the predictions of the model."""

    PRE_TRAINING = "pre_training"
    POST_TRAINING = "post_training"


@dataclass(frozen=True, slots=True)
class Requirement:
    """Where a metric is defined, and the reason where it is not."""

    holds: Callable[[Counts], Any]
    reason: str


_FACET = Requirement(lambda counts: counts.rows[..., 1] > 0, "Facet set is empty: no row is in the group")
_REST = Requirement(lambda counts: counts.rows[..., 0] > 0, "Negated facet set is empty: all rows are in the group")
_BOTH = (_FACET, _REST)
_COMMON_LABEL = Requirement(
    lambda counts: (counts.by_label > 0).all(axis=-2).any(axis=-1), "no label occurs in both groups"
)
_GROUPED = Requirement(
    lambda counts: np.full(counts.rows.shape[:-1], counts.grouped), "Group variable is empty or not provided"
)
_POSITIVE_LABELS = Requirement(lambda counts: counts.by_label[..., 1].sum(axis=-1) > 0, "No positive labels in set")
_NEGATIVE_LABELS = Requirement(lambda counts: counts.by_label[..., 0].sum(axis=-1) > 0, "No negative labels in set")
_NEGATIVE_PREDICTIONS = Requirement(
    lambda counts: counts.by_prediction[..., 0].sum(axis=-1) > 0, "No negative labels in set of predictions"
)
_POSITIVE_PREDICTIONS = Requirement(
    lambda counts: counts.by_prediction[..., 1].sum(axis=-1) > 0,
    "No Label values are present in the predicted Label Column,Positive Predicted Index Series contains all False "
    "values",
)
_SOME_BENEFIT = Requirement(
    lambda counts: (
        (counts.confusion.sum(axis=-3)[..., 0, :].sum(axis=-1) > 0) | (counts.confusion.sum(axis=-3)[..., 1, 1] > 0)
    ),
    "All predicted labels are false negatives",
)


@dataclass(frozen=True, slots=True)
class BiasMetric:
    """A metric of the registry.

    Attributes
    ----------
    name, description : str
        As reports have them; SageMaker's, where it has the metric.
    compute : callable
        The value of every replicate; meaningless where a requirement is not met.
    given : callable
        What the metric needs besides counts of rows; if that is undefined, so is the metric.
    allowed : (float, float), optional
        What a baseline suggests as its range; by default as far as its own interval reaches.
    """

    name: str
    description: str
    stage: Stage
    compute: Callable[[Counts], Array]
    requirements: tuple[Requirement, ...]
    given: Callable[[Counts], object] = lambda _: None
    allowed: tuple[float, float] | None = None

    @property
    def conditional(self) -> bool:
        """Whether it depends on the group variable; the others are the same for counts without it."""
        return _GROUPED in self.requirements

    def value(self, counts: Counts) -> float | Undefined:
        """Return the metric of one dataset; it may be infinite."""
        given = self.given(counts)
        if isinstance(given, Undefined):
            return given
        unmet = next((each for each in self.requirements if not each.holds(counts)), None)
        return Undefined(unmet.reason) if unmet else float(self.compute(counts))

    def replicates(self, counts: Counts) -> Array:
        """Return the metric of each of many datasets, NaN where it is undefined."""
        met: Mask = np.ones(counts.rows.shape[:-1], dtype=np.bool_)
        for each in self.requirements:
            met &= each.holds(counts)
        return np.where(met, self.compute(counts), np.nan)


_PRE, _POST = Stage.PRE_TRAINING, Stage.POST_TRAINING
_PREDICTED = (*_BOTH, _POSITIVE_PREDICTIONS)
_DISTRIBUTIONS = (*_BOTH, _COMMON_LABEL)

METRICS: Mapping[str, BiasMetric] = {
    metric.name: metric
    for metric in (
        BiasMetric("AD", "Accuracy Difference (AD)", _POST, formulas.accuracy_difference, _PREDICTED),
        BiasMetric("BA", "Bias Amplification (BA)", _POST, formulas.bias_amplification, _PREDICTED),
        BiasMetric(
            "CDDL",
            "Conditional Demographic Disparity in Labels (CDDL)",
            _PRE,
            formulas.conditional_disparity_in_labels,
            (_GROUPED, *_BOTH, _POSITIVE_LABELS, _NEGATIVE_LABELS),
        ),
        BiasMetric(
            "CDDPL",
            "Conditional Demographic Disparity in Predicted Labels (CDDPL)",
            _POST,
            formulas.conditional_disparity_in_predictions,
            (_GROUPED, *_PREDICTED, _NEGATIVE_PREDICTIONS),
        ),
        BiasMetric("CI", "Class Imbalance (CI)", _PRE, formulas.class_imbalance, _BOTH),
        BiasMetric("DAR", "Difference in Acceptance Rates (DAR)", _POST, formulas.acceptance_rates, _PREDICTED),
        BiasMetric(
            "DCA", "Difference in Conditional Acceptance (DCA)", _POST, formulas.conditional_acceptance, _PREDICTED
        ),
        BiasMetric(
            "DCR", "Difference in Conditional Rejection (DCR)", _POST, formulas.conditional_rejection, _PREDICTED
        ),
        BiasMetric("DI", "Disparate Impact (DI)", _POST, formulas.disparate_impact, _PREDICTED),
        BiasMetric(
            "DPL",
            "Difference in Positive Proportions in Labels (DPL)",
            _PRE,
            formulas.positive_proportions_in_labels,
            _BOTH,
        ),
        BiasMetric(
            "DPPL",
            "Difference in Positive Proportions in Predicted Labels (DPPL)",
            _POST,
            formulas.positive_proportions_in_predictions,
            _PREDICTED,
        ),
        BiasMetric("DRR", "Difference in Rejection Rates (DRR)", _POST, formulas.rejection_rates, _PREDICTED),
        BiasMetric(
            "FD",
            "Facet Drift (FD)",
            _PRE,
            formulas.facet_drift,
            (),
            given=lambda counts: counts.baseline_share,
            allowed=(0.0, 0.1),  # the data quality monitor's threshold for a drift distance
        ),
        BiasMetric("FT", "Flip Test (FT)", _POST, formulas.flip_test, _PREDICTED, given=lambda counts: counts.flips),
        BiasMetric(
            "GE",
            "Generalized Entropy (GE)",
            _POST,
            formulas.generalized_entropy,
            (_POSITIVE_PREDICTIONS, _SOME_BENEFIT),
        ),
        BiasMetric("JS", "Jensen-Shannon Divergence (JS)", _PRE, formulas.jensen_shannon, _DISTRIBUTIONS),
        BiasMetric("KL", "Kullback-Liebler Divergence (KL)", _PRE, formulas.kullback_leibler, _DISTRIBUTIONS),
        BiasMetric("KS", "Kolmogorov-Smirnov Distance (KS)", _PRE, formulas.kolmogorov_smirnov, _DISTRIBUTIONS),
        BiasMetric("LP", "L-p Norm (LP)", _PRE, formulas.lp_norm, _DISTRIBUTIONS),
        BiasMetric("RD", "Recall Difference (RD)", _POST, formulas.recall_difference, _PREDICTED),
        BiasMetric("SD", "Specificity Difference (SD)", _POST, formulas.specificity_difference, _PREDICTED),
        BiasMetric("TE", "Treatment Equality (TE)", _POST, formulas.treatment_equality, _PREDICTED),
        BiasMetric("TVD", "Total Variation Distance (TVD)", _PRE, formulas.total_variation, _DISTRIBUTIONS),
    )
}
"""All metrics by name, in the order of reports. FD and BA are Modelwatch's own."""
