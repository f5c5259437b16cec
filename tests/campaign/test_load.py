"""A load of a size that fits in the tests; `make load` drives 5,000 executions."""

from __future__ import annotations

import pytest

from tests.campaign.load import Load, SameSecond, measure

MEBIBYTE = 2**20


@pytest.mark.slow
def test_memory_does_not_grow_with_the_executions_and_events_that_are_over():
    measured = measure(Load.of(12, 2))
    assert measured.differences == []
    assert measured.executions == 12
    assert measured.deliveries > 10 * measured.executions
    memory = dict(measured.memory)  # the first hours load what every later one uses
    assert memory[100] - memory[50] < MEBIBYTE, memory


@pytest.mark.slow
def test_what_ends_in_the_same_second_is_announced_and_alerted_at_the_same_cost_however_much_it_is():
    few, many = measure(SameSecond.of(2, 2)), measure(SameSecond.of(6, 6))  # `make load` has 100
    assert (few.differences, many.differences) == ([], [])
    assert (list(few.ends.values()), list(many.ends.values())) == ([2], [6])
    assert (few.alerts, many.alerts) == (2, 6)
    for function in ("FinishExecution", "LaunchExecution", "Analyzer"):
        assert many.calls[function] == 3 * few.calls[function]
    # What is sent together costs some calls more for each than what is sent by itself, and far fewer messages.
    assert many.calls["RouteAlerts"] < 2 * 3 * few.calls["RouteAlerts"]
