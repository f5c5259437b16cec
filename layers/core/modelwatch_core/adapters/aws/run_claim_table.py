"""``RunClaims`` in the ledger table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from modelwatch_core.adapters.aws.versioned_items import Item, VersionedItems
from modelwatch_core.ports import Clock, RunClaim

_MEMORY = timedelta(days=30)
_NO_RUN = "-"
"""Who has a subject that is stopped."""


@dataclass(frozen=True, slots=True)
class TableRunClaims:
    """``RunClaims`` in the ledger table; an item for each subject, kept for 30 days."""

    items: VersionedItems
    clock: Clock

    def claim(self, subject: str, run_id: str) -> RunClaim:
        """Claim an analysis for a run."""
        is_claimed = self.items.put_where(
            self._item(subject, run_id),
            ConditionExpression="attribute_not_exists(pk) OR run_id = :run",
            ExpressionAttributeValues={":run": run_id},
        )
        if is_claimed:
            return RunClaim.OWNED
        return RunClaim.STOPPED if self._owner(subject) == _NO_RUN else RunClaim.TAKEN

    def stop(self, subject: str) -> None:
        """Let no run analyse a subject any more."""
        self.items.overwrite(self._item(subject, _NO_RUN))

    def owner(self, subject: str) -> str | None:
        """Return the run that has an analysis, or None where none has."""
        owner = self._owner(subject)
        return None if owner == _NO_RUN else owner

    def _owner(self, subject: str) -> str | None:
        item = self.items.item(**self._key(subject))
        return str(item["run_id"]) if item else None

    @staticmethod
    def _key(subject: str) -> Item:
        return {"pk": f"RUN#{subject}", "sk": "CLAIM"}

    def _item(self, subject: str, run_id: str) -> Item:
        expires = self.clock.now() + _MEMORY
        return self._key(subject) | {"run_id": run_id, "expires_at": int(expires.timestamp())}
