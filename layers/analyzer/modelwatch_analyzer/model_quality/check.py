"""A model's quality against the constraints of its baseline."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from modelwatch_analyzer.data_quality.wording import java_double
from modelwatch_analyzer.model_quality.documents import NAN, Constraint, R2Definition
from modelwatch_analyzer.model_quality.metric import ComparisonOperator, Measured
from modelwatch_analyzer.undefined import Undefined
from modelwatch_core.domain.constraint_violations import ConstraintViolation

R2, R2_FIRST_PARTY = "r2", "r2_first_party"

_ROUNDING = 1e-12
"""Two programs that sum in another order differ by less than this share: the same data must pass its own baseline."""


@dataclass(slots=True)
class CheckResult:
    """What a check found.

    Attributes
    ----------
    violations : list of ConstraintViolation
        In the order of the constraints file.
    violated : set of str
        Names of the metrics, as the constraints file has them.
    warnings : list of str
    """

    violations: list[ConstraintViolation] = field(default_factory=list)
    violated: set[str] = field(default_factory=set)
    warnings: list[str] = field(default_factory=list)


def check(metrics: Mapping[str, Measured], constraints: Mapping[str, Constraint]) -> CheckResult:
    """Compare metrics with their thresholds.

    The first party's rule: a metric is a violation where its value is on the worse side of the threshold, whatever
    its standard deviation. With ``beyond_confidence_interval`` the whole interval must be there.
    """
    result = CheckResult()
    for name, constraint in constraints.items():
        result.warnings.extend(_remarks(name, constraint))
        measured = metrics.get(_compared(name, constraint))
        if measured is None or isinstance(measured.value, Undefined):
            reason = (
                measured.value.reason if measured and isinstance(measured.value, Undefined) else "it is not measured"
            )
            result.warnings.append(f"{name} is not compared: {reason}")
        elif _is_worse(measured, measured.value, constraint):
            result.violated.add(name)
            result.violations.append(_violation(name, measured, measured.value, constraint))
    return result


def camel_case(name: str) -> str:
    """Return a metric's name as violations have it: ``truePositiveRate``; ``f0_5`` stays."""
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), name)


def _compared(name: str, constraint: Constraint) -> str:
    """Return the metric that a constraint compares: an ``r2`` that does not say otherwise is the first party's."""
    return R2_FIRST_PARTY if name == R2 and constraint.definition is not R2Definition.TEXTBOOK else name


def _remarks(name: str, constraint: Constraint) -> Iterator[str]:
    if constraint.unknown:
        yield f"the constraint of {name} has {', '.join(constraint.unknown)}, which means nothing: is it misspelt?"
    if name == R2 and constraint.definition is None:
        yield (
            "the constraint of r2 names no definition, so it is compared with r2 as the first party computes it; add "
            '"definition": "Textbook" if it is the textbook\'s'
        )


def _is_worse(measured: Measured, value: float, constraint: Constraint) -> bool:
    least = greatest = value
    if constraint.beyond_confidence_interval and measured.interval is not None:
        least, greatest = measured.interval
    if constraint.comparison_operator is ComparisonOperator.LESS_THAN:
        best, worse = greatest, greatest < constraint.threshold
    else:
        best, worse = least, least > constraint.threshold
    return worse and not math.isclose(best, constraint.threshold, rel_tol=_ROUNDING)


def _violation(name: str, measured: Measured, value: float, constraint: Constraint) -> ConstraintViolation:
    deviation = NAN if measured.standard_deviation is None else java_double(measured.standard_deviation)
    operator = constraint.comparison_operator.value
    description = (
        f"Metric {camel_case(name)} with {java_double(value)} +/- {deviation} was {operator} "
        f"'{java_double(constraint.threshold)}'"
    )
    if constraint.beyond_confidence_interval and measured.interval is not None:
        lower, upper = map(java_double, measured.interval)
        description += f", as was its whole confidence interval from {lower} to {upper}"
    return ConstraintViolation.model_validate(
        {"constraint_check_type": operator, "description": description, "metric_name": camel_case(name)}
    )
