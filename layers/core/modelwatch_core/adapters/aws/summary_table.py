"""``MonitorSummaries`` in the ledger table: one partition, ``SUMMARIES``, which takes 1,000 writes a second."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from modelwatch_core.adapters.aws.ledger_table import Listing, VersionedItems
from modelwatch_core.domain.dashboard.summaries import MonitorSummary

_PARTITION = "SUMMARIES"
_PAGE = 400
_MEMORY = timedelta(days=400)
"""Longer than a year, which is the longest that a usual schedule pauses; then that of a deleted one is removed."""


@dataclass(frozen=True, slots=True)
class TableMonitorSummaries:
    """``MonitorSummaries`` in the ledger table."""

    items: VersionedItems

    def put(self, summary: MonitorSummary, *, read_at: datetime) -> None:
        """Replace a schedule's summary."""
        moment = read_at.isoformat(timespec="microseconds")
        item = {
            "pk": _PARTITION,
            "sk": summary.schedule_id,
            "version": 1,
            "document": summary.model_dump_json(),
            "read_at": moment,
            "expires_at": int((read_at + _MEMORY).timestamp()),
        }
        not_older = {
            "ConditionExpression": "attribute_not_exists(pk) OR read_at <= :moment",
            "ExpressionAttributeValues": {":moment": moment},
        }
        self.items.put_where(item, **not_older)

    def all(self) -> Iterator[MonitorSummary]:
        """Yield all that can be read."""
        found = self.items.all(MonitorSummary, Listing(None, _PARTITION, _PAGE, None, descending=False))
        yield from (each for each in found if isinstance(each, MonitorSummary))
