"""The demo itself: deploy, suggest a baseline, watch hours of traffic, and hold what came of it against the promise."""

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
from modelwatch.demo.capture import capture
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
from modelwatch.demo.verdict import NOT_THERE, Outcome, Outcomes, again, failed_expectations
from modelwatch.local import LocalStack
from modelwatch_core.domain.baselining_job import BaseliningJob, JobStatus
from modelwatch_core.domain.constraint_violations import ConstraintViolations
from modelwatch_core.domain.monitor_kinds import MonitoringType
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
    half, three_quarters = len(applications) // 2, 3 * len(applications) // 4
    known = {
        Applications.TRAINING: applications[:half],
        Applications.HELD_OUT: applications[half:three_quarters],
    }
    later = applications[three_quarters:]
    training = known[Applications.TRAINING]
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
        demo.open_endpoints()
        timeline.tell(
            start,
            f"model trained on {len(training):,} of {len(applications):,} applications, served at {server.url}",
        )
        for endpoint in ENDPOINTS:
            timeline.tell(start, f"endpoint {endpoint.name} speaks {endpoint.payloads.encoding}")
        jobs = {}
        for baseline in BASELINES:
            job = jobs[baseline.name] = demo.suggest_baseline(baseline, known[baseline.described], model)
            if job.status is not JobStatus.COMPLETED:
                why = f"it is {job.status}: {job.failure_reason}"
                return [f"{baseline.name} was to end {JobStatus.COMPLETED}, {why}"]
        timeline.tell(start, f"mail goes to {RECIPIENT}")
        outcomes: list[Outcomes] = []
        for number, hour in enumerate(hours, start=1):
            for monitor in MONITORS:
                if monitor.starts_with == number:
                    demo.watch(monitor, jobs[monitor.baseline.name], first_hour)
            end = first_hour + number * HOUR
            outcomes.append(demo.live_through(number, hour, later, start=max(start, end - HOUR), end=end))
        demo.keep_mails()
        left = [f"no endpoint was to be left, {name} was" for name in demo.endpoints_left()]
    return failed_expectations(hours, MONITORS, outcomes) + left


def _whole_hour(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _resources(stack: LocalStack) -> int:
    pages = stack.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack.name)
    return sum(len(page["StackResourceSummaries"]) for page in pages)


def _outcome_of(mail: EmailMessage) -> str:
    """Return the name of the outcome that a mail is about."""
    subject = str(mail["Subject"])
    named = re.search(r"^Schedule: +(\S+)", mail.get_content(), re.MULTILINE)
    if named is None:
        return subject
    return again(named[1]) if "(attempt" in subject else named[1]


