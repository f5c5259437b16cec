"""Every captured record is analysed in exactly one window, whatever its file is named and whenever it was written."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

import polars as pl
import pytest

from modelwatch_analyzer.reading import open_dataset
from modelwatch_analyzer.reading.dataset import Plan
from modelwatch_analyzer.reading.files import source_files
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_analyzer.reading.record_times import RecordTimes
from modelwatch_core.app.launch_execution import MOST_MADE_UP, Refusal
from modelwatch_core.domain.analysis import AnalysisRequest, AnalysisSummary
from modelwatch_core.domain.analysis_settings import AnalysisSettings
from modelwatch_core.domain.events import ExecutionRequest
from modelwatch_core.domain.hosts import Run
from modelwatch_core.domain.monitoring_execution import ExecutionKey, MonitoringExecution
from modelwatch_core.domain.outcome import OutcomeStatus
from modelwatch_core.domain.windows import Window
from tests.core.in_memory import MemoryBus, MemoryRunClaims, run_in_memory
from tests.core.world import TEN, World, schedule_parameters

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
DELAY = 5 * MINUTE
START = TEN.replace(hour=0)


@dataclass(frozen=True)
class CaptureFile:
    """A file, when it reaches S3, and the clock by which it is named."""

    records: tuple[datetime, ...]
    written: datetime
    named: datetime
    variant: str = "AllTraffic"

    @property
    def uri(self) -> str:
        place = f"s3://captures/live/mortgages/{self.variant}/{self.named:%Y/%m/%d/%H/%M-%S-000}"
        return f"{place}-{self.written.timestamp()}.jsonl"


def late_records(random: Random, moments: Sequence[datetime], size: int = 1) -> Iterator[CaptureFile]:
    """Records are written some time after their times, into the folder of that later time: some an hour after."""
    for records in in_files(moments, size):
        lateness = DELAY if random.random() < 0.9 else HOUR - (max(records) - min(records))
        later = max(records) + random.random() * (lateness - timedelta(seconds=1))
        yield CaptureFile(records, later, later)


def late_uploads(random: Random, moments: Sequence[datetime], size: int = 1) -> Iterator[CaptureFile]:
    """Files are named by their first record, and reach S3 up to an hour later."""
    for records in in_files(moments, size):
        lateness = MINUTE if random.random() < 0.9 else HOUR - (max(records) - min(records))
        yield CaptureFile(records, max(records) + random.random() * lateness, min(records))


def skewed_folders(random: Random, moments: Sequence[datetime], size: int = 1) -> Iterator[CaptureFile]:
    """The clock that names files is up to 30 seconds off, either way."""
    for records in in_files(moments, size):
        named = records[0] + timedelta(seconds=random.uniform(-30, 30))
        yield CaptureFile(records, records[-1], named, f"v{random.randint(1, 2)}")


def in_files(moments: Sequence[datetime], size: int) -> Iterator[tuple[datetime, ...]]:
    """Put records in a row into one file each, which holds those of some minutes."""
    for start in range(0, len(moments), size):
        yield tuple(moments[start : start + size])


class Analyses:
    """Runs what was started as a host would, and notes in which windows each record is analysed.

    Parameters
    ----------
    read : callable
        Reads the records of a window from the files that a host has fetched.
    """

    def __init__(self, world: World, read: Callable[[AnalysisSettings], Iterator[datetime]]) -> None:
        self.world, self.read = world, read
        self.seen: dict[datetime, list[Window]] = {}

    def run(self) -> None:
        """Run what was started, and what the sweep starts after it, until nothing is open."""
        while True:
            self.world.deliver()
            while self.world.host.started:
                self._run(self.world.host.started.pop(0))
                self.world.deliver()
            if not self.world.reconcile().moved:
                return

    def _run(self, request: AnalysisRequest) -> None:
        run = Run(host="memory", subject=request.subject, run_id="1")
        run_in_memory(self.world.objects, MemoryBus(), MemoryRunClaims(), self._noted)(request, run)
        key = ExecutionKey.of_subject(request.subject)
        assert key
        execution = self.world.ledger.get(key)
        assert execution
        self.world.finish(self.world.ends(execution))

    def _noted(self, settings: AnalysisSettings) -> AnalysisSummary:
        assert settings.start_time
        assert settings.end_time
        window = Window(start=settings.start_time, end=settings.end_time)
        for moment in self.read(settings):
            self.seen.setdefault(moment, []).append(window)
        return AnalysisSummary(status=OutcomeStatus.COMPLETED, exit_message="Completed: noted")


def times_in_files(settings: AnalysisSettings) -> Iterator[datetime]:
    """Read times that are kept as a list in each file, by the rule of the analyzer's readers."""
    times = RecordTimes.of(settings)
    for file in source_files(settings.dataset_source):
        read = times.of_file(file)
        yield from (
            moment
            for moment in map(moment_of, json.loads(file.path.read_text()))
            if moment < read.last and moment >= read.first
        )


