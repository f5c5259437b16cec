"""The bias metrics: each a pure function of counts, and one line in `METRICS`.

The formulas are those of SageMaker Clarify's open implementation (smclarify 0.5), which its container reports: facet
``d`` is the sensitive group, ``a`` everybody else. A fraction 0/0 is 0, and x/0 is infinite; the difference of two
equal infinities is 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from modelwatch_analyzer.undefined import Undefined

Array = NDArray[np.float64]
Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]
T = TypeVar("T")


NO_FLIP_TEST = Undefined("no flip test was made")
NO_BASELINE = Undefined("there is no baseline")


class Stage(StrEnum):
    """What a metric looks at: the labels of the data, or what the model makes of it."""

    PRE_TRAINING = "pre_training"
    POST_TRAINING = "post_training"


@dataclass(frozen=True)
class Counts:
    """Everything that metrics are computed of, for one dataset or for many replicates of it at once.

    Attributes
    ----------
    cells : ndarray, shape (..., 2, groups, labels, 2)
        Rows by facet (``a``, ``d``), value of the group variable, label (negative, positive; the distances between
        distributions of labels take any number of them) and prediction (negative, positive). Leading axes are
        replicates. Without predictions all rows are in the first of the last axis.
    grouped : bool
        Whether there is a group variable.
    flips : ndarray, shape (..., 2, 2), or Undefined
        Rows of ``d`` by the prediction and by what their nearest neighbours in ``a`` got.
    baseline_share : float or Undefined
        The share of ``d`` in the baseline.
    """

    cells: Rows
    grouped: bool = False
    flips: Rows | Undefined = NO_FLIP_TEST
    baseline_share: float | Undefined = NO_BASELINE

    @cached_property
    def by_label(self) -> Rows:
        """Rows by facet and label, shape (..., 2, labels)."""
        by_label: Rows = self.confusion.sum(axis=-1)
        return by_label

    @cached_property
    def by_prediction(self) -> Rows:
        """Rows by facet and prediction, shape (..., 2, 2)."""
        by_prediction: Rows = self.confusion.sum(axis=-2)
        return by_prediction

    @cached_property
    def confusion(self) -> Rows:
        """Rows by facet, label and prediction, shape (..., 2, labels, 2)."""
        # Where there are many groups, einsum sums short axes in a fraction of the time that sum takes.
        confusion: Rows = np.einsum("...glp->...lp", self.cells)
        return confusion

    @cached_property
    def rows(self) -> Rows:
        """Rows by facet, shape (..., 2)."""
        rows: Rows = self.by_label.sum(axis=-1)
        return rows


def defined(given: T | Undefined) -> T:
    """Return what is given, which the caller knows to be defined."""
    if isinstance(given, Undefined):
        raise TypeError(given.reason)
    return given


def divide(numerator: NDArray[Any], denominator: NDArray[Any]) -> Array:
    """Divide; 0/0 is 0, and x/0 infinite."""
    with np.errstate(divide="ignore", invalid="ignore"):
        quotient: Array = np.true_divide(numerator, denominator)
    return np.where((numerator == 0) & (denominator == 0), 0.0, quotient)


def _difference(minuend: Array, subtrahend: Array) -> Array:
    """Subtract; two equal infinities give 0."""
    with np.errstate(invalid="ignore"):
        return np.where(minuend == subtrahend, 0.0, minuend - subtrahend)


def _advantage(rates: Array) -> Array:
    """Return ``a`` minus ``d`` of rates by facet."""
    return _difference(rates[..., 0], rates[..., 1])


def _disadvantage(rates: Array) -> Array:
    """Return ``d`` minus ``a`` of rates by facet."""
    return _difference(rates[..., 1], rates[..., 0])


def class_imbalance(counts: Counts) -> Array:
    """``(n_a - n_d) / (n_a + n_d)``."""
    rows = counts.rows
    return divide(rows[..., 0] - rows[..., 1], rows.sum(axis=-1))


def positive_proportions_in_labels(counts: Counts) -> Array:
    """``q_a - q_d``, where q is the share of positive labels."""
    return _advantage(divide(counts.by_label[..., 1], counts.rows))


def _label_distributions(counts: Counts) -> tuple[Array, Array]:
    """Return the shares of the labels in ``a`` and in ``d``; 0 in both where one of them lacks the label."""
    shares = divide(counts.by_label, counts.rows[..., None])
    common = (shares > 0).all(axis=-2, keepdims=True)
    shares = np.where(common, shares, 0.0)
    return shares[..., 0, :], shares[..., 1, :]


def _relative_entropy(p: Array, q: Array) -> Array:
    """``sum p ln(p / q)``; terms where p is 0 are 0."""
    ratio = np.divide(p, q, out=np.ones_like(p), where=p > 0)
    entropy: Array = (p * np.log(ratio)).sum(axis=-1)
    return entropy


def kullback_leibler(counts: Counts) -> Array:
    """``sum P_a ln(P_a / P_d)`` over the labels that both groups have; the shares are not scaled anew for these."""
    p, q = _label_distributions(counts)
    return _relative_entropy(p, q)


def jensen_shannon(counts: Counts) -> Array:
    """Half of ``KL(P_a, P) + KL(P_d, P)`` with ``P = (P_a + P_d) / 2``, over the labels that both groups have."""
    p, q = _label_distributions(counts)
    middle = (p + q) / 2
    return (_relative_entropy(p, middle) + _relative_entropy(q, middle)) / 2


def lp_norm(counts: Counts) -> Array:
    """Return the Euclidean norm of ``P_a - P_d`` over the labels that both groups have."""
    norm: Array = np.sqrt((_label_differences(counts) ** 2).sum(axis=-1))
    return norm


def total_variation(counts: Counts) -> Array:
    """Half of ``sum |P_a - P_d|`` over the labels that both groups have."""
    distance: Array = _label_differences(counts).sum(axis=-1) / 2
    return distance


def kolmogorov_smirnov(counts: Counts) -> Array:
    """``max |P_a - P_d|`` over the labels that both groups have: not of their cumulative shares."""
    distance: Array = _label_differences(counts).max(axis=-1)
    return distance


def _label_differences(counts: Counts) -> Array:
    p, q = _label_distributions(counts)
    return np.abs(p - q)


def conditional_disparity_in_labels(counts: Counts) -> Array:
    """Demographic disparity of the labels, by group of the group variable, weighted by the groups' rows."""
    return _conditional_disparity(np.einsum("...lp->...l", counts.cells))


