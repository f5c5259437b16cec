"""Explanations under resampling of the baseline rows."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

from modelwatch_analyzer.explainability import kept_responses
from modelwatch_analyzer.explainability.artifact import explain_trees, reweighted_trees
from modelwatch_analyzer.explainability.coalitional_game import RequestLimits, ShapValues
from modelwatch_analyzer.explainability.config import AggregationMethod
from modelwatch_analyzer.explainability.explainers import design
from modelwatch_analyzer.explainability.resampled_background import MOST_ROWS, resample_background
from modelwatch_analyzer.undefined import Undefined
from tests.explainability.conftest import Explaining
from tests.explainability.test_coalitional_game import InProcess, a_game, silent, table

Rows = NDArray[np.float64]


def probability(rows: Rows) -> Rows:
    return np.asarray(1 / (1 + np.exp(-rows[:, 0] * rows[:, -1] - np.sin(rows).sum(axis=1))))


def evaluated(rows: Rows, background: Rows, explainer: str, *, use_logit: bool, payload: int = 2000) -> ShapValues:
    features = rows.shape[1]
    chosen = design(explainer, features, 2 * features, 3)
    game = a_game(table(rows), table(background), RequestLimits(10**6, 2, payload))
    return game.evaluate(chosen, game.plan(chosen), InProcess(probability), silent, use_logit=use_logit)


@given(
    explained=st.integers(1, 6),
    behind=st.integers(2, 6),
    features=st.integers(1, 6),
    explainer=st.sampled_from(["auto", "kernel", "permutation"]),
    use_logit=st.booleans(),
    payload=st.integers(60, 2000),
    seed=st.integers(0, 1000),
)
@settings(max_examples=60)
def test_other_weights_explain_as_requests_with_those_baseline_rows_would(
    explained: int, behind: int, features: int, explainer: str, use_logit: bool, payload: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    rows, background = rng.normal(size=(explained, features)), rng.normal(size=(behind, features))
    drawn = rng.integers(behind, size=behind)
    found = evaluated(rows, background, explainer, use_logit=use_logit, payload=payload).reweighted
    assert not isinstance(found, Undefined)
    asked = evaluated(rows, background[drawn], explainer, use_logit=use_logit)
    weights = np.bincount(drawn, minlength=behind) / behind
    np.testing.assert_allclose(found(weights), asked.values, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("use_logit", [False, True])
def test_trees_are_explained_again_as_with_those_baseline_rows(use_logit: bool) -> None:
    rng = np.random.default_rng(0)
    rows, background = rng.normal(size=(40, 3)), rng.normal(size=(8, 3))
    labels = rows[:, 0] * rows[:, 1] + rows[:, 2] > 0
    model = GradientBoostingClassifier(n_estimators=10, random_state=0).fit(rows, labels)
    found = reweighted_trees(model, table(rows), table(background), use_logit=use_logit)
    assert not isinstance(found, Undefined)
    drawn = np.array([0, 0, 3, 5, 5, 5, 6, 7])
    expected, _ = explain_trees(model, table(rows), table(background[drawn]), use_logit=use_logit)
    np.testing.assert_allclose(found(np.bincount(drawn, minlength=8) / 8), expected, atol=1e-9)


def test_trees_with_many_baseline_rows_are_not_explained_again() -> None:
    rows = np.random.default_rng(0).normal(size=(101, 2))
    model = GradientBoostingRegressor(n_estimators=2, random_state=0).fit(rows, rows[:, 0])
    found = reweighted_trees(model, table(rows), table(rows), use_logit=False)
    assert found == Undefined("trees are explained again with up to 100 baseline rows only")


def test_the_standard_error_is_that_of_a_mean_over_the_baseline_rows() -> None:
    # A linear model: the value of a feature is w * (x - mean of the baseline rows), whose bootstrap standard error is
    # w * the standard deviation (divisor n) / sqrt(n). With 200 replicates it is known to 5 %; three times that.
    background = np.random.default_rng(1).normal(size=(25, 2))
    weights = np.array([3.0, 1.0])

    def reweighted(drawn: Rows) -> Rows:
        return (weights * (10 - drawn @ background))[None, None]

    resampled = resample_background(reweighted, 25, AggregationMethod.MEAN_ABS, 0)
    assert not isinstance(resampled, Undefined)
    (found,) = resampled
    np.testing.assert_allclose(found.standard_errors, weights * background.std(axis=0) / 5, rtol=0.15)
    assert (found.rows, found.background_rows, found.replicates, found.kendall_tau) == (1, 25, 200, 1.0)
    total = float((weights * (10 - background.mean(axis=0))).sum())
    assert found.greatest_error == pytest.approx(found.standard_errors.max() / total)


def test_ranks_that_depend_on_the_baseline_rows_agree_less() -> None:
    # Attributions (1, 0) against one baseline row and (0.5, 1) against the other, so (0.75, 0.5) against both. Of the
    # draws of two rows a quarter has the second one twice: tau is -1 there, and 1 otherwise.
    terms = np.array([[1.0, 0.5], [0.0, 1.0]])
    resampled = resample_background(lambda weights: (terms @ weights)[None, None], 2, AggregationMethod.MEAN_ABS, 0)
    assert not isinstance(resampled, Undefined)
    tau = resampled[0].kendall_tau
    assert not isinstance(tau, Undefined)
    assert tau == pytest.approx(0.75 - 0.25, abs=3 * 2 * np.sqrt(0.25 * 0.75 / 200))  # three standard errors


def test_a_model_without_attributions_has_no_order_under_resampling() -> None:
    resampled = resample_background(lambda _: np.zeros((4, 1, 3)), 5, AggregationMethod.MEAN_ABS, 0)
    assert not isinstance(resampled, Undefined)
    assert resampled[0].kendall_tau == Undefined("all features have the same attribution")
    assert resampled[0].greatest_error == Undefined("no feature has any attribution")
    assert resampled[0].standard_errors.tolist() == [0.0, 0.0, 0.0]


@pytest.mark.slow
def test_baseline_and_check_report_it_without_a_further_model_call(explaining: Explaining, rows: Rows) -> None:
    explaining.config["methods"]["shap"]["baseline"] = rows[:20].tolist()
    data = explaining.write(rows)
    explaining.baseline(data)
    explaining.check(data)
    for verb in ("baseline", "check"):
        document = explaining.read(f"{verb}/analysis.json")
        found = document["explanations"]["kernel_shap"]["label0"]["background_resampling"]
        assert (found["rows"], found["background_rows"], found["replicates"]) == (MOST_ROWS, 20, 200)
        assert 0 < found["kendall_tau"] <= 1
        assert found["standard_errors"].keys() == {"f0", "f1", "f2"}
        lines = (explaining.folder / f"{verb}/cloudwatch_metrics.jsonl").read_text().splitlines()
        metrics = {line["MetricName"]: line["Value"] for line in map(json.loads, lines)}
        assert metrics["feature_attribution_background_kendall_tau"] == found["kendall_tau"]
        assert 0 < metrics["feature_attribution_background_error"] < 0.2
        page = (explaining.folder / f"{verb}/report.html").read_text()
        assert "Error by baseline rows" in page
        assert "100 rows explained again 200 times, without model calls" in page
    assert len(explaining.server.asked) == 2 * explaining.read("check/analysis.json")["run_details"]["model_calls"]
    assert explaining.server.rows == 2 * (20 + 150 + 150 * 6 * 20)


def test_what_cannot_be_resampled_says_why(explaining: Explaining, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    data = explaining.write(rows)
    explaining.baseline(data)
    label = explaining.read("baseline/analysis.json")["explanations"]["kernel_shap"]["label0"]
    assert label["background_resampling"] == {"undefined": "one baseline row cannot be resampled"}
    assert "one baseline row cannot be resampled" in (explaining.folder / "baseline/report.html").read_text()
    monkeypatch.setattr(kept_responses, "MOST_PREDICTIONS", 11)
    explaining.config["methods"]["shap"]["baseline"] = [[0, 0, 0], [1, 1, 1]]
    explaining.baseline(data)
    label = explaining.read("baseline/analysis.json")["explanations"]["kernel_shap"]["label0"]
    reason = "one row takes 12 predictions, and at most 11 are kept"
    assert label["background_resampling"] == {"undefined": reason}
