"""The dashboard: what it says of monitors, read from the lists of schedules and executions."""

from __future__ import annotations

import re
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch_core.app.keep_measures import KeepMeasures
from modelwatch_core.app.monitor_lists import MonitorLists
from modelwatch_core.app.show_monitors import ReadMonitors, ShowWidget, WriteDashboard
from modelwatch_core.domain.dashboard.charts import Point, line_chart
from modelwatch_core.domain.dashboard.markup import element
from modelwatch_core.domain.dashboard.periods import Measured, worst_of
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.events import ExecutionRequest
from modelwatch_core.domain.outcome import OutcomeStatus
from modelwatch_core.domain.scores import EarlierScores, Score
from modelwatch_core.ports import Page, UnreadableRecord
from tests.core.in_memory import MemoryMonitorPeriods, MemoryMonitorSummaries
from tests.core.world import DRIFT, TEN, World

HOUR = timedelta(hours=1)
FAR = Score(name="income", value=0.9, threshold=0.1, grade=9.0, violated=True)
NEAR = Score(name="<b>age</b>", value=0.05, threshold=0.1, grade=0.5)
INDEX = "s3://results/dashboard/index.html"


class Watched(World):
    """A world whose dashboard is written after each execution."""

    def __init__(self) -> None:
        super().__init__()
        lists, self.periods = MonitorLists(self.schedules, self.ledger, self.jobs), MemoryMonitorPeriods()
        self.read = ReadMonitors(lists, MemoryMonitorSummaries(), self.periods, self.alert_states)
        keep = KeepMeasures(self.ledger, self.periods, self.clock)
        self.write = WriteDashboard(self.read, keep, self.objects, self.clock, "s3://results")

    def runs(self, hours: int, *violations: dict, name: str = "hourly", **outcome: object) -> None:
        """Run the window that ends so many hours after ten."""
        at = TEN + hours * HOUR
        self.clock.moment = at + timedelta(minutes=6)
        self.has_captures(at - HOUR)
        self.finish(self.ends(self.tick(at, f"tick-{name}-{hours}", name), *violations, **outcome))
        self.writes()

    def writes(self) -> None:
        self.write(self.announcements[-1])

    def page(self, uri: str = INDEX) -> str:
        return self.objects.kept[uri].decode()


@pytest.fixture
def watched() -> Watched:
    world = Watched()
    world.has_schedule()
    return world


def texts(page: str) -> str:
    found: list[str] = []
    parser = HTMLParser()
    parser.handle_data = found.append
    parser.feed(page)
    return " ".join(found)


def test_a_monitor_is_shown_with_its_state_its_runs_and_what_is_nearest_to_a_violation(watched):
    watched.runs(0, scores=(NEAR,))
    watched.runs(1, DRIFT, scores=(FAR, NEAR))
    watched.writes()
    page = texts(watched.page())
    assert "Violations: 1" in page
    assert "Violations since 2026-11-22 10:00 UTC" in page
    assert "1 violation " in page
    assert "2026-11-22 12:00 UTC" in page  # the next run
    assert "income  900 %" in page
    assert "<b>age</b>  50 %" in page
    assert "1 of the last 2 executions found violations or failed" in watched.page()


def test_the_alerts_of_a_monitor_are_shown_with_their_beginning_and_how_long_it_is_muted(watched):
    watched.runs(0)
    watched.runs(1, DRIFT)
    watched.writes()  # before the alert is noted
    assert "violations since 2026-11-22 10:00 UTC" in texts(watched.page())
    watched.deliver()
    watched.runs(2, status=OutcomeStatus.FAILED, failure_reason="AnalyzerCrashed: x")
    ended = watched.announcements[-1]
    watched.deliver()
    until = (watched.clock.now() + HOUR).isoformat()
    watched.manage("MuteMonitoringAlerts", monitoring_schedule_name="hourly", until=until)
    watched.write(ended)
    for page in (watched.page(), watched.page("s3://results/dashboard/hourly.html")):
        assert "violations, warning since 2026-11-22 10:00 UTC" in texts(page)
        assert "failed-executions, warning since 2026-11-22 11:00 UTC" in texts(page)
        assert "muted until 2026-11-22 13:06 UTC" in texts(page)
    watched.runs(3)
    watched.writes()
    assert "muted" not in (shown := texts(watched.page()))
    assert "since 2026-11-22 10:00 UTC" not in shown


