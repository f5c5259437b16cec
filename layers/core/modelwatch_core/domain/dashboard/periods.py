"""The worst that a monitor measured in an hour or a day: kept, so that a page of months reads no old executions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum

from modelwatch_core.domain.dashboard.summaries import last_attempts
from modelwatch_core.domain.documents import NonEmpty, Owned, UtcDatetime
from modelwatch_core.domain.monitoring_execution import MonitoringExecution
from modelwatch_core.domain.scores import MOST_IN_AN_OUTCOME, Score


class Measured(Owned):
    """A score of an execution.

    Attributes
    ----------
    at : datetime
        The end of its window.
    again : bool
        Whether the execution was not the first of its window.
    """

    at: UtcDatetime
    score: Score
    again: bool = False


class PeriodLength(StrEnum):
    """How long a period is."""

    HOUR = "HOUR"
    DAY = "DAY"


class Period(Owned):
    """What a monitor measured in windows that began in an hour or a day, the worst of each measure.

    Attributes
    ----------
    start : datetime
        The hour, or the day, in UTC.
    measures : tuple of Measured
        Those of the ten measures that were nearest to a violation, the nearest first.
    """

    schedule_id: NonEmpty
    length: PeriodLength
    start: UtcDatetime
    measures: tuple[Measured, ...] = ()


def measured(executions: Iterable[MonitoringExecution]) -> Iterator[Measured]:
    """Yield what the last attempts at windows measured, what was due last first."""
    for execution in last_attempts(executions):
        for score in execution.outcome.scores if execution.outcome else ():
            if score.value is not None:
                yield Measured(at=execution.window.end, score=score, again=execution.attempt > 1)


def worst_of(measures: Iterable[Measured]) -> tuple[Measured, ...]:
    """Return the worst of each measure, of those that were nearest to a violation; of worsts it is the same."""
    found: dict[str, Measured] = {}
    for each in measures:
        standing = found.setdefault(each.score.name, each)
        if (each.score.weight, each.at) > (standing.score.weight, standing.at):
            found[each.score.name] = each
    ordered = sorted(found.values(), key=lambda each: each.score.name)
    return tuple(sorted(ordered, key=lambda each: each.score.weight, reverse=True)[:MOST_IN_AN_OUTCOME])