def conditional_disparity_in_predictions(counts: Counts) -> Array:
    """Demographic disparity of the predictions, by group of the group variable, weighted by the groups' rows."""
    return _conditional_disparity(np.einsum("...lp->...p", counts.cells))


def _conditional_disparity(outcomes: Rows) -> Array:
    """``sum n_g (D_g - A_g) / sum n_g``: D and A are the share of ``d`` among a group's rejected and accepted.

    Parameters
    ----------
    outcomes : ndarray, shape (..., 2, groups, 2)
        Rows by facet, group, and outcome (rejected, accepted).
    """
    everybody = outcomes.sum(axis=-3)
    shares = divide(outcomes[..., 1, :, :], everybody)
    sizes = everybody.sum(axis=-1)
    return divide((sizes * (shares[..., 0] - shares[..., 1])).sum(axis=-1), sizes.sum(axis=-1))


def facet_drift(counts: Counts) -> Array:
    """Difference between the shares of the group now and in the baseline.

    The L-infinity distance (`modelwatch_analyzer.distances.linf`, Simple) between the two distributions over the
    group and everybody else.
    """
    share = divide(counts.rows[..., 1], counts.rows.sum(axis=-1))
    return np.abs(share - defined(counts.baseline_share))


def positive_proportions_in_predictions(counts: Counts) -> Array:
    """``q_a - q_d``, where q is the share of positive predictions."""
    return _advantage(_acceptance(counts))


def disparate_impact(counts: Counts) -> Array:
    """``q_d / q_a``, where q is the share of positive predictions."""
    rates = _acceptance(counts)
    return divide(rates[..., 1], rates[..., 0])


def _acceptance(counts: Counts) -> Array:
    return divide(counts.by_prediction[..., 1], counts.rows)


def bias_amplification(counts: Counts) -> Array:
    """DPPL - DPL: by how much the model favours ``a`` more than the labels do."""
    return positive_proportions_in_predictions(counts) - positive_proportions_in_labels(counts)


def conditional_acceptance(counts: Counts) -> Array:
    """Observed per predicted positives, ``a`` minus ``d``."""
    return _advantage(divide(counts.by_label[..., 1], counts.by_prediction[..., 1]))


def conditional_rejection(counts: Counts) -> Array:
    """Observed per predicted negatives, ``d`` minus ``a``."""
    return _disadvantage(divide(counts.by_label[..., 0], counts.by_prediction[..., 0]))


def recall_difference(counts: Counts) -> Array:
    """Recall, ``a`` minus ``d``."""
    return _advantage(divide(counts.confusion[..., 1, 1], counts.by_label[..., 1]))


def specificity_difference(counts: Counts) -> Array:
    """Specificity, ``d`` minus ``a``."""
    return _disadvantage(divide(counts.confusion[..., 0, 0], counts.by_label[..., 0]))


def acceptance_rates(counts: Counts) -> Array:
    """Precision of the positive predictions, ``a`` minus ``d``."""
    return _advantage(divide(counts.confusion[..., 1, 1], counts.by_prediction[..., 1]))


def rejection_rates(counts: Counts) -> Array:
    """Precision of the negative predictions, ``d`` minus ``a``."""
    return _disadvantage(divide(counts.confusion[..., 0, 0], counts.by_prediction[..., 0]))


def accuracy_difference(counts: Counts) -> Array:
    """Accuracy, ``a`` minus ``d``."""
    correct = counts.confusion[..., 0, 0] + counts.confusion[..., 1, 1]
    return _advantage(divide(correct, counts.rows))


def treatment_equality(counts: Counts) -> Array:
    """Return false negatives per false positives, ``d`` minus ``a``."""
    return _disadvantage(divide(counts.confusion[..., 1, 0], counts.confusion[..., 0, 1]))