def test_since_goes_back_to_the_first_run_that_ended_alike(watched):
    for hour, violations in enumerate([(DRIFT,), (), (DRIFT,), (DRIFT,)]):
        watched.runs(hour, *violations)
    watched.writes()
    assert "Violations since 2026-11-22 11:00 UTC" in texts(watched.page())


def test_since_goes_further_back_than_the_executions_that_are_read(watched, monkeypatch):
    monkeypatch.setattr("modelwatch_core.app.show_monitors._LATEST", 10)
    for hour in range(15):
        watched.runs(hour, DRIFT)
    watched.writes()
    assert "Violations since 2026-11-22 09:00 UTC" in texts(watched.page())
    watched.runs(15)
    watched.writes()
    assert "OK since 2026-11-23 00:00 UTC" in texts(watched.page())


def test_before_the_latest_executions_each_day_is_the_worst_that_was_measured_in_it(watched, monkeypatch):
    monkeypatch.setattr("modelwatch_core.app.show_monitors._LATEST", 10)
    worst = {5: FAR, 20: NEAR.model_copy(update={"name": "income", "value": 0.07, "grade": 0.7})}
    calm = Score(name="income", value=0.01, threshold=0.1, grade=0.1)
    for hour in range(36):
        watched.runs(hour, scores=(worst.get(hour, calm),))
    page = watched.page("s3://results/dashboard/hourly.html")
    (line,) = re.findall(r'class="line" d="([^"]*)"', page)
    assert len(re.findall("[ML]", line)) == 2 + 10
    assert page.count('class="bad"') == 1  # the violation of hour 5
    assert "a point is the worst of a day" in page
    assert "last 0.9" not in texts(page)  # which is that of the last execution
    # The window of the violation is analysed again: it is none any more, and the day has another worst.
    at = TEN + 5 * HOUR
    request = {"scheduled_time": at, "tick_id": "again", "backfill": True}
    again = watched.launch(ExecutionRequest(monitoring_schedule_name="hourly", **request))
    watched.finish(watched.ends(again, scores=(NEAR.model_copy(update={"name": "income", "grade": 0.5}),)))
    watched.writes()
    page = watched.page("s3://results/dashboard/hourly.html")
    assert page.count('class="bad"') == 0
    assert page.count('class="calm rerun"') == 1


@given(
    hours=st.lists(st.lists(st.tuples(st.sampled_from("abcdefghijklm"), st.floats(0, 5)), max_size=4), max_size=6),
)
def test_the_worst_of_a_day_is_that_of_its_hours(hours):
    measures = [
        [Measured(at=TEN + n * HOUR, score=Score(name=name, value=grade, grade=grade)) for name, grade in hour]
        for n, hour in enumerate(hours)
    ]
    of_hours = worst_of(each for hour in measures for each in worst_of(hour))
    at_once = worst_of(each for hour in measures for each in hour)
    assert [(each.score.name, each.score.grade) for each in of_hours] == [
        (each.score.name, each.score.grade) for each in at_once
    ]
    assert len(of_hours) <= 10


def test_the_worst_monitor_is_first(watched):
    for name in ("failing", "drifting", "idle"):
        watched.has_schedule(name)
    watched.runs(0)
    watched.runs(0, DRIFT, name="drifting")
    watched.runs(0, name="failing", status=OutcomeStatus.FAILED, failure_reason="NoData: nothing")
    watched.writes()
    names = re.findall(r"<bdi>([a-z]+)</bdi>", watched.page())
    assert names == ["failing", "drifting", "idle", "hourly"]


