"""What other constraints would have found in past windows, by the statistics that executions have left."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from modelwatch.app_client import AppClient
from modelwatch.model_monitor.execution import ENDED_WELL, MonitoringExecution
from modelwatch.model_monitor.files import Constraints, ModelMonitoringFile, Statistics
from modelwatch.s3 import S3Downloader
from modelwatch_core.domain.sagemaker_api.answers import Record

if TYPE_CHECKING:
    from modelwatch_analyzer.replay import Replay

Finding = tuple[str, str]
"""What is violated, and by which check."""

Content = tuple[bytes, str]
"""The content of a file, and the name that messages call it by."""


@dataclass(frozen=True)
class ReplayedWindow:
    """A past window under other constraints.

    Attributes
    ----------
    execution : MonitoringExecution
        The last one of the window.
    before : tuple of (str, str), optional
        What it found: feature or metric, and check. None where it did not end well, and nothing can be replayed.
    after : tuple of (str, str), optional
        What the other constraints find.
    unknown : tuple of (str, str)
        What only the rows of the window decide; ``modelwatch check`` reads them. Of model quality, a metric whose
        confidence interval is worse than its threshold, where all that chance makes of it must be.
    """

    execution: MonitoringExecution
    before: tuple[Finding, ...] | None = None
    after: tuple[Finding, ...] | None = None
    unknown: tuple[Finding, ...] = ()


Replayed = Callable[[bytes, str], "Replay"]
"""Checks the statistics of a window, of which it takes the content and the name."""


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

    name, kind = schedule["monitoring_schedule_name"], schedule["monitoring_type"]
    if kind not in _KINDS:
        raise ValueError(
            f"{name} monitors {kind}; replay is for {' and '.join(_KINDS)}, whose statistics are what constraints are"
            " compared with. Update the schedule and call backfill"
        )
    try:
        given = statistics or (schedule.get("baseline") or {}).get("statistics_s3_uri")
        baseline = _content(app, given) if given else None
        with _KINDS[kind](schedule, _content(app, constraints), baseline) as replayed:
            for record in _latest_attempts(app, schedule, start, end):
                yield _replayed(app, MonitoringExecution(app, record), replayed)
    except InvalidInput as error:
        raise ValueError(str(error)) from None


@contextmanager
def _data_quality(schedule: Record, constraints: Content, baseline: Content | None) -> Iterator[Replayed]:
    from modelwatch_analyzer.data_quality.documents import Constraints as DataConstraints
    from modelwatch_analyzer.data_quality.documents import Statistics as DataStatistics
    from modelwatch_analyzer.data_quality.replay import replayed

    then, changed = DataStatistics.parsed(*baseline) if baseline else None, DataConstraints.parsed(*constraints)
    excluded = _excluded(schedule)
    yield lambda *current: replayed(DataStatistics.parsed(*current), changed, then, excluded=excluded)


@contextmanager
def _model_quality(schedule: Record, constraints: Content, baseline: Content | None) -> Iterator[Replayed]:
    from modelwatch_analyzer.model_quality.replay import replayed
    from modelwatch_core.domain.monitor_kinds.model_quality import ModelQualitySettings
    from modelwatch_core.domain.settings_environment import settings_from_environment

    with TemporaryDirectory(prefix="modelwatch-") as scratch:

        def written(part: str, file: Content) -> Path:
            path = Path(scratch, part, Path(file[1]).name)  # messages name it by its name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(file[0])
            return path

        required = {"analysis_type": "MODEL_QUALITY", "dataset_source": scratch, "output_path": scratch}
        known = {"problem_type": schedule["problem_type"]}
        settings = settings_from_environment((schedule.get("environment") or {}) | required | known)
        if not isinstance(settings, ModelQualitySettings):
            raise TypeError(type(settings).__name__)
        changed, then = written("constraints", constraints), written("baseline", baseline) if baseline else None
        yield lambda *current: replayed(settings, written("current", current), changed, then)


_KINDS: Mapping[str, Callable[[Record, Content, Content | None], AbstractContextManager[Replayed]]] = {
    "DataQuality": _data_quality,
    "ModelQuality": _model_quality,
}
"""By kind of monitor, what replays its windows, made of the schedule, the changed constraints and the baseline."""


def _replayed(app: AppClient, execution: MonitoringExecution, replayed: Replayed) -> ReplayedWindow:
    if execution.monitoring_execution_status not in ENDED_WELL:
        return ReplayedWindow(execution)
    found = replayed(*_content(app, f"{execution.output.destination}/{Statistics.file_name}"))
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


def _content(app: AppClient, file: ModelMonitoringFile | str) -> Content:
    """Return the content of a file and the name that messages call it by."""
    if isinstance(file, ModelMonitoringFile):
        import json

        return json.dumps(file.body_dict).encode(), file.file_s3_uri or file.file_name
    if file.startswith("s3://"):
        return S3Downloader.read_bytes(file, app), file
    if not Path(file).is_file():
        raise ValueError(f"{file!r} is neither an S3 URI nor a file on this machine")
    return Path(file).read_bytes(), file