def moment_of(text: str) -> datetime:
    return datetime.fromisoformat(text)


def times_in_captures(settings: AnalysisSettings) -> Iterator[datetime]:
    """Read captured records, whose one feature is their time, by the analyzer's own reader."""
    dataset = open_dataset(settings)
    (column,) = dataset.columns
    for batch in dataset.batches(Plan({column: pl.String()}), ReadLog()):
        yield from map(moment_of, batch[column].to_list())


def as_list(records: Iterable[datetime]) -> bytes:
    return json.dumps([moment.isoformat() for moment in records]).encode()


def as_captures(records: Iterable[datetime]) -> bytes:
    return b"".join(
        json.dumps(
            {
                "captureData": {
                    "endpointInput": {"data": moment.isoformat(), "encoding": "CSV", "observedContentType": "text/csv"}
                },
                "eventMetadata": {"eventId": moment.isoformat(), "inferenceTime": moment.isoformat()},
            }
        ).encode()
        + b"\n"
        for moment in records
    )


FORMS: dict[str, tuple[Callable[[Iterable[datetime]], bytes], Callable[[AnalysisSettings], Iterator[datetime]]]] = {
    "times": (as_list, times_in_files),
    "captures": (as_captures, times_in_captures),
}


def simulated(
    files: Iterable[CaptureFile],
    changes: dict[datetime, str],
    *,
    expression: str,
    hours: int,
    outage: tuple[datetime, datetime] | None = None,
    form: str = "times",
) -> dict[datetime, list[Window]]:
    """Let uploads, changes of the schedule and ticks come in their order, and note where each record is analysed.

    Parameters
    ----------
    outage : tuple of datetime, optional
        From when until when no tick arrives.
    """
    written, read = FORMS[form]
    world = World()
    world.clock.moment = START - HOUR
    world.launch = replace(world.launch, settling=MINUTE)
    world.has_schedule(schedule_expression=expression)
    analyses = Analyses(world, read)
    remaining = sorted(files, key=lambda file: file.written, reverse=True)
    moment = START
    while moment < START + hours * HOUR:
        while remaining and remaining[-1].written < moment:
            file = remaining.pop()
            world.objects.kept[file.uri] = written(file.records)
            world.objects.modified[file.uri] = file.written.replace(microsecond=0)  # S3 has whole seconds
        world.clock.moment = moment
        if moment in changes:
            parameters = schedule_parameters() | {"schedule_expression": changes[moment]}
            world.manage("UpdateMonitoringSchedule", **parameters)
        is_away = outage is not None and outage[0] <= moment < outage[1]
        schedule = world.schedules.kept["hourly"]
        scheduled = moment - DELAY
        if not is_away and scheduled >= START and scheduled == schedule.expression.after(scheduled - MINUTE / 60):
            world.requested(scheduled, f"tick {scheduled}")
            analyses.run()
        moment += MINUTE
    return analyses.seen


MANNERS = [late_records, late_uploads, skewed_folders]
CHANGES: dict[str, tuple[str, dict[datetime, str]]] = {
    "hourly": ("cron(0 * ? * * *)", {}),
    "at three minutes to the hour": ("cron(57 * ? * * *)", {}),
    "to longer windows and back": (
        "cron(0 * ? * * *)",
        {START + 5 * HOUR + 30 * MINUTE: "cron(0 0/6 ? * * *)", START + 15 * HOUR + 2 * MINUTE: "cron(0 * ? * * *)"},
    ),
    "from midnight to noon": ("cron(0 0 ? * * *)", {START + 8 * HOUR + 10 * MINUTE: "cron(0 12,23 ? * * *)"}),
}
OUTAGE = (START + 18 * HOUR, START + 21 * HOUR)


