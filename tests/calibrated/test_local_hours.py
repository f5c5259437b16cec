"""Hours of local clocks: of rows, of windows, and of what a baseline learns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch_analyzer.calibrated.cells import ColumnCounts, freeze
from modelwatch_analyzer.calibrated.local_hours import local_hours, slot_minutes
from modelwatch_analyzer.calibrated.row_sample import RowSample, SampledRows
from modelwatch_analyzer.calibrated.seasonal_tests import WindowTimes, seasonal_evidence
from modelwatch_analyzer.calibrated.seasons import seasons_of
from modelwatch_analyzer.reading.dataset import SLOT_COLUMN
from modelwatch_core.domain.time_zones import time_zone, zone_names

BERLIN = "Europe/Berlin"
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_START = datetime(1970, 1, 1)  # noqa: DTZ001 (of any clock)


def utc(*fields: int) -> datetime:
    return datetime(*fields, tzinfo=UTC)


def slots_of(moments: list[datetime], zone: str | None) -> np.ndarray:
    return np.array([int(moment.timestamp()) // (60 * slot_minutes(zone)) for moment in moments])


def shown(moment: datetime, zone: str) -> datetime:
    return moment.astimezone(time_zone(zone)).replace(tzinfo=None)


@given(
    zone=st.sampled_from(sorted(zone_names())),
    seconds=st.lists(st.integers(10 * 365 * 86_400, 2**32), min_size=1),  # from 1980 to 2106
)
def test_the_local_hour_of_any_time_is_that_of_the_zone(zone, seconds):
    moments = [datetime.fromtimestamp(second, UTC) for second in seconds]
    hours = local_hours(slots_of(moments, zone), zone)
    assert hours.tolist() == [(shown(moment, zone) - _START) // _HOUR for moment in moments]
    local = [shown(moment, zone) for moment in moments]
    seasons = [each.hour + (24 if each.weekday() >= 5 else 0) for each in local]
    assert seasons_of(hours, "hour_and_kind_of_day").tolist() == seasons


def hours_of_day(start: datetime, hours: int, zone: str) -> list[int]:
    moments = [start + place * _HOUR for place in range(hours)]
    return (local_hours(slots_of(moments, zone), zone) % 24).tolist()


def test_an_hour_that_clocks_leave_out_is_no_hour_and_one_that_they_repeat_is_one():
    # Berlin's clocks went from 02:00 to 03:00 on 2026-03-29, and from 03:00 to 02:00 on 2026-10-25, at 01:00 UTC.
    assert hours_of_day(utc(2026, 3, 28, 23), 23, BERLIN) == [0, 1, *range(3, 24)]
    assert hours_of_day(utc(2026, 10, 24, 22), 25, BERLIN) == [0, 1, 2, *range(2, 24)]


def test_an_hour_begins_at_half_past_or_at_a_quarter_where_clocks_do():
    # India is 5:30 hours ahead, Nepal 5:45; Lord Howe's clocks change by half an hour, from 11:00 to 10:30 ahead at
    # 15:00 UTC on 2026-04-04.
    quarters = [utc(2026, 5, 1, 18) + place * _HOUR / 4 for place in range(4)]
    for zone, expected in (("Asia/Kolkata", [23, 23, 0, 0]), ("Asia/Kathmandu", [23, 0, 0, 0])):
        assert (local_hours(slots_of(quarters, zone), zone) % 24).tolist() == expected
    changed = [utc(2026, 4, 4, 14, 30) + place * _HOUR / 2 for place in range(4)]
    assert (local_hours(slots_of(changed, "Australia/Lord_Howe"), "Australia/Lord_Howe") % 24).tolist() == [1, 1, 2, 2]


@pytest.mark.parametrize("zone", [None, BERLIN, "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_times_that_are_not_known_stay_so_and_the_last_years_are_no_error(zone):
    last = datetime.max.replace(tzinfo=UTC).timestamp() // (60 * slot_minutes(zone))
    hours = local_hours(np.array([-1, 500_000 * 60 // slot_minutes(zone), int(last)]), zone)
    assert hours[0] < 0 < hours[1] < hours[2]


# Windows


def window(start: datetime, end: datetime, zone: str | None = None) -> WindowTimes:
    return WindowTimes.between(start.timestamp() / 3600, end.timestamp() / 3600, None, zone)


def weights(times: WindowTimes) -> dict[int, float]:
    hours, shares = times.hours % 24, times.shares / times.shares.sum()
    return {int(each): float(shares[hours == each].sum()) for each in np.unique(hours)}


@pytest.mark.parametrize(("start", "hours"), [(utc(2026, 3, 28, 23), 23), (utc(2026, 10, 24, 22), 25)])
def test_a_local_day_is_a_day_long_though_its_clocks_change(start, hours):
    assert window(start, start + hours * _HOUR, BERLIN).length == max(hours, 24)
    of_rows = local_hours(slots_of([start + place * _HOUR for place in range(hours)], BERLIN), BERLIN)
    assert WindowTimes.of_records(of_rows).length == 24


@pytest.mark.parametrize("change", [utc(2026, 3, 29, 1), utc(2026, 10, 25, 1)])
@pytest.mark.parametrize("hours", [1, 2, 6, 12, 24, 168])
def test_a_window_of_a_schedule_is_as_long_as_ever_when_clocks_change(change, hours):
    for before in range(hours + 1):
        start = change - before * _HOUR + _HOUR / 2
        assert window(start, start + hours * _HOUR, BERLIN).length == hours


def test_a_window_has_the_hours_of_local_clocks_by_how_long_it_is_in_each():
    third = pytest.approx(1 / 3)
    assert weights(window(utc(2026, 3, 29, 0), utc(2026, 3, 29, 3), BERLIN)) == dict.fromkeys((1, 3, 4), third)
    assert weights(window(utc(2026, 10, 25, 0), utc(2026, 10, 25, 3), BERLIN)) == {2: pytest.approx(2 / 3), 3: third}
    assert weights(window(utc(2026, 5, 1, 3), utc(2026, 5, 1, 4), "Asia/Kolkata")) == {8: 0.5, 9: 0.5}


@pytest.mark.parametrize("zone", [None, "UTC", BERLIN])
def test_a_window_that_begins_five_minutes_past_is_hardly_of_the_hour_in_which_it_ends(zone):
    start = utc(2026, 5, 1, 3, 5)
    first, last = weights(window(start, start + _HOUR, zone)).values()
    assert (first, last) == (pytest.approx(55 / 60), pytest.approx(5 / 60))
    (alone,) = weights(window(start, start + timedelta(minutes=10), zone)).values()
    assert alone == 1


# Baselines


def captured(start: datetime, days: int, zone: str | None, *, of: str = BERLIN, rows: int = 8) -> pl.DataFrame:
    """Draw rows of local office hours with a peak, whose days differ a little."""
    drawn = np.random.default_rng(days)
    hours = [start + place * _HOUR for place in range(24 * days)]
    local = [shown(hour, of) for hour in hours]
    office = [
        0.0 if each.weekday() >= 5 or not 9 <= each.hour < 17 else 8.0 if each.hour == 12 else 4.0 for each in local
    ]
    usual = np.repeat(np.array(office) + np.repeat(drawn.normal(0, 0.2, days), 24), rows)
    times = [hour + row * _HOUR / rows for hour in hours for row in range(rows)]
    slots = slots_of(times, zone).astype(np.uint32)
    return pl.DataFrame({"value": usual + drawn.normal(0, 1, usual.size), SLOT_COLUMN: slots})


def sampled(frame: pl.DataFrame, zone: str | None) -> SampledRows:
    sample, rows = RowSample(1), SampledRows(zone)
    sample.update(frame)
    rows.add(sample)
    return rows


def learnt(frame: pl.DataFrame, zone: str | None) -> ColumnCounts:
    return freeze(sampled(frame, zone), {"value": True}).columns["value"]


def least(before: ColumnCounts, frame: pl.DataFrame) -> float:
    """Return the least p of a window."""
    assert before.seasons is not None
    rows = sampled(frame, before.seasons.time_zone)
    hours, column = rows.hours(), rows.columns()["value"]
    assert hours is not None
    times = WindowTimes.of_records(hours)
    found = seasonal_evidence(before, before.seasons, column, times, 1.0, numeric=True, integral=False)
    return min(each.p for each in found.evidence)


@pytest.mark.parametrize("change", [utc(2026, 3, 29), utc(2026, 10, 25)])
def test_hours_are_compared_with_their_like_after_clocks_have_changed(change):
    flagged = {}
    for zone in (None, BERLIN):
        before, monday = (
            learnt(captured(change - 35 * _DAY, 35, zone), zone),
            captured(change + _DAY, 1, zone),
        )
        windows = [monday[8 * hour : 8 * hour + 8] for hour in range(24)]
        flagged[zone] = [hour for hour, window in enumerate(windows) if least(before, window) < 1e-4]
    # In UTC the hours that have come into the office hours or the peak, or have left them.
    assert flagged[BERLIN] == []
    assert len(flagged[None]) == 4


def test_what_is_learnt_in_a_zone_is_what_is_learnt_in_utc_of_rows_moved_by_its_offset():
    # Nepal is 5:45 hours ahead and has no summer time.
    zone, midnight = "Asia/Kathmandu", utc(2026, 9, 6, 18, 15)
    local = learnt(captured(midnight, 35, zone, of=zone), zone)
    moved = learnt(captured(utc(2026, 9, 7), 35, None, of="UTC"), None)
    assert local.seasons is not None
    assert local.seasons.time_zone == zone
    assert local.seasons.by == "hour_and_kind_of_day"
    seasons = local.seasons.model_copy(update={"time_zone": None})
    assert local.model_copy(update={"seasons": seasons}).model_dump() == moved.model_dump()
