"""A tree model's own file, explained in process by shap's TreeExplainer: exact, and without a single request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwatch_core.domain.errors import InvalidInput

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
        message = f"{path.name} is a pickle, which runs whatever code is in it: set allow_pickle only for a file that "
        raise InvalidInput(
            "PickleNotAllowed", f"{message}you made yourself, or give XGBoost's or LightGBM's own format"
        )
    loaders = {".json": _xgboost, ".ubj": _xgboost, ".txt": _lightgbm} | dict.fromkeys(PICKLES, _pickle)
    if kind not in loaders:
        known = ", ".join(loaders)
        raise InvalidInput("ModelArtifactNotReadable", f"{path.name}: there is a reader for {known} only")
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

    A classifier's probabilities are explained, or with `use_logit` the margins that its trees add up to.

    Raises
    ------
    InvalidInput
        ``FeatureNotNumeric``, ``ModelArtifactNotReadable`` for a model that is none of trees, and
        ``TreeExplainerNotApplicable`` where its trees do not give what is asked for.
    """
    import shap  # takes more than a second, which only those wait for who need it

    numbers, against = _numbers(rows), _numbers(background)
    output = "probability" if hasattr(model, "predict_proba") and not use_logit else "raw"
    try:
        explainer = shap.TreeExplainer(model, against, feature_perturbation="interventional", model_output=output)
        values = np.asarray(explainer.shap_values(numbers, check_additivity=False), dtype=np.float64)
    except Exception as error:
        message = f"shap's TreeExplainer does not take this model for {output} output ({type(error).__name__}): "
        raise InvalidInput(
            "TreeExplainerNotApplicable", f"{message}give the model by URL or endpoint instead"
        ) from None
    expected = np.atleast_1d(np.asarray(explainer.expected_value, dtype=np.float64))
    return (values[:, None, :] if values.ndim == 2 else values.transpose(0, 2, 1)), expected


def _numbers(table: pl.DataFrame) -> NDArray[np.float64]:
    try:
        return table.cast(pl.Float64).to_numpy()
    except pl.exceptions.InvalidOperationError:
        texts = [
            name
            for name in table.columns
            if table[name].cast(pl.Float64, strict=False).null_count() > table[name].null_count()
        ]
        message = (
            f"trees take numbers, and {', '.join(map(repr, texts[:10]))} holds text: give the model by URL or endpoint"
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
