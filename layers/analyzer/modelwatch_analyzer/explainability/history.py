"""An output's global attributions over the earlier executions: rank agreement, and the spread of shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from modelwatch_analyzer.explainability.attribution import Floats, kendall_tau, shares, stability
from modelwatch_analyzer.spread import mean, standard_deviation
from modelwatch_analyzer.undefined import Undefined


@dataclass(frozen=True, slots=True)
class ShareSpread:
    """A feature's share of all attribution, now and over the earlier executions.

    Attributes
    ----------
    now : float
    executions : int
        How many earlier executions the other numbers are of.
    mean, minimum, maximum : float
    standard_deviation : float or Undefined
        With the divisor ``executions - 1``.
    """

    now: float
    executions: int
    mean: float
    standard_deviation: float | Undefined
    minimum: float
    maximum: float


@dataclass(frozen=True, slots=True)
class AttributionHistory:
    """An output's attributions against those of the earlier executions.

    Attributes
    ----------
    stability : float or Undefined
        See `modelwatch_analyzer.explainability.attribution.stability`.
    taus : mapping of str to (float or Undefined)
        Kendall's tau with each earlier execution, the latest last.
    shares : mapping of str to ShareSpread
        The spread of each feature's share; empty where no feature has, or had, any attribution.
    """

    stability: float | Undefined
    taus: Mapping[str, float | Undefined]
    shares: Mapping[str, ShareSpread]

    @property
    def kendall_tau(self) -> float | Undefined:
        """Kendall's tau with the latest execution that it is defined for."""
        taus = list(self.taus.values()) or [Undefined("there is no earlier execution to compare with")]
        return next((tau for tau in reversed(taus) if not isinstance(tau, Undefined)), taus[-1])


def history_of(features: Sequence[str], now: Floats, earlier: Mapping[str, Floats | Undefined]) -> AttributionHistory:
    """Compare global attributions with those of the earlier executions.

    Parameters
    ----------
    now : array, shape (features,)
    earlier : mapping of str to (array of that shape, or Undefined)
        The values of each execution, the latest last; Undefined where it cannot be compared with.
    """
    known = [then for then in earlier.values() if not isinstance(then, Undefined)]
    taus = {name: then if isinstance(then, Undefined) else kendall_tau(now, then) for name, then in earlier.items()}
    return AttributionHistory(stability(now, known), taus, _share_spreads(features, now, known))


def _share_spreads(features: Sequence[str], now: Floats, earlier: Sequence[Floats]) -> dict[str, ShareSpread]:
    current = shares(now)
    then = [share for share in map(shares, earlier) if np.isfinite(share).all()]
    if not then or not np.isfinite(current).all():
        return {}
    columns = zip(features, current.tolist(), np.stack(then, axis=1), strict=True)
    return {name: _share_spread(share, past) for name, share, past in columns}


def _share_spread(now: float, past: Floats) -> ShareSpread:
    deviation = standard_deviation(past, ddof=1) if len(past) > 1 else Undefined("one execution has no spread")
    return ShareSpread(now, len(past), mean(past), deviation, float(past.min()), float(past.max()))
