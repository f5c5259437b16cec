"""An analyzer that dies of every execution, as one that runs out of memory does."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.app.deployed_app import HOUR, START, App, started
from tests.repository import ROOT

FAILING_ANALYZER = '''
"""An analyzer that dies of every execution, as one that ran out of memory does; baselines it makes."""

import os
import sys

sys.path.insert(0, {real!r})
import importlib.util

spec = importlib.util.spec_from_file_location("real_app", {real!r} + "/app.py")
real_app = importlib.util.module_from_spec(spec)
spec.loader.exec_module(real_app)


def handler(event, context):
    if event["subject"].startswith("execution/"):
        os._exit(137)
    return real_app.handler(event, context)
'''

pytestmark = pytest.mark.long_setup


def test_a_crashed_analyzer_ends_in_one_failed_record_and_one_mail(tmp_path):
    for name in ("functions", "layers"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "template.yaml").write_text((ROOT / "template.yaml").read_text())
    (tmp_path / "analyzer_container").mkdir()
    (tmp_path / "analyzer_container/Dockerfile").write_text((ROOT / "analyzer_container/Dockerfile").read_text())
    script = FAILING_ANALYZER.format(real=str(ROOT / "analyzer_container"))
    (tmp_path / "analyzer_container/app.py").write_text(script)
    with started(tmp_path / "template.yaml") as stack:
        app = App(stack)
        assert app.make_baseline()["status"] == "Completed"
        app.make_schedule()
        nine = START.replace(minute=0) + HOUR
        app.capture(nine)
        app.capture(nine + HOUR)
        app.stack.advance_to(nine + 2 * HOUR + timedelta(minutes=6))
        for hour in (nine, nine + HOUR):
            failed = app.execution(hour + HOUR)
            assert failed["monitoring_execution_status"] == "Failed"
            assert failed["outcome"]["failure_reason"].startswith("AnalyzerCrashed: the analyzer was started 2 times")
        (mail,) = app.stack.mails  # the alert begins with the first of them, and lasts
        assert "execution failed" in mail["Subject"]
