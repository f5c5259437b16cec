"""``constraint_violations.json``: SageMaker's list of what is wrong, for every kind of monitor, and what it says.

Files keep SageMaker's sentences, which say "exceeds" of a value that is below its threshold and print every digit of a
number. Screens, mails and pages show them in plain English, with numbers of a few digits; what a violation is about and
how far it is beyond what is allowed is read from them, too. A sentence that is not SageMaker's, such as one of a user's
own container, keeps its words.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import cache, partial
from typing import NamedTuple

from pydantic import ConfigDict, ValidationError
from pydantic_core import PydanticSerializationError

from modelwatch_core.domain.documents import Inbound
from modelwatch_core.domain.number_text import DIGITS, MOST_DIGITS, number_text

UNKNOWN_EXCESS = 1.0
"""The excess of a violation whose sentence has no measure and threshold, such as a missing column or a sentence of
one's own."""


class ConstraintViolation(Inbound):
    """One broken constraint.

    Monitors of other kinds add fields of their own (``metric_name``, ``facet``, ``label``); they are kept as they are.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    feature_name: str | None = None
    constraint_check_type: str
    description: str

    @property
    def subject(self) -> str:
        """What the violation is about, for people: a feature or metric, and the group or label that it was found in."""
        extra: Mapping[str, object] = self.model_extra or {}
        metric, facet, value, label = (
            None if extra.get(name) is None else str(extra[name])
            for name in ("metric_name", "facet", "facet_value", "label")
        )
        return subject_text(self.feature_name or metric, facet=facet, facet_value=value, label=label)


def subject_text(
    name: str | None, *, facet: str | None = None, facet_value: str | None = None, label: str | None = None
) -> str:
    """Write what a violation is about: ``income``, ``DI of Sex = 1``, ``shap of label0``."""
    place = label if facet is None else facet if facet_value is None else f"{facet} = {facet_value}"
    return f"{name} of {place}" if name and place else name or place or "the dataset"


def read_violation(entry: object, place: int) -> ConstraintViolation:
    """Return an entry of a report; one that is not in the form of a violation stands for itself by its place.

    Parameters
    ----------
    place : int
        The number of the entry, from 1 on.
    """
    try:
        violation = ConstraintViolation.model_validate(entry)
        violation.model_dump_json()  # as events will; half of a surrogate pair, or nesting without end, is refused
    except (ValidationError, PydanticSerializationError):
        description = f"Entry {place} of the report is not in the form of a violation"
        return ConstraintViolation(constraint_check_type="unreadable_violation", description=description)
    return violation


class ConstraintViolations(Inbound):
    """The whole file."""

    violations: tuple[ConstraintViolation, ...] = ()


_NUMBER = r"-?(?:\d+(?:\.\d+)?(?:[Ee][+-]?\d+)?|Infinity)"
_STANDING_ALONE = r"(?<![\w.])-?{}(?:[Ee][+-]?\d+)?(?!\w|\.\w)"
_LONG_NUMBER = re.compile(_STANDING_ALONE.format(r"\d+\.\d{5,}"))
_ANY_NUMBER = re.compile(_STANDING_ALONE.format(r"\d+(?:\.\d+)?"))
_NO_NUMBER = r"(?:NaN|" + _NUMBER + ")"

_PHRASES = [
    (
        (
            "Data type match requirement is not met. Expected data type: {type}, Expected match: {least}%. "
            "Observed: Only {share}% of data is {same_type}."
        ),
        "Only {share}% of the values are of type {type}; at least {least}% should be.",
    ),
    (
        "Data completeness requirement is not met. Expected: {least}%. Observed: Only {share}%.",
        "Only {share}% of the rows have a value; at least {least}% should.",
    ),
    (
        (
            "Non-negativity requirement is not met. Expected: {least}% of values non-negative. "
            "Observed: Only {share}% of values are non-negative."
        ),
        "Only {share}% of the values are zero or more; {least}% should be.",
    ),
    (
        (
            "Categorical values requirement is not met. Expected match: {least}%. "
            "Observed: Only {share}% of values are in the domain of the baseline."
        ),
        "Only {share}% of the values are among those of the baseline; at least {least}% should be.",
    ),
    (
        (
            "There are missing columns in current dataset. Number of columns in current dataset: {now}, "
            "Number of columns in baseline constraints: {before}"
        ),
        "Missing from the data ({now} columns; the baseline has {before}).",
    ),
    (
        (
            "There are extra columns in current dataset. Number of columns in current dataset: {now}, "
            "Number of columns in baseline constraints: {before}"
        ),
        "Not in the baseline ({before} columns; the data has {now}).",
    ),
    (
        "Baseline drift {name}: {value} exceeds threshold: {threshold}",
        "Drift {name} of {value} is above the threshold {threshold}",
    ),
    (
        "Baseline drift {name}: {value} is below threshold: {threshold}",
        "Drift {name} of {value} is below the threshold {threshold}",
    ),
    (
        "{value} % ({low} % to {high} %) {_what}, threshold {threshold} %",
        "{value} % ({low} % to {high} %) {_what}, threshold {threshold} %",
    ),
    (
        "Feature attribution drift {value} exceeds threshold {threshold}",
        "Agreement with the baseline's attributions (NDCG) of {value} is below the threshold {threshold}",
    ),
    (
        "Metric {name} with {value} +/- {_deviation} was LessThanThreshold '{threshold}'",
        "The value {value} is below the threshold {threshold}",
    ),
    (
        "Metric {name} with {value} +/- {_deviation} was GreaterThanThreshold '{threshold}'",
        "The value {value} is above the threshold {threshold}",
    ),
    (
        " does not explain the difference from the baseline's {before} (p",
        " does not explain the difference from the baseline's {before} (p",
    ),
    (
        "Metric value {value} doesn't meet the baseline constraint requirement [{low}, {high}]",
        "The value {value} is outside the range {low} to {high}",
    ),
    (
        "Metric value {value} doesn't meet the baseline constraint requirement {limit}",
        "The value {value} is farther from no bias than the baseline's value {limit}",
    ),
    (
        "Statistics change requirement is not met. Expected: {_expected}. Observed: {_observed}.",
        "Statistics have changed more than is allowed: {_observed}; allowed is {_expected}.",
    ),
]
"""SageMaker's sentences, and how people read them. A placeholder that is not a number begins with an underscore or is a
word."""

_CHECKS = {"LessThanThreshold": "below threshold", "GreaterThanThreshold": "above threshold"}
"""Checks whose names are not read as words."""

_WORDS = {
    "_what": "[a-z ]+",
    "type": r"\w+",
    "same_type": r"\w+",
    "name": r"[\w-]+",
    "_expected": ".+?",
    "_observed": ".+",
}


def violation_text(violation: ConstraintViolation) -> str:
    """Return what was found, in plain English.

    Examples
    --------
    >>> drift = "Feature attribution drift 0.8812345678901234 exceeds threshold 0.9"
    >>> violation_text(ConstraintViolation(constraint_check_type="feature_attribution_drift_check", description=drift))
    "Agreement with the baseline's attributions (NDCG) of 0.8812 is below the threshold 0.9"
    """
    written = text = violation.description
    for pattern, plain in _sentences():
        text = pattern.sub(partial(_filled, plain), text, count=1)
    return text if text != written else rounded_text(text)


def numbers_of(violation: ConstraintViolation) -> dict[str, float]:
    """Return the numbers in what was found, by what they are: ``value``, ``threshold``, ``share``, ``least`` and more.

    Nothing is returned of a sentence that is not SageMaker's.
    """
    for pattern, _ in _sentences():
        if found := pattern.search(violation.description):
            return _numbers(found)
    return {}


def check_text(violation: ConstraintViolation) -> str:
    """Return the check that found it, in plain English: ``baseline drift check``, ``below threshold``."""
    return _CHECKS.get(violation.constraint_check_type, violation.constraint_check_type.replace("_", " "))


def rounded_text(text: str) -> str:
    """Return a sentence with its long decimals in four digits, or as many as distinguish its numbers that differ."""
    return _rounded(text, _digits_of(text))


def _rounded(text: str, digits: int) -> str:
    return _LONG_NUMBER.sub(lambda found: number_text(float(found[0]), digits), text)


def _digits_of(text: str) -> int:
    written = {number: float(number) for number in _ANY_NUMBER.findall(text)}
    return next((digits for digits in DIGITS if _distinguishes(digits, written)), MOST_DIGITS)


def _distinguishes(digits: int, written: Mapping[str, float]) -> bool:
    """Return whether numbers that differ still do if the long ones among them have so many digits."""
    read = {
        float(number_text(value, digits).replace(",", "")) if _LONG_NUMBER.fullmatch(number) else value
        for number, value in written.items()
    }
    return len(read) == len(set(written.values()))


def _numbers(found: re.Match[str]) -> dict[str, float]:
    parts = found.groupdict().items()
    return {name: float(part) for name, part in parts if name not in _WORDS and name != "_deviation"}


def _filled(plain: str, found: re.Match[str]) -> str:
    """Fill in the parts of a sentence: the numbers in as few digits as distinguish those that differ."""
    parts = found.groupdict()
    numbers = _numbers(found)
    texts: dict[str, str] = {}
    for digits in DIGITS:
        texts = {name: number_text(value, digits) for name, value in numbers.items()}
        if len(set(texts.values())) == len(set(numbers.values())):
            break
    words = {name: part for name, part in parts.items() if name in _WORDS}
    digits = _digits_of(" ".join(words.values()))
    return plain.format(**texts, **{name: _rounded(part, digits) for name, part in words.items()})


class Breach(NamedTuple):
    """What was broken and by how much, without the words: the severity of a violation depends on nothing else."""

    check: str
    feature: str | None
    metric: str | None
    excess: float


def breach_of(violation: ConstraintViolation) -> Breach:
    """Return what a violation broke, and by how much."""
    metric = (violation.model_extra or {}).get("metric_name")
    return Breach(
        check=violation.constraint_check_type,
        feature=violation.feature_name,
        metric=None if metric is None else str(metric),
        excess=excess_of(violation),
    )


def excess_of(violation: ConstraintViolation) -> float:
    """Return how many times the most that is allowed a value is, or how many times the least is the value.

    Returns
    -------
    float
        1 or more; infinite where the most that is allowed, or the value below the least, is 0.

    Examples
    --------
    >>> drift = "Baseline drift distance: 0.9 exceeds threshold: 0.1"
    >>> round(excess_of(ConstraintViolation(constraint_check_type="baseline_drift_check", description=drift)), 9)
    9.0
    """
    numbers = numbers_of(violation)
    if "share" in numbers and "least" in numbers:
        return _ratio(numbers["least"], numbers["share"])
    if "value" not in numbers:
        return UNKNOWN_EXCESS
    value = numbers["value"]
    if "threshold" in numbers:
        return _ratio(value, numbers["threshold"])
    if "limit" in numbers:
        return _ratio(value, numbers["limit"])
    if "low" in numbers and "high" in numbers:
        return _ratio(value, numbers["low"] if value < numbers["low"] else numbers["high"])
    return UNKNOWN_EXCESS


def _ratio(one: float, other: float) -> float:
    """Return how many times the smaller number the larger one is, by their absolute values."""
    small, large = sorted((abs(one), abs(other)))
    if small == 0:
        return UNKNOWN_EXCESS if large == 0 else math.inf
    ratio = large / small if math.isfinite(large) else math.inf
    return max(UNKNOWN_EXCESS, ratio)


def _compiled(written: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", written)
    return re.compile(
        "".join(
            f"(?P<{part}>{_WORDS.get(part, _NO_NUMBER if part == '_deviation' else _NUMBER)})"
            if place % 2
            else re.escape(part)
            for place, part in enumerate(parts)
        )
    )


@cache
def _sentences() -> list[tuple[re.Pattern[str], str]]:
    return [(_compiled(written), plain) for written, plain in _PHRASES]
