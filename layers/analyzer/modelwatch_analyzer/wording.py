"""Numbers in the texts of violations, as the first party's Java prints them, and lists of names."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

_MOST_LISTED = 10


def java_double(value: float) -> str:
    """Print a finite double as Java's ``Double.toString`` does.

    Plain from 0.001 to 10,000,000, otherwise with an exponent (``1.0E-4``); at least one digit behind the point, and
    no more digits than distinguish the value from its neighbours.
    """
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(value)
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    text = "".join(map(str, digits))
    return f"{'-' if sign else ''}{text[0]}.{text[1:] or '0'}E{len(digits) + int(exponent) - 1}"


def measured_text(value: float | None) -> str:
    """Print a double as `java_double` does, and say of None that it was not measured."""
    return "not measured" if value is None else java_double(value)


def percent(share: float) -> str:
    """Print a share in percent: ``99.64592817400101%``."""
    return f"{java_double(share * 100)}%"


def duration_text(seconds: float) -> str:
    """Say roughly how long something takes: ``40 seconds``, ``3 minutes``, ``12 hours``."""
    for unit, length in (("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:,.0f} {unit}"
    return f"{seconds:.0f} seconds" if seconds >= 2 else "2 seconds"


def listed(names: Sequence[str]) -> str:
    """Name some things in quotes, and count the rest."""
    return enumerated([repr(name) for name in names])


def enumerated(texts: Sequence[str]) -> str:
    """List some texts, and count the rest."""
    text = ", ".join(texts[:_MOST_LISTED])
    return text if len(texts) <= _MOST_LISTED else f"{text} and {len(texts) - _MOST_LISTED} more"