def records_of(random: Random, hours: int, count: int) -> list[datetime]:
    """Return times whose records have been written, and read, when a simulation of some more hours ends."""
    return sorted({START + timedelta(seconds=random.uniform(0, hours * 3600)) for _ in range(count)})


@pytest.mark.slow
@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.parametrize("case", CHANGES)
def test_every_record_is_analysed_in_exactly_one_window(manner, case):
    random = Random(f"{manner.__name__} {case}")
    expression, changes = CHANGES[case]
    moments = records_of(random, 22, 1000)
    files = manner(random, moments, 3)
    seen = simulated(files, changes, expression=expression, hours=50, outage=OUTAGE)
    assert {moment for moment in moments if len(seen.get(moment, [])) != 1} == set()


@pytest.mark.slow
@pytest.mark.parametrize("manner", MANNERS)
def test_the_analyzer_itself_reads_every_captured_record_once(manner):
    random = Random(manner.__name__)
    moments = records_of(random, 9, 600)
    outage = (START + 4 * HOUR, START + 7 * HOUR)
    files = manner(random, moments)
    seen = simulated(files, {}, expression="cron(0 * ? * * *)", hours=12, outage=outage, form="captures")
    assert {moment for moment in moments if len(seen.get(moment, [])) != 1} == set()


@pytest.mark.slow
def test_twenty_thousand_records_in_two_hundred_windows_are_each_analysed_once():
    """With everything at once: lateness up to an hour, files of minutes, skewed clocks, changes, three hours away."""
    random = Random("twenty thousand")
    moments = records_of(random, 200, 20_000)
    thirds = [moments[start::3] for start in range(3)]
    files = [file for manner, part in zip(MANNERS, thirds, strict=True) for file in manner(random, part, 3)]
    changes = {
        START + 50 * HOUR + 30 * MINUTE: "cron(0 0/6 ? * * *)",
        START + 100 * HOUR + 2 * MINUTE: "cron(57 * ? * * *)",
        START + 120 * HOUR + 59 * MINUTE: "cron(0 * ? * * *)",
    }
    outage = (START + 150 * HOUR, START + 153 * HOUR)
    seen = simulated(files, changes, expression="cron(0 * ? * * *)", hours=203, outage=outage)
    assert {moment for moment in moments if len(seen.get(moment, [])) != 1} == set()
    windows = {window for found in seen.values() for window in found}
    assert len(windows) > 150
    late = [moment for moment in moments if moment < seen[moment][0].start]
    # Of each manner a tenth is up to an hour late: most of these after their window's execution has looked.
    assert 200 < len(late) < 2000
    assert all(seen[moment][0].start - moment < 2 * HOUR + DELAY for moment in late)


