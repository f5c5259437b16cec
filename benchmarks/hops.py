"""From the end of an analysis to the alert in SNS: each hop of an execution in the local stack, and its time.

The times are those at which the local stack received calls and started functions. Its functions are processes of this
machine and its services one more: AWS has other times, and the same hops.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import median

from rich.table import Table

from benchmarks.processes import terminal
from benchmarks.targets import say
from modelwatch.demo.app import App
from modelwatch.local import LocalStack

_HOUR = timedelta(hours=1)
_TARGET = 2.0
_MONITORED = "hops"


def run(options: argparse.Namespace) -> None:
    """Measure and print."""
    parameters = {"NotificationEmail": "team@example.com", "MonitoredBuckets": _MONITORED}
    with LocalStack(parameters=parameters | {"CaptureSettlingSeconds": "0"}) as stack:
        app = App(stack)
        _prepare(stack, app)
        last = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        count = 1 + options.repetitions
        measured = [_hops(stack, app, last - (count - n) * _HOUR) for n in range(count)]
    cold, warm = measured[0], measured[1:]
    table = Table(title=f"seconds after the hop before, cold / median of {len(warm)} warm")
    for heading in ("hop", "cold", "warm"):
        table.add_column(heading, justify="left" if heading == "hop" else "right")
    for place, (hop, seconds) in enumerate(cold):
        table.add_row(hop, f"{seconds:.3f}", f"{median(each[place][1] for each in warm):.3f}")
    totals = [sum(seconds for _, seconds in hops) for hops in measured]
    table.add_row("all", f"{totals[0]:.3f}", f"{median(totals[1:]):.3f}")
    console = terminal()
    console.print(table)
    warm_seconds = median(totals[1:])
    found = f"from the end of an analysis to the publish {warm_seconds:.2f} s (target {_TARGET:g} s, warm)"
    say(console, found, is_met=warm_seconds < _TARGET)


def _prepare(stack: LocalStack, app: App) -> None:
    """Make an endpoint that captures, a baseline, and a schedule whose every bad execution sends a message."""
    stack.client("s3").create_bucket(Bucket=_MONITORED)
    sagemaker = stack.client("sagemaker")
    sagemaker.create_model(
        ModelName="m", PrimaryContainer={"Image": "i"}, ExecutionRoleArn="arn:aws:iam::123456789012:role/model"
    )
    variant = {"VariantName": "AllTraffic", "ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(
        EndpointConfigName=_MONITORED,
        ProductionVariants=[variant],
        DataCaptureConfig={
            "EnableCapture": True,
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": f"s3://{_MONITORED}/live",
            "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        },
    )
    sagemaker.create_endpoint(EndpointName=_MONITORED, EndpointConfigName=_MONITORED)
    rows = "\n".join(f"{score},{value}" for score, value in _rows(1.0))
    app.write(f"s3://{_MONITORED}/train.csv", f"score,income\n{rows}\n".encode())
    dataset = {"baseline_dataset_s3_uri": f"s3://{_MONITORED}/train.csv", "dataset_format": {"csv": {"header": True}}}
    app.create_baseline({"baselining_job_name": "first"} | dataset)
    stack.settle()
    folder = f"{app.results}/baselining/first"
    app.create_schedule(
        monitoring_schedule_name=_MONITORED,
        schedule_expression="cron(0 * ? * * *)",
        endpoint_input={"endpoint_name": _MONITORED},
        baseline={name: f"{folder}/{name.split('_')[0]}.json" for name in ("constraints_s3_uri", "statistics_s3_uri")},
        alerting={"remind_after_hours": 0},
    )
    stack.settle()


def _rows(factor: float) -> Iterator[tuple[float, float]]:
    randomness = random.Random(1)
    yield from ((round(randomness.random(), 3), round(randomness.gauss(50, 10) * factor, 2)) for _ in range(1000))


def _hops(stack: LocalStack, app: App, scheduled: datetime) -> list[tuple[str, float]]:
    """Let one execution end with violations, and return what happened then, each with the seconds that it took."""
    _capture(app, scheduled - _HOUR)
    calls, invocations = len(stack.calls), len(stack.invocations)
    app.run_again(_MONITORED, scheduled)
    stack.settle()
    moments = [
        (f"{_function(call.role)} calls {call.action}", call.time)
        for call in stack.calls[calls:]
        if call.action in ("PutEvents", "Publish")
    ]
    for each in stack.invocations[invocations:]:
        what = json.loads(each.payload).get("detail-type")
        if what in ("Analysis Ended", "Execution Ended", "Alert Raised"):
            moments.append((f"{what} starts {_function(each.function_name)}", each.started))
    moments = [moment for moment in sorted(moments, key=lambda moment: moment[1]) if "ShowMonitors" not in moment[0]]
    return [(after[0], (after[1] - before[1]).total_seconds()) for before, after in pairwise(moments)]


def _function(name: str) -> str:
    """Return the name of a function in template.yaml, from that of its role or its own."""
    return name.removeprefix("modelwatch-").partition("-")[0].removesuffix("Role")


def _capture(app: App, hour: datetime) -> None:
    part = {"observedContentType": "text/csv", "encoding": "CSV"}
    lines = []
    for number, (score, income) in enumerate(_rows(3.0)):
        data = {
            "endpointInput": part | {"mode": "INPUT", "data": str(income)},
            "endpointOutput": part | {"mode": "OUTPUT", "data": str(score)},
        }
        at = f"{hour + timedelta(seconds=number):%Y-%m-%dT%H:%M:%SZ}"
        metadata = {"eventId": f"{hour:%d%H}-{number}", "inferenceTime": at}
        lines.append(json.dumps({"captureData": data, "eventMetadata": metadata, "eventVersion": "0"}))
    key = f"live/{_MONITORED}/AllTraffic/{hour:%Y/%m/%d/%H}/00-00-000-0.jsonl"
    app.write(f"s3://{_MONITORED}/{key}", "\n".join(lines).encode())
