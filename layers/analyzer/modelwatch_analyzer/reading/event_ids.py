"""Counting repeated events in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

REMEMBERED_EVENTS = 1 << 17
"""The number of events whose ids are remembered at least, as 64-bit hashes; they take up to about 20 MB."""


@dataclass(slots=True)
class EventIds:
    """Remembers the latest event ids.

    A repeated id is always counted if fewer than `REMEMBERED_EVENTS` events came in between, and may be counted if
    fewer than twice as many did; three times as many, where the events were read in pieces. The probability that a new
    id is mistaken for an old one is 2e-14 for each id.
    """

    _latest: set[int] = field(default_factory=set)
    _older: set[int] = field(default_factory=set)
    _first: set[int] | None = None

    def count_repeated(self, ids: pl.Series) -> int:
        """Remember the ids of some events, null or empty if an event has none; return how many are repeated."""
        hashes = ids.filter(ids != "").hash().to_list()
        found = set(hashes)
        repeated = len(hashes) - len(found.difference(self._latest, self._older))
        self._latest |= found
        if len(self._latest) >= REMEMBERED_EVENTS:
            if self._first is None:
                self._first = self._latest
            self._older, self._latest = self._latest, set()
        return repeated

    def followed_by(self, later: EventIds) -> tuple[EventIds, int]:
        """Return what is remembered of both, which do not change, and how many of the later events are repeated.

        Parameters
        ----------
        later : EventIds
            The ids of the events that follow, without those that are repeated among themselves.
        """
        first = later._latest if later._first is None else later._first
        repeated = len(first & self._latest) + len(first & self._older - self._latest)
        if later._first is not None:
            mine = self._latest if self._first is None else self._first
            return EventIds(later._latest, later._older, mine), repeated
        latest = self._latest | later._latest
        if len(latest) < REMEMBERED_EVENTS:
            return EventIds(latest, self._older, self._first), repeated
        return EventIds(set(), latest, latest if self._first is None else self._first), repeated
