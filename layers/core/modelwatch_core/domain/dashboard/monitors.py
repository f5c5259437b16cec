"""What the dashboard says of monitors: their state, their latest executions, what is nearest to a violation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from modelwatch_core.domain.dashboard.charts import Bar, Point, line_chart, sparkline
from modelwatch_core.domain.dashboard.markup import Child, Html, element, joined
from modelwatch_core.domain.dashboard.periods import Measured, measured
from modelwatch_core.domain.dashboard.summaries import MonitorSummary, RunSummary
from modelwatch_core.domain.execution_cost import Cost
from modelwatch_core.domain.monitoring_execution import ExecutionStatus, MonitoringExecution
from modelwatch_core.domain.monitoring_schedule import MonitoringSchedule, ScheduleStatus
from modelwatch_core.domain.number_text import count_text, number_text
from modelwatch_core.domain.scores import Score

MOST_MONITORS = 500
_MEASURES = 10
_NAMED = 3
_LONGEST_NAME = 60

Link = Callable[[MonitoringExecution], str | None]
"""Gives where the report of an execution is; None where a page cannot link to it."""


class State(IntEnum):
    """How a monitor is, the worst first."""

    FAILED = 0
    VIOLATIONS = 1
    NO_RUN = 2
    NOTHING_COMPARED = 3
    OK = 4
    STOPPED = 5
    NOT_SHOWN = 6

    @property
    def title(self) -> str:
        """For people."""
        return _TITLES[self]


_TITLES = {
    State.FAILED: "Failed",
    State.VIOLATIONS: "Violations",
    State.NO_RUN: "No execution yet",
    State.NOTHING_COMPARED: "Nothing compared",
    State.OK: "OK",
    State.STOPPED: "Stopped",
    State.NOT_SHOWN: "Indicator off",
}
_STATES = {
    ExecutionStatus.FAILED: State.FAILED,
    ExecutionStatus.COMPLETED_WITH_VIOLATIONS: State.VIOLATIONS,
    ExecutionStatus.COMPLETED: State.OK,
}


@dataclass(frozen=True, slots=True)
class Monitor:
    """A schedule with what its latest executions came to, in short.

    Attributes
    ----------
    has_page : bool
        Whether there is a page of its history: it is written when an execution ends.
    """

    schedule: MonitoringSchedule
    summary: MonitorSummary
    has_page: bool = True

    def state(self, now: datetime) -> State:
        """Return how it is: what its last execution came to."""
        if not self.schedule.model_dashboard_indicator:
            return State.NOT_SHOWN
        if self.schedule.status_at(now) is ScheduleStatus.STOPPED:
            return State.STOPPED
        runs = self.summary.runs
        return _state_after(runs[0]) if runs else State.NO_RUN

    def next_run(self, now: datetime) -> datetime | None:
        """Return when it is due next; None if never."""
        if self.schedule.status_at(now) is ScheduleStatus.STOPPED:
            return None
        return self.schedule.expression.after(now)


Details = Callable[[Monitor], Html]
"""Gives what a monitor is called by, which leads to its history."""


@dataclass(frozen=True, slots=True)
class Executions:
    """Those of one monitor, as far back as its history goes.

    Attributes
    ----------
    records : sequence of MonitoringExecution
        The latest, the newest window first.
    days : sequence of Measured
        The worst of each day, in any order: it stands for the executions before the latest.
    unreadable : int
        Records that cannot be read.
    """

    records: Sequence[MonitoringExecution]
    days: Sequence[Measured] = ()
    unreadable: int = 0


def overview(monitors: Iterable[Monitor], now: datetime, details: Details) -> Html:
    """Return all monitors at a glance, the worst first."""
    ordered = sorted(
        monitors, key=lambda each: (each.state(now), -_worst(each), each.schedule.monitoring_schedule_name)
    )
    if not ordered:
        return element("p", "There is no monitoring schedule.")
    by_state = Counter(each.state(now) for each in ordered)
    counts = ", ".join(f"{state.title}: {by_state[state]}" for state in State if by_state[state])
    headings = (
        *("State", "Monitor", "Alerts", "Last execution", "Next execution"),
        *("Latest executions", "Nearest to a violation", "Cost so far"),
    )
    return joined(
        (
            element("p", counts, class_="counts"),
            element("p", f"Showing {MOST_MONITORS} of {len(ordered)}, the worst first.")
            if len(ordered) > MOST_MONITORS
            else None,
            table("All monitors", headings, (_row(each, now, details) for each in ordered[:MOST_MONITORS])),
        )
    )


def table(label: str, headings: Iterable[str], rows: Iterable[Html]) -> Html:
    """Return a table in a region that scrolls by the keyboard, too."""
    head = element("thead", element("tr", (element("th", heading, scope="col") for heading in headings)))
    return element(
        "div",
        element("table", head, element("tbody", rows)),
        class_="wide",
        tabindex=0,
        role="region",
        aria_label=label,
    )


def _row(monitor: Monitor, now: datetime, details: Details) -> Html:
    schedule, state = monitor.schedule, monitor.state(now)
    where = " of ".join(filter(None, (schedule.kind.title, schedule.endpoint_name)))
    due = monitor.next_run(now)
    return element(
        "tr",
        element("td", badge(state), _small(f"since {shown(monitor.summary.since)}" if monitor.summary.since else None)),
        element("th", details(monitor), _small(where), scope="row"),
        element("td", _alerts(monitor, now)),
        element("td", _last(monitor.summary.runs)),
        element("td", shown(due) if due else "-"),
        element("td", _spark(monitor.summary.runs[::-1])),
        element("td", _nearest(monitor.summary.scores)),
        element("td", _cost(monitor.summary.cost)),
    )


def badge(state: State) -> Html:
    """Return a state as a word in its colour."""
    return element("span", state.title, class_=f"state {state.name.lower()}")


def _alerts(monitor: Monitor, now: datetime) -> Html:
    """Return which alerts are on, how serious and since when, and until when nothing is sent."""
    if not monitor.schedule.model_dashboard_indicator:
        return joined(("-",))
    parts = [
        element(
            "div",
            ", ".join(filter(None, (each.alert, each.severity))),
            _small(f"since {shown(each.since)}" if each.since else None),
        )
        for each in monitor.summary.alerts
    ]
    muted_until = monitor.summary.muted_until
    if muted_until and now < muted_until:
        parts.append(element("div", f"muted until {shown(muted_until)}", class_="soft"))
    return joined(parts or ("none",))


def _cost(cost: Cost) -> str:
    return f"{number_text(cost.usd)} USD" if cost.executions else "-"


def _last(runs: Sequence[RunSummary]) -> Html:
    if not runs:
        return joined(("-",))
    return joined((shown(runs[0].scheduled_time), _small(_ended(runs[0].status, runs[0].violation_count))))


def _state_after(run: RunSummary) -> State:
    has_compared = run.status is not ExecutionStatus.COMPLETED or run.violation_count is not None
    return _STATES[run.status] if has_compared else State.NOTHING_COMPARED


def _ended(status: ExecutionStatus, count: int | None) -> str:
    if status is ExecutionStatus.COMPLETED_WITH_VIOLATIONS:
        return "violations" if count is None else count_text(count, "violation")
    if status is ExecutionStatus.COMPLETED:
        return "nothing was compared" if count is None else "no violations"
    return "failed"


def _spark(runs: Sequence[RunSummary]) -> Html:
    if not runs:
        return joined(("-",))
    most = max(run.violation_count or 0 for run in runs) or 1
    bars = [Bar(_badness(run, most), _state_after(run).name.lower()) for run in runs]
    bad = sum(run.status is not ExecutionStatus.COMPLETED for run in runs)
    return sparkline(bars, f"{bad} of the last {len(runs)} executions found violations or failed")


def _badness(run: RunSummary, most: int) -> float:
    if run.violation_count is None:
        return 0.0 if run.status is ExecutionStatus.COMPLETED else 1.0
    return run.violation_count / most


def _nearest(scores: Sequence[Score]) -> Html:
    graded = [score for score in scores if score.grade is not None or score.violated][:_NAMED]
    if not graded:
        return joined(("-",))
    return joined(
        element(
            "div", element("bdi", _short(score.name)), f" {_grade(score)}", class_="bad" if score.violated else None
        )
        for score in graded
    )


def _grade(score: Score) -> str:
    return "violated" if score.grade is None else f"{min(100 * score.grade, 99_999):,.0f} %"


def history(monitor: Monitor, executions: Executions, now: datetime, report: Link) -> Html:
    """Return one monitor's history: its measures against their thresholds, and its latest executions."""
    state, due = monitor.state(now), monitor.next_run(now)
    schedule, since = monitor.schedule, monitor.summary.since
    facts = {
        "Kind": schedule.kind.title,
        "Endpoint": schedule.endpoint_name,
        "Schedule": schedule.schedule_expression,
        "Alerts": _alerts(monitor, now),
        "Next execution": shown(due) if due else "never",
        "Cost so far, estimated": _cost(monitor.summary.cost),
        "Records that cannot be read": f"{executions.unreadable:,}" if executions.unreadable else None,
    }
    return joined(
        (
            element("p", badge(state), f" since {shown(since)}" if since else None),
            element(
                "dl",
                (
                    element("div", element("dt", label), element("dd", value))
                    for label, value in facts.items()
                    if value is not None
                ),
            ),
            element("h2", "Against the thresholds"),
            _measures(executions),
            element("h2", "Latest executions"),
            table(
                "Latest executions",
                ("Scheduled", "Status", "Result", "Attempt", "Report"),
                (_execution(e, report) for e in executions.records),
            ),
        )
    )


