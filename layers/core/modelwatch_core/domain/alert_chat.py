"""An alert as a custom notification of Amazon Q Developer in chat applications (AWS Chatbot): Slack, Teams, Chime.

Source: "Custom notifications", Amazon Q Developer in chat applications Administrator Guide. Whatever has another form
is dropped there without a word.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from modelwatch_core.domain.alert_event import incident_key
from modelwatch_core.domain.alert_text import alert_subject, bundle_subject, one_line, said_without_report
from modelwatch_core.domain.alerts import Alert
from modelwatch_core.domain.constraint_violations import check_text, violation_text
from modelwatch_core.domain.documents import bounded_text, iso_utc

_TITLE, _DESCRIPTION = 100, 2000
_MOST_VIOLATIONS = 5


def chat_message(alert: Alert, link: str | None = None) -> dict[str, Any]:
    """Return the notification of an alert; messages from its beginning to its end are one thread."""
    lines = [f"*since* {iso_utc(alert.since)}"]
    if alert.recovered:
        lines.append(f"*also over* {', '.join(alert.recovered)}")
    said = (alert.notice, alert.outcome.failure_reason, said_without_report(alert.outcome))
    lines += [_safe(text) for text in said if text]
    shown = alert.violations[:_MOST_VIOLATIONS]
    if (alert.outcome.violation_count or 0) > len(shown):  # before them: what is too long is cut at its end
        lines.append(f"{len(shown)} of {alert.outcome.violation_count} violations are shown")
    lines += [f"*{_safe(each.subject)}* {_safe(check_text(each))}: {_safe(violation_text(each))}" for each in shown]
    return _message(alert.key, incident_key(alert), alert_subject(alert), "\n".join(lines), [alert], link)


def chat_bundle(alerts: Sequence[Alert]) -> dict[str, Any]:
    """Return one notification of several alerts."""
    lines = "\n".join(f"- {_safe(alert_subject(alert))}" for alert in alerts)
    return _message(alerts[0].key, alerts[0].key, bundle_subject(alerts), lines, alerts, None)


def _message(
    identity: str, thread: str, title: str, description: str, alerts: Sequence[Alert], link: str | None
) -> dict[str, Any]:
    next_steps = [f"<{link}|Open the report>"] if link else []
    return {
        "version": "1.0",
        "source": "custom",
        "id": identity,
        "content": {
            "textType": "client-markdown",
            "title": bounded_text(_safe(title), _TITLE),
            "description": bounded_text(description, _DESCRIPTION),
            "nextSteps": next_steps,
            "keywords": sorted({alert.monitoring_schedule_name for alert in alerts})[:5],
        },
        "metadata": {
            "threadId": thread,
            "summary": bounded_text(_safe(title), _TITLE),
            "eventType": "ModelwatchAlert",
            "additionalContext": {"severity": str(alerts[0].severity)},
            "enableCustomActions": False,
        },
    }


def _safe(text: str) -> str:
    """Return text that means nothing in a chat's markup, and calls nobody."""
    escaped = one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped.replace("@", "")
