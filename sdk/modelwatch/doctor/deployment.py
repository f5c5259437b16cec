"""The stack, its functions, rules and schedules."""

from __future__ import annotations

from collections.abc import Iterator

from modelwatch.doctor.deployed import Deployed
from modelwatch.doctor.problem import Problem

_OWN_SCHEDULES = {
    "modelwatch_sweep": ("SweepDisabled", "what no event reports is never finished"),
    "modelwatch_redelivery": ("RedeliveryDisabled", "what an outage held up is not delivered after it"),
}
"""The schedules of the app itself: the code and the consequence if one is disabled."""
_SWITCHED = {
    "CreateBaselineTrainingCompleted": ("BaselineRule", "Disabled"),
    "CreateBaselineModelApproved": ("BaselineRule", "Disabled"),
    "FinishExecutionJobRunEnded": ("SparkPackagesUri", ""),
}
"""The rules that are disabled while a parameter has its default: the parameter and that value."""
_SETTLED = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"}


def stack(deployed: Deployed) -> Iterator[Problem]:
    """Yield a problem unless the last deployment succeeded."""
    if deployed.status not in _SETTLED:
        message = f"the stack {deployed.name} is {deployed.status}"
        yield Problem("StackNotReady", message, "see its events in CloudFormation, and deploy again")


def functions(deployed: Deployed) -> Iterator[Problem]:
    """Yield the functions that cannot be invoked, or whose last update failed."""
    client = deployed.client("lambda")
    for logical, name in deployed.of_type("AWS::Lambda::Function").items():
        found = client.get_function_configuration(FunctionName=name)
        state, update = found.get("State", "Active"), found.get("LastUpdateStatus", "Successful")
        if (state, update) != ("Active", "Successful"):
            reason = found.get("LastUpdateStatusReason") or found.get("StateReason") or "no reason is given"
            message = f"{logical} is {state}, its last update {update}: {reason}"
            yield Problem("FunctionNotReady", message, "wait a minute if it is pending; otherwise deploy again")


def rules(deployed: Deployed) -> Iterator[Problem]:
    """Yield the rules that are disabled or gone: the events that they match reach nobody."""
    pages = deployed.client("events").get_paginator("list_rules")
    listed = [
        *pages.paginate(EventBusName=deployed.output("EventBusName")),
        *pages.paginate(NamePrefix=deployed.name),
    ]
    states = {rule["Name"]: rule["State"] for page in listed for rule in page["Rules"]}
    for logical, physical in deployed.of_type("AWS::Events::Rule").items():
        if logical in _SWITCHED:
            parameter, off = _SWITCHED[logical]
            if deployed.parameters.get(parameter, off) == off:
                continue
        name = physical.rpartition("|")[2]  # of a bus that is not the default one: bus|rule
        if (state := states.get(name)) != "ENABLED":
            fix = f"aws events enable-rule --name {name}" if state else "deploy again"
            yield Problem("RuleDisabled", f"the rule {logical} is {state or 'not there'}", fix)


def schedules(deployed: Deployed) -> Iterator[Problem]:
    """Yield a problem if ticks cannot fire, or the app's own schedules do not."""
    client = deployed.client("scheduler")
    group = next(iter(deployed.of_type("AWS::Scheduler::ScheduleGroup").values()), f"{deployed.name}-schedules")
    group = group.rpartition("/")[2]
    state = client.get_schedule_group(Name=group)["State"]
    if state != "ACTIVE":
        yield Problem("ScheduleGroupNotActive", f"the schedule group {group} is {state}", "deploy again")
        return
    pages = client.get_paginator("list_schedules").paginate(GroupName=group, NamePrefix="modelwatch_")
    states = {each["Name"]: each["State"] for page in pages for each in page["Schedules"]}
    for name, (code, consequence) in _OWN_SCHEDULES.items():
        if (state := states.get(name)) != "ENABLED":
            message = f"the schedule {name} is {state or 'not there'}: {consequence}"
            yield Problem(code, message, "enable it in EventBridge Scheduler, or deploy again")
