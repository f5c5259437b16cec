"""SHAP values against Shapley's definition, by brute force over all orders of the features."""

from __future__ import annotations

from itertools import permutations
from math import factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from modelwatch_analyzer.explainability.explainers import DESIGNS, MOST_EXACT_FEATURES, Design, design
from modelwatch_core.domain.errors import InvalidInput

Game = NDArray[np.float64]
"""The worth of each coalition, by the bits of its number: feature j is in coalition i if bit j of i is set."""


def by_definition(worth: Game, features: int) -> NDArray[np.float64]:
    """Mean gain of each feature over all orders in which they can join (Shapley 1953)."""
    total = np.zeros(features)
    for order in permutations(range(features)):
        coalition = 0
        for feature in order:
            total[feature] += worth[coalition | 1 << feature] - worth[coalition]
            coalition |= 1 << feature
    return total / factorial(features)


def estimate(chosen: Design, worth: Game) -> NDArray[np.float64]:
    features = chosen.coalitions.shape[1]
    numbers = chosen.coalitions @ (1 << np.arange(features))
    return chosen.weights @ np.concatenate([[worth[0], worth[-1]], worth[numbers]])


def random_game(features: int, seed: int) -> Game:
    return np.random.default_rng(seed).normal(size=2**features)


def smooth_game(features: int, seed: int) -> Game:
    """Main effects and interactions of pairs, as models have them."""
    rng = np.random.default_rng(seed)
    members = (np.arange(2**features)[:, None] >> np.arange(features)) & 1
    pairs = np.triu(rng.normal(size=(features, features)), 1)
    return members @ rng.normal(size=features) + np.einsum("ci,ij,cj->c", members, pairs, members)


@pytest.mark.parametrize("features", range(1, 8))
def test_exact_values_are_shapleys_for_any_game(features: int) -> None:
    worth = random_game(features, features)
    found = estimate(design("auto", features, 1, 0), worth)
    np.testing.assert_allclose(found, by_definition(worth, features), rtol=0, atol=1e-12)


def test_exact_values_are_shapleys_for_eight_features() -> None:
    # 40,320 orders: one game is enough. Tolerance of "exact": rounding, 1e-12.
    worth = random_game(8, 8)
    found = estimate(design("auto", MOST_EXACT_FEATURES, None, 0), worth)
    np.testing.assert_allclose(found, by_definition(worth, 8), rtol=0, atol=1e-12)


@pytest.mark.parametrize("features", [2, 3, 4, 5, 6])
def test_the_kernel_with_all_coalitions_is_exact(features: int) -> None:
    worth = random_game(features, features)
    chosen = design("kernel", features, 2**features, 0)
    assert len(chosen.coalitions) == 2**features - 2
    np.testing.assert_allclose(estimate(chosen, worth), by_definition(worth, features), rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("explainer", "samples", "tolerance"),
    # Mean distance to the exact values, as a part of their mean magnitude. The kernel's pairs leave no error of
    # interactions of two; orders and their reverses leave none either: 1e-9 is rounding.
    [("kernel", 40, 1e-9), ("permutation", 14, 1e-9)],
)
def test_main_effects_and_interactions_of_pairs_are_found_without_error(
    explainer: str, samples: int, tolerance: float
) -> None:
    worth = smooth_game(8, 3)
    truth = estimate(design("exact", 8, None, 0), worth)
    found = estimate(design(explainer, 8, samples, 1), worth)
    assert np.abs(found - truth).mean() <= tolerance * np.abs(truth).mean()


@pytest.mark.parametrize("features", [9, 11, 15])
def test_the_kernel_leaves_no_error_of_pairs_with_the_fewest_samples_whatever_the_seed(features: int) -> None:
    worth = smooth_game(features, 3)
    truth = estimate(design("exact", features, None, 0), worth)
    for seed in range(30):
        np.testing.assert_allclose(estimate(design("kernel", features, 1, seed), worth), truth, rtol=0, atol=1e-8)


@pytest.mark.parametrize(("explainer", "tolerance"), [("kernel", 0.15), ("permutation", 0.35)])
def test_samples_come_near_to_the_exact_values_of_a_curved_game(explainer: str, tolerance: float) -> None:
    # 100 of 254 coalitions of a game with interactions of every order; tolerance: as above, as a mean over 20 seeds.
    members = (np.arange(256)[:, None] >> np.arange(8)) & 1
    worth = np.exp(members @ np.linspace(-0.5, 1.0, 8))
    truth = estimate(design("exact", 8, None, 0), worth)
    distances = [np.abs(estimate(design(explainer, 8, 100, seed), worth) - truth).mean() for seed in range(20)]
    assert np.mean(distances) <= tolerance * np.abs(truth).mean()


def test_more_samples_bring_less_error() -> None:
    worth = random_game(10, 0)
    truth = estimate(design("exact", 10, None, 0), worth)

    def distance(samples: int) -> float:
        found = [estimate(design("kernel", 10, samples, seed), worth) for seed in range(10)]
        return float(np.mean([np.abs(each - truth).mean() for each in found]))

    assert distance(800) < 0.6 * distance(100)


@given(
    explainer=st.sampled_from(sorted(DESIGNS)),
    features=st.integers(2, 9),
    samples=st.integers(1, 300),
    seed=st.integers(0, 2**32),
)
@settings(max_examples=60)
def test_every_design_shares_out_all_of_the_prediction_and_only_that(
    explainer: str, features: int, samples: int, seed: int
) -> None:
    chosen = design(explainer, features, samples, seed)
    worth = random_game(features, seed % 1000)
    assert estimate(chosen, worth).sum() == pytest.approx(worth[-1] - worth[0], abs=1e-7)
    assert estimate(chosen, np.full(2**features, 3.5)) == pytest.approx(0, abs=1e-7)
    sizes = chosen.coalitions.sum(axis=1)
    assert ((sizes > 0) & (sizes < features)).all()
    assert len(np.unique(chosen.coalitions, axis=0)) == len(chosen.coalitions)


@given(features=st.integers(2, 12), samples=st.integers(1, 400), seed=st.integers(0, 1000))
@settings(max_examples=40)
def test_the_kernel_draws_each_coalition_with_its_complement(features: int, samples: int, seed: int) -> None:
    coalitions = design("kernel", features, samples, seed).coalitions
    drawn = {row.tobytes() for row in coalitions}
    assert {(~row).tobytes() for row in coalitions} == drawn
    assert len(coalitions) == min(max(samples, 2 * features) // 2 * 2, 2**features - 2)


def test_the_same_seed_draws_the_same_coalitions_and_another_seed_others() -> None:
    first, again, other = (design("kernel", 15, 60, seed).coalitions for seed in (4, 4, 5))
    assert (first == again).all()
    assert (first != other).any()


@pytest.mark.parametrize(
    ("features", "samples", "chosen"), [(8, 10, "exact"), (9, 10, "kernel"), (9, 510, "exact"), (40, None, "kernel")]
)
def test_the_explainer_follows_from_the_features_and_the_samples(
    features: int, samples: int | None, chosen: str
) -> None:
    assert design("auto", features, samples, 0).explainer == chosen


@pytest.mark.parametrize(
    ("explainer", "features", "code"), [("guess", 3, "InvalidAnalysisConfig"), ("exact", 21, "TooManyFeatures")]
)
def test_unknown_explainers_and_too_many_exact_features_are_refused(explainer: str, features: int, code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        design(explainer, features, None, 0)
    assert refused.value.code == code
