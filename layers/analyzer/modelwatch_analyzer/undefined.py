"""A number that does not exist, with the reason why."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Undefined:
    """What a statistic or a test returns where it is not defined, instead of a NaN.

    Attributes
    ----------
    reason : str
        Why; fits after "not compared: ".
    """

    reason: str
