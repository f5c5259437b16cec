"""Every event that we emit; the schemas in events/schemas are generated from these."""

from __future__ import annotations

from modelwatch_core.domain.alerts import AlertRaised, AlertsWaiting, ScheduleSilent
from modelwatch_core.domain.events import AnalysisEnded, Emitted, ExecutionEnded

EMITTED: tuple[type[Emitted], ...] = (AnalysisEnded, ExecutionEnded, AlertRaised, AlertsWaiting, ScheduleSilent)
