"""Several probabilities a row: the label of the greatest is predicted."""

from __future__ import annotations

import re
from typing import Any

import pytest

from modelwatch_analyzer.bias.metric import Stage
from modelwatch_core.domain.errors import InvalidInput
from tests.bias.conftest import Workbench
from tests.bias.test_analysis import CONFIG, UNFAIR

CONFIG_OF_GRADES = {**CONFIG, "label_values_or_threshold": ["yes"]}


def graded(probabilities: str) -> str:
    """Return rows whose labels are words, with the given columns of probabilities in place of the predictions."""
    header, *rows = UNFAIR.splitlines()
    words = []
    for row in rows:
        rest, label, predicted = row.rsplit(",", 2)
        scores = "0.2,0.5,0.3" if predicted == "1" else "0.3,0.3,0.4"
        words.append(f"{rest},{'yes' if label == '1' else 'no'},{scores}")
    return "\n".join([header.replace("predicted", probabilities), *words]) + "\n"


def post_training(bench: Workbench) -> dict[str, Any]:
    stage = bench.report("baseline")[f"{Stage.POST_TRAINING.value}_bias_metrics"]
    return {metric["name"]: metric.get("value") for metric in stage["facets"]["sex"][0]["metrics"]}


@pytest.mark.parametrize("names", ["no,yes,maybe", "p_no,p_yes,p_maybe", "prob.no,prob.yes,prob.maybe"])
def test_the_label_is_that_of_the_column_with_the_greatest_probability(bench: Workbench, names: str) -> None:
    bench.baseline(UNFAIR, CONFIG, inference_attribute="predicted")
    expected = post_training(bench)
    bench.baseline(graded(names), CONFIG_OF_GRADES, probability_attribute=names)
    assert post_training(bench) == expected


def test_columns_without_names_are_the_labels_0_1_and_so_on(bench: Workbench) -> None:
    bench.baseline(UNFAIR, CONFIG, inference_attribute="predicted")
    expected = post_training(bench)
    data = re.sub("yes", "1", graded("a,b,c")).partition("\n")[2]
    config = {**CONFIG, "label": 3, "facet": [{"name_or_index": 0, "value_or_threshold": ["F"]}], "group_variable": 1}
    bench.baseline(data, config, probability_attribute="4,5,6", dataset_format={"csv": {"header": False}})
    report = bench.report("baseline")["post_training_bias_metrics"]["facets"]
    found = {metric["name"]: metric.get("value") for metric in next(iter(report.values()))[0]["metrics"]}
    assert {name: found[name] for name in expected} == expected


def test_a_predicted_label_counts_whatever_probabilities_are_beside_it(bench: Workbench) -> None:
    bench.baseline(UNFAIR, CONFIG, inference_attribute="predicted")
    expected = post_training(bench)
    header, *rows = UNFAIR.splitlines()
    beside = "\n".join([f"{header},no,yes", *(f"{row},0.4,0.6" for row in rows)]) + "\n"
    bench.baseline(beside, CONFIG, inference_attribute="predicted", probability_attribute="no,yes")
    assert post_training(bench) == expected


def test_numbers_that_are_no_probabilities_are_refused(bench: Workbench) -> None:
    with pytest.raises(InvalidInput) as refused:
        bench.baseline(UNFAIR, CONFIG, probability_attribute="income,predicted")
    assert refused.value.code == "ProbabilityOutOfRange"
