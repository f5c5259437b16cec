"""Columns that were paired with the baseline by their position, and would fit it in another order.

Responses come first in captures, and last in most training files; then every column is compared with another one's
baseline. That is said, and nothing is paired otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from modelwatch_analyzer.data_quality.alignment import Alignment
from modelwatch_analyzer.data_quality.checks import Comparison, violations_of
from modelwatch_analyzer.data_quality.documents import Constraints, FeatureConstraints
from modelwatch_analyzer.data_quality.drift import measure_drift
from modelwatch_analyzer.data_quality.monitoring_config import EffectiveConfig
from modelwatch_analyzer.distances import ROBUST
from modelwatch_analyzer.feature_statistics import FeatureStatistics, InferredType
from modelwatch_analyzer.profile.table import TableProfile
from modelwatch_analyzer.wording import enumerated
from modelwatch_core.domain.drift_methods import L_INFINITY

_LIMITS = ("completeness_check", "is_non_negative_check", "categorical_values_check")
"""The checks of a calibrated baseline that chance alone can violate."""

_MOST_MATCHED = 30
"""If more columns than this do not fit, they are not matched one by one: only the outputs are tried in another
place."""


def better_order(
    profile: TableProfile,
    alignment: Alignment,
    constraints: Constraints,
    baseline: Mapping[str, FeatureStatistics],
    inputs: Sequence[str],
) -> str | None:
    """Say how columns were paired, if at most half as many features violate their constraints in another order.

    Parameters
    ----------
    inputs : sequence of str
        The columns of the requests, of captured data.
    """
    if not alignment.by_position or not alignment.features:
        return None
    pairing = _Pairing(profile, constraints, baseline)
    columns, outputs = alignment.columns, [name for name in alignment.columns if name not in inputs]
    misfits = pairing.misfits(columns)
    if len(misfits) < 2:  # one column that moved away leaves the place of another
        return None
    for moved in _moves(columns, outputs):
        better = pairing.misfits(moved)
        if 2 * len(better) <= len(misfits):
            return _description(pairing, columns, moved, inputs, outputs, len(misfits), len(better))
    matched = pairing.only_match(columns, misfits)
    if matched is None:
        return None
    places = [f"{name!r} column {columns.index(column) + 1}" for name, column in matched.items()]
    return (
        f"columns were paired with the baseline by position, and {len(misfits)} of {len(columns)} violate it; in "
        f"another order they fit: {enumerated(places)}. Write columns in the baseline's order, or with their names"
    )


def _moves(columns: tuple[str, ...], outputs: Sequence[str]) -> Iterator[tuple[str, ...]]:
    size = len(outputs) or 1
    yield columns[size:] + columns[:size]
    yield columns[-size:] + columns[:-size]


class _Pairing:
    """Whether columns satisfy the constraints of features."""

    def __init__(
        self, profile: TableProfile, constraints: Constraints, baseline: Mapping[str, FeatureStatistics]
    ) -> None:
        self.features = constraints.features
        self._profile = profile
        self._baseline = baseline
        self._general = constraints.monitoring_config

    def misfits(self, columns: Sequence[str]) -> list[int]:
        """Return the places at which a column does not fit the feature there."""
        pairs = zip(self.features, columns, strict=True)
        return [place for place, (feature, column) in enumerate(pairs) if not self._fits(feature, column)]

    def only_match(self, columns: Sequence[str], misfits: Sequence[int]) -> dict[str, str] | None:
        """Return the column of each misfit among theirs, if just one fits each, and each fits just one."""
        if len(misfits) > _MOST_MATCHED:
            return None
        found = {}
        for place in misfits:
            fitting = [columns[other] for other in misfits if self._fits(self.features[place], columns[other])]
            if len(fitting) != 1:
                return None
            found[self.features[place].name] = fitting[0]
        return found if len(set(found.values())) == len(found) else None

    def _fits(self, feature: FeatureConstraints, column: str) -> bool:
        observed = self._profile.columns[column]
        config = EffectiveConfig.of([self._general, *feature.all_overrides()])
        needed = observed.numbers if feature.inferred_type.is_numeric else observed.text
        if observed.present and needed is None and feature.inferred_type is not InferredType.UNKNOWN:
            return False
        statistics = self._baseline.get(feature.name)
        unsure = _LIMITS if config.is_calibrated(feature.inferred_type) else ()
        if unsure:  # tests are made of one order only: in others distances tell columns apart
            config = replace(config, comparison_method=ROBUST.name, categorical_drift_method=L_INFINITY)
        drift = measure_drift(feature, config, statistics, observed) if statistics else None
        return not any(True for _ in violations_of(Comparison(feature, config, observed, drift), without=unsure))


def _description(
    pairing: _Pairing,
    columns: Sequence[str],
    moved: Sequence[str],
    inputs: Sequence[str],
    outputs: Sequence[str],
    before: int,
    after: int,
) -> str:
    def pairs(order: Sequence[str]) -> str:
        places = [(order.index(column), text) for column, text in firsts.items()]
        return ", ".join(f"{text} is {pairing.features[place].name!r}" for place, text in sorted(places))

    fit = f"{before} of {len(columns)} features violate their constraints in this order, and {after or 'none'}"
    if not outputs:
        firsts = {columns[0]: "the first column", columns[-1]: "the last column"}
        return (
            f"columns were paired with the baseline by position: {pairs(columns)}. {fit} if {pairs(moved)}: "
            "write columns in the baseline's order, or with their names"
        )
    response = "the response" if len(outputs) == 1 else "the response's first column"
    firsts = {outputs[0]: response, inputs[0]: "the request's first column"}
    place, other = ("last", "first") if moved.index(outputs[0]) else ("first", "last")
    return (
        f"captured columns were paired with the baseline by position, responses {other}: {pairs(columns)}. {fit} if "
        f"responses come {place}: {pairs(moved)}. Move the model's output {other} in the data of the baseline, and "
        "make the baseline again"
    )
