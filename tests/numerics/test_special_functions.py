"""Tails and log-factorials, against scipy.special."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from modelwatch_analyzer.special_functions import (
    chi_squared_tail,
    log_factorial,
    normal_tail,
    normal_tails,
    student_quantile,
    student_tail,
)


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


DEGREES = st.floats(0.5, 1e6)


@given(DEGREES, st.floats(0.01, 40))
def test_students_tail_is_scipys(degrees: float, t: float) -> None:
    assert student_tail(degrees, t) == pytest.approx(special.stdtr(degrees, -t), rel=1e-9, abs=1e-300)
    assert student_tail(degrees, -t) == 1 - student_tail(degrees, t)


@given(st.floats(0, 1e200))
def test_students_tail_of_one_and_two_degrees_is_that_in_closed_form(t: float) -> None:
    # Cauchy's law, and that of Abramowitz and Stegun (1964), 26.7.4, without its difference of nearly equal numbers.
    assert student_tail(1, t) == pytest.approx(math.atan2(1, t) / math.pi, rel=1e-12)
    hypotenuse = math.hypot(t, math.sqrt(2))
    assert student_tail(2, t) == pytest.approx(1 / (hypotenuse + t) / hypotenuse, rel=1e-12, abs=1e-300)


def test_students_tail_ends_at_infinity() -> None:
    assert [student_tail(7, t) for t in (-math.inf, 0.0, math.inf)] == [1.0, 0.5, 0.0]


def test_hardly_any_degrees_of_freedom_make_nothing_certain() -> None:
    assert [student_tail(0, t) for t in (-9.0, 1.0, 1e300)] == [0.5, 0.5, 0.5]
    assert student_tail(1e-7, 100.0) == pytest.approx(special.stdtr(1e-7, -100.0), rel=1e-9)
    assert student_quantile(1e-4, 0.025) == math.inf


@given(DEGREES, st.floats(1e-9, 0.5))
def test_students_quantile_is_exceeded_with_its_chance_and_is_scipys(degrees: float, tail: float) -> None:
    quantile = student_quantile(degrees, tail)
    assert student_tail(degrees, quantile) == pytest.approx(tail, rel=1e-9)
    assert quantile == pytest.approx(-special.stdtrit(degrees, tail), rel=1e-7, abs=1e-12)


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


def test_bias_and_model_quality_are_checked_without_importing_scipy(tmp_path: Path) -> None:
    rows = [f"{i % 2},{i % 3 // 2},{i % 5 // 2}" for i in range(400)]
    (tmp_path / "data.csv").write_text("\n".join(["label,prediction,sex", *rows]))
    facet = {"name_or_index": "sex", "value_or_threshold": [1]}
    config = {"label": "label", "label_values_or_threshold": [1], "facet": [facet]}
    (tmp_path / "config.json").write_text(json.dumps(config | {"methods": {"post_training_bias": {"methods": "all"}}}))
    check = (
        "import sys; from modelwatch.cli.commands import app; from typer.testing import CliRunner; "
        "data = '--data data.csv --dataset-format csv --inference-attribute prediction '; "
        "kinds = ('bias --analysis-config config.json', "
        "'model-quality --ground-truth-attribute label --problem-type BinaryClassification'); "
        "run = lambda each: CliRunner().invoke(app, each.split()).exit_code; "
        "made = [run(f'baseline {kind} {data} --output {i}') for i, kind in enumerate(kinds)]; "
        "known = '--constraints {0}/constraints.json --output {0}/check'; "
        "print(*made, *[run(f'check {kind} {data}' + known.format(i)) for i, kind in enumerate(kinds)]); "
        "print('scipy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", check], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0", "0", "0", "0", "False"]
