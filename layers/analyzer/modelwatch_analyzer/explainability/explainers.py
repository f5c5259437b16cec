r"""Which coalitions of features a model is called on, and how its responses become SHAP values.

The coalitional game of a row x: the value v(S) of a coalition S of features is the mean prediction for the background
rows after the features of S took the values of x. The explainers here use the same coalitions for every row, and their
estimates are linear in the values:

.. math:: \phi = W \, (v(\emptyset), v(N), v(S_1), \dots, v(S_C))

so that an explainer is a *design*: the coalitions S and the matrix W. All of them satisfy efficiency,
:math:`\sum_j \phi_j = v(N) - v(\emptyset)`, whatever the sample.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import comb, factorial

import numpy as np
from numpy.typing import NDArray

from modelwatch_core.domain.errors import InvalidInput

MOST_EXACT_FEATURES = 8
"""Up to this many features (254 coalitions) SHAP values are exact, whatever ``num_samples`` says."""

_ROUNDING = 1e-12
"""The relative error of sums of values: features that a model does not use have no order among them."""


@dataclass(frozen=True, slots=True)
class Design:
    """Coalitions to evaluate, and the weights of their values.

    Attributes
    ----------
    explainer : str
        A name of `DESIGNS`.
    coalitions : array of bool, shape (C, M)
        Whether a feature is in a coalition.
    weights : array of float, shape (M, C + 2)
        W; the first two columns are those of the empty and the full coalition.
    """

    explainer: str
    coalitions: NDArray[np.bool_]
    weights: NDArray[np.float64]


def drop_rounding(values: NDArray[np.float64], empty: NDArray[np.float64], full: NDArray[np.float64]) -> None:
    """Set SHAP values to 0 that are not above the rounding error of the values they are made of.

    Parameters
    ----------
    values : array, shape (rows, outputs, features)
        Changed in place.
    empty, full : array, shape (outputs,) and (rows, outputs)
        Values of the empty and the full coalition.
    """
    largest = np.maximum(np.abs(empty), np.abs(full).max(axis=0))
    values[np.abs(values) <= _ROUNDING * largest[:, None]] = 0


def exact(features: int, _num_samples: int, _seed: int) -> Design:
    """All coalitions, weighted by Shapley's formula (Shapley 1953): no error except rounding."""
    masks = np.arange(2**features)
    members = (masks[:, None] >> np.arange(features)) & 1 == 1
    sizes = members.sum(axis=1)
    gains = np.array([factorial(s) * factorial(features - s - 1) / factorial(features) for s in range(features)])
    # A coalition adds its gain to the features in it, and subtracts that of the next size from those outside of it.
    inside = np.where(sizes > 0, gains[np.maximum(sizes - 1, 0)], 0.0)
    outside = np.where(sizes < features, gains[np.minimum(sizes, features - 1)], 0.0)
    weights = np.where(members, inside[:, None], -outside[:, None]).T
    order = np.r_[0, masks[-1], masks[1:-1]]
    return Design("exact", members[1:-1], weights[:, order])


