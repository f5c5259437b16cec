"""Executions by the ARN of their processing job, by which SageMaker's shapes name them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from modelwatch.app_client import AppClient
from modelwatch_core.domain.sagemaker_api.responses import Record, processing_job_arn

_JOB_NAME = re.compile(r"-(\d{12})-[0-9a-f]+$")
"""The minute in which the window of an execution ends, in the name of its processing job."""


def execution_record(app: AppClient, arn: str) -> Record:
    """Return the app's record of an execution.

    Parameters
    ----------
    app : AppClient
    arn : str
        Its ``ProcessingJobArn``.

    Raises
    ------
    ValueError
        Where the app has no such execution.
    """
    if named := _JOB_NAME.search(arn):
        # An execution is due when its window ends, or later: in the order of that, it is among the first since then.
        ended = datetime.strptime(named[1], "%Y%m%d%H%M").replace(tzinfo=UTC)
        order = {"sort_by": "ScheduledTime", "sort_order": "Ascending"}
        since = (ended - timedelta(minutes=1)).isoformat()
        for record in app.pages("ListMonitoringExecutions", "executions", scheduled_time_after=since, **order):
            if "window" in record and processing_job_arn(app.sagemaker_arns, record) == arn:
                return record
    raise ValueError(f"ExecutionNotFound: no execution has the processing job {arn}; list_executions() names them")
