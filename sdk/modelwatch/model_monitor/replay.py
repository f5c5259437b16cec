"""What other constraints would have found in past windows, by the statistics that executions have left."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
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
        confidence interval is worse than its threshold, where all that chance makes of it must be. Of bias and
        explainability, what the changed file has measured in another way than the window was.
    """

    execution: MonitoringExecution
    before: tuple[Finding, ...] | None = None
    after: tuple[Finding, ...] | None = None
    unknown: tuple[Finding, ...] = ()


Replayed = Callable[[Content], "Replay"]
"""Checks what a window has measured, by the file that its execution has left."""


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
            f"{name} monitors {kind}, whose container alone knows what it compares; replay is for {', '.join(_KINDS)}."
            " Update the schedule and call backfill"
        )
    try:
        with TemporaryDirectory(prefix="modelwatch-") as scratch:
            replayed = _KINDS[kind](_Sources(app, schedule, constraints, statistics, Path(scratch)))
            for record in _latest_attempts(app, schedule, start, end):
                yield _replayed(app, MonitoringExecution(app, record), replayed)
    except InvalidInput as error:
        raise ValueError(str(error)) from None


@dataclass(frozen=True)
class _Sources:
    """What windows are replayed with.

    Attributes
    ----------
    statistics : Statistics or str, optional
        Those of the baseline; the schedule's if not given.
    scratch : Path
        A folder for copies.
    """

    app: AppClient
    schedule: Record
    constraints: Constraints | str
    statistics: Statistics | str | None
    scratch: Path

    @property
    def changed(self) -> Content:
        """The changed constraints."""
        return _content(self.app, self.constraints)

    @property
    def baseline(self) -> Content | None:
        """The statistics of the baseline, if it has any."""
        given = self.statistics or (self.schedule.get("baseline") or {}).get("statistics_s3_uri")
        return _content(self.app, given) if given else None

    def written(self, part: str, file: Content) -> Path:
        """Write a file that an analysis reads; messages name it by its own name."""
        path = self.scratch / part / Path(file[1]).name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(file[0])
        return path


def _data_quality(sources: _Sources) -> Replayed:
    from modelwatch_analyzer.data_quality.documents import Constraints as DataConstraints
    from modelwatch_analyzer.data_quality.documents import Statistics as DataStatistics
    from modelwatch_analyzer.data_quality.replay import replayed

    baseline = sources.baseline
    then = DataStatistics.parsed(*baseline) if baseline else None
    changed, excluded = DataConstraints.parsed(*sources.changed), _excluded(sources.schedule)
    return lambda current: replayed(DataStatistics.parsed(*current), changed, then, excluded=excluded)


def _model_quality(sources: _Sources) -> Replayed:
    from modelwatch_analyzer.model_quality.replay import replayed
    from modelwatch_core.domain.monitor_kinds.model_quality import ModelQualitySettings
    from modelwatch_core.domain.settings_environment import settings_from_environment

    schedule, folder = sources.schedule, str(sources.scratch)
    required = {"analysis_type": "MODEL_QUALITY", "dataset_source": folder, "output_path": folder}
    known = {"problem_type": schedule["problem_type"]}
    settings = settings_from_environment((schedule.get("environment") or {}) | required | known)
    if not isinstance(settings, ModelQualitySettings):
        raise TypeError(type(settings).__name__)
    changed = sources.written("constraints", sources.changed)
    baseline = sources.baseline
    then = sources.written("baseline", baseline) if baseline else None
    return lambda current: replayed(settings, sources.written("current", current), changed, then)


def _bias(sources: _Sources) -> Replayed:
    from modelwatch_analyzer.bias.config import BiasConfig
    from modelwatch_analyzer.bias.replay import replayed

    given = sources.schedule["analysis_config"]
    content = _content(sources.app, given) if isinstance(given, str) else (json.dumps(given).encode(), _CONFIG)
    config, changed = BiasConfig.read(sources.written("config", content)), sources.written("changed", sources.changed)
    return lambda current: replayed(config, sources.written("current", current), changed)


def _explainability(sources: _Sources) -> Replayed:
    from modelwatch_analyzer.explainability.replay import replayed

    changed = sources.written("changed", sources.changed)
    return lambda current: replayed(sources.written("current", current), changed)


_CONFIG = "analysis_config.json"
_ANALYSIS = "analysis.json"
_MEASURED_IN = {"ModelBias": _ANALYSIS, "ModelExplainability": _ANALYSIS}
"""The file of an execution that holds what it measured, where it is not its statistics."""
_KINDS: Mapping[str, Callable[[_Sources], Replayed]] = {
    "DataQuality": _data_quality,
    "ModelQuality": _model_quality,
    "ModelBias": _bias,
    "ModelExplainability": _explainability,
}
"""What replays the windows of each kind of monitor."""


def _replayed(app: AppClient, execution: MonitoringExecution, replayed: Replayed) -> ReplayedWindow:
    if execution.monitoring_execution_status not in ENDED_WELL:
        return ReplayedWindow(execution)
    file = _MEASURED_IN.get(str(execution["MonitoringType"]), Statistics.file_name)
    found = replayed(_content(app, f"{execution.output.destination}/{file}"))
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
        return json.dumps(file.body_dict).encode(), file.file_s3_uri or file.file_name
    if file.startswith("s3://"):
        return S3Downloader.read_bytes(file, app), file
    if not Path(file).is_file():
        raise ValueError(f"{file!r} is neither an S3 URI nor a file on this machine")
    return Path(file).read_bytes(), file
