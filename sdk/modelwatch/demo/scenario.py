"""The demo itself: deploys, suggests baselines, monitors hours of traffic, and compares results with expectations."""

from __future__ import annotations

import json
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import numpy as np
import pandas as pd

from modelwatch.demo.app import App
from modelwatch.demo.applications import CITATION, DECISION, SCORE, load_applications, to_text
from modelwatch.demo.ground_truth import Labels, upload_labels
from modelwatch.demo.hours import HOURS, Hour
from modelwatch.demo.model import LoanModel, ModelServer
from modelwatch.demo.monitors import (
    BASELINES,
    DECIDED_AFTER,
    ENDPOINTS,
    MODEL,
    MONITORS,
    Applications,
    Baseline,
    Monitor,
)
from modelwatch.demo.payloads import format_score
from modelwatch.demo.results_folder import ResultsFolder
from modelwatch.demo.timeline import Timeline
from modelwatch.demo.traffic import send
from modelwatch.demo.verdict import MISSING, Observation, Observations, failed_expectations, rerun_name
from modelwatch.local import LocalStack
from modelwatch.local.capture_files import write_captures
from modelwatch_core.domain.analysis_settings import DriftSettings
from modelwatch_core.domain.baselining_job import BaseliningJob, JobStatus
from modelwatch_core.domain.constraint_violations import ConstraintViolations
from modelwatch_core.domain.monitoring_execution import MonitoringExecution

SEED = 1989
VARIANT = "AllTraffic"
TRAFFIC_BUCKET = "mortgage-approval-traffic"
CAPTURES = f"s3://{TRAFFIC_BUCKET}/captures"
LABELS = f"s3://{TRAFFIC_BUCKET}/labels"
CONSTRAINTS = "constraints.json"
RECIPIENT = "loans-team@example.com"

HOUR = timedelta(hours=1)
TICK = timedelta(minutes=5)
"""A schedule fires this long after the full hour, because captures arrive late."""
SETTLED = TICK + timedelta(minutes=1)
"""This long after the full hour the schedule has fired, and everything that it started has ended."""