def test_late_records_are_those_that_came_after_the_execution_of_their_window_had_looked():
    files = [
        CaptureFile((START + 50 * MINUTE,), START + 52 * MINUTE, START + 50 * MINUTE),
        CaptureFile((START + 55 * MINUTE,), START + 65 * MINUTE, START + 55 * MINUTE),  # as the tick looks
        CaptureFile((START + 56 * MINUTE,), START + 66 * MINUTE, START + 56 * MINUTE),  # uploaded late
        CaptureFile((START + 57 * MINUTE,), START + 80 * MINUTE, START + 80 * MINUTE),  # written late
        CaptureFile((START + 58 * MINUTE, START + 61 * MINUTE), START + 64 * MINUTE, START + 58 * MINUTE),
    ]
    seen = simulated(files, {}, expression="cron(0 * ? * * *)", hours=4)
    own = {moment: windows[0].start <= moment for moment, windows in seen.items()}
    assert {(moment - START) // MINUTE for moment, is_own in own.items() if is_own} == {50, 58, 61}
    assert {(moment - START) // MINUTE for moment, is_own in own.items() if not is_own} == {55, 56, 57}
    assert all(len(windows) == 1 for windows in seen.values())


def test_records_later_than_the_configured_lateness_are_not_read():
    minutes = [(10, 69), (10, 200)]
    files = [CaptureFile((START + t * MINUTE,), START + at * MINUTE, START + t * MINUTE) for t, at in minutes]
    seen = simulated(files, {}, expression="cron(0 * ? * * *)", hours=6)
    assert list(seen) == [START + 10 * MINUTE]
    assert [window.start for window in seen[START + 10 * MINUTE]] == [START + HOUR]


def test_windows_that_were_due_while_the_app_was_away_are_made_up_after_the_newest():
    moments = [START + hour * HOUR + 30 * MINUTE for hour in range(6)]
    files = [CaptureFile((moment,), moment, moment) for moment in moments]
    world_outage = (START + 2 * HOUR, START + 5 * HOUR)
    seen = simulated(files, {}, expression="cron(0 * ? * * *)", hours=7, outage=world_outage)
    assert list(seen) == [moments[0], moments[4], moments[1], moments[2], moments[3], moments[5]]


def test_more_windows_than_can_be_made_up_are_counted_on_the_execution():
    world = World()
    world.has_schedule()
    world.clock.moment = TEN + 40 * HOUR + DELAY
    execution = world.tick(TEN + 40 * HOUR)
    assert execution.not_made_up == 39 - MOST_MADE_UP
    waiting = [each for each in world.executions() if not each.active and each.key != execution.key]
    assert [each.window.end for each in waiting] == [TEN + hour * HOUR for hour in range(39, 39 - MOST_MADE_UP, -1)]
    assert isinstance(world.requested(TEN + 39 * HOUR, "its own tick, late"), Refusal)


def test_what_was_due_before_a_schedule_was_made_or_while_it_was_stopped_is_not_made_up():
    world = World()
    world.has_schedule()
    world.clock.moment = TEN + HOUR
    world.manage("StopMonitoringSchedule", monitoring_schedule_name="hourly")
    world.clock.moment = TEN + 8 * HOUR + 30 * MINUTE
    world.manage("StartMonitoringSchedule", monitoring_schedule_name="hourly")
    world.clock.moment = TEN + 10 * HOUR + DELAY
    world.tick(TEN + 10 * HOUR)
    assert [execution.scheduled_time for execution in world.executions()] == [TEN + 10 * HOUR, TEN + 9 * HOUR]


def test_another_attempt_reads_what_was_late_for_the_first():
    world = World()
    world.has_schedule()
    world.has_captures()
    world.finish(world.ends(world.tick()))
    world.clock.moment = TEN + HOUR + DELAY
    world.has_captures(TEN)
    first = world.tick(TEN + HOUR, "second")
    world.finish(world.ends(first))
    world.clock.moment = TEN + 5 * HOUR
    again = world.launch(
        ExecutionRequest(monitoring_schedule_name="hourly", scheduled_time=TEN + HOUR, tick_id="again", backfill=True)
    )
    assert isinstance(again, MonitoringExecution)
    assert first.late_since == TEN + DELAY
    assert (again.attempt, again.late_since) == (2, first.late_since)
    assert again.captures_until == TEN + 5 * HOUR


def test_an_update_returns_where_the_next_window_begins():
    world = World()
    world.has_schedule()
    world.clock.moment = TEN + 30 * MINUTE
    daily = schedule_parameters() | {"schedule_expression": "cron(0 0 ? * * *)"}
    assert world.manage("UpdateMonitoringSchedule", **daily)["covered_until"] == "2026-11-22T10:00:00Z"
    world.clock.moment = TEN + 40 * MINUTE
    hourly = world.manage("UpdateMonitoringSchedule", **schedule_parameters())
    assert hourly["covered_until"] == "2026-11-22T10:00:00Z"


def test_a_change_before_the_delayed_tick_of_an_hour_leaves_the_windows_of_both_hours_as_they_are():
    world = World()
    world.has_schedule()
    world.clock.moment = TEN + 2 * MINUTE
    assert world.manage("UpdateMonitoringSchedule", **schedule_parameters())["covered_until"] == "2026-11-22T09:00:00Z"
    schedule = world.schedules.kept["hourly"]
    windows = [schedule.window(scheduled) for scheduled in (TEN, TEN + HOUR)]
    assert [(window.start, window.end) for window in windows] == [(TEN - HOUR, TEN), (TEN, TEN + HOUR)]
