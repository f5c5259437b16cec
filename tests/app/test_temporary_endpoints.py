"""Explanations of a model by name, in the local stack: what becomes of the endpoint that is made for each of them."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from modelwatch.local import LocalStack
from modelwatch_core.domain.temporary_endpoint import temporary_endpoint_name
from tests.app.deployed_app import HOUR, START, App, started
from tests.local.model_server import Container
from tests.repository import ROOT

DYING_ANALYZER = '''
"""An analyzer that is killed in the middle of every execution, after its first call of the model."""

import os
import sys

sys.path.insert(0, {real!r})
import importlib.util

spec = importlib.util.spec_from_file_location("real_app", {real!r} + "/app.py")
real_app = importlib.util.module_from_spec(spec)
spec.loader.exec_module(real_app)

from modelwatch_core.adapters.aws.endpoint_model import EndpointModel

ask = EndpointModel.invoke


def ask_once_and_die(model, *arguments):
    ask(model, *arguments)
    os._exit(137)


def handler(event, context):
    EndpointModel.invoke = ask_once_and_die if event["subject"].startswith("execution/") else ask
    return real_app.handler(event, context)
'''

pytestmark = pytest.mark.long_setup

NINE = START.replace(minute=0) + HOUR
BEFORE_TEN = NINE + timedelta(minutes=50)
"""Each five minutes before the first hour that is watched would be one sweep more, with nothing to find."""

CONFIG = {
    "headers": ["income", "debt"],
    "methods": {"shap": {"baseline": [[50, 5]], "agg_method": "mean_abs", "seed": 1, "max_parallel_calls": 1}},
    "predictor": {
        "model_name": "scorer",
        "instance_type": "ml.m5.large",
        "content_type": "text/csv",
        "accept_type": "text/csv",
    },
}


@pytest.fixture
def container() -> Iterator[Container]:
    with Container() as container:
        yield container


def explained(stack: LocalStack, container: Container) -> App:
    """The app with a model ``scorer`` that the container serves, its baseline made, and one schedule."""
    app = App(stack)
    role = "arn:aws:iam::123456789012:role/model"
    stack.client("sagemaker").create_model(ModelName="scorer", PrimaryContainer={"Image": "i"}, ExecutionRoleArn=role)
    stack.serve_model("scorer", container.url)
    rows = "".join(f"{line}\n" for line in lines(200))
    app.s3.put_object(Bucket="captures", Key="features.csv", Body=f"income,debt\n{rows}".encode())
    app.call(
        "CreateBaselineFunction",
        {
            "baselining_job_name": "first",
            "monitoring_type": "ModelExplainability",
            "baseline_dataset_s3_uri": "s3://captures/features.csv",
            "dataset_format": {"csv": {"header": True}},
            "analysis_config": CONFIG,
        },
    )
    stack.settle()
    return app


def schedule(app: App, **changes: object) -> None:
    folder = f"s3://{app.stack.outputs['ResultsBucketName']}/baselining/first"
    app.make_schedule(
        monitoring_type="ModelExplainability",
        baseline={"constraints_s3_uri": f"{folder}/analysis.json"},
        analysis_config=CONFIG,
        **changes,
    )


def lines(count: int) -> list[str]:
    drawn = random.Random(7)
    return [f"{round(drawn.gauss(50, 10), 2)},{round(drawn.gauss(5, 1), 2)}" for _ in range(count)]


def capture(app: App, hour: datetime) -> None:
    records = []
    for number, line in enumerate(lines(60)):
        at = hour + timedelta(seconds=number)
        record = {
            "captureData": {
                "endpointInput": {
                    "observedContentType": "text/csv",
                    "mode": "INPUT",
                    "data": line,
                    "encoding": "CSV",
                }
            },
            "eventMetadata": {"eventId": f"{hour:%Y%m%d%H}-{number}", "inferenceTime": f"{at:%Y-%m-%dT%H:%M:%SZ}"},
            "eventVersion": "0",
        }
        records.append(json.dumps(record))
    key = f"live/loans/AllTraffic/{hour:%Y/%m/%d/%H}/00-00-000-0.jsonl"
    app.s3.put_object(Bucket="captures", Key=key, Body="\n".join(records).encode())


def left(app: App) -> list[str]:
    """Return what is there of temporary endpoints, in SageMaker and in the ledger."""
    sagemaker, table = app.stack.client("sagemaker"), app.stack.outputs["LedgerTableName"]
    notes = app.stack.client("dynamodb").scan(
        TableName=table,
        FilterExpression="begins_with(pk, :deferred)",
        ExpressionAttributeValues={":deferred": {"S": "DEFERRED#"}},
    )
    found = [one["EndpointName"] for one in sagemaker.list_endpoints(NameContains="modelwatch-temporary-")["Endpoints"]]
    configs = sagemaker.list_endpoint_configs(NameContains="modelwatch-temporary-")["EndpointConfigs"]
    return [*found, *(one["EndpointConfigName"] for one in configs), *(item["pk"]["S"] for item in notes["Items"])]


def made(stack: LocalStack) -> int:
    return sum(call.action == "CreateEndpoint" and call.role != "operator" for call in stack.calls)


def test_baseline_and_hour_run_on_endpoints_of_their_own_that_are_gone_afterwards(container):
    with started(start=BEFORE_TEN) as stack:
        app = explained(stack, container)
        job = app.manage("DescribeBaseliningJob", baselining_job_name="first")
        assert (job["status"], job["outcome"]["failure_reason"]) == ("Completed", None)
        assert made(stack) == 1
        assert left(app) == []
        asked = len(container.requests)
        assert asked > 0
        schedule(app)
        capture(app, NINE)
        stack.advance_to(NINE + HOUR + timedelta(minutes=6))
        done = app.execution(NINE + HOUR)
        assert done["outcome"]["failure_reason"] is None
        assert done["monitoring_execution_status"] == "Completed"
        assert made(stack) == 2
        assert len(container.requests) > asked
        assert left(app) == []
        assert stack.client("sagemaker").describe_endpoint(EndpointName="loans")["EndpointStatus"] == "InService"

        # Nobody knows of this one: who made it died before, or after, all else was cleared away.
        orphan = temporary_endpoint_name(stack.outputs["LedgerTableName"], "execution/hourly/gone")
        make_endpoint(stack, orphan)
        stack.serve_model("scorer", "http://127.0.0.1:9/invocations")
        capture(app, NINE + HOUR)
        stack.advance_to(NINE + 2 * HOUR + timedelta(minutes=6))
        failed = app.execution(NINE + 2 * HOUR)
        assert failed["outcome"]["failure_reason"].startswith(
            "TemporaryEndpointFailed: the temporary endpoint modelwatch-temporary-"
        )
        assert "ping health check" in failed["outcome"]["failure_reason"]
        assert made(stack) == 3
        assert left(app) == []
        assert not [call for call in stack.calls if call.refused]
        assert stack.undelivered == []


def test_an_analyzer_that_is_killed_leaves_no_endpoint_whether_anybody_hears_of_it_or_not(container, tmp_path):
    """The first hour's end is reported by Lambda's failure destination; of the second nobody hears but the sweep."""
    with started(template_of_dying_analyzer(tmp_path), BEFORE_TEN) as stack:
        app = explained(stack, container)
        schedule(app, start_delay_minutes=7)  # between two sweeps: the lease of this template is a second
        asked = len(container.requests)
        capture(app, NINE)
        stack.advance_to(NINE + HOUR + timedelta(minutes=8))
        assert len(container.requests) - asked == 2  # started, and once more by Lambda
        killed = app.execution(NINE + HOUR)
        assert killed["outcome"]["failure_reason"].startswith("AnalyzerCrashed")
        assert left(app) == []

        silence(stack, "FinishExecutionAnalyzerFailed")
        capture(app, NINE + HOUR)
        stack.advance_to(NINE + 2 * HOUR + timedelta(minutes=8))
        assert len(container.requests) - asked == 4
        assert app.execution(NINE + 2 * HOUR)["monitoring_execution_status"] == "InProgress"
        assert len(left(app)) == 3  # endpoint, configuration and note
        time.sleep(1.1)  # until that lease is over, by the functions' own clock
        stack.advance(timedelta(minutes=5))
        assert app.execution(NINE + 2 * HOUR)["outcome"]["failure_reason"].startswith("HostDidNotReport")
        assert left(app) == []


def template_of_dying_analyzer(folder: Path) -> Path:
    for name in ("functions", "layers"):
        (folder / name).symlink_to(ROOT / name)
    text = (ROOT / "template.yaml").read_text()
    assert 'ANALYSIS_LEASE_SECONDS: "5400"' in text
    lease = text.replace('ANALYSIS_LEASE_SECONDS: "5400"', 'ANALYSIS_LEASE_SECONDS: "1"')
    (folder / "template.yaml").write_text(lease)
    (folder / "analyzer_container").mkdir()
    (folder / "analyzer_container/Dockerfile").write_text((ROOT / "analyzer_container/Dockerfile").read_text())
    script = DYING_ANALYZER.format(real=str(ROOT / "analyzer_container"))
    (folder / "analyzer_container/app.py").write_text(script)
    return folder / "template.yaml"


def silence(stack: LocalStack, rule: str) -> None:
    events, bus = stack.client("events"), stack.outputs["EventBusName"]
    (name,) = [one["Name"] for one in events.list_rules(EventBusName=bus)["Rules"] if rule in one["Name"]]
    events.disable_rule(Name=name, EventBusName=bus)


def make_endpoint(stack: LocalStack, name: str) -> None:
    sagemaker = stack.client("sagemaker")
    variant = {"VariantName": "v", "ModelName": "scorer", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    stack.settle()
