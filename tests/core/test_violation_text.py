"""What people read of a violation: plain English, and numbers of a few digits."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch_core.domain.constraint_violations import ConstraintViolation, check_text, rounded_text, violation_text
from modelwatch_core.domain.number_text import number_text, p_text


def text_of(description: str) -> str:
    return violation_text(ConstraintViolation(constraint_check_type="any_check", description=description))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        # The first four are of a real report of the first party: a picture in amazon-sagemaker-examples,
        # monitoring_data_quality_of_models/images/s4-2-monitoring-job-report-details.png.
        (
            (
                "Data type match requirement is not met. Expected data type: Integral, Expected match: 100.0%. "
                "Observed: Only 0.0% of data is Integral."
            ),
            "Only 0% of the values are of type Integral; at least 100% should be.",
        ),
        (
            "Data completeness requirement is not met. Expected: 100.0%. Observed: Only 96.875%.",
            "Only 96.88% of the rows have a value; at least 100% should.",
        ),
        (
            "Baseline drift distance: 0.30791265775509713 exceeds threshold: 0.1",
            "Drift distance of 0.3079 is above the threshold 0.1",
        ),
        # What modelwatch_analyzer's checks write; tests/*/test_check*.py and test_analysis.py hold the sentences.
        (
            (
                "Non-negativity requirement is not met. Expected: 100.0% of values non-negative. "
                "Observed: Only 99.64592817400101% of values are non-negative."
            ),
            "Only 99.65% of the values are zero or more; 100% should be.",
        ),
        (
            (
                "Categorical values requirement is not met. Expected match: 100.0%. "
                "Observed: Only 80.0% of values are in the domain of the baseline."
            ),
            "Only 80% of the values are among those of the baseline; at least 100% should be.",
        ),
        (
            (
                "There are missing columns in current dataset. Number of columns in current dataset: 5, "
                "Number of columns in baseline constraints: 6"
            ),
            "Missing from the data (5 columns; the baseline has 6).",
        ),
        (
            (
                "There are extra columns in current dataset. Number of columns in current dataset: 7, "
                "Number of columns in baseline constraints: 6"
            ),
            "Not in the baseline (6 columns; the data has 7).",
        ),
        (
            "Baseline drift p-value: 1.234567E-9 is below threshold: 0.05",
            "Drift p-value of 1.235e-09 is below the threshold 0.05",
        ),
        (
            "Feature attribution drift 0.8812345678901234 exceeds threshold 0.9",
            "Agreement with the baseline's attributions (NDCG) of 0.8812 is below the threshold 0.9",
        ),
        (
            "Metric recall with 0.3333333333333333 +/- NaN was LessThanThreshold '0.6666666666666666'",
            "The value 0.3333 is below the threshold 0.6667",
        ),
        (
            (
                "Metric rmse with 12.5 +/- 0.5 was GreaterThanThreshold '10.0', "
                "and chance does not explain the difference from the baseline's 9.123456789 (p 3.7e-08). "
                "The same number as mse"
            ),
            (
                "The value 12.5 is above the threshold 10, "
                "and chance does not explain the difference from the baseline's 9.123 (p 3.7e-08). "
                "The same number as mse"
            ),
        ),
        (
            (
                "Metric value 0.31221719457013575 doesn't meet the baseline constraint requirement [-0.1, 0.1]. "
                "Chance does not explain the difference from the baseline's 0.0512345678 (p 1.8e-08)"
            ),
            (
                "The value 0.3122 is outside the range -0.1 to 0.1. "
                "Chance does not explain the difference from the baseline's 0.05123 (p 1.8e-08)"
            ),
        ),
        (
            "Metric value Infinity doesn't meet the baseline constraint requirement 2.916666666666667",
            "The value inf is farther from no bias than the baseline's value 2.917",
        ),
        (
            (
                "Statistics change requirement is not met. Expected: mean within 0.25 of 4.0, max within 1.0 of 8.0. "
                "Observed: mean 5.123456789, max 12.0."
            ),
            (
                "Statistics have changed more than is allowed: mean 5.123, max 12.0; "
                "allowed is mean within 0.25 of 4.0, max within 1.0 of 8.0."
            ),
        ),
        (
            "Share of attribution changed by 0.32004567 (0.30012345 to 0.34), more than 0.1",
            "Share of attribution changed by 0.32 (0.3001 to 0.34), more than 0.1",
        ),
        # Numbers that differ can be distinguished wherever they are in a sentence.
        (
            "Share of attribution changed by 0.10000123 (0.1000004 to 0.34), more than 0.1",
            "Share of attribution changed by 0.1000012 (0.1000004 to 0.34), more than 0.1",
        ),
        ("Kendall tau 0.4999999 is below threshold 0.5", "Kendall tau 0.4999999 is below threshold 0.5"),
        (
            (
                "Statistics change requirement is not met. Expected: mean within 1.0E-5 of 4.0. "
                "Observed: mean 4.000012345."
            ),
            "Statistics have changed more than is allowed: mean 4.00001; allowed is mean within 1.0E-5 of 4.0.",
        ),
        ("The mean was 5.123456. It had been 4.", "The mean was 5.123. It had been 4."),
        ("Version 1.2.3 of model 12345 is too old", "Version 1.2.3 of model 12345 is too old"),
    ],
)
def test_a_violation_reads_as_plain_english(written: str, read: str) -> None:
    assert text_of(written) == read


numbers = st.floats(allow_nan=False, allow_infinity=False)


@given(numbers, numbers)
def test_numbers_that_differ_are_shown_as_different(value: float, threshold: float) -> None:
    text = text_of(f"Feature attribution drift {value!r} exceeds threshold {threshold!r}")
    found = re.search(r"of (\S+) is below the threshold (\S+)$", text)
    assert found
    assert (found[1] != found[2]) == (value != threshold)


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_numbers_that_differ_are_shown_as_different_in_a_sentence_of_others(value: float, limit: float) -> None:
    found = re.fullmatch(
        r"it was (\S+), more than (\S+) by far", rounded_text(f"it was {value!r}, more than {limit!r} by far")
    )
    assert found
    shown = [float(number.replace(",", "")) for number in found.groups()]
    assert (shown[0] != shown[1]) == (value != limit)


@given(st.text(alphabet=st.characters(exclude_characters=".0123456789")))
def test_words_of_others_are_kept(description: str) -> None:
    assert text_of(description) == description


@given(st.floats(-1e12, 1e12))
def test_a_rounded_sentence_is_rounded_once(value: float) -> None:
    once = rounded_text(f"it was {value!r} before")
    assert rounded_text(once) == once


def test_a_number_near_its_threshold_keeps_the_digits_that_tell_them_apart() -> None:
    text = text_of("Baseline drift distance: 0.10000123456 exceeds threshold: 0.1")
    assert text == "Drift distance of 0.100001 is above the threshold 0.1"


def test_the_names_of_checks_are_words() -> None:
    names = ("baseline_drift_check", "LessThanThreshold", "GreaterThanThreshold")
    texts = [check_text(ConstraintViolation(constraint_check_type=name, description="")) for name in names]
    assert texts == ["baseline drift check", "below threshold", "above threshold"]


def test_numbers_have_four_digits_and_no_exponent_unless_they_are_very_large_or_small() -> None:
    assert [number_text(value) for value in (0.123456, 1234.56, 123456.7, 1e12)] == [
        "0.1235",
        "1,235",
        "123,457",
        "1e+12",
    ]


@pytest.mark.parametrize(("value", "text"), [(9999.4, "9,999"), (9999.5, "10,000"), (-12345.6, "-12,346")])
def test_a_number_that_rounds_up_to_five_digits_has_no_exponent(value, text):
    assert number_text(value) == text


@pytest.mark.parametrize(("p", "text"), [(0.0123, "0.012"), (2e-12, "2e-12"), (8.8e-306, "below 1e-12")])
def test_a_tiny_p_value_is_below_a_bound(p, text):
    assert p_text(p) == text
