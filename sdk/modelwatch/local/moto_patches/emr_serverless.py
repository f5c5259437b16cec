"""EMR Serverless.

moto's job runs have succeeded as soon as they are started, one for each call whatever the client token, and cost
nothing; those that have ended can be cancelled. It emits no events.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import moto.emrserverless.models as emr_models
from moto.emrserverless.exceptions import ValidationException

from modelwatch.local.event_rules import aws_event
from modelwatch.local.moto_patches.events import send_to_default_bus
from modelwatch.local.moto_patches.hooks import ACCOUNT_ID, Hooks, Replacement

_ENDED = ("SUCCESS", "FAILED", "CANCELLED")


def replacements(hooks: Hooks) -> list[Replacement]:
    """Return what is replaced in moto's EMR Serverless."""
    backend = emr_models.EMRServerlessBackend
    original = backend.start_job_run

    def start_job_run(self: Any, application_id: str, client_token: str, **options: Any) -> Any:
        for earlier in self.job_runs.get(application_id, ()):
            if earlier.client_token == client_token:
                return earlier
        run = original(self, application_id=application_id, client_token=client_token, **options)
        run.state = "SUBMITTED"
        hooks.job_run_started(application_id, run.id, options)
        return run

    def cancel_job_run(self: Any, application_id: str, job_run_id: str) -> tuple[str, str]:
        run = self.get_job_run(application_id, job_run_id)
        if run.state in _ENDED:
            raise ValidationException(f"Job run {job_run_id} has ended: {run.state}")
        before, run.state = run.state, "CANCELLING"  # before the run can say that it is cancelled
        if not hooks.job_run_cancelled(job_run_id) and run.state == "CANCELLING":
            run.state = before
        return application_id, job_run_id

    return [
        Replacement(backend, "start_job_run", start_job_run),
        Replacement(backend, "cancel_job_run", cancel_job_run),
    ]


def set_job_run_state(
    application_id: str,
    job_run_id: str,
    region: str,
    state: str,
    *,
    now: datetime,
    details: str | None = None,
    billed: Mapping[str, float] | None = None,
) -> None:
    """Set the state of a job run, and send the event of the change to the default bus."""
    run = emr_models.emrserverless_backends[ACCOUNT_ID][region].get_job_run(application_id, job_run_id)
    previous, run.state, run.state_details = run.state, state, details
    if billed is not None:
        run.billed_resource_utilization = dict(billed)
    moment = now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    detail = {
        "jobRunId": job_run_id,
        "applicationId": application_id,
        "arn": run.arn,
        "releaseLabel": run.release_label,
        "state": state,
        "previousState": previous,
        "createdBy": f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/role/session",
        "updatedAt": moment,
        "createdAt": moment,
    }
    event = aws_event(
        "aws.emr-serverless",
        "EMR Serverless Job Run State Change",
        detail,
        account=ACCOUNT_ID,
        region=region,
        arn=None,
        now=now,
    )
    send_to_default_bus(event)
