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


def json_number(value: float | Undefined) -> float | dict[str, str]:
    """Write a number for JSON; one that is undefined becomes an object with the reason."""
    return {"undefined": value.reason} if isinstance(value, Undefined) else value
