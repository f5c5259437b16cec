"""``BaseliningJobs`` in the ledger table; the index lists open ones by the time they are due."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from modelwatch_core.adapters.aws.versioned_items import TIMELINE, Item, Listing, VersionedItems, parsed_item
from modelwatch_core.domain.baselining_job import BaseliningJob
from modelwatch_core.domain.documents import iso_utc
from modelwatch_core.ports import Page, UnreadableRecord


@dataclass(frozen=True, slots=True)
class TableBaseliningJobs:
    """``BaseliningJobs`` in the ledger table."""

    items: VersionedItems

    def get(self, name: str) -> BaseliningJob | None:
        """Return a job, or None."""
        return self.items.document(BaseliningJob, f"BASELINE#{name}", "JOB")

    def save(self, job: BaseliningJob) -> None:
        """Write a job."""
        self.items.put(job_item(job), exists="BaseliningJobExists")

    def page(self, *, limit: int, after: str | None = None, descending: bool = True) -> Page[BaseliningJob]:
        """Return a page of jobs."""
        return self.items.page(BaseliningJob, Listing(TIMELINE, "JOBS", limit, after, descending))

    def still_open(self, due_by: datetime | None = None) -> Iterator[BaseliningJob | UnreadableRecord]:
        """Yield every job that is open."""
        for item in self.items.listed_until("OPEN_JOBS", due_by):
            yield parsed_item(BaseliningJob, item)


def job_item(job: BaseliningJob) -> Item:
    """Return a baselining job's item."""
    item: Item = {
        "pk": f"BASELINE#{job.baselining_job_name}",
        "sk": "JOB",
        "time_list": "JOBS",
        "time_key": f"{iso_utc(job.creation_time)}#{job.baselining_job_name}",
        "version": job.version,
        "document": job.model_dump_json(),
    }
    return item if job.is_settled else item | {"list": "OPEN_JOBS", "list_key": iso_utc(job.due)}
