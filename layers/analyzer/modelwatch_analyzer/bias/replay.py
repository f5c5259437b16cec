"""Which violations other constraints would have found, by the ``analysis.json`` that a check has left."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from modelwatch_analyzer.bias.check import BiasConstraint, judge
from modelwatch_analyzer.bias.config import BiasConfig
from modelwatch_analyzer.bias.documents import BiasAnalysis, MetricEntry
from modelwatch_analyzer.bias.group_metrics import FEW_ROWS
from modelwatch_analyzer.bias.groups import known_type
from modelwatch_analyzer.bias.metrics import METRICS
from modelwatch_analyzer.bias.values import group_key, named_as
from modelwatch_analyzer.replay import Finding, Replay, ReplayWindow
from modelwatch_analyzer.undefined import Undefined
from modelwatch_core.domain.constraint_violations import subject_text
from modelwatch_core.domain.monitor_kinds.bias import BiasSettings

_CHECK = "bias_drift_check"
_SAME_SHARE = 1e-9
"""The rounding by which a share of rows may differ if it is computed in two ways."""


@dataclass(frozen=True, slots=True)
class _Measured:
    """A metric of a group, as the window has it.

    Attributes
    ----------
    imbalance : float, optional
        The class imbalance of the group, from which the rows outside of it follow.
    """

    facet: str
    group: str
    rows: int | None
    imbalance: float | None
    metric: MetricEntry

    @property
    def finding(self) -> Finding:
        return subject_text(self.metric.name, facet=self.facet, facet_value=self.group), _CHECK

    @property
    def is_small(self) -> bool | None:
        """Whether it is of too few rows to alert; None where that is not stored."""
        known = METRICS.get(self.metric.name)
        if known is not None and known.of_all_rows:
            estimate = self.metric.estimate
            return None if isinstance(estimate, Undefined) else estimate.rows < FEW_ROWS
        if self.rows is None or self.imbalance is None:
            return None
        share = (1 - self.imbalance) / 2
        return self.rows < FEW_ROWS or round(self.rows / share) - self.rows < FEW_ROWS


def replay(settings: BiasSettings, constraints: Path, _statistics: Path | None) -> ReplayWindow:
    """Return what checks windows of a schedule against other constraints; see `replayed`."""
    config = BiasConfig.read(settings.analysis_config)
    return lambda current: replayed(config, current, constraints)


def replayed(config: BiasConfig, current: Path, constraints: Path) -> Replay:
    """Check a window that has been analysed against other constraints.

    Values and standard errors are stored, and are judged as they were. The rows decide where earlier versions stored
    none, and where the changed file has the window read in another way: other positive labels, groups of listed values
    in place of those above a threshold, another number of neighbours for the flip test (FT), or other shares of groups
    for the facet drift (FD).

    Parameters
    ----------
    config : BiasConfig
        The schedule's.
    current : Path
        The ``analysis.json`` of the window.
    constraints : Path
        The changed ``analysis.json`` of a baseline.

    Raises
    ------
    InvalidInput
        ``InvalidConstraints``, naming the file and the place.
    """
    then, now = BiasAnalysis.read(constraints), BiasAnalysis.read(current)
    wanted = then.constraints()
    rule = then.disparate_impact_rule or config.disparate_impact_rule
    rates = then.rates.of_each(now.share_of_month, then.compared)
    violations: list[Finding] = []
    unknown: list[Finding] = []
    for measured in _measured(now):
        metric = measured.metric
        listed = len(now.facet_values(measured.facet)) == 1  # a facet without listed values has a group of each
        group = group_key(named_as(then.facet_values(measured.facet), measured.group, listed=listed))
        constraint = wanted.get((measured.facet, group, metric.name))
        if constraint is None or constraint.is_open or metric.value is None:
            continue
        if _is_read_otherwise(measured, config, then, now, wanted.get((measured.facet, group, "CI"))):
            unknown.append(measured.finding)
            continue
        verdict = judge(metric.name, metric.value, metric.estimate, constraint, rule, rates)
        if measured.is_small is not True and (verdict.violated or verdict.note):
            (unknown if measured.is_small is None or verdict.note else violations).append(measured.finding)
    unknown += [
        (subject_text(None, facet=facet), _CHECK)
        for facet in dict.fromkeys(facet for facet, _, _ in wanted)
        if now.facet_values(facet) and known_type(then.facet_values(facet)) != known_type(now.facet_values(facet))
    ]
    return Replay(tuple(violations), tuple(unknown))


def _measured(now: BiasAnalysis) -> Iterator[_Measured]:
    imbalances = {where[:2]: each.value for where, each in now.constraints().items() if where[2] == "CI"}
    for _, stage in now.stages():
        for facet, groups in stage.facets.items():
            for group in groups:
                imbalance = imbalances.get((facet, group_key(group.value_or_threshold)))
                for metric in group.metrics:
                    yield _Measured(facet, group.value_or_threshold, group.rows, imbalance, metric)


def _is_read_otherwise(
    measured: _Measured,
    config: BiasConfig,
    then: BiasAnalysis,
    now: BiasAnalysis,
    imbalance: BiasConstraint | None,
) -> bool:
    """Return whether the changed file has another value measured than the one that is stored.

    Parameters
    ----------
    imbalance : BiasConstraint, optional
        That of the group's CI.
    """
    known = then.label_values()
    if {group_key(each) for each in known} != {group_key(named_as(known, each)) for each in now.label_values()}:
        return True
    if measured.metric.name == "FT":
        return (config.flip_test_neighbors or then.flip_test_neighbors) != now.flip_test_neighbors
    if measured.metric.name == "FD":
        if imbalance is None or imbalance.value is None or measured.imbalance is None or measured.metric.value is None:
            return True
        moved = abs(measured.imbalance - imbalance.value) / 2  # a share is (1 - CI) / 2
        return not math.isclose(moved, measured.metric.value, abs_tol=_SAME_SHARE)
    return False
