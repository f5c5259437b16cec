"""The comparison with a promised rate of false alarms, as files name it: see ``modelwatch_analyzer.calibrated``."""

from __future__ import annotations

from dataclasses import dataclass

from modelwatch_analyzer.calibrated.family import Verdict
from modelwatch_analyzer.distances.drift import DRIFT_CHECK, Drift
from modelwatch_analyzer.distances.measure import DriftMeasure

CALIBRATED = DriftMeasure(
    name="Calibrated",
    title="Calibrated comparison",
    quantity="share of rows",
    threshold="the least share of the rows whose change matters",
    source="docs/methods/calibrated.md",
)
"""Compares rows, not sketches, and all columns together: it has no statistic of one pair of distributions."""


@dataclass(frozen=True, slots=True)
class CalibratedDrift(Drift):
    """A drift that is one when the family of all columns says so.

    Attributes
    ----------
    verdict : Verdict
    """

    verdict: Verdict

    @property
    def violation(self) -> str | None:
        """The description of the violation; None if this is none."""
        return self.verdict.violation(DRIFT_CHECK)
