"""The demo itself: deploy, suggest a baseline, watch hours of traffic, and hold what came of it against the promise."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from modelwatch.demo.app import App
from modelwatch.demo.applications import CITATION, FEATURES, SCORE, load_applications, to_cells
from modelwatch.demo.capture import capture
from modelwatch.demo.hours import HOURS, Hour
from modelwatch.demo.model import LoanModel, ModelServer, format_score
from modelwatch.demo.results_folder import ResultsFolder
from modelwatch.demo.timeline import Timeline
from modelwatch.demo.traffic import send
from modelwatch.demo.verdict import Outcome, failed_expectations
from modelwatch.local import LocalStack
from modelwatch_core.domain.baselining_job import BaseliningJob, JobStatus
from modelwatch_core.domain.constraint_violations import ConstraintViolations

SEED = 1989
ENDPOINT = "mortgage-approval"
VARIANT = "AllTraffic"
SCHEDULE = "mortgage-approval-data-quality"
BASELINING_JOB = "mortgage-approval-baseline"
TRAFFIC_BUCKET = "mortgage-approval-traffic"
CAPTURES = f"s3://{TRAFFIC_BUCKET}/captures"
BASELINE_KEY = "training/baseline.csv"
RECIPIENT = "loans-team@example.com"

HOUR = timedelta(hours=1)
TICK = timedelta(minutes=5)
"""A schedule fires so long after the full hour, because captures arrive late."""
SETTLED = TICK + timedelta(minutes=1)
"""So long after the full hour the schedule has fired, and what it started has ended."""


def run(folder: ResultsFolder, timeline: Timeline, *, now: datetime, hours: Sequence[Hour] = HOURS) -> list[str]:
    """Run the demo.

    Parameters
    ----------
    folder : ResultsFolder
        Receives reports, mails, captures and the baseline.
    timeline : Timeline
        Is told what happens.
    now : datetime
        The hours of the demo are the last ones whose reports are due by now.
    hours : sequence of Hour
        What happens.

    Returns
    -------
    list of str
        The expectations that failed, one sentence each.
    """
    applications = load_applications().sample(frac=1, random_state=SEED, ignore_index=True)
    training = applications[: len(applications) // 2]
    timeline.tell_lines([f"Mortgage applications in Boston: {CITATION}", "Times are UTC, by the stack's clock"])
    model = LoanModel.train(training)
    first_hour = _whole_hour(now - SETTLED) - len(hours) * HOUR
    # Once the hour has rung: the schedule's first window is then the first hour of the demo.
    start = first_hour + SETTLED
    started = time.monotonic()
    stack = LocalStack(parameters={"NotificationEmail": RECIPIENT, "MonitoredBuckets": TRAFFIC_BUCKET}, start=start)
    with closing(stack), ModelServer(model.score) as server:
        with timeline.waiting("Deploying template.yaml"):
            stack.start()
        seconds = time.monotonic() - started
        timeline.tell(start, f"template.yaml deployed: {_resources(stack)} resources in {seconds:.0f} s")
        demo = _Demo(stack, server, folder, timeline)
        demo.open_endpoint()
        timeline.tell(
            start,
            f"model trained on {len(training):,} of {len(applications):,} applications, "
            f"served at {server.url} as endpoint {ENDPOINT}",
        )
        job = demo.suggest_baseline(training, model)
        if job.status is not JobStatus.COMPLETED:
            return [f"the baseline was to end {JobStatus.COMPLETED}, it is {job.status}: {job.failure_reason}"]
        demo.watch(job)
        timeline.tell(start, f"endpoint {ENDPOINT} is watched every hour, mail goes to {RECIPIENT}")
        outcomes: list[Outcome] = []
        for number, hour in enumerate(hours, start=1):
            end = first_hour + number * HOUR
            drawn = hour.draw(applications[len(training) :], np.random.default_rng([SEED, number]))
            outcomes.append(demo.live_through(number, hour, drawn, start=max(start, end - HOUR), end=end))
        timeline.tell_violations(outcomes)
        demo.keep_mails()
    return failed_expectations(hours, outcomes)


def _whole_hour(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _resources(stack: LocalStack) -> int:
    pages = stack.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack.name)
    return sum(len(page["StackResourceSummaries"]) for page in pages)


class _Demo:
    """The steps, on a running stack."""

    def __init__(self, stack: LocalStack, server: ModelServer, folder: ResultsFolder, timeline: Timeline) -> None:
        self._stack = stack
        self._app = App(stack)
        self._s3 = stack.client("s3")
        self._server = server
        self._folder = folder
        self._timeline = timeline

    def open_endpoint(self) -> None:
        """Register the endpoint with its data capture, as its owner would have done in SageMaker."""
        self._s3.create_bucket(Bucket=TRAFFIC_BUCKET)
        sagemaker = self._stack.client("sagemaker")
        sagemaker.create_model(
            ModelName=ENDPOINT,
            ExecutionRoleArn="arn:aws:iam::123456789012:role/mortgage-approval",
            PrimaryContainer={"Image": "mortgage-approval:1"},
        )
        sagemaker.create_endpoint_config(
            EndpointConfigName=ENDPOINT,
            ProductionVariants=[
                {
                    "VariantName": VARIANT,
                    "ModelName": ENDPOINT,
                    "InitialInstanceCount": 1,
                    "InstanceType": "ml.m5.large",
                }
            ],
            DataCaptureConfig={
                "EnableCapture": True,
                "InitialSamplingPercentage": 100,
                "DestinationS3Uri": CAPTURES,
                "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
                "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
            },
        )
        sagemaker.create_endpoint(EndpointName=ENDPOINT, EndpointConfigName=ENDPOINT)

    def suggest_baseline(self, training: pd.DataFrame, model: LoanModel) -> BaseliningJob:
        """Have the app describe the training data, the model's output first."""
        rows = to_cells(training)
        table = io.StringIO()
        writer = csv.writer(table, lineterminator="\n")
        writer.writerow([SCORE, *FEATURES])
        writer.writerows([format_score(score), *row] for score, row in zip(model.score(rows), rows, strict=True))
        content = table.getvalue().encode()
        self._s3.put_object(Bucket=TRAFFIC_BUCKET, Key=BASELINE_KEY, Body=content)
        self._folder.write("baseline/baseline.csv", content)
        request = {
            "baselining_job_name": BASELINING_JOB,
            "monitoring_type": "DataQuality",
            "baseline_dataset_s3_uri": f"s3://{TRAFFIC_BUCKET}/{BASELINE_KEY}",
            "dataset_format": {"csv": {"header": True}},
        }
        with self._timeline.waiting("Suggesting a baseline"):
            self._app.create_baseline(request)
            self._stack.settle()
        job = self._app.baselining_job(BASELINING_JOB)
        files = self._keep(job.output_s3_uri, "baseline")
        if job.status is JobStatus.COMPLETED:
            statistics = json.loads(files["statistics.json"])
            rows_read, features = statistics["dataset"]["item_count"], len(statistics["features"])
            self._timeline.tell(self._stack.now, f"baseline suggested: {rows_read:,} rows, {features} features")
        return job

    def watch(self, job: BaseliningJob) -> None:
        """Have the app watch the endpoint every hour."""
        self._app.create_schedule(
            monitoring_schedule_name=SCHEDULE,
            monitoring_type="DataQuality",
            schedule_expression="cron(0 * ? * * *)",
            endpoint_input={"endpoint_name": ENDPOINT},
            baseline={
                "statistics_s3_uri": f"{job.output_s3_uri}/statistics.json",
                "constraints_s3_uri": f"{job.output_s3_uri}/constraints.json",
            },
            start_delay_minutes=TICK // timedelta(minutes=1),
        )

    def live_through(self, number: int, hour: Hour, drawn: pd.DataFrame, *, start: datetime, end: datetime) -> Outcome:
        """Send an hour's traffic, let the hour pass, and see what came of it."""
        mails_before = len(self._stack.mails)
        with self._timeline.waiting(f"Hour {number}: {hour.title}"):
            exchanges = send(self._server.address, to_cells(drawn), start=start, end=end, seed=SEED + number)
            capture(self._s3, f"{CAPTURES}/{ENDPOINT}", VARIANT, exchanges)
            self._stack.advance_to(end + SETTLED)
        execution = next((e for e in self._app.executions(SCHEDULE) if e.scheduled_time == end), None)
        mails = len(self._stack.mails) - mails_before
        if execution is None:
            outcome = Outcome("not there", mails=mails)
        else:
            files = self._keep(execution.output_s3_uri, f"hour-{number}")
            self._keep(f"{CAPTURES}/{ENDPOINT}/{VARIANT}/{start:%Y/%m/%d/%H}", f"hour-{number}/captures")
            report = ConstraintViolations.model_validate_json(files.get("constraint_violations.json", b"{}"))
            status = execution.monitoring_execution_status
            outcome = Outcome(status, report.violations, mails, execution.failure_reason)
        scores = [float(exchange.response) for exchange in exchanges]
        self._timeline.tell_hour(end + SETTLED, number, hour, scores, outcome)
        return outcome

    def keep_mails(self) -> None:
        """Save what was mailed, and show it."""
        for number, mail in enumerate(self._stack.mails, start=1):
            self._folder.write(f"mails/{number}.eml", mail.as_bytes())
        self._timeline.tell_mails(self._stack.mails)

    def _keep(self, s3_folder: str, name: str) -> dict[str, bytes]:
        """Copy a folder of S3 into the demo's folder, and give its files back."""
        files = dict(self._app.files(s3_folder))
        for path, content in files.items():
            self._folder.write(f"{name}/{path}", content)
        return files
