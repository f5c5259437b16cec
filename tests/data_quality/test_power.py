"""What windows of a size can find."""

from __future__ import annotations

import numpy as np
import pytest

from modelwatch_analyzer.data_quality.documents import Statistics
from modelwatch_analyzer.data_quality.power import least_changes
from modelwatch_core.domain.errors import InvalidInput
from tests.data_quality.conftest import Workbench, found, table


def data(generator: np.random.Generator, rows: int, shift: float = 0.0, missing: float = 0.02) -> str:
    gaps = generator.random(rows) < missing
    y = np.where(gaps, None, generator.integers(0, 50, rows)).tolist()
    return table({"x": generator.normal(shift, 1, rows).tolist(), "y": y})


def test_what_is_named_as_least_is_found_in_most_windows_and_half_of_it_in_few(workbench: Workbench) -> None:
    generator = np.random.default_rng(21)
    workbench.baseline(data(generator, 5_000), comparison_method="Calibrated")
    statistics = Statistics.read(workbench.folder / "baseline/statistics.json")
    x, y = least_changes(statistics, 500, 0.01)
    assert x.deviations is not None

    def number(shift: float, missing: float) -> tuple[int, int]:
        windows = [found(workbench.check(data(generator, 500, shift, missing))) for _ in range(20)]
        return sum(("x", "baseline_drift_check") in each for each in windows), sum(
            ("y", "completeness_check") in each for each in windows
        )

    shifted, lost = number(x.deviations, y.missing)
    # 16 of 20 are expected: fewer than 11 have a chance of 0.3 %.
    assert min(shifted, lost) >= 11
    assert max(number(x.deviations / 2, 0.02 + (y.missing - 0.02) / 2)) <= 9


def test_larger_windows_find_less_and_a_stricter_promise_costs(workbench: Workbench) -> None:
    workbench.baseline(data(np.random.default_rng(23), 1_000), comparison_method="Calibrated")
    statistics = Statistics.read(workbench.folder / "baseline/statistics.json")
    usual, large, strict = (
        next(least_changes(statistics, rows, level)) for rows, level in ((100, 0.01), (1_000, 0.01), (100, 1e-5))
    )
    for name in ("moved", "deviations", "missing"):
        assert getattr(large, name) < getattr(usual, name) < getattr(strict, name)


def test_a_baseline_without_counts_is_refused(workbench: Workbench) -> None:
    workbench.baseline(data(np.random.default_rng(22), 100))
    statistics = Statistics.read(workbench.folder / "baseline/statistics.json")
    with pytest.raises(InvalidInput, match="make the baseline again"):
        list(least_changes(statistics, 100, 0.01))
