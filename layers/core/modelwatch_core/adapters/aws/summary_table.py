"""What the dashboard keeps of monitors, in the ledger table.

``MonitorSummaries`` are one partition, ``SUMMARIES``, which takes 1,000 writes a second. ``MonitorPeriods`` have a
partition ``HISTORY#`` for each schedule.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from modelwatch_core.adapters.aws.versioned_items import Listing, VersionedItems, parsed_item
from modelwatch_core.domain.dashboard.periods import Period, PeriodLength
from modelwatch_core.domain.dashboard.summaries import MonitorSummary
from modelwatch_core.domain.documents import iso_utc
from modelwatch_core.ports import readable

_PARTITION = "SUMMARIES"
_PAGE = 400
_MEMORY = timedelta(days=400)
"""How long a summary is kept: longer than a year, the longest pause that is usual for a schedule. That of a deleted
schedule is removed then."""


@dataclass(frozen=True, slots=True)
class TableMonitorSummaries:
    """``MonitorSummaries`` in the ledger table."""

    items: VersionedItems

    def put(self, summary: MonitorSummary, *, read_at: datetime) -> None:
        """Replace a schedule's summary."""
        _replace(self.items, _PARTITION, summary.schedule_id, summary.model_dump_json(), read_at)

    def get(self, schedule_id: str) -> MonitorSummary | None:
        """Return a schedule's summary, or None."""
        item = self.items.item(_PARTITION, schedule_id)
        found = parsed_item(MonitorSummary, item) if item else None
        return found if isinstance(found, MonitorSummary) else None

    def all(self) -> Iterator[MonitorSummary]:
        """Yield all that can be read."""
        return readable(self.items.all(MonitorSummary, Listing(None, _PARTITION, _PAGE)))


@dataclass(frozen=True, slots=True)
class TableMonitorPeriods:
    """``MonitorPeriods`` in the ledger table."""

    items: VersionedItems

    def put(self, period: Period, *, read_at: datetime) -> None:
        """Replace a period."""
        document = period.model_dump_json(exclude_defaults=True)
        _replace(self.items, f"HISTORY#{period.schedule_id}", _sort_key(period.length, period.start), document, read_at)

    def hours(self, schedule_id: str, day: datetime) -> Iterator[Period]:
        """Yield the hours of a day."""
        last = day + timedelta(hours=23)
        span = (_sort_key(PeriodLength.HOUR, day), _sort_key(PeriodLength.HOUR, last))
        return self._listed(Listing(None, f"HISTORY#{schedule_id}", _PAGE, None, False, span, is_consistent=True))

    def days(self, schedule_id: str, *, most: int) -> Iterator[Period]:
        """Yield the latest days."""
        span = (f"{PeriodLength.DAY}#", f"{PeriodLength.DAY}#~")
        asked = Listing(None, f"HISTORY#{schedule_id}", most, None, descending=True, between=span)
        return islice(self._listed(asked), most)

    def _listed(self, asked: Listing) -> Iterator[Period]:
        return readable(self.items.all(Period, asked))


def _sort_key(length: PeriodLength, start: datetime) -> str:
    return f"{length}#{iso_utc(start)}"


def _replace(items: VersionedItems, pk: str, sk: str, document: str, read_at: datetime) -> None:
    """Write what was read at a moment, unless what stands was read later."""
    moment = read_at.isoformat(timespec="microseconds")
    item = {
        "pk": pk,
        "sk": sk,
        "version": 1,
        "document": document,
        "read_at": moment,
        "expires_at": int((read_at + _MEMORY).timestamp()),
    }
    not_older = {
        "ConditionExpression": "attribute_not_exists(pk) OR read_at <= :moment",
        "ExpressionAttributeValues": {":moment": moment},
    }
    items.put_where(item, **not_older)
