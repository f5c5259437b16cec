"""Seasonal baselines: what is usual at an hour, how far windows differ, and a window against its like."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from modelwatch_analyzer.calibrated.cells import ColumnCounts, FrozenTable, freeze
from modelwatch_analyzer.calibrated.evidence import WINDOW_TEST, Found, WindowMean
from modelwatch_analyzer.calibrated.row_sample import RowSample, SampledColumn, SampledRows
from modelwatch_analyzer.calibrated.seasonal_tests import WindowTimes, mean_evidence, seasonal_evidence
from modelwatch_analyzer.calibrated.seasons import Season, SeasonalCounts, Spread, seasons_of
from modelwatch_analyzer.calibrated.tables import Compared, compare
from modelwatch_analyzer.reading.dataset import REQUEST_COLUMN, SLOT_COLUMN

MONDAY = 20_055 * 24  # 2024-11-28 is day 20,055 since 1970: a Thursday
DAYS = 28


def test_seasons_are_hours_of_the_day_with_weekends_apart():
    thursday_1970, saturday_1970, monday_1970 = 0, 2 * 24, 4 * 24
    hours = np.array([thursday_1970, thursday_1970 + 23, saturday_1970, saturday_1970 + 47, monday_1970 + 1])
    assert seasons_of(hours, "hour").tolist() == [0, 23, 0, 23, 1]
    assert seasons_of(hours, "hour_and_kind_of_day").tolist() == [0, 23, 24, 47, 1]
    assert seasons_of(hours, "").tolist() == [0] * 5


def test_the_mean_of_neighbouring_windows_varies_as_their_correlation_says():
    # Two windows with correlation 0.5: (1 + 1 + 2 * 0.5) / 4 = 0.75 of the variance of one; three: (3 + 2 (2 * 0.5 +
    # 0.25)) / 9; without correlation 1 / L.
    assert spread(correlation=0.5).of_several(1) == 1
    assert spread(correlation=0.5).of_several(2) == pytest.approx(0.75)
    assert spread(correlation=0.5).of_several(3) == pytest.approx(5.5 / 9)
    assert spread(correlation=0.0).of_several(7) == pytest.approx(1 / 7)


def spread(**changes: float) -> Spread:
    given = {"windows": 20.0, "correlation": 0.0, "rows": 50.0, "repeated": 1.0, "between": 0.0, "mean_variance": 0.0}
    return Spread(**(given | changes))


def test_a_window_is_one_observation_among_those_that_were_learnt_from():
    # The prediction interval of a normal sample: (x - mean) / (s sqrt(1 + 1 / G)) is Student's with G - 1 degrees, here
    # with windows whose means vary by 0.09 beyond their rows.
    learnt = spread(between=0.09, mean_variance=0.09 + 1 / 50)
    seasonal = SeasonalCounts(by="", seasons={}, spreads={24: learnt}, variance=1.0 + 0.09)
    error = math.sqrt((0.09 + 1 / 50) * (1 + 1 / 20))
    tested = mean_evidence(WindowMean(1.5, 50.0), seasonal, learnt, WINDOW_TEST)
    assert tested.p == pytest.approx(2 * stats.t.sf(1.5 / error, 19))  # scipy
    shift = 1.5 / math.sqrt(1.09)
    assert tested.effect.estimate == pytest.approx(2 * stats.norm.cdf(shift / 2) - 1)
    assert tested.effect.lower < tested.effect.estimate < tested.effect.upper
    assert "moved to higher values" in tested.effect.what


def test_a_day_that_multiplies_all_values_is_as_surprising_as_the_logarithm_of_its_factor():
    # Factors whose logarithms are normal with a standard deviation of 0.3, of values whose usual mean is 20: 4 of these
    # deviations are p = 2 Phi(-4), 6.3e-5 (scipy). On the natural scale they would be p = 1e-14.
    learnt = spread(windows=1e9, between=36.0, mean_variance=36.0, rows=1e9)
    seasonal = SeasonalCounts(by="", seasons={}, spreads={24: learnt}, variance=36.0)
    away = 20 * (math.exp(4 * 0.3) - 1)
    many = mean_evidence(WindowMean(away, 1e9, 20.0), seasonal, learnt, WINDOW_TEST)
    assert many.p == pytest.approx(2 * stats.norm.sf(4), rel=1e-3)
    natural = mean_evidence(WindowMean(away, 1e9), seasonal, learnt, WINDOW_TEST)
    assert natural.p < 1e-13
    assert many.effect.estimate == natural.effect.estimate
    assert many.effect.lower < natural.effect.lower
    # By hand: the lower limit is 4 - 1.96 standard deviations, and two normal laws so far apart are 2 Phi(d / 2) - 1.
    assert many.effect.lower == pytest.approx(2 * stats.norm.cdf((4 - stats.norm.ppf(0.975)) / 2) - 1, rel=1e-3)


def test_moves_downwards_are_measured_as_they_are():
    learnt = spread(between=36.0, mean_variance=36.0)
    seasonal = SeasonalCounts(by="", seasons={}, spreads={24: learnt}, variance=72.0)
    of_amounts, natural = (
        mean_evidence(WindowMean(-15.0, 50.0, usual), seasonal, learnt, WINDOW_TEST) for usual in (20.0, 0.0)
    )
    assert of_amounts == natural


# Simulated captures: a value that goes with the hour and differs from day to day, and a category that goes with the
# hour.


def captured(seed: int, days: range, rows: int = 30, *, season: float = 3.0, day: float = 0.3, shift: float = 0.0):
    drawn = np.random.default_rng(seed)
    hours = np.repeat(MONDAY + np.arange(days.start * 24, days.stop * 24), rows)
    of_day = np.repeat(drawn.normal(0, day, len(days)), 24 * rows)
    weekend = (hours // 24 + 3) % 7 >= 5
    usual = season * np.sin(2 * np.pi * (hours % 24) / 24) * np.where(weekend, -1, 1)
    value = usual + of_day + shift + drawn.normal(0, 1, hours.size)
    kind = np.where(drawn.random(hours.size) < 0.5 + season / 8 * np.sin(2 * np.pi * (hours % 24) / 24), "day", "night")
    return pl.DataFrame({"value": value, "kind": kind, SLOT_COLUMN: hours.astype(np.uint32)})


def sampled(frame: pl.DataFrame) -> SampledRows:
    sample, rows = RowSample(2), SampledRows()
    sample.update(frame)
    rows.add(sample)
    return rows


def baseline(frame: pl.DataFrame) -> dict[str, ColumnCounts]:
    return dict(freeze(sampled(frame), {"value": True, "kind": False}).columns)


def found_in(counts: dict[str, ColumnCounts], frame: pl.DataFrame, *, by_record: bool = True) -> dict[str, Found]:
    rows = sampled(frame)
    hours = rows.hours()
    assert hours is not None
    times = WindowTimes.of_records(hours)
    if not by_record:
        times = WindowTimes.between(float(hours.min()), float(hours.max() + 1), None)
    columns, found = rows.columns(), {}
    for name, before in counts.items():
        assert before.seasons is not None
        numeric = name == "value"
        found[name] = seasonal_evidence(
            before, before.seasons, columns[name], times, 1.0, numeric=numeric, integral=False
        )
    return found


def least(found: Found) -> float:
    return min(each.p for each in found.evidence)


def hour(day: int, of_day: int, seed: int = 2, **changes: float) -> pl.DataFrame:
    frame = captured(seed, range(day, day + 1), **changes)
    return frame.filter(frame[SLOT_COLUMN] % 24 == of_day)


@pytest.fixture(scope="module")
def seasonal() -> dict[str, ColumnCounts]:
    return baseline(captured(1, range(DAYS)))


def test_hours_and_weekends_are_told_apart_where_data_show_it(seasonal):
    for counts in seasonal.values():
        assert counts.seasons is not None
        assert counts.seasons.by == "hour_and_kind_of_day"
        assert len(counts.seasons.seasons) == 48


def test_hours_are_told_apart_alone_where_a_month_has_not_been_seen():
    counts = baseline(captured(1, range(12)))["value"]
    assert counts.seasons is not None
    assert counts.seasons.by == "hour"


def test_exchangeable_rows_make_no_seasonal_baseline():
    assert [counts.seasons for counts in baseline(captured(3, range(DAYS), season=0.0, day=0.0)).values()] == [None] * 2


def test_windows_that_differ_without_a_season_are_learnt_from_too():
    counts = baseline(captured(3, range(DAYS), season=0.0, day=0.3))["value"]
    assert counts.seasons is not None
    assert counts.seasons.by == ""
    assert counts.seasons.spreads[24].repeated > 10


def test_a_week_is_too_short_to_learn_from():
    assert [counts.seasons for counts in baseline(captured(1, range(7))).values()] == [None] * 2


def test_what_is_learnt_of_the_variance_between_days_is_right(seasonal):
    # Days differ by 0.3 and rows by 1: windows of a day of 720 rows have the variance 0.09 + 1 / 720.
    learnt = baseline(captured(5, range(200), rows=10))["value"].seasons
    assert learnt is not None
    assert learnt.spreads[24].between == pytest.approx(0.09, rel=0.25)
    assert learnt.spreads[24].mean_variance == pytest.approx(0.09 + 1 / 240, rel=0.25)
    assert learnt.variance == pytest.approx(1.09, rel=0.05)
    assert learnt.spreads[24].repeated == pytest.approx(1 + 240 * 0.09, rel=0.3)


@pytest.mark.parametrize("of_day", [3, 9, 15, 22])
@pytest.mark.parametrize("by_record", [True, False])
def test_nights_and_weekends_are_compared_with_their_like(seasonal, of_day, by_record):
    for day in range(DAYS, DAYS + 7):
        for found in found_in(seasonal, hour(day, of_day), by_record=by_record).values():
            assert least(found) > 0.001


def test_undrifted_windows_are_certain_at_the_rate_that_is_asked_for(seasonal):
    windows = [captured(seed, range(DAYS, DAYS + 1)) for seed in range(100, 250)]
    certain = [name for window in windows for name, found in found_in(seasonal, window).items() if least(found) < 0.05]
    # 300 columns at 5 %: 15 are expected at most, and more than 25 of them are there with a chance of 0.4 % (binomial).
    assert len(certain) <= 25


@pytest.mark.parametrize("of_day", [3, 15])
def test_a_shift_is_found_at_any_hour(seasonal, of_day):
    found = found_in(seasonal, hour(DAYS, of_day, shift=3.0))
    assert least(found["value"]) < 1e-6
    by_mean = next(each for each in found["value"].evidence if each.test == WINDOW_TEST)
    assert by_mean.effect.lower > 0.5
    assert least(found["kind"]) > 0.001


def test_what_is_usual_at_noon_is_a_change_at_night(seasonal):
    night = hour(DAYS, 18).with_columns((pl.col(SLOT_COLUMN) - 12).alias(SLOT_COLUMN))
    found = found_in(seasonal, night)
    assert least(found["value"]) < 1e-6
    assert least(found["kind"]) < 1e-3


def test_what_is_usual_is_known_of_columns_that_are_never_negative(seasonal):
    day = captured(7, range(DAYS, DAYS + 1))
    found = found_in(seasonal, day)["value"]
    assert found.mean is not None
    assert found.mean.usual == 0
    positive = pl.col("value") + 100.0
    moved = day.with_columns(positive)
    found = found_in(baseline(captured(1, range(DAYS)).with_columns(positive)), moved)["value"]
    assert found.mean is not None
    assert found.mean.usual + found.mean.away == pytest.approx(moved["value"].mean())


def test_rows_of_hours_that_the_baseline_lacks_are_left_out_and_reported(seasonal):
    known = captured(1, range(DAYS))
    known = known.filter(known[SLOT_COLUMN] % 24 >= 6)
    counts = baseline(known)
    at_night = found_in(counts, hour(DAYS, 3))
    assert {name: found.evidence for name, found in at_night.items()} == {"value": (), "kind": ()}
    assert "no rows of these hours" in at_night["value"].remark
    both = found_in(counts, pl.concat([hour(DAYS, 3, shift=50.0), hour(DAYS, 12)]))
    assert least(both["value"]) > 0.001
    assert "30 of 60 rows are left out, as the baseline lacks their hours" in both["value"].remark


def test_a_few_records_without_a_time_are_left_out():
    frame = captured(1, range(DAYS))

    def untimed(every: int) -> pl.DataFrame:
        timed = pl.when(pl.int_range(pl.len()) % every > 0).then(pl.col(SLOT_COLUMN))
        return frame.with_columns(timed.alias(SLOT_COLUMN))

    assert [counts.seasons for counts in baseline(untimed(7)).values()] == [None] * 2
    assert [counts.seasons for counts in baseline(frame.drop(SLOT_COLUMN)).values()] == [None] * 2
    few = baseline(untimed(200))
    assert few["value"].seasons is not None
    assert sum(each.rows for each in few["value"].seasons.seasons.values()) == frame.height - -(-frame.height // 200)
    found = found_in(few, untimed(200).head(720))
    assert "4 of 720 rows are left out" in found["value"].remark
    assert least(found["value"]) > 0.001


def test_hours_that_are_a_week_apart_are_no_week():
    # The mean of two hours varies more than that of a week: taken for one, 5 % of such windows are certain at 1 %.
    counts = baseline(captured(1, range(56), rows=10, day=0.5))
    start = MONDAY + 56 * 24
    two = [
        captured(seed, range(56, 64), day=0.5).filter(pl.col(SLOT_COLUMN).is_in([start + 10, start + 7 * 24 + 10]))
        for seed in range(200, 260)
    ]
    assert [least(found_in(counts, window)["value"]) < 0.01 for window in two] == [False] * 60


def test_means_of_a_few_skewed_values_are_no_evidence():
    # Of hours of three lognormal values Student's law gives p of 1e-9: where rows make windows differ, they are tested.
    drawn = np.random.default_rng(8)
    frame = captured(8, range(56), rows=3)
    skewed = frame.with_columns(value=pl.Series(np.exp(drawn.normal(0, 1.5, frame.height))) + pl.col(SLOT_COLUMN) % 24)
    counts = baseline(skewed.head(28 * 72))
    for start in range(28 * 72, frame.height, 3):
        found = found_in(counts, skewed[start : start + 3])["value"]
        assert all(each.test != WINDOW_TEST for each in found.evidence)
        assert least(found) > 1e-4


@pytest.mark.parametrize("seed", range(12))
def test_days_that_differ_are_not_taken_for_weekends(seed):
    frame = captured(seed, range(DAYS), rows=5, day=2.0)
    usual = 3 * np.sin(2 * np.pi * (frame[SLOT_COLUMN].to_numpy() % 24) / 24)
    weekend = (frame[SLOT_COLUMN].to_numpy() // 24 + 3) % 7 >= 5
    alike = frame.with_columns(value=pl.col("value") + np.where(weekend, 2 * usual, 0.0))
    seasons = baseline(alike)["value"].seasons
    assert seasons is not None
    assert seasons.by == "hour"


def test_numbers_beyond_the_square_root_of_a_double_have_no_mean_that_is_tested():
    frame = captured(1, range(DAYS)).with_columns(pl.col("value") * 1e200)
    counts = baseline(frame)
    found = found_in(counts, frame.head(720))
    assert all(each.test != WINDOW_TEST for each in found["value"].evidence)
    assert least(found["value"]) > 0.001


@given(hours=st.lists(st.integers(0, 2**31), min_size=1, max_size=50), by=st.sampled_from(["", "hour"]))
def test_hours_a_day_apart_are_the_same_season(hours, by):
    given_hours = np.array(hours)
    assert (seasons_of(given_hours, by) == seasons_of(given_hours + 24, by)).all()
    weekly = seasons_of(given_hours, "hour_and_kind_of_day")
    assert (weekly == seasons_of(given_hours + 7 * 24, "hour_and_kind_of_day")).all()
    assert (weekly % 24 == given_hours % 24).all()


@given(counts=st.lists(st.integers(0, 10**9), min_size=1, max_size=40))
def test_counts_by_cell_come_back_as_they_were_written(counts):
    season = Season.of(np.array(counts), 3, 0.0)
    assert season.rows == sum(counts) + 3
    assert Season.model_validate_json(season.model_dump_json()).by_cell(len(counts)).tolist() == counts


def test_counts_are_short_to_read_and_other_text_is_refused():
    assert Season.of(np.array([0, 29, 0, 11]), 0, 0.0).counts == "1:29 3:11"
    with pytest.raises(ValueError, match="counts"):
        Season(rows=1, missing=0, counts="1:29 3;11")


def test_a_column_that_is_always_missing_is_left_alone():
    frame = captured(1, range(DAYS)).with_columns(value=pl.lit(None, pl.Float64()))
    counts = baseline(frame)
    assert counts["value"].seasons is None
    assert counts["kind"].seasons is not None


def test_a_column_without_variance_is_compared_by_its_rows(seasonal):
    frame = captured(1, range(DAYS)).with_columns(value=pl.lit(4.0))
    found = found_in(baseline(frame), frame.head(720))
    assert least(found["value"]) == 1
    changed = found_in(baseline(frame), frame.head(720).with_columns(value=pl.lit(5.0)))
    assert least(changed["value"]) < 1e-4


def test_columns_of_parts_are_filtered_as_their_hours_are():
    parts = SampledColumn((pl.Series("value", [1.0, 2.0]), pl.Series("value", [3.0, 4.0])))
    frame = captured(1, range(DAYS))
    counts = baseline(frame.filter(frame[SLOT_COLUMN] % 24 >= 6))["value"]
    assert counts.seasons is not None
    times = WindowTimes.of_records(np.array([MONDAY + 3, MONDAY + 9, MONDAY + 4, MONDAY + 9]))
    found = seasonal_evidence(counts, counts.seasons, parts, times, 1.0, numeric=True, integral=False)
    assert found.mean is not None
    assert found.mean.rows == 2
    usual = counts.seasons.seasons[9].mean
    assert found.mean.away == pytest.approx(3.0 - usual)  # of the rows 2 and 4


def test_values_that_are_missing_at_night_more_often_are_no_change(seasonal):
    def lacking(frame: pl.DataFrame) -> pl.DataFrame:
        drawn = np.random.default_rng([6, frame.height]).random(frame.height)
        share = np.where(frame[SLOT_COLUMN].to_numpy() % 24 < 12, 0.1, 0.9)
        return frame.with_columns(pl.when(pl.Series(drawn >= share)).then(pl.col("value")).alias("value"))

    counts = baseline(lacking(captured(1, range(DAYS))))
    learnt = counts["value"].seasons
    assert learnt is not None
    day = lacking(captured(7, range(DAYS, DAYS + 1)))
    usual = [learnt.seasons[int(each)].mean for each in seasons_of(day[SLOT_COLUMN].to_numpy().astype(int), learnt.by)]
    expected = (day["value"] - pl.Series(usual)).mean()
    found = found_in(counts, day)["value"]
    assert found.mean is not None
    assert found.mean.away == pytest.approx(expected)
    assert least(found) > 0.01
    untimed = found_in(counts, day, by_record=False)["value"]
    assert least(untimed) > 0.01


def test_hours_at_which_the_baseline_has_no_value_have_no_usual_mean():
    at_night = pl.col(SLOT_COLUMN) % 24 < 6
    frame = captured(1, range(DAYS)).with_columns(pl.when(~at_night).then(pl.col("value") + 100.0).alias("value"))
    counts = baseline(frame)
    found = found_in(counts, hour(DAYS, 3).with_columns(pl.col("value") + 100.0))["value"]
    assert found.mean is None


def test_quiet_nights_do_not_hide_what_the_days_tell():
    # Days of 60 rows an hour that differ by 0.5, and nights of 3 rows that hardly vary: the variance between hours of
    # many rows is 0.25 all the same. Signs of normal numbers with correlation r = 0.25 / 1.25 have 2 asin(r) / pi, and
    # by it an hour of 60 rows counts 8.6 times fewer.
    drawn = np.random.default_rng(11)
    hours = MONDAY + np.arange(60 * 24)
    quiet = hours % 24 < 10
    of_row = np.repeat(hours, np.where(quiet, 3, 60))
    of_day = drawn.normal(0, 0.5, 60)
    day = np.repeat(of_day * 0.5 / of_day.std(ddof=1), 24)[of_row - MONDAY]
    noise = drawn.normal(0, 1, of_row.size)
    value = np.where(of_row % 24 < 10, 0.2 * noise, day + noise)
    kind = np.where(value > 0, "high", "low")
    counts = baseline(pl.DataFrame({"value": value, "kind": kind, SLOT_COLUMN: of_row.astype(np.uint32)}))
    learnt = counts["value"].seasons
    assert learnt is not None
    assert learnt.spreads[1].between == pytest.approx(0.25, rel=0.15)
    assert learnt.spreads[1].mean_variance == pytest.approx(0.25 + 1 / 60, rel=0.15)
    busy = pl.DataFrame(
        {"value": drawn.normal(0, 1, 60), "kind": ["high"] * 60, SLOT_COLUMN: np.full(60, MONDAY + 15, np.uint32)}
    )
    found = found_in(counts, busy)["kind"]
    assert found.rows == pytest.approx(60 / (1 + 59 * 2 * math.asin(0.2) / math.pi), rel=0.25)


def test_what_is_learnt_does_not_depend_on_the_order_of_the_rows():
    frame = captured(1, range(DAYS))
    mixed = frame.sample(fraction=1, shuffle=True, seed=3)
    for name, counts in baseline(frame).items():
        learnt, again = counts.seasons, baseline(mixed)[name].seasons
        assert learnt is not None
        assert again is not None
        assert again.seasons.keys() == learnt.seasons.keys()
        for number, season in learnt.seasons.items():
            assert again.seasons[number].counts == season.counts
        for length, each in learnt.spreads.items():
            assert again.spreads[length].model_dump() == pytest.approx(each.model_dump())


def test_a_column_that_its_hour_decides_has_no_spread_of_rounding_errors():
    frame = captured(1, range(DAYS))
    exact = frame.with_columns((0.1 * (pl.col(SLOT_COLUMN) % 24)).alias("value"))
    learnt = baseline(exact)["value"].seasons
    assert learnt is not None
    assert {each.repeated for each in learnt.spreads.values()} == {1.0}


def test_very_many_columns_have_cells_too(monkeypatch):
    monkeypatch.setattr("modelwatch_analyzer.calibrated.cells._SEASONAL_CELLS", 1)
    counts = baseline(captured(1, range(DAYS)))["value"]
    assert counts.seasons is not None
    assert counts.numbers is not None
    assert counts.numbers.distinct > len(counts.numbers.counts) > 1


def test_batches_that_are_new_are_no_change_of_a_seasonal_baseline(seasonal):
    # A caller sends 50 rows that are alike in one request, where each row of the baseline came alone.
    alone = captured(8, range(DAYS, DAYS + 1), rows=60)
    first = np.repeat(np.arange(0, alone.height, 50), 50)[: alone.height]
    requests = pl.Series(REQUEST_COLUMN, first.astype(np.uint64))
    batches = alone.with_columns(alone["value"].gather(first), alone["kind"].gather(first), requests)
    compared = {name: Compared(name, name == "value") for name in seasonal}
    rows = sampled(batches)
    hours = rows.hours()
    assert hours is not None
    found = compare(FrozenTable(seasonal), rows, compared, WindowTimes.of_records(hours))
    assert found["kind"].rows <= alone.height / 45
    assert least(found["kind"]) > 0.01
    assert least(found["value"]) > 0.01
