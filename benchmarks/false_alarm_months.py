"""Months of a schedule: all looks against one baseline, with the state that each leaves for the next."""

from __future__ import annotations

import polars as pl

from benchmarks.false_alarm_detectors import MINIMUMS, expected, flagged, frozen, sampled
from modelwatch_analyzer.calibrated.tables import compare
from modelwatch_analyzer.calibrated.watch import LOOKS_PART, Watch, WatchedSample, advance

LOOKS, _RATE = 720, 0.05


class Schedule:
    """Looks at windows against one baseline, by the promise of 5 % of months."""

    def __init__(self, baseline: pl.DataFrame) -> None:
        self._frozen, self._columns = frozen(baseline), expected(baseline)
        self._watch = Watch(baseline=0)

    def alarms(self, window: pl.DataFrame) -> bool:
        """Take in the next window, and return whether any column is flagged."""
        rows = sampled(window)
        found, values = compare(self._frozen, rows, self._columns), rows.columns()
        samples = {
            name: WatchedSample(self._frozen.columns[name], values[name], each.numeric, found[name].rows, MINIMUMS)
            for name, each in self._columns.items()
        }
        self._watch, together = advance(self._watch, samples, _RATE, LOOKS)
        return bool(flagged(found, LOOKS_PART * _RATE / LOOKS)) or any(together.values())
