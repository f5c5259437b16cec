"""A model's quality against the constraints of its baseline."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from modelwatch_analyzer.metric_change import Rates, RatesOfEach, chance_of
from modelwatch_analyzer.model_quality.documents import NAN, MetricConstraint, R2Definition
from modelwatch_analyzer.model_quality.metric import ComparisonOperator, ErrorAt, Measured, Metric, numbers_of
from modelwatch_analyzer.thresholds import equal
from modelwatch_analyzer.undefined import Undefined
from modelwatch_analyzer.wording import enumerated, java_double
from modelwatch_core.domain.constraint_violations import ConstraintViolation
from modelwatch_core.domain.number_text import p_text

R2, R2_FIRST_PARTY = "r2", "r2_first_party"


@dataclass(slots=True)
class MetricsCheck:
    """What a check found.

    Attributes
    ----------
    violations : list of ConstraintViolation
        In the order of the constraints file.
    violated : set of str
        Names of the metrics that were compared.
    undecided : list of ConstraintViolation
        Metrics that are worse than their thresholds, although it is not known whether chance explains it.
    warnings : list of str
    """

    violations: list[ConstraintViolation] = field(default_factory=list)
    undecided: list[ConstraintViolation] = field(default_factory=list)
    violated: set[str] = field(default_factory=set)
    warnings: list[str] = field(default_factory=list)


def check(
    metrics: Mapping[str, Measured],
    constraints: Mapping[str, MetricConstraint],
    registry: Collection[Metric[Any]],
    rates: Rates,
    share_of_month: float | None = None,
    *,
    exact: bool = False,
) -> MetricsCheck:
    """Compare metrics with their thresholds.

    The first party's rule: a metric is a violation where its value is on the worse side of the threshold, whatever
    its standard deviation. With ``beyond_confidence_interval`` chance must not explain it either: not the difference
    from the baseline's value, or from a threshold that a person has set. Then a number that several metrics show is
    one violation, which names the others.

    Parameters
    ----------
    registry : collection of Metric
        All metrics of the problem type.
    rates : Rates
        The rates of false alarms.
    share_of_month : float, optional
        How much of a month the window of a schedule is.
    exact : bool
        Whether the first party's rule applies whatever the constraints say of intervals.
    """
    result = MetricsCheck()
    if not constraints:
        result.warnings.append("the constraints name no metric: nothing was compared with a threshold")
    in_violations = {camel_case(metric.name): metric.name for metric in registry}  # which people copy
    same_as = {metric.name: metric.same_as for metric in registry if metric.same_as}
    errors_at = {metric.name: metric.error_at for metric in registry if metric.error_at}
    found: list[tuple[str | None, ConstraintViolation]] = []
    judged = {metric_compared(name, each) for name, each in constraints.items() if each.beyond_confidence_interval}
    numbers = numbers_of(metric for metric in registry if metric.name in judged)
    of_each = None if exact else rates.of_each(share_of_month, numbers)
    for name, constraint in constraints.items():
        result.warnings.extend(_remarks(name, constraint))
        compared = metric_compared(name, constraint)
        meant = in_violations.get(name, name)
        hint = f". Did you mean {meant}?" if meant != name else ""
        measured = metrics.get(compared) or Measured(Undefined(f"it is not measured{hint}"))
        undefined = next((each for each in (measured.value, constraint.limit) if isinstance(each, Undefined)), None)
        if undefined is not None:
            result.warnings.append(f"{name} is not compared: {undefined.reason}")
        elif (violation := _violation(name, measured, constraint, of_each, errors_at.get(compared))) is not None:
            by_value = exact or not constraint.beyond_confidence_interval
            if measured.estimate is None and not by_value:
                result.undecided.append(violation)
                result.warnings.append(
                    f"{name} is worse than its threshold, but the rows are too few to exclude chance"
                )
                continue
            result.violated.add(compared)
            found.append((None if by_value else same_as.get(name, name), violation))
    result.violations = _each_number_once(found)
    return result


def _each_number_once(found: Iterable[tuple[str | None, ConstraintViolation]]) -> list[ConstraintViolation]:
    """Return the violations, those of one number as the first of them, which names the others.

    Parameters
    ----------
    found : iterable of (str, ConstraintViolation)
        With the number that a metric shows; None for what is a violation in any case.
    """
    groups: dict[object, list[ConstraintViolation]] = {}
    for number, violation in found:
        groups.setdefault(number or object(), []).append(violation)
    return [_naming(first, others) for first, *others in groups.values()]


def _naming(violation: ConstraintViolation, others: Sequence[ConstraintViolation]) -> ConstraintViolation:
    if not others:
        return violation
    is_same = [each.constraint_check_type == violation.constraint_check_type for each in others]
    names = [each.subject if same else f"1 - {each.subject}" for each, same in zip(others, is_same, strict=True)]
    description = f"{violation.description}. The same number as {' and '.join(names)}"
    return violation.model_copy(update={"description": description})


def never_violated(constraints: Mapping[str, MetricConstraint], registry: Iterable[Metric[Any]]) -> Iterator[str]:
    """Say which constraints nothing can violate: their thresholds are the worst that the metric can be."""
    bounds = {metric.name: metric.bounds for metric in registry}
    names = []
    for name, constraint in constraints.items():
        least, greatest = bounds.get(metric_compared(name, constraint), (-math.inf, math.inf))
        threshold, less = constraint.limit, constraint.comparison_operator is ComparisonOperator.LESS_THAN
        if not isinstance(threshold, Undefined) and (threshold <= least if less else threshold >= greatest):
            names.append(name)
    if names:
        all_of_them = "any constraint" if len(names) == len(constraints) else f"the constraints of {', '.join(names)}"
        yield (
            f"nothing can violate {all_of_them}, because a metric cannot be worse than its threshold there. Make the "
            "baseline from more rows, or from better predictions, or edit the thresholds"
        )


def undefined_in_baseline(metrics: Mapping[str, Measured], registry: Iterable[Metric[Any]]) -> Iterator[str]:
    """Say which metrics a baseline suggests no constraint for, because its rows do not define them."""
    names: dict[str, list[str]] = {}
    for metric in registry:
        value = metrics[metric.name].value if metric.suggested and metric.name in metrics else None
        if isinstance(value, Undefined):
            names.setdefault(value.reason, []).append(metric.name)
    for reason, undefined in names.items():
        are, them = ("is", "it") if len(undefined) == 1 else ("are", "them")
        yield (
            f"{enumerated(undefined)} {are} undefined in the baseline, because {reason}: checks do not compare {them}, "
            f"unless the baseline is made from rows that define {them}"
        )


def camel_case(name: str) -> str:
    """Return a metric's name as violations have it: ``truePositiveRate``; ``f0_5`` stays."""
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), name)


