"""Tails and log-factorials, against scipy.special."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from modelwatch_analyzer.calibrated.special_functions import chi_squared_tail, log_factorial, normal_tail, normal_tails


@given(st.floats(-30, 30))
def test_the_normal_tail_is_scipys(z: float) -> None:
    assert normal_tail(z) == pytest.approx(special.ndtr(-z), rel=1e-12)


def test_the_normal_tails_of_an_array_are_scipys() -> None:
    z = np.linspace(-10, 10, 7)
    assert normal_tails(z) == pytest.approx(special.ndtr(-z), rel=1e-12)


@given(st.lists(st.integers(0, 10**9), min_size=1))
def test_log_factorials_are_scipys(n: list[int]) -> None:
    numbers = np.array(n, np.float64)
    assert log_factorial(numbers) == pytest.approx(special.gammaln(numbers + 1), rel=1e-13)


@given(st.integers(1, 1_500), st.floats(0, 5_000))
def test_the_chi_squared_tail_is_scipys(degrees: int, statistic: float) -> None:
    assert chi_squared_tail(degrees, statistic) == pytest.approx(
        special.chdtrc(degrees, statistic), rel=1e-9, abs=1e-300
    )


def test_windows_of_independent_rows_are_compared_without_importing_scipy() -> None:
    compare = (
        "import sys; from benchmarks.false_alarm_tables import mixed; "
        "from modelwatch_analyzer.calibrated.row_sample import RowSample, SampledRows; "
        "from modelwatch_analyzer.calibrated.cells import freeze; "
        "from modelwatch_analyzer.calibrated.tables import Compared, compare; "
        "table = mixed(); kinds = {name: dtype.is_numeric() for name, dtype in table.schema.items()}; "
        "before, now, kept, window = SampledRows(), SampledRows(), RowSample(15), RowSample(15); "
        "kept.update(table[:2000]); window.update(table[2000:3000]); before.add(kept); now.add(window); "
        "compare(freeze(before, kinds), now, {name: Compared(name, kind) for name, kind in kinds.items()}); "
        "print('scipy' in sys.modules)"
    )
    printed = subprocess.run([sys.executable, "-c", compare], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "False"
