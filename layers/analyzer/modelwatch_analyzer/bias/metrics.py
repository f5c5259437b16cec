"""The bias metrics: each one line in `METRICS`, with its formula and where it is defined."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from functools import partial
from operator import attrgetter

from modelwatch_analyzer.bias import formulas
from modelwatch_analyzer.bias.amplification import AMPLIFICATION
from modelwatch_analyzer.bias.counts import Counts
from modelwatch_analyzer.bias.metric import (
    ANY_VALUE,
    BOTH_FACETS,
    BOTH_LABELS,
    GROUPED,
    NEGATIVE_PREDICTIONS,
    POSITIVE_PREDICTIONS,
    PREDICTED,
    BiasMetric,
    Requirement,
    Stage,
)
from modelwatch_analyzer.undefined import Undefined

_COMMON_LABEL = Requirement(
    lambda counts: (counts.by_label > 0).all(axis=-2).any(axis=-1), "no label occurs in both groups"
)
_SOME_ROWS = Requirement(lambda counts: counts.rows.sum(axis=-1) > 0, "no row has a value of the facet")
_SOME_BENEFIT = Requirement(
    lambda counts: (
        (counts.confusion.sum(axis=-3)[..., 0, :].sum(axis=-1) > 0) | (counts.confusion.sum(axis=-3)[..., 1, 1] > 0)
    ),
    "All predicted labels are false negatives",
)


def _with_label(place: int, counts: Counts) -> int:
    return int(counts.by_label[..., place].min())


def _with_prediction(place: int, counts: Counts) -> int:
    return int(counts.by_prediction[..., place].min())


def _all(counts: Counts) -> int:
    return int(counts.rows.sum())


def _of_share(counts: Counts) -> int:
    return min(_all(counts), formulas.defined(counts.baseline_share).rows)


def _wrong(counts: Counts) -> int:
    return int((counts.confusion[..., 0, 1] + counts.confusion[..., 1, 0]).min())


_REJECTED, _ACCEPTED = partial(_with_prediction, 0), partial(_with_prediction, 1)
_PRE, _POST = Stage.PRE_TRAINING, Stage.POST_TRAINING
_DISTRIBUTIONS = (*BOTH_FACETS, _COMMON_LABEL)
_OF_A_DISTANCE, _NOT_NEGATIVE = (0.0, 1.0), (0.0, math.inf)

_REGISTERED = (
    *AMPLIFICATION,
    BiasMetric("AD", "Accuracy Difference (AD)", _POST, formulas.accuracy_difference, PREDICTED),
    BiasMetric(
        "CDDL",
        "Conditional Demographic Disparity in Labels (CDDL)",
        _PRE,
        formulas.conditional_disparity_in_labels,
        (GROUPED, *BOTH_FACETS, *BOTH_LABELS),
        is_mirrored=False,
    ),
    BiasMetric(
        "CDDPL",
        "Conditional Demographic Disparity in Predicted Labels (CDDPL)",
        _POST,
        formulas.conditional_disparity_in_predictions,
        (GROUPED, *PREDICTED, NEGATIVE_PREDICTIONS),
        needs_labels=False,
        is_mirrored=False,
    ),
    BiasMetric(
        "CI",
        "Class Imbalance (CI)",
        _PRE,
        formulas.class_imbalance,
        BOTH_FACETS,
        needs_labels=False,
        rows=_all,
        of_all_rows=True,
    ),
    BiasMetric(
        "DAR", "Difference in Acceptance Rates (DAR)", _POST, formulas.acceptance_rates, PREDICTED, rows=_ACCEPTED
    ),
    BiasMetric(
        "DCA",
        "Difference in Conditional Acceptance (DCA)",
        _POST,
        formulas.conditional_acceptance,
        PREDICTED,
        rows=_ACCEPTED,
        bounds=ANY_VALUE,
    ),
    BiasMetric(
        "DCR",
        "Difference in Conditional Rejection (DCR)",
        _POST,
        formulas.conditional_rejection,
        PREDICTED,
        rows=_REJECTED,
        bounds=ANY_VALUE,
    ),
    BiasMetric(
        "DI",
        "Disparate Impact (DI)",
        _POST,
        formulas.disparate_impact,
        PREDICTED,
        needs_labels=False,
        rows=_ACCEPTED,
        is_mirrored=False,
        bounds=_NOT_NEGATIVE,
    ),
    BiasMetric(
        "DPL",
        "Difference in Positive Proportions in Labels (DPL)",
        _PRE,
        formulas.positive_proportions_in_labels,
        BOTH_FACETS,
    ),
    BiasMetric(
        "DPPL",
        "Difference in Positive Proportions in Predicted Labels (DPPL)",
        _POST,
        formulas.positive_proportions_in_predictions,
        PREDICTED,
        needs_labels=False,
    ),
    BiasMetric(
        "DRR", "Difference in Rejection Rates (DRR)", _POST, formulas.rejection_rates, PREDICTED, rows=_REJECTED
    ),
    BiasMetric(
        "FD",
        "Facet Drift (FD)",
        _PRE,
        formulas.facet_drift,
        (_SOME_ROWS,),
        given=lambda counts: counts.baseline_share,
        allowed=(0.0, 0.1),  # the data quality monitor's threshold for a drift distance
        needs_labels=False,
        rows=_of_share,
        of_all_rows=True,
        bounds=_OF_A_DISTANCE,
        baseline_error=lambda counts: formulas.defined(counts.baseline_share).standard_error,
    ),
    BiasMetric(
        "FT",
        "Flip Test (FT)",
        _POST,
        formulas.flip_test,
        PREDICTED,
        given=lambda counts: counts.flips,
        needs_labels=False,
        understated=1.8,  # intervals of 95 % held the true value in 73 % of simulated samples: 1.96 / 1.10
        rows=lambda counts: 0 if isinstance(counts.flips, Undefined) else int(counts.flips.sum()),
        is_mirrored=False,
    ),
    BiasMetric(
        "GE",
        "Generalized Entropy (GE)",
        _POST,
        formulas.generalized_entropy,
        (POSITIVE_PREDICTIONS, _SOME_BENEFIT),
        bounds=_NOT_NEGATIVE,
    ),
    BiasMetric(
        "JS",
        "Jensen-Shannon Divergence (JS)",
        _PRE,
        formulas.jensen_shannon,
        _DISTRIBUTIONS,
        bounds=_OF_A_DISTANCE,
    ),
    BiasMetric(
        "KL",
        "Kullback-Liebler Divergence (KL)",
        _PRE,
        formulas.kullback_leibler,
        _DISTRIBUTIONS,
        is_mirrored=False,
        bounds=ANY_VALUE,
    ),
    BiasMetric(
        "KS",
        "Kolmogorov-Smirnov Distance (KS)",
        _PRE,
        formulas.kolmogorov_smirnov,
        _DISTRIBUTIONS,
        same_as="DPL",
        bounds=_OF_A_DISTANCE,
    ),
    BiasMetric(
        "LP", "L-p Norm (LP)", _PRE, formulas.lp_norm, _DISTRIBUTIONS, same_as="DPL", bounds=(0.0, math.sqrt(2))
    ),
    BiasMetric(
        "RD", "Recall Difference (RD)", _POST, formulas.recall_difference, PREDICTED, rows=partial(_with_label, 1)
    ),
    BiasMetric(
        "SD",
        "Specificity Difference (SD)",
        _POST,
        formulas.specificity_difference,
        PREDICTED,
        rows=partial(_with_label, 0),
    ),
    BiasMetric(
        "TE",
        "Treatment Equality (TE)",
        _POST,
        formulas.treatment_equality,
        PREDICTED,
        rows=_wrong,
        bounds=ANY_VALUE,
    ),
    BiasMetric(
        "TVD",
        "Total Variation Distance (TVD)",
        _PRE,
        formulas.total_variation,
        _DISTRIBUTIONS,
        same_as="DPL",
        bounds=_OF_A_DISTANCE,
    ),
)

METRICS: Mapping[str, BiasMetric] = {metric.name: metric for metric in sorted(_REGISTERED, key=attrgetter("name"))}
"""All metrics by name, in the order of reports. FD, BA and CBA are Modelwatch's own."""


def numbers_of(compared: Iterable[tuple[str, str, str]], of_two: Collection[str]) -> int:
    """Return how many different numbers metrics are, by facet, group and metric: some are one but for the sign.

    Labels are positive or negative, so that the distances between their distributions are one. A facet of two groups
    compares each with the other.

    Parameters
    ----------
    of_two : collection of str
        The facets that have two groups, whether or not both are compared.
    """
    numbers = set()
    for facet, group, name in compared:
        if name not in METRICS:
            continue
        metric = METRICS[name]
        mirrored = metric.is_mirrored and facet in of_two
        numbers.add((facet, None if mirrored else group, metric.same_as or name))
    return len(numbers)
