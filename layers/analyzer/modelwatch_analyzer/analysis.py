"""One analysis, whatever the kind of monitor and whatever the host: settings in, a folder of reports out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from modelwatch_analyzer import bias, data_quality, explainability, model_quality
from modelwatch_analyzer.findings import Findings
from modelwatch_analyzer.host import Host
from modelwatch_analyzer.output import to_json, write_csv, write_json, write_json_lines, write_text
from modelwatch_analyzer.scripts.process import postprocess
from modelwatch_core.domain.analysis import AnalysisSummary
from modelwatch_core.domain.analysis_settings import AnalysisSettings, Switch
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.outcome import OutcomeStatus

KINDS: Mapping[str, Callable[[Any, Host], Findings]] = {
    "DATA_QUALITY": data_quality.run,
    "MODEL_BIAS": bias.run,
    "MODEL_EXPLAINABILITY": explainability.run,
    "MODEL_QUALITY": model_quality.run,
}
"""The kinds of monitor; those that ask a model get it from the host."""

REPORT, METRICS, SUMMARY = "report.html", "cloudwatch_metrics.jsonl", "analysis_summary.json"

_WRITTEN = frozenset(
    {
        "output_path",
        "cloudwatch_metrics_directory",
        "output_message_file",
        "merged_output_path",
        "previous_attempt_results",
    }
)
"""Settings that name what an analysis writes, or may replace; every other path is read."""

_LONGEST_MESSAGE = 1024  # SageMaker's limit for an exit message


def analyze(settings: AnalysisSettings, host: Host | None = None) -> AnalysisSummary:
    """Run one analysis and write its reports into ``settings.output_path``.

    Without ``baseline_constraints`` the dataset becomes a baseline (``statistics.json``, ``constraints.json``);
    with them it is checked (``statistics.json``, ``constraint_violations.json``). Always written: ``report.html``,
    ``cloudwatch_metrics.jsonl``, empty unless publishing is enabled, ``analysis_summary.json``, and the exit message
    where the settings name a file for it. Each file is written whole or not at all.

    Parameters
    ----------
    settings : AnalysisSettings
        What to do.
    host : Host, optional
        Brings SageMaker's models, and is told of progress.

    Returns
    -------
    AnalysisSummary
        How it ended; also written as ``analysis_summary.json``.

    Raises
    ------
    InvalidInput
        What is wrong with the input and how to mend it; ``NoData`` where a window holds nothing; ``OutputAmongInput``
        where a report would replace what was read. The exit message is written then too.
    """
    try:
        findings = KINDS[settings.analysis_type](settings, host or Host())
        summary = _write(settings, findings)
        if settings.post_analytics_processor_script:
            postprocess(settings.post_analytics_processor_script, settings.script_environment)
    except InvalidInput as error:
        _write_message(settings, f"{OutcomeStatus.FAILED}: {error}")
        raise
    _write_message(settings, summary.exit_message)
    return summary


def _write(settings: AnalysisSettings, findings: Findings) -> AnalysisSummary:
    output = settings.output_path
    metrics = (settings.cloudwatch_metrics_directory or output) / METRICS
    paths = {name: output / name for name in (*findings.documents, *findings.tables, REPORT, SUMMARY)} | {
        METRICS: metrics
    }
    summary = _summary(findings, {name: _below(path, output) for name, path in paths.items()})
    _refuse_to_spoil_input(settings, paths.values())
    published = findings.metrics if settings.publish_cloudwatch_metrics is Switch.ENABLED else []
    try:
        output.mkdir(parents=True, exist_ok=True)
        metrics.parent.mkdir(parents=True, exist_ok=True)
        for name, document in findings.documents.items():
            write_json(paths[name], document)
        for name, table in findings.tables.items():
            paths[name].parent.mkdir(parents=True, exist_ok=True)
            write_csv(paths[name], table)
        write_json_lines(metrics, published)
        findings.write_report(paths[REPORT], summary)
        write_json(paths[SUMMARY], to_json(summary))
    except OSError as error:
        raise InvalidInput(
            "OutputNotWritable", f"{error.filename or output} cannot be written: {error.strerror}"
        ) from None
    return summary


def _refuse_to_spoil_input(settings: AnalysisSettings, written: Iterable[Path]) -> None:
    """Refuse reports that would replace the baseline or lie among the data, where the next run would read them."""
    inputs = [value.resolve() for name, value in settings if isinstance(value, Path) and name not in _WRITTEN]
    for path in written:
        spoilt = next((given for given in inputs if path.resolve().is_relative_to(given)), None)
        if spoilt is not None:
            message = f"{path} would be written over or into {spoilt}, which is read: give another output folder"
            raise InvalidInput("OutputAmongInput", message)


def _summary(findings: Findings, outputs: dict[str, str]) -> AnalysisSummary:
    number = len(findings.violations)
    status = OutcomeStatus.COMPLETED_WITH_VIOLATIONS if number else OutcomeStatus.COMPLETED
    told = f"{number} violations" if number else "no violations"
    return AnalysisSummary(
        status=status,
        exit_message=f"{status}: Job completed successfully with {told}.",
        records=findings.records,
        warnings=findings.warnings,
        notes=findings.notes,
        violations=findings.violations,
        ground_truth=findings.ground_truth,
        changes=findings.changes,
        outputs=outputs,
    )


def _below(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)


def _write_message(settings: AnalysisSettings, message: str) -> None:
    if settings.output_message_file is not None:
        settings.output_message_file.parent.mkdir(parents=True, exist_ok=True)
        write_text(settings.output_message_file, message[:_LONGEST_MESSAGE])
