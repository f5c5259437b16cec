"""What ``modelwatch alerts`` prints, and asks of the app."""

from __future__ import annotations

import json

import pytest

from tests.core.world import DRIFT, World
from tests.shell.conftest import Run
from tests.shell.fake_app import FakeApp


@pytest.fixture(scope="module")
def world() -> World:
    """An app whose schedule ``hourly`` is in alert."""
    world = World()
    world.has_schedule()
    world.has_captures()
    world.finish(world.ends(world.tick(), DRIFT))
    world.deliver()
    return world


def test_alerts_of_a_schedule_are_a_table(run: Run, world: World) -> None:
    app = FakeApp(ListMonitoringAlerts=world.manage("ListMonitoringAlerts", monitoring_schedule_name="hourly"))
    result = run(app, "alerts", "list", "hourly")
    assert result.exit_code == 0, result.stderr
    (violations,) = (line for line in result.stdout.splitlines() if "violations" in line)
    assert violations.split()[:5] == ["violations", "InAlert", "2026-11-22", "09:00", "warning"]
    assert "1 of 1 execution is bad" in violations
    (not_fired,) = (line for line in result.stdout.splitlines() if line.startswith("not-fired"))
    assert "the schedule does not fire" in not_fired
    assert "muted until" not in result.stdout  # which none of them is


def test_the_history_names_what_changed_and_when(run: Run, world: World) -> None:
    history = world.manage("ListMonitoringAlertHistory", monitoring_schedule_name="hourly")
    app = FakeApp(ListMonitoringAlertHistory=history)
    printed = run(app, "alerts", "history", "hourly", "--status-equals", "InAlert").stdout
    assert "InAlert" in printed
    assert json.loads(run(app, "alerts", "history", "--json").stdout) == history


@pytest.mark.parametrize(
    ("command", "operation", "response", "said"),
    [
        (
            ("update", "hourly", "violations", "--datapoints-to-alert", "2", "--evaluation-period", "3"),
            "UpdateMonitoringAlert",
            {"monitoring_schedule_name": "hourly", "monitoring_alert_name": "violations"},
            "violations of hourly is on while 2 of 3 executions are bad.",
        ),
        (
            ("mute", "hourly", "--until", "2026-12-24T18:00Z"),
            "MuteMonitoringAlerts",
            {"monitoring_schedule_name": "hourly", "muted_until": "2026-12-24T18:00:00Z"},
            "hourly is muted until 2026-12-24 18:00 UTC.",
        ),
        (
            ("unmute", "hourly"),
            "MuteMonitoringAlerts",
            {"monitoring_schedule_name": "hourly", "muted_until": None},
            "hourly is no longer muted.",
        ),
    ],
)
def test_a_change_is_confirmed(
    run: Run, command: tuple[str, ...], operation: str, response: dict[str, str | None], said: str
) -> None:
    result = run(FakeApp(**{operation: response}), "alerts", *command)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.strip() == said
