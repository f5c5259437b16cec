"""What happens when an execution ends badly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from modelwatch.arguments import choice, flag, text

_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d+:[\w.-]{1,256}")
_FUNCTION = re.compile(r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d+:function:[\w-]{1,64}(:[\w$-]+)?")

_TOPICS = {"people": "sns", "json": "sns-json", "chat": "sns-chat"}
_WHICH = ("least_severity", "alerts", "endpoints", "tags")


@dataclass
class MonitoringAlertActions:
    """Who is notified of violations and failures of a schedule's executions, in place of the deployment's own topic.

    Whether the deployment can notify them is checked when the schedule is made.

    Attributes
    ----------
    targets : list of dict
        ``{"type": ..., "address": ...}`` each, in the order in which they were added, none of them twice.
    model_dashboard_indicator : ModelDashboardIndicatorAction, optional
        Whether the dashboard shows the schedule's state; it does if this is not given.

    Examples
    --------
    >>> actions = MonitoringAlertActions()
    >>> actions.add_sns_topic("arn:aws:sns:us-west-2:123456789012:ml-team-alerts")
    >>> actions.targets
    [{'type': 'sns', 'address': 'arn:aws:sns:us-west-2:123456789012:ml-team-alerts'}]
    """

    targets: list[dict[str, Any]] = field(default_factory=list)
    model_dashboard_indicator: ModelDashboardIndicatorAction | None = None

    def add_sns_topic(self, topic_arn: str, *, message: str = "people", **which: Any) -> None:
        """Notify an SNS topic.

        Parameters
        ----------
        topic_arn : str
            One of the topics in the deployment's parameter ``AlertTopicArns``, or its own.
        message : str
            ``people``: a body for each protocol, text for mail and SMS and JSON for queues; ``json``: JSON with
            attributes for filter policies; ``chat``: for AWS's chat integration alone.
        **which
            Which alerts go there: ``least_severity``, ``alerts``, ``endpoints``, ``tags``.
        """
        if not _TOPIC.fullmatch(text("topic_arn", topic_arn)):
            raise ValueError(f"topic_arn: {topic_arn!r} is not the ARN of an SNS topic")
        self._add(_TOPICS[choice("message", message, _TOPICS)], topic_arn, which)

    def add_lambda(self, function_arn: str, **which: Any) -> None:
        """Invoke a Lambda function.

        Its event has ``monitoringScheduleName``, ``endpointName``, ``violationReport`` and ``timestamp``.

        Parameters
        ----------
        function_arn : str
            One of the functions in the deployment's parameter ``AlertFunctionArns``.
        **which
            Which alerts go there: ``least_severity``, ``alerts``, ``endpoints``, ``tags``.
        """
        if not _FUNCTION.fullmatch(text("function_arn", function_arn)):
            raise ValueError(f"function_arn: {function_arn!r} is not the ARN of a Lambda function")
        self._add("lambda", function_arn, which)

    def add_cloudwatch_alarm(self, alarm_name: str) -> None:
        """Name a CloudWatch alarm that watches the schedule: it must exist, and watch one of its metrics.

        An alarm follows its metric. Its state is not set from outside, which would last until the next evaluation. It
        does not see that an execution failed, so alerts go to the other targets, or to the deployment's topic.

        Parameters
        ----------
        alarm_name : str
            An alarm of this account and region.
        """
        self._add("cloudwatch-alarm", text("alarm_name", alarm_name), {})

    def _add(self, kind: str, address: str, which: Mapping[str, Any]) -> None:
        if unknown := sorted(which.keys() - set(_WHICH)):
            raise TypeError(f"{', '.join(unknown)}: alerts are chosen by {', '.join(_WHICH)}")
        target = {"type": kind, "address": address, **which}
        if target not in self.targets:
            self.targets.append(target)


@dataclass(frozen=True)
class ModelDashboardIndicatorAction:
    """Whether the dashboard shows the state of a schedule.

    It is given to ``MonitoringAlertActions``. The dashboard is the app's own; SageMaker's Model Dashboard shows
    SageMaker's own alerts only.

    Parameters
    ----------
    enabled : bool
    """

    enabled: bool

    def __post_init__(self) -> None:
        """Refuse what is neither True nor False."""
        flag("enabled", self.enabled)

    def _to_request_dict(self) -> dict[str, bool]:
        return {"Enabled": self.enabled}
