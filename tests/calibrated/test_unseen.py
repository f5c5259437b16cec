"""Values that the baseline has not."""

from __future__ import annotations

import numpy as np
import pytest

from modelwatch_analyzer.calibrated.unseen import unseen_of_dependent, unseen_test


def test_one_frequent_new_value_is_judged_by_the_chance_that_all_its_rows_are_drawn_now() -> None:
    pooled = np.array([500.0, 480.0, 8.0])
    # 8 of 988 rows, all in the 494 of now: prod (494 - i) / (988 - i) = 0.00379, twice for the two bounds.
    expected = 2 * np.prod([(494 - i) / (988 - i) for i in range(8)])
    assert unseen_test(pooled, np.array([8.0]), 494, 494) == pytest.approx(expected, rel=1e-6)


def test_a_new_id_in_each_row_is_no_surprise() -> None:
    assert unseen_test(np.ones(2_000), np.ones(1_000), 1_000, 1_000) == 1


def test_more_new_values_than_chance_would_put_into_the_window_alone_are_a_surprise() -> None:
    # Values of two rows are all in the window with a chance of 1 / 4: 100 of 100 are too many.
    assert unseen_test(np.full(100, 2.0), np.full(100, 2.0), 10_000, 10_000) < 1e-12


def test_without_new_values_nothing_is_certain() -> None:
    assert unseen_test(np.array([3.0, 4.0]), np.empty(0), 4, 3) == 1


def test_a_new_id_every_five_rows_is_no_surprise_however_few_rows_its_own_are_worth() -> None:
    ids, none = np.full(400, 5.0), np.zeros(400)
    assert unseen_of_dependent(ids, none, np.full(200, 5.0), (6.9, 1.0)) == 1
    assert unseen_of_dependent(ids, none, np.full(200, 5.0), (4.3, 5.2)) == 1


def test_dependent_rows_of_one_new_value_are_as_many_as_they_are_worth() -> None:
    known = np.array([800.0, 700.0])
    # 10 of 160 rows, all among the 85 of now: prod (85 - i) / (160 - i), twice for the two bounds.
    expected = 2 * np.prod([(85 - i) / (160 - i) for i in range(10)])
    assert unseen_of_dependent(known / 2, known / 2, np.array([100.0]), (10.0, 10.0)) == pytest.approx(expected)


def test_a_small_baseline_that_shares_no_value_with_the_window_is_told_from_it() -> None:
    # 20 rows of 10 values before, 1,000 rows of 10 others now: one of the 1,020! / (1,000! 20!) = 1e42 ways to draw 20.
    p = unseen_test(np.append(np.full(10, 100.0), np.full(10, 2.0)), np.full(10, 100.0), 20, 1_000)
    assert p < 1e-5


def test_new_values_that_chance_explains_are_as_rare_as_promised() -> None:
    generator = np.random.default_rng(8)
    shares = 1 / np.arange(1, 200) ** 1.5
    found = []
    for before, now in ((20, 400), (300, 300), (400, 20)) * 300:
        then, later = (generator.multinomial(rows, shares / shares.sum()) for rows in (before, now))
        pooled, unseen = (then + later).astype(float), later[(then == 0) & (later > 0)].astype(float)
        found.append(unseen_test(pooled[pooled > 0], unseen, before, now))
    assert sum(p <= 0.05 for p in found) <= 45  # 5 % of 900
