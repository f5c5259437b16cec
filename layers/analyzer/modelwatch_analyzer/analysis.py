"""One analysis, whatever the kind of monitor and whatever the host: settings in, a folder of reports out."""

from __future__ import annotations

from modelwatch_analyzer.settings import AnalysisSettings
from modelwatch_core.domain.analysis import AnalysisSummary


def analyze(settings: AnalysisSettings) -> AnalysisSummary:
    """Run one analysis and write its reports into ``settings.output_path``.

    Without ``baseline_constraints`` the dataset becomes a baseline (``statistics.json``, ``constraints.json``);
    with them it is checked (``statistics.json``, ``constraint_violations.json``). Always written: ``report.html``,
    ``analysis_summary.json``, ``cloudwatch_metrics.jsonl`` where publishing is enabled, and the exit message file
    where the settings name one. Each file is written whole or not at all.

    Parameters
    ----------
    settings : AnalysisSettings
        What to do.

    Returns
    -------
    AnalysisSummary
        How it ended; also written as ``analysis_summary.json``.

    Raises
    ------
    InvalidInput
        What is wrong with the input and how to mend it; ``NoData`` where a window holds nothing.
    """
    raise NotImplementedError
