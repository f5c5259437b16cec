"""One analysis, whatever the kind of monitor and whatever the host: settings in, a folder of reports out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
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
from modelwatch_core.domain.monitor_kinds import kind_of_analysis
from modelwatch_core.domain.outcome import LONGEST_REASON, OutcomeStatus
from modelwatch_core.domain.scores import MOST_SCORES

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


@dataclass(frozen=True, slots=True)
class Examined:
    """What an analysis found, before anything is written.

    Attributes
    ----------
    settings : AnalysisSettings
    findings : Findings
    title : str
        What was analysed.
    facts : mapping of str to str
        What the report begins with, label to text.
    time : datetime
        When it was found. What was read may be gone when it is written.
    changes : tuple of str
        What is different from the attempt before.
    """

    settings: AnalysisSettings
    findings: Findings
    title: str
    facts: Mapping[str, str]
    time: datetime
    changes: tuple[str, ...] = ()

    def summary(self) -> AnalysisSummary:
        """Return how the analysis ended, with the names of the files that `write` writes."""
        output = self.settings.output_path
        return _summary(self.findings, self.changes, {name: _below(path, output) for name, path in self._paths()})

    def write(self) -> AnalysisSummary:
        """Write the reports into ``settings.output_path``, each whole or not at all.

        Raises
        ------
        InvalidInput
            ``OutputAmongInput`` where a report would replace what was read, ``OutputNotWritable``.
        """
        paths, summary = dict(self._paths()), self.summary()
        _refuse_to_overwrite_input(self.settings, paths.values())
        try:
            for folder in {path.parent for path in paths.values()}:
                folder.mkdir(parents=True, exist_ok=True)
            _write(self, summary, paths)
        except OSError as error:
            where = error.filename or self.settings.output_path
            raise InvalidInput("OutputNotWritable", f"{where} cannot be written: {error.strerror}") from None
        return summary

    def _paths(self) -> Iterator[tuple[str, Path]]:
        output = self.settings.output_path
        violations = () if self.settings.baseline_constraints is None else (VIOLATIONS_FILE, VIOLATIONS_COPY)
        for name in (*self.findings.documents, *violations, *self.findings.tables, REPORT, SUMMARY):
            yield name, output / name
        yield METRICS, (self.settings.cloudwatch_metrics_directory or output) / METRICS


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
        summary = examine(settings, host or Host()).write()
        if settings.post_analytics_processor_script:
            postprocess(settings.post_analytics_processor_script, settings.script_environment)
    except InvalidInput as error:
        _write_message(settings, f"{OutcomeStatus.FAILED}: {error}")
        raise
    _write_message(settings, summary.exit_message)
    return summary


def examine(settings: AnalysisSettings, host: Host) -> Examined:
    """Run one analysis, and write nothing; see `analyze`."""
    kind = kind_of_analysis(settings.analysis_type)
    analysis = analysis_of(kind)
    _refuse_a_baseline_without_values(settings)
    findings = analysis.run(settings, host)
    facts = facts_of(settings) | ({"Host": host.chosen} if host.chosen else {}) | dict(findings.report.facts)
    changes = tuple(_changes(settings, analysis, findings))
    return Examined(settings, findings, title_of(kind.title, settings), facts, datetime.now(UTC), changes)


def _refuse_a_baseline_without_values(settings: AnalysisSettings) -> None:
    if settings.baseline_constraints is None and settings.report_values is Switch.DISABLED:
        message = "checks need the values in a baseline's files; set report_values to Disabled for checks only"
        raise InvalidInput("BaselineNeedsValues", message)


def _changes(settings: AnalysisSettings, analysis: KindAnalysis[Any], findings: Findings) -> Iterator[str]:
    previous = settings.previous_attempt_results
    if previous is not None:
        yield from analysis.changes_since(previous, findings)
        yield from violations_since(previous, findings.violations)


def _write(examined: Examined, summary: AnalysisSummary, paths: Mapping[str, Path]) -> None:
    settings, findings = examined.settings, examined.findings
    for name, document in findings.documents.items():
        write_json(paths[name], document)
    if VIOLATIONS_FILE in paths:
        version = {} if findings.violations_version is None else {"version": findings.violations_version}
        violations = version | to_json(ConstraintViolations(violations=findings.violations))
        write_json(paths[VIOLATIONS_FILE], violations)
        write_json(paths[VIOLATIONS_COPY], violations)
    for name, table in findings.tables.items():
        write_csv(paths[name], table)
    published = findings.metrics if settings.publish_cloudwatch_metrics is Switch.ENABLED else ()
    if settings.report_values is Switch.DISABLED:  # StatisticValues have extremes
        published = tuple(metric for metric in published if not isinstance(metric.value, Mapping))
    end = settings.end_time or examined.time
    write_json_lines(paths[METRICS], metric_lines(settings, published, end))
    write_page(
        paths[REPORT],
        title=examined.title,
        facts=examined.facts,
        summary=summary,
        body=findings.report,
        trends=trends_of(findings.report.scores, findings.report.anchors, settings.earlier_scores, end.timestamp()),
        made=examined.time,
    )
    write_json(paths[SUMMARY], to_json(summary))


def _refuse_to_overwrite_input(settings: AnalysisSettings, written: Iterable[Path]) -> None:
    """Refuse reports that would replace the baseline or be among the data, where the next run would read them."""
    inputs = [value.resolve() for name, value in settings if isinstance(value, Path) and name not in _WRITTEN]
    for path in written:
        overwritten = next((source for source in inputs if path.resolve().is_relative_to(source)), None)
        if overwritten is not None:
            message = f"{path} would be written over or among input ({overwritten}): give another output folder"
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
