"""A tree model's file, explained in process by shap's TreeExplainer: exact, and without requests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwatch_analyzer.explainability.requests import TRUTH_WORDS
from modelwatch_analyzer.explainability.resampled_background import MOST_ROWS, Reweighted
from modelwatch_analyzer.undefined import Undefined
from modelwatch_analyzer.wording import listed
from modelwatch_core.domain.errors import InvalidInput

_TRUTH_NUMBERS = {spelled: str(int(word == "true")) for spelled, word in TRUTH_WORDS.items()}
_ROUNDING = 1e-4  # trees are compared in float32
_MOST_RESAMPLED = 100
"""The most background rows for which trees are explained again: shap makes an explainer for each, which takes from
milliseconds to a tenth of a second."""
PICKLES = (".pkl", ".pickle", ".joblib")


def load_trees(path: Path, *, allow_pickle: bool) -> Any:
    """Load a tree model: XGBoost's ``.json`` and ``.ubj``, LightGBM's ``.txt``, or a pickle where that is allowed.

    Raises
    ------
    InvalidInput
        ``ModelArtifactNotReadable``, or ``PickleNotAllowed``.
    """
    kind = path.suffix.lower()
    if kind in PICKLES and not allow_pickle:
        raise InvalidInput(
            "PickleNotAllowed",
            f"{path.name} is a pickle, which runs any code that it contains: give XGBoost's or LightGBM's own format, "
            "or, only for a file that you made yourself, set allow_pickle (in AWS also the deployment's parameter "
            "AllowPickles)",
        )
    loaders = {".json": _xgboost, ".ubj": _xgboost, ".txt": _lightgbm} | dict.fromkeys(PICKLES, _pickle)
    if kind not in loaders:
        known = ", ".join(loaders)
        raise InvalidInput("ModelArtifactNotReadable", f"{path.name}: the file formats that can be read are {known}")
    try:
        return loaders[kind](path)
    except ImportError as error:
        message = f"{path.name} needs the package {error.name}, which is not installed"
        raise InvalidInput("ModelArtifactNotReadable", message) from None
    except Exception as error:
        message = f"{path.name} cannot be loaded as a model ({type(error).__name__})"
        raise InvalidInput("ModelArtifactNotReadable", message) from None


def explain_trees(
    model: Any, rows: pl.DataFrame, background: pl.DataFrame, *, use_logit: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return SHAP values against the background (interventional), shape (rows, outputs, features), and expectations.

    A classifier's probabilities are explained, or with `use_logit` the log-odds that its trees add up to.

    Raises
    ------
    InvalidInput
        ``FeatureNotNumeric``, and ``TreeExplainerNotApplicable`` where shap does not support the model, where its trees
        add up to another quantity, or where the values that shap finds do not add up to what the model predicts.
    """
    numbers = _numbers(rows)
    values, expected = _values(model, numbers, _numbers(background), use_logit=use_logit)
    predicted = _predicted(model, numbers, use_logit=use_logit)
    if predicted is not None:
        distance = np.abs(values.sum(axis=2) + expected - predicted[:, -values.shape[1] :]).max()
        if distance > _ROUNDING * max(1.0, np.abs(predicted).max()):
            raise _not_applicable("the SHAP values do not add up to its predictions")
    return values, expected


def reweighted_trees(
    model: Any, rows: pl.DataFrame, background: pl.DataFrame, *, use_logit: bool
) -> Reweighted | Undefined:
    """Return what explains the first rows with other weights of the background rows, see `explain_trees`.

    Interventional SHAP values against several background rows are the mean of those against each.
    """
    if background.height > _MOST_RESAMPLED:
        return Undefined(f"trees are explained again with up to {_MOST_RESAMPLED} baseline rows only")
    numbers, against = _numbers(rows.head(MOST_ROWS)), _numbers(background)
    terms = [_values(model, numbers, only[None], use_logit=use_logit)[0] for only in against]
    by_background = np.stack(terms, axis=-1)
    return lambda weights: by_background @ weights


def _values(
    model: Any, numbers: NDArray[np.float64], against: NDArray[np.float64], *, use_logit: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    import shap  # takes more than a second to import

    try:
        explainer = shap.TreeExplainer(model, against, feature_perturbation="interventional")
        of_log_odds = explainer.model.tree_output == "log_odds"
        if of_log_odds and not use_logit:
            explainer = shap.TreeExplainer(
                model, against, feature_perturbation="interventional", model_output="probability"
            )
        values = np.asarray(explainer.shap_values(numbers), dtype=np.float64)
    except Exception as error:
        raise _not_applicable(f"shap does not support it ({type(error).__name__})") from None
    if use_logit and not of_log_odds:
        raise _not_applicable("its trees do not add up to log-odds, which use_logit needs")
    expected = np.atleast_1d(np.asarray(explainer.expected_value, dtype=np.float64))
    return values[:, None, :] if values.ndim == 2 else values.transpose(0, 2, 1), expected


def _predicted(model: Any, numbers: NDArray[np.float64], *, use_logit: bool) -> NDArray[np.float64] | None:
    """Return the predictions that are explained of a model with scikit-learn's methods; None for any other model."""
    if not hasattr(model, "get_params"):
        return None
    predict = model.predict
    if hasattr(model, "predict_proba"):
        predict = model.decision_function if use_logit else model.predict_proba
    predicted = np.asarray(predict(numbers), dtype=np.float64)
    return predicted if predicted.ndim == 2 else predicted[:, None]


def _not_applicable(reason: str) -> InvalidInput:
    message = f"shap's TreeExplainer cannot explain this model: {reason}; give the model by URL or endpoint instead"
    return InvalidInput("TreeExplainerNotApplicable", message)


def _numbers(table: pl.DataFrame) -> NDArray[np.float64]:
    table = table.with_columns(pl.all().replace(_TRUTH_NUMBERS))
    try:
        return table.cast(pl.Float64).to_numpy()
    except pl.exceptions.InvalidOperationError:
        texts = [
            name
            for name in table.columns
            if table[name].cast(pl.Float64, strict=False).null_count() > table[name].null_count()
        ]
        message = (
            f"tree models given as a file accept numbers only, but there is text in {listed(texts)}: give the model by "
            "URL or endpoint"
        )
        raise InvalidInput("FeatureNotNumeric", message) from None


def _xgboost(path: Path) -> Any:
    import xgboost

    booster = xgboost.Booster()
    booster.load_model(path)
    return booster


def _lightgbm(path: Path) -> Any:
    import lightgbm

    return lightgbm.Booster(model_file=str(path))


def _pickle(path: Path) -> Any:
    import joblib

    return joblib.load(path)