class _Demo:
    """The steps, on a running stack."""

    def __init__(self, stack: LocalStack, server: ModelServer, folder: ResultsFolder, timeline: Timeline) -> None:
        self._stack = stack
        self._app = App(stack)
        self._s3 = stack.client("s3")
        self._server = server
        self._folder = folder
        self._timeline = timeline
        self._watching: set[str] = set()
        self._labels: defaultdict[int, dict[str, Labels]] = defaultdict(dict)
        """By the hour that they come in and the endpoint."""

    def open_endpoints(self) -> None:
        """Register the endpoints with their data capture, as their owner would have done in SageMaker."""
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

    def endpoints_left(self) -> list[str]:
        """Return the endpoints that are none of the demo's own: what the app made, and forgot to delete."""
        pages = self._stack.client("sagemaker").get_paginator("list_endpoints").paginate()
        found = {endpoint["EndpointName"] for page in pages for endpoint in page["Endpoints"]}
        return sorted(found - {endpoint.name for endpoint in ENDPOINTS})

    def suggest_baseline(self, baseline: Baseline, applications: pd.DataFrame, model: LoanModel) -> BaseliningJob:
        """Have the app describe applications as the model scores them, and edit what it suggests."""
        table = to_text(applications)
        table[SCORE] = [format_score(score) for score in model.score(table.to_numpy().tolist())]
        table[DECISION] = applications[DECISION].to_numpy()
        content = table.to_csv(columns=list(baseline.columns), index=False, lineterminator="\n").encode()
        key = f"applications/{baseline.name}.csv"
        self._s3.put_object(Bucket=TRAFFIC_BUCKET, Key=key, Body=content)
        self._folder.write(f"{baseline.name}/{baseline.name}.csv", content)
        request = {
            "baselining_job_name": baseline.name,
            "monitoring_type": baseline.monitoring_type,
            "baseline_dataset_s3_uri": f"s3://{TRAFFIC_BUCKET}/{key}",
            "dataset_format": {"csv": {"header": True}},
            **baseline.parameters,
            **baseline.attributes,
        }
        with self._timeline.waiting(f"Suggesting {baseline.name}"):
            self._app.create_baseline(request)
            self._stack.settle()
        job = self._app.baselining_job(baseline.name)
        suggested = self._keep(job.output_s3_uri, baseline.name)
        if job.records:
            described = f"{job.records.read:,} {baseline.described.value}"
            self._timeline.tell(self._stack.now, f"{baseline.name} suggested from {described}")
        if baseline.edit and CONSTRAINTS in suggested:
            edited = json.dumps(baseline.edit.apply(json.loads(suggested[CONSTRAINTS])), indent=2).encode()
            self._app.write(f"{job.output_s3_uri}/{CONSTRAINTS}", edited)
            self._folder.write(f"{baseline.name}/{CONSTRAINTS}", edited)
            self._timeline.tell_detail(f"its {CONSTRAINTS} edited: {baseline.edit.told}")
        return job

    def watch(self, monitor: Monitor, job: BaseliningJob, first_hour: datetime) -> None:
        """Have the app run a monitor from the first hour on."""
        kind = monitor.baseline.monitoring_type
        files = {"constraints_s3_uri": f"{job.output_s3_uri}/{CONSTRAINTS}"}
        if kind is MonitoringType.DATA_QUALITY:
            files["statistics_s3_uri"] = f"{job.output_s3_uri}/statistics.json"
        labels = {"ground_truth_input": f"{LABELS}/{monitor.endpoint.name}"}
        self._app.create_schedule(
            monitoring_schedule_name=monitor.name,
            monitoring_type=kind,
            schedule_expression=monitor.schedule_expression(first_hour),
            endpoint_input={"endpoint_name": monitor.endpoint.name, **monitor.attributes, **monitor.offsets},
            baseline=files,
            start_delay_minutes=TICK // timedelta(minutes=1),
            **monitor.baseline.parameters,
            **(labels if "ground_truth_input" in kind.kind.schedule_parameters else {}),
        )
        self._watching.add(monitor.name)
        self._timeline.tell_monitor(self._stack.now, monitor)

    def live_through(
        self, number: int, hour: Hour, applications: pd.DataFrame, *, start: datetime, end: datetime
    ) -> Outcomes:
        """Send an hour's traffic, let the hour pass, and see what came of it."""
        mails_before = len(self._stack.mails)
        scores = {}
        with self._timeline.waiting(f"Hour {number}: {hour.title}"):
            for place, endpoint in enumerate(ENDPOINTS):
                drawn = hour.draw(endpoint, applications, np.random.default_rng([SEED, number, place]))
                seed = f"{SEED} {number} {endpoint.name}"
                exchanges = send(self._server.address, drawn, endpoint.payloads, start=start, end=end, seed=seed)
                capture(self._s3, f"{CAPTURES}/{endpoint.name}", VARIANT, exchanges)
                scores[endpoint.name] = [
                    score for e in exchanges for score in endpoint.payloads.read_answer(e.response)
                ]
                inference_ids = (exchange.inference_id for exchange in exchanges)
                decided = dict(zip(inference_ids, drawn[DECISION].tolist(), strict=True))
                come = self._labels[number + DECIDED_AFTER + hour.labels_late]
                come[endpoint.name] = {**come.get(endpoint.name, {}), **decided}
            for name, labels in self._labels.pop(number, {}).items():
                upload_labels(self._s3, f"{LABELS}/{name}", labels, collected=end - TICK)
            self._stack.advance_to(end + SETTLED)
            if hour.rerun:
                self._app.run_again(hour.rerun.monitor.name, self._end_of(hour.rerun.due, number, end))
                self._stack.settle()
        for endpoint in ENDPOINTS:
            captures = f"{CAPTURES}/{endpoint.name}/{VARIANT}/{start:%Y/%m/%d/%H}"
            self._keep(captures, f"hour-{number}/captures/{endpoint.name}")
            self._keep(f"{LABELS}/{endpoint.name}/{start:%Y/%m/%d/%H}", f"hour-{number}/labels/{endpoint.name}")
        outcomes = dict(self._outcomes(number, hour, end))
        mails = Counter(map(_outcome_of, self._stack.mails[mails_before:]))
        for name in mails:
            outcomes[name] = replace(outcomes.get(name, NOT_THERE), mails=mails[name])
        self._timeline.tell_hour(end + SETTLED, number, hour, scores, outcomes)
        return outcomes

    def _end_of(self, due: int, number: int, end: datetime) -> datetime:
        return end - (number - due) * HOUR

    def _outcomes(self, number: int, hour: Hour, end: datetime) -> Iterator[tuple[str, Outcome]]:
        for monitor in MONITORS:
            for execution in self._executions(monitor, end):
                yield (
                    monitor.name,
                    self._outcome(execution, f"hour-{number}/{monitor.name}", monitor.hours_seen(number)),
                )
        if hour.rerun:
            monitor, due = hour.rerun.monitor, hour.rerun.due
            name = again(monitor.name)
            for execution in self._executions(monitor, self._end_of(due, number, end)):
                if execution.attempt > 1:
                    folder = f"hour-{number}/{monitor.name}-again"
                    yield name, self._outcome(execution, folder, monitor.hours_seen(due))

    def _executions(self, monitor: Monitor, scheduled: datetime) -> Iterator[MonitoringExecution]:
        if monitor.name in self._watching:
            yield from (e for e in self._app.executions(monitor.name) if e.scheduled_time == scheduled)

    def _outcome(self, execution: MonitoringExecution, folder: str, seen: Sequence[int]) -> Outcome:
        files = self._keep(execution.output_s3_uri, folder)
        report = ConstraintViolations.model_validate_json(files.get("constraint_violations.json", b"{}"))
        status = execution.monitoring_execution_status
        return Outcome(
            status,
            report.violations,
            failure_reason=execution.failure_reason,
            hours=tuple(seen),
            labels=execution.ground_truth,
        )

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
