"""What people should know of a schedule besides the ends of its executions: its endpoint changed."""

from __future__ import annotations

from datetime import datetime, timedelta

from modelwatch_core.domain.alerts import Alert
from modelwatch_core.domain.monitoring_schedule import MonitoringSchedule
from modelwatch_core.domain.outcome import Outcome, OutcomeStatus
from modelwatch_core.domain.watched_endpoint import Notice
from modelwatch_core.domain.windows import Window


def notice_alert(notice: Notice, schedule: MonitoringSchedule, now: datetime) -> Alert:
    """Return the alert that carries a notice: one for each version of the schedule, however often it is raised."""
    end = (notice.noticed or now).replace(microsecond=0)
    return Alert(
        key="/".join((schedule.schedule_id, "notice", str(schedule.version), notice.code)),
        severity=notice.severity,
        headline=notice.headline,
        monitoring_schedule_name=schedule.monitoring_schedule_name,
        monitoring_type=schedule.monitoring_type,
        endpoint_name=schedule.endpoint_name,
        window=Window(start=end - timedelta(minutes=1), end=end),
        since=end,
        outcome=Outcome(status=OutcomeStatus.COMPLETED, exit_message=f"{notice.code}: {notice.message}"),
        reports_s3_uri=schedule.output_s3_uri,
    )
