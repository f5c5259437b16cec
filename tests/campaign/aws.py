"""AWS, as the processes of a campaign see it: moto's data behind faults, and what Lambda, EventBridge and SNS do.

Every request of botocore comes here in place of the network. Calls of services that only keep data have their effect in
moto. PutEvents and Invoke have theirs in ``services``, by the rules and policies of the template.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any, Self
from unittest import mock
from urllib.parse import parse_qs, unquote, urlsplit

import boto3
import botocore.endpoint
import moto.core.utils
import moto.s3.models
from boto3.s3.transfer import TransferConfig
from botocore.awsrequest import AWSResponse
from moto import mock_aws
from moto.core.botocore_stubber import BotocoreStubber, MockRawResponse
from moto.s3.models import s3_backends
from moto.sagemaker.models import sagemaker_backends

from modelwatch_core import wiring
from modelwatch_core.adapters.system_clock import SystemClock
from modelwatch_core.app import fetch_inputs
from modelwatch_core.app.output_folder import END_OF_ANALYSIS
from modelwatch_core.domain.alerts import AlertPhase
from tests.campaign import newer_version
from tests.campaign.counts import ALERTED
from tests.campaign.faults import Call, Faults, response_of
from tests.campaign.plan import Plan
from tests.campaign.services import Services, kind_of, what_concerns
from tests.campaign.simulation import Process, Simulation
from tests.campaign.speed import without_repeated_work
from tests.campaign.template import ACCOUNT, CAPTURES, GROUP, REGION, RESULTS, deployment
from tests.core.ledger_table import create_ledger_table

_ENDPOINT_COMES_UP_IN = (180, 420)  # seconds


class _InTurn:
    """A pool of threads that would not take part in the simulation: what it is given is done by who asks for it."""

    def __init__(self, workers: int) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def map(self, function: Callable[[Any], object], values: Iterable[Any]) -> Iterator[object]:
        return map(function, values)


class Aws:
    """What botocore calls in place of the network.

    Attributes
    ----------
    calls : Counter of str
        How many calls processes have made, by their functions.
    trace : hash
        Of each call in its turn: when, by which process, and what went wrong. The same seed has the same trace.
    """

    def __init__(self, plan: Plan, simulation: Simulation, faults: Faults, services: Services) -> None:
        self._plan, self._simulation, self._faults, self._services = plan, simulation, faults, services
        self._moto = BotocoreStubber()
        self._moto.enabled = True
        self.calls: Counter[str] = Counter()
        self.trace = hashlib.sha256()

    def __call__(self, event_name: str, request: Any, **further: Any) -> Any:  # noqa: ARG002 - as botocore calls it
        """Serve a request, or fail."""
        _, service, operation = event_name.split(".")
        process = self._simulation.current
        if process is None:  # the campaign itself, which prepares and counts
            return self._moto(event_name, request)
        self.calls[process.function] += 1
        call = Call(process.function, service, operation, request.url or "")
        self._simulation.wait(self._plan.latency())
        fault, is_after = self._faults.draw(call)
        self.trace.update(f"{self._simulation.now} {process} {service} {operation} {fault} {is_after}\n".encode())
        if fault is not None and not is_after and (failed := self._faults.happen(fault, call)):
            return failed
        response = self._effect(process, event_name, call, request)
        if fault is not None and is_after:
            if call.operation == "Publish":
                self._services.log.uncertain_alerts.update(_alerts_in(request))
            return self._faults.happen(fault, call) or response
        return response

    def _effect(self, process: Process, event_name: str, call: Call, request: Any) -> Any:
        if call.operation == "Invoke":
            return self._invoke(process, request)
        if call.operation == "PutEvents":
            return self._put_events(process, request)
        if call.service == "dynamodb" and process.is_newer:
            return self._as_newer_version(event_name, request)
        response = self._moto(event_name, request)
        if call.operation == "Publish" and response.status_code < 400:
            process.sent += _alerts_in(request)
            self._services.log.alerts.update(_alerts_in(request))
        elif call.operation == "PutObject" and request.url and request.url.endswith(f"/{END_OF_ANALYSIS}"):
            self._end_is_stored(process, request.url)
        elif call.operation == "CreateEndpoint":
            self._endpoint_is_created(str(json.loads(request.body)["EndpointName"]))
        return response

    def _as_newer_version(self, event_name: str, request: Any) -> AWSResponse:
        document = json.loads(request.body)
        newer_version.mark_items(document)
        request.body = json.dumps(document).encode()
        response = self._moto(event_name, request)
        found = json.loads(response.content)
        newer_version.unmark_items(found)
        body = MockRawResponse(json.dumps(found).encode())
        return AWSResponse(response.url, response.status_code, dict(response.headers), body)  # type: ignore[arg-type]  # moto has no types

    def _invoke(self, process: Process, request: Any) -> AWSResponse:
        name = unquote(urlsplit(request.url or "").path.split("/")[3]).rpartition(":")[2]
        payload = json.loads(request.body)
        if process.is_newer and name == "Analyzer":
            payload[newer_version.FIELD] = True
        if process.function == "Reconcile":
            self._services.log.redelivered[kind_of(payload), what_concerns(payload)] += 1
        request_id = self._services.invoke(name, payload)
        return response_of(request.url or "", {}, {"x-amzn-requestid": request_id}, status=202)

    def _put_events(self, process: Process, request: Any) -> AWSResponse:
        for entry in json.loads(request.body)["Entries"]:
            detail = json.loads(entry["Detail"])
            if process.is_newer:
                detail[newer_version.FIELD] = True
            self._services.put_event(entry["Source"], entry["DetailType"], detail, by=process)
        return response_of(request.url or "", {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]})

    def _end_is_stored(self, process: Process, url: str) -> None:
        key = unquote(urlsplit(url).path).lstrip("/").removeprefix(f"{RESULTS}/")
        content = s3_backends[ACCOUNT]["aws"].get_object(RESULTS, key).value
        self._services.note_end(process.concerns, json.loads(content)["outcome"]["status"])

    def _endpoint_is_created(self, name: str) -> None:
        endpoint = sagemaker_backends[ACCOUNT][REGION].endpoints.get(name)
        if endpoint is None or endpoint.endpoint_status == "Creating":
            return
        endpoint.endpoint_status = "Creating"

        def comes_up() -> None:
            endpoint.endpoint_status = "InService"
            detail = {"EndpointName": name, "EndpointArn": endpoint.arn, "EndpointStatus": "IN_SERVICE"}
            self._services.put_event("aws.sagemaker", "SageMaker Endpoint State Change", detail)

        self._simulation.after(self._plan.random.uniform(*_ENDPOINT_COMES_UP_IN), comes_up)


@contextmanager
def app_on(aws: Aws, simulation: Simulation) -> Iterator[None]:
    """Let wiring's use cases, and moto, live in the simulation."""

    def now() -> datetime:
        return simulation.now

    def of_a_process(_: SystemClock) -> datetime:
        return simulation.now + (simulation.current.skew if simulation.current else timedelta(0))

    def naive() -> datetime:
        return simulation.now.replace(tzinfo=None)

    sleeps = SimpleNamespace(sleep=simulation.wait)
    with (
        mock_aws(),
        without_repeated_work(),
        mock.patch.dict("os.environ", {**deployment().environment, "AWS_DEFAULT_REGION": REGION}),
        mock.patch.object(SystemClock, "now", of_a_process),
        mock.patch.object(moto.core.utils, "utcnow", naive),
        mock.patch.object(moto.s3.models, "utcnow", naive),
        mock.patch.object(botocore.endpoint, "time", sleeps),
        mock.patch.object(fetch_inputs, "ThreadPoolExecutor", _InTurn),
        # The threads of a transfer would not take part in the simulation, either.
        mock.patch("boto3.s3.inject.TransferConfig", partial(TransferConfig, use_threads=False)),
    ):
        from moto.core.models import botocore_stubber

        botocore_stubber.enabled = False
        _forget_clients()
        wiring._session().events.register_first("before-send", aws)
        _create_resources(wiring._session())
        try:
            yield
        finally:
            _forget_clients()


