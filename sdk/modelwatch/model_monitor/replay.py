"""What other constraints would have found in past windows, by the statistics that executions have left."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from modelwatch.app_client import AppClient
from modelwatch.model_monitor.execution import ENDED_WELL, MonitoringExecution
from modelwatch.model_monitor.files import Constraints, ModelMonitoringFile, Statistics
from modelwatch.s3 import S3Downloader
from modelwatch_core.domain.sagemaker_api.responses import Record

if TYPE_CHECKING:
    from modelwatch_analyzer.replay import ReplayWindow
    from modelwatch_core.domain.analysis_settings import AnalysisSettings
    from modelwatch_core.domain.monitor_kinds import MonitorKind

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
        What it found: feature or metric, and check. None where it did not end well, or compared nothing.
    after : tuple of (str, str), optional
        What the other constraints find. None where it did not end well, and nothing can be replayed.
    unknown : tuple of (str, str)
        What only the rows of the window decide; ``modelwatch check`` reads them. Of model quality, a metric whose
        confidence interval is worse than its threshold, where all that chance makes of it must be. Of bias and
        explainability, what the changed file has measured in another way than the window was.
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
    from modelwatch_core.domain.monitor_kinds import monitor_kind

    kind = monitor_kind(schedule["monitoring_type"])
    try:
        with TemporaryDirectory(prefix="modelwatch-") as scratch:
            copies = _Copies(app, Path(scratch))
            check = _windows_check(schedule, kind, constraints, statistics, copies)
            for record in _latest_attempts(app, schedule, start, end):
                yield _replayed(MonitoringExecution(app, record), kind, check, copies)
    except InvalidInput as error:
        raise ValueError(str(error)) from None


@dataclass(frozen=True)
class _Copies:
    """Copies of files in a folder on this machine, where the analyzer reads them.

    Attributes
    ----------
    folder : Path
    """

    app: AppClient
    folder: Path

    def of(self, file: ModelMonitoringFile | str, part: str) -> Path:
        """Return a copy of a file; messages name it by its own name.

        Parameters
        ----------
        part : str
            What the file is: there may be several of one name.

        Raises
        ------
        InvalidInput
            ``FileNotFound``.
        """
        content, name = _content(self.app, file, part)
        return self.written(content, part, Path(name).name)

    def written(self, content: bytes, part: str, name: str) -> Path:
        """Return a file with some content."""
        path = self.folder / part / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        return path


def _windows_check(
    schedule: Record,
    kind: MonitorKind,
    constraints: Constraints | str,
    statistics: Statistics | str | None,
    copies: _Copies,
) -> ReplayWindow:
    """Return what checks the windows of a schedule, by the files that their executions have left."""
    from modelwatch_analyzer.kind_analysis import analysis_of

    replay = analysis_of(kind).replay if kind.analysis else None
    if replay is None:
        name = schedule["monitoring_schedule_name"]
        raise ValueError(
            f"{name} monitors {kind.monitoring_type}, which cannot be replayed: only another analysis of the rows"
            " decides what other constraints find. Update the schedule and call backfill"
        )
    baseline = None
    if "statistics_s3_uri" in kind.baseline_files:
        baseline = statistics or (schedule.get("baseline") or {}).get("statistics_s3_uri")
    return replay(
        _settings(schedule, kind, copies),
        copies.of(constraints, "constraints"),
        copies.of(baseline, "statistics") if baseline else None,
    )


def _settings(schedule: Record, kind: MonitorKind, copies: _Copies) -> AnalysisSettings:
    """Return the settings of a schedule that matter to what its windows have measured."""
    from modelwatch_core.domain.settings_environment import settings_from_environment

    watched = schedule.get("endpoint_input") or schedule.get("batch_transform_input") or {}
    known = {
        "analysis_type": kind.analysis_type,
        "dataset_source": str(copies.folder),
        "output_path": str(copies.folder),
        "problem_type": schedule.get("problem_type"),
        "exclude_features_attribute": watched.get("exclude_features_attribute"),
        "analysis_config": _analysis_config(schedule.get("analysis_config"), copies),
    }
    given = {setting: str(value) for setting, value in known.items() if value}
    return settings_from_environment((schedule.get("environment") or {}) | given)


def _analysis_config(given: Record | str | None, copies: _Copies) -> Path | None:
    if given is None or isinstance(given, str):
        return copies.of(given, "analysis_config") if given else None
    return copies.written(json.dumps(given).encode(), "analysis_config", "analysis_config.json")


def _replayed(
    execution: MonitoringExecution, kind: MonitorKind, check: ReplayWindow, copies: _Copies
) -> ReplayedWindow:
    if execution.monitoring_execution_status not in ENDED_WELL:
        return ReplayedWindow(execution)
    found = check(copies.of(f"{execution.output.destination}/{kind.measured_in}", "current"))
    violations = execution.constraint_violations()
    before = tuple((subject, check) for subject, check, _ in violations.table()) if violations else None
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


def _content(app: AppClient, file: ModelMonitoringFile | str, part: str) -> tuple[bytes, str]:
    """Return the content of a file and its name."""
    if isinstance(file, ModelMonitoringFile):
        return json.dumps(file.body_dict).encode(), file.file_s3_uri or file.file_name
    if file.startswith("s3://"):
        from botocore.exceptions import ClientError

        from modelwatch_core.domain.errors import InvalidInput

        try:
            return S3Downloader.read_bytes(file, app), file
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchKey":
                raise
            raise InvalidInput("FileNotFound", f"{part}: there is no file {file}") from None
    if not Path(file).is_file():
        raise ValueError(f"{file!r} is neither an S3 URI nor a file on this machine")
    return Path(file).read_bytes(), file