def test_a_monitor_that_compares_nothing_is_not_said_to_be_without_violations(watched):
    watched.has_schedule("bare", baseline=None)
    watched.runs(0)
    watched.runs(0, name="bare")
    page = texts(watched.page())
    assert "Nothing compared: 1, OK: 1" in page
    assert (page.count("no violations"), page.count("nothing was compared")) == (1, 1)
    history = texts(watched.page("s3://results/dashboard/bare.html"))
    assert "nothing was compared" in history
    assert "no violations" not in history


def test_violations_that_nobody_counted_are_shown_as_violations(watched):
    watched.runs(0, status=OutcomeStatus.COMPLETED_WITH_VIOLATIONS, violation_count=None)
    page = watched.page()
    assert "Violations: 1" in texts(page)
    assert re.search(r'<rect class="violations" x="0" y="0" ', page)  # as tall as can be
    assert "0 violations" not in texts(page)


def test_a_monitor_without_an_indicator_shows_no_state(watched):
    watched.manage("UpdateMonitoringSchedule", monitoring_schedule_name="hourly", model_dashboard_indicator=False)
    watched.runs(0, DRIFT)
    watched.writes()
    assert "Indicator off" in texts(watched.page())
    assert "Violations since" not in texts(watched.page())


def test_the_history_of_a_monitor_marks_re_runs_and_links_to_reports(watched):
    watched.runs(0, scores=(NEAR,))
    watched.runs(1, DRIFT, scores=(FAR, NEAR))
    request = {"scheduled_time": TEN + HOUR, "tick_id": "again", "backfill": True}
    again = watched.launch(ExecutionRequest(monitoring_schedule_name="hourly", **request))
    watched.finish(watched.ends(again, DRIFT, scores=(FAR,)))
    watched.writes()
    page = watched.page("s3://results/dashboard/hourly.html")
    assert page.count('class="bad rerun"') == 1
    assert "2 (re-run)" in texts(page)
    assert 'href="../monitoring/mortgages/hourly/2026/11/22/11/report.html"' in page
    assert 'href="index.html"' in page
    assert "last 0.9, threshold 0.1" in page


def test_of_executions_that_end_together_the_last_writes_the_page_of_all(watched):
    watched.has_schedule("other")
    watched.runs(-1)
    watched.writes()
    watched.clock.moment = TEN + timedelta(minutes=6)
    watched.has_captures(TEN - HOUR)
    first, second = (watched.tick(TEN, f"tick-{name}", name) for name in ("hourly", "other"))
    watched.objects.modified[INDEX] = watched.clock.now()
    watched.finish(watched.ends(first, DRIFT))
    watched.writes()
    assert "Violations: 1" not in texts(watched.page())
    watched.finish(watched.ends(second))
    watched.writes()
    assert "Violations: 1" in texts(watched.page())


def test_while_something_runs_the_page_of_all_is_written_every_five_minutes(watched):
    watched.has_schedule("other")
    watched.runs(-1)
    watched.writes()
    watched.objects.modified[INDEX] = TEN
    watched.clock.moment = TEN + timedelta(minutes=6)
    watched.has_captures(TEN - HOUR)
    first, _ = (watched.tick(TEN, f"tick-{name}", name) for name in ("hourly", "other"))
    watched.finish(watched.ends(first, DRIFT))
    watched.writes()
    assert "Violations: 1" in texts(watched.page())


def test_a_deleted_monitor_is_on_the_dashboard_no_more(watched):
    watched.has_schedule("other")
    watched.runs(0, name="other")
    watched.runs(0)
    watched.manage("DeleteMonitoringSchedule", monitoring_schedule_name="hourly")
    watched.writes()
    assert 'href="other.html"' in watched.page()
    assert "hourly" not in watched.page()


def test_a_monitor_that_has_not_run_is_shown_without_a_link_to_a_page_that_is_not_there(watched):
    watched.has_schedule("new")
    watched.runs(0)
    assert "new" in texts(watched.page())
    assert "s3://results/dashboard/new.html" not in watched.objects.kept
    assert re.findall(r'<a href="([a-z]+)\.html">', watched.page()) == ["hourly"]
    widget = ShowWidget(watched.read, watched.clock)(monitor="", theme="dark", function_arn="arn:aws:lambda:x:1:f:f")
    assert '{"monitor": "new"}' in widget  # which reads it when it is opened


