"""One analysis, whatever the kind of monitor and whatever the host: settings in, a folder of reports out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from modelwatch_analyzer.cloudwatch import METRICS, metric_lines
from modelwatch_analyzer.documents import VIOLATIONS_COPY, VIOLATIONS_FILE
from modelwatch_analyzer.findings import Findings
from modelwatch_analyzer.host import Host
from modelwatch_analyzer.kind_analysis import KindAnalysis, analysis_of
from modelwatch_analyzer.output import to_json, write_csv, write_json, write_json_lines, write_text
from modelwatch_analyzer.report import facts_of, title_of, write_page
from modelwatch_analyzer.report.trends import trends_of
from modelwatch_analyzer.reruns import violations_since
from modelwatch_analyzer.scripts.process import postprocess
from modelwatch_core.domain.analysis import AnalysisSummary
from modelwatch_core.domain.analysis_settings import AnalysisSettings, Switch
from modelwatch_core.domain.constraint_violations import ConstraintViolations
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.monitor_kinds import MonitorKind, kind_of_analysis
from modelwatch_core.domain.outcome import LONGEST_REASON, OutcomeStatus
from modelwatch_core.domain.scores import MOST_SCORES, Score

REPORT, SUMMARY = "report.html", "analysis_summary.json"

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


def analyze(settings: AnalysisSettings, host: Host | None = None) -> AnalysisSummary:
    """Run one analysis and write its reports into ``settings.output_path``.

    Without ``baseline_constraints`` the dataset becomes a baseline (``constraints.json``); with them it is checked
    (``constraint_violations.json``). Always written: the statistics of the kind, ``report.html``,
    ``cloudwatch_metrics.jsonl``, empty unless publishing is enabled, ``analysis_summary.json``, and the exit message
    where the settings name a file for it. Each file is written whole or not at all.

    Parameters
    ----------
    settings : AnalysisSettings
        What to do.
    host : Host, optional
        Gives access to SageMaker's models, and receives progress.

    Returns
    -------
    AnalysisSummary
        How it ended; also written as ``analysis_summary.json``.

    Raises
    ------
    InvalidInput
        What is wrong with the input and how to fix it; ``NoData`` where a window holds nothing; ``OutputAmongInput``
        where a report would replace what was read; ``NoAnalysisOfKind`` for a kind that the user's own container
        analyses. The exit message is written then too.
    """
    try:
        kind = kind_of_analysis(settings.analysis_type)
        analysis, host = analysis_of(kind), host or Host()
        _refuse_a_baseline_without_values(settings)
        findings = analysis.run(settings, host)
        summary = _write(settings, kind, findings, tuple(_changes(settings, analysis, findings)), host.choice)
        if settings.post_analytics_processor_script:
            postprocess(settings.post_analytics_processor_script, settings.script_environment)
    except InvalidInput as error:
        _write_message(settings, f"{OutcomeStatus.FAILED}: {error}")
        raise
    _write_message(settings, summary.exit_message)
    return summary


def _refuse_a_baseline_without_values(settings: AnalysisSettings) -> None:
    if settings.baseline_constraints is None and settings.report_values is Switch.DISABLED:
        message = "checks compare with the values in the files of a baseline; set report_values for checks only"
        raise InvalidInput("BaselineNeedsValues", message)


def _changes(settings: AnalysisSettings, analysis: KindAnalysis[Any], findings: Findings) -> Iterator[str]:
    previous = settings.previous_attempt_results
    if previous is not None:
        yield from analysis.changes_since(previous, findings)
        yield from violations_since(previous, findings.violations)


def _write(
    settings: AnalysisSettings, kind: MonitorKind, findings: Findings, changes: tuple[str, ...], choice: str
) -> AnalysisSummary:
    output = settings.output_path
    metrics = (settings.cloudwatch_metrics_directory or output) / METRICS
    documents = dict(findings.documents)
    if settings.baseline_constraints is not None:
        version = {} if findings.violations_version is None else {"version": findings.violations_version}
        report = version | to_json(ConstraintViolations(violations=findings.violations))
        documents |= dict.fromkeys((VIOLATIONS_FILE, VIOLATIONS_COPY), report)
    paths = {name: output / name for name in (*documents, *findings.tables, REPORT, SUMMARY)} | {METRICS: metrics}
    summary = _summary(findings, changes, {name: _below(path, output) for name, path in paths.items()})
    _refuse_to_overwrite_input(settings, paths.values())
    published = findings.metrics if settings.publish_cloudwatch_metrics is Switch.ENABLED else ()
    if settings.report_values is Switch.DISABLED:  # StatisticValues have extremes
        published = tuple(metric for metric in published if not isinstance(metric.value, Mapping))
    try:
        output.mkdir(parents=True, exist_ok=True)
        metrics.parent.mkdir(parents=True, exist_ok=True)
        for name, document in documents.items():
            write_json(paths[name], document)
        for name, table in findings.tables.items():
            paths[name].parent.mkdir(parents=True, exist_ok=True)
            write_csv(paths[name], table)
        write_json_lines(metrics, metric_lines(settings, published))
        write_page(
            paths[REPORT],
            title=title_of(kind.title, settings),
            facts=facts_of(settings) | ({"Host": choice} if choice else {}) | dict(findings.report.facts),
            summary=summary,
            body=findings.report,
            trends=_trends(settings, findings.report.scores, findings.report.anchors),
        )
        write_json(paths[SUMMARY], to_json(summary))
    except OSError as error:
        raise InvalidInput(
            "OutputNotWritable", f"{error.filename or output} cannot be written: {error.strerror}"
        ) from None
    return summary


def _trends(
    settings: AnalysisSettings, scores: Iterable[Score], anchors: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    end = settings.end_time or datetime.now(UTC)
    return trends_of(scores, anchors, settings.earlier_scores, end.timestamp())


def _refuse_to_overwrite_input(settings: AnalysisSettings, written: Iterable[Path]) -> None:
    """Refuse reports that would replace the baseline or be among the data, where the next run would read them."""
    inputs = [value.resolve() for name, value in settings if isinstance(value, Path) and name not in _WRITTEN]
    for path in written:
        overwritten = next((source for source in inputs if path.resolve().is_relative_to(source)), None)
        if overwritten is not None:
            message = f"{path} would be written over or into {overwritten}, which is read: give another output folder"
            raise InvalidInput("OutputAmongInput", message)


def _summary(findings: Findings, changes: tuple[str, ...], outputs: dict[str, str]) -> AnalysisSummary:
    number = len(findings.violations)
    status = OutcomeStatus.COMPLETED_WITH_VIOLATIONS if number else OutcomeStatus.COMPLETED
    violations = f"{number} violations" if number else "no violations"
    return AnalysisSummary(
        status=status,
        exit_message=f"{status}: Job completed successfully with {violations}.",
        records=findings.records,
        warnings=(*findings.records.remarks, *findings.warnings),
        notes=findings.notes,
        violations=findings.violations,
        ground_truth=findings.ground_truth,
        changes=changes,
        outputs=outputs,
        scores=tuple(sorted(findings.report.scores, key=lambda score: score.weight, reverse=True)[:MOST_SCORES]),
    )


def _below(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)


def _write_message(settings: AnalysisSettings, message: str) -> None:
    if settings.output_message_file is not None:
        settings.output_message_file.parent.mkdir(parents=True, exist_ok=True)
        write_text(settings.output_message_file, message[:LONGEST_REASON])
