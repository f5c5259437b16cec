"""A kind of monitor that is added at run time: from its settings to its files, its report and its changes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

from modelwatch_analyzer.analysis import analyze
from modelwatch_analyzer.cloudwatch import MetricDatum
from modelwatch_analyzer.findings import Findings
from modelwatch_analyzer.host import Host
from modelwatch_analyzer.kind_analysis import KindAnalysis
from modelwatch_analyzer.report import ReportBody
from modelwatch_core.domain.analysis import AnalysisSummary
from modelwatch_core.domain.analysis_settings import AnalysisSettings
from modelwatch_core.domain.constraint_violations import ConstraintViolation
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.monitor_kinds import KINDS, MonitorKind
from modelwatch_core.domain.outcome import OutcomeStatus, RecordCounts
from modelwatch_core.domain.settings_environment import analysis_settings


class LineSettings(AnalysisSettings):
    """The settings of an analysis of the lengths of lines."""

    analysis_type: Literal["LINE_LENGTH"] = "LINE_LENGTH"
    longest_line: int = 80


def run(settings: LineSettings, _host: Host) -> Findings:
    """Find the longest line."""
    lines = settings.dataset_source.read_text().splitlines()
    longest = max(map(len, lines))
    violations = [
        ConstraintViolation(
            feature_name="the longest line", constraint_check_type="line_length_check", description=f"{longest} long"
        )
    ]
    is_violated = settings.baseline_constraints is not None and longest > settings.longest_line
    return Findings(
        records=RecordCounts(read=len(lines)),
        documents={"lines.json": {"longest": longest}},
        violations=tuple(violations) if is_violated else (),
        metrics=(MetricDatum("longest_line", float(longest), {"Unit": "Character"}),),
        report=ReportBody(
            package=__name__.rpartition(".")[0],
            context={"longest": longest},
            extent=f"{len(lines)} lines",
            checks={"line_length_check": "Line length"},
            anchors={"the longest line": "longest"},
            facts={"Limit": str(settings.longest_line)},
        ),
    )


def changes_since(folder: Path, findings: Findings) -> Iterator[str]:
    """Compare the longest lines."""
    before, now = json.loads((folder / "lines.json").read_text()), findings.documents["lines.json"]
    if before != now:
        yield f"longest line: {before['longest']} before, {now['longest']} now"


ANALYSIS = KindAnalysis(run=run, changes_since=changes_since)

KIND = MonitorKind(
    monitoring_type="LineLength",
    title="Line length",
    settings=LineSettings,
    analysis=__name__,
    metric_namespace="line-metrics",
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setitem(KINDS, KIND.monitoring_type, KIND)
    (tmp_path / "constraints.json").write_text("{}")
    return tmp_path


def check(folder: Path, text: str, output: str, **settings: Any) -> AnalysisSummary:
    (folder / f"{output}.txt").write_text(text)
    given: dict[str, Any] = {
        "analysis_type": "LINE_LENGTH",
        "dataset_source": folder / f"{output}.txt",
        "output_path": folder / output,
        "baseline_constraints": folder / "constraints.json",
    }
    return analyze(analysis_settings(**(given | settings)))


def test_a_new_kind_is_analysed_to_violations_metrics_a_report_and_a_summary(folder: Path) -> None:
    summary = check(
        folder,
        "one\nthree\n",
        "out",
        longest_line=4,
        publish_cloudwatch_metrics="Enabled",
        end_time="2026-11-22T10:00:00Z",
        sagemaker_endpoint_name="loans",
        output_message_file=folder / "message",
    )
    assert summary.status is OutcomeStatus.COMPLETED_WITH_VIOLATIONS
    assert [violation.subject for violation in summary.violations] == ["the longest line"]
    assert list(summary.outputs) == [
        *("lines.json", "constraint_violations.json", "violations.json", "report.html", "analysis_summary.json"),
        "cloudwatch_metrics.jsonl",
    ]
    assert json.loads((folder / "out/lines.json").read_text()) == {"longest": 5}
    violations = json.loads((folder / "out/constraint_violations.json").read_text())
    assert [each["description"] for each in violations["violations"]] == ["5 long"]
    (line,) = (folder / "out/cloudwatch_metrics.jsonl").read_text().splitlines()
    assert json.loads(line) == {
        "MetricName": "longest_line",
        "Value": 5.0,
        "Timestamp": "2026-11-22T10:00:00Z",
        "Dimensions": [{"Name": "Endpoint", "Value": "loans"}, {"Name": "Unit", "Value": "Character"}],
        "Unit": "None",
    }
    assert json.loads((folder / "out/analysis_summary.json").read_text())["records"]["read"] == 2
    assert (folder / "message").read_text() == "CompletedWithViolations: Job completed successfully with 1 violations."
    page = (folder / "out/report.html").read_text()
    for text in (
        "<title>Line length of loans</title>",
        "<dt>Format</dt><dd>csv</dd>",
        "<dt>Limit</dt><dd>4</dd>",
        "1 violation in 2 lines: the longest line.",
        '<a href="#longest">',
        "Line length</td>",
        "The longest line has 5 characters.",
    ):
        assert text in page


def test_a_rerun_of_a_new_kind_reports_its_own_changes_and_those_of_its_violations(folder: Path) -> None:
    check(folder, "three\n", "before", longest_line=4)
    again = check(folder, "one\n", "now", longest_line=4, previous_attempt_results=folder / "before")
    assert again.status is OutcomeStatus.COMPLETED
    assert again.changes == (
        "longest line: 5 before, 3 now",
        "no violation any more: the longest line line_length_check",
    )
    assert "longest line: 5 before, 3 now" in (folder / "now/report.html").read_text()


def test_a_baseline_of_a_new_kind_has_no_violations(folder: Path) -> None:
    summary = check(folder, "a long line\n", "out", longest_line=4, baseline_constraints=None)
    assert summary.status is OutcomeStatus.COMPLETED
    assert "constraint_violations.json" not in summary.outputs
    assert "A baseline of 1 lines." in (folder / "out/report.html").read_text()


def test_a_report_of_a_new_kind_never_replaces_what_its_settings_name_as_input(folder: Path) -> None:
    with pytest.raises(InvalidInput) as refused:
        check(folder, "one\n", "lines", output_path=folder / "lines.txt/reports")
    assert refused.value.code == "OutputAmongInput"


@pytest.mark.slow
def test_only_the_kind_that_is_analysed_is_imported(folder: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys\n"
        "from modelwatch_analyzer.analysis import analyze\n"
        "from modelwatch_core.domain.settings_environment import analysis_settings\n"
        f"analyze(analysis_settings(dataset_source={str(folder / 'data.csv')!r}, output_path={str(folder / 'o')!r}))\n"
        "print(*sorted(name for name in sys.modules if name.startswith('modelwatch_analyzer.')))\n"
    )
    (folder / "data.csv").write_text("1,2\n3,4\n")
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    packages = {name.split(".")[1] for name in done.stdout.split()}
    assert "data_quality" in packages
    assert not packages & {"bias", "model_quality", "explainability"}


def test_a_kind_without_an_analysis_is_refused_with_how_to_fix_it(tmp_path: Path) -> None:
    settings = analysis_settings(
        analysis_type="CUSTOM",
        dataset_source=tmp_path,
        output_path=tmp_path / "out",
        output_message_file=tmp_path / "message",
    )
    with pytest.raises(InvalidInput) as refused:
        analyze(settings)
    assert refused.value.code == "NoAnalysisOfKind"
    assert "container image" in refused.value.message
    assert (tmp_path / "message").read_text().startswith("Failed: NoAnalysisOfKind: ")


def test_every_kind_with_an_analysis_exports_one() -> None:
    from modelwatch_analyzer.kind_analysis import analysis_of

    for kind in KINDS.values():
        if kind.analysis is not None:
            assert isinstance(analysis_of(kind), KindAnalysis)
