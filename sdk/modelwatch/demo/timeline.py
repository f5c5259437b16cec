"""What the demo tells while it runs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from email.message import EmailMessage

from rich.console import Console
from rich.text import Text

from modelwatch.demo.hours import Hour
from modelwatch.demo.monitors import Monitor
from modelwatch.demo.verdict import Outcome, Outcomes
from modelwatch.printing import counted, printable
from modelwatch_core.domain.analysis import AnalysisStatus

STATUS_STYLES: Mapping[str, str] = {
    AnalysisStatus.COMPLETED: "green",
    AnalysisStatus.COMPLETED_WITH_VIOLATIONS: "yellow",
}


_LONG_NUMBER = re.compile(r"\d+\.\d{5,}(?:[eE]-?\d+)?")


def _rounded(text: str) -> str:
    """Cut the numbers in a sentence to what a reader takes in; the reports have them whole."""
    return _LONG_NUMBER.sub(lambda number: f"{float(number[0]):.4g}", text)


class Timeline:
    """Prints events with the time of day that the stack lives in; plain where the console is no terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def tell(self, moment: datetime, text: str) -> None:
        """Print one event."""
        self._console.print(Text.assemble((f"{moment:%H:%M}  ", "dim"), text))

    def tell_detail(self, text: str) -> None:
        """Print more about the event before."""
        self._console.print(f"       {text}")

    def tell_monitor(self, moment: datetime, monitor: Monitor) -> None:
        """Print that a monitor begins."""
        often = "every hour" if monitor.hours_apart == 1 else f"every {monitor.hours_apart} hours"
        late = f", {monitor.hours_back} hours later, when its labels are there" if monitor.hours_back else ""
        self.tell(moment, f"{monitor.name} looks at {monitor.endpoint.name} {often}{late}{monitor.remark}")

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
            self._tell_outcome(monitor, outcome, number)

    def _tell_outcome(self, monitor: str, outcome: Outcome, number: int) -> None:
        status = (printable(outcome.status), STATUS_STYLES.get(outcome.status, "red"))
        mails = f", {counted(outcome.mails, 'mail')}" if outcome.mails else ""
        seen = "" if not outcome.hours or number in outcome.hours else f" of hour {outcome.hours[-1]}"
        labels = f", {outcome.labels.matched} labels for {outcome.labels.predictions}" if outcome.labels else ""
        name, _, repeated = monitor.partition(", ")
        told = f"       {name}{seen}{repeated and f', {repeated}'}: "
        self._console.print(Text.assemble(told, status, labels, mails))
        if outcome.failure_reason:
            self._console.print(f"           {printable(outcome.failure_reason)}")
        for violation in outcome.violations:
            self._console.print(
                f"           {printable(violation.subject)}: {_rounded(printable(violation.description))}"
            )

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
