"""The simulated time of a campaign."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.campaign.plan import SERVICES, START, Plan
from tests.campaign.simulation import Killed, Process, Simulation

SECOND = timedelta(seconds=1)


def start(simulation, name, body, *, timeout=60, ends=None):
    process = Process(name, name, simulation.now + timeout * SECOND, timedelta(0), is_newer=False)
    simulation.start(process, body, (ends if ends is not None else []).append)


def test_processes_run_in_the_middle_of_each_others_waits_in_the_order_of_time():
    simulation, seen = Simulation(START), []

    def steps(name, *waits):
        for wait in waits:
            seen.append((name, (simulation.now - START).total_seconds()))
            simulation.wait(wait)

    start(simulation, "a", lambda: steps("a", 2, 5))
    start(simulation, "b", lambda: steps("b", 1, 2, 1))
    simulation.run(until=START + 60 * SECOND)
    assert seen == [("a", 0), ("b", 0), ("b", 1), ("a", 2), ("b", 3)]


def test_a_process_whose_time_is_over_is_killed_where_it_waits():
    simulation, ends, seen = Simulation(START), [], []

    def body():
        simulation.wait(5)
        try:
            simulation.wait(20)
        except Exception:  # as code under test may catch everything
            seen.append("went on")

    start(simulation, "slow", body, timeout=10, ends=ends)
    simulation.run(until=START + 60 * SECOND)
    assert [type(end) for end in ends] == [Killed]
    assert seen == []


def test_what_a_process_raises_is_its_end_and_what_is_left_is_ended_with_the_simulation():
    simulation, ends = Simulation(START), []
    start(simulation, "wrong", lambda: 1 / 0, ends=ends)
    start(simulation, "left", lambda: simulation.wait(600), timeout=900, ends=ends)
    simulation.after(300, lambda: None)  # what is due before the wait is over
    simulation.run(until=START + 60 * SECOND)
    simulation.close()
    assert [type(end) for end in ends] == [ZeroDivisionError]


@pytest.mark.parametrize("seed", range(20))
def test_a_seed_draws_one_plan_with_an_outage_of_each_service(seed):
    plan = Plan.drawn(1000, seed)
    again = Plan.drawn(1000, seed)
    assert (plan.schedules, plan.outages, plan.newer) == (again.schedules, again.outages, again.newer)
    assert len({outage.service for outage in plan.outages}) == len(plan.outages) == len(SERVICES)
    lengths = [(outage.end - outage.start) / timedelta(minutes=1) for outage in plan.outages]
    assert min(lengths) >= 0.99
    assert max(lengths) == pytest.approx(360)
    assert all(outage.end <= plan.end_of_faults for outage in plan.outages)
    assert plan.executions >= 1000
