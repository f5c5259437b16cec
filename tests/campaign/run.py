"""Runs a campaign: sets the schedules, lets the hours pass, and counts."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, cast

from moto.scheduler.models import scheduler_backends

from modelwatch.local.scheduler import Firing, Schedule, Scheduler
from modelwatch_core import wiring
from modelwatch_core.app.manage_monitors import ManageMonitorsRequest
from tests.campaign import functions
from tests.campaign.aws import Aws, app_on
from tests.campaign.counts import Counts, counted
from tests.campaign.faults import Faults
from tests.campaign.plan import HOUR, MINUTE, START, Ending, Plan
from tests.campaign.services import Services
from tests.campaign.simulation import Simulation
from tests.campaign.template import ACCOUNT, CAPTURES, GROUP, REGION, RESULTS, deployment, function_arn

_SET_AT = START + 20 * MINUTE


@dataclass(frozen=True, slots=True)
class World:
    """The app on a simulated AWS, its schedules set."""

    simulation: Simulation
    faults: Faults
    services: Services
    aws: Aws


def run(plan: Plan, progress: Callable[[datetime], object] = lambda _: None) -> Counts:
    """Run a campaign and return what was counted at its end; ``progress`` is called at each full hour."""
    with prepared(plan) as world:
        for hour in range(1, (plan.end - START) // HOUR + 1):
            world.simulation.at(START + hour * HOUR, partial(progress, START + hour * HOUR))
        world.simulation.run(until=plan.end)
        world.simulation.close()
        calls, trace = world.aws.calls.total(), world.aws.trace.hexdigest()
        return counted(plan, world.services.log, world.faults, calls, trace)


@contextmanager
def prepared(plan: Plan) -> Iterator[World]:
    """Set the schedules of a plan; what it says happens as the simulation runs."""
    simulation = Simulation(START)
    faults = Faults(plan, simulation)
    services = Services(plan, simulation, functions.handlers(plan, simulation))
    aws = Aws(plan, simulation, faults, services)
    logging.disable(logging.CRITICAL)
    drawn = random.getstate()
    random.seed(plan.seed)  # by which botocore draws how long it waits between two attempts
    try:
        with app_on(aws, simulation):
            _prepare(plan, simulation)
            simulation.run(until=_SET_AT)
            _set_schedules(plan)
            _let_schedules_fire(plan, simulation, services)
            yield World(simulation, faults, services, aws)
    finally:
        simulation.close()
        logging.disable(logging.NOTSET)
        random.setstate(drawn)


def _prepare(plan: Plan, simulation: Simulation) -> None:
    s3 = wiring._session().client("s3")
    for name in ("constraints", "statistics"):
        s3.put_object(Bucket=RESULTS, Key=f"baseline/{name}.json", Body=b"{}")
    for schedule, start in plan.windows():
        if plan.ending(schedule.name, start) is not Ending.NO_DATA:
            key = f"live/{schedule.endpoint}/AllTraffic/{start:%Y/%m/%d/%H}/30-00-000-a.jsonl"
            put = partial(s3.put_object, Bucket=CAPTURES, Key=key, Body=functions.capture(start))
            simulation.at(start + HOUR / 2, put)


def _set_schedules(plan: Plan) -> None:
    manage = replace(wiring.manage_monitors(), new_token=lambda: f"{plan.random.getrandbits(32):08x}")
    for schedule in plan.schedules:
        baseline = {"constraints_s3_uri": f"s3://{RESULTS}/baseline/constraints.json"}
        parameters: dict[str, Any] = {
            "monitoring_schedule_name": schedule.name,
            "schedule_expression": "cron(0 * ? * * *)",
            "start_delay_minutes": schedule.delay_minutes,
            "endpoint_input": {
                "endpoint_name": schedule.endpoint,
                "data_captured_destination_s3_uri": f"s3://{CAPTURES}/live",
            },
            "baseline": baseline,
            # Each execution that ends badly has a message: then none has one by chance, whatever came before it.
            "alerting": {"remind_after_hours": 0},
        }
        if schedule.explains:
            predictor = {"model_name": "scorer", "instance_type": "ml.m5.large"}
            parameters["monitoring_type"] = "ModelExplainability"
            parameters["analysis_config"] = {"predictor": predictor, "methods": {"shap": {}}}
        else:
            baseline["statistics_s3_uri"] = f"s3://{RESULTS}/baseline/statistics.json"
        manage(ManageMonitorsRequest(operation="CreateMonitoringSchedule", parameters=parameters))


def _let_schedules_fire(plan: Plan, simulation: Simulation, services: Services) -> None:
    sweeps = {schedule.arn for schedule in _sweeps()}
    scheduler = Scheduler(_schedules, deliveries=cast("Any", services), clients=cast("Any", None))

    def fire_next(after: datetime) -> None:
        if firings := scheduler.due(after=after, until=plan.end):
            simulation.at(firings[0].due, lambda: fire(firings))

    def fire(firings: Sequence[Firing]) -> None:
        for firing in firings:
            if firing.arn in sweeps or firing.due < plan.last_tick + timedelta(minutes=30):
                scheduler.fire(firing)
        fire_next(firings[0].due)

    fire_next(simulation.now)


def _schedules() -> list[Any]:
    """Return the sweeps' schedules, and what ManageMonitors set in EventBridge Scheduler."""
    group = scheduler_backends[ACCOUNT][REGION].schedule_groups[GROUP]
    users = [
        Schedule(each.arn, each.arn, each.name, GROUP, each.schedule_expression, "UTC", each.target)
        for each in group.schedules.values()
    ]
    return [*_sweeps(), *users]


def _sweeps() -> list[Schedule]:
    """Return the schedules of the template: of sweeps, and of what is delivered again."""
    schedules = []
    for properties in deployment().sweeps:
        name = properties["Name"]
        arn = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/{GROUP}/{name}"
        of_target = {
            key: properties[key] for key in ("Input", "RoleArn", "RetryPolicy", "DeadLetterConfig") if key in properties
        }
        target = {"Arn": function_arn("Reconcile"), **of_target}
        schedules.append(Schedule(arn, arn, name, GROUP, properties["ScheduleExpression"], "UTC", target))
    return schedules
