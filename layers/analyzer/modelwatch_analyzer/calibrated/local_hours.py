"""Hours on the clocks of a time zone.

An hour that clocks repeat is one hour of theirs, and one that they leave out is none.
"""

from __future__ import annotations

from datetime import MAXYEAR, UTC, datetime

import numpy as np
from numpy.typing import NDArray

from modelwatch_core.domain.time_zones import time_zone

Integers = NDArray[np.int64]

_HOUR = 60
_LAST = int(datetime(MAXYEAR, 1, 1, tzinfo=UTC).timestamp()) // 60
"""Later times count as this one: those of some zones would be beyond what a date can be."""


def slot_minutes(zone: str | None) -> int:
    """Return in spans of how many minutes times are counted: clocks differ from UTC by quarters of an hour."""
    return _HOUR if zone is None else _HOUR // 4


def local_hours(slots: Integers, zone: str | None) -> Integers:
    """Return hours since 1970-01-01T00:00 on the clocks of a zone, of UTC if there is none.

    Parameters
    ----------
    slots : ndarray of int
        Times since 1970-01-01T00:00Z in `slot_minutes`. Negative ones are not known, and stay negative.
    """
    if zone is None:
        return slots
    distinct, places = np.unique(slots, return_inverse=True)
    clocks, minutes = time_zone(zone), np.clip(distinct * slot_minutes(zone), 0, _LAST)
    shown = (datetime.fromtimestamp(60 * each, clocks).replace(tzinfo=UTC) for each in minutes.tolist())
    hours = np.array([each.timestamp() // (60 * _HOUR) for each in shown], np.int64)
    return np.where(distinct < 0, -1, hours)[places]
