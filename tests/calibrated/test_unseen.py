"""Values that the baseline has not."""

from __future__ import annotations

import numpy as np
import pytest

from modelwatch_analyzer.calibrated.unseen import unseen_test


def test_one_frequent_new_value_is_judged_by_the_chance_that_all_its_rows_are_drawn_now() -> None:
    pooled = np.array([500.0, 480.0, 8.0])
    # 8 of 988 rows, all in the 494 of now: prod (494 - i) / (988 - i) = 0.00379, twice for the two bounds.
    expected = 2 * np.prod([(494 - i) / (988 - i) for i in range(8)])
    assert unseen_test(pooled, np.array([8.0]), 494, 494) == pytest.approx(expected, rel=1e-6)


def test_ids_of_which_each_row_has_a_new_one_are_no_surprise() -> None:
    assert unseen_test(np.ones(2_000), np.ones(1_000), 1_000, 1_000) == 1


def test_more_new_values_than_ids_of_both_would_leave_are_a_surprise() -> None:
    # Values of two rows are all in the window with a chance of 1 / 4: 100 of 100 are too many.
    assert unseen_test(np.full(100, 2.0), np.full(100, 2.0), 10_000, 10_000) < 1e-12


def test_without_new_values_nothing_is_certain() -> None:
    assert unseen_test(np.array([3.0, 4.0]), np.empty(0), 4, 3) == 1
