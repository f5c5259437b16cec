"""Whatever is configured and whatever the data hold: an analysis, or a sentence that says what to fix."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.outcome import OutcomeStatus

CELLS = st.sampled_from(["1", "0", "", "a", "b", "1.0", "0.5", "true", "nan", "1e400", "-3", " 2", "é", "inf"])
VALUE = st.one_of(st.sampled_from([1, 0, "a", "b", True, 0.5, "0.5", 10**300, "nan"]), st.none(), st.text(max_size=2))
VALUES = st.one_of(VALUE, st.lists(VALUE, max_size=3))
NAME = st.sampled_from(["sex", "age", "y", "p", 0, 1, 9, "1", "height"])
FACET = st.fixed_dictionaries(
    {"name_or_index": NAME},
    optional={"value_or_threshold": VALUES, "data_type": st.sampled_from(["categorical", "continuous"])},
)
CONFIG = st.fixed_dictionaries(
    {
        "label": st.just("y"),
        "label_values_or_threshold": st.one_of(st.just([1]), VALUES),
        "facet": st.lists(FACET, max_size=2),
    },
    optional={
        "group_variable": NAME,
        "headers": st.sampled_from([["sex", "age", "y", "p"], ["a"], []]),
        "disparate_impact_rule": st.sampled_from(["FromZero", "FromOne", "LogRatio"]),
        "flip_test_neighbors": st.integers(-1, 9),
    },
)
ROWS = st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS).map(",".join), min_size=1, max_size=30)
SETTINGS = st.sampled_from([{}, {"inference_attribute": "p"}, {"probability_attribute": "p"}])


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(ROWS, CONFIG, SETTINGS)
def test_any_data_are_analysed_or_refused_with_a_sentence(bench, rows, config, attributes):
    data = "\n".join(["sex,age,y,p", *rows])
    try:
        bench.baseline(data, config, bootstrap_replicates=100, **attributes)
        summary = bench.check(data, config, bootstrap_replicates=100, **attributes)
    except InvalidInput:
        return
    # The same rows are as far from no bias as their own baseline.
    assert summary.status is OutcomeStatus.COMPLETED
    json.dumps(bench.report("check"), allow_nan=False)


@pytest.mark.parametrize("rule", ["FromZero", "FromOne", "LogRatio"])
def test_a_baseline_passes_its_own_check_by_every_rule(bench, rule):
    rows = [f"{'ab'[i % 2]},{i % 5},{i % 3 % 2},{i * i % 7 % 2}" for i in range(200)]
    config = {
        "label": "y",
        "label_values_or_threshold": [1],
        "facet": [{"name_or_index": "sex"}],
        "disparate_impact_rule": rule,
    }
    data = "\n".join(["sex,age,y,p", *rows])
    bench.baseline(data, config, inference_attribute="p")
    assert bench.report("baseline")["disparate_impact_rule"] == rule
    assert bench.check(data, config, inference_attribute="p").violations == ()


def test_the_rule_of_the_constraints_holds_and_not_that_of_the_configuration(bench):
    # By hand: DI is 0.5 in the check and 0.8 in the baseline; nearer to 0, farther from 1.
    config = {
        "label": "y",
        "label_values_or_threshold": [1],
        "facet": [{"name_or_index": "s", "value_or_threshold": ["d"]}],
    }
    rows = ["s,y,p", *["d,1,1"] * 25, *["d,1,0"] * 75, *["a,1,1"] * 50, *["a,1,0"] * 50]
    imported = {
        "disparate_impact_rule": "FromOne",
        "post_training_bias_metrics": {
            "facets": {"s": [{"value_or_threshold": "d", "metrics": [{"name": "DI", "value": 0.8}]}]}
        },
    }
    for constraints, violated in ((imported, 1), (imported | {"disparate_impact_rule": "FromZero"}, 0)):
        given = config | {"disparate_impact_rule": "LogRatio"}
        assert len(bench.check("\n".join(rows), given, constraints, inference_attribute="p").violations) == violated
