"""The local stack: the app's template, whole, on one machine."""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from modelwatch.local import moto_patches, operator_settings, resource_types
from modelwatch.local.app_files import find_template
from modelwatch.local.aws_clients import AwsClients
from modelwatch.local.call_log import Call
from modelwatch.local.clock import VirtualClock, WallClock, in_utc
from modelwatch.local.deliveries import Deliveries, Sender, Target, Undelivered
from modelwatch.local.deployment import Deployment
from modelwatch.local.emulator import Emulator
from modelwatch.local.errors import LocalStackError
from modelwatch.local.event_rules import MatchedRule, deliver_event
from modelwatch.local.functions import EventInvokeConfig, Functions, Invocation, Throttled
from modelwatch.local.mail import MailServer, notification_mail, send_mail
from modelwatch.local.model_servers import ModelServers
from modelwatch.local.moto_patches.hooks import Hooks, InvokeRejected, InvokeRequest, InvokeResponse, Notification
from modelwatch.local.sam_template import make_deployable
from modelwatch.local.scheduler import Schedule, ScheduledRule, Scheduler
from modelwatch.local.work import WorkInProgress

_MAXIMUM_REQUEST = 6_291_456  # bytes, Lambda's quotas for an event
_MAXIMUM_ASYNCHRONOUS_REQUEST = 1_048_576
_SETTLE_SECONDS = 900.0  # Lambda's longest timeout
_TICK_SECONDS = 1.0
_one_at_a_time = threading.Lock()  # moto keeps its state in its modules


