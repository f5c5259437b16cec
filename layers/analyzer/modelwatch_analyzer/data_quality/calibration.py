"""The Calibrated comparison of data quality: what it is of, and its verdict on each feature."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from modelwatch_analyzer.calibrated.category_tests import DOMAIN_CHECK
from modelwatch_analyzer.calibrated.cells import ColumnCounts, FrozenTable
from modelwatch_analyzer.calibrated.columns import COMPLETENESS_CHECK, SIGN_CHECK, TYPE_CHECK
from modelwatch_analyzer.calibrated.evidence import Evidence, Found
from modelwatch_analyzer.calibrated.family import ColumnEvidence, Verdict, verdicts_of
from modelwatch_analyzer.calibrated.row_sample import SampledRows
from modelwatch_analyzer.calibrated.seasonal_tests import WindowTimes
from modelwatch_analyzer.calibrated.seasonal_watch import SEASONAL_LOOKS_PART
from modelwatch_analyzer.calibrated.seasons import KNOWN_ROWS
from modelwatch_analyzer.calibrated.tables import Compared, compare
from modelwatch_analyzer.calibrated.watch import LOOKS_PART
from modelwatch_analyzer.data_quality.alignment import Alignment
from modelwatch_analyzer.data_quality.baseline import is_domain
from modelwatch_analyzer.data_quality.documents import Constraints, FeatureConstraints, Statistics
from modelwatch_analyzer.data_quality.monitoring_config import EffectiveConfig
from modelwatch_analyzer.distances.calibrated import CALIBRATED, CalibratedDrift
from modelwatch_analyzer.distances.drift import DRIFT_CHECK, Drift
from modelwatch_analyzer.feature_statistics import FeatureStatistics, InferredType
from modelwatch_analyzer.thresholds import equal
from modelwatch_analyzer.undefined import Undefined
from modelwatch_core.domain.monitor_kinds.data_quality import DataQualitySettings


def window_times(settings: DataQualitySettings, rows: SampledRows) -> WindowTimes | None:
    """Return when the rows of a window came, by the window of a schedule and the times of records; None if unknown."""
    hours = rows.hours()
    if hours is not None and (hours >= 0).mean() < KNOWN_ROWS:
        hours = None
    if settings.start_time is not None and settings.end_time is not None:
        start, end = (time.timestamp() / 3600 for time in (settings.start_time, settings.end_time))
        return WindowTimes.between(start, end, hours, rows.time_zone)
    return None if hours is None else WindowTimes.of_records(hours)


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict, and the checks of the feature that it decides; limits that a person has set are judged as written."""

    verdict: Verdict
    checks: frozenset[str]

    def drift(self) -> CalibratedDrift | None:
        """Return the drift for reports and metrics: of the test that found one, or else of the whole distribution."""
        compared = [each for each in self.verdict.evidence if each.check == DRIFT_CHECK]
        if DRIFT_CHECK not in self.checks:
            return None
        shown = self.verdict.flagged_by(DRIFT_CHECK) or next(
            (each for each in compared if each.test in ("Kolmogorov-Smirnov test", "composition test")), None
        )
        if self.verdict.undecided or shown is None:
            reason = self.verdict.undecided or "there is no value that could be compared"
            return CalibratedDrift(Undefined(reason), None, CALIBRATED, self.verdict)
        return CalibratedDrift(shown.effect.estimate, self.verdict.minimums[shown.minimum], CALIBRATED, self.verdict)


