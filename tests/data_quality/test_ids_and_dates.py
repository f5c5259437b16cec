"""Columns whose later values are never those of the baseline are named when it is made."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pytest

from tests.data_quality.conftest import Workbench

_RANDOM = random.Random(5)
_FIRST = date(2025, 1, 1)
_DAYS = [f"2025-{month:02}-{day:02}" for month in (1, 2) for day in range(1, 29)]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([str(1000 + i) for i in range(300)], "ids are: 'a'"),
        ([str(5000 - i - i // 3) for i in range(300)], "ids are: 'a'"),
        ([str(i) for i in range(99)], ""),
        ([str(1000 + i % 299) for i in range(300)], ""),
        ([str(1000 + 2 * i) for i in range(300)], ""),
        ([f"{1000 + i}.5" for i in range(300)], ""),
        ([str(_RANDOM.randrange(20_000, 90_000)) for _ in range(300)], ""),
        ([_DAYS[i % len(_DAYS)] for i in range(300)], "dates as categories: 'a'"),
        ([f"{_DAYS[i % len(_DAYS)]}T07:00:00Z" for i in range(300)], "dates as categories: 'a'"),
        ([f"{1 + i % 28}.02.2025" for i in range(300)], "dates as categories: 'a'"),
        ([("2025-01-01", "never")[i % 2] for i in range(300)], ""),
        (["2025-01"] * 300, ""),
        ([f"{1 + i % 28:02}-Feb-2025" for i in range(300)], "dates as categories: 'a'"),
        ([str(_FIRST + timedelta(days=i % 150)) for i in range(300)], "dates as categories: 'a'"),
        ([str(_FIRST + timedelta(days=i % 1_100)) for i in range(3_300)], "dates as categories: 'a'"),
        ([str(_FIRST + timedelta(days=i)) for i in range(300)], ""),  # the new date in each row is no change
        ([f"{_FIRST + timedelta(days=i % 200):%Y%m%d}" for i in range(300)], "numbers, yyyymmdd: 'a'"),
        ([f"{_FIRST + timedelta(days=i % 90):%Y%m%d%H%M%S}" for i in range(300)], "numbers, yyyymmdd: 'a'"),
        ([str(20_250_101 + i % 50) for i in range(300)], ""),
        ([str(1_740_790_000 + 977 * i) for i in range(300)], "may be times, counted from 1970: 'a'"),
        ([str(1_740_790_000_123 + 977_000 * i) for i in range(300)], "may be times, counted from 1970: 'a'"),
        ([f"{1_740_790_000 + 977 * i}.25" for i in range(300)], "may be times, counted from 1970: 'a'"),
        ([str(_RANDOM.randrange(2_010_000_000, 9_990_000_000)) for _ in range(300)], ""),
        ([str(_RANDOM.randrange(1_000_000_000, 2_000_000_000)) for _ in range(300)], ""),
    ],
)
def test_ids_and_dates_of_a_baseline_are_named(workbench: Workbench, values: list[str], said: str) -> None:
    rows = "".join(f"{value},{i % 7}\n" for i, value in enumerate(values))
    summary = workbench.baseline(f"a,b\n{rows}", comparison_method="Calibrated")
    found = [warning for warning in summary.warnings if "--exclude-features-attribute" in warning]
    assert [said in warning for warning in found] == [True] * bool(said)


def test_days_as_names_of_columns_are_names(workbench: Workbench) -> None:
    rows = "".join(f"{i},{i * 7 % 5},{i * 3 % 11}\n" for i in range(20))
    summary = workbench.baseline(f"2026-01-31,01.02.2026,Feb 2 2026\n{rows}")
    assert not any("looks like data" in warning for warning in summary.warnings)
