"""When a schedule's alerts change state, how serious they are, and when people hear of it: what a user sets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Self

from pydantic import Field, model_validator

from modelwatch_core.domain.constraint_violations import Breach
from modelwatch_core.domain.documents import NonEmpty, Owned


class AlertName(StrEnum):
    """The alerts that every schedule has, each with a state of its own."""

    VIOLATIONS = "violations"
    FAILED_EXECUTIONS = "failed-executions"
    NO_DATA = "no-data"
    NOT_FIRED = "not-fired"


class AlertStatus(StrEnum):
    """SageMaker's states of an alert."""

    OK = "OK"
    IN_ALERT = "InAlert"


class Severity(StrEnum):
    """How serious an alert is."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Its place among the severities; the most serious one is the last."""
        return list(Severity).index(self)


class AlertThreshold(Owned):
    """How many of the last executions must be bad, with SageMaker's names.

    Attributes
    ----------
    datapoints_to_alert, evaluation_period : int
        The alert is on while at least so many of so many of the latest executions are bad. They need not be there yet:
        two bad executions raise an alert of 2 of 3.
    """

    datapoints_to_alert: int = Field(default=1, ge=1, le=100)
    evaluation_period: int = Field(default=1, ge=1, le=100)

    @model_validator(mode="after")
    def _can_be_met(self) -> Self:
        if self.datapoints_to_alert > self.evaluation_period:
            raise ValueError(
                f"datapoints_to_alert {self.datapoints_to_alert} is more than evaluation_period"
                f" {self.evaluation_period}: the alert could never be on; give at most {self.evaluation_period}"
            )
        return self

    def is_met(self, datapoints: Sequence[bool]) -> bool:
        """Return whether enough of the latest executions are bad; the newest is the first."""
        return sum(datapoints[: self.evaluation_period]) >= self.datapoints_to_alert


class SeverityRule(Owned):
    """What makes an alert info, warning or critical: all that is given must hold.

    Attributes
    ----------
    alerts : tuple of AlertName
        Which alerts it is for.
    checks : tuple of str
        Which violations it is for, by their ``constraint_check_type``.
    features, metrics : tuple of str
        Which violations it is for, by the name of their feature or metric, with ``*`` and ``?``.
    excess_at_least : float, optional
        How many times its threshold a violation must be: 2 is twice the most, or half the least, that is allowed.
    """

    severity: Severity
    alerts: tuple[AlertName, ...] = ()
    checks: tuple[NonEmpty, ...] = ()
    features: tuple[NonEmpty, ...] = ()
    metrics: tuple[NonEmpty, ...] = ()
    excess_at_least: float | None = Field(default=None, ge=1, allow_inf_nan=False)

    @model_validator(mode="after")
    def _can_hold(self) -> Self:
        if self._is_of_violations and self.alerts and AlertName.VIOLATIONS not in self.alerts:
            raise ValueError(
                f"it has conditions on violations, but {', '.join(self.alerts)} have none, so it never applies; leave"
                f" out checks, features, metrics and excess_at_least, or add {AlertName.VIOLATIONS}"
            )
        return self

    @property
    def _is_of_violations(self) -> bool:
        return bool(self.checks or self.features or self.metrics or self.excess_at_least)

    def applies(self, alert: AlertName, breach: Breach | None) -> bool:
        """Return whether it applies to an alert, and one of its violations."""
        if self.alerts and alert not in self.alerts:
            return False
        if not self._is_of_violations:
            return True
        return breach is not None and self._is_met(breach)

    def _is_met(self, breach: Breach) -> bool:
        named = ((self.features, breach.feature), (self.metrics, breach.metric))
        return (
            (not self.checks or breach.check in self.checks)
            and all(_is_named(patterns, name) for patterns, name in named if patterns)
            and (self.excess_at_least is None or breach.excess >= self.excess_at_least)
        )

    def covers(self, other: SeverityRule) -> bool:
        """Return whether it applies wherever another rule does, as far as their words say."""
        pairs = (
            (self.alerts, other.alerts),
            (self.checks, other.checks),
            (self.features, other.features),
            (self.metrics, other.metrics),
        )
        within = all(not mine or (theirs and set(theirs) <= set(mine)) for mine, theirs in pairs)
        least = self.excess_at_least
        return within and (least is None or (other.excess_at_least or 1) >= least)


def matches(pattern: str, name: str) -> bool:
    """Return whether a name fits a pattern, in which ``*`` and ``?`` stand for others; brackets are brackets."""
    return fnmatchcase(name, pattern.replace("[", "[[]"))


def _is_named(patterns: Iterable[str], name: str | None) -> bool:
    return name is not None and any(matches(pattern, name) for pattern in patterns)


class Alerting(Owned):
    """When people hear of a schedule.

    Attributes
    ----------
    violations, failed_executions, no_data : AlertThreshold
        When the alert about violations, failing executions and windows without data is on. An execution that is none
        of an alert's business leaves it as it is: a failure is no recovery from drift.
    not_fired_after_hours : int, optional
        How long after it was due a schedule that has not fired is an alert; null for never.
    remind_after_hours : int, optional
        How often a message comes while an alert lasts: 0 for each bad execution, null for only when it becomes more
        serious.
    notify_recovery : bool
        Whether a message says that an alert is over.
    severity_rules : tuple of SeverityRule
        The first one that applies decides; an alert to which none applies is a warning.
    """

    violations: AlertThreshold = AlertThreshold()
    failed_executions: AlertThreshold = AlertThreshold()
    no_data: AlertThreshold = AlertThreshold()
    not_fired_after_hours: int | None = Field(default=3, ge=1, le=24 * 31)
    remind_after_hours: int | None = Field(default=24, ge=0, le=24 * 31)
    notify_recovery: bool = True
    severity_rules: tuple[SeverityRule, ...] = Field(default=(), max_length=50)

    @model_validator(mode="after")
    def _each_rule_can_decide(self) -> Self:
        for place, rule in enumerate(self.severity_rules):
            for earlier, other in enumerate(self.severity_rules[:place]):
                if other.covers(rule):
                    contradiction = " and contradicts it" if other.severity is not rule.severity else ""
                    raise ValueError(
                        f"severity_rules[{place}] never decides{contradiction}: severity_rules[{earlier}] applies"
                        " wherever it does, and the first that applies decides; remove it, or put it first"
                    )
        return self

    def threshold(self, alert: AlertName) -> AlertThreshold:
        """Return when an alert is on."""
        if alert is AlertName.NOT_FIRED:
            return AlertThreshold()
        found: AlertThreshold = getattr(self, alert.replace("-", "_"))
        return found

    @property
    def executions_looked_at(self) -> int:
        """How many of the latest executions mostly decide all alerts: some of them say nothing about one."""
        return 2 * max(self.threshold(alert).evaluation_period for alert in AlertName) + 8

    def with_threshold(self, alert: AlertName, threshold: AlertThreshold) -> Alerting:
        """Return the same with another threshold of an alert."""
        return self.model_copy(update={alert.replace("-", "_"): threshold})

    def severity(self, alert: AlertName, breach: Breach | None = None) -> Severity:
        """Return how serious an alert is, or a violation by what it broke."""
        rules = (rule.severity for rule in self.severity_rules if rule.applies(alert, breach))
        return next(rules, Severity.WARNING)

    def badness(self, breach: Breach) -> tuple[int, float]:
        """Return by what violations are sorted: by severity, then by how many times their threshold they are."""
        return self.severity(AlertName.VIOLATIONS, breach).rank, breach.excess
