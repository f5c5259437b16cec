"""Bias amplification: the gap in the predictions less the gap in the labels, of the same rows."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from modelwatch_analyzer.bias.counts import Counts
from modelwatch_analyzer.bias.groups import Facet, facet_of, positive_of
from modelwatch_analyzer.bias.intervals import estimate_of, interval_of, replicates_of
from modelwatch_analyzer.bias.metrics import METRICS
from modelwatch_analyzer.bias.table import BiasColumns, BiasTable, Prediction
from modelwatch_analyzer.bias.values import Listed
from modelwatch_analyzer.undefined import Undefined
from tests.bias.reference import counted, of_smclarify
from tests.bias.test_analysis import CONFIG, FAIR, PREDICTED, UNFAIR

PAIRS = {"BA": ("DPPL", "DPL"), "CBA": ("CDDPL", "CDDL")}

ROWS = st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans(), st.integers(0, 2)), min_size=1, max_size=40)


def columns_of(rows: list[tuple[bool, bool, bool, int]]) -> tuple[NDArray[np.bool_], ...]:
    facet, label, predicted = (np.array(column, dtype=bool) for column in list(zip(*rows, strict=True))[:3])
    return facet, label, predicted


def values_of(counts: Counts) -> dict[str, float | Undefined]:
    return {name: METRICS[name].value(counts) for name in PAIRS}


def test_amplification_of_six_applicants_is_what_hand_arithmetic_gives():
    # By hand. Group 0: d has labels 1, 0 and predictions 0, 0; a has labels 1, 0 and predictions 1, 0. Group 1: one row
    # of d with label and prediction 1, one of a with label and prediction 0.
    of_d = [(True, True, False, 0), (True, False, False, 0), (True, True, True, 1)]
    of_a = [(False, True, True, 0), (False, False, False, 0), (False, False, False, 1)]
    found = values_of(counted(*columns_of([*of_d, *of_a]), np.array([0, 0, 1, 0, 0, 1])))
    # DPPL = 1/3 - 1/3, DPL = 1/3 - 2/3.
    assert found["BA"] == pytest.approx(1 / 3, abs=1e-12)
    # Labels: D - A is 1/2 - 1/2 of four rows and 0 - 1 of two. Predictions: 2/3 - 0 of four, and 0 - 1 of two.
    assert found["CBA"] == pytest.approx((4 * 2 / 3 - 2) / 6 - (4 * 0 - 2) / 6, abs=1e-12)


@settings(max_examples=60)
@given(ROWS)
def test_amplification_is_the_difference_of_the_two_metrics_of_smclarify_on_any_rows(rows):
    group = np.unique([row[3] for row in rows], return_inverse=True)[1]
    for name, found in values_of(counted(*columns_of(rows), group)).items():
        if not isinstance(found, Undefined):
            post, pre = (of_smclarify(each, *columns_of(rows), group) for each in PAIRS[name])  # smclarify 0.5
            assert found == pytest.approx(post - pre, abs=1e-12)


@settings(max_examples=20)
@given(ROWS, st.data())
def test_neither_the_order_of_rows_nor_how_they_are_split_changes_amplification(rows, data):
    def table(part: list[tuple[bool, bool, bool, int]]) -> BiasTable:
        names = ("facet", "label", "predicted", "group")
        texts = [[str(int(value)) for value in row] for row in part]
        columns = BiasColumns(
            "label",
            Listed((1,)),
            {"facet": ("facet", Listed((1,)))},
            group="group",
            prediction=Prediction(("predicted",)),
        )
        made = BiasTable.empty(columns, seed=0)
        made.update(pl.DataFrame(texts, schema=dict.fromkeys(names, pl.String()), orient="row"))
        return made

    def values(of: BiasTable) -> dict[str, float | Undefined]:
        facet = facet_of(of, "facet", positive_of(of, ("1",)), None, ("1",), neighbours=1)
        return values_of(Counts(facet.of(facet.cells, 0), grouped=True))

    shuffled = data.draw(st.permutations(rows))
    cut = data.draw(st.integers(0, len(rows)))
    assert values(table(shuffled)) == values(table(rows))
    assert values(table(shuffled[cut:]).merge(table(shuffled[:cut]))) == values(table(rows))


# One-sided data, by hand: two rows of each group, or none of d.
D, A = [True, True], [False, False]
EDGES = {
    "one class of labels": (D + A, [True] * 4, [True, False, True, True], 0.5, "No negative labels in set"),
    "one class of predictions": (
        D + A,
        [True, False, True, True],
        [True] * 4,
        -0.5,
        "No negative labels in set of predictions",
    ),
    "no positive prediction": (D + A, [True, False] * 2, [False] * 4, "No Label values", "No Label values"),
    "empty facet": (A + A, [True, False] * 2, [True, False] * 2, "Facet set is empty", "Facet set is empty"),
    "everyone in the facet": (D + D, [True, False] * 2, [True, False] * 2, "Negated facet set", "Negated facet set"),
    "predictions equal to labels": (D + A, [True, False, True, True], [True, False, True, True], 0.0, 0.0),
    "all rows equal": (D + A, [True] * 4, [True] * 4, 0.0, "No negative labels in set of predictions"),
}


@pytest.mark.parametrize("case", EDGES)
def test_one_sided_data_have_one_meaning(case):
    facet, label, predicted, *expected = EDGES[case]
    counts = counted(np.array(facet), np.array(label), np.array(predicted), np.zeros(4, int))
    for found, wanted in zip(values_of(counts).values(), expected, strict=True):
        if isinstance(found, Undefined):
            assert found.reason.startswith(str(wanted))
        else:
            assert found == wanted


def facet_with(cells: NDArray[np.int64]) -> Facet:
    return Facet("f", ("d",), cells, (1,), 0, (Undefined("not asked"),))


def drawn(cells: NDArray[np.int64], names: list[str], number: int, seed: int = 0) -> dict[str, NDArray[np.float64]]:
    facet = facet_with(cells)
    counts = Counts(facet.of(cells, 0), grouped=True)
    (found,) = replicates_of(facet, [counts], [METRICS[name] for name in names], number, seed)
    return found


# Predictions that follow the labels closely; rows by facet, group, label, prediction.
CLOSE = np.array([[[[380, 20], [10, 290]], [[90, 10], [5, 95]]], [[[150, 10], [30, 110]], [[60, 5], [15, 70]]]])


def test_the_spread_is_that_of_the_difference_of_each_row_and_not_of_two_separate_samples():
    found = drawn(CLOSE, ["BA", "DPPL", "DPL"], 20_000)
    # To first order, the variance of the mean of prediction - label (-1, 0 or 1) in each of the two groups.
    variance = 0.0
    for rows in CLOSE.sum(axis=1):
        total, both = rows.sum(), rows[1, 0] + rows[0, 1]
        mean = (rows[0, 1] - rows[1, 0]) / total
        variance += (both / total - mean**2) / total
    assert found["BA"].std() == pytest.approx(math.sqrt(variance), rel=0.03)
    assert np.array_equal(found["BA"], found["DPPL"] - found["DPL"])
    assert found["BA"].std() < math.hypot(found["DPPL"].std(), found["DPL"].std()) / 2


def test_predictions_equal_to_the_labels_amplify_nothing_in_any_resample():
    same = CLOSE * np.eye(2, dtype=np.int64)
    for name, replicates in drawn(same, list(PAIRS), 300).items():
        assert not replicates.any(), name


@pytest.mark.slow
@pytest.mark.parametrize("name", PAIRS)
def test_an_interval_of_amplification_holds_the_truth_about_as_often_as_it_says(name):
    # 600 samples of 1,225 rows: 95 % within four standard errors (0.0089 each).
    generator, shares = np.random.default_rng(11), CLOSE / CLOSE.sum()
    truth = METRICS[name].value(Counts(CLOSE, grouped=True))
    held = 0
    for seed in range(600):
        cells = generator.multinomial(CLOSE.sum(), shares.ravel()).reshape(CLOSE.shape)
        counts = Counts(facet_with(cells).of(cells, 0), grouped=True)
        replicates = drawn(cells, [name], 200, seed)
        estimate = estimate_of(METRICS[name], counts, METRICS[name].value(counts), replicates)
        least, most = interval_of(METRICS[name], estimate, 0.95)
        held += least <= truth <= most
    assert abs(held / 600 - 0.95) < 0.036, held


def test_a_baseline_leaves_conditional_amplification_open_until_a_person_sets_a_range(bench):
    bench.baseline(FAIR, CONFIG, **PREDICTED)
    assert bench.metrics("baseline", "sex", "F")["CBA"]["range"] == [None, None]
    found = bench.check(UNFAIR, CONFIG, **PREDICTED)
    shifted = bench.metrics("check", "sex", "F")["CBA"]
    assert shifted["interval"][0] > 0.05
    assert "CBA" not in {violation.metric_name for violation in found.violations}
    constraints = bench.report("baseline")
    (metric,) = [
        metric
        for metric in constraints["post_training_bias_metrics"]["facets"]["sex"][0]["metrics"]
        if metric["name"] == "CBA"
    ]
    metric["range"] = [-0.05, 0.05]
    found = bench.check(UNFAIR, CONFIG, constraints, **PREDICTED)
    (violation,) = [each for each in found.violations if each.metric_name == "CBA"]
    assert (
        "requirement [-0.05, 0.05]. Chance does not explain the difference from the range (p " in violation.description
    )


def test_a_baseline_without_conditional_amplification_is_not_reported_for_what_is_not_compared(bench):
    bench.baseline(FAIR, CONFIG, **PREDICTED)
    earlier = bench.report("baseline")
    for entry in earlier["post_training_bias_metrics"]["facets"]["sex"]:
        entry["metrics"] = [metric for metric in entry["metrics"] if metric["name"] != "CBA"]
    warnings = bench.check(FAIR, CONFIG, earlier, **PREDICTED).warnings
    assert not any("CBA" in warning for warning in warnings)


def test_amplification_is_in_the_page_and_in_the_metrics_that_are_published(bench):
    bench.baseline(FAIR, CONFIG, **PREDICTED)
    bench.check(UNFAIR, CONFIG, **PREDICTED, publish_cloudwatch_metrics="Enabled")
    page = (bench.folder / "check" / "report.html").read_text()
    assert "Conditional Bias Amplification (CBA)" in page
    assert "any value" in page
    lines = (bench.folder / "check" / "cloudwatch_metrics.jsonl").read_text()
    assert lines.count('"bias_metric_CBA"') == lines.count('"bias_metric_BA"') == 2
