from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from modelwatch_analyzer.bias import documents
from modelwatch_analyzer.bias.check import NO_INTERVAL, BiasConstraint, DisparateImpactRule, judge, suggested_range
from modelwatch_analyzer.bias.documents import BiasAnalysis, MetricEntry
from modelwatch_analyzer.bias.values import group_key
from modelwatch_analyzer.metric_change import MOST_ROWS, Estimate, RatesOfEach
from modelwatch_analyzer.undefined import Undefined

ZERO, ONE, RATIO = DisparateImpactRule
RATES = RatesOfEach(0.001, 0.001)
SURE = Estimate(0.0, 1e-6, 1_000)
NONE = Undefined("few replicates have a number")

# Baseline, current value, flagged: a real run of SageMaker's monitor (amazon-sagemaker-examples, Adult, by sex).
REAL = {
    "CDDPL": (0.28177, 0.37489, True),
    "DAR": (-0.09508, -0.34694, True),
    "DCA": (-0.52787, -36.69388, True),
    "DCR": (0.02787, -0.07651, True),
    "FT": (-0.03333, -0.13636, True),
    "GE": (0.08412, 0.94550, True),
    "RD": (0.13081, 0.17253, True),
    "SD": (0.10465, 0.27419, True),
    "TE": (2.91667, math.inf, True),
    "DI": (0.1780, 0.0831, False),
}


@pytest.mark.parametrize("name", REAL)
def test_the_plain_rule_flags_what_sagemaker_flagged(name):
    baseline, current, flagged = REAL[name]
    assert judge(name, current, NONE, BiasConstraint(baseline), ZERO, RATES).violated is flagged


@pytest.mark.parametrize(("baseline", "current", "flagged"), [(0.2, -0.3, True), (0.2, 0.1, False), (0.2, 0.2, False)])
def test_the_plain_rule_looks_at_the_distance_from_zero(baseline, current, flagged):
    # The developer guide's own examples, and a value that stays.
    assert judge("DPL", current, NONE, BiasConstraint(baseline), ZERO, RATES).violated is flagged


def test_the_last_digit_is_no_violation():
    # SageMaker's number of 334 rows of Adult, and ours.
    assert not judge("CDDPL", 0.3748947825295132, NONE, BiasConstraint(0.3748947825295131), ZERO, RATES).violated
    assert judge("CDDPL", 0.37489478254, NONE, BiasConstraint(0.3748947825295131), ZERO, RATES).violated


@pytest.mark.parametrize(
    ("rule", "current", "flagged"),
    [
        (ZERO, 0.5, False),
        (ONE, 0.5, True),
        (RATIO, 0.5, True),
        (ZERO, 1.3, True),
        (ONE, 1.15, False),
        (RATIO, 1.24, False),
        (RATIO, 1.26, True),
        (RATIO, 0.0, True),
    ],
)
def test_the_rule_of_disparate_impact_can_be_chosen(rule, current, flagged):
    assert judge("DI", current, NONE, BiasConstraint(0.8), rule, RATES).violated is flagged


@pytest.mark.parametrize(("value", "error", "violated"), [(0.35, 0.04, True), (0.35, 0.1, False), (-0.4, 0.04, True)])
def test_a_range_is_violated_only_if_chance_does_not_explain_that_a_metric_is_outside(value, error, violated):
    # A range that a person has set: 0.15, 0.2 beyond it are 3.75, 1.5 and 5 standard errors; at 0.1 % it takes 3.1.
    verdict = judge("DPL", value, Estimate(value, error, 1_000), BiasConstraint(0.0, (-0.2, 0.2)), ZERO, RATES)
    assert verdict.violated is violated
    either = [stats.t.sf((abs(value) - 0.2 + further) / error, 999) for further in (0, 0.4)]  # scipy 1.17
    assert verdict.chance == pytest.approx(sum(either), rel=1e-9)


@pytest.mark.parametrize(("value", "baseline_rows"), [(0.0, 1_000), (0.0, 100_000), (0.2, 1_000), (-0.05, 100_000)])
def test_without_a_change_either_end_of_a_range_is_passed_at_most_at_the_rate(value, baseline_rows):
    drawn, rates = np.random.default_rng(20261129), RatesOfEach(0.02, 0.02)
    found = 0
    for _ in range(4_000):
        before = Estimate(drawn.normal(value, 1 / baseline_rows**0.5), 1 / baseline_rows**0.5, baseline_rows)
        now = Estimate(drawn.normal(value, 1 / 1_000**0.5), 1 / 1_000**0.5, 1_000)
        allowed = suggested_range("DPL", before.value, NO_INTERVAL, ZERO)
        found += judge("DPL", now.value, now, BiasConstraint(before.value, allowed, before), ZERO, rates).violated
    assert found / 4_000 <= 0.02 + 3 * (0.02 / 4_000) ** 0.5


def test_an_infinite_metric_is_not_compared_with_a_range_that_was_suggested():
    before = Estimate(1.5, 0.3, 1_000)
    verdict = judge("TE", math.inf, NONE, BiasConstraint(1.5, (-2.0, 2.0), before), ZERO, RATES)
    assert (verdict.violated, verdict.note) == (False, "infinite, which can happen by chance with few rows")


