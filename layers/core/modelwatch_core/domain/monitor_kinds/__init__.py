"""The kinds of monitor. A new one is one file with a ``MonitorKind``, and one line in ``KINDS``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator

from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.monitor_kinds.bias import BIAS
from modelwatch_core.domain.monitor_kinds.custom import CUSTOM
from modelwatch_core.domain.monitor_kinds.data_quality import DATA_QUALITY
from modelwatch_core.domain.monitor_kinds.explainability import EXPLAINABILITY
from modelwatch_core.domain.monitor_kinds.kind import MonitorKind, ProblemType
from modelwatch_core.domain.monitor_kinds.model_quality import MODEL_QUALITY

__all__ = [
    "BIAS",
    "CUSTOM",
    "DATA_QUALITY",
    "EXPLAINABILITY",
    "KINDS",
    "MODEL_QUALITY",
    "MonitorKind",
    "MonitoringType",
    "ProblemType",
    "kind_of_analysis",
    "monitor_kind",
    "refuse_unfit",
]

KINDS: dict[str, MonitorKind] = {
    kind.monitoring_type: kind
    for kind in (
        DATA_QUALITY,
        MODEL_QUALITY,
        BIAS,
        EXPLAINABILITY,
        CUSTOM,
    )
}
"""Every kind, by its monitoring type."""


def _known(name: str) -> str:
    if name not in KINDS:
        raise ValueError(f"is not one of {', '.join(KINDS)}")
    return name


MonitoringType = Annotated[str, AfterValidator(_known)]
"""The name of a kind of monitor in SageMaker's API: ``DataQuality``."""


def monitor_kind(monitoring_type: str) -> MonitorKind:
    """Return the kind of a monitoring type."""
    return KINDS[monitoring_type]


def kind_of_analysis(analysis_type: str) -> MonitorKind:
    """Return the kind of an analysis type, as a container's environment names it.

    Raises
    ------
    InvalidInput
        ``InvalidSettings``.
    """
    for kind in KINDS.values():
        if kind.analysis_type == analysis_type:
            return kind
    known = ", ".join(kind.analysis_type for kind in KINDS.values())
    raise InvalidInput("InvalidSettings", f"analysis_type: {analysis_type!r} is not one of {known}")


def refuse_unfit(monitoring_type: str, needed: frozenset[str], given: Mapping[str, object]) -> None:
    """Refuse a request that lacks a parameter that its kind needs, or has one that its kind does not know.

    Raises
    ------
    ValueError
        Naming the parameters; pydantic reports it.
    """
    kind = monitor_kind(monitoring_type)
    present = {name for name, value in given.items() if value is not None}
    if missing := sorted(needed - present):
        raise ValueError(f"{monitoring_type} needs {' and '.join(missing)}")
    of_some_kinds = {name for each in KINDS.values() for name in each.own_parameters}
    if unknown := sorted(present & of_some_kinds - kind.own_parameters):
        raise ValueError(f"{' and '.join(unknown)}: not for {monitoring_type}")
