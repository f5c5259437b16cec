from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from modelwatch_analyzer.bias import intervals
from modelwatch_analyzer.bias.counts import Counts
from modelwatch_analyzer.bias.groups import Facet
from modelwatch_analyzer.bias.intervals import estimate_of, interval_of, replicates_of
from modelwatch_analyzer.bias.metrics import METRICS
from modelwatch_analyzer.metric_change import FURTHER_ROWS, Estimate
from modelwatch_analyzer.undefined import Undefined

NO_FLIPS = Undefined("not asked")


def facet(cells: np.ndarray, *positions: int) -> Facet:
    flips = (NO_FLIPS,) * len(positions)
    return Facet("f", tuple(map(str, positions)), cells, positions, 0, flips)


def replicates(of: Facet, names: list[str], number: int = 1000, seed: int = 0) -> list[dict[str, np.ndarray]]:
    counts = [Counts(of.of(of.cells, group), grouped=True) for group in range(len(of.values))]
    return list(replicates_of(of, counts, [METRICS[name] for name in names], number, seed))


CELLS = np.array([[[[300, 100], [60, 240]]], [[[150, 70], [40, 90]]]])


def counts_of(cells: np.ndarray) -> Counts:
    of = facet(cells, 1)
    return Counts(of.of(of.cells, 0), grouped=True)


def test_an_interval_is_students_with_the_standard_deviation_of_the_replicates():
    drawn = np.array([0.1, 0.2, 0.4, 0.5])
    estimate = estimate_of(METRICS["DPL"], counts_of(CELLS), 0.3, {"DPL": drawn})
    assert estimate == Estimate(0.3, pytest.approx(drawn.std(ddof=1)), 350)  # the rows of the smaller group
    half = stats.t.ppf(0.95, 349) * drawn.std(ddof=1)  # scipy 1.17
    assert interval_of(METRICS["DPL"], estimate, 0.9) == pytest.approx((0.3 - half, 0.3 + half), abs=1e-12)


def test_an_interval_ends_where_the_metric_can_be_no_farther():
    estimate = Estimate(0.2, 0.3, 2)  # Student's law of two rows reaches 12.7 standard errors
    assert interval_of(METRICS["DRR"], estimate, 0.95) == (-1.0, 1.0)
    assert interval_of(METRICS["KS"], estimate, 0.95) == (0.0, 1.0)
    assert interval_of(METRICS["DI"], estimate, 0.95) == (0.0, pytest.approx(0.2 + 0.3 * stats.t.ppf(0.975, 1)))
    assert interval_of(METRICS["TE"], estimate, 0.95)[0] < -1


@pytest.mark.parametrize(("accepted", "group"), [(0.97, 20), (0.95, 50), (0.5, 20), (0.05, 200)])
def test_intervals_of_small_groups_hold_the_truth_about_as_often_as_they_say(accepted, group):
    # 200 samples of 95 % intervals: four standard errors are 6 points. Without further rows, of a group of 20 rows that
    # is accepted at a rate of 0.97, half of the intervals of DPPL held the truth: most samples have no rejected row.
    generator, held, metric = np.random.default_rng(group), 0, METRICS["DPPL"]
    for seed in range(200):
        of = facet(np.zeros((2, 1, 2, 2), dtype=np.int64), 1)
        for place, size in enumerate((400, group)):
            yes = generator.binomial(size, accepted)
            of.cells[place, 0] = np.array([[size - yes, 0], [0, yes]])
        counts = Counts(of.of(of.cells, 0))
        (drawn,) = replicates_of(of, [counts], [metric], 200, seed, FURTHER_ROWS)
        least, most = interval_of(metric, estimate_of(metric, counts, metric.value(counts), drawn), 0.95)
        held += least <= 0 <= most
    assert held >= 0.89 * 200


def test_the_spread_of_replicates_is_that_of_the_binomial_distribution():
    # DPL is a difference of two shares; given random group sizes its variance is p(1-p)/n in each, to first order.
    spread = replicates(facet(CELLS, 1), ["DPL"], number=20_000)[0]["DPL"].std()
    a, d = 300 / 700, 130 / 350
    expected = math.sqrt(a * (1 - a) / 700 + d * (1 - d) / 350)
    assert spread == pytest.approx(expected, rel=0.03)  # six standard errors of a standard deviation of 20,000


