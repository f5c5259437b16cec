"""What came of an analysis: for users as text, for scripts as one JSON object."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from modelwatch.cli.failures import print_json
from modelwatch.printing import make_console, print_table, printable
from modelwatch_core.domain.analysis import AnalysisSummary
from modelwatch_core.domain.constraint_violations import ConstraintViolation, rounded_text, violation_text
from modelwatch_core.domain.monitor_kinds import MonitorKind
from modelwatch_core.domain.number_text import count_text
from modelwatch_core.domain.outcome import GroundTruthCounts, RecordCounts

VIOLATION_COLUMNS = ("subject", "check", "description")
_MOST_EXAMPLES = 3
"""The most malformed records that are shown for each reason."""


def print_result(summary: AnalysisSummary, folder: Path, *, as_json: bool) -> None:
    """Print what an analysis found, and where its files are.

    Parameters
    ----------
    folder : Path
        The output folder.
    as_json : bool
        Print one JSON object instead of text.
    """
    if as_json:
        print_json(
            {
                "status": summary.status.value,
                "violations": len(summary.violations),
                "records": summary.records.model_dump(mode="json"),
                "ground_truth": summary.ground_truth.model_dump() if summary.ground_truth else None,
                "changes": list(summary.changes),
                "warnings": list(summary.warnings),
                "notes": list(summary.notes),
                "outputs": {name: str(folder / path) for name, path in summary.outputs.items()},
            }
        )
    else:
        _print_text(summary, folder)


def print_learnt(kind: MonitorKind, folder: Path, next_command: str) -> None:
    """Print what a baseline learnt, and the command that checks data against it."""
    from modelwatch_analyzer.kind_analysis import analysis_of  # the numeric packages would slow down ``--help``

    console = make_console()
    header, *rows = analysis_of(kind).learnt(folder) or [()]
    if rows:
        console.print()
        print_table(console, header, rows)
    console.print(f"\nNext: {printable(next_command)}")


def _verdict(summary: AnalysisSummary) -> str:
    """Say what was found in plain English; the exit message is SageMaker's."""
    if not summary.is_check:
        return "The baseline has been made."
    number = len(summary.violations)
    return f"{count_text(number, 'violation') if number else 'No violations'}."


def _print_text(summary: AnalysisSummary, folder: Path) -> None:
    console = make_console()
    for line in (*record_counts_lines(summary.records), *ground_truth_lines(summary.ground_truth)):
        console.print(line)
    for note in summary.notes:
        console.print(f"{printable(note)}.")
    for warning in summary.warnings:
        console.print(f"Warning: {printable(warning)}", style="yellow")
    console.print(_verdict(summary), style="red" if summary.violations else "green")
    if summary.violations:
        print_table(console, VIOLATION_COLUMNS, violation_rows(summary.violations))
    for change in summary.changes:
        console.print(f"Changed: {printable(rounded_text(change))}")
    console.print(f"Written to {printable(str(folder))}: {', '.join(sorted(summary.outputs))}")


def violation_rows(violations: Sequence[ConstraintViolation]) -> list[tuple[str, str, str]]:
    """Return the rows of the table; a metric that is the same for several groups has one."""
    alike: dict[tuple[object, str, str], list[str]] = {}
    for each in violations:
        metric = (each.model_extra or {}).get("metric_name") or each.subject
        alike.setdefault((metric, each.constraint_check_type, violation_text(each)), []).append(each.subject)
    return [
        (f"{subjects[0]} and {len(subjects) - 1:,} more" if subjects[1:] else subjects[0], check, text)
        for (_, check, text), subjects in alike.items()
    ]


def record_counts_lines(records: RecordCounts) -> list[str]:
    """Return sentences about what was read and what was left out."""
    rows = count_text(records.read, "row")
    read = f"{rows} of {count_text(records.captured, 'captured record')}" if records.captured else rows
    lines = [f"Read {read} from {count_text(records.objects, 'file')}, {records.bytes:,} bytes."]
    if records.encodings:
        encodings = ", ".join(f"{number:,} {printable(name)}" for name, number in records.encodings.items())
        lines.append(f"Captured payloads by encoding: {encodings}.")
    if records.duplicate_events:
        repeated = count_text(records.duplicate_events, "record")
        lines.append(f"Read although repeated: {repeated} with an event id seen before.")
    if records.with_unread_fields:
        in_part = count_text(records.with_unread_fields, "record")
        lines.append(f"Read in part: {in_part} with fields that the first 1,000 rows lack, which were ignored.")
    if records.dropped:
        lines.append(f"Left out: {count_text(records.dropped, 'record')} that the preprocessor dropped.")
    if records.out_of_window:
        lines.append(f"Left out: {count_text(records.out_of_window, 'record')} outside the window.")
    if records.malformed:
        lines.append(f"Left out: {count_text(records.malformed, 'malformed record')}, for instance:")
        lines += _examples(records.malformed_examples)
    return lines


def _examples(places: Sequence[str]) -> Iterator[str]:
    """Yield the first places of each reason, with which they end; the report has all that are known."""
    shown = Counter[str]()
    for place in places:
        reason = place.partition(": ")[2]
        shown[reason] += 1
        if shown[reason] <= _MOST_EXAMPLES:
            yield f"  {printable(place)}"


def ground_truth_lines(counts: GroundTruthCounts | None) -> list[str]:
    """Return sentences about which predictions have labels, and which labels have predictions."""
    if counts is None:
        return []
    lines = [f"Labels: {counts.matched:,} of {count_text(counts.predictions, 'prediction')} have a label."]
    if counts.unlabelled:
        lines.append(f"Left out: {count_text(counts.unlabelled, 'prediction')} without a label yet.")
    if counts.ambiguous:
        lines.append(f"Of these, several labels are possible by time: {counts.ambiguous:,}.")
    if counts.without_prediction:
        lines.append(f"Left out: {count_text(counts.without_prediction, 'label')} whose prediction is not in the data.")
    if counts.late:
        lines.append(f"Collected after the window had ended: {count_text(counts.late, 'label')}.")
    if counts.duplicates or counts.conflicting:
        repeated = f"{counts.duplicates:,} with the same value, {counts.conflicting:,} with another value"
        lines.append(f"Repeated labels: {repeated}.")
    return lines
