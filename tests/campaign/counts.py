"""What is left when a campaign is over, held against what docs/reliability.md promises."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise, takewhile
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.s3.models import s3_backends
from moto.sagemaker.models import sagemaker_backends
from moto.sqs.models import sqs_backends

from modelwatch_core import wiring
from modelwatch_core.app.output_folder import END_OF_ANALYSIS
from modelwatch_core.domain.alerts import AlertPhase
from modelwatch_core.domain.documents import iso_utc
from modelwatch_core.domain.events import AnalysisEnded
from modelwatch_core.domain.monitoring_execution import MonitoringExecution
from tests.campaign import newer_version
from tests.campaign.faults import Faults
from tests.campaign.functions import reports
from tests.campaign.plan import HOUR, Ending, Plan
from tests.campaign.services import GivenUp, Log
from tests.campaign.template import ACCOUNT, REGION, RESULTS, deployment

_TRUE: Mapping[Ending, tuple[str, tuple[str, ...]]] = {
    Ending.COMPLETED: ("Completed", ("",)),
    Ending.WITH_VIOLATIONS: ("CompletedWithViolations", ("",)),
    Ending.REFUSED: ("Failed", ("AllMalformed",)),
    Ending.CRASHES: ("Failed", ("AnalyzerCrashed", "HostDidNotReport")),
    Ending.NO_DATA: ("Failed", ("NoData",)),
}
"""The status of each ending, and the codes of its reason."""

_PREVENTED = ("AnalyzerCrashed", "HostDidNotReport")
_PREVENTED_ENDPOINT = ("TemporaryEndpointTooSlow", "TemporaryEndpointFailed")
_NOT_FIRED = "/not-fired/"
ALERTED = ("CompletedWithViolations", "Failed")
"""The statuses about which an alert is due."""


@dataclass(slots=True)
class Counts:
    """The table, and everything that is not as promised.

    Attributes
    ----------
    rows : dict of str to int
        The table.
    differences : list of str
        One for each, with the execution that it is of.
    trace : str
        Of what happened: a campaign that is repeated has the same.
    """

    trace: str
    rows: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)

    def table(self) -> str:
        """Return the table as text."""
        return "\n".join(f"{number:9,}  {name}" for name, number in self.rows.items())


def counted(plan: Plan, log: Log, faults: Faults, calls: int, trace: str) -> Counts:
    """Count what is left."""
    items = list(stored_items())
    counts = Counts(trace)
    records = _judged(plan, log, counts, [execution_of(item) for item in items if is_execution(item)])
    _count_files(plan, counts, records)
    _count_announcements(log, counts, records)
    _count_alerts(log, counts, records)
    _count_dead_letters(log, counts)
    _count_orphans(counts, items, records)
    _count_faults(plan, log, faults, counts, calls)
    counts.rows["differences"] = len(counts.differences)
    return counts


def stored_items() -> Iterator[dict[str, Any]]:
    """Yield every item of the ledger, straight from moto: a scan would go through the whole table for each page."""
    table = dynamodb_backends[ACCOUNT][REGION].get_table(wiring._table().name)
    return (item.to_regular_json() for item in table.all_items())


def is_execution(item: Mapping[str, Any]) -> bool:
    """Return whether an item of the ledger is an execution."""
    return str(item["sk"]).startswith("EXECUTION#")


def execution_of(item: Mapping[str, Any]) -> MonitoringExecution:
    """Return the execution that an item is, of whichever version of the app."""
    return MonitoringExecution.model_validate_json(newer_version.unmarked(str(item["document"])))


# ---------------------------------------------------------------- executions
def _judged(plan: Plan, log: Log, counts: Counts, found: list[MonitoringExecution]) -> list[MonitoringExecution]:
    by_window: dict[tuple[str, datetime, datetime], list[MonitoringExecution]] = {}
    for record in found:
        window = (record.monitoring_schedule_name, record.window.start, record.window.end)
        by_window.setdefault(window, []).append(record)
    rows = counts.rows
    rows["windows that were due"] = plan.executions
    rows["... with exactly one terminal record, announced"] = 0
    for schedule, start in plan.windows():
        records = by_window.pop((schedule.name, start, start + HOUR), [])
        if len(records) != 1:
            counts.differences.append(f"{schedule.name} {iso_utc(start)}: {len(records)} records")
            continue
        (record,) = records
        if not record.is_done:
            status = record.monitoring_execution_status
            counts.differences.append(f"{record.subject}: {status}, and not done")
            continue
        rows["... with exactly one terminal record, announced"] += 1
        rows[_category(plan, log, counts, record)] += 1
    for records in by_window.values():
        counts.differences += [f"{record.subject}: no such window was due" for record in records]
    return found


def _category(plan: Plan, log: Log, counts: Counts, record: MonitoringExecution) -> str:
    ending = plan.ending(record.monitoring_schedule_name, record.window.start)
    status = str(record.monitoring_execution_status)
    reason = (record.outcome.failure_reason if record.outcome else None) or ""
    code = reason.partition(":")[0]
    true_status, codes = _TRUE[ending]
    if status == true_status and code in codes:
        return f"...... {status}" + (f": {code}" if code else "")
    ended = log.ended.get(record.subject)
    announced = log.announced.get(record.subject)
    is_known = ended is not None and announced is not None and ended.moment <= announced[0][0]
    if not is_known and _was_prevented(plan, log, record, code):
        return f"...... Failed: {code}, where faults prevented the analysis, or every report of its end"
    known = f"; its analysis ended as {ended.status} at {iso_utc(ended.moment)}" if ended else ""
    counts.differences.append(f"{record.subject}: {status} {reason}, planned as {ending}{known}")
    return "...... not the true status"


def _was_prevented(plan: Plan, log: Log, record: MonitoringExecution, code: str) -> bool:
    if code in _PREVENTED:
        return record.subject in log.prevented
    if code not in _PREVENTED_ENDPOINT:
        return False
    return any(outage.start <= record.last_modified_time for outage in plan.outages) and (
        record.last_modified_time - record.creation_time > HOUR
    )


# ---------------------------------------------------------------- files
def _count_files(plan: Plan, counts: Counts, records: list[MonitoringExecution]) -> None:
    bucket = s3_backends[ACCOUNT]["aws"].buckets[RESULTS]
    found = {name: key.value for name, key in bucket.keys.items() if not name.startswith("baseline/")}
    rows = counts.rows
    rows["report files, whole"] = 0
    for record in records:
        folder = record.output_s3_uri.removeprefix(f"s3://{RESULTS}/")
        ending = plan.ending(record.monitoring_schedule_name, record.window.start)
        expected = reports(record.monitoring_schedule_name, record.window.start, ending)
        for name, content in expected.items():
            stored = found.pop(f"{folder}/{name}", None)
            if stored == content:
                rows["report files, whole"] += 1
            elif stored is not None:
                counts.differences.append(f"{record.subject}: {name} is not whole")
            elif str(record.monitoring_execution_status).startswith("Completed"):
                counts.differences.append(f"{record.subject}: {name} is not there")
        end = found.pop(f"{folder}/{END_OF_ANALYSIS}", None)
        if end is not None and AnalysisEnded.model_validate_json(newer_version.unmarked(end.decode())).subject != (
            record.subject
        ):
            counts.differences.append(f"{record.subject}: the stored end is another's")
    names = {"index", *(record.monitoring_schedule_name for record in records)}
    pages = {f"dashboard/{name}.html" for name in names}
    counts.differences += [f"{name} is not there" for name in sorted(pages - found.keys())]
    counts.differences += [f"{name}: an object of no execution" for name in found.keys() - pages]


# ---------------------------------------------------------------- events and alerts
def _count_announcements(log: Log, counts: Counts, records: list[MonitoringExecution]) -> None:
    rows = counts.rows
    rows["executions announced more than once"] = 0
    for record in records:
        statuses = [status for _, status in log.announced.get(record.subject, [])]
        if set(statuses) != {str(record.monitoring_execution_status)}:
            counts.differences.append(
                f"{record.subject}: {record.monitoring_execution_status}, announced as {statuses}"
            )
        rows["executions announced more than once"] += len(statuses) > 1


def alert_key(record: MonitoringExecution) -> str:
    """Return the key of the alert about an execution."""
    window = f"{iso_utc(record.window.start)}/{iso_utc(record.window.end)}"
    return f"{record.schedule_id}/{window}/{record.attempt}/{record.monitoring_execution_status}"


def _over(key: str) -> str:
    """Return the key of the message that what an execution found is since resolved."""
    return f"{key}/{AlertPhase.RECOVERED}"


def _count_alerts(log: Log, counts: Counts, records: list[MonitoringExecution]) -> None:
    rows = counts.rows
    promised = {
        alert_key(record): record.subject for record in records if str(record.monitoring_execution_status) in ALERTED
    }
    lost = {letter.concerns for letter in log.given_up if letter.is_lost}
    rows["alerts that were due"] = len(promised)
    rows["... sent once"] = sum((log.alerts[key] or log.alerts[_over(key)]) == 1 for key in promised)
    rows["... sent again, because nobody could know that SNS took them"] = 0
    rows["... lost with a message that the queue did not take"] = 0
    for key, subject in promised.items():
        times = log.alerts[key] or log.alerts[_over(key)]
        if times == 0 and {key, subject} & lost:
            rows["... lost with a message that the queue did not take"] += 1
        elif times == 0:
            counts.differences.append(f"{subject}: no alert")
        elif times > 1 + log.uncertain_alerts[key]:
            counts.differences.append(f"{subject}: {times} alerts")
        elif times > 1:
            rows["... sent again, because nobody could know that SNS took them"] += 1
    possible = {alert_key(record) for record in records if str(record.monitoring_execution_status) == "Completed"}
    possible |= set(map(_over, promised))
    rows["messages that an alert is over"] = sum(log.alerts[key] > 0 for key in possible)
    rows["messages that a schedule did not fire"] = sum(_NOT_FIRED in key for key in log.alerts)
    for key, times in log.alerts.items():
        if key in promised:
            continue
        if key not in possible and _NOT_FIRED not in key:
            counts.differences.append(f"{key}: an alert that was not due")
        elif times > 1 + log.uncertain_alerts[key]:
            counts.differences.append(f"{key}: {times} messages")
    _count_recoveries(log, counts, records, lost)


def _count_recoveries(log: Log, counts: Counts, records: list[MonitoringExecution], lost: set[str]) -> None:
    """Miss each message that an alert is over: of one of the good executions that follow a bad one and began after it.

    Which of them says it depends on which ended first.
    """
    by_schedule: dict[str, list[MonitoringExecution]] = {}
    for record in sorted(records, key=lambda each: each.window.start):
        by_schedule.setdefault(record.schedule_id, []).append(record)
    for ordered in by_schedule.values():
        for place, (before, record) in enumerate(pairwise(ordered), start=1):
            was_bad = str(before.monitoring_execution_status) in ALERTED
            in_turn = before.last_modified_time < record.creation_time
            if not was_bad or not in_turn or log.alerts[_over(alert_key(before))]:  # announced after a good one
                continue
            good = [*takewhile(lambda each: str(each.monitoring_execution_status) == "Completed", ordered[place:])]
            said = {alert_key(each) for each in good}
            known = said | {each.subject for each in good}
            if good and not any(log.alerts[key] for key in said) and not known & lost:
                counts.differences.append(f"{record.subject}: no message that the alert is over")


# ---------------------------------------------------------------- dead letters
def _count_dead_letters(log: Log, counts: Counts) -> None:
    waiting = {message.id for message in sqs_backends[ACCOUNT][REGION].queues["DeadLetters"]._messages}
    rows, again = counts.rows, deployment().environment["REDELIVERED_FUNCTIONS"].split(",")
    rows["dead letters"] = len(log.given_up)
    for name in ("delivered again", "kept, as sweeps are", "lost, because where they go was away"):
        rows[f"... {name}"] = 0
    for letter in log.given_up:
        fate = _fate(letter, waiting, log, again)
        if fate is None:
            where = "waits in the queue" if letter.number in waiting else "is gone, and was not delivered"
            counts.differences.append(f"{letter.concerns}: the dead letter {letter.kind} {where}")
        else:
            rows[f"... {fate}"] += 1
        waiting.discard(letter.number)
    counts.differences += [f"{number}: a message in the queue that nobody gave up" for number in waiting]


def _fate(letter: GivenUp, waiting: set[str], log: Log, redelivered_functions: list[str]) -> str | None:
    if letter.is_lost:
        return "lost, because where they go was away"
    if letter.number in waiting:
        return None if letter.function in redelivered_functions else "kept, as sweeps are"
    return "delivered again" if log.redelivered[letter.kind, letter.concerns] else None


# ---------------------------------------------------------------- orphans
def _count_orphans(counts: Counts, items: list[dict[str, Any]], records: list[MonitoringExecution]) -> None:
    left = [f"{item['pk']}: a hold that nobody lets go of" for item in items if item["sk"] == "ACTIVE"]
    left += [f"{item['pk']}: the note of an endpoint" for item in items if item["sk"] == "ANALYSIS"]
    left += [f"{item['pk']}: an alert under way" for item in items if "sender" in item]
    left += [f"{item['pk']}: an alert that waits" for item in items if item.get("list") == "WAITING"]
    known = {record.subject for record in records}
    left += [
        f"{item['pk']}: the claim of an analysis that no record has"
        for item in items
        if item["sk"] == "CLAIM" and str(item["pk"]).removeprefix("RUN#") not in known
    ]
    sagemaker = sagemaker_backends[ACCOUNT][REGION]
    left += [
        f"{name}: an endpoint, or its configuration" for name in (*sagemaker.endpoints, *sagemaker.endpoint_configs)
    ]
    counts.rows["claims, leases, endpoints and configurations left over"] = len(left)
    counts.differences += left


# ---------------------------------------------------------------- what went wrong
def _count_faults(plan: Plan, log: Log, faults: Faults, counts: Counts, calls: int) -> None:
    rows = counts.rows
    rows["calls of AWS"] = calls
    rows["... that failed in an outage"] = faults.during_outages
    for fault, number in sorted(faults.counts.items()):
        rows[f"... {fault}"] = number
    rows["places (function, call, before or after it) at which processes were killed"] = len(faults.places_of_kills)
    rows["events and ticks that never came"] = log.lost_before_delivery
    rows["events and ticks that came three times"] = log.delivered_thrice
    rows["outages, one of each service"] = len(plan.outages)
    longest = max((outage.end - outage.start for outage in plan.outages), default=timedelta(0))
    rows["minutes of the longest"] = int(longest / timedelta(minutes=1))