def _forget_clients() -> None:
    for each in vars(wiring).values():
        if callable(clear := getattr(each, "cache_clear", None)):
            clear()


def _alerts_in(request: Any) -> list[str]:
    """Return what the alerts are about that SNS is asked to publish, one, or several as one message.

    What says that the alert of a bad execution is over is another message than that it is on.
    """
    body = request.body.decode() if isinstance(request.body, bytes) else str(request.body)
    (message,) = parse_qs(body)["Message"]
    document = json.loads(json.loads(message)["sqs"])
    found = []
    for each in document.get("alerts", [document]):
        occasion, _, _ = str(each["alertKey"]).partition("#")
        is_over = each["change"] == AlertPhase.RECOVERED and occasion.rpartition("/")[2] in ALERTED
        found.append(f"{occasion}/{AlertPhase.RECOVERED}" if is_over else occasion)
    return found


def _create_resources(session: boto3.Session) -> None:
    create_ledger_table(session, deployment().environment["LEDGER_TABLE"])
    for bucket in (RESULTS, CAPTURES):
        session.client("s3").create_bucket(Bucket=bucket)
    session.client("sqs").create_queue(QueueName="DeadLetters")
    session.client("sns").create_topic(Name="AlertTopic")
    session.client("scheduler").create_schedule_group(Name=GROUP)
    session.client("sagemaker").create_model(ModelName="scorer", ExecutionRoleArn=f"arn:aws:iam::{ACCOUNT}:role/model")
