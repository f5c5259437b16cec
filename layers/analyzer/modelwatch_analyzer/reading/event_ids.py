"""Which captured events came before, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

REMEMBERED_EVENTS = 1 << 17
"""Of at least so many events the ids are remembered, as 64-bit hashes: at most some 20 MB."""


@dataclass(slots=True)
class EventIds:
    """Remembers event ids, and forgets the oldest.

    An id that comes again is told so if fewer than `REMEMBERED_EVENTS` events lie between; of twice as many it may
    be. That a new id is taken for an old one has a chance of 2e-14 for each.
    """

    _latest: set[int] = field(default_factory=set)
    _before: set[int] = field(default_factory=set)

    def repeated(self, ids: Iterable[str | None]) -> int:
        """Take in the ids of some events, None for those without; return how many of them came before."""
        hashes = [hash(name) for name in ids if name]
        fresh = set(hashes).difference(self._before)
        known = len(self._latest)
        self._latest |= fresh
        repeated = len(hashes) - (len(self._latest) - known)
        if len(self._latest) >= REMEMBERED_EVENTS:
            self._before, self._latest = self._latest, set()
        return repeated
