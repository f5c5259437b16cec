"""What the demo tells while it runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from email.message import EmailMessage

from rich.console import Console
from rich.text import Text

from modelwatch.demo.hours import Hour
from modelwatch.demo.verdict import Outcome, Outcomes
from modelwatch.printing import counted, print_table, printable
from modelwatch_core.domain.analysis import AnalysisStatus

STATUS_STYLES: Mapping[str, str] = {
    AnalysisStatus.COMPLETED: "green",
    AnalysisStatus.COMPLETED_WITH_VIOLATIONS: "yellow",
}


class Timeline:
    """Prints events with the time of day that the stack lives in; plain where the console is no terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def tell(self, moment: datetime, text: str) -> None:
        """Print one event."""
        self._console.print(Text.assemble((f"{moment:%H:%M}  ", "dim"), text))

    def tell_hour(
        self,
        moment: datetime,
        number: int,
        hour: Hour,
        scores: Mapping[str, Sequence[float]],
        outcomes: Outcomes,
    ) -> None:
        """Print what came of an hour, in which the model gave these scores at each endpoint."""
        self.tell(moment, f"hour {number}: {hour.title}")
        for endpoint, given in scores.items():
            approved = sum(score >= 0.5 for score in given) / len(given)
            self._console.print(f"       {endpoint}: {counted(len(given), 'request')}, {approved:.0%} approved")
        for monitor, outcome in outcomes.items():
            self._tell_outcome(monitor, outcome)

    def _tell_outcome(self, monitor: str, outcome: Outcome) -> None:
        status = (printable(outcome.status), STATUS_STYLES.get(outcome.status, "red"))
        mails = f", {counted(outcome.mails, 'mail')}" if outcome.mails else ""
        self._console.print(Text.assemble(f"       {monitor}: ", status, mails))
        if outcome.failure_reason:
            self._console.print(f"           {printable(outcome.failure_reason)}")
        for feature, check in sorted(outcome.findings):
            self._console.print(f"           {printable(feature)} fails its {printable(check)}")

    def tell_violations(self, outcomes: Sequence[Outcomes]) -> None:
        """Print all violations of all hours in one table."""
        rows = [
            (str(number), monitor, violation.subject, violation.description)
            for number, hourly in enumerate(outcomes, start=1)
            for monitor, outcome in hourly.items()
            for violation in outcome.violations
        ]
        self.head("Violations")
        print_table(self._console, ("hour", "found by", "about", "description"), rows)

    def tell_mails(self, mails: Sequence[EmailMessage]) -> None:
        """Print the subject of every mail, and the first one whole."""
        self.head("Mail")
        for mail in mails:
            self._console.print(f"{printable(mail['To'])}: {printable(mail['Subject'])}")
        for mail in mails[:1]:
            self._console.print("\nThe first one reads:\n")
            for line in mail.get_content().splitlines():
                self._console.print(f"    {printable(line)}")

    def head(self, title: str) -> None:
        """Print a headline."""
        self._console.print(Text(f"\n{title}", style="bold"))

    def tell_lines(self, lines: Iterable[str]) -> None:
        """Print lines as they are."""
        for line in lines:
            self._console.print(line)

    def waiting(self, what: str) -> AbstractContextManager[object]:
        """Show on a terminal that something is going on."""
        return self._console.status(Text(what)) if self._console.is_terminal else nullcontext()
