"""Every captured record is analysed in exactly one window, whatever its file is named and whenever it was written."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from modelwatch_core.app.run_analysis import RunAnalysis
from modelwatch_core.domain.analysis import AnalysisSummary
from modelwatch_core.domain.analysis_settings import AnalysisSettings
from modelwatch_core.domain.hosts import Run
from modelwatch_core.domain.outcome import OutcomeStatus
from tests.core.in_memory import MemoryBus, MemoryRunClaims
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


def late_records(random: Random, moments: Iterable[datetime]) -> list[CaptureFile]:
    """Each record is written up to nearly 5 minutes after its time, into the folder of that time."""
    written = [(moment, moment + random.random() * (DELAY - timedelta(seconds=1))) for moment in moments]
    return [CaptureFile((moment,), later, later) for moment, later in written]


def files_of_minutes(random: Random, moments: Iterable[datetime]) -> list[CaptureFile]:
    """Files of two minutes are named by their first record."""
    files: dict[int, list[datetime]] = {}
    for moment in moments:
        files.setdefault(int(moment.timestamp()) // 120, []).append(moment)
    return [
        CaptureFile(tuple(records), max(records) + random.random() * MINUTE, min(records)) for records in files.values()
    ]


def skewed_folders(random: Random, moments: Iterable[datetime]) -> list[CaptureFile]:
    """The clock that names files is up to 30 seconds off, either way."""
    return [
        CaptureFile((moment,), moment, moment + timedelta(seconds=random.uniform(-30, 30)), f"v{random.randint(1, 2)}")
        for moment in moments
    ]


class Analyses:
    """Runs what was started as a host would, and counts the records of each window."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.seen: Counter[datetime] = Counter()

    def run(self) -> None:
        while self.world.host.started:
            request = self.world.host.started.pop(0)
            run = Run(host="memory", subject=request.subject, run_id="1")
            RunAnalysis(self.world.objects, MemoryBus(), MemoryRunClaims(), self._count)(request, run)
            execution = next(each for each in self.world.executions() if each.subject == request.subject)
            self.world.finish(self.world.ends(execution))

    def _count(self, settings: AnalysisSettings) -> AnalysisSummary:
        for path in Path(settings.dataset_source).rglob("*.jsonl"):
            for text in json.loads(path.read_text()):
                moment = datetime.fromisoformat(text)
                assert settings.start_time
                assert settings.end_time
                self.seen[moment] += settings.start_time <= moment < settings.end_time
        return AnalysisSummary(status=OutcomeStatus.COMPLETED, exit_message="Completed: counted")


def simulated(
    files: list[CaptureFile], changes: dict[datetime, str], *, expression: str, hours: int
) -> Counter[datetime]:
    """Let uploads, changes of the schedule and ticks come in their order, and count the analyses of each record."""
    world = World()
    world.clock.moment = START - HOUR
    world.has_schedule(schedule_expression=expression)
    analyses = Analyses(world)
    remaining = sorted(files, key=lambda file: file.written)
    moment = START
    while moment < START + hours * HOUR:
        while remaining and remaining[0].written < moment:
            file = remaining.pop(0)
            world.objects.kept[file.uri] = json.dumps([each.isoformat() for each in file.records]).encode()
        world.clock.moment = moment
        if moment in changes:
            parameters = schedule_parameters() | {"schedule_expression": changes[moment]}
            world.manage("UpdateMonitoringSchedule", **parameters)
        schedule = world.schedules.kept["hourly"]
        scheduled = moment - DELAY
        if schedule.expression.after(scheduled - timedelta(seconds=1)) == scheduled and scheduled >= START:
            world.requested(scheduled, f"tick {scheduled}")
            world.bus.published.clear()
            analyses.run()
        moment += MINUTE
    return analyses.seen


HOURS = 24
MANNERS = [late_records, files_of_minutes, skewed_folders]
CHANGES = {
    "hourly": ("cron(0 * ? * * *)", {}),
    "at three minutes to the hour": ("cron(57 * ? * * *)", {}),
    "to longer windows and back": (
        "cron(0 * ? * * *)",
        {START + 5 * HOUR + 30 * MINUTE: "cron(0 0/6 ? * * *)", START + 15 * HOUR + 2 * MINUTE: "cron(0 * ? * * *)"},
    ),
    "from midnight to noon": ("cron(0 0 ? * * *)", {START + 8 * HOUR + 10 * MINUTE: "cron(0 12,23 ? * * *)"}),
}


@pytest.mark.slow
@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.parametrize("case", CHANGES)
def test_every_record_is_analysed_in_exactly_one_window(manner, case):
    random = Random(f"{manner.__name__} {case}")
    expression, changes = CHANGES[case]
    # What the last window of the simulation covers ends before it does.
    moments = {START + timedelta(seconds=random.uniform(0, (HOURS - 2) * 3600)) for _ in range(1000)}
    seen = simulated(manner(random, sorted(moments)), changes, expression=expression, hours=HOURS + 1)
    assert {moment for moment in moments if seen[moment] != 1} == set()


def test_an_update_answers_where_the_next_window_begins():
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
