"""Each number says where it is from; all hold to 1e-12 unless their source has fewer digits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from fairlearn import metrics as fairlearn
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwatch_analyzer.bias.counts import Counts
from modelwatch_analyzer.bias.metric import Stage
from modelwatch_analyzer.bias.metrics import METRICS, numbers_of
from modelwatch_analyzer.metric_change import Estimate
from modelwatch_analyzer.undefined import Undefined
from tests.bias.reference import SMCLARIFY, counted, of_smclarify

OURS = {"BA", "CBA", "FD"}

# The twelve applicants of smclarify's own tests (tests/unit/bias/metrics/test_metrics.py), by sex, label, prediction.
SEX = np.array(list("MFFMFMFFMMFF"))
LABEL = np.array([0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 0]) == 1
PREDICTED = np.array([1, 1, 1, 0, 0, 0, 1, 1, 0, 1, 0, 0]) == 1


def value(name: str, counts: Counts) -> float:
    found = METRICS[name].value(counts)
    assert not isinstance(found, Undefined), found
    return found


def undefined(name: str, counts: Counts) -> str:
    found = METRICS[name].value(counts)
    assert isinstance(found, Undefined)
    return found.reason


# By hand from the twelve rows; equal to the literals of smclarify's tests where these have the metric.
TWELVE = {
    "AD": -13 / 35,
    "BA": (2 / 5 - 4 / 7) - (2 / 5 - 3 / 7),
    "CI": -1 / 6,
    "DAR": -1 / 2,
    "DCA": 1 / 4,
    "DCR": 1 / 3,
    "DI": 10 / 7,
    "DPL": 2 / 5 - 3 / 7,
    "DPPL": 2 / 5 - 4 / 7,
    "DRR": 1 / 3,
    "GE": 0.24556213017751485,  # smclarify 0.5
    "RD": -2 / 3,
    "SD": 1 / 6,
    "TE": -1 / 2,
    "KS": 3 / 7 - 2 / 5,
    "LP": math.sqrt(2) * (3 / 7 - 2 / 5),
    "TVD": 3 / 7 - 2 / 5,
    "KL": 2 / 5 * math.log(14 / 15) + 3 / 5 * math.log(21 / 20),
    "JS": (
        2 / 5 * math.log(28 / 29) + 3 / 5 * math.log(42 / 41) + 3 / 7 * math.log(30 / 29) + 4 / 7 * math.log(40 / 41)
    )
    / 2,
}


@pytest.mark.parametrize("name", TWELVE)
def test_a_metric_of_twelve_applicants_is_what_hand_arithmetic_gives(name):
    assert value(name, counted(SEX == "F", LABEL, PREDICTED)) == pytest.approx(TWELVE[name], abs=1e-12)


@pytest.mark.parametrize("name", ["AD", "CI", "DAR", "DCA", "DCR", "DPL", "DPPL", "DRR", "RD", "SD", "TE", "BA"])
def test_a_difference_changes_its_sign_with_the_group_that_is_looked_at(name):
    of_women, of_men = counted(SEX == "F", LABEL, PREDICTED), counted(SEX == "M", LABEL, PREDICTED)
    assert value(name, of_women) == pytest.approx(-value(name, of_men), abs=1e-12)


def test_divergences_look_only_at_labels_that_both_groups_have():
    # smclarify's test_KL, test_JS, test_LP: one row of d with label 1, five of a with labels 1, 1, 0, 0, 0.
    counts = counted(np.array([1, 0, 0, 0, 0, 0]) == 1, np.array([1, 1, 1, 0, 0, 0]) == 1, np.ones(6, dtype=bool))
    assert value("KL", counts) == pytest.approx(2 / 5 * math.log(2 / 5), abs=1e-12)  # -0.366516 there
    assert value("JS", counts) == pytest.approx(0.06641431438228168, abs=1e-12)  # smclarify 0.5
    assert value("LP", counts) == pytest.approx(0.6, abs=1e-12)


def test_distances_take_any_number_of_labels():
    # Three labels: a has 2, 1, 1 rows of them and d has 1, 1, 2; by hand.
    cells = np.zeros((2, 1, 3, 2), dtype=np.int64)
    cells[0, 0, :, 0], cells[1, 0, :, 0] = [2, 1, 1], [1, 1, 2]
    counts = Counts(cells)
    assert value("TVD", counts) == pytest.approx(1 / 4, abs=1e-12)
    assert value("KS", counts) == pytest.approx(1 / 4, abs=1e-12)
    assert value("LP", counts) == pytest.approx(math.sqrt(1 / 8), abs=1e-12)
    assert value("KL", counts) == pytest.approx(math.log(2) / 2 - math.log(2) / 4, abs=1e-12)


def test_kolmogorov_smirnov_is_the_largest_difference_of_shares():
    # smclarify's test_KS: labels 1, 0 of group a; 0, 1, 1 of group b.
    counts = counted(np.array([0, 0, 1, 1, 1]) == 1, np.array([1, 0, 0, 1, 1]) == 1, np.ones(5, dtype=bool))
    assert value("KS", counts) == pytest.approx(1 / 6, abs=1e-12)


@pytest.mark.parametrize(("sex", "expected"), [("F", 0.3982142857), ("M", -0.3982142857)])
def test_conditional_disparity_weighs_the_groups_of_the_group_variable(sex, expected):
    # smclarify's test_CDDL, ten digits there.
    sexes = np.array(list("MMMFFFFMMMMFMMFMFFMMFMMF"))
    labels = np.array([0, 1, 1, 0, 1, 0, 1, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 0, 1, 0, 0, 1, 1, 0]) == 1
    groups = np.array([1, 0, 2, 2, 1, 1, 2, 1, 1, 2, 0, 1, 2, 0, 1, 1, 1, 2, 0, 1, 0, 0, 1, 1])
    assert value("CDDL", counted(sexes == sex, labels, labels, groups)) == pytest.approx(expected, abs=1e-10)
    assert value("CDDPL", counted(sexes == sex, ~labels | labels, labels, groups)) == pytest.approx(expected, abs=1e-10)


def test_group_rates_agree_with_fairlearn():
    # fairlearn 0.15: MetricFrame.by_group, and the differences of its rates.
    generator = np.random.default_rng(5)
    facet, label, predicted = (generator.random((3, 400)) < np.array([[0.3], [0.5], [0.4]])).astype(bool)
    rates = fairlearn.MetricFrame(
        metrics={
            "selection": fairlearn.selection_rate,
            "recall": fairlearn.true_positive_rate,
            "specificity": fairlearn.true_negative_rate,
            "accuracy": lambda y, p: float(np.mean(y == p)),
        },
        y_true=label.astype(int),
        y_pred=predicted.astype(int),
        sensitive_features=facet.astype(int),
    ).by_group
    advantage = rates.loc[0] - rates.loc[1]
    counts = counted(facet, label, predicted)
    assert value("DPPL", counts) == pytest.approx(advantage["selection"], abs=1e-12)
    assert value("RD", counts) == pytest.approx(advantage["recall"], abs=1e-12)
    assert value("SD", counts) == pytest.approx(-advantage["specificity"], abs=1e-12)
    assert value("AD", counts) == pytest.approx(advantage["accuracy"], abs=1e-12)
    assert value("DI", counts) == pytest.approx(rates.loc[1, "selection"] / rates.loc[0, "selection"], abs=1e-12)


ROWS = st.integers(2, 60).flatmap(
    lambda n: st.tuples(
        *(st.lists(st.booleans(), min_size=n, max_size=n) for _ in range(3)),
        st.lists(st.integers(0, 3), min_size=n, max_size=n),
    )
)


@settings(max_examples=30)
@given(ROWS)
def test_every_metric_agrees_with_smclarify_on_any_rows(rows):
    facet, label, predicted = (np.array(column, dtype=bool) for column in rows[:3])
    group = np.unique(rows[3], return_inverse=True)[1]
    counts = counted(facet, label, predicted, group)
    for name in SMCLARIFY.keys() - {"FT"}:
        expected, found = of_smclarify(name, facet, label, predicted, group), METRICS[name].value(counts)
        if isinstance(found, Undefined):
            # smclarify's report refuses data without predicted positives; CDD of an empty group it makes 0.
            refused = not predicted.any() and METRICS[name].stage is Stage.POST_TRAINING
            empty = name in ("CDDL", "CDDPL") and (facet.all() or not facet.any())
            assert expected is None or refused or empty, name
        else:
            assert expected is not None, name
            assert found == expected or found == pytest.approx(expected, abs=1e-12, rel=1e-12), name


@settings(max_examples=30)
@given(st.lists(ROWS, min_size=2, max_size=4))
def test_replicates_computed_at_once_are_those_computed_one_by_one(samples):
    single = [
        counted(*(np.array(column, dtype=bool) for column in rows[:3]), np.array([*rows[3], 3])[:-1])
        for rows in samples
    ]
    single = [counts for counts in single if counts.cells.shape[1] == single[0].cells.shape[1]]
    together = Counts(
        np.stack([counts.cells for counts in single]), grouped=True, baseline_share=Estimate(0.4, 0.0, 100)
    )
    for name, metric in METRICS.items():
        if name == "FT":
            continue
        at_once = metric.replicates(together)
        for found, counts in zip(at_once, single, strict=True):
            expected = metric.value(Counts(counts.cells, grouped=True, baseline_share=Estimate(0.4, 0.0, 100)))
            assert math.isnan(found) if isinstance(expected, Undefined) else found == expected, name


def test_a_number_divided_by_zero_is_infinite_and_zero_by_zero_is_zero():
    women = np.array([True, True, False, False])
    label = np.array([True, False, True, False])
    only_a_woman = np.array([True, False, False, False])
    # By hand. Predicted positives: all women, no man; then one woman; then a woman and a man.
    assert value("DI", counted(women, label, women)) == math.inf
    assert value("DCA", counted(women, label, only_a_woman)) == math.inf  # men 1/0, women 1/1
    assert value("DAR", counted(women, label, only_a_woman)) == -1.0  # men 0/0 = 0, women 1/1
    assert value("TE", counted(women, women | ~women, label)) == 0.0  # 1/0 for both


def test_where_a_metric_is_undefined_it_says_why():
    rows = np.array([True, False, True, False])
    assert "Facet set is empty" in undefined("CI", counted(rows & False, rows, rows))
    assert "Negated facet set is empty" in undefined("DPL", counted(rows | True, rows, rows))
    assert undefined("CDDL", counted(rows, rows, rows)) == "Group variable is empty or not provided"
    assert undefined("CDDL", counted(rows, rows & False, rows, np.zeros(4, int))) == "No positive labels in set"
    assert undefined("CDDL", counted(rows, rows | True, rows, np.zeros(4, int))) == "No negative labels in set"
    assert "No Label values are present" in undefined("DI", counted(rows, rows, rows & False))
    assert undefined("KL", counted(rows, rows, rows)) == "no label occurs in both groups"
    assert undefined("FT", counted(rows, rows, rows)) == "no flip test was made"
    assert undefined("FD", counted(rows, rows, rows)) == "there is no baseline"


def test_facet_drift_is_the_house_distance_between_the_shares_of_the_group():
    from modelwatch_analyzer.distances.linf import l_infinity_categorical

    counts = counted(SEX == "F", LABEL, PREDICTED)
    drift = METRICS["FD"].value(Counts(counts.cells, baseline_share=Estimate(0.25, 0.0, 100)))
    expected = l_infinity_categorical({"F": 1, "M": 3}, {"F": 7, "M": 5}, robust=False)
    assert drift == pytest.approx(expected, abs=1e-12)


def test_the_registry_holds_every_metric_of_smclarify_under_its_description():
    described = {name: metric.__doc__.strip().splitlines()[0] for name, metric in SMCLARIFY.items()}
    assert {name: metric.description for name, metric in METRICS.items() if name not in OURS} == described
    assert list(METRICS) == sorted(METRICS)


@settings(max_examples=50)
@given(ROWS)
def test_metrics_that_are_one_number_differ_by_a_factor_alone(rows):
    facet, label, predicted = (np.array(column, dtype=bool) for column in rows[:3])
    counts = counted(facet, label, predicted)
    if not (counts.by_label > 0).all():  # where a group lacks a label, distances look at the other one alone
        return
    for name, factor in (("KS", 1.0), ("TVD", 1.0), ("LP", math.sqrt(2))):
        assert METRICS[name].same_as == "DPL"
        assert value(name, counts) == pytest.approx(factor * abs(value("DPL", counts)), abs=1e-12)


@settings(max_examples=50)
@given(ROWS)
def test_two_groups_have_one_number_of_a_metric_that_is_mirrored(rows):
    facet, label, predicted = (np.array(column, dtype=bool) for column in rows[:3])
    groups = np.unique(rows[3], return_inverse=True)[1]
    one, other = counted(facet, label, predicted, groups), counted(~facet, label, predicted, groups)
    for name, metric in METRICS.items():
        found, opposite = metric.value(one), metric.value(other)
        if metric.is_mirrored and not isinstance(found, Undefined):
            assert not isinstance(opposite, Undefined)
            assert abs(found) == pytest.approx(abs(opposite), abs=1e-12), name


def test_numbers_are_counted_once_however_many_metrics_show_them():
    women = [("sex", "F", name) for name in ("CI", "DPL", "KS", "LP", "TVD", "JS", "KL", "DI", "not known")]
    # By hand: CI, DPL with its three forms, JS, KL and DI.
    assert numbers_of(women, ["age"]) == 5
    men = [("sex", "M", name) for _, _, name in women]
    # KL and DI of men are numbers of their own.
    assert numbers_of(women + men, ["sex"]) == 7
    # Of three groups none is all the others.
    assert numbers_of(women + men, []) == 10
    assert numbers_of([*women, *men, *(("sex", "X", name) for _, _, name in women)], []) == 15
    assert numbers_of(women + [("age", "(40.0,", name) for _, _, name in women], []) == 10
