"""Numbers as people read them."""

from __future__ import annotations

_FEWEST_DIGITS = 4
MOST_DIGITS = 17
"""Enough digits to tell any two doubles apart."""
DIGITS = range(_FEWEST_DIGITS, MOST_DIGITS + 1)
"""The numbers of digits to try: a number is written in the fewest that distinguish it from those beside it."""


def number_text(value: float, digits: int = _FEWEST_DIGITS) -> str:
    """Write a number in some digits, without an exponent unless it is very large or small."""
    # From 9,999.5 on, four digits are 1e+04.
    return f"{value:,.0f}" if 10**digits - 0.5 <= abs(value) < 1e9 else f"{value:,.{digits}g}"


def p_text(p: float) -> str:
    """Write a p-value; one below 1e-12 has no digits worth reading."""
    return f"{p:.2g}" if p >= 1e-12 else "below 1e-12"


def count_text(number: int, noun: str) -> str:
    """Write a number of things: ``1 file``, ``2,000 files``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def left_out_text(number: int, noun: str, which: str) -> str:
    """Say that a number of things were left out: ``1 row without a label was left out``."""
    return f"{count_text(number, noun)} {which} {'was' if number == 1 else 'were'} left out"
