"""The local stack: the app's complete template on one machine."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import datetime, timedelta
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from modelwatch.local import invoke_api, moto_patches, operator_settings, resource_types
from modelwatch.local.app_files import JOB_IMAGE, find_template, program_of_spark, program_of_the_analyzer
from modelwatch.local.authorization import authorize
from modelwatch.local.aws_clients import AwsClients
from modelwatch.local.call_log import Call
from modelwatch.local.clock import Clock, VirtualClock, WallClock, to_utc
from modelwatch.local.control import move_clock
from modelwatch.local.data_capture import DataCapture
from modelwatch.local.deliveries import Deliveries, Undelivered
from modelwatch.local.deployment import Deployment
from modelwatch.local.emulator import Emulator
from modelwatch.local.errors import LocalStackError
from modelwatch.local.event_rules import deliver_event
from modelwatch.local.functions import Functions, Invocation
from modelwatch.local.iam_requests import Region
from modelwatch.local.in_functions.function_process import SHIFT_FILE
from modelwatch.local.job_runs import JobRuns
from modelwatch.local.mail import MailServer
from modelwatch.local.model_servers import ModelServers
from modelwatch.local.moto_patches.hooks import Hooks
from modelwatch.local.notifications import Notifier
from modelwatch.local.processing_jobs import ProcessingJobs
from modelwatch.local.results_pages import results_page
from modelwatch.local.sam_template import make_deployable
from modelwatch.local.scheduler import Schedule, ScheduledRule, Scheduler
from modelwatch.local.ticker import Ticker
from modelwatch.local.work import WorkInProgress
from modelwatch.running_stack import PAGES_PATH

_SETTLE_SECONDS = 900.0  # Lambda's longest timeout
_single_stack_lock = threading.Lock()  # moto keeps its state in its modules


class LocalStack:
    """A SAM template deployed into an AWS emulator, with its functions as real processes.

    moto's server provides the services on loopback. Functions run under the Lambda Runtime API with their own
    environment, timeout and the credentials of their own role. Rules deliver by pattern, schedules fire by the
    stack's clock, asynchronous invocations retry and reach their failure destination, and SNS email subscriptions
    arrive as mail. Subscriptions are confirmed at once, because nobody can click on a link.

    Only one stack runs at a time in a process. While it runs, the operator's AWS profiles and files are hidden from
    the process, because the emulator would read them.

    Parameters
    ----------
    template : Path, optional
        The template; by default the app's own. Relative paths in it are resolved from its folder.
    parameters : Mapping, optional
        Values for the template's parameters.
    start : datetime, optional
        The initial time of the clock, which then moves only by `advance_to`. Without it, the stack follows the
        machine's clock, schedules fire by themselves, and `advance_to` sets the clock ahead.
    port, smtp_port : int
        The ports of the emulator and the mail server; free ports by default.
    mail_folder : Path, optional
        A folder where each mail is also saved as an .eml file.
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
        self._virtual_clock = None if start is None else VirtualClock(start)
        self._cleanup = ExitStack()
        self._programs: dict[str, tuple[str, ...]] = {JOB_IMAGE: program_of_the_analyzer()}
        self.outputs: dict[str, str] = {}
        self._events: dict[str, dict[str, Any]] = {}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Deploy the template and start to serve requests.

        Raises
        ------
        LocalStackError
            ``NotDeployed`` names every resource that was not created. Also ``PortTaken``, ``InvalidTemplate``,
            ``InvalidParameters``, ``CodeNotFound``, ``AlreadyRunning`` and ``WrongEmulator``.
        """
        moto_patches.check_version()
        deployable = make_deployable(self._template or find_template(), parameters=self._parameters, region=self.region)
        if not _single_stack_lock.acquire(blocking=False):
            raise LocalStackError("AlreadyRunning", "A local stack is already running in this process; close it first.")
        self._cleanup.callback(_single_stack_lock.release)
        try:
            self._cleanup.enter_context(operator_settings.hidden())
            self._start_services()
            deployment = Deployment(deployable, clients=self._clients, name=self.name, folder=self._folder)
            self._cleanup.enter_context(moto_patches.installed(self._hooks(deployment)))
            self._cleanup.callback(self._stop_work)
            self.outputs = deployment.run()
            if bucket := self.outputs.get("ResultsBucketName"):
                self._emulator.show_page = partial(results_page, self.client("s3"), bucket)
            for settings in deployment.functions:
                self._functions.add(settings)
            if self._virtual_clock is None:
                self._cleanup.callback(self._ticker.stop)
                self._ticker.start()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Stop everything: processes, deliveries, servers."""
        self._cleanup.close()

    # What users of a running stack call.

    @property
    def endpoint_url(self) -> str:
        """The emulator's URL, for AWS_ENDPOINT_URL."""
        return self._emulator.url

    @property
    def dashboard_url(self) -> str:
        """The URL of the page of all monitors, which is there after the first execution."""
        return f"{self.endpoint_url}{PAGES_PATH}dashboard/index.html"

    @property
    def smtp_port(self) -> int:
        """The port of the mail server."""
        return self._mail_server.port

    @property
    def now(self) -> datetime:
        """The time of the stack's clock."""
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
    def events(self) -> list[dict[str, Any]]:
        """Every event that the template's own functions sent to a bus with rules, in order."""
        return list(self._events.values())

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
        return self._clients.for_operator(service)

    def serve_model(self, model_name: str, url: str) -> None:
        """Use an HTTP server of the caller as the container of a SageMaker model.

        Endpoints created from the model after this call are Creating until the server responds to ``GET /ping`` with
        200, and InvokeEndpoint of any endpoint with the model forwards its requests to the server.

        Parameters
        ----------
        model_name : str
            The ModelName in CreateModel, which may happen before or after this call.
        url : str
            The URL of the server's ``/invocations``, for instance ``http://127.0.0.1:8080/invocations``.
        """
        self._model_servers.serve(model_name, url)

    def run_image(self, image_uri: str, *command: str) -> None:
        """Run a program of this machine as the container of processing jobs of an image.

        The program finds ``/opt/ml`` where the variable ``OPT_ML`` says, and below its working directory; variables and
        arguments that name a path in it name the place here. The image's own entry point is the program; arguments of
        the job follow it.

        Parameters
        ----------
        image_uri : str
            The ImageUri of the jobs. `JOB_IMAGE` stands for the analyzer's own.
        command : str
            The program and its arguments, for instance ``sys.executable, "monitor.py"``.
        """
        self._programs[image_uri] = command

    def run_spark(self, *command: str) -> None:
        """Run a program of this machine in place of ``spark-submit`` for the job runs of EMR Serverless.

        Parameters
        ----------
        command : str
            The program and its arguments; the entry point of a run and its arguments follow. By default it is that of
            the checkout's ``.venv-spark``, which ``make test-spark`` makes.
        """
        self._job_runs.program = command

    def job_run_log(self, job_run_id: str) -> str:
        """Return what a job run has printed so far."""
        return self._job_runs.processes.log(job_run_id)

    def job_log(self, name: str) -> str:
        """Return what a processing job has printed so far."""
        return self._processing_jobs.processes.log(name)

    @property
    def log_folder(self) -> Path:
        """The folder with each function's output as ``<name>.log``, while the stack runs."""
        return self._functions.folder

    def logs(self, function_name: str) -> str:
        """Return what a function has printed so far."""
        return self._functions.logs(function_name)

    def settle(self, timeout: float = _SETTLE_SECONDS) -> None:
        """Write what endpoints captured, and wait until no invocation, delivery or retry is in progress.

        Parameters
        ----------
        timeout : float
            The maximum wait in seconds of real time.

        Raises
        ------
        LocalStackError
            ``NotSettled`` names what is still running.
        """
        self._captures.write(all_of_them=True)
        self._work.settle(timeout)
        if self._captures.write(all_of_them=True):  # of requests by what was in progress: before the clock moves on
            self._work.settle(timeout)

    def advance_to(self, moment: datetime | timedelta, abandoned: threading.Event | None = None) -> None:
        """Advance the clock, firing everything that becomes due on the way, in order.

        Everything that one due time sets off has settled before the clock moves on.

        Parameters
        ----------
        moment : datetime or timedelta
            The time of the clock afterwards; or how far it moves from where an earlier call leaves it.
        abandoned : threading.Event, optional
            Once another thread has set it, the clock stays where it is.

        Raises
        ------
        LocalStackError
            ``ClockGoesBack`` if the moment has passed; ``NoTimeZone``, ``NotSettled``, ``WorkFailed``.
        """
        self._ticker.advance_to(moment if isinstance(moment, timedelta) else to_utc(moment), abandoned)

    def advance(self, by: timedelta) -> None:
        """Advance the clock by a span of time, like `advance_to`."""
        self.advance_to(by)

    # How the stack is assembled.

    def _start_services(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="modelwatch-local-"))
        self._cleanup.callback(shutil.rmtree, self._folder, ignore_errors=True)
        shift_file = self._folder / "clock_shift"
        self._clock: Clock = self._virtual_clock or WallClock(shift_file)
        self._mail_server = MailServer(port=self._smtp_port, folder=self._mail_folder)
        self._mail_server.start()
        self._cleanup.callback(self._mail_server.stop)
        self._emulator = Emulator(port=self._port, clock=self._clock)
        self._emulator.start()
        self._cleanup.callback(self._emulator.stop)
        self._clients = AwsClients(self._emulator.url, self.region)
        self._emulator.principal_of = self._clients.principal_of
        self._emulator.authorize = partial(authorize, region=Region(self.region))
        self._cleanup.callback(self._clients.close)
        self._cleanup.callback(moto_patches.reset)
        moto_patches.reset()
        self._work = WorkInProgress()
        # The minutes between attempts take no time on a virtual clock, and seconds on the machine's own.
        scale = 0.0 if self._virtual_clock is not None else 1 / 60
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
            record=self._emulator.record,
            variables={SHIFT_FILE: str(shift_file)} if self._virtual_clock is None else {},
        )
        self._notifier = Notifier(
            deliveries=self._deliveries, clock=self._clock, work=self._work, smtp_port=self.smtp_port
        )
        self._captures = DataCapture(clients=self._clients, clock=self._clock, lost=self._deliveries.record_undelivered)
        self._model_servers = ModelServers(
            region=self.region, now=self._clock.now, work=self._work, capture=self._captures
        )
        self._cleanup.callback(self._model_servers.close)
        self._processing_jobs = ProcessingJobs(
            self._programs, clients=self._clients, now=self._clock.now, work=self._work, folder=self._folder
        )
        self._job_runs = JobRuns(
            program_of_spark(), clients=self._clients, now=self._clock.now, work=self._work, folder=self._folder
        )
        self._emulator.invoke_endpoint = self._model_servers.invoke
        self._emulator.move_clock = partial(move_clock, self)
        self._ticker = Ticker(
            Scheduler(self._schedules, deliveries=self._deliveries, clients=self._clients),
            clock=self._clock,
            deliveries=self._deliveries,
            captures=self._captures,
            settle=self.settle,
        )

    def _schedules(self) -> list[Schedule | ScheduledRule]:
        return [
            *moto_patches.scheduler.enabled_schedules(self.region),
            *moto_patches.events.scheduled_rules(self.region),
        ]

    def _hooks(self, deployment: Deployment) -> Hooks:
        return Hooks(
            now=self._clock.now,
            shift=lambda: self._clock.shift,
            invoke=partial(invoke_api.invoke, self._functions),
            event_sent=self._keep_event,
            deliver_event=partial(deliver_event, self._deliveries),
            notify=self._notifier.notify,
            can_create=resource_types.can_create,
            create_resource=deployment.create,
            resource_created=deployment.created,
            resource_failed=deployment.failed,
            resource_skipped=deployment.skipped,
            endpoint_created=self._model_servers.endpoint_created,
            endpoint_updated=self._model_servers.endpoint_updated,
            processing_job_created=self._processing_jobs.created,
            processing_job_stopped=self._processing_jobs.stopped,
            job_run_started=self._job_runs.started,
            job_run_cancelled=self._job_runs.cancelled,
        )

    def _keep_event(self, event: dict[str, Any]) -> None:
        if not event["source"].startswith("aws."):
            self._events.setdefault(event["id"], event)

    def _stop_work(self) -> None:
        self._work.refuse()
        self._functions.close()
        self._processing_jobs.processes.close()
        self._job_runs.processes.close()
        self._work.close(timeout=10)
