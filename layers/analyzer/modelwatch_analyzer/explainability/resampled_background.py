"""How far an explanation depends on the baseline rows that it compares with: a bootstrap over these rows.

The value of a coalition is a mean over the baseline rows. With as many rows drawn from them with replacement it is a
weighted mean of predictions that the model has given already, so that rows are explained again without a model call.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelwatch_analyzer.explainability.attribution import AGGREGATIONS, Floats, kendall_tau
from modelwatch_analyzer.explainability.config import AggregationMethod
from modelwatch_analyzer.spread import mean, standard_deviation
from modelwatch_analyzer.undefined import Undefined, json_number

MOST_ROWS = 100
"""The most explained rows that are explained again. They are the first of the sample, so they are always the same
ones."""
MOST_PREDICTIONS = 1 << 21
"""The most predictions that are kept to explain rows again: 16 MiB."""

_REPLICATES = 200
"""The number of replicates: enough for a standard error (Efron and Tibshirani 1993, section 6.4), whose own relative
error is then 5 %."""

Reweighted = Callable[[Floats], Floats]
"""Computes SHAP values, of shape (rows, outputs, features), from weights of the baseline rows, which add up to 1."""


@dataclass(frozen=True, slots=True)
class BackgroundResampling:
    """One output's global attributions under resampling of the baseline rows.

    Attributes
    ----------
    rows, background_rows, replicates : int
        Rows that were explained again, baseline rows that were drawn from, and how often.
    kendall_tau : float or Undefined
        Mean rank agreement of the replicates with the explanation by all baseline rows; replicates that give all
        features the same attribution have no order and are left out.
    attributions, standard_errors : array, shape (features,)
        Global attributions of these rows by all baseline rows, and their standard errors in the same unit.
    """

    rows: int
    background_rows: int
    replicates: int
    kendall_tau: float | Undefined
    attributions: Floats
    standard_errors: Floats

    @property
    def greatest_error(self) -> float | Undefined:
        """The greatest standard error, as a share of all attribution."""
        total = float(np.abs(self.attributions).sum())
        return float(self.standard_errors.max()) / total if total else Undefined("no feature has any attribution")

    def document(self, features: tuple[str, ...]) -> dict[str, Any]:
        """Write it for JSON."""
        return {
            "rows": self.rows,
            "background_rows": self.background_rows,
            "replicates": self.replicates,
            "kendall_tau": json_number(self.kendall_tau),
            "standard_errors": dict(zip(features, self.standard_errors.tolist(), strict=True)),
        }


def resample_background(
    reweighted: Reweighted | Undefined, background_rows: int, method: AggregationMethod, seed: int
) -> list[BackgroundResampling] | Undefined:
    """Explain rows again with resampled baseline rows, and compare the global attributions (Efron 1979).

    Returns
    -------
    list of BackgroundResampling, or Undefined
        One for each output.
    """
    if isinstance(reweighted, Undefined):
        return reweighted
    if background_rows < 2:
        return Undefined("one baseline row cannot be resampled")
    aggregate = AGGREGATIONS[method]
    even = np.full(background_rows, 1 / background_rows)
    drawn = np.random.default_rng(seed).multinomial(background_rows, even, size=_REPLICATES) / background_rows
    by_all = reweighted(even)
    rows, outputs, _ = by_all.shape
    replicates = np.empty((outputs, _REPLICATES, by_all.shape[2]))
    for number, weights in enumerate(drawn):
        values = reweighted(weights)
        for output in range(outputs):
            replicates[output, number] = aggregate(values[:, output])
    return [
        _compared(rows, background_rows, aggregate(by_all[:, output]), replicates[output]) for output in range(outputs)
    ]


def _compared(rows: int, background_rows: int, attributions: Floats, replicates: Floats) -> BackgroundResampling:
    errors = np.array([standard_deviation(column, ddof=1) for column in replicates.T])
    agreement = _agreement(attributions, replicates)
    return BackgroundResampling(rows, background_rows, len(replicates), agreement, attributions, errors)


def _agreement(by_all: Floats, replicates: Floats) -> float | Undefined:
    found = [kendall_tau(by_all, replicate) for replicate in replicates]
    defined = [tau for tau in found if not isinstance(tau, Undefined)]
    return mean(np.array(defined)) if defined else Undefined("all features have the same attribution")
