"""Every metric of every group, with its interval, and compared with its constraint."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelwatch_analyzer.bias.check import BiasConstraint, DisparateImpactRule, Verdict, judge, spelled, suggested_range
from modelwatch_analyzer.bias.config import BiasConfig
from modelwatch_analyzer.bias.counts import Counts
from modelwatch_analyzer.bias.documents import BiasAnalysis, written
from modelwatch_analyzer.bias.groups import Facet
from modelwatch_analyzer.bias.intervals import Interval, dependences_of, estimate_of, interval_of, replicates_of
from modelwatch_analyzer.bias.metric import BiasMetric, Stage, names_of
from modelwatch_analyzer.bias.values import group_key
from modelwatch_analyzer.metric_change import INDEPENDENT, Estimate, RatesOfEach, further_rows_of
from modelwatch_analyzer.request_rows import RequestRows
from modelwatch_analyzer.undefined import Undefined
from modelwatch_analyzer.wording import enumerated
from modelwatch_core.domain.constraint_violations import ConstraintViolation
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.monitor_kinds.bias import BiasSettings
from modelwatch_core.domain.number_text import p_text

FEW_ROWS = 30
"""With fewer rows in the group, or outside of it, its metrics never alert; metrics of all rows need this many in
total."""


@dataclass(frozen=True, slots=True)
class GroupMetric:
    """One metric of one group.

    Attributes
    ----------
    rows, others : int
        The rows in the group, and outside of it.
    interval : (float, float) or Undefined
        The confidence interval.
    estimate : Estimate or Undefined
        What is compared with a range.
    constraint : BiasConstraint, optional
        The baseline's constraint; None where there is no baseline.
    """

    facet: str
    group: str
    rows: int
    others: int
    metric: BiasMetric
    value: float | Undefined
    interval: Interval | Undefined
    estimate: Estimate | Undefined
    constraint: BiasConstraint | None
    verdict: Verdict

    @property
    def small(self) -> bool:
        """Whether it is of too few rows to alert."""
        rows = self.rows + self.others if self.metric.of_all_rows else min(self.rows, self.others)
        return rows < FEW_ROWS

    @property
    def violated(self) -> bool:
        """Whether it is a violation."""
        return self.verdict.violated and not self.small

    def violation(self) -> ConstraintViolation:
        """Return the violation as ``constraint_violations.json`` has it."""
        value = self.value if isinstance(self.value, Undefined) else spelled(self.value)
        description = f"Metric value {value} doesn't meet the baseline constraint requirement {self.constraint}"
        if self.verdict.chance is not None:
            before = self.constraint and self.constraint.before
            than = f"the baseline's {spelled(before.value)}" if before else "the range"
            description += f". Chance does not explain the difference from {than} (p {p_text(self.verdict.chance)})"
        return ConstraintViolation.model_validate(
            {
                "facet": self.facet,
                "facet_value": self.group,
                "metric_name": self.metric.name,
                "constraint_check_type": "bias_drift_check",
                "description": description,
            }
        )

    def entry(self, rule: DisparateImpactRule | None) -> dict[str, Any]:
        """Return the entry in ``analysis.json``; with a rule it has the range that a baseline suggests."""
        entry: dict[str, Any] = {"name": self.metric.name, "description": self.metric.description}
        if isinstance(self.value, Undefined):
            return entry | {"value": None, "error": self.value.reason}
        entry["value"] = written(self.value)
        if not isinstance(self.interval, Undefined):
            entry["interval"] = list(self.interval)
        if not isinstance(self.estimate, Undefined):
            entry |= {"standard_error": self.estimate.standard_error, "compared_rows": self.estimate.rows}
            entry |= self.estimate.dependence.as_stored()
        if rule is not None and entry["value"] == self.value:  # an infinite one is compared as a value
            allowed = self.metric.allowed or suggested_range(self.metric.name, self.value, self.interval, rule)
            entry["range"] = [None if math.isinf(end) else end for end in allowed]
        return entry


def group_metrics_of(
    facet: Facet,
    config: BiasConfig,
    baseline: BiasAnalysis | None,
    settings: BiasSettings,
    metrics: Sequence[BiasMetric],
    *,
    grouped: bool,
    rates: RatesOfEach,
    requests: RequestRows,
) -> Iterator[GroupMetric]:
    """Measure a facet's groups: all metrics of one group after the other.

    Parameters
    ----------
    metrics : sequence of BiasMetric
        Those that the data allows.
    grouped : bool
        Whether there is a group variable.
    rates : RatesOfEach
        The rates of false alarms for one metric of one group.
    requests : RequestRows
        The rows by their requests.
    """
    constraints = baseline.constraints() if baseline else None
    rule = (baseline and baseline.disparate_impact_rule) or config.disparate_impact_rule
    counts = []
    for group, name in enumerate(facet.values):
        share = baseline.share_of(facet.name, name) if baseline else _share(facet, group)
        counts.append(Counts(facet.of(facet.cells, group), grouped, facet.flips[group], share))
    dependent = [*dependences_of(facet, counts, metrics, requests)]
    further_rows = further_rows_of(each for of_group in dependent for each in of_group.values())
    drawn = replicates_of(facet, counts, metrics, settings.bootstrap_replicates, settings.seed, further_rows)
    for group, (name, replicates, dependence) in enumerate(zip(facet.values, drawn, dependent, strict=True)):
        rows, others = facet.rows(group)
        for metric in metrics:
            value = metric.value(counts[group])
            alike = dependence.get(metric.name, INDEPENDENT)
            estimate = estimate_of(metric, counts[group], value, replicates, alike)
            interval = interval_of(metric, estimate, settings.confidence_level)
            constraint = constraints.get((facet.name, group_key(name), metric.name)) if constraints else None
            verdict = Verdict(violated=False)
            if constraint:
                verdict = judge(metric.name, value, estimate, constraint, rule, rates)
            yield GroupMetric(facet.name, name, rows, others, metric, value, interval, estimate, constraint, verdict)


def require_compared(measures: Sequence[GroupMetric], baseline: BiasAnalysis) -> None:
    """Raise an error if nothing was compared with the baseline: that must not look as if nothing were wrong.

    Raises
    ------
    InvalidInput
        ``NothingCompared``.
    """
    if any(each.constraint and each.constraint.is_given for each in measures):
        return
    constraints = {where: each for where, each in baseline.constraints().items() if each.is_given}
    before, now = dict.fromkeys(facet for facet, *_ in constraints), dict.fromkeys(each.facet for each in measures)
    shared = [facet for facet in before if facet in now]
    groups = list(dict.fromkeys((each.facet, each.group) for each in measures))
    examples = ""
    if not before:
        reason, fix = "it has no value of any metric", "make it from rows both in the groups and outside them"
    elif not shared:
        reason = f"its facets are {', '.join(before)}, but those of the configuration are {', '.join(now)}"
        fix = "name them in the configuration as in the baseline, and columns without names in headers"
    elif {where[:2] for where in constraints}.isdisjoint((facet, group_key(group)) for facet, group in groups):
        reason = f"its groups of {', '.join(shared)} are different ones"
        fix = "list the same values in the configuration as for the baseline"
        examples = f"the baseline has {groups_text(baseline.groups())}; this check has {groups_text(groups)}"
    else:
        has, found = dict.fromkeys(metric for *_, metric in constraints), names_of(each.metric for each in measures)
        reason = f"it has {', '.join(has)}, but {found} are measured"
        fix = "request the same metrics with methods, and give the labels and predictions that they need"
    message = f"nothing can be compared with the baseline: {reason}. To compare, {fix}; or make a new baseline"
    raise InvalidInput("NothingCompared", message, examples=examples)


def groups_text(groups: Sequence[tuple[str, str]]) -> str:
    """Name some groups, and count the rest."""
    return enumerated([f"{facet} = {group}" for facet, group in groups])


def _share(facet: Facet, group: int) -> Estimate | Undefined:
    rows, others = facet.rows(group)
    total = rows + others
    return Estimate(rows / total, 0.0, total) if total else Undefined("there are no rows")


def entries_of(
    measures: list[GroupMetric], rule: DisparateImpactRule | None
) -> Mapping[Stage, list[tuple[str, dict[str, Any]]]]:
    """Write the groups' entries of ``analysis.json``, by stage."""
    stages: dict[Stage, dict[tuple[str, str], dict[str, Any]]] = {}
    for each in measures:
        entries = stages.setdefault(each.metric.stage, {})
        entry = entries.setdefault(
            (each.facet, each.group), {"value_or_threshold": each.group, "rows": each.rows, "metrics": []}
        )
        entry["metrics"].append(each.entry(rule))
    return {stage: [(facet, entry) for (facet, _), entry in entries.items()] for stage, entries in stages.items()}
