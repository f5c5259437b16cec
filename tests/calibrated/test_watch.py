"""What windows tell together."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from modelwatch_analyzer.calibrated.cells import ColumnCounts, counts_of
from modelwatch_analyzer.calibrated.evidence import MINIMUM_EFFECT, MINIMUM_SHARE
from modelwatch_analyzer.calibrated.row_sample import SampledColumn
from modelwatch_analyzer.calibrated.watch import Watch, WatchedSample, advance

MINIMUMS = {MINIMUM_EFFECT: 0.02, MINIMUM_SHARE: 0.01}


def sampled(values: object) -> SampledColumn:
    return SampledColumn((pl.Series(values),))


def sample(before: ColumnCounts, values: object, *, numeric: bool = True) -> WatchedSample:
    column = sampled(values)
    return WatchedSample(before, column, numeric, len(column.parts[0]), MINIMUMS)


def stored(watch: Watch) -> Watch:
    return Watch.model_validate_json(watch.model_dump_json())


def test_a_lasting_small_shift_is_found_by_windows_that_see_nothing_alone() -> None:
    generator = np.random.default_rng(31)
    before = counts_of(sampled(generator.normal(size=5_000)), numeric=True)
    watch, found = Watch(baseline=0), {}
    for look in range(160):
        shift = 0.1 if look >= 100 else 0.0
        watch, found = advance(stored(watch), {"x": sample(before, generator.normal(shift, 1, 300))}, 0.05, 720)
        if found["x"]:
            break
    assert 100 < look < 125
    assert found["x"][0].test.startswith("change detector over the last ")
    assert 0.02 <= found["x"][0].effect.lower < found["x"][0].effect.estimate < 0.08


def test_a_change_that_lasts_is_found_again_and_its_end_is_no_alarm() -> None:
    generator = np.random.default_rng(32)
    before = counts_of(sampled(generator.normal(size=5_000)), numeric=True)
    watch, alarms = Watch(baseline=0), []
    for look in range(70):
        shift = 0.8 if 12 <= look < 24 else 0.0
        watch, found = advance(watch, {"x": sample(before, generator.normal(shift, 1, 300))}, 0.05, 720)
        alarms += [look] if found["x"] else []
    assert alarms == [*range(12, 24)]


@pytest.mark.slow
def test_months_without_a_change_are_left_alone() -> None:
    generator = np.random.default_rng(33)
    flagged = 0
    for _ in range(20):
        before = {str(i): counts_of(sampled(generator.gamma(1 + i, size=2_000)), numeric=True) for i in range(3)}
        watch = Watch(baseline=0)
        alarm = False
        for _ in range(240):  # with the rate of a month of as many
            samples = {name: sample(each, generator.gamma(1 + int(name), size=200)) for name, each in before.items()}
            watch, found = advance(watch, samples, 0.05, 240)
            alarm |= any(found.values())
        flagged += alarm
    # 1 is promised: 5 or more have a chance of 0.3 %, and of 76 % at six times as many, by binom.sf of SciPy 1.18.
    assert flagged <= 4


@pytest.mark.parametrize(("rare", "alarms"), [(3, 0), (5, 1)])
def test_the_detector_takes_no_rare_value_of_a_few_rows_for_a_change(rare: int, alarms: int) -> None:
    before = counts_of(sampled([0.0] * 1_900 + [1.0] * 100), numeric=True)
    # Of 720 windows of five rows 0.8 have three rare values or more, and 0.0002 have five.
    window = sample(before, [1.0] * rare + [0.0] * (5 - rare))
    assert len(advance(Watch(baseline=0), {"x": window}, 0.05, 720)[1]["x"]) == alarms


def test_rising_missing_values_are_found_by_a_block() -> None:
    generator = np.random.default_rng(34)
    before = counts_of(sampled([None if gap else 1.5 for gap in generator.random(5_000) < 0.02]), numeric=True)
    watch, evidence = Watch(baseline=0), []
    for _ in range(24):
        values = [None if gap else 1.5 for gap in generator.random(200) < 0.05]
        watch, found = advance(watch, {"x": sample(before, values)}, 0.05, 720)
        evidence += found["x"]
    assert {each.check for each in evidence} == {"completeness_check"}


def test_categories_that_change_slowly_are_found_and_a_window_without_a_column_keeps_its_state() -> None:
    generator = np.random.default_rng(35)
    names = np.array(["a", "b", "c", "d"])
    before = counts_of(sampled(generator.choice(names, 5_000)), numeric=False)
    watch, evidence = Watch(baseline=0), []
    for _ in range(24):
        values = generator.choice(names, 300, p=[0.31, 0.25, 0.25, 0.19])
        watch, found = advance(watch, {"x": sample(before, values, numeric=False)}, 0.05, 720)
        evidence += found["x"]
    assert evidence
    assert advance(watch, {}, 0.05, 720)[0].columns == watch.columns
