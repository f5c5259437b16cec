"""Effects and their intervals."""

from __future__ import annotations

import numpy as np
import pytest

from modelwatch_analyzer.calibrated import effects
from modelwatch_analyzer.calibrated.effects import difference_of_shares, largest_move, total_variation


def test_the_interval_of_a_difference_of_shares_is_newcombes(monkeypatch: pytest.MonkeyPatch) -> None:
    few = difference_of_shares(48, 80, 56, 70, "")
    monkeypatch.setattr(effects, "_MANY", 0)
    effect = difference_of_shares(48, 80, 56, 70, "")
    assert effect.estimate == pytest.approx(0.2)
    # Newcombe (1998), Statistics in Medicine 17, table II, (a) 56/70 - 48/80, method 10: 0.0524 to 0.3339.
    assert (effect.lower, effect.upper) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    # Few rows have the quantile of 90 % on each side: 1.2816 / 1.96 = 0.654 of the reach, but for Wilson's skewness.
    assert few.upper - few.lower == pytest.approx(0.654 * (effect.upper - effect.lower), rel=0.02)


def test_many_rows_have_the_limits_of_two_and_a_half_per_cent_on_each_side() -> None:
    effect = difference_of_shares(2_000, 100_000, 3_000, 100_000, "")
    error = np.sqrt(0.02 * 0.98 / 1e5 + 0.03 * 0.97 / 1e5)
    assert (effect.lower, effect.upper) == pytest.approx((0.01 - 1.96 * error, 0.01 + 1.96 * error), rel=2e-3)


def test_a_decrease_is_as_large_as_the_increase_that_undoes_it() -> None:
    there, back = difference_of_shares(48, 80, 56, 70, ""), difference_of_shares(56, 70, 48, 80, "")
    assert (there.estimate, there.lower, there.upper) == pytest.approx((back.estimate, back.lower, back.upper))


def test_the_largest_move_is_the_distance_of_kolmogorov_with_its_bound() -> None:
    effect = largest_move(np.array([0.5, 0.3, 0.2]), np.array([0.3, 0.3, 0.4]), 500.0, "")
    assert effect.estimate == pytest.approx(0.2)
    assert effect.lower == pytest.approx(0.2 - np.sqrt(np.log(40) / 1000))


def test_total_variation_takes_off_what_chance_makes() -> None:
    generator = np.random.default_rng(3)
    shares = np.full(16, 1 / 16)
    pairs = [[generator.multinomial(1_000, shares) / 1_000 for _ in range(2)] for _ in range(400)]
    beyond = sum(total_variation(before, now, 500.0, "").estimate > 0 for before, now in pairs)
    assert 160 < beyond < 240  # half of them, within four standard errors
    largest = total_variation(np.append(shares, 0.0), np.append(0 * shares, 1.0), 500.0, "")
    assert largest.estimate > 0.85
    assert largest.lower == pytest.approx(largest.estimate - np.sqrt(np.log(20) / 1_000))
