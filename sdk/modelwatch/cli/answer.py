"""Run one analysis on local paths and tell what came of it: for people, or as one JSON object for scripts."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelwatch.cli.failures import print_json
from modelwatch.printing import a_console, counted, print_table, printable
from modelwatch_core.domain.analysis import AnalysisSummary, GroundTruthCounts, RecordCounts
from modelwatch_core.domain.errors import InvalidInput

if TYPE_CHECKING:
    from modelwatch_analyzer.host import Host

VIOLATIONS_FOUND = 1
"""Exit code of a check that found violations, for CI."""

Output = Annotated[
    Path, typer.Option("--output", metavar="DIR", help="Folder for the results; made if it does not exist.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text, also on failure.")]


def a_moment(text: str) -> datetime:
    """Read a moment of the command line: ISO 8601; without an offset it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{printable(text)} is no ISO 8601 time such as 2026-01-31T09:00:00Z.") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def existing(path: Path, option: str) -> Path:
    """Give the path back if something is there.

    Raises
    ------
    InvalidInput
        ``FileNotFound``, naming the option.
    """
    if not path.exists():
        raise InvalidInput("FileNotFound", f"{option}: there is nothing at {path}. Give the path of an existing file.")
    return path


def usable_output(folder: Path) -> Path:
    """Make the output folder if need be, and prove that it can be written to before any work is done.

    Raises
    ------
    InvalidInput
        ``OutputNotAFolder`` or ``OutputNotWritable``.
    """
    if folder.exists() and not folder.is_dir():
        raise InvalidInput("OutputNotAFolder", f"--output: {folder} is a file. Give a folder, new or existing.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".modelwatch-write-probe"
        probe.touch()
        probe.unlink()
    except OSError as refusal:
        reason = f"{folder} cannot be written to ({refusal.strerror}). Give a folder that you may write to."
        raise InvalidInput("OutputNotWritable", f"--output: {reason}") from None
    return folder


def answer(
    environment: Mapping[str, str], output: Path, *, as_json: bool, host: AbstractContextManager[Host] | None = None
) -> None:
    """Run the analysis that the environment of the analysis contract describes, and print what it found.

    Parameters
    ----------
    environment : mapping of str to str
        SageMaker's container environment, without ``output_path``.
    output : Path
        The folder that receives the files of the analysis contract.
    as_json : bool
        Print one JSON object instead of text.
    host : context manager of Host, optional
        Brings models, and shows by itself how far the analysis is, while it is entered.

    Raises
    ------
    typer.Exit
        With code 1 where there are violations.
    InvalidInput
        If settings or data cannot be used.
    """
    folder = usable_output(output)
    told = {**environment, "output_path": str(folder), "publish_cloudwatch_metrics": "Enabled"}
    if host is None:
        with _patience(as_json=as_json):
            summary = _analyze(told)
    else:
        with host as brought:
            summary = _analyze(told, brought)
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
        _print_summary(summary, folder)
    if summary.violations:
        raise typer.Exit(VIOLATIONS_FOUND)


def _analyze(environment: Mapping[str, str], host: Host | None = None) -> AnalysisSummary:
    """Import the analyzer only now: its numeric packages would slow down ``--help``."""
    from modelwatch_analyzer.analysis import analyze
    from modelwatch_analyzer.settings import AnalysisSettings

    return analyze(AnalysisSettings.from_environment(environment), host)


def _patience(*, as_json: bool) -> AbstractContextManager[object]:
    """Show on a terminal that something is going on."""
    console = a_console(stderr=True)
    return console.status("Analysing") if console.is_terminal and not as_json else nullcontext()


def _print_summary(summary: AnalysisSummary, folder: Path) -> None:
    """Print what was read, left out and found, and where the files lie."""
    console = a_console()
    for line in (*account(summary.records), *labels_account(summary.ground_truth)):
        console.print(line)
    for note in summary.notes:
        console.print(f"{printable(note)}.")
    for warning in summary.warnings:
        console.print(f"Warning: {printable(warning)}", style="yellow")
    console.print(printable(summary.exit_message), style="red" if summary.violations else "green")
    if summary.violations:
        rows = [(v.subject, v.constraint_check_type, v.description) for v in summary.violations]
        print_table(console, ("about", "check", "description"), rows)
    for change in summary.changes:
        console.print(f"Changed: {printable(change)}")
    console.print(f"Written to {printable(str(folder))}: {', '.join(sorted(summary.outputs))}")


def account(records: RecordCounts) -> list[str]:
    """Tell for people what was read and what was left out."""
    rows = counted(records.read, "row")
    read = f"{rows} of {counted(records.captured, 'captured record')}" if records.captured else rows
    lines = [f"Read {read} from {counted(records.objects, 'file')}, {records.bytes:,} bytes."]
    if records.encodings:
        told = ", ".join(f"{number:,} {printable(name)}" for name, number in records.encodings.items())
        lines.append(f"Captured payloads by encoding: {told}.")
    if records.duplicate_events:
        lines.append(f"Read all the same: {counted(records.duplicate_events, 'record')} of an event id seen before.")
    if records.with_unread_fields:
        told = counted(records.with_unread_fields, "record")
        lines.append(f"Read in part: {told} with fields that the first 1,000 rows lack, which were passed over.")
    if records.dropped:
        lines.append(f"Left out: {counted(records.dropped, 'record')} that the preprocessor dropped.")
    if records.out_of_window:
        lines.append(f"Left out: {counted(records.out_of_window, 'record')} outside the window.")
    if records.malformed:
        lines.append(f"Left out: {counted(records.malformed, 'malformed record')}, for instance:")
        lines += [f"  {printable(place)}" for place in records.malformed_examples]
    return lines


def labels_account(counts: GroundTruthCounts | None) -> list[str]:
    """Tell for people what became of predictions and labels."""
    if counts is None:
        return []
    lines = [f"Labels: {counts.matched:,} of {counted(counts.predictions, 'prediction')} have theirs."]
    if counts.unlabelled:
        lines.append(f"Left out: {counted(counts.unlabelled, 'prediction')} without a label yet.")
    if counts.without_prediction:
        lines.append(f"Left out: {counted(counts.without_prediction, 'label')} whose prediction is not in the data.")
    if counts.late:
        lines.append(f"Collected after the window had ended: {counted(counts.late, 'label')}.")
    if counts.duplicates or counts.conflicting:
        repeated = f"{counts.duplicates:,} say the same, {counts.conflicting:,} something else"
        lines.append(f"Labels that came again: {repeated}.")
    return lines
