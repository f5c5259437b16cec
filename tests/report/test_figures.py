"""Drawings: whatever the numbers, they stay within their box and show what they stand for."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch_analyzer.report.figures import (
    BarsFigure,
    CurveFigure,
    IntervalFigure,
    Scale,
    bars_figure,
    curve_figure,
    interval_figure,
)
from modelwatch_core.domain.number_text import number_text

NUMBER = r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?"
any_float = st.floats() | st.sampled_from([0.0, -0.0, 5e-324, 1.7e308, -1.7e308])


def extent(path: str) -> tuple[float, float, float, float]:
    """Follow the path: left, right, top, bottom. Letters as SVG defines them; M, H, V, L, l, v and Z are used."""
    xs, ys = [], []
    x = y = 0.0
    for letter, body in re.findall(r"([MHVLlvZ])([^MHVLlvZ]*)", path):
        numbers = [float(number) for number in re.findall(NUMBER, body)]
        if letter in "ML":
            x, y = numbers
        elif letter == "l":
            x, y = x + numbers[0], y + numbers[1]
        elif letter == "H":
            (x,) = numbers
        elif letter == "V":
            (y,) = numbers
        elif letter == "v":
            y += numbers[0]
        xs.append(x)
        ys.append(y)
    return min(xs), max(xs), min(ys), max(ys)


def assert_within(path: str, width: float, height: float) -> None:
    assert re.fullmatch(rf"(?:[MHVLlvZ]|{NUMBER}| )*", path)
    if path:
        left, right, top, bottom = extent(path)
        assert -0.01 <= left <= right <= width + 0.01
        assert -0.01 <= top <= bottom <= height + 0.01


@given(
    value=st.none() | any_float, interval=st.none() | st.tuples(any_float, any_float), reference=st.none() | any_float
)
def test_an_interval_stays_within_its_drawing(value, interval, reference):
    figure = interval_figure(value, interval, reference)
    for path in (figure.band, figure.value, figure.reference) if figure else ():
        assert_within(path, IntervalFigure.WIDTH, IntervalFigure.HEIGHT)


def test_an_interval_is_drawn_in_proportion():
    figure = interval_figure(0.5, (0.4, 0.8), 0.0)
    # The axis runs from 0 to 0.8 over the width less six pixels on either side.
    place = lambda number: 6 + (IntervalFigure.WIDTH - 12) * number / 0.8  # noqa: E731
    assert extent(figure.band)[:2] == pytest.approx((place(0.4), place(0.8)), rel=1e-3)
    assert np.mean(extent(figure.value)[:2]) == pytest.approx(place(0.5), rel=1e-3)
    assert extent(figure.reference)[:2] == pytest.approx((place(0), place(0)))


def test_an_interval_that_is_not_bounded_runs_to_the_edge():
    figure = interval_figure(0.5, (0.25, float("inf")), 1.0)
    assert extent(figure.band)[:2] == pytest.approx((6, IntervalFigure.WIDTH - 6))


@pytest.mark.parametrize("numbers", [(None, None, None), (0.5, None, None), (float("nan"), None, 0.5)])
def test_a_lone_number_is_not_drawn(numbers):
    assert interval_figure(*numbers) is None


@given(
    rows=st.lists(
        st.tuples(st.none() | any_float, st.none() | any_float, st.none() | st.tuples(any_float, any_float)), min_size=1
    )
)
def test_bars_stay_within_their_drawing(rows):
    scale = Scale.over(
        (0.0, *(x for then, now, interval in rows for x in (then, now, *(interval or ())))), BarsFigure.WIDTH
    )
    for then, now, interval in rows:
        figure = bars_figure(then, now, interval, scale)
        for path in (figure.then, figure.now, figure.whisker):
            assert_within(path, BarsFigure.WIDTH, BarsFigure.HEIGHT)


def test_bars_start_at_zero_and_are_above_each_other():
    scale = Scale.over((0.0, -0.5, 1.5), BarsFigure.WIDTH)
    figure = bars_figure(-0.5, 1.5, None, scale)
    zero = BarsFigure.WIDTH / 4
    assert extent(figure.then)[:2] == (0, zero)
    assert extent(figure.now)[:2] == (zero, BarsFigure.WIDTH)
    assert extent(figure.then)[3] < extent(figure.now)[2]
    assert figure.whisker == ""


@given(points=st.lists(st.tuples(any_float, any_float), max_size=50), diagonal=st.booleans())
def test_a_curve_stays_within_its_drawing(points, diagonal):
    figure = curve_figure([x for x, _ in points], [y for _, y in points], diagonal=diagonal)
    if figure is None:
        assert not any(np.isfinite(x) and np.isfinite(y) for x, y in points)
        return
    assert_within(figure.line, CurveFigure.WIDTH, CurveFigure.HEIGHT)
    places = re.findall(rf"({NUMBER}) ({NUMBER})", figure.line)
    assert places
    assert all(0 <= float(x) <= CurveFigure.WIDTH and 0 <= float(y) <= CurveFigure.HEIGHT for x, y in places)
    assert all(0 <= place <= CurveFigure.WIDTH for place, _ in figure.x_ticks)
    assert all(0 <= place <= CurveFigure.HEIGHT for place, _ in figure.y_ticks)


def test_shares_are_drawn_on_the_unit_square_with_y_upwards():
    figure = curve_figure([0.0, 0.5, 1.0], [0.0, 0.75, 0.75], diagonal=True)
    assert (CurveFigure.WIDTH, CurveFigure.HEIGHT) == (220, 180)
    assert figure.line == "M0 180L110 45L220 45"
    assert figure.diagonal == "M0 180L220 0"
    assert figure.x_ticks == ((0.0, 0.0), (110.0, 0.5), (220.0, 1.0))
    assert figure.y_ticks == ((180.0, 0.0), (90.0, 0.5), (0.0, 1.0))


def test_with_a_diagonal_both_axes_are_the_same():
    figure = curve_figure([0.0, 10.0], [5.0, 20.0], diagonal=True)
    assert [number for _, number in figure.x_ticks] == [number for _, number in figure.y_ticks] == [0, 10, 20]


def test_a_million_points_are_drawn_by_a_few_thousand_and_no_spike_is_lost():
    x = np.linspace(0.0, 1.0, 1_000_000)
    y = np.full(x.shape, 0.5)
    y[333_333] = 1.0
    figure = curve_figure(x, y, diagonal=False)
    assert len(figure.line) < 20_000
    assert extent("M0 0" + "".join(f"L{point}" for point in figure.line[1:].split("L")))[2] == 0.0
    assert " 0L" in figure.line


@given(st.floats(-1e308, 1e308))
def test_a_number_is_short_and_near_what_it_stands_for(number):
    text = number_text(number)
    assert len(text) <= 13
    assert float(text.replace(",", "")) == pytest.approx(number, rel=1e-3)