def test_replicates_of_counts_are_spread_as_those_of_rows():
    # The bootstrap of rows, done plainly: rows drawn with replacement, and counted.
    rows = np.array([index for index, count in np.ndenumerate(CELLS) for _ in range(count)])
    generator, plain = np.random.default_rng(1), []
    for _ in range(1500):
        cells = np.zeros_like(CELLS)
        np.add.at(cells, tuple(rows[generator.integers(0, len(rows), len(rows))].T), 1)
        of = facet(cells, 1)
        plain.append(METRICS["RD"].value(Counts(of.of(cells, 0))))
    counted = replicates(facet(CELLS, 1), ["RD"], number=1500)[0]["RD"]
    assert counted.std() == pytest.approx(np.std(plain), rel=0.12)
    assert stats.ks_2samp(counted, plain).pvalue > 1e-4


def test_the_groups_of_a_facet_share_their_replicates():
    one, other = replicates(facet(CELLS, 0, 1), ["DPPL"])
    assert one["DPPL"] == pytest.approx(-other["DPPL"], abs=1e-12)


def test_large_replicates_are_drawn_in_pieces_that_differ(monkeypatch):
    monkeypatch.setattr(intervals, "_MOST_CELLS", CELLS.size * 300)
    for drawn in replicates(facet(CELLS, 1), ["CDDPL", "DPPL"], number=1000)[0].values():
        assert drawn.shape == (1000,)
        assert np.unique(drawn[:300]).size > 100
        assert not np.array_equal(drawn[:300], drawn[300:600])


def test_the_group_variable_widens_only_intervals_of_metrics_that_use_it():
    # The same rows, once in one group and once in two of which each has the rows of one facet value alone.
    apart = np.zeros((2, 2, 2, 2), dtype=np.int64)
    apart[0, 0], apart[1, 1] = CELLS[0, 0], CELLS[1, 0]
    (one,), (two,) = (replicates(facet(cells, 1), ["CDDL", "RD"]) for cells in (CELLS, apart))
    assert one["RD"].std() == pytest.approx(two["RD"].std(), rel=0.15)
    # All rejected rows of a group are of its only facet value, and so are all accepted ones: no disparity.
    assert np.all(two["CDDL"] == 0.0)
    assert one["CDDL"].std() > 0.01


def test_there_is_no_interval_where_too_many_replicates_are_without_a_number():
    rare = np.array([[[[300, 100], [60, 240]]], [[[150, 1], [40, 90]]]])  # FP of d is 0 in a third of replicates
    drawn = replicates(facet(rare, 1), ["TE"])[0]["TE"]
    metric, counts = METRICS["TE"], counts_of(rare)
    found = interval_of(metric, estimate_of(metric, counts, 3.0, {"TE": drawn}), 0.95)
    assert isinstance(found, Undefined)
    assert "of 1000 resamples" in found.reason
    assert isinstance(estimate_of(metric, counts, math.inf, {"TE": drawn}), Undefined)
    assert estimate_of(metric, counts, Undefined("why"), {}) == Undefined("why")


def test_an_interval_holds_the_truth_about_as_often_as_it_says():
    # DPL of 400 rows drawn from known shares, 300 times: 95 % within six standard errors (0.0126 each).
    generator, shares, held = np.random.default_rng(8), np.array([0.3, 0.2, 0.25, 0.25]), 0
    truth = 0.2 / 0.5 - 0.25 / 0.5
    for _ in range(300):
        labels = generator.multinomial(400, shares).reshape(2, 1, 2)
        of = facet(np.stack([labels, np.zeros_like(labels)], axis=-1), 1)
        counts = Counts(of.of(of.cells, 0))
        drawn = replicates(of, ["DPL"], number=200)[0]
        estimate = estimate_of(METRICS["DPL"], counts, METRICS["DPL"].value(counts), drawn)
        least, most = interval_of(METRICS["DPL"], estimate, 0.95)
        held += least <= truth <= most
    assert abs(held / 300 - 0.95) < 0.076