def _measures(executions: Executions) -> Html:
    latest = sorted(measured(executions.records), key=lambda each: each.at)
    first = min((each.window.end for each in executions.records), default=None)
    older = sorted((each for each in executions.days if first and each.at < first), key=lambda each: each.at)
    found: dict[str, tuple[list[Point], list[Point]]] = {}
    worst: dict[str, tuple[bool, float]] = {}
    for part, measures in enumerate((older, latest)):
        for each in measures:
            score = each.score
            found.setdefault(score.name, ([], []))[part].append(_point(each))
            bad, grade = worst.get(score.name, (False, 0.0))
            worst[score.name] = bad or score.violated, max(grade, score.grade or 0.0)
    if not found:
        return element("p", "No execution has measured anything yet.")
    names = sorted(sorted(found), key=lambda name: worst[name], reverse=True)[:_MEASURES]
    times = [point.at for name in names for part in found[name] for point in part]
    axis = min(times), max(times)
    legend = (
        "Each execution keeps the ten measures that were nearest to a violation. The dashed line is the threshold, a"
        " dot a violation, a ring a window that was analysed again."
    )
    days = " Before the executions below, a point is the worst of a day." if older else ""
    return joined(
        (
            element("p", legend, days, class_="soft"),
            (_measure(name, *found[name], axis) for name in names),
        )
    )


