"""Whether people hear of what is found, and of what fails."""

from __future__ import annotations

from collections.abc import Iterator

from modelwatch.doctor.deployed import Deployed
from modelwatch.doctor.problem import Problem
from modelwatch_core.domain.alert_targets import DEFAULT_ALERT_TARGETS
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.settings import AlertSettings
from modelwatch_core.wiring import ALERT_TARGETS


def topic(deployed: Deployed) -> Iterator[Problem]:
    """Yield a problem if nobody receives alerts."""
    arn = deployed.output("AlertTopicArn")
    pages = deployed.client("sns").get_paginator("list_subscriptions_by_topic").paginate(TopicArn=arn)
    confirmed = [each["SubscriptionArn"].startswith("arn:") for page in pages for each in page["Subscriptions"]]
    if not confirmed:
        yield Problem(
            "NobodySubscribed", f"{arn} has no subscription: alerts reach nobody", "deploy with NotificationEmail"
        )
    elif not any(confirmed):
        message = f"no subscription of {arn} is confirmed: alerts reach nobody"
        yield Problem("SubscriptionNotConfirmed", message, "follow the link in the mail from AWS Notifications")


def default_targets(deployed: Deployed) -> Iterator[Problem]:
    """Yield a problem if alerts of schedules that name no targets can be raised for none."""
    name = deployed.of_type("AWS::Lambda::Function")["RouteAlerts"]
    configuration = deployed.client("lambda").get_function_configuration(FunctionName=name)
    settings = AlertSettings.model_validate(configuration["Environment"]["Variables"])
    try:
        targets = settings.default_targets
    except InvalidInput as error:
        yield Problem(
            "DefaultAlertTargetsUnreadable", error.message, f"deploy with a JSON list in {DEFAULT_ALERT_TARGETS}"
        )
        return
    for target in targets:
        if target.type not in ALERT_TARGETS:
            message = f"{DEFAULT_ALERT_TARGETS}: {target.type!r} is not a type of alert target"
            yield Problem("UnknownAlertTarget", message, f"deploy with one of {', '.join(ALERT_TARGETS)}")
        elif target.address.endswith(".fifo"):
            message = f"{DEFAULT_ALERT_TARGETS}: {target.address} is a FIFO topic, which cannot receive alerts"
            yield Problem("UnfitAlertTarget", message, "deploy with a standard topic")
        elif target.address not in (settings.functions if target.type == "lambda" else settings.topics):
            message = f"{DEFAULT_ALERT_TARGETS}: this deployment may not notify {target.address}"
            yield Problem("UnfitAlertTarget", message, "deploy with it in AlertTopicArns or AlertFunctionArns")


def dead_letters(deployed: Deployed) -> Iterator[Problem]:
    """Yield a problem if something was given up."""
    url = deployed.output("DeadLettersUrl")
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = deployed.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    count = sum(int(found.get(name, 0)) for name in names)
    if count:
        fix = 'read one to see why; invoke the output ReconcileFunction with {"redeliver": "everything"}'
        yield Problem("DeadLettersWaiting", f"the dead-letter queue holds {count:,}: {url}", fix)


def alarms(deployed: Deployed) -> Iterator[Problem]:
    """Yield the alarms that are on, or gone."""
    names = deployed.of_type("AWS::CloudWatch::Alarm")
    found = deployed.client("cloudwatch").describe_alarms(AlarmNames=list(names.values()))["MetricAlarms"]
    states = {alarm["AlarmName"]: (alarm["StateValue"], alarm.get("StateReason", "")) for alarm in found}
    for logical, name in names.items():
        state, reason = states.get(name, ("gone", "deleted outside of CloudFormation"))
        if state in ("ALARM", "gone"):
            yield Problem("AlarmOn", f"{logical} is {state}: {reason}", "its description says where to look")
