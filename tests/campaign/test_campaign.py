"""A campaign of a size that fits in the tests; `make campaign` runs a thousand executions."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.campaign.faults import Fault
from tests.campaign.plan import Plan
from tests.campaign.run import run


@pytest.mark.slow
def test_whatever_fails_each_window_ends_once_truly_and_is_reported_as_promised():
    plan = Plan.drawn(24, 2, timedelta(minutes=20))
    counts = run(plan)
    assert counts.differences == []
    assert counts.rows["... with exactly one terminal record, announced"] == plan.executions == 24
    # A campaign in which nothing went wrong would show nothing.
    assert all(counts.rows[f"... {fault}"] for fault in Fault)
    assert counts.rows["... that failed in an outage"] > 10
    assert counts.rows["events and ticks that never came"] * counts.rows["events and ticks that came three times"]
