"""What the demo prints while it runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from email.message import EmailMessage

from rich.console import Console
from rich.text import Text

from modelwatch.demo.hours import Hour
from modelwatch.demo.monitors import Monitor
from modelwatch.demo.verdict import Observation, Observations
from modelwatch.printing import printable
from modelwatch_core.domain.alert_states import AlertTransition
from modelwatch_core.domain.alerting import AlertStatus
from modelwatch_core.domain.constraint_violations import violation_text
from modelwatch_core.domain.number_text import count_text
from modelwatch_core.domain.outcome import OutcomeStatus

STATUS_STYLES: Mapping[str, str] = {
    OutcomeStatus.COMPLETED: "green",
    OutcomeStatus.COMPLETED_WITH_VIOLATIONS: "yellow",
}

_ALERT_STYLES: Mapping[str, str] = {AlertStatus.OK: "green", AlertStatus.IN_ALERT: "yellow"}


class Timeline:
    """Prints events with the time of the stack's clock; as plain text where the console is not a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def print_event(self, time: datetime, text: str) -> None:
        """Print one event."""
        self._console.print(Text.assemble((f"{time:%H:%M}  ", "dim"), text))

    def print_detail(self, text: str) -> None:
        """Print more about the previous event."""
        self._console.print(f"       {text}")

    def print_monitor(self, time: datetime, monitor: Monitor) -> None:
        """Print that a monitor starts."""
        often = "every hour" if monitor.hours_apart == 1 else f"every {monitor.hours_apart} hours"
        late = f", {monitor.hours_back} hours later, once its labels have arrived" if monitor.hours_back else ""
        self.print_event(time, f"{monitor.name} monitors {monitor.endpoint.name} {often}{late}{monitor.remark}")

    def print_hour(
        self,
        time: datetime,
        number: int,
        hour: Hour,
        scores: Mapping[str, Sequence[float]],
        observations: Observations,
    ) -> None:
        """Print what was observed of an hour, in which the model returned these scores at each endpoint."""
        self.print_event(time, f"hour {number}: {hour.title}")
        for endpoint, given in scores.items():
            approved = sum(score >= 0.5 for score in given) / len(given)
            self._console.print(f"       {endpoint}: {count_text(len(given), 'request')}, {approved:.0%} approved")
        for monitor, observation in observations.items():
            self._print_observation(monitor, observation, number)

    def _print_observation(self, monitor: str, observation: Observation, number: int) -> None:
        status = (printable(observation.status), STATUS_STYLES.get(observation.status, "red"))
        mails = f", {count_text(observation.mails, 'mail')}" if observation.mails else ""
        seen = "" if not observation.hours or number in observation.hours else f" of hour {observation.hours[-1]}"
        counts = observation.ground_truth
        labels = f", {counts.matched} labels for {counts.predictions}" if counts else ""
        name, _, repeated = monitor.partition(", ")
        head = f"       {name}{seen}{repeated and f', {repeated}'}: "
        self._console.print(Text.assemble(head, status, labels, mails))
        if observation.failure_reason:
            self._console.print(f"           {printable(observation.failure_reason)}")
        for violation in observation.violations:
            self._console.print(f"           {printable(violation.subject)}: {printable(violation_text(violation))}")

    def print_mails(self, mails: Sequence[EmailMessage]) -> None:
        """Print the subject of every mail, and the whole first one."""
        self.print_heading("Mail")
        for mail in mails:
            self._console.print(f"{printable(mail['To'])}: {printable(mail['Subject'])}")
        for mail in mails[:1]:
            self._console.print("\nThe first one reads:\n")
            for line in mail.get_content().splitlines():
                self._console.print(f"    {printable(line)}")

    def print_alerts(self, changes: Sequence[AlertTransition], mails: Sequence[EmailMessage]) -> None:
        """Print how alerts changed, and by which mails people heard of one that began, lasted and is over.

        The time of a change is the end of the window whose execution made it.
        """
        self.print_heading("Alerts")
        for change in sorted(changes, key=lambda each: each.window.end):
            line = f"{change.window.end:%H:%M}  {change.monitoring_schedule_name} {change.alert_name}: "
            self._console.print(Text.assemble(line, (change.alert_status, _ALERT_STYLES[change.alert_status])))
        subjects = [str(mail["Subject"]) for mail in mails]
        kinds = {
            "begins": lambda subject: ": reminder" not in subject and ": recovered" not in subject,
            "lasts": lambda subject: ": reminder" in subject,
            "is over": lambda subject: ": recovered" in subject,
        }
        for what, shows in kinds.items():
            if subject := next(filter(shows, subjects), None):
                self._console.print(f"An alert {what}: {printable(subject)}")

    def print_heading(self, title: str) -> None:
        """Print a heading."""
        self._console.print(Text(f"\n{title}", style="bold"))

    def print_lines(self, lines: Iterable[str]) -> None:
        """Print lines as they are."""
        for line in lines:
            self._console.print(line)

    def waiting(self, what: str) -> AbstractContextManager[object]:
        """Show on a terminal what the demo is waiting for."""
        return self._console.status(Text(what)) if self._console.is_terminal else nullcontext()
