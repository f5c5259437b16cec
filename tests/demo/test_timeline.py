"""What the demo prints: plain where there is no terminal, and text from elsewhere never obeyed."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from rich.console import Console

from modelwatch.demo.hours import Hour
from modelwatch.demo.monitors import BRANCHES_BIAS, BRANCHES_DATA_QUALITY, BROKERS_DATA_QUALITY, Monitor
from modelwatch.demo.timeline import Timeline
from modelwatch.demo.verdict import Observation, rerun_name
from modelwatch_core.domain.constraint_violations import ConstraintViolation
from modelwatch_core.domain.outcome import GroundTruthCounts

NOON = datetime(2026, 1, 31, 12, 6, tzinfo=UTC)
DRIFTED = ConstraintViolation(
    feature_name="[red]income\x1b[2J",
    constraint_check_type="baseline_drift_check",
    description="Distance 0.12345678 exceeds threshold: 0.1",
)
BROKEN = Observation("CompletedWithViolations", (DRIFTED,), mails=1)


def printed(observation: Observation, *, terminal: bool) -> str:
    text = io.StringIO()
    timeline = Timeline(Console(file=text, force_terminal=terminal, markup=False, highlight=False, width=100))
    scores = {"loans": [0.9, 0.1, 0.5, 0.8], "loans-json": [0.1]}
    observations = {"loans-quality": observation, "loans-json-quality": Observation("Completed")}
    timeline.print_hour(NOON, 4, Hour("a bad one"), scores, observations)
    return text.getvalue()


def test_a_pipe_gets_plain_lines() -> None:
    assert printed(BROKEN, terminal=False).splitlines() == [
        "12:06  hour 4: a bad one",
        "       loans: 4 requests, 75% approved",
        "       loans-json: 1 request, 0% approved",
        "       loans-quality: CompletedWithViolations, 1 mail",
        "           [red]income\\x1b[2J: Distance 0.1235 exceeds threshold: 0.1",
        "       loans-json-quality: Completed",
    ]


def test_a_terminal_gets_our_colours_and_none_from_the_data() -> None:
    text = printed(BROKEN, terminal=True)
    assert "\x1b[33mCompletedWithViolations" in text
    assert "[red]income\\x1b[2J" in text
    assert "\x1b[2J" not in text


def test_a_failure_is_printed_with_its_reason() -> None:
    text = printed(Observation("Failed", failure_reason="NoData: the window holds no records"), terminal=False)
    assert "loans-quality: Failed\n           NoData: the window holds no records\n" in text


def test_for_an_earlier_hour_its_number_and_the_number_of_labels_are_printed() -> None:
    counts = GroundTruthCounts(
        predictions=5, labels=4, matched=4, unlabelled=1, without_prediction=0, duplicates=0, conflicting=0, late=0
    )
    text = printed(replace(BROKEN, hours=(2,), ground_truth=counts), terminal=False)
    assert "loans-quality of hour 2: CompletedWithViolations, 4 labels for 5, 1 mail\n" in text


def test_a_rerun_is_marked_as_such() -> None:
    text = io.StringIO()
    observations = {rerun_name("loans-quality"): Observation("Completed", hours=(2,))}
    Timeline(Console(file=text, width=100)).print_hour(NOON, 4, Hour("labels come"), {}, observations)
    assert "loans-quality of hour 2, again: Completed\n" in text.getvalue()


@pytest.mark.parametrize(
    ("monitor", "line"),
    [
        (BRANCHES_DATA_QUALITY, "mortgage-approval-data-quality monitors mortgage-approval every hour"),
        (BROKERS_DATA_QUALITY, "mortgage-brokers-data-quality monitors mortgage-brokers every 3 hours"),
        (
            BRANCHES_BIAS,
            "mortgage-approval-bias monitors mortgage-approval every hour, 3 hours later, once its labels have arrived",
        ),
    ],
    ids=lambda each: getattr(each, "name", None),
)
def test_a_monitor_that_starts_says_when_it_runs(monitor: Monitor, line: str) -> None:
    text = io.StringIO()
    Timeline(Console(file=text, width=200)).print_monitor(NOON, monitor)
    assert text.getvalue() == f"12:06  {line}\n"


def test_every_mail_is_listed_and_the_first_one_printed() -> None:
    mails = []
    for number in (1, 2):
        mail = EmailMessage()
        mail["To"], mail["Subject"] = "team@example.com", f"Violations {number}"
        mail.set_content(f"Look at\nreport {number}\x1b[2J")
        mails.append(mail)
    text = io.StringIO()
    Timeline(Console(file=text, markup=False, highlight=False, width=100)).print_mails(mails)
    assert text.getvalue().count("Violations ") == 2
    assert "    report 1\\x1b[2J" in text.getvalue()
    assert "report 2" not in text.getvalue()
