"""Drives executions and events through the app where nothing fails, and measures its memory and its calls of AWS.

What is over is checked and taken out of the emulator's stores, hour by hour: what still grows is the app's.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

import psutil  # type: ignore[import-untyped]  # it has no types
from moto.cloudwatch.models import cloudwatch_backends
from moto.iam.models import iam_backends
from moto.s3.models import s3_backends
from moto.sns.models import sns_backends
from moto.sts.models import sts_backends

from modelwatch_core import wiring
from modelwatch_core.adapters.aws.execution_table import execution_key
from modelwatch_core.domain.dashboard.periods import PeriodLength
from modelwatch_core.domain.documents import iso_utc
from modelwatch_core.domain.monitoring_execution import MonitoringExecution
from tests.campaign.counts import ALERTED, alert_key, execution_of, is_execution, stored_items
from tests.campaign.plan import HOUR, START, Ending, Plan, Schedule
from tests.campaign.run import prepared
from tests.campaign.services import Log
from tests.campaign.template import ACCOUNT, CAPTURES, REGION, RESULTS, TOPIC_ARN

_NEVER = START + timedelta(days=36_500)
_IS_OVER_AFTER = 3 * HOUR
"""The time of an analysis that Lambda repeats twice, and a lease."""
_SAMPLED_AT = (10, 25, 50, 75, 100)  # percent of the hours


@dataclass(frozen=True)
class Load(Plan):
    """A plan in which nothing fails, and every tick and event is delivered three times."""

    @classmethod
    def of(cls, executions: int, schedules: int, seed: int = 1) -> Self:
        """Return a plan of at least so many executions."""
        return cls(
            seed=seed,
            schedules=tuple(Schedule(f"schedule-{number:03}", 5, explains=False) for number in range(schedules)),
            hours=-(-executions // schedules),
            outages=(),
            newer=_NEVER,
            rolled_back=_NEVER,
            newer_again=_NEVER,
        )

    def is_faulty(self, moment: datetime) -> bool:  # noqa: ARG002 - as a campaign's plan is asked
        """Return False."""
        return False

    def copies(self, kind: str, moment: datetime) -> int:  # noqa: ARG002 - as a campaign's plan is asked
        """Return how often something is delivered."""
        return 1 if kind == "sweep" else 3


@dataclass(frozen=True)
class SameSecond(Load):
    """A load whose executions of an hour all find violations, and all end in the same second."""

    def ending(self, schedule: str, window_start: datetime) -> Ending:  # noqa: ARG002 - as a campaign's plan is asked
        """Return what each analysis comes to."""
        return Ending.WITH_VIOLATIONS

    def duration(self, schedule: str, window_start: datetime) -> float:  # noqa: ARG002 - as a campaign's plan is asked
        """Return how many seconds each analysis takes."""
        return 300

    def delay(self, moment: datetime) -> float:  # noqa: ARG002 - as a campaign's plan is asked
        """Return after how many seconds something is delivered."""
        return 0.5

    def latency(self) -> float:
        """Return how many seconds a call takes: none, so that all processes run in the middle of each other's."""
        return 0


@dataclass(slots=True)
class Measured:
    """What a load came to.

    Attributes
    ----------
    memory : list of tuple
        The percentage of the hours that were over, and the bytes of memory that the process had.
    calls : Counter of str
        The calls of AWS, by the functions that made them.
    ends : Counter of datetime
        How many analyses ended in each second.
    executions, alerts, deliveries : int
        Executions that are over; alerts that SNS took; how many ticks, sweeps and events came to a function.
    differences : list of str
        Whatever is not as promised.
    """

    memory: list[tuple[int, int]] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    ends: Counter[datetime] = field(default_factory=Counter)
    executions: int = 0
    alerts: int = 0
    deliveries: int = 0
    differences: list[str] = field(default_factory=list)


