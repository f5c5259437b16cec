"""The drift measures and their names, so that settings that name none of them are refused when they are given."""

from __future__ import annotations

from collections.abc import Collection

L_INFINITY = "LInfinity"
"""SageMaker's ``categorical_drift_method`` for the L-infinity distance that ``comparison_method`` names."""

COMPARISON_METHODS = (
    *("Calibrated", "Simple", "Robust", "KLDivergence", "Wasserstein"),
    *("JensenShannon", "Hellinger", "PSI", "KolmogorovSmirnov"),
)
"""The measures of numeric features."""

CATEGORICAL_DRIFT_METHODS = (
    *(L_INFINITY, "Calibrated", "Simple", "Robust", "ChiSquared"),
    *("KLDivergence", "JensenShannon", "Hellinger", "PSI"),
)
"""The measures of text features."""

ALIASES = {
    "linf_simple": "Simple",
    "linf_robust": "Robust",
    "kl_divergence": "KLDivergence",
    "wasserstein": "Wasserstein",
    "jensen_shannon": "JensenShannon",
    "hellinger": "Hellinger",
    "psi": "PSI",
    "ks": "KolmogorovSmirnov",
}
"""Other spellings of the names."""


def known_comparison_method(name: str) -> str:
    """Return the name of a measure of numeric features, without aliases.

    Raises
    ------
    ValueError
        With the names that there are; pydantic reports it.
    """
    return _known(name, COMPARISON_METHODS)


def known_categorical_drift_method(name: str) -> str:
    """Return the name of a measure of text features, without aliases, or `L_INFINITY`.

    Raises
    ------
    ValueError
        With the names that there are; pydantic reports it.
    """
    return _known(name, CATEGORICAL_DRIFT_METHODS)


def _known(name: str, methods: Collection[str]) -> str:
    found = ALIASES.get(name, name)
    if found not in methods:
        raise ValueError(f"must be one of {', '.join(methods)}")
    return found