def _point(each: Measured) -> Point:
    score = each.score
    return Point(each.at, score.value or 0.0, score.threshold, score.violated, each.again)


def _measure(name: str, older: Sequence[Point], points: Sequence[Point], axis: tuple[datetime, datetime]) -> Html:
    last = (points or older)[-1]
    against = "" if last.threshold is None else f", threshold {number_text(last.threshold)}"
    return element(
        "figure",
        element("figcaption", element("bdi", _short(name)), _small(f"last {number_text(last.value)}{against}")),
        line_chart(points, f"{_short(name)} over time, last {number_text(last.value)}{against}", older, axis=axis),
        element("div", (element("span", shown(moment)) for moment in dict.fromkeys(axis)), class_="axis"),
    )


def _execution(execution: MonitoringExecution, report: Link) -> Html:
    status = execution.monitoring_execution_status
    settled, failed = status in _STATES, status is ExecutionStatus.FAILED
    count = execution.outcome.violation_count if execution.outcome else None
    uri = report(execution) if settled and not failed else None
    reason = execution.outcome.failure_reason if failed and execution.outcome else None
    return element(
        "tr",
        element("th", shown(execution.scheduled_time), scope="row"),
        element("td", status.value),
        element(
            "td",
            _ended(status, count) if settled else "-",
            element("small", reason, class_="reason") if reason else None,
        ),
        element("td", str(execution.attempt), " (re-run)" if execution.attempt > 1 else None),
        element("td", element("a", "Report", href=uri) if uri else "-"),
    )


def shown(moment: datetime) -> str:
    """Write a moment for people."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _worst(monitor: Monitor) -> float:
    return max((score.grade or 0.0 for score in monitor.summary.scores), default=0.0)


def _small(content: str | None) -> Child:
    return None if content is None else element("small", content)


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…"