def test_what_was_due_last_is_the_state_and_at_the_top_though_an_update_moved_the_windows_back(watched):
    watched.runs(0, DRIFT)
    watched.runs(1, DRIFT)
    ten_hours_back = {"endpoint_name": "mortgages", "start_time_offset": "-PT11H", "end_time_offset": "-PT10H"}
    watched.manage("UpdateMonitoringSchedule", monitoring_schedule_name="hourly", endpoint_input=ten_hours_back)
    at = TEN + 2 * HOUR
    watched.clock.moment = at + timedelta(minutes=6)
    watched.has_captures(at - 11 * HOUR)
    watched.finish(watched.ends(watched.tick(at, "tick-back")))
    watched.writes()
    page = texts(watched.page("s3://results/dashboard/hourly.html"))
    listed = page[page.index("Latest executions") :]
    places = [listed.index(f"2026-11-22 {hour}:00 UTC") for hour in (12, 11, 10)]
    assert places == sorted(places)
    assert "none 2026-11-22 12:00 UTC no violations" in texts(watched.page())  # after the alerts that are on


def test_a_record_that_cannot_be_read_is_counted(watched):
    watched.runs(0)
    page = watched.ledger.page
    watched.ledger.page = lambda *args, **limit: Page(
        [*page(*args, **limit).records, (UnreadableRecord("x", "y"), "z")], False
    )
    watched.writes()
    assert "Records that cannot be read 1" in texts(watched.page("s3://results/dashboard/hourly.html"))


def test_the_widget_has_the_theme_of_who_looks_and_opens_a_monitor_by_the_same_function(watched):
    watched.runs(0, DRIFT, scores=(FAR,))
    show = ShowWidget(watched.read, watched.clock)
    arn = "arn:aws:lambda:eu-west-1:111122223333:function:show"
    page = show(monitor=None, theme="dark", function_arn=arn)
    assert "--paper:#14181d" in page
    assert f'display="popup" endpoint="{arn}">{{"monitor": "hourly"}}</cwdb-action>' in page
    history = show(monitor="hourly", theme="light", function_arn=arn)
    assert "--paper:#fff" in history
    assert (
        "https://eu-west-1.console.aws.amazon.com/s3/object/results?region=eu-west-1&amp;prefix=monitoring%2F"
        in history
    )
    for html in (page, history):  # what CloudWatch cuts out of widgets
        assert not re.search(r"<(script|iframe|use)\b", html)
    with pytest.raises(InvalidInput, match="there is no monitoring schedule nightly"):
        show(monitor="nightly", theme="light", function_arn=arn)


def test_a_hundred_and_fifty_monitors_are_all_read_page_after_page(watched):
    for number in range(149):
        watched.schedules.kept[f"m{number}"] = watched.schedules.kept["hourly"].model_copy(
            update={"monitoring_schedule_name": f"m{number}", "schedule_id": f"m{number}"}
        )
    assert len({each.schedule.monitoring_schedule_name for each in watched.read.all()}) == 150


def test_an_analysis_is_given_what_the_windows_before_measured(watched):
    watched.runs(0, scores=(NEAR,))
    watched.runs(1, scores=(FAR, NEAR))
    watched.runs(2)
    request = watched.host.started[-1]
    given = EarlierScores.model_validate_json(request.files["earlier_scores.json"])
    assert [(each.at, each.scores) for each in given.executions] == [(TEN, (NEAR,)), (TEN + HOUR, (FAR, NEAR))]
    assert request.settings.earlier_scores == Path("/opt/ml/processing/earlier_scores.json")
    assert watched.host.started[0].settings.earlier_scores is None


@given(value=st.text())
def test_whatever_a_text_holds_it_is_text(value):
    found: list[str] = []
    parser = HTMLParser(convert_charrefs=True)
    parser.handle_data = found.append
    parser.handle_starttag = lambda tag, attrs: found.append(f"{tag} {dict(attrs)['title']}")
    page = element("p", value, title=value)
    page.encode()
    parser.feed(page)
    parser.close()
    as_shown = re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]", "\ufffd", value)
    assert found[0] == f"p {as_shown}"
    assert "".join(found[1:]) == as_shown


