"""Whether schedules run when they are due, and their metrics arrive."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice

from modelwatch.doctor.deployed import Deployed
from modelwatch.doctor.problem import Problem
from modelwatch_core.adapters.aws.execution_table import TableLedger
from modelwatch_core.adapters.aws.schedule_table import TableSchedules
from modelwatch_core.adapters.aws.versioned_items import VersionedItems
from modelwatch_core.app.scheduled_executions import by_scheduled_time
from modelwatch_core.domain.metric_namespace import metric_namespace
from modelwatch_core.domain.monitoring_execution import ExecutionStatus, MonitoringExecution
from modelwatch_core.domain.monitoring_schedule import MonitoringSchedule, ScheduleStatus
from modelwatch_core.ports import UnreadableRecord, readable

PATIENCE = timedelta(minutes=15)
"""How long after its tick an execution has its record at the latest: the sweep comes every five minutes."""
_PAGE = 100
_LATEST = 20


def executions(deployed: Deployed) -> Iterator[Problem]:
    """Yield the schedules that were due and have no execution, or whose latest one failed."""
    for schedule in _schedules(deployed):
        if isinstance(schedule, UnreadableRecord):
            message = f"{schedule.identity}: {schedule.reason}"
            yield Problem("RecordUnreadable", message, "deploy the version that wrote it, or delete the schedule")
            continue
        if schedule.monitoring_schedule_status is not ScheduleStatus.SCHEDULED:
            continue
        latest, due = _latest(deployed, schedule), _last_due(schedule, deployed.now)
        name = schedule.monitoring_schedule_name
        if due is not None and not any(each.scheduled_time >= due for each in latest):
            message = f"the schedule {name} was due at {due:%Y-%m-%dT%H:%MZ}, but has no execution since"
            yield Problem("NoExecutionLately", message, "see the dead-letter queue and the log of LaunchExecution")
        if latest and latest[0].monitoring_execution_status is ExecutionStatus.FAILED:
            reason = latest[0].outcome.failure_reason if latest[0].outcome else None
            message = f"the latest execution of {name} failed: {reason or 'without a reason'}"
            yield Problem("LatestExecutionFailed", message, "docs/errors.md says what to do about the code")


def metrics(deployed: Deployed) -> Iterator[Problem]:
    """Yield the namespaces in which CloudWatch has nothing although executions that publish have completed."""
    prefix = deployed.parameters.get("MetricNamespacePrefix", "aws/sagemaker")
    namespaces: dict[str, str] = {}
    for schedule in _schedules(deployed):
        if isinstance(schedule, UnreadableRecord) or not schedule.publish_cloudwatch_metrics:
            continue
        namespace = metric_namespace(schedule, prefix)
        if namespace in namespaces:  # one that completed is enough: there are few namespaces, and many schedules
            continue
        if any(each.monitoring_execution_status.is_completed for each in _latest(deployed, schedule)):
            namespaces[namespace] = schedule.monitoring_schedule_name
    for namespace, name in namespaces.items():
        if not deployed.client("cloudwatch").list_metrics(Namespace=namespace)["Metrics"]:
            message = f"CloudWatch has no metric in {namespace}, although executions of {name} have completed"
            yield Problem(
                "NoMetrics", message, "wait 15 minutes; then the log of FinishExecution says what was refused"
            )


def _schedules(deployed: Deployed) -> Iterator[MonitoringSchedule | UnreadableRecord]:
    schedules, after = TableSchedules(VersionedItems(deployed.table)), None
    while True:
        records, has_more = schedules.page(limit=_PAGE, after=after)
        yield from (schedule for schedule, _ in records)
        if not has_more:
            return
        after = records[-1][1]


def _latest(deployed: Deployed, schedule: MonitoringSchedule) -> Sequence[MonitoringExecution]:
    ledger = TableLedger(VersionedItems(deployed.table))
    found = by_scheduled_time(ledger, schedule.schedule_id, page=_LATEST)
    return list(readable(islice(found, _LATEST)))


def _last_due(schedule: MonitoringSchedule, now: datetime) -> datetime | None:
    """Return the last time at which it was due and must have an execution by now, if there is one."""
    delay = timedelta(minutes=schedule.start_delay_minutes)
    since = schedule.active_since or schedule.creation_time
    due = schedule.expression.last_due(now - delay - PATIENCE)
    return due if due and due + delay > since else None
