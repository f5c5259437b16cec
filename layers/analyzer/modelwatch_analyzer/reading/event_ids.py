"""Counting repeated events in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

REMEMBERED_EVENTS = 1 << 17
"""The number of events whose ids are remembered at least, as 64-bit hashes; they take up to about 20 MB."""


@dataclass(slots=True)
class EventIds:
    """Remembers the latest event ids.

    A repeated id is always counted if fewer than `REMEMBERED_EVENTS` events came in between, and may be counted if
    fewer than twice as many did. The probability that a new id is mistaken for an old one is 2e-14 for each id.
    """

    _latest: set[int] = field(default_factory=set)
    _older: set[int] = field(default_factory=set)

    def count_repeated(self, ids: Iterable[str | None]) -> int:
        """Remember the ids of some events, None if an event has no id; return how many of them are repeated."""
        hashes = [hash(event_id) for event_id in ids if event_id]
        fresh = set(hashes).difference(self._older)
        known = len(self._latest)
        self._latest |= fresh
        repeated = len(hashes) - (len(self._latest) - known)
        if len(self._latest) >= REMEMBERED_EVENTS:
            self._older, self._latest = self._latest, set()
        return repeated