def generalized_entropy(counts: Counts) -> Array:
    """Generalized entropy index of the benefits ``prediction - label + 1``, with alpha 2; of all rows, of any facet.

    Speicher et al., "A unified approach to quantifying algorithmic unfairness", KDD 2018.
    """
    everybody = counts.confusion.sum(axis=-3)
    benefits = np.array([[1.0, 2.0], [0.0, 1.0]])
    rows = everybody.sum(axis=(-2, -1))
    mean = divide((everybody * benefits).sum(axis=(-2, -1)), rows)
    mean_square = divide((everybody * benefits**2).sum(axis=(-2, -1)), rows)
    return (divide(mean_square, mean**2) - 1) / 2


def flip_test(counts: Counts) -> Array:
    """Rows of ``d`` that are accepted though their neighbours in ``a`` are not, less the opposite, per row of ``d``."""
    flips = defined(counts.flips)
    return divide(flips[..., 1, 0] - flips[..., 0, 1], flips.sum(axis=(-2, -1)))


@dataclass(frozen=True, slots=True)
class Requirement:
    """Where a metric is defined, and what to say where it is not."""

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
class Metric:
    """A metric of the registry.

    Attributes
    ----------
    name, description : str
        As reports have them; SageMaker's, where it has the metric.
    compute : callable
        The value of every replicate; of no meaning where a requirement is not met.
    given : callable
        What the metric needs beside counts of rows; if that is undefined, so is the metric.
    allowed : (float, float), optional
        What a baseline suggests as its range; as far as its own interval reaches, if nothing is said.
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
        """Whether it looks at the group variable; the others are the same of counts without it."""
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

METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("AD", "Accuracy Difference (AD)", _POST, accuracy_difference, _PREDICTED),
        Metric("BA", "Bias Amplification (BA)", _POST, bias_amplification, _PREDICTED),
        Metric(
            "CDDL",
            "Conditional Demographic Disparity in Labels (CDDL)",
            _PRE,
            conditional_disparity_in_labels,
            (_GROUPED, *_BOTH, _POSITIVE_LABELS, _NEGATIVE_LABELS),
        ),
        Metric(
            "CDDPL",
            "Conditional Demographic Disparity in Predicted Labels (CDDPL)",
            _POST,
            conditional_disparity_in_predictions,
            (_GROUPED, *_PREDICTED, _NEGATIVE_PREDICTIONS),
        ),
        Metric("CI", "Class Imbalance (CI)", _PRE, class_imbalance, _BOTH),
        Metric("DAR", "Difference in Acceptance Rates (DAR)", _POST, acceptance_rates, _PREDICTED),
        Metric("DCA", "Difference in Conditional Acceptance (DCA)", _POST, conditional_acceptance, _PREDICTED),
        Metric("DCR", "Difference in Conditional Rejection (DCR)", _POST, conditional_rejection, _PREDICTED),
        Metric("DI", "Disparate Impact (DI)", _POST, disparate_impact, _PREDICTED),
        Metric(
            "DPL", "Difference in Positive Proportions in Labels (DPL)", _PRE, positive_proportions_in_labels, _BOTH
        ),
        Metric(
            "DPPL",
            "Difference in Positive Proportions in Predicted Labels (DPPL)",
            _POST,
            positive_proportions_in_predictions,
            _PREDICTED,
        ),
        Metric("DRR", "Difference in Rejection Rates (DRR)", _POST, rejection_rates, _PREDICTED),
        Metric(
            "FD",
            "Facet Drift (FD)",
            _PRE,
            facet_drift,
            (),
            given=lambda counts: counts.baseline_share,
            allowed=(0.0, 0.1),  # the data quality monitor's threshold for a drift distance
        ),
        Metric("FT", "Flip Test (FT)", _POST, flip_test, _PREDICTED, given=lambda counts: counts.flips),
        Metric("GE", "Generalized Entropy (GE)", _POST, generalized_entropy, (_POSITIVE_PREDICTIONS, _SOME_BENEFIT)),
        Metric("JS", "Jensen-Shannon Divergence (JS)", _PRE, jensen_shannon, _DISTRIBUTIONS),
        Metric("KL", "Kullback-Liebler Divergence (KL)", _PRE, kullback_leibler, _DISTRIBUTIONS),
        Metric("KS", "Kolmogorov-Smirnov Distance (KS)", _PRE, kolmogorov_smirnov, _DISTRIBUTIONS),
        Metric("LP", "L-p Norm (LP)", _PRE, lp_norm, _DISTRIBUTIONS),
        Metric("RD", "Recall Difference (RD)", _POST, recall_difference, _PREDICTED),
        Metric("SD", "Specificity Difference (SD)", _POST, specificity_difference, _PREDICTED),
        Metric("TE", "Treatment Equality (TE)", _POST, treatment_equality, _PREDICTED),
        Metric("TVD", "Total Variation Distance (TVD)", _PRE, total_variation, _DISTRIBUTIONS),
    )
}
"""All metrics by name, in the order of reports. FD and BA are Modelwatch's own."""
