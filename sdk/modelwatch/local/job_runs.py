"""Job runs of EMR Serverless: ``spark-submit`` of this machine, or a program in its place."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from modelwatch.local.aws_clients import AwsClients
from modelwatch.local.moto_patches.emr_serverless import set_job_run_state
from modelwatch.local.work import WorkInProgress

EMR_SERVERLESS = "emr-serverless.amazonaws.com"
_FAILED = "Job failed, please check complete logs in configured logging destination. ExitCode: "
_LONGEST_DETAILS = 256
_WORKER = {"vCPUHour": 4.0, "memoryGBHour": 16.0}
_LONGEST_LINE, _LINES_TOGETHER = 2_000, 500
"""The most characters of a line and the most lines of a call: PutLogEvents takes 1 MB."""
NO_SPARK = (
    "there is no spark-submit here: `make test-spark` installs it in a checkout, and run_spark names a program in its"
    " place"
)


@dataclass(frozen=True, slots=True)
class _End:
    """How a run ended, in the words of GetJobRun."""

    state: str
    details: str | None = None


class JobRuns:
    """The job runs of the stack.

    Parameters
    ----------
    program : sequence of str, optional
        The command that stands for ``spark-submit``: the entry point and its arguments follow it.
    clients : AwsClients
        Read the entry point and the packages, and write logs, with the roles of the runs.
    now : callable
        Returns the time of the stack's clock.
    work : WorkInProgress
        Counts the runs that go on.
    folder : Path
        The folder for the runs' logs and their own folders.
    """

    def __init__(
        self,
        program: tuple[str, ...] | None,
        *,
        clients: AwsClients,
        now: Callable[[], datetime],
        work: WorkInProgress,
        folder: Path,
    ) -> None:
        self.program = program
        self._clients, self._now, self._work, self._folder = clients, now, work, folder
        self._lock = threading.Lock()
        self._running: dict[str, subprocess.Popen[bytes] | None] = {}
        self._cancelled: set[str] = set()

    def started(self, application_id: str, job_run_id: str, request: Mapping[str, Any]) -> None:
        """Run what was started."""
        with self._lock:
            self._running[job_run_id] = None
        self._work.start(f"job run {job_run_id}", self._run, application_id, job_run_id, dict(request))

    def cancelled(self, job_run_id: str) -> bool:
        """Cancel a run, and return whether it was going on."""
        with self._lock:
            if job_run_id not in self._running:
                return False
            self._cancelled.add(job_run_id)
            _kill(self._running[job_run_id])
        return True

    def log(self, job_run_id: str) -> str:
        """Return what a run has printed so far."""
        path = self._log_of(job_run_id)
        return path.read_text("utf-8", errors="replace") if path.exists() else ""

    def close(self) -> None:
        """Kill all runs."""
        with self._lock:
            for process in self._running.values():
                _kill(process)

    def _log_of(self, job_run_id: str) -> Path:
        return self._folder / f"job-run-{job_run_id}.log"

    def _run(self, application_id: str, job_run_id: str, request: dict[str, Any]) -> None:
        self._set_state(application_id, job_run_id, _End("RUNNING"))
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="job-run-", dir=self._folder) as folder:
            try:
                end = self._ended(job_run_id, request, Path(folder))
            except (OSError, ClientError) as error:  # a program that is not there, a role that cannot be taken
                end = _End("FAILED", f"{_FAILED}1. {error}"[:_LONGEST_DETAILS])
        hours = (time.monotonic() - began) / 3600
        with self._lock:
            del self._running[job_run_id]
        self._set_state(application_id, job_run_id, end, {name: hours * each for name, each in _WORKER.items()})

    def _ended(self, job_run_id: str, request: dict[str, Any], folder: Path) -> _End:
        if self.program is None:
            return _End("FAILED", NO_SPARK[:_LONGEST_DETAILS])
        role, submit = request["execution_role_arn"], request["job_driver"]["sparkSubmit"]
        s3 = self._clients.for_role(role, "s3", assumed_by=EMR_SERVERLESS)
        try:
            entry = self._downloaded(s3, submit, folder)
        except Exception as error:  # EMR Serverless fails the run, for instance where its role may not read
            return _End("FAILED", f"{_FAILED}1. {error}"[:_LONGEST_DETAILS])
        status = self._status_of_process(job_run_id, [str(entry), *submit.get("entryPointArguments", ())], role, folder)
        logging = (request.get("configuration_overrides") or {}).get("monitoringConfiguration", {})
        with suppress(ClientError):  # a role that may not write logs has a run without any
            self._write_log(job_run_id, role, logging.get("cloudWatchLoggingConfiguration", {}))
        if job_run_id in self._cancelled:
            return _End("CANCELLED")
        return _End("FAILED", f"{_FAILED}{status}.") if status else _End("SUCCESS")

    @staticmethod
    def _downloaded(s3: Any, submit: Mapping[str, Any], folder: Path) -> Path:
        """Return the entry point, if the packages are there too: here, the program has its own."""
        options = shlex.split(submit.get("sparkSubmitParameters", ""))
        if "--archives" in options:
            bucket, key = _place(options[options.index("--archives") + 1].partition("#")[0])
            s3.head_object(Bucket=bucket, Key=key)
        bucket, key = _place(submit["entryPoint"])
        entry = folder / key.rpartition("/")[2]
        s3.download_file(bucket, key, str(entry))
        return entry

    def _status_of_process(self, job_run_id: str, arguments: list[str], role: str, folder: Path) -> int:
        environment = self._environment(role)
        with self._log_of(job_run_id).open("ab") as log, self._lock:
            if job_run_id in self._cancelled:
                return -signal.SIGKILL
            process = subprocess.Popen(  # noqa: S603 - spark-submit, or what the user of the stack named in its place
                [*(self.program or ()), *arguments],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self._running[job_run_id] = process
        status = process.wait()
        return 128 - status if status < 0 else status

    def _environment(self, role: str) -> dict[str, str]:
        credentials = self._clients.assume_role(role, session="job-run", assumed_by=EMR_SERVERLESS)
        return {
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_DEFAULT_REGION": self._clients.region,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "LANG": "C.UTF-8",
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"]),
            "TMPDIR": str(self._folder),
            **credentials.environment(),
            "AWS_ENDPOINT_URL": self._clients.endpoint_url,
        }

    def _write_log(self, job_run_id: str, role: str, config: Mapping[str, Any]) -> None:
        if not config.get("enabled"):
            return
        logs = self._clients.for_role(role, "logs", assumed_by=EMR_SERVERLESS)
        name = f"{config.get('logStreamNamePrefix', '')}/jobs/{job_run_id}/SPARK_DRIVER/stderr"
        stream = {"logGroupName": config["logGroupName"], "logStreamName": name.lstrip("/")}
        logs.create_log_stream(**stream)
        now = int(time.time() * 1000)  # by the machine's clock: moto drops what is hours ahead of it
        lines = [{"timestamp": now, "message": one[:_LONGEST_LINE]} for one in self.log(job_run_id).splitlines() if one]
        for first in range(0, len(lines), _LINES_TOGETHER):
            logs.put_log_events(**stream, logEvents=lines[first : first + _LINES_TOGETHER])

    def _set_state(
        self, application_id: str, job_run_id: str, end: _End, billed: Mapping[str, float] | None = None
    ) -> None:
        region = self._clients.region
        set_job_run_state(
            application_id, job_run_id, region, end.state, now=self._now(), details=end.details, billed=billed
        )


def _place(s3_uri: str) -> tuple[str, str]:
    bucket, _, key = s3_uri.removeprefix("s3://").partition("/")
    return bucket, key


def _kill(process: subprocess.Popen[bytes] | None) -> None:
    if process is not None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