def metric_compared(name: str, constraint: MetricConstraint) -> str:
    """Return the metric that a constraint compares: an ``r2`` that does not say otherwise is the first party's."""
    return R2_FIRST_PARTY if name == R2 and constraint.definition is not R2Definition.TEXTBOOK else name


def _remarks(name: str, constraint: MetricConstraint) -> Iterator[str]:
    if constraint.unknown:
        yield f"the constraint of {name} has {', '.join(constraint.unknown)}, which has no meaning: is it misspelt?"
    if name == R2 and constraint.definition is None:
        yield (
            "the constraint of r2 names no definition, so it is compared with r2 as SageMaker computes it; add "
            '"definition": "Textbook" if the threshold is one of the usual r2'
        )


def _violation(
    name: str, measured: Measured, constraint: MetricConstraint, rates: RatesOfEach | None, error_at: ErrorAt | None
) -> ConstraintViolation | None:
    value, threshold = measured.value, constraint.limit
    if isinstance(value, Undefined) or isinstance(threshold, Undefined):
        return None
    less = constraint.comparison_operator is ComparisonOperator.LESS_THAN
    if equal(value, threshold) or (value < threshold) is not less:
        return None
    deviation = NAN if measured.standard_deviation is None else java_double(measured.standard_deviation)
    operator, metric = constraint.comparison_operator.value, camel_case(name)
    description = f"Metric {metric} with {java_double(value)} +/- {deviation} was {operator} '{java_double(threshold)}'"
    if rates is not None and constraint.beyond_confidence_interval:
        is_another = metric_compared(name, constraint) != name  # the threshold is of the textbook's r2
        before, now = None if is_another else constraint.suggested_from, measured.estimate
        limit = threshold if before is None else before.value
        if now is not None:
            if before is None and error_at is not None:
                # Of rows none of which is right a replicate shows no error, but at the limit some would be.
                now = replace(now, standard_error=max(now.standard_error, error_at(limit, now.rows)))
            chance = chance_of(limit - now.value if less else now.value - limit, now, before)
            if not rates.is_certain(chance, before):
                return None
            than = "the threshold" if before is None else f"the baseline's {java_double(before.value)}"
            description += f", and chance does not explain the difference from {than} (p {p_text(chance)})"
    return ConstraintViolation.model_validate(
        {"constraint_check_type": operator, "description": description, "metric_name": metric}
    )