@given(
    points=st.lists(
        st.tuples(st.integers(0, 9999), st.floats(-1e6, 1e6), st.none() | st.floats(-1e6, 1e6), st.booleans()),
        min_size=1,
    )
)
def test_a_line_over_time_stays_within_its_drawing(points):
    drawn = line_chart(
        [
            Point(TEN + n * HOUR, value, level, bad, False)
            for n, value, level, bad in sorted(points, key=lambda p: p[0])
        ],
        "x",
    )
    places = re.findall(r"[ML](-?[\d.e+-]+) (-?[\d.e+-]+)", drawn)
    assert len(places) >= len(points)
    assert all(0 <= float(x) <= 720 and 0 <= float(y) <= 110 for x, y in places)


def test_days_and_the_hours_after_them_are_one_line():
    days = [Point(TEN + n * 24 * HOUR, 0.1, None, False, False) for n in range(5)]
    hours = [Point(TEN + (4 * 24 + 20 + n) * HOUR, 0.1, None, False, False) for n in range(30)]
    (line,) = re.findall(r'class="line" d="([^"]*)"', line_chart(hours, "x", days))
    assert line.count("M") == 1
    (line,) = re.findall(r'class="line" d="([^"]*)"', line_chart([], "x", [days[0], days[1], days[4]]))
    assert line.count("M") == 1


def test_the_day_of_the_first_execution_that_is_shown_has_a_point_for_the_hours_before_it(watched):
    worst = FAR.model_copy(update={"grade": 20.0})
    for hours in range(110):  # the latest hundred begin with the eleventh, at 19:00 of the first day
        watched.runs(hours, scores=(FAR,) if hours == 3 else (worst,) if hours == 12 else (NEAR,))
    _, executions = watched.read.history(watched.schedules.kept["hourly"])
    assert executions.records[-1].window.start == TEN + 9 * HOUR
    before = {each.score.name: each.at for each in executions.days if each.at <= TEN + 9 * HOUR}
    assert before[FAR.name] == TEN + 3 * HOUR
    assert worst not in [each.score for each in executions.days]  # it is among the executions
    page = watched.ledger.page
    watched.ledger.page = lambda *args, **limit: Page(
        [*page(*args, **limit).records[:-1], (UnreadableRecord("x", "y"), "z")], True
    )
    _, executions = watched.read.history(watched.schedules.kept["hourly"])
    assert (len(executions.records), executions.unreadable) == (99, 1)
    assert TEN + 3 * HOUR in [each.at for each in executions.days]


def test_the_lines_of_a_page_have_one_axis_whose_ends_are_written(watched):
    for hour, scores in enumerate([(NEAR,), (NEAR,), (FAR, NEAR), (NEAR,), (NEAR,)]):
        watched.runs(hour, scores=scores)
    page = watched.page("s3://results/dashboard/hourly.html")
    dots = re.findall(r'<circle class="bad" cx="([^"]*)"[^>]*><title>([^<]*)</title>', page)
    assert dots == [("360", "2026-11-22T12:00:00Z: 0.9")]  # in the middle of four hours
    assert texts(page).count("2026-11-22 10:00 UTC 2026-11-22 14:00 UTC") == 2


def test_months_without_a_run_before_the_latest_executions_are_a_gap_in_the_line():
    days = [Point(TEN + 24 * n * HOUR, 0.1, None, False, False) for n in range(5)]
    hours = [Point(TEN + (180 * 24 + n) * HOUR, 0.1, None, False, False) for n in range(30)]
    (line,) = re.findall(r'class="line" d="([^"]*)"', line_chart(hours, "x", days))
    assert line.count("M") == 2


def test_a_window_without_a_run_is_a_gap_in_the_line():
    hours = [0, 1, 2, 3, 7, 8]
    drawn = line_chart([Point(TEN + n * HOUR, 0.1, None, False, False) for n in hours], "x")
    (line,) = re.findall(r'class="line" d="([^"]*)"', drawn)
    assert line.count("M") == 2
