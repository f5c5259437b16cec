"""The permutation test of a sum of scores: the normal law, and the double saddlepoint where its tail matters."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from modelwatch_analyzer.special_functions import normal_tail

Floats = NDArray[np.float64]

_TAIL = 0.02
"""The saddlepoint approximation replaces the normal one for p-values below this."""

_STEPS, _ROUNDING = 100, 1e-9
_FEW_SCORES = 20
"""With at most this many distinct scores the sum moves in steps, and half a step is taken off."""


def sum_test(scores: Floats, before: Floats, now: Floats) -> float:
    """Return the two-sided p of the sum of the current rows' scores if all rows are exchangeable.

    Parameters
    ----------
    scores : ndarray, shape (cells,)
        The score of every row in a cell.
    before, now : ndarray, shape (cells,)
        How many rows of each sample are in each cell.

    Notes
    -----
    The double saddlepoint of Skovgaard (1987), J. Appl. Prob. 24, for a sample without replacement as in Robinson
    (1982), JRSS B 44, and Kolassa and Robinson (2011).
    """
    counts = before + now
    filled = counts > 0
    scores, counts, drawn = scores[filled], counts[filled], now[filled]
    rows, size = float(counts.sum()), float(drawn.sum())
    if size in (0.0, rows):
        return 1.0
    centred = scores - float(scores @ counts) / rows
    spread = float(counts @ centred**2)
    if spread <= 0:
        return 1.0
    deviation = math.sqrt(size * (rows - size) * spread / (rows * (rows - 1)))
    total = abs(float(drawn @ centred))
    sign = 1.0 if float(drawn @ centred) >= 0 else -1.0
    if scores.size <= _FEW_SCORES:
        total = max(0.0, total - float(np.min(np.diff(np.unique(scores)))) / 2)
    normal = 2 * normal_tail(total / deviation)
    if normal >= _TAIL:
        return min(1.0, normal)
    return min(1.0, 2 * _saddlepoint(sign * centred, counts, total, size, rows))


def _saddlepoint(scores: Floats, counts: Floats, total: float, size: float, rows: float) -> float:
    """Return P(S >= total); where no saddlepoint is found, as at the end of what is possible, Chernoff's bound of it.

    The bound is that of S and the sample's size together, divided by the chance of the size, which is at least
    1 / sqrt(8 size (rows - size) / rows) (Robert Ash, Information Theory, 1965, lemma 4.7.1).
    """
    share = size / rows
    scale = math.sqrt(float(counts @ scores**2) / rows)
    standard, target = scores / scale, total / scale
    offset = math.log(share / (1 - share))

    def least_at(t: float, u: float) -> float:
        """Return what the saddlepoint minimizes: the cumulant generating function less t S and u times the size."""
        of_rows = np.logaddexp(math.log1p(-share), math.log(share) + t * standard + u)
        return float(counts @ of_rows) - t * target - u * size

    found, t, u, least, determinant = False, 0.0, 0.0, 0.0, 0.0
    for _ in range(_STEPS):
        p = np.exp(-np.logaddexp(0.0, -(offset + t * standard + u)))
        weight = counts * p * (1 - p)
        gradient = np.array([float((counts * p) @ standard) - target, float(counts @ p) - size])
        tt, tu, uu = float(weight @ standard**2), float(weight @ standard), float(weight.sum())
        determinant = tt * uu - tu * tu
        if not determinant > 0:
            break
        step_t = (uu * gradient[0] - tu * gradient[1]) / determinant
        step_u = (tt * gradient[1] - tu * gradient[0]) / determinant
        if not math.isfinite(step_t + step_u):
            break
        # Where a rare value decides the sum, whole steps lead far beyond the minimum, and nothing leads back.
        damping = 1.0
        while least_at(t - damping * step_t, u - damping * step_u) > least + _ROUNDING:
            damping /= 2
        t, u, before = t - damping * step_t, u - damping * step_u, least
        least, step = least_at(t, u), max(abs(step_t), abs(step_u))
        if step < 1e-10:
            found = True
            break
        if step > 1 and before - least < _ROUNDING:
            break  # the minimum is infinitely far away
    square = -2 * least
    if not (found and square > 0 and t > 0):
        return min(1.0, math.exp(least) * math.sqrt(8 * size * (rows - size) / rows))
    r = math.sqrt(square)
    v = t * math.sqrt(determinant / (rows * share * (1 - share)))
    density = math.exp(-square / 2) / math.sqrt(2 * math.pi)
    beyond: float = normal_tail(r) + density * (1 / v - 1 / r)
    return max(0.0, beyond)