def measure(load: Load, progress: Callable[[Measured], object] = lambda _: None) -> Measured:
    """Run a load, and check each execution when it is over; ``progress`` is called after each hour."""
    measured = Measured()
    samples = {max(1, load.hours * percent // 100): percent for percent in _SAMPLED_AT}
    with prepared(load) as world:
        for hour in range(1, (load.end + _IS_OVER_AFTER - START) // HOUR + 1):
            world.simulation.run(until=START + hour * HOUR)
            _check(measured, world.services.log, world.simulation.now - _IS_OVER_AFTER)
            if hour in samples:
                measured.memory.append((samples[hour], _memory()))
            progress(measured)
        measured.calls = world.aws.calls
        measured.deliveries = world.services.log.deliveries
    if missing := load.executions - measured.executions:
        measured.differences.append(f"{missing} windows that were due have no execution")
    return measured


_LIBC = ctypes.CDLL(None)
_M_ARENA_MAX = -8


def _share_an_arena() -> None:
    """Let all threads allocate in one place: each invocation has a thread, and glibc fills an arena for each."""
    if option := getattr(_LIBC, "mallopt", None):
        option(_M_ARENA_MAX, 1)


def _memory() -> int:
    """Return the bytes that the process uses: what was freed is given back first, which malloc keeps."""
    gc.collect()
    if trim := getattr(_LIBC, "malloc_trim", None):  # of glibc
        trim(0)
    return int(psutil.Process().memory_info().rss)


def _check(measured: Measured, log: Log, over: datetime) -> None:
    """Check the executions of windows that ended by a moment, and forget them."""
    items = list(stored_items())
    executions = {item["sk"] + item["pk"]: execution_of(item) for item in items if is_execution(item)}
    finished = {key: record for key, record in executions.items() if record.window.end <= over}
    for record in finished.values():
        _check_one(measured, log, record)
    keys = tuple(f"ALERT#{alert_key(record)}" for record in finished.values())
    claims = {f"RUN#{record.subject}" for record in finished.values()}
    last_hour = f"{PeriodLength.HOUR}#{iso_utc(over)}"
    for item in items:
        # Its own item, or one of those by which lists by its times know it.
        is_over = execution_key(item)["sk"] + item["pk"] in finished or item["pk"] in claims
        # The history of a monitor is kept for a year: it is the table that grows by it, and no process.
        is_over |= item["pk"].startswith("HISTORY#") and item["sk"] < last_hour
        if is_over or item["pk"].startswith((*keys, "ARRIVALS#")) or item["sk"].startswith("CHANGE#"):
            wiring._table().delete_item(Key={"pk": item["pk"], "sk": item["sk"]})
    _forget_objects(over - _IS_OVER_AFTER)


def _check_one(measured: Measured, log: Log, record: MonitoringExecution) -> None:
    status = str(record.monitoring_execution_status)
    announced = {each for _, each in log.announced.pop(record.subject, [])}
    alerts = log.alerts.pop(alert_key(record), 0)
    if ended := log.ended.pop(record.subject, None):
        measured.ends[ended.moment.replace(microsecond=0)] += 1
    measured.executions += 1
    measured.alerts += alerts
    # A message that an alert is over is due where the execution before was bad.
    is_alerted = alerts == 1 if status in ALERTED else alerts <= 1
    if not record.is_done or announced != {status} or not is_alerted:
        measured.differences.append(f"{record.subject}: {status}, announced as {announced}, {alerts} alerts")


def _forget_objects(before: datetime) -> None:
    s3 = s3_backends[ACCOUNT]["aws"]
    for name in (RESULTS, CAPTURES):
        keys = s3.buckets[name].keys
        old = [key for key, each in keys.items() if each.last_modified < before.replace(tzinfo=None)]
        for key in old:
            if not key.startswith("baseline/"):
                s3.tagger.delete_all_tags_for_resource(keys[key].arn)
                keys.pop(key)
    cloudwatch_backends[ACCOUNT][REGION].metric_data.clear()
    sns_backends[ACCOUNT][REGION].topics[TOPIC_ARN].sent_notifications.clear()
    sts_backends[ACCOUNT]["aws"].assumed_roles.clear()
    iam_backends[ACCOUNT]["aws"].access_keys.clear()  # those of the roles: there are no users


# ---------------------------------------------------------------- the command
def main() -> int:
    """Measure; return 1 if something is not as promised."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaign.load", description=__doc__)
    parser.add_argument("--executions", type=int, default=5000, help="at least so many are due")
    parser.add_argument("--schedules", type=int, default=100, help="how many schedules there are")
    options = parser.parse_args()
    _share_an_arena()
    began = time.monotonic()
    measured = measure(Load.of(options.executions, options.schedules), _show)
    differences = list(measured.differences)
    lines = [f"{measured.executions:9,}  executions", f"{measured.deliveries:9,}  events, ticks and sweeps delivered"]
    lines += [f"{measured.alerts:9,}  alerts", f"{measured.calls.total():9,}  calls of AWS"]
    lines += [f"{rss / 2**20:9,.1f}  MiB of memory after {percent} %" for percent, rss in measured.memory]
    for schedules in (10, 100):
        same = measure(SameSecond.of(schedules, schedules))
        differences += same.differences
        lines.append(f"{max(same.ends.values()):9,}  executions that ended in the same second; calls of AWS for each:")
        lines += [f"{same.calls[name] / schedules:9.2f}  by {name}" for name in ("FinishExecution", "RouteAlerts")]
    lines.append(f"{len(differences):9,}  differences")
    lines.append(f"{time.monotonic() - began:9,.0f}  s")
    sys.stdout.write("\n".join([*(f"DIFFERENCE  {each}" for each in differences), *lines, ""]))
    return int(bool(differences))


def _show(measured: Measured) -> None:
    memory = ", ".join(f"{rss / 2**20:.1f} MiB at {percent} %" for percent, rss in measured.memory)
    sys.stderr.write(f"{measured.executions} executions are over; {memory}\n")


if __name__ == "__main__":
    sys.exit(main())
