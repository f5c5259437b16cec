"""The Calibrated comparison of data quality: what a baseline keeps for it, and its verdict on each feature."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import polars as pl

from modelwatch_analyzer.calibrated.category_tests import DOMAIN_CHECK
from modelwatch_analyzer.calibrated.cells import ColumnCounts, counts_of
from modelwatch_analyzer.calibrated.columns import COMPLETENESS_CHECK, SIGN_CHECK, TYPE_CHECK, evidence_of, ranks_of
from modelwatch_analyzer.calibrated.dependence import Blocks, EqualRows, blocks_of, repetition
from modelwatch_analyzer.calibrated.evidence import MINIMUM_EFFECT, MINIMUM_SHARE, Evidence
from modelwatch_analyzer.calibrated.family import ColumnEvidence, Verdict, by_blocks, verdicts_of
from modelwatch_analyzer.calibrated.row_sample import SampledRows
from modelwatch_analyzer.data_quality.alignment import Alignment
from modelwatch_analyzer.data_quality.baseline import is_domain
from modelwatch_analyzer.data_quality.documents import Constraints, FeatureConstraints, Statistics
from modelwatch_analyzer.data_quality.monitoring_config import EffectiveConfig
from modelwatch_analyzer.distances.calibrated import CALIBRATED, CalibratedDrift
from modelwatch_analyzer.distances.drift import DRIFT_CHECK, Drift
from modelwatch_analyzer.distances.methods import measure_of_categories, measure_of_numbers
from modelwatch_analyzer.feature_statistics import FeatureStatistics
from modelwatch_analyzer.thresholds import equal
from modelwatch_analyzer.undefined import Undefined

MONTH = timedelta(days=30)


def level_of(config: EffectiveConfig, schedule: str | None, start: datetime | None, end: datetime | None) -> float:
    """Return the chance of a false alarm that a window may have.

    A schedule's windows share the rate of a month: by the union bound, which holds however they depend on each other
    and on the baseline.
    """
    if schedule is None or start is None or end is None:
        return config.false_alarm_rate
    return config.monthly_false_alarm_rate * min(1.0, (end - start) / MONTH)


def with_calibration(statistics: Statistics, rows: SampledRows) -> Statistics:
    """Return the statistics of a baseline with what windows will be compared with.

    Parameters
    ----------
    rows : SampledRows
        Of the baseline; its columns are called as the features are.
    """
    sampled = rows.columns()
    counts = {
        feature.name: counts_of(sampled[feature.name], numeric=feature.inferred_type.is_numeric)
        for feature in statistics.features
    }
    ranks = {
        feature.name: ranks_of(counts[feature.name], sampled[feature.name], numeric=feature.inferred_type.is_numeric)
        for feature in statistics.features
    }
    blocks = blocks_of({name: each for name, each in ranks.items() if each is not None})
    features = tuple(
        feature.model_copy(
            update={
                "calibration": counts[feature.name].model_copy(
                    update={"repeated": blocks.effects.get(feature.name, 1.0)}
                )
            }
        )
        for feature in statistics.features
    )
    dataset = statistics.dataset.model_copy(update={"equal_rows": EqualRows.of(rows.parts)})
    return statistics.model_copy(update={"features": features, "dataset": dataset})


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
            (each for each in compared if each.test in ("Kolmogorov-Smirnov", "composition")), None
        )
        if self.verdict.untold or shown is None:
            reason = self.verdict.untold or "there is no value that could be compared"
            return CalibratedDrift(Undefined(reason), None, CALIBRATED, self.verdict)
        return CalibratedDrift(shown.effect.estimate, self.verdict.minimums[shown.minimum], CALIBRATED, self.verdict)


def is_calibrated(feature: FeatureConstraints, config: EffectiveConfig) -> bool:
    """Return whether a feature is compared by the Calibrated comparison."""
    if feature.inferred_type.is_numeric:
        return measure_of_numbers(config.comparison_method) is CALIBRATED
    return measure_of_categories(config.categorical_drift_method, config.comparison_method) is CALIBRATED


def judge(
    constraints: Constraints,
    configs: Mapping[str, EffectiveConfig],
    alignment: Alignment,
    baseline: Statistics,
    rows: SampledRows,
    level: float,
) -> dict[str, Judged]:
    """Judge all features that are compared by the Calibrated comparison, and whose baseline has counts for it.

    Parameters
    ----------
    configs : mapping of str to EffectiveConfig
        By feature.
    level : float
        See `level_of`.
    """
    named, sampled = baseline.named(), rows.columns()
    compared = {
        feature.name: _Compared(feature, configs[feature.name], before, before.calibration)
        for feature in constraints.features
        if feature.name in alignment.features
        and (before := named.get(feature.name)) is not None
        and before.calibration is not None
        and before.inferred_type.is_numeric == feature.inferred_type.is_numeric
        and configs[feature.name].evaluate_constraints
        and is_calibrated(feature, configs[feature.name])
    }
    columns = {name: sampled[alignment.features[name]] for name in compared}
    ranks = {name: ranks_of(each.counts, columns[name], numeric=each.numeric) for name, each in compared.items()}
    blocks = blocks_of({name: each for name, each in ranks.items() if each is not None})
    copies = _copies(baseline, alignment, rows)
    evidence = {}
    for name, each in compared.items():
        repeated = max(copies, blocks.effects.get(name, 1.0))
        found = evidence_of(each.counts, columns[name], numeric=each.numeric, integral=each.integral, repeated=repeated)
        evidence[name] = each.evidence(
            by_blocks(found, blocks, repeated), rows.rows, repeated, _remark(copies, blocks, repeated)
        )
    verdicts = verdicts_of(evidence, level)
    return {name: Judged(verdict, compared[name].checks) for name, verdict in verdicts.items()}


@dataclass(frozen=True, slots=True)
class _Compared:
    feature: FeatureConstraints
    config: EffectiveConfig
    before: FeatureStatistics
    counts: ColumnCounts

    @property
    def numeric(self) -> bool:
        return self.feature.inferred_type.is_numeric

    @property
    def integral(self) -> bool:
        return self.feature.inferred_type == "Integral"

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
        if self.numeric and self.config.datatype_check_threshold == 1.0:
            yield TYPE_CHECK
        numbers = self.counts.numbers
        signs = feature.num_constraints
        if signs is not None and signs.is_non_negative and numbers is not None and not numbers.negative:
            yield SIGN_CHECK
        domain = feature.string_constraints.domains if feature.string_constraints else None
        if domain and self.config.domain_content_threshold == 1.0 and {*domain} == {*before.categories}:
            yield DOMAIN_CHECK

    def evidence(self, found: Iterator[Evidence], rows: int, repeated: float, remark: str) -> ColumnEvidence:
        counts = self.counts
        return ColumnEvidence(
            evidence=tuple(each for each in map(self._assigned, found) if each.check in self.checks),
            rows_before=counts.present / counts.repeated,
            rows_now=rows / repeated,
            minimums={MINIMUM_EFFECT: self.config.minimum_effect, MINIMUM_SHARE: self.config.minimum_share},
            remark=remark,
        )

    def _assigned(self, evidence: Evidence) -> Evidence:
        """Take new categories for drift where the baseline suggests no domain."""
        if evidence.check == DOMAIN_CHECK and DOMAIN_CHECK not in self.checks and not is_domain(self.before.categories):
            return replace(evidence, check=DRIFT_CHECK)
        return evidence


def _copies(baseline: Statistics, alignment: Alignment, rows: SampledRows) -> float:
    """Return the design effect of equal rows; 1 where a window has not all columns of the baseline."""
    names = [alignment.features.get(feature.name) for feature in baseline.features]
    before = baseline.dataset.equal_rows
    if before is None or None in names:
        return 1.0
    parts: list[pl.DataFrame] = [part.select(pl.col([name for name in names if name])) for part in rows.parts]
    return repetition(before, EqualRows.of(parts), rows.rows)


def _remark(copies: float, blocks: Blocks, repeated: float) -> str:
    if repeated <= 1:
        return ""
    cause = (
        "rows are there more than once" if copies >= repeated else f"rows are alike in runs of about {blocks.length}"
    )
    return f"The rows count as {repeated:.3g} times fewer, because {cause}."


def calibrated_drift(judged: Judged | None, measured: Drift | None, before: FeatureStatistics | None) -> Drift | None:
    """Return the drift of a feature that is compared by the Calibrated comparison."""
    if judged is not None:
        return judged.drift()
    if measured is None:
        return None
    if before is None:
        reason = "the baseline statistics lack it"
    elif before.calibration is None:
        reason = (
            "the baseline statistics hold no counts for the Calibrated comparison; make the baseline again, or choose "
            "another comparison_method"
        )
    else:
        reason = "its type in the constraints is not that of the baseline statistics"
    return Drift(Undefined(reason), None, CALIBRATED)