def run(folder: ResultsFolder, timeline: Timeline, *, now: datetime, hours: Sequence[Hour] = HOURS) -> list[str]:
    """Run the demo.

    Parameters
    ----------
    folder : ResultsFolder
        Gets reports, mails, captures and baselines.
    timeline : Timeline
        Prints what happens.
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
    half, three_quarters = len(applications) // 2, 3 * len(applications) // 4
    parts = {
        Applications.TRAINING: applications[:half],
        Applications.HELD_OUT: applications[half:three_quarters],
    }
    later = applications[three_quarters:]
    training = parts[Applications.TRAINING]
    timeline.print_lines([f"Mortgage applications in Boston: {CITATION}", "Times are UTC, by the stack's clock"])
    model = LoanModel.train(training)
    first_hour = _full_hour(now - SETTLED) - len(hours) * HOUR
    # After the full hour: the schedule's first window is then the first hour of the demo.
    start = first_hour + SETTLED
    started = time.monotonic()
    # Here an object is listed as soon as it is written.
    parameters = {"NotificationEmail": RECIPIENT, "MonitoredBuckets": TRAFFIC_BUCKET, "CaptureSettlingSeconds": "0"}
    stack = LocalStack(parameters=parameters, start=start)
    with closing(stack), ModelServer(model.score) as server:
        with timeline.waiting("Deploying template.yaml"):
            stack.start()
        seconds = time.monotonic() - started
        timeline.print_event(start, f"template.yaml deployed: {_resource_count(stack)} resources in {seconds:.0f} s")
        demo = _Demo(stack, server, folder, timeline)
        demo.create_endpoints()
        timeline.print_event(
            start,
            f"model trained on {len(training):,} of {len(applications):,} applications, served at {server.url}",
        )
        for endpoint in ENDPOINTS:
            timeline.print_event(start, f"endpoint {endpoint.name} takes {endpoint.payloads.encoding}")
        jobs = {}
        for baseline in BASELINES:
            job = jobs[baseline.name] = demo.create_baseline(baseline, parts[baseline.described], model)
            if job.status is not JobStatus.COMPLETED:
                reason = f": {job.outcome.failure_reason}" if job.outcome else ""
                return [f"{baseline.name} should be {JobStatus.COMPLETED}, it is {job.status}{reason}"]
        timeline.print_event(start, f"mail goes to {RECIPIENT}")
        observations: list[Observations] = []
        for number, hour in enumerate(hours, start=1):
            for monitor in MONITORS:
                if monitor.starts_with == number:
                    demo.start_monitor(monitor, jobs[monitor.baseline.name], first_hour)
            end = first_hour + number * HOUR
            observations.append(demo.run_hour(number, hour, later, start=max(start, end - HOUR), end=end))
        demo.save_mails()
        demo.save_pages()
        remaining = [f"no endpoint should remain, {name} does" for name in demo.remaining_endpoints()]
    return failed_expectations(hours, MONITORS, observations) + remaining


def _full_hour(time: datetime) -> datetime:
    return time.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _resource_count(stack: LocalStack) -> int:
    pages = stack.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack.name)
    return sum(len(page["StackResourceSummaries"]) for page in pages)


def _observation_of(mail: EmailMessage) -> str:
    """Return the name of the observation that a mail is about."""
    text = mail.get_content()
    named = re.search(r"^Schedule: +(\S+)", text, re.MULTILINE)
    if named is None:
        return str(mail["Subject"])
    return rerun_name(named[1]) if re.search(r"^Status: .*, attempt ", text, re.MULTILINE) else named[1]


class _Demo:
    """The steps of the demo on a running stack."""

    def __init__(self, stack: LocalStack, server: ModelServer, folder: ResultsFolder, timeline: Timeline) -> None:
        self._stack = stack
        self._app = App(stack)
        self._s3 = stack.client("s3")
        self._server = server
        self._folder = folder
        self._timeline = timeline
        self._started: set[str] = set()
        self._labels: defaultdict[int, dict[str, Labels]] = defaultdict(dict)
        """By the hour in which they arrive, and the endpoint."""

    def create_endpoints(self) -> None:
        """Create the endpoints with their data capture, as their owner does in SageMaker."""
        self._s3.create_bucket(Bucket=TRAFFIC_BUCKET)
        sagemaker = self._stack.client("sagemaker")
        sagemaker.create_model(
            ModelName=MODEL,
            ExecutionRoleArn="arn:aws:iam::123456789012:role/mortgage-approval",
            PrimaryContainer={"Image": "mortgage-approval:1"},
        )
        self._stack.serve_model(MODEL, self._server.url)
        for endpoint in ENDPOINTS:
            content_types = f"{endpoint.payloads.encoding.title()}ContentTypes"
            sagemaker.create_endpoint_config(
                EndpointConfigName=endpoint.name,
                ProductionVariants=[
                    {
                        "VariantName": VARIANT,
                        "ModelName": MODEL,
                        "InitialInstanceCount": 1,
                        "InstanceType": "ml.m5.large",
                    }
                ],
                DataCaptureConfig={
                    "EnableCapture": True,
                    "InitialSamplingPercentage": 100,
                    "DestinationS3Uri": CAPTURES,
                    "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
                    "CaptureContentTypeHeader": {content_types: [endpoint.payloads.content_type]},
                },
            )
            sagemaker.create_endpoint(EndpointName=endpoint.name, EndpointConfigName=endpoint.name)
        self._stack.settle()

    def remaining_endpoints(self) -> list[str]:
        """Return the endpoints that are not the demo's own: temporary ones that the app did not delete."""
        pages = self._stack.client("sagemaker").get_paginator("list_endpoints").paginate()
        found = {endpoint["EndpointName"] for page in pages for endpoint in page["Endpoints"]}
        return sorted(found - {endpoint.name for endpoint in ENDPOINTS})

    def create_baseline(self, baseline: Baseline, applications: pd.DataFrame, model: LoanModel) -> BaseliningJob:
        """Let the app describe applications with their scores, and edit the constraints that it suggests."""
        table = to_text(applications)
        table[SCORE] = [format_score(score) for score in model.score(table.to_numpy().tolist())]
        table[DECISION] = applications[DECISION].to_numpy()
        content = table.to_csv(columns=list(baseline.columns), index=False, lineterminator="\n").encode()
        key = f"applications/{baseline.name}.csv"
        self._s3.put_object(Bucket=TRAFFIC_BUCKET, Key=key, Body=content)
        self._folder.write(f"{baseline.name}/{baseline.name}.csv", content)
        request = {
            "baselining_job_name": baseline.name,
            "monitoring_type": baseline.kind.monitoring_type,
            "baseline_dataset_s3_uri": f"s3://{TRAFFIC_BUCKET}/{key}",
            "dataset_format": {"csv": {"header": True}},
            "environment": dict(baseline.settings),
            **baseline.parameters,
            **baseline.attributes,
        }
        with self._timeline.waiting(f"Suggesting {baseline.name}"):
            self._app.create_baseline(request)
            self._stack.settle()
        job = self._app.baselining_job(baseline.name)
        suggested = self._save(job.output_s3_uri, baseline.name)
        if job.outcome and job.outcome.records:
            described = f"{job.outcome.records.read:,} {baseline.described.value}"
            self._timeline.print_event(self._stack.now, f"{baseline.name} suggested from {described}")
        if baseline.edit and CONSTRAINTS in suggested:
            edited = json.dumps(baseline.edit.apply(json.loads(suggested[CONSTRAINTS])), indent=2).encode()
            self._app.write(f"{job.output_s3_uri}/{CONSTRAINTS}", edited)
            self._folder.write(f"{baseline.name}/{CONSTRAINTS}", edited)
            self._timeline.print_detail(f"its {CONSTRAINTS} edited: {baseline.edit.description}")
        return job

    def start_monitor(self, monitor: Monitor, job: BaseliningJob, first_hour: datetime) -> None:
        """Create the schedule of a monitor."""
        kind = monitor.baseline.kind
        files = {"constraints_s3_uri": f"{job.output_s3_uri}/{CONSTRAINTS}"}
        if issubclass(kind.settings, DriftSettings):
            files["statistics_s3_uri"] = f"{job.output_s3_uri}/statistics.json"
        labels = {"ground_truth_input": f"{LABELS}/{monitor.endpoint.name}"}
        self._app.create_schedule(
            monitoring_schedule_name=monitor.name,
            monitoring_type=kind.monitoring_type,
            schedule_expression=monitor.schedule_expression(first_hour),
            endpoint_input={"endpoint_name": monitor.endpoint.name, **monitor.attributes, **monitor.offsets},
            baseline=files,
            start_delay_minutes=TICK // timedelta(minutes=1),
            alerting={"remind_after_hours": 0},  # a demo is too short for a reminder a day
            **monitor.baseline.parameters,
            **(labels if "ground_truth_input" in kind.own_parameters else {}),
        )
        self._started.add(monitor.name)
        self._timeline.print_monitor(self._stack.now, monitor)

    def run_hour(
        self, number: int, hour: Hour, applications: pd.DataFrame, *, start: datetime, end: datetime
    ) -> Observations:
        """Send an hour's traffic, let the hour pass, and return what the monitors found."""
        mails_before = len(self._stack.mails)
        scores = {}
        with self._timeline.waiting(f"Hour {number}: {hour.title}"):
            for index, endpoint in enumerate(ENDPOINTS):
                drawn = hour.draw(endpoint, applications, np.random.default_rng([SEED, number, index]))
                seed = f"{SEED} {number} {endpoint.name}"
                exchanges = send(self._server.address, drawn, endpoint.payloads, start=start, end=end, seed=seed)
                write_captures(self._s3, f"{CAPTURES}/{endpoint.name}", VARIANT, exchanges)
                responses = (exchange.response.data for exchange in exchanges if exchange.response)
                scores[endpoint.name] = [score for each in responses for score in endpoint.payloads.read_response(each)]
                inference_ids = (exchange.inference_id for exchange in exchanges if exchange.inference_id)
                decided = dict(zip(inference_ids, drawn[DECISION].tolist(), strict=True))
                arriving = self._labels[number + DECIDED_AFTER + hour.labels_late]
                arriving[endpoint.name] = {**arriving.get(endpoint.name, {}), **decided}
            for name, labels in self._labels.pop(number, {}).items():
                upload_labels(self._s3, f"{LABELS}/{name}", labels, collected=end - TICK)
            self._stack.advance_to(end + SETTLED)
            if hour.rerun:
                self._app.run_again(hour.rerun.monitor.name, self._end_of(hour.rerun.due, number, end))
                self._stack.settle()
        for endpoint in ENDPOINTS:
            captures = f"{CAPTURES}/{endpoint.name}/{VARIANT}/{start:%Y/%m/%d/%H}"
            self._save(captures, f"hour-{number}/captures/{endpoint.name}")
            self._save(f"{LABELS}/{endpoint.name}/{start:%Y/%m/%d/%H}", f"hour-{number}/labels/{endpoint.name}")
        observations = dict(self._observations(number, hour, end))
        mails = Counter(map(_observation_of, self._stack.mails[mails_before:]))
        for name in mails:
            observations[name] = replace(observations.get(name, MISSING), mails=mails[name])
        self._timeline.print_hour(end + SETTLED, number, hour, scores, observations)
        return observations

    def _end_of(self, due: int, number: int, end: datetime) -> datetime:
        return end - (number - due) * HOUR

    def _observations(self, number: int, hour: Hour, end: datetime) -> Iterator[tuple[str, Observation]]:
        for monitor in MONITORS:
            for execution in self._executions(monitor, end):
                yield (
                    monitor.name,
                    self._observation(execution, f"hour-{number}/{monitor.name}", monitor.hours_in_window(number)),
                )
        if hour.rerun:
            monitor, due = hour.rerun.monitor, hour.rerun.due
            name = rerun_name(monitor.name)
            for execution in self._executions(monitor, self._end_of(due, number, end)):
                if execution.attempt > 1:
                    folder = f"hour-{number}/{monitor.name}-again"
                    yield name, self._observation(execution, folder, monitor.hours_in_window(due))

    def _executions(self, monitor: Monitor, scheduled: datetime) -> Iterator[MonitoringExecution]:
        if monitor.name in self._started:
            yield from (e for e in self._app.executions(monitor.name) if e.scheduled_time == scheduled)

    def _observation(self, execution: MonitoringExecution, folder: str, hours: Sequence[int]) -> Observation:
        files = self._save(execution.output_s3_uri, folder)
        report = ConstraintViolations.model_validate_json(files.get("constraint_violations.json", b"{}"))
        outcome = execution.outcome
        return Observation(
            execution.monitoring_execution_status,
            report.violations,
            failure_reason=outcome.failure_reason if outcome else None,
            hours=tuple(hours),
            ground_truth=outcome.ground_truth if outcome else None,
        )

    def save_pages(self) -> None:
        """Save the dashboard and the reports that it links to, in the places that its links name."""
        for key, content in self._app.files(self._app.results, ".html"):
            self._folder.write(f"pages/{key}", content)

    def save_mails(self) -> None:
        """Save all mails, and print them."""
        for number, mail in enumerate(self._stack.mails, start=1):
            self._folder.write(f"mails/{number}.eml", mail.as_bytes())
        self._timeline.print_mails(self._stack.mails)
        self._timeline.print_alerts(self._app.alert_changes(), self._stack.mails)

    def _save(self, s3_folder: str, name: str) -> dict[str, bytes]:
        """Copy a folder of S3 into the demo's folder, and return its files."""
        files = dict(self._app.files(s3_folder))
        for path, content in files.items():
            self._folder.write(f"{name}/{path}", content)
        return files
