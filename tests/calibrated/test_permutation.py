"""The permutation test of a sum of scores."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from modelwatch_analyzer.calibrated.permutation import sum_test


def test_the_far_tail_is_that_of_the_exact_rank_sum_test() -> None:
    drawn = np.zeros(120)
    generator = np.random.default_rng(1)
    drawn[generator.choice(np.arange(60, 120), 45, replace=False)] = 1
    drawn[generator.choice(60, 15, replace=False)] = 1
    ranks = np.arange(120.0)
    exact = stats.mannwhitneyu(ranks[drawn > 0], ranks[drawn == 0], method="exact").pvalue
    assert exact < 1e-5
    assert sum_test(ranks, 1 - drawn, drawn) == pytest.approx(exact, rel=0.03)


def test_few_scores_have_a_p_that_is_at_least_the_exact_one_and_not_much_larger() -> None:
    scores = np.array([0.0, 0.0, 1.0, 1.0, 1.0, 2.0, 3.0, 4.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0])
    drawn = (9, 11, 12, 13)
    sums = np.array([scores[list(each)].sum() for each in combinations(range(14), 4)])
    away = abs(scores[list(drawn)].sum() - sums.mean())
    exact = float(np.mean(np.abs(sums - sums.mean()) >= away - 1e-9))
    now = np.zeros(14)
    now[list(drawn)] = 1
    cells, places = np.unique(scores, return_inverse=True)
    before, current = (np.bincount(places, side) for side in (1 - now, now))
    assert exact <= sum_test(cells, before, current) < 3 * exact  # half a step is taken off


@pytest.mark.parametrize(("rare", "size", "drawn"), [(50, 100, 8), (100, 10, 4), (100, 100, 14), (250, 30, 13)])
def test_of_a_rare_value_the_far_tail_is_that_of_the_hypergeometric_law(rare: int, size: int, drawn: int) -> None:
    rows = 5_000
    before, now = np.array([rows - rare - size + drawn, rare - drawn]), np.array([size - drawn, drawn])
    exact = float(stats.hypergeom.sf(drawn - 1, rows, rare, size))
    assert exact < 1e-4
    assert exact <= sum_test(np.array([0.0, 1.0]), before, now) < 4 * exact  # of both tails


def test_at_the_end_of_what_is_possible_p_is_at_least_the_exact_one() -> None:
    now = np.zeros(5_000)
    now[-3:] = 1
    exact = float(stats.hypergeom.sf(2, 5_000, 3, 3))
    assert exact <= sum_test(np.arange(5_000.0), 1 - now, now) < 20 * exact


def test_nothing_is_told_by_one_value_or_one_sample() -> None:
    assert sum_test(np.array([1.0]), np.array([5.0]), np.array([5.0])) == 1
    assert sum_test(np.array([1.0, 2.0]), np.array([5.0, 5.0]), np.zeros(2)) == 1


def test_complete_separation_is_as_certain_as_it_can_be() -> None:
    now = np.concatenate([np.zeros(50), np.ones(50)])
    assert 0 <= sum_test(np.arange(100.0), 1 - now, now) < 1e-12