class LocalStack:
    """A SAM template deployed into an AWS emulator, with its functions as real processes.

    moto's server holds the services on loopback. Functions run under the Lambda Runtime API with their own
    environment, timeout and the credentials of their own role. Rules deliver by pattern, schedules fire by the
    stack's clock, asynchronous invocations retry and reach their failure destination, and SNS email subscriptions
    arrive as mail. Subscriptions count as confirmed at once: there is nobody to click on a link.

    One stack runs at a time in a process. While it does, the process sees none of the operator's AWS profiles and
    files: the emulator would read them.

    Parameters
    ----------
    template : Path, optional
        The template; by default the app's own. What it points at is looked up beside it.
    parameters : Mapping, optional
        Values for the template's parameters.
    start : datetime, optional
        Where the clock stands at first; it then moves only by `advance_to`. Without it, the clock is the machine's
        own and schedules fire by themselves.
    port, smtp_port : int
        Where the emulator and the mail server listen; free ports by default.
    mail_folder : Path, optional
        Where each mail is kept as an .eml file, too.
    region, name : str
        The region and the stack's name.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> with LocalStack(start=datetime(2026, 1, 5, tzinfo=UTC)) as stack:  # doctest: +SKIP
    ...     stack.client("s3").list_buckets()
    """

    def __init__(
        self,
        template: Path | None = None,
        *,
        parameters: Mapping[str, str] | None = None,
        start: datetime | None = None,
        port: int = 0,
        smtp_port: int = 0,
        mail_folder: Path | None = None,
        region: str = "us-east-1",
        name: str = "modelwatch",
    ) -> None:
        self._template, self._parameters = template, dict(parameters or {})
        self._port, self._smtp_port, self._mail_folder = port, smtp_port, mail_folder
        self.region, self.name = region, name
        self._virtual = None if start is None else VirtualClock(start)
        self._clock = self._virtual or WallClock()
        self._ending = ExitStack()
        self._walking = threading.Lock()
        self.outputs: dict[str, str] = {}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Deploy the template and answer calls from then on.

        Raises
        ------
        LocalStackError
            ``NotDeployed`` names every resource that did not come to exist; ``PortTaken``, ``InvalidTemplate``,
            ``InvalidParameters``, ``CodeNotFound``, ``AlreadyRunning`` and ``WrongEmulator`` say what they mean.
        """
        moto_patches.check_version()
        deployable = make_deployable(self._template or find_template(), parameters=self._parameters, region=self.region)
        if not _one_at_a_time.acquire(blocking=False):
            raise LocalStackError("AlreadyRunning", "A local stack runs in this process already; close it first.")
        self._ending.callback(_one_at_a_time.release)
        try:
            self._ending.enter_context(operator_settings.hidden())
            self._start_services()
            deployment = Deployment(deployable, clients=self._clients, name=self.name, folder=self._folder)
            self._ending.enter_context(moto_patches.installed(self._hooks(deployment)))
            self._ending.callback(self._stop_work)
            self.outputs = deployment.run()
            for settings in deployment.functions:
                self._functions.add(settings)
            if self._virtual is None:
                self._start_ticking()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Stop everything: processes, deliveries, servers."""
        self._ending.close()

    # What users ask for.

    @property
    def endpoint_url(self) -> str:
        """Where the emulator listens; what AWS_ENDPOINT_URL wants."""
        return self._emulator.url

    @property
    def smtp_port(self) -> int:
        """Where the mail server listens."""
        return self._mail_server.port

    @property
    def now(self) -> datetime:
        """The stack's clock."""
        return self._clock.now()

    @property
    def calls(self) -> list[Call]:
        """Every AWS call, with the role that made it, in the order in which they ended."""
        return self._emulator.calls

    @property
    def invocations(self) -> list[Invocation]:
        """Every attempt to run a function, in the order in which they ended."""
        return self._functions.invocations

    @property
    def mails(self) -> list[EmailMessage]:
        """Every mail that arrived."""
        return self._mail_server.mails

    @property
    def undelivered(self) -> list[Undelivered]:
        """Messages that reached neither their target nor a dead-letter queue."""
        return self._deliveries.undelivered

    @property
    def functions(self) -> list[str]:
        """The names of the deployed functions."""
        return self._functions.names()

    def client(self, service: str) -> Any:
        """Return a boto3 client with an operator's credentials; it is closed with the stack."""
        return self._clients.of_operator(service)

    def serve_model(self, model_name: str, url: str) -> None:
        """Let a server of yours be the container of a SageMaker model.

        Endpoints that are made of the model from then on are Creating until it answers ``GET /ping`` with 200, and
        InvokeEndpoint of any endpoint with the model sends requests on to it.

        Parameters
        ----------
        model_name : str
            The name that CreateModel is, or was, given.
        url : str
            Its ``/invocations``, for instance ``http://127.0.0.1:8080/invocations``.
        """
        self._model_servers.serve(model_name, url)

    @property
    def log_folder(self) -> Path:
        """Where each function's output lies, as ``<name>.log``, while the stack runs."""
        return self._functions.folder

    def logs(self, function_name: str) -> str:
        """Return what a function has printed so far."""
        return self._functions.logs(function_name)

    def settle(self, timeout: float = _SETTLE_SECONDS) -> None:
        """Return when no invocation, delivery or retry is under way.

        Parameters
        ----------
        timeout : float
            Seconds of real time to wait at most.

        Raises
        ------
        LocalStackError
            ``NotSettled`` names what is still running.
        """
        self._work.settle(timeout)

    def advance_to(self, moment: datetime) -> None:
        """Move the clock on, firing what becomes due on the way, in order.

        Everything that one due moment sets off has settled before the next one comes.

        Parameters
        ----------
        moment : datetime
            Where the clock stands afterwards.
        """
        if self._virtual is None:
            raise LocalStackError("WallClock", "This stack follows the machine's clock; give it a start to move it.")
        moment = in_utc(moment)
        with self._walking:
            self.settle()
            while firings := self._scheduler.due(after=self._virtual.now(), until=moment):
                self._virtual.move_to(firings[0].due)
                for firing in firings:
                    self._scheduler.fire(firing)
                self.settle()
            self._virtual.move_to(moment)

    def advance(self, by: timedelta) -> None:
        """Move the clock on by a span of time, like `advance_to`."""
        self.advance_to(self.now + by)

    # How it is put together.

    def _start_services(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="modelwatch-local-"))
        self._ending.callback(shutil.rmtree, self._folder, ignore_errors=True)
        self._mail_server = MailServer(port=self._smtp_port, folder=self._mail_folder)
        self._mail_server.start()
        self._ending.callback(self._mail_server.stop)
        self._emulator = Emulator(port=self._port, clock=self._clock)
        self._emulator.start()
        self._ending.callback(self._emulator.stop)
        self._clients = AwsClients(self._emulator.url, self.region)
        self._emulator.principal_of = self._clients.principal_of
        self._ending.callback(self._clients.close)
        self._ending.callback(moto_patches.reset)
        moto_patches.reset()
        self._work = WorkInProgress()
        # Minutes between attempts pass at once on a clock that stands still, and in seconds on the machine's own.
        scale = 0.0 if self._virtual is not None else 1 / 60
        self._deliveries = Deliveries(
            clients=self._clients, clock=self._clock, work=self._work, retry_delay_scale=scale
        )
        self._functions = Functions(
            clients=self._clients,
            clock=self._clock,
            work=self._work,
            deliveries=self._deliveries,
            folder=self._folder,
            retry_delay_scale=scale,
        )
        self._model_servers = ModelServers(region=self.region, now=self._clock.now, work=self._work)
        self._ending.callback(self._model_servers.close)
        self._emulator.invoke_endpoint = self._model_servers.invoke
        self._scheduler = Scheduler(self._schedules, deliveries=self._deliveries, clients=self._clients)

    def _schedules(self) -> list[Schedule | ScheduledRule]:
        return [
            *moto_patches.scheduler.enabled_schedules(self.region),
            *moto_patches.events.scheduled_rules(self.region),
        ]

    def _hooks(self, deployment: Deployment) -> Hooks:
        return Hooks(
            now=self._clock.now,
            invoke=self._invoke,
            deliver_event=self._deliver_event,
            notify=self._notify,
            can_create=resource_types.is_created_here,
            create_resource=deployment.create,
            resource_created=deployment.created,
            resource_failed=deployment.failed,
            resource_skipped=deployment.skipped,
            endpoint_created=self._model_servers.endpoint_created,
        )

    def _stop_work(self) -> None:
        self._functions.close()
        self._work.close(timeout=10)

    def _start_ticking(self) -> None:
        stopped = threading.Event()
        ticker = threading.Thread(target=self._tick, args=(stopped,), name="clock", daemon=True)

        def stop() -> None:
            stopped.set()
            ticker.join()

        self._ending.callback(stop)
        ticker.start()

    def _tick(self, stopped: threading.Event) -> None:
        """Fire what has become due since the last look, once a second."""
        reached = self._clock.now()
        self._scheduler.due(after=reached, until=reached)  # from here on, rates count
        while not stopped.wait(_TICK_SECONDS):
            now = self._clock.now()
            try:
                while firings := self._scheduler.due(after=reached, until=now):
                    reached = firings[0].due
                    for firing in firings:
                        self._scheduler.fire(firing)
            except Exception as error:  # one bad schedule must not stop the clock
                self._deliveries.give_up(f"what was due until {now.isoformat()}", "its targets", str(error))
            reached = now

    def _invoke(self, request: InvokeRequest) -> InvokeResponse:
        limit = _MAXIMUM_ASYNCHRONOUS_REQUEST if request.invocation_type == "Event" else _MAXIMUM_REQUEST
        if len(request.payload) > limit:
            raise InvokeRejected(
                "RequestTooLargeException",
                413,
                f"Request must be smaller than {limit} bytes for the InvokeFunction operation",
            )
        try:
            json.loads(request.payload)
        except ValueError as error:
            raise InvokeRejected(
                "InvalidRequestContentException", 400, f"Could not parse request body into json: {error}"
            ) from error
        try:
            if request.invocation_type == "DryRun":
                return InvokeResponse("")
            if request.invocation_type == "Event":
                config = _event_invoke_config(request.config)
                return InvokeResponse(self._functions.invoke_later(request.function_name, request.payload, config))
            request_id, outcome = self._functions.invoke(
                request.function_name, request.payload, client_context=request.client_context
            )
        except Throttled as error:
            raise InvokeRejected("TooManyRequestsException", 429, "Rate Exceeded.") from error
        except LocalStackError as error:
            raise InvokeRejected("ResourceNotFoundException", 404, error.message) from error
        return InvokeResponse(request_id, outcome.payload, outcome.function_error)

    def _deliver_event(self, rule: MatchedRule, event: dict[str, Any]) -> None:
        deliver_event(self._deliveries, rule, event)

    def _notify(self, notification: Notification) -> None:
        if notification.protocol in ("email", "email-json"):
            self._work.start(f"mail to {notification.endpoint}", self._send_mail, notification)
        elif notification.protocol == "lambda":
            event = {"Records": [_sns_record(notification, self.now)]}
            self._deliveries.start(
                Target(notification.endpoint, Sender("sns.amazonaws.com")),
                json.dumps(event),
                what=f"a message of {notification.topic_arn}",
            )
        else:
            self._deliveries.give_up(
                f"a message of {notification.topic_arn}",
                f"{notification.protocol} subscription {notification.subscription_arn}",
                f"the local stack does not deliver by {notification.protocol}",
            )

    def _send_mail(self, notification: Notification) -> None:
        body = notification.message
        if notification.protocol == "email-json":
            body = json.dumps(_sns_record(notification, self.now)["Sns"])
        mail = notification_mail(
            to=notification.endpoint,
            topic_arn=notification.topic_arn,
            display_name=notification.display_name,
            subject=notification.subject,
            body=body,
            subscription_arn=notification.subscription_arn,
            moment=self.now,
        )
        send_mail(mail, self.smtp_port)


def _event_invoke_config(described: Mapping[str, Any]) -> EventInvokeConfig:
    destinations = described.get("DestinationConfig") or {}
    given = {
        "maximum_retry_attempts": described.get("MaximumRetryAttempts"),
        "maximum_event_age": described.get("MaximumEventAgeInSeconds"),
        "on_failure": (destinations.get("OnFailure") or {}).get("Destination"),
        "on_success": (destinations.get("OnSuccess") or {}).get("Destination"),
    }
    return EventInvokeConfig(**{name: value for name, value in given.items() if value is not None})


def _sns_record(notification: Notification, moment: datetime) -> dict[str, Any]:
    return {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": notification.subscription_arn,
        "Sns": {
            "Type": "Notification",
            "MessageId": notification.message_id,
            "TopicArn": notification.topic_arn,
            "Subject": notification.subject,
            "Message": notification.message,
            "Timestamp": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "SignatureVersion": "1",
            "Signature": "",
            "SigningCertUrl": "",
            "UnsubscribeUrl": "",
            "MessageAttributes": {
                name: {"Type": value["Type"], "Value": value["Value"]}
                for name, value in notification.attributes.items()
            },
        },
    }
