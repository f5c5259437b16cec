"""What chance makes of a metric, against SciPy, hand arithmetic and simulation."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from modelwatch_analyzer.metric_change import (
    INDEPENDENT,
    Dependence,
    Estimate,
    Rates,
    RatesOfEach,
    chance_of,
    margin_of,
)


def test_two_sides_with_the_same_spread_are_compared_by_students_law():
    before, now = Estimate(0.9, 0.03 / math.sqrt(400), 400), Estimate(0.89, 0.03 / math.sqrt(100), 100)
    error = 0.03 * math.sqrt(1 / 400 + 1 / 100)
    assert chance_of(0.01, now, before) == pytest.approx(stats.t.sf(0.01 / error, 99), rel=1e-12)  # scipy 1.17


def test_the_side_that_varies_more_stands_for_both():
    sure, unsure = Estimate(1.0, 0.0, 50), Estimate(0.9, 0.03, 100)
    error = 0.3 * math.sqrt(1 / 50 + 1 / 100)
    expected = stats.t.sf(0.1 / error, 49)
    assert chance_of(0.1, unsure, sure) == pytest.approx(expected, rel=1e-12)
    assert chance_of(0.1, sure, unsure) == pytest.approx(expected, rel=1e-12)


def test_a_limit_has_no_error_of_its_own():
    assert chance_of(0.1, Estimate(0.9, 0.03, 100), None) == pytest.approx(stats.t.sf(0.1 / 0.03, 99), rel=1e-12)


def test_what_is_not_worse_is_chance_and_what_never_varies_is_as_unlikely_as_its_rows_tell():
    never = Estimate(1.0, 0.0, 30)
    assert chance_of(0.0, never, never) == chance_of(-1.0, Estimate(0.5, 0.1, 9), never) == 1.0
    assert chance_of(1e-9, never, never) == 0.5**30
    assert chance_of(1.0, Estimate(1.0, 0.0, 3), None) == 1 / 8
    assert chance_of(1.0, Estimate(1.0, 0.0, 2_000), None) == 0.0


@pytest.mark.parametrize("error", [1e307, 1e-300])
def test_errors_of_any_size_are_compared(error):
    now = Estimate(0.0, error, 1_000)
    assert chance_of(error, now, now) == pytest.approx(stats.t.sf(1 / math.sqrt(2), 999), rel=1e-9)


def test_what_overflows_is_not_certain():
    now = Estimate(0.0, 1.7e308, 1_000)
    assert chance_of(math.inf, now, now) == 1.0
    assert chance_of(1.7e308, now, now) > 0.4


def test_a_margin_is_exceeded_at_its_rate():
    estimate = Estimate(0.9, 0.03, 100)
    assert chance_of(margin_of(estimate, 0.001), estimate, None) == pytest.approx(0.001, rel=1e-9)


def test_a_window_of_a_schedule_has_its_part_of_the_month():
    assert Rates().of_window(None) == 0.01
    assert Rates().of_window(1 / 720) == pytest.approx(0.05 / 720)
    assert Rates(0.2, 0.3).of_window(0.5) == 0.15
    assert Rates().of_window(0.5) == 0.01  # of one that is checked alone


def test_a_limit_that_a_person_has_set_is_judged_window_by_window():
    before, rates = Estimate(0.9, 0.01, 100), Rates().of_each(1 / 720, 8)
    assert rates == RatesOfEach(pytest.approx(0.05 / 720 / 8), 0.01 / 8)
    assert not rates.is_certain(0.0001, before)
    assert rates.is_certain(0.0001, None)
    assert not rates.is_certain(0.002, None)


@pytest.mark.parametrize(("before", "now"), [(100, 100), (1_000, 100), (100, 1_000)])
@pytest.mark.parametrize("rate", [0.01, 0.001])
def test_skewed_errors_that_have_not_changed_are_certain_at_most_at_the_rate(before, now, rate):
    drawn = np.random.default_rng(20261129)

    def estimates(rows: int) -> list[Estimate]:
        errors = drawn.lognormal(0, 1.5, (5_000, rows))
        return [Estimate(float(each.mean()), float(each.std()) / math.sqrt(rows), rows) for each in errors]

    pairs = zip(estimates(before), estimates(now), strict=True)
    certain = sum(chance_of(this.value - then.value, this, then) <= rate for then, this in pairs)
    assert certain / 5_000 <= rate + 3 * math.sqrt(rate / 5_000)


@pytest.mark.parametrize("share", [0.5, 0.9, 0.98])
@pytest.mark.parametrize(("before", "now"), [(100, 100), (100, 2_000), (2_000, 100), (2_000, 2_000)])
@pytest.mark.parametrize("rate", [0.01, 0.001])
def test_shares_that_have_not_changed_are_certain_at_most_at_the_rate(share, before, now, rate):
    drawn = np.random.default_rng(20261129)

    def estimates(rows: int) -> list[Estimate]:
        shares = (drawn.binomial(rows, share, 20_000) + 1) / (rows + 2)  # two rows more, as of the bootstrap
        return [Estimate(float(each), math.sqrt(each * (1 - each) / rows), rows) for each in shares]

    pairs = zip(estimates(before), estimates(now), strict=True)
    certain = sum(chance_of(then.value - this.value, this, then) <= rate for then, this in pairs)
    assert certain / 20_000 <= rate + 3 * math.sqrt(rate / 20_000)


def test_rows_that_depend_on_each_other_count_as_fewer_and_are_known_from_their_requests():
    # Of 1,000 rows that count ten times fewer, 100 are worth as much; by hand, with 20 and then 60 requests.
    before, few = Estimate(0.9, 0.03, 100), Dependence(10.0, 20.0)
    now = Estimate(0.8, 0.03, 1_000, few)
    assert chance_of(0.1, now, before) == pytest.approx(stats.t.sf(0.1 / 0.03 / math.sqrt(2), 19), rel=1e-12)
    known = replace(now, dependence=replace(few, requests=60.0))
    assert chance_of(0.1, known, before) == pytest.approx(stats.t.sf(0.1 / 0.03 / math.sqrt(2), 59), rel=1e-12)
    assert margin_of(now, 0.01) == pytest.approx(0.03 * stats.t.isf(0.01, 19), rel=1e-9)
    # The sign test has as many signs as there are requests.
    assert chance_of(1.0, Estimate(1.0, 0.0, 1_000, Dependence(1.0, 3.0)), None) == 1 / 8


def test_a_dependence_is_stored_where_there_is_one():
    assert Dependence.stored(None, None) == INDEPENDENT
    assert INDEPENDENT.as_stored() == {}
    known = Dependence(2.5, 40.0)
    assert Dependence.stored(**known.as_stored()) == known
