"""Models of trees, walked in process: the values add up to what the model itself predicts, or are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LinearRegression

from modelwatch_analyzer.explainability.artifact import explain_trees
from modelwatch_core.domain.errors import InvalidInput

ROWS = np.random.default_rng(0).normal(size=(300, 4)).round(3)
SCORES = ROWS[:, 0] * ROWS[:, 1] + ROWS[:, 2]
CLASSES = (SCORES > 0).astype(int)


def table(rows: NDArray[np.float64]) -> pl.DataFrame:
    return pl.DataFrame(rows.astype(str), schema=["a", "b", "c", "d"])


def explain(model: Any, target: NDArray[Any], *, use_logit: bool) -> NDArray[np.float64]:
    """Return what the values of 20 rows add up to, an output a column."""
    values, expected = explain_trees(model.fit(ROWS, target), table(ROWS[:20]), table(ROWS[-30:]), use_logit=use_logit)
    assert values.shape[0] == 20
    assert values.shape[2] == 4
    return np.asarray(values.sum(axis=2) + expected)


def test_regressions_are_explained_in_their_own_units() -> None:
    for model in (GradientBoostingRegressor(n_estimators=10), RandomForestRegressor(10, random_state=0)):
        found = explain(model, SCORES, use_logit=False)
        np.testing.assert_allclose(found[:, 0], model.predict(ROWS[:20]), atol=1e-5)


def test_a_boosted_classifier_is_explained_in_probabilities_or_log_odds() -> None:
    model = GradientBoostingClassifier(n_estimators=10)
    found = explain(model, CLASSES, use_logit=False)
    np.testing.assert_allclose(found[:, 0], model.predict_proba(ROWS[:20])[:, 1], atol=1e-5)
    found = explain(model, CLASSES, use_logit=True)
    np.testing.assert_allclose(found[:, 0], model.decision_function(ROWS[:20]), atol=1e-5)


def test_a_forest_has_an_output_for_each_class() -> None:
    model = RandomForestClassifier(10, random_state=0)
    classes = np.digitize(SCORES, [-0.5, 0.5])
    np.testing.assert_allclose(explain(model, classes, use_logit=False), model.predict_proba(ROWS[:20]), atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "target", "use_logit", "says"),
    [
        (RandomForestClassifier(5), CLASSES, True, "log-odds"),
        (
            GradientBoostingClassifier(n_estimators=2),
            np.digitize(SCORES, [-0.5, 0.5]),
            False,
            "shap does not support it",
        ),
        (IsolationForest(n_estimators=5), CLASSES, False, "do not add up to its predictions"),
        (LinearRegression(), SCORES, False, "shap does not support it"),
    ],
)
def test_what_would_be_explained_wrongly_is_refused(
    model: Any, target: NDArray[Any], use_logit: bool, says: str
) -> None:
    with pytest.raises(InvalidInput, match=says) as refused:
        explain(model, target, use_logit=use_logit)
    assert refused.value.code == "TreeExplainerNotApplicable"


def test_true_and_false_are_1_and_0() -> None:
    rows = ROWS.copy()
    rows[:, 1] = ROWS[:, 1] > 0
    model = GradientBoostingRegressor(n_estimators=10, random_state=0).fit(rows, SCORES)
    numbers, words = table(rows[:20]), table(rows[:20])
    for spelled in ("True", "False"):  # as pandas writes one-hot features
        words = words.with_columns(pl.col("b").replace(str(float(spelled == "True")), spelled))
    expected = explain_trees(model, numbers, numbers, use_logit=False)
    for found, each in zip(explain_trees(model, words, words, use_logit=False), expected, strict=True):
        np.testing.assert_array_equal(found, each)


def test_text_features_are_named_and_refused() -> None:
    rows = table(ROWS[:5]).with_columns(pl.lit("Oslo").alias("b"))
    with pytest.raises(InvalidInput, match="there is text in 'b'") as refused:
        explain_trees(GradientBoostingRegressor().fit(ROWS, SCORES), rows, table(ROWS[:5]), use_logit=False)
    assert refused.value.code == "FeatureNotNumeric"
