"""Windows of a kind that is added are replayed by its own analysis, without a line elsewhere."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from modelwatch.model_monitor import DefaultModelMonitor
from modelwatch.s3 import S3Downloader
from modelwatch_core.domain.monitor_kinds import KINDS
from tests.additions.toy_monitor import ROW_COUNT
from tests.shell.fake_app import SCHEDULE, FakeApp, execution

SPAN = datetime(2026, 11, 20, 8, tzinfo=UTC), datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize(("least_rows", "after"), [("3", ()), ("4", (("rows", "row_count_check"),))])
def test_a_kind_of_monitor_is_replayed(monkeypatch, tmp_path, least_rows, after):
    monkeypatch.setitem(KINDS, ROW_COUNT.monitoring_type, ROW_COUNT)
    content = json.dumps({"rows": 3}).encode()
    monkeypatch.setattr(S3Downloader, "read_bytes", lambda *_: content)
    monkeypatch.setattr(S3Downloader, "read_file", lambda *_, **__: '{"violations": []}')
    schedule = SCHEDULE | {"monitoring_type": "RowCount", "environment": {"least_rows": least_rows}}
    executions = {"executions": [execution(9, monitoring_type="RowCount")]}
    app = FakeApp(DescribeMonitoringSchedule=schedule, ListMonitoringExecutions=executions)
    monitor = DefaultModelMonitor(sagemaker_session=app)
    monitor.monitoring_schedule_name = "hourly"
    (tmp_path / "constraints.json").write_text("{}")
    (window,) = monitor.replay(str(tmp_path / "constraints.json"), *SPAN)
    assert (window.before, window.after) == ((), after)
