"""The repair of the table's lists, the one thing of the doctor that writes."""

from __future__ import annotations

from collections.abc import Iterator

from modelwatch.doctor.deployed import Deployed
from modelwatch.doctor.problem import Problem
from modelwatch_core.adapters.aws.ledger_repair import RepairLists
from modelwatch_core.adapters.aws.versioned_items import VersionedItems
from modelwatch_core.domain.number_text import count_text


def repair(deployed: Deployed) -> Iterator[Problem]:
    """Put records into their lists, and yield what was done as a note, and what could not be."""
    repaired = RepairLists(VersionedItems(deployed.table))()
    if repaired.records:
        message = f"{count_text(repaired.records, 'record')} of an earlier version added to the lists of this one"
        yield Problem("ListsRepaired", message, "nothing to do", serious=False)
    for failure in repaired.failures:
        yield Problem("RecordNotListed", failure, "deploy the version that wrote it, or delete it; then repeat this")
