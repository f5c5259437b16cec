"""The checks of one feature against its constraints: one function each, all in `CHECKS`, no threshold of their own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from modelwatch_analyzer.data_quality.calibration import Judged
from modelwatch_analyzer.data_quality.documents import FeatureConstraints
from modelwatch_analyzer.data_quality.monitoring_config import EffectiveConfig
from modelwatch_analyzer.data_quality.statistic_changes import changes_beyond
from modelwatch_analyzer.distances.drift import DRIFT_CHECK, Drift
from modelwatch_analyzer.feature_statistics import FeatureStatistics, InferredType
from modelwatch_analyzer.profile.table import ColumnProfile
from modelwatch_analyzer.thresholds import reaches
from modelwatch_analyzer.wording import java_double, percent
from modelwatch_core.domain.constraint_violations import ConstraintViolation


@dataclass(frozen=True, slots=True)
class Comparison:
    """A feature that is there, and everything that a check may look at.

    Attributes
    ----------
    drift : Drift, optional
        None where no comparison of distributions is configured.
    baseline : FeatureStatistics, optional
        None where the baseline's statistics lack the feature, or were not given.
    judged : Judged, optional
        What the Calibrated comparison says, if the feature is compared by it.
    """

    constraints: FeatureConstraints
    config: EffectiveConfig
    observed: ColumnProfile
    drift: Drift | None
    baseline: FeatureStatistics | None = None
    judged: Judged | None = None


FeatureCheck = Callable[[Comparison], str | None]
"""Returns the description of the violation, or None if there is none."""

CHECKS: dict[str, FeatureCheck] = {}
"""The checks by ``constraint_check_type``, in the order in which a feature's violations are reported."""


def violations_of(comparison: Comparison, *, without: Collection[str] = ()) -> Iterator[ConstraintViolation]:
    """Yield what a feature violates, in the order of `CHECKS`.

    Parameters
    ----------
    without : collection of str
        Checks that are left out.
    """
    for check_type, check in CHECKS.items():
        description = None if check_type in without else _description(comparison, check_type, check)
        if description is not None:
            yield ConstraintViolation(
                feature_name=comparison.constraints.name,
                constraint_check_type=check_type,
                description=description,
            )


def _description(comparison: Comparison, check_type: str, check: FeatureCheck) -> str | None:
    judged = comparison.judged
    if judged is not None and check_type in judged.checks:
        return judged.verdict.violation(check_type)
    return check(comparison)


def _check(check_type: str) -> Callable[[FeatureCheck], FeatureCheck]:
    def register(check: FeatureCheck) -> FeatureCheck:
        CHECKS[check_type] = check
        return check

    return register


@_check("data_type_check")
def check_data_type(comparison: Comparison) -> str | None:
    """Compare the share of values of the expected type with ``datatype_check_threshold``.

    Values spelled as whole numbers are of type Fractional as well, and every value is of type String.
    """
    expected, observed = comparison.constraints.inferred_type, comparison.observed
    if not expected.is_numeric or observed.numbers is None or not observed.present:
        return None
    numbers = observed.numbers
    matching = numbers.integral if expected is InferredType.INTEGRAL else numbers.moments.count
    share, threshold = matching / observed.present, comparison.config.datatype_check_threshold
    if reaches(share, threshold):
        return None
    return (
        f"Data type match requirement is not met. Expected data type: {expected}, Expected match: "
        f"{percent(threshold)}. Observed: Only {percent(share)} of data is {expected}."
    )


@_check("completeness_check")
def check_completeness(comparison: Comparison) -> str | None:
    """Compare the share of rows that hold a value with the baseline's."""
    expected, share = comparison.constraints.completeness, comparison.observed.completeness
    if expected is None or reaches(share, expected):
        return None
    return f"Data completeness requirement is not met. Expected: {percent(expected)}. Observed: Only {percent(share)}."


@_check("is_non_negative_check")
def check_non_negativity(comparison: Comparison) -> str | None:
    """Look for negative values where the baseline has none."""
    constraint, numbers = comparison.constraints.num_constraints, comparison.observed.numbers
    if constraint is None or not constraint.is_non_negative or numbers is None or not numbers.negative:
        return None
    share = (numbers.moments.count - numbers.negative) / numbers.moments.count
    return (
        f"Non-negativity requirement is not met. Expected: {percent(1.0)} of values non-negative. "
        f"Observed: Only {percent(share)} of values are non-negative."
    )


@_check("categorical_values_check")
def check_categorical_values(comparison: Comparison) -> str | None:
    """Compare the share of values within the baseline's domain with ``domain_content_threshold``."""
    constraint, observed = comparison.constraints.string_constraints, comparison.observed
    if constraint is None or not constraint.domains or observed.text is None or not observed.present:
        return None
    share = observed.text.categories.count_of(constraint.domains) / observed.present
    threshold = comparison.config.domain_content_threshold
    if reaches(share, threshold):
        return None
    return (
        f"Categorical values requirement is not met. Expected match: {percent(threshold)}. "
        f"Observed: Only {percent(share)} of values are in the domain of the baseline."
    )


@_check("statistics_change_check")
def check_statistics(comparison: Comparison) -> str | None:
    """Compare mean, standard deviation, extremes and quantiles with the baseline's, where ``max_changes`` says so."""
    constraint, numbers = comparison.constraints.num_constraints, comparison.observed.numbers
    changes = constraint.max_changes if constraint else None
    if changes is None or comparison.baseline is None or numbers is None or not numbers.moments.count:
        return None
    beyond = list(changes_beyond(changes, comparison.baseline, numbers))
    if not beyond:
        return None
    expected = ", ".join(
        f"{each.name} within {java_double(each.allowed)} of {java_double(each.before)}" for each in beyond
    )
    observed = ", ".join(f"{each.name} {java_double(each.now)}" for each in beyond)
    return f"Statistics change requirement is not met. Expected: {expected}. Observed: {observed}."


@_check(DRIFT_CHECK)
def check_baseline_drift(comparison: Comparison) -> str | None:
    """Compare the measured drift with the threshold of its measure."""
    drift = comparison.drift
    return drift.violation if drift else None
