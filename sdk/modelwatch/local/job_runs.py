"""Job runs of EMR Serverless: ``spark-submit`` of this machine, or a program in its place."""

from __future__ import annotations

import shlex
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from modelwatch.local.aws_clients import AwsClients, environment_of_process
from modelwatch.local.moto_patches.emr_serverless import set_job_run_state
from modelwatch.local.run_processes import RunProcesses
from modelwatch.local.work import WorkInProgress
from modelwatch_core.domain import s3_layout

EMR_SERVERLESS = "emr-serverless.amazonaws.com"
_FAILED = "Job failed, please check complete logs in configured logging destination. ExitCode: "
_LONGEST_DETAILS = 256
_WORKER = {"vCPUHour": 4.0, "memoryGBHour": 16.0}
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
        self.processes = RunProcesses(folder, "job-run-")

    def started(self, application_id: str, job_run_id: str, request: Mapping[str, Any]) -> None:
        """Run what was started."""
        self.processes.begin(job_run_id)
        self._work.start(f"job run {job_run_id}", self._run, application_id, job_run_id, dict(request))

    def cancelled(self, job_run_id: str) -> bool:
        """Cancel a run, and return whether it was going on."""
        return self.processes.stop(job_run_id)

    def _run(self, application_id: str, job_run_id: str, request: dict[str, Any]) -> None:
        self._set_state(application_id, job_run_id, _End("RUNNING"))
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="job-run-", dir=self._folder) as folder:
            try:
                end = self._ended(job_run_id, request, Path(folder))
            except (OSError, ClientError) as error:  # a program that is not there, a role that cannot be taken
                end = _End("FAILED", f"{_FAILED}1. {error}"[:_LONGEST_DETAILS])
        hours = (time.monotonic() - began) / 3600
        self.processes.end(job_run_id)
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
        command = [*self.program, str(entry), *submit.get("entryPointArguments", ())]
        status = self.processes.status(job_run_id, command, folder=folder, environment=self._environment(role))
        logging = (request.get("configuration_overrides") or {}).get("monitoringConfiguration", {})
        with suppress(ClientError):  # a role that may not write logs has a run without any
            self._write_log(job_run_id, role, logging.get("cloudWatchLoggingConfiguration", {}))
        if self.processes.is_stopped(job_run_id):
            return _End("CANCELLED")
        return _End("SUCCESS") if status == 0 else _End("FAILED", f"{_FAILED}{status}.")

    @staticmethod
    def _downloaded(s3: Any, submit: Mapping[str, Any], folder: Path) -> Path:
        """Return the entry point, if the packages are there too: here, the program has its own."""
        options = shlex.split(submit.get("sparkSubmitParameters", ""))
        if "--archives" in options:
            bucket, key = s3_layout.split(options[options.index("--archives") + 1].partition("#")[0])
            s3.head_object(Bucket=bucket, Key=key)
        bucket, key = s3_layout.split(submit["entryPoint"])
        entry = folder / key.rpartition("/")[2]
        s3.download_file(bucket, key, str(entry))
        return entry

    def _environment(self, role: str) -> dict[str, str]:
        credentials = self._clients.assume_role(role, session="job-run", assumed_by=EMR_SERVERLESS)
        return {
            **environment_of_process(credentials, self._clients.endpoint_url),
            "AWS_DEFAULT_REGION": self._clients.region,
            "LANG": "C.UTF-8",
            "TMPDIR": str(self._folder),
        }

    def _write_log(self, job_run_id: str, role: str, config: Mapping[str, Any]) -> None:
        if not config.get("enabled"):
            return
        logs = self._clients.for_role(role, "logs", assumed_by=EMR_SERVERLESS)
        name = f"{config.get('logStreamNamePrefix', '')}/jobs/{job_run_id}/SPARK_DRIVER/stderr"
        self.processes.send_log(job_run_id, logs, config["logGroupName"], name.lstrip("/"))

    def _set_state(
        self, application_id: str, job_run_id: str, end: _End, billed: Mapping[str, float] | None = None
    ) -> None:
        region = self._clients.region
        set_job_run_state(
            application_id, job_run_id, region, end.state, now=self._now(), details=end.details, billed=billed
        )