def kernel(features: int, num_samples: int, seed: int) -> Design:
    """Kernel SHAP on pairs of a coalition and its complement, drawn without replacement.

    The weighted least squares of Lundberg and Lee (2017) under the constraint of efficiency. As many pairs are drawn
    of each size, which is in proportion to leverage scores (Musco and Witter 2025), and weighted back to the kernel.
    At least 2 * features coalitions are drawn: with fewer the least squares have no single solution.
    """
    rng = np.random.default_rng(seed)
    shares = _pairs_by_size(features, max(num_samples, 2 * features) // 2)
    coalitions = _pairs(features, shares, rng)
    while np.linalg.matrix_rank(coalitions) < features:  # the least squares would have no single solution
        coalitions = _pairs(features, shares, rng)
    masses = {size: (features - 1) / (size * (features - size)) for size in shares}
    halves = [(mass if 2 * size == features else 2 * mass, 2 * shares[size]) for size, mass in masses.items()]
    w = np.concatenate([np.full(count, mass / count) for mass, count in halves])[:, None]
    z = coalitions.astype(np.float64)
    inverse = np.linalg.pinv(z.T @ (w * z))
    solution = (w * z) @ inverse
    share = inverse.sum(axis=1) / inverse.sum()
    solution -= np.outer(solution.sum(axis=1), share)
    ends = np.stack([-solution.sum(axis=0) - share, share])
    return Design("kernel", coalitions, np.concatenate([ends, solution]).T)


def permutation(features: int, num_samples: int, seed: int) -> Design:
    """Mean gain of each feature when features join in a random order and in its reverse (Mitchell et al. 2022)."""
    rng = np.random.default_rng(seed)
    pairs = max(1, num_samples // (2 * (features - 1))) if features > 1 else 1
    orders = [order for _ in range(pairs) for drawn in [rng.permutation(features)] for order in (drawn, drawn[::-1])]
    known = {bytes(features): 0, bytes([1] * features): 1}
    weights: dict[tuple[int, int], float] = {}
    for order in orders:
        member = np.zeros(features, dtype=np.uint8)
        before = 0
        for feature in order:
            member[feature] = 1
            after = known.setdefault(member.tobytes(), len(known))
            for place, sign in ((after, 1), (before, -1)):
                weights[feature, place] = weights.get((feature, place), 0.0) + sign / len(orders)
            before = after
    matrix = np.zeros((features, len(known)))
    for (feature, place), weight in weights.items():
        matrix[feature, place] = weight
    members = np.array([np.frombuffer(key, dtype=np.uint8) for key in known]) == 1
    return Design("permutation", members[2:], matrix)


DESIGNS: Mapping[str, Callable[[int, int, int], Design]] = {
    "exact": exact,
    "kernel": kernel,
    "permutation": permutation,
}
"""The explainers that need only predictions of a model: functions of features, samples and a seed."""


def design(explainer: str, features: int, num_samples: int | None, seed: int) -> Design:
    """Choose the coalitions to evaluate.

    Parameters
    ----------
    explainer : str
        A name of `DESIGNS`; ``auto`` is ``exact`` for up to `MOST_EXACT_FEATURES` features, or where `num_samples` is
        enough for all coalitions, else ``kernel``.
    num_samples : int, optional
        How many coalitions; 2 * features + 2048 by default.

    Raises
    ------
    InvalidInput
        ``InvalidAnalysisConfig`` for an unknown explainer; ``TooManyFeatures`` where exact values were
        requested and would take more than a million coalitions.
    """
    samples = 2 * features + 2048 if num_samples is None else num_samples
    if explainer == "auto":
        explainer = "exact" if features <= MOST_EXACT_FEATURES or 2**features - 2 <= samples else "kernel"
    if explainer not in DESIGNS:
        message = f"methods.shap.explainer: must be one of auto, tree, {', '.join(DESIGNS)}"
        raise InvalidInput("InvalidAnalysisConfig", message)
    if explainer == "exact" and features > 20:
        message = f"exact SHAP values of {features} features take 2 to the power of {features} coalitions: "
        raise InvalidInput("TooManyFeatures", f"{message}remove methods.shap.explainer, or name another")
    if features == 1:
        explainer = "exact"
    return DESIGNS[explainer](features, samples, seed)


def _pairs_by_size(features: int, wanted: int) -> dict[int, int]:
    """Distribute pairs over the sizes of their smaller halves, evenly as far as each size has as many pairs."""
    room = {s: comb(features, s) // (2 if 2 * s == features else 1) for s in range(1, features // 2 + 1)}
    shares = dict.fromkeys(room, 0)
    left = min(wanted, sum(room.values()))
    while left:
        open_sizes = [size for size in room if shares[size] < room[size]]
        each = max(1, left // len(open_sizes))
        for size in open_sizes[:left]:
            more = min(each, room[size] - shares[size], left)
            shares[size] += more
            left -= more
    return {size: pairs for size, pairs in shares.items() if pairs}


def _pairs(features: int, shares: Mapping[int, int], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Draw pairs of each size: the smaller halves of a size, then their complements."""
    drawn = [_distinct_pairs(features, size, pairs, rng) for size, pairs in shares.items()]
    return np.concatenate([half for members in drawn for half in (members, ~members)])


def _distinct_pairs(features: int, size: int, pairs: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Draw smaller halves of distinct pairs, all coalitions of the size being equally likely."""
    found: dict[bytes, NDArray[np.bool_]] = {}
    while len(found) < pairs:
        ranks = rng.random((2 * pairs, features)).argsort(axis=1)
        for member in ranks < size:
            # Of halves of equal size only the one with the first feature represents the pair.
            one = ~member if 2 * size == features and not member[0] else member
            found.setdefault(one.tobytes(), one)
    return np.array(list(found.values())[:pairs])