@dataclass(frozen=True)
class CalibratedComparison:
    """The Calibrated comparison of windows with a baseline.

    Attributes
    ----------
    configs : mapping of str to EffectiveConfig
        The settings of each feature.
    share : float, optional
        How much of a month a window of a schedule is; None for a check of its own.
    """

    constraints: Constraints
    configs: Mapping[str, EffectiveConfig]
    baseline: Statistics
    share: float | None

    def test(self, alignment: Alignment, rows: SampledRows, times: WindowTimes | None) -> dict[str, Found]:
        """Make the tests of all features that are compared by the Calibrated comparison, and have counts for it.

        Parameters
        ----------
        times : WindowTimes, optional
            See `window_times`.
        """
        named = self.baseline.named()
        compared: dict[str, Compared] = {}
        counts: dict[str, ColumnCounts] = {}
        for feature in self._judged_features():
            before, kind = named.get(feature.name), feature.inferred_type
            if before is None or before.calibration is None or feature.name not in alignment.features:
                continue
            if before.inferred_type.is_numeric == kind.is_numeric:
                column = alignment.features[feature.name]
                compared[feature.name] = Compared(column, kind.is_numeric, kind is InferredType.INTEGRAL)
                counts[feature.name] = before.calibration
        whole = len(compared) == len(self.baseline.features)
        equal_rows = self.baseline.dataset.equal_rows if whole else None
        return compare(FrozenTable(counts, equal_rows), rows, compared, times)

    def judge(self, found: Mapping[str, Found]) -> dict[str, Judged]:
        """Judge all features that evidence was found on, as one family."""
        named = self.baseline.named()
        judgements = {
            feature.name: _Judgement(feature, self.configs[feature.name], named[feature.name])
            for feature in self._judged_features()
            if feature.name in found and feature.name in named
        }
        evidence = {name: each.evidence(found[name]) for name, each in judgements.items()}
        verdicts = verdicts_of(evidence, self._level, self._promise)
        return {name: Judged(verdict, judgements[name].checks) for name, verdict in verdicts.items()}

    @property
    def monthly_rate(self) -> float:
        """The chance of a false alarm that a month of windows may have."""
        return self._general.monthly_false_alarm_rate

    @cached_property
    def _general(self) -> EffectiveConfig:
        return EffectiveConfig.of([self.constraints.monitoring_config])

    @property
    def _level(self) -> float:
        """The chance of a false alarm that a window may have.

        A schedule's windows share a part of the rate of a month, by the union bound, which holds however they depend
        on each other and on the baseline; what they show together has the rest.
        """
        if self.share is None:
            return self._general.false_alarm_rate
        return (
            (SEASONAL_LOOKS_PART if self.baseline.seasonal else LOOKS_PART) * self.monthly_rate * min(1.0, self.share)
        )

    @property
    def _promise(self) -> str | None:
        """How reports say the rate of a series of windows; None for a check of its own."""
        return None if self.share is None else f"{100 * self.monthly_rate:.3g} % of months"

    def _judged_features(self) -> Iterator[FeatureConstraints]:
        for feature in self.constraints.features:
            config = self.configs[feature.name]
            if config.evaluate_constraints and config.is_calibrated(feature.inferred_type):
                yield feature


@dataclass(frozen=True, slots=True)
class _Judgement:
    feature: FeatureConstraints
    config: EffectiveConfig
    before: FeatureStatistics

    @property
    def checks(self) -> frozenset[str]:
        """The checks whose limits are the baseline's own."""
        return frozenset(self._learnt())

    def _learnt(self) -> Iterator[str]:
        feature, before = self.feature, self.before
        if self.config.perform_comparison:
            yield DRIFT_CHECK
        if feature.completeness is not None and equal(feature.completeness, before.completeness or 0.0):
            yield COMPLETENESS_CHECK
        if feature.inferred_type.is_numeric and self.config.datatype_check_threshold == 1.0:
            yield TYPE_CHECK
        numbers = before.calibration.numbers if before.calibration else None
        signs = feature.num_constraints
        if signs is not None and signs.is_non_negative and numbers is not None and not numbers.negative:
            yield SIGN_CHECK
        domain = feature.string_constraints.domains if feature.string_constraints else None
        if domain and self.config.domain_content_threshold == 1.0 and {*domain} == {*before.categories}:
            yield DOMAIN_CHECK

    def evidence(self, found: Found) -> ColumnEvidence:
        return ColumnEvidence(
            evidence=tuple(each for each in map(self._assigned, found.evidence) if each.check in self.checks),
            rows_before=found.rows_before,
            rows_now=found.rows,
            minimums=self.config.minimums(numeric=self.feature.inferred_type.is_numeric),
            remark=found.remark,
        )

    def _assigned(self, evidence: Evidence) -> Evidence:
        """Take new categories for drift where the baseline suggests no domain."""
        if evidence.check == DOMAIN_CHECK and DOMAIN_CHECK not in self.checks and not is_domain(self.before.categories):
            return replace(evidence, check=DRIFT_CHECK)
        return evidence


def calibrated_drift(judged: Judged | None, measured: Drift | None, before: FeatureStatistics | None) -> Drift | None:
    """Return the drift of a feature that is compared by the Calibrated comparison."""
    if measured is None:
        return None
    if judged is not None:
        return judged.drift()
    if before is None:
        reason = "the baseline statistics lack it"
    elif before.calibration is None:
        reason = (
            "the baseline statistics hold no counts for the Calibrated comparison; make the baseline again, or choose "
            "another comparison_method"
        )
    else:
        reason = "its type in the constraints differs from that in the baseline statistics"
    return Drift(Undefined(reason), None, CALIBRATED)
