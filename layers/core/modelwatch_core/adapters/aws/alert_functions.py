"""``AlertTarget``: Lambda functions of the user's own."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelwatch_core.adapters.aws.translation import aws_errors
from modelwatch_core.domain.alert_event import alert_event
from modelwatch_core.domain.alert_targets import refuse_unlisted
from modelwatch_core.domain.alerts import Alert
from modelwatch_core.domain.monitoring_schedule import ScheduleRequest

if TYPE_CHECKING:
    from types_boto3_lambda.client import LambdaClient


@dataclass(frozen=True, slots=True)
class AlertFunctions:
    """Lambda functions; an address is the ARN of one.

    Parameters
    ----------
    listed : collection of str
        The ARNs of the functions that this deployment may invoke.
    own : str
        The ARN of something in the account and region of the deployment.
    """

    functions: LambdaClient
    listed: Collection[str]
    own: str = ""

    def check(self, address: str, schedule: ScheduleRequest) -> None:  # noqa: ARG002 - the same for all schedules
        """Refuse a function that may not be invoked."""
        refuse_unlisted(address, self.listed, own=self.own, parameter="AlertFunctionArns")

    def send(self, alert: Alert, address: str) -> None:
        """Invoke a function with an alert, without waiting for it: its retries are Lambda's."""
        with aws_errors(f"invoking {address}"):
            self.functions.invoke(FunctionName=address, InvocationType="Event", Payload=json.dumps(alert_event(alert)))
