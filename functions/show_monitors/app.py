"""An execution ended, and the pages of the dashboard follow; or CloudWatch shows the dashboard as a custom widget."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.parser.models import EventBridgeModel
from aws_lambda_powertools.utilities.typing import LambdaContext

from modelwatch_core import wiring
from modelwatch_core.domain.dashboard.markup import element
from modelwatch_core.domain.documents import parsed
from modelwatch_core.domain.errors import InvalidInput, ModelwatchError
from modelwatch_core.domain.events import ExecutionEnded

logger, metrics = Logger(), Metrics()

DESCRIPTION = """### Monitors
All monitors at a glance: state, last and next execution, the latest executions, what is nearest to a violation.

``` yaml
monitor: the name of a monitoring schedule, for its history; leave it out for all
```"""


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> str | None:
    """Write the pages, or serve CloudWatch, which asks with the rights of who looks at it."""
    metrics.add_metric(name="Dashboards", unit="Count", value=1)
    match event:
        case {"detail-type": _}:
            ended = parsed(EventBridgeModel, event).detail
            wiring.write_dashboard()(parsed(ExecutionEnded, ended))
            return None
        case {"describe": True}:
            return DESCRIPTION
        case {"widgetContext": {"theme": str(theme)}}:
            arn = context.invoked_function_arn
            try:
                return wiring.show_widget()(monitor=str(event.get("monitor") or ""), theme=theme, function_arn=arn)
            except ModelwatchError as error:  # CloudWatch would show the stack trace of an error
                return str(element("p", str(error)))
        case _:
            raise InvalidInput("UnknownEvent", "this is neither the end of an execution nor a custom widget's request")
