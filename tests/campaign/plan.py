"""What happens in a campaign: drawn from a seed, so that the seed repeats it."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from random import Random

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
START = datetime(2026, 11, 22, tzinfo=UTC)
SERVICES = ("dynamodb", "s3", "eventbridge", "sns", "lambda", "sqs", "scheduler", "cloudwatch", "sagemaker", "sts")
LONGEST_OUTAGE = 6 * HOUR
WORKS_AGAIN = 2
"""The number of ticks at the end during which everything works. The first of them makes up windows whose ticks were
lost."""

_LEASE = 1.5 * HOUR
_LATENCY = (0.005, 0.05)  # seconds


class Ending(StrEnum):
    """What the analysis of a window comes to if nothing prevents it."""

    COMPLETED = "Completed"
    WITH_VIOLATIONS = "CompletedWithViolations"
    REFUSED = "refused"  # its input is such that a person must fix it
    CRASHES = "crashes"  # each time: out of memory
    NO_DATA = "no data"  # nothing was captured


_ENDINGS = {
    Ending.COMPLETED: 60,
    Ending.WITH_VIOLATIONS: 25,
    Ending.REFUSED: 6,
    Ending.CRASHES: 4,
    Ending.NO_DATA: 5,
}

MAY_BE_LOST = frozenset(
    {
        "tick",
        "sweep",
        "Analysis Ended",
        "Lambda Function Invocation Result - Failure",
        "SageMaker Endpoint State Change",
    }
)
"""The deliveries that may not happen at all. EventBridge delivers at least once what it took, so of its events only
those are lost that a host or SageMaker may never send. The others come once or three times."""


@dataclass(frozen=True, slots=True)
class Outage:
    """A service returns nothing but errors, or not at all."""

    service: str
    start: datetime
    end: datetime

    def covers(self, service: str, moment: datetime) -> bool:
        """Return whether a service is away at a moment."""
        return service == self.service and self.start <= moment < self.end


@dataclass(frozen=True, slots=True)
class Schedule:
    """A monitoring schedule, due at each full hour."""

    name: str
    delay_minutes: int
    explains: bool

    @property
    def endpoint(self) -> str:
        """The endpoint that it watches."""
        return f"endpoint-of-{self.name}"


@dataclass(frozen=True)
class Plan:
    """A campaign.

    Attributes
    ----------
    executions : int
        How many windows are due.
    longest_outage : timedelta
        Each service has one outage of at least one minute, and the first of them is as long as this.
    newer, rolled_back, newer_again : datetime
        When a version is deployed that writes what the present one cannot read, when it is rolled back, and when it is
        deployed for good.
    """

    seed: int
    schedules: tuple[Schedule, ...]
    hours: int
    outages: tuple[Outage, ...]
    newer: datetime
    rolled_back: datetime
    newer_again: datetime
    faults_a_call: float = 0.05
    kills_a_call: float = 0.012
    random: Random = field(default_factory=Random, repr=False)

    @classmethod
    def drawn(cls, executions: int, seed: int, longest_outage: timedelta = LONGEST_OUTAGE) -> Plan:
        """Draw a plan."""
        random = Random(seed)
        least_hours = 4 + WORKS_AGAIN + int(2.5 * (longest_outage / HOUR))
        schedules = max(1, min(50, executions // least_hours))
        hours = max(-(-executions // schedules), least_hours)
        end_of_faults = START + (hours - WORKS_AGAIN) * HOUR
        span = end_of_faults - START - HOUR
        newer = START + HOUR + span * random.uniform(0.1, 0.3)
        rolled_back = newer + random.uniform(20, 60) * MINUTE
        return cls(
            seed=seed,
            schedules=tuple(
                Schedule(f"schedule-{number:02}", random.randint(5, 20), explains=number % 6 == 5)
                for number in range(schedules)
            ),
            hours=hours,
            outages=tuple(_outages(random, end_of_faults, longest_outage)),
            newer=newer,
            rolled_back=rolled_back,
            newer_again=rolled_back + random.uniform(30, 120) * MINUTE,
            random=random,
        )

    @property
    def executions(self) -> int:
        """How many windows are due."""
        return len(self.schedules) * self.hours

    @property
    def last_tick(self) -> datetime:
        """The full hour after which no more ticks come."""
        return START + self.hours * HOUR

    @property
    def end_of_faults(self) -> datetime:
        """From when on everything works."""
        return self.last_tick - WORKS_AGAIN * HOUR

    @property
    def end(self) -> datetime:
        """When it is counted: a lease after the last tick, and after what the longest outage held up.

        A delivery lags behind by a fifth of its outage, and windows that piled up are analysed one after another: half
        as long as it took them to be due.
        """
        longest = max((outage.end - outage.start for outage in self.outages), default=timedelta(0))
        return self.last_tick + _LEASE + longest / 5 + longest / 2

    def is_faulty(self, moment: datetime) -> bool:
        """Return whether things go wrong at a moment."""
        return moment < self.end_of_faults

    def is_away(self, service: str, moment: datetime) -> bool:
        """Return whether a service is away at a moment."""
        return any(outage.covers(service, moment) for outage in self.outages)

    def is_newer(self, moment: datetime) -> bool:
        """Return whether the newer version is deployed at a moment."""
        return self.newer <= moment < self.rolled_back or moment >= self.newer_again

    def ending(self, schedule: str, window_start: datetime) -> Ending:
        """Return what the analysis of a window comes to, whenever and however often it runs."""
        drawn = self._of_window(schedule, window_start)
        return drawn.choices(list(_ENDINGS), list(_ENDINGS.values()))[0]

    def duration(self, schedule: str, window_start: datetime) -> float:
        """Return how many seconds the analysis of a window takes."""
        drawn = self._of_window(schedule, window_start)
        drawn.random()
        return drawn.uniform(20, 600)

    def copies(self, kind: str, moment: datetime) -> int:
        """Return how often something is delivered."""
        if not self.is_faulty(moment):
            return 1
        lost = 6 if kind in MAY_BE_LOST else 0
        return self.random.choices((0, 1, 3), (lost, 84, 10))[0]

    def delay(self, moment: datetime) -> float:
        """Return after how many seconds something is delivered; a longer one lets a later event come first."""
        if self.is_faulty(moment) and self.random.random() < 0.05:
            return self.random.uniform(60, 900)
        return self.random.uniform(0.1, 2)

    def latency(self) -> float:
        """Return how many seconds a call takes to arrive."""
        return self.random.uniform(*_LATENCY)

    def skew(self, moment: datetime) -> timedelta:
        """Return by how much the clock of a process is wrong."""
        return timedelta(seconds=self.random.uniform(-30, 30) if self.is_faulty(moment) else 0)

    def windows(self) -> Iterator[tuple[Schedule, datetime]]:
        """Yield every window that is due: its schedule and its start."""
        for schedule in self.schedules:
            for hour in range(self.hours):
                yield schedule, START + hour * HOUR

    @cached_property
    def by_name(self) -> Mapping[str, Schedule]:
        """The schedules by their names."""
        return {schedule.name: schedule for schedule in self.schedules}

    def _of_window(self, schedule: str, window_start: datetime) -> Random:
        return Random(zlib.crc32(f"{self.seed} {schedule} {window_start.isoformat()}".encode()))


def _outages(random: Random, end_of_faults: datetime, longest: timedelta) -> Iterator[Outage]:
    """Draw one outage of each service: from a minute to the longest, short ones more often, as outages are.

    They may overlap, but for that of the queue: AWS's services put what they give up there once, and lose it if the
    queue does not take it.
    """
    services = list(SERVICES)
    random.shuffle(services)
    begin, span = START + HOUR, end_of_faults - START - HOUR
    yield (queue := _outage(random, "sqs", begin, end_of_faults, min(_length(random, longest), span / 4)))
    for number, service in enumerate(each for each in services if each != "sqs"):
        length = longest if number == 0 else _length(random, longest)
        while True:
            drawn = _outage(random, service, begin, end_of_faults, length)
            if drawn.end <= queue.start or drawn.start >= queue.end:
                yield drawn
                break


def _length(random: Random, longest: timedelta) -> timedelta:
    return timedelta(minutes=(longest / MINUTE) ** random.random())


def _outage(random: Random, service: str, begin: datetime, end: datetime, length: timedelta) -> Outage:
    start = begin + (end - begin - length) * random.random()
    return Outage(service, start, start + length)