@pytest.mark.parametrize(("value", "violated"), [(0.25, False), (0.35, True), (-0.25, False), (-0.35, True)])
def test_a_suggested_range_is_compared_by_the_errors_of_both_sides(value, violated):
    # 0.05 and 0.15 are 1.6 and 4.7 of sqrt(2) * 0.0225.
    before = Estimate(0.2, 0.0225, 1_000)
    constraint = BiasConstraint(0.2, (-0.24, 0.24), before)
    verdict = judge("DPL", value, Estimate(value, 0.0225, 1_000), constraint, ZERO, RATES)
    assert verdict.violated is violated
    assert verdict.chance == pytest.approx(stats.t.sf((abs(value) - 0.2) / (0.0225 * math.sqrt(2)), 999), rel=1e-9)


@pytest.mark.parametrize(
    ("allowed", "suggested"), [([-0.24, 0.24], True), ([-0.3, 0.3], False), ([-0.24, None], False)]
)
def test_a_range_that_a_person_has_set_has_no_baseline(allowed, suggested):
    measured = {"name": "DPL", "value": 0.2, "interval": [0.16, 0.24], "standard_error": 0.02, "compared_rows": 1_000}
    constraint = MetricEntry.model_validate(measured | {"range": allowed}).constraint(ZERO)
    assert (constraint.before == Estimate(0.2, 0.02, 1_000)) is suggested


def test_an_infinite_metric_is_outside_of_a_range_and_one_without_interval_is_only_noted():
    constraint = BiasConstraint(0.0, (-3.0, 3.0))
    assert judge("TE", math.inf, NONE, constraint, ZERO, RATES).violated
    unsure = judge("TE", 4.0, NONE, constraint, ZERO, RATES)
    assert (unsure.violated, unsure.note) == (False, f"outside its range, but it has no interval: {NONE.reason}")
    assert judge("TE", 2.0, NONE, constraint, ZERO, RATES).note is None


@pytest.mark.parametrize(
    ("bounds", "inside", "outside"),
    [([None, 0.1], -9.0, 0.2), ([-0.1, None], 9.0, -0.2), (["-Infinity", 0.1], -9.0, 0.2)],
)
def test_null_leaves_an_end_of_a_range_open(bounds, inside, outside):
    constraint = MetricEntry.model_validate({"name": "DPL", "range": bounds}).constraint(ZERO)
    assert not judge("DPL", inside, SURE, constraint, ZERO, RATES).violated
    assert judge("DPL", outside, replace(SURE, value=outside), constraint, ZERO, RATES).violated


def test_what_is_undefined_now_or_in_the_baseline_is_no_violation():
    assert not judge("DPL", Undefined("one label"), NONE, BiasConstraint(0.1), ZERO, RATES).violated
    assert judge("DPL", 0.4, NONE, BiasConstraint(None), ZERO, RATES).note == "the baseline has no value"


@given(st.floats(0.01, 20), st.floats(0, 5), st.sampled_from(list(DisparateImpactRule)), st.sampled_from(["DI", "DPL"]))
def test_a_suggested_range_holds_the_interval_that_it_is_made_of(value, half, rule, name):
    interval = (max(value - half, 1e-3), value + half)
    least, most = suggested_range(name, value, interval, rule)
    assert least <= interval[0] + 1e-12
    assert most >= interval[1] - 1e-9
    assert not judge(name, value, SURE, BiasConstraint(value, (least, most)), rule, RATES).violated


def test_groups_above_a_threshold_are_the_same_whatever_the_maximum():
    assert group_key("(0.5, 0.99]") == group_key("(0.5, 1.2]") == group_key("(0.50, 3]")
    assert group_key("(0.5, 0.99]") != group_key("(0.6, 0.99]")
    assert group_key("(a, b]") != group_key("(a, c]")
    assert group_key("(17, 30]") != group_key("(17, 30],(30, 45]")


@pytest.mark.parametrize(("one", "other"), [("1", "1.0"), ("b,1", "b,1.0"), ("true", "1")])
def test_groups_are_the_same_however_their_values_are_spelled(one, other):
    assert group_key(one) == group_key(other) != group_key("F")


def test_values_that_hold_commas_are_distinguished():
    assert len({group_key(value) for value in ("1,5", "5,1", "1,1", "1", "15")}) == 5


def test_a_baseline_is_looked_through_once_for_the_shares_of_all_of_its_groups(monkeypatch):
    # To look through it again for each group took half of a check of 100 groups, and all but a part of ten such facets.
    keys = []
    monkeypatch.setattr(documents, "group_key", lambda group: keys.append(group) or group_key(group))
    groups = [f"group {number}" for number in range(100)]
    entries = [{"value_or_threshold": name, "metrics": [{"name": "CI", "value": 0.98}]} for name in groups]
    baseline = BiasAnalysis.model_validate({"pre_training_bias_metrics": {"facets": {"g": entries}}})
    assert [baseline.share_of("g", name) for name in groups] == [Estimate(pytest.approx(0.01), 0.0, MOST_ROWS)] * 100
    assert len(keys) == 2 * 100
