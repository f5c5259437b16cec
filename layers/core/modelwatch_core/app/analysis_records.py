"""What analyses are for: executions and baselining jobs, of which each has a record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from modelwatch_core.domain.baselining_job import BaseliningJob
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.monitoring_execution import ExecutionKey, MonitoringExecution
from modelwatch_core.ports import BaseliningJobs, Ledger, UnreadableRecord

AnalysisRecord = MonitoringExecution | BaseliningJob


@dataclass(frozen=True, slots=True)
class AnalysisRecords:
    """The executions and baselining jobs that analyses are for, by subject."""

    ledger: Ledger
    jobs: BaseliningJobs

    def get(self, subject: str) -> AnalysisRecord | None:
        """Return the record of a subject, or None.

        Raises
        ------
        InvalidInput
            ``UnknownSubject`` when it names nothing of ours.
        """
        if key := ExecutionKey.of_subject(subject):
            return self.ledger.get(key)
        if name := BaseliningJob.name_in(subject):
            return self.jobs.get(name)
        raise InvalidInput("UnknownSubject", f"{subject!r} names neither an execution nor a baselining job")

    def save(self, record: AnalysisRecord) -> None:
        """Write the next version of a record.

        Raises
        ------
        NotReady
            ``ChangedMeanwhile`` when it does not follow on the version that stands.
        """
        if isinstance(record, BaseliningJob):
            self.jobs.save(record)
        else:
            self.ledger.save(record)

    def still_open(self, due_by: datetime) -> Iterator[AnalysisRecord | UnreadableRecord]:
        """Yield every execution, then every job, that is open although it was due by a moment."""
        yield from self.ledger.still_open(due_by)
        yield from self.jobs.still_open(due_by)
