"""What other constraints would have found in past windows, by the statistics that executions have left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from modelwatch.app_client import AppClient
from modelwatch.model_monitor.execution import ENDED_WELL, MonitoringExecution
from modelwatch.model_monitor.files import Constraints, ModelMonitoringFile, Statistics
from modelwatch.s3 import S3Downloader
from modelwatch_core.domain.sagemaker_api.answers import Record

if TYPE_CHECKING:
    from modelwatch_analyzer.data_quality.documents import Constraints as DataConstraints
    from modelwatch_analyzer.data_quality.documents import Statistics as DataStatistics

Finding = tuple[str, str]
"""What is violated, and by which check."""


@dataclass(frozen=True)
class ReplayedWindow:
    """A past window under other constraints.

    Attributes
    ----------
    execution : MonitoringExecution
        The last one of the window.
    before : tuple of (str, str), optional
        What it found: feature and check. None where it did not end well, and nothing can be replayed.
    after : tuple of (str, str), optional
        What the other constraints find.
    unknown : tuple of (str, str)
        What only the rows of the window decide; ``modelwatch check`` reads them.
    """

    execution: MonitoringExecution
    before: tuple[Finding, ...] | None = None
    after: tuple[Finding, ...] | None = None
    unknown: tuple[Finding, ...] = ()


def replayed_windows(
    app: AppClient,
    schedule: Record,
    constraints: Constraints | str,
    start: datetime,
    end: datetime,
    statistics: Statistics | str | None,
) -> Iterator[ReplayedWindow]:
    """Yield the windows of a schedule; see ``ScheduleExecutions.replay``."""
    from modelwatch_core.domain.errors import InvalidInput

    if schedule["monitoring_type"] != "DataQuality":
        name, kind = schedule["monitoring_schedule_name"], schedule["monitoring_type"]
        raise ValueError(f"{name} monitors {kind}; replay is for DataQuality. Update the schedule and call backfill")
    try:
        from modelwatch_analyzer.data_quality.documents import Constraints as DataConstraints
        from modelwatch_analyzer.data_quality.documents import Statistics as DataStatistics

        given = statistics or (schedule.get("baseline") or {}).get("statistics_s3_uri")
        baseline = DataStatistics.parsed(*_content(app, given)) if given else None
        changed = DataConstraints.parsed(*_content(app, constraints))
        for record in _latest_attempts(app, schedule, start, end):
            yield _replayed(app, schedule, MonitoringExecution(app, record), changed, baseline)
    except InvalidInput as error:
        raise ValueError(str(error)) from None


def _replayed(
    app: AppClient,
    schedule: Record,
    execution: MonitoringExecution,
    constraints: DataConstraints,
    baseline: DataStatistics | None,
) -> ReplayedWindow:
    from modelwatch_analyzer.data_quality.documents import Statistics as DataStatistics
    from modelwatch_analyzer.data_quality.replay import replayed

    if execution.monitoring_execution_status not in ENDED_WELL:
        return ReplayedWindow(execution)
    current = DataStatistics.parsed(*_content(app, f"{execution.output.destination}/{Statistics.file_name}"))
    found = replayed(current, constraints, baseline, excluded=_excluded(schedule))
    violations = execution.constraint_violations()
    before = tuple((subject, check) for subject, check, _ in violations.table()) if violations else ()
    return ReplayedWindow(execution, before, found.violations, found.unknown)


def _latest_attempts(app: AppClient, schedule: Record, start: datetime, end: datetime) -> Iterator[Record]:
    """Yield the last execution of each scheduled time, in their order."""
    span = {
        "scheduled_time_after": (start - timedelta(seconds=1)).isoformat(),
        "scheduled_time_before": end.isoformat(),
    }
    order = {"sort_by": "ScheduledTime", "sort_order": "Ascending"}
    named = {"monitoring_schedule_name": schedule["monitoring_schedule_name"]}
    latest: dict[str, Record] = {}
    for record in app.pages("ListMonitoringExecutions", "executions", **named, **span, **order):
        if "window" not in record or record.get("one_off"):
            continue
        time = record["scheduled_time"]
        if time not in latest or record["attempt"] > latest[time]["attempt"]:
            latest[time] = record
    yield from latest.values()


def _excluded(schedule: Record) -> frozenset[str]:
    watched = schedule.get("endpoint_input") or schedule.get("batch_transform_input") or {}
    names = str(watched.get("exclude_features_attribute") or "")
    return frozenset(name.strip() for name in names.split(",") if name.strip())


def _content(app: AppClient, file: ModelMonitoringFile | str) -> tuple[bytes, str]:
    """Return the content of a file and the name that messages call it by."""
    if isinstance(file, ModelMonitoringFile):
        import json

        return json.dumps(file.body_dict).encode(), file.file_s3_uri or file.file_name
    if file.startswith("s3://"):
        return S3Downloader.read_bytes(file, app), file
    if not Path(file).is_file():
        raise ValueError(f"{file!r} is neither an S3 URI nor a file on this machine")
    return Path(file).read_bytes(), file
