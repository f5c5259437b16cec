"""The permutation test of a sum of scores: the normal law, and the double saddlepoint where its tail matters."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from modelwatch_analyzer.calibrated.special_functions import normal_tail

Floats = NDArray[np.float64]

_TAIL = 0.02
"""The saddlepoint approximation replaces the normal one for p-values below this."""

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
    tail = _saddlepoint(sign * centred, counts, total, size, rows)
    return normal if tail is None else min(1.0, 2 * tail)


def _saddlepoint(scores: Floats, counts: Floats, total: float, size: float, rows: float) -> float | None:
    """Return P(S >= total), or None where no saddlepoint is found, as at the end of what is possible."""
    share = size / rows
    scale = math.sqrt(float(counts @ scores**2) / rows)
    standard, target = scores / scale, total / scale
    t = u = 0.0
    offset = math.log(share / (1 - share))
    determinant = 0.0
    for _ in range(60):
        p = np.exp(-np.logaddexp(0.0, -(offset + t * standard + u)))
        weight = counts * p * (1 - p)
        gradient = np.array([float((counts * p) @ standard) - target, float(counts @ p) - size])
        tt, tu, uu = float(weight @ standard**2), float(weight @ standard), float(weight.sum())
        determinant = tt * uu - tu * tu
        if not determinant > 0 or not math.isfinite(determinant):
            return None
        step_t = (uu * gradient[0] - tu * gradient[1]) / determinant
        step_u = (tt * gradient[1] - tu * gradient[0]) / determinant
        damping = min(1.0, 2.0 / max(abs(step_t), abs(step_u), 1e-300))
        t, u = t - damping * step_t, u - damping * step_u
        if max(abs(step_t), abs(step_u)) < 1e-10:
            break
    else:
        return None
    exponent = t * standard + u
    generating = float(counts @ (np.logaddexp(math.log1p(-share), math.log(share) + exponent)))
    square = 2 * (t * target + u * size - generating)
    if not (square > 0 and t > 0):
        return None
    r = math.sqrt(square)
    v = t * math.sqrt(determinant / (rows * share * (1 - share)))
    density = math.exp(-square / 2) / math.sqrt(2 * math.pi)
    beyond: float = normal_tail(r) + density * (1 / v - 1 / r)
    return max(0.0, beyond)
