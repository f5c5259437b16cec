"""An alert that could not be sent in an outage is sent after it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.app.deployed_app import HOUR, START, App, started
from tests.repository import ROOT

DURING_THE_OUTAGE = "from pathlib import Path\nif Path({marker!r}).exists():\n    raise OSError('SNS is away')\n"

pytestmark = pytest.mark.long_setup


def test_an_alert_that_an_outage_held_up_is_sent_once_by_the_sweep(tmp_path):
    for name in ("layers", "analyzer_container"):
        (tmp_path / name).symlink_to(ROOT / name)
    for function in (ROOT / "functions").iterdir():
        (tmp_path / "functions" / function.name).mkdir(parents=True)
        for file in function.glob("*.py"):
            (tmp_path / "functions" / function.name / file.name).write_text(file.read_text())
    outage = tmp_path / "outage"
    outage.touch()
    broken = tmp_path / "functions/route_alerts/app.py"
    future, rest = broken.read_text().split("from __future__ import annotations\n")
    script = DURING_THE_OUTAGE.format(marker=str(outage))
    broken.write_text(f"{future}from __future__ import annotations\n{script}{rest}")
    (tmp_path / "template.yaml").write_text((ROOT / "template.yaml").read_text())
    with started(tmp_path / "template.yaml") as stack:
        app = App(stack)
        assert app.make_baseline()["status"] == "Completed"
        app.make_schedule()
        nine = START.replace(minute=0) + HOUR
        app.capture(nine, income_factor=3)
        stack.advance_to(nine + HOUR + timedelta(minutes=6))
        assert app.execution(nine + HOUR)["monitoring_execution_status"] == "CompletedWithViolations"
        assert app.mails_of(nine) == []
        outage.unlink()
        app.call("ReconcileFunction", {"redeliver": "everything"})
        stack.settle()
        assert len(app.mails_of(nine)) == 1
        app.call("ReconcileFunction", {"redeliver": "everything"})
        stack.settle()
        assert len(app.mails_of(nine)) == 1
