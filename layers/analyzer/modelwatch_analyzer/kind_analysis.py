"""The contract between the analyzer and the analysis of one kind of monitor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Generic, TypeVar

from modelwatch_analyzer.findings import Findings
from modelwatch_analyzer.host import Host
from modelwatch_analyzer.replay import ReplayWindow
from modelwatch_core.domain.analysis_settings import AnalysisSettings
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.monitor_kinds import MonitorKind

Settings = TypeVar("Settings", bound=AnalysisSettings)


def _nothing(_: Path) -> Sequence[Sequence[str]]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KindAnalysis(Generic[Settings]):
    """The analysis of one kind of monitor.

    The module that ``MonitorKind.analysis`` names exports one as ``ANALYSIS``. Everything else is the same for all
    kinds and done by ``modelwatch_analyzer.analysis``: writing files, the frame of the report, the metric lines, the
    summary, and comparing violations with those of the previous attempt.

    Attributes
    ----------
    run : callable
        Analyses the dataset that the settings name; writes no file of a report.
    learnt : callable
        Gets the folder of a baseline; returns a short table of what it learnt for people, its header first.
    changes_since : callable
        Yields a sentence for each difference between the reports in the folder of the previous attempt and the
        findings. Violations are compared elsewhere.
    replay : callable, optional
        Gets the settings of a schedule, changed constraints and, if there are any, the statistics of the baseline.
        None for a kind whose windows cannot be checked again without their rows.
    """

    run: Callable[[Settings, Host], Findings]
    changes_since: Callable[[Path, Findings], Iterable[str]]
    learnt: Callable[[Path], Sequence[Sequence[str]]] = _nothing
    replay: Callable[[Settings, Path, Path | None], ReplayWindow] | None = None


def analysis_of(kind: MonitorKind) -> KindAnalysis[Any]:
    """Return the analysis of a kind; only the kind that is analysed is imported.

    Raises
    ------
    InvalidInput
        ``NoAnalysisOfKind`` for a kind that the user's own container analyses.
    """
    if kind.analysis is None:
        message = f"Modelwatch has no analysis of {kind.title.lower()} monitors ({kind.analysis_type}): run the"
        message += " container image that has it, or set analysis_type to a kind with an analysis"
        raise InvalidInput("NoAnalysisOfKind", message)
    analysis = import_module(kind.analysis).ANALYSIS
    if not isinstance(analysis, KindAnalysis):
        raise TypeError(f"{kind.analysis}.ANALYSIS is not a KindAnalysis")
    return analysis
