"""The formulas of the bias metrics, each a pure function of counts.

They are those of SageMaker Clarify's open implementation (smclarify 0.5), which its container reports: facet ``d`` is
the sensitive group, ``a`` all other rows. A fraction 0/0 is 0, and x/0 is infinite; the difference of two equal
infinities is 0.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from modelwatch_analyzer.bias.counts import Array, Counts, RowCounts
from modelwatch_analyzer.undefined import Undefined

T = TypeVar("T")


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
    """``sum P_a ln(P_a / P_d)`` over the labels that both groups have; the shares are not rescaled for these."""
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


def _conditional_disparity(outcomes: RowCounts) -> Array:
    """``sum n_g (D_g - A_g) / sum n_g``: D and A are the share of ``d`` among a group's rejected and accepted.

    Parameters
    ----------
    outcomes : ndarray, shape (..., 2, groups, 2)
        Rows by facet, group, and outcome (rejected, accepted).
    """
    all_rows = outcomes.sum(axis=-3)
    shares = divide(outcomes[..., 1, :, :], all_rows)
    sizes = all_rows.sum(axis=-1)
    return divide((sizes * (shares[..., 0] - shares[..., 1])).sum(axis=-1), sizes.sum(axis=-1))


def facet_drift(counts: Counts) -> Array:
    """Difference between the shares of the group now and in the baseline.

    The L-infinity distance (`modelwatch_analyzer.distances.linf`, Simple) between the two distributions over the
    group and all other rows.
    """
    share = divide(counts.rows[..., 1], counts.rows.sum(axis=-1))
    return np.abs(share - defined(counts.baseline_share).value)


def positive_proportions_in_predictions(counts: Counts) -> Array:
    """``q_a - q_d``, where q is the share of positive predictions."""
    return _advantage(_acceptance(counts))


def disparate_impact(counts: Counts) -> Array:
    """``q_d / q_a``, where q is the share of positive predictions."""
    rates = _acceptance(counts)
    return divide(rates[..., 1], rates[..., 0])


def _acceptance(counts: Counts) -> Array:
    return divide(counts.by_prediction[..., 1], counts.rows)


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
    """Generalized entropy index of the benefits ``prediction - label + 1``, with alpha 2, over all rows.

    Speicher et al., "A unified approach to quantifying algorithmic unfairness", KDD 2018.
    """
    all_rows = counts.confusion.sum(axis=-3)
    benefits = np.array([[1.0, 2.0], [0.0, 1.0]])
    rows = all_rows.sum(axis=(-2, -1))
    mean = divide((all_rows * benefits).sum(axis=(-2, -1)), rows)
    mean_square = divide((all_rows * benefits**2).sum(axis=(-2, -1)), rows)
    return (divide(mean_square, mean**2) - 1) / 2


def flip_test(counts: Counts) -> Array:
    """Rows of ``d`` that are accepted though their neighbours in ``a`` are not, less the opposite, per row of ``d``."""
    flips = defined(counts.flips)
    return divide(flips[..., 1, 0] - flips[..., 0, 1], flips.sum(axis=(-2, -1)))
