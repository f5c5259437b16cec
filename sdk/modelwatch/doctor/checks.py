"""Every check, in the order in which they are made."""

from __future__ import annotations

from modelwatch.doctor import alerting, deployment, executions, machine, monitors, storage
from modelwatch.doctor.deployed import Deployed
from modelwatch.doctor.problem import Check

OF_A_STACK: tuple[Check[Deployed], ...] = (
    Check("stack", deployment.stack),
    Check("functions", deployment.functions),
    Check("rules", deployment.rules),
    Check("schedules", deployment.schedules),
    Check("ledger", storage.ledger),
    Check("results bucket", storage.results_bucket),
    Check("permissions", storage.permissions),
    Check("alert topic", alerting.topic),
    Check("default alert targets", alerting.default_targets),
    Check("dead letters", alerting.dead_letters),
    Check("alarms", alerting.alarms),
    Check("clocks", monitors.clocks),
    Check("capture", monitors.capture),
    Check("baselines", monitors.baselines),
    Check("executions", executions.executions),
    Check("metrics", executions.metrics),
)

OF_THIS_MACHINE: tuple[Check[None], ...] = (
    Check("Python", machine.python),
    Check("disk", machine.disk),
    Check("memory", machine.memory),
    Check("container engine", machine.engine),
    Check("analysis", machine.analysis),
    Check("local stack", machine.local_stack),
)
