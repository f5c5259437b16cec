"""A baseline was requested: note it and start the analysis."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from modelwatch_core.app.access_advice import advice_on_access
from modelwatch_core.app.analysis_inputs import (
    INPUT,
    AnalysisInputs,
    analysis_inputs,
    refuse_large_parameters,
    refuse_settings_of_the_app,
)
from modelwatch_core.app.start_analysis import StartAnalysis
from modelwatch_core.domain import s3_layout
from modelwatch_core.domain.analysis import AnalysisInput, AnalysisRequest
from modelwatch_core.domain.analysis_settings import AnalysisSettings
from modelwatch_core.domain.baselining_job import BaselineRequest, BaseliningJob, JobStatus
from modelwatch_core.domain.dataset_formats import refuse_unknown_format
from modelwatch_core.domain.dataset_parts import read_as_a_whole
from modelwatch_core.domain.errors import InvalidInput, ModelwatchError, NotReady
from modelwatch_core.domain.hosts import Demand, HostChoice
from modelwatch_core.domain.outcome import Outcome
from modelwatch_core.domain.settings_environment import analysis_settings
from modelwatch_core.ports import BaseliningJobs, Clock, ObjectStore


@dataclass(frozen=True, slots=True)
class CreateBaseline:
    """Start a baselining job.

    Parameters
    ----------
    results : str
        S3 URI of the bucket that reports and baselines go to.
    output_buckets : collection of str
        Further buckets that they may go to.
    """

    jobs: BaseliningJobs
    objects: ObjectStore
    start_analysis: StartAnalysis
    clock: Clock
    results: str
    output_buckets: Collection[str] = ()

    def __call__(self, request: BaselineRequest) -> BaseliningJob:
        """Start the job and return its record.

        Raises
        ------
        InvalidInput
            ``BaselineDatasetNotFound``, ``BaselineDatasetTooLarge``, ``NoHost``, ``OutputOutsideResults``,
            ``InvalidSettings``, ``UnsupportedFormat``, ``ParametersTooLarge`` or ``BaseliningJobExists``.
        Upstream
            When the host did not take it; the job is then noted as failed.
        """
        refuse_large_parameters(request)
        refuse_settings_of_the_app(request.environment, request.kind, request.parameters_that_are_settings)
        if request.image_uri is None:
            refuse_unknown_format(request.dataset_format)
        given = analysis_inputs(request, request.kind)
        choice = self._chosen(request, given)
        name, now = request.baselining_job_name, self.clock.now()
        job = BaseliningJob(
            **request.model_dump(exclude={"output_s3_uri"}),
            output_s3_uri=within_results(
                request.output_s3_uri or f"{self.results}/baselining/{name}", self.results, self.output_buckets
            ),
            creation_time=now,
            last_modified_time=now,
            due=now + self.start_analysis.lease(choice.name, waits=True),
            host=choice.name,
            host_reason=choice.reason,
        )
        analysis = _request(job, given)
        self.jobs.save(job)
        try:
            run = self.start_analysis(analysis)
        except ModelwatchError as error:
            self.jobs.save(job.settled(Outcome.failed(str(error)), now=self.clock.now()))
            raise
        if run is None:
            return job
        lease = self.start_analysis.lease(run.host, waits=False)
        return self._noted(job.running(run, now=self.clock.now(), lease=lease))

    def resume(self, job: BaseliningJob) -> BaseliningJob:
        """Run a job that outgrew its host once more, on one that comes after it, and return its record.

        A job that is resumed again, because the process that did it died before noting it, runs once all the same.

        Raises
        ------
        InvalidInput
            Where no host takes it.
        Upstream
            When the host did not take it; a retry may help.
        """
        given = analysis_inputs(job, job.kind)
        choice = self._chosen(job, given)
        reason = f"{job.host_reason}; {choice.reason}"
        run = self.start_analysis(_request(job.on(choice.name, reason), given))
        lease = self.start_analysis.lease(choice.name, waits=run is None)
        return self._noted(job.on(choice.name, reason).running(run, now=self.clock.now(), lease=lease))

    def _chosen(self, request: BaselineRequest | BaseliningJob, given: AnalysisInputs) -> HostChoice:
        dataset = request.baseline_dataset_s3_uri
        with advice_on_access(dataset):
            sizes = [found.size for found in self.objects.list(dataset)]
        size = sum(sizes)
        if not size:
            raise InvalidInput("BaselineDatasetNotFound", f"there is no data at {dataset}; give a file or a folder")
        demand = Demand(
            input_bytes=size,
            files=len(sizes),
            needs_image=request.image_uri is not None,
            read_as_a_whole=_read_as_a_whole(request, given),
            largest_file_bytes=max(sizes),
        )
        after = request.moved_up_from if isinstance(request, BaseliningJob) else None
        choice = self.start_analysis.choose(demand, resources=request.resources, after=after)
        if isinstance(choice, HostChoice):
            return choice
        code = "BaselineDatasetTooLarge" if choice.code == "WindowTooLarge" else choice.code
        outgrown = f"{request.host_reason}; " if isinstance(request, BaseliningJob) else ""
        message = (
            f"no host can read the {size:,} bytes of {dataset}: {outgrown}{choice.reason}. {choice.advice}".rstrip()
        )
        raise InvalidInput(code, f"{message} Or give a sample.")

    def _noted(self, started: BaseliningJob) -> BaseliningJob:
        try:
            self.jobs.save(started)
        except NotReady:  # it has ended already, or was stopped before there was a run to stop
            standing = self.jobs.get(started.baselining_job_name) or started
            if started.run is not None and standing.status is JobStatus.STOPPED:
                self.start_analysis.hosts[started.run.host].stop(started.run)
            return standing
        return started


def _settings(request: BaselineRequest, given: AnalysisInputs) -> AnalysisSettings:
    fields: dict[str, Any] = given.settings | {"dataset_format": request.dataset_format} | request.attributes
    return analysis_settings(**fields)


def _read_as_a_whole(request: BaselineRequest, given: AnalysisInputs) -> str | None:
    return read_as_a_whole(
        request.kind,
        _settings(request, given).dataset_format.name,
        preprocessed=request.record_preprocessor_source_uri is not None,
        merged=False,
    )


def _request(job: BaseliningJob, given: AnalysisInputs) -> AnalysisRequest:
    return AnalysisRequest(
        subject=job.subject,
        settings=_settings(job, given),
        inputs=(AnalysisInput(s3_uri=job.baseline_dataset_s3_uri, path=f"{INPUT.name}/"), *given.inputs),
        files=given.files,
        output_s3_uri=job.output_s3_uri,
        host=job.host,
        host_reason=job.host_reason,
        job_name=job.baselining_job_name,
        processing=job.processing,
        image_uri=job.image_uri,
    )


def within_results(output: str, results: str, output_buckets: Collection[str]) -> str:
    """Return an output folder if the analyzer may write there: to the results bucket, or a further one.

    Raises
    ------
    InvalidInput
        ``OutputOutsideResults``.
    """
    allowed = (s3_layout.split(results)[0], *output_buckets)
    if s3_layout.split(output)[0] not in allowed:
        raise InvalidInput(
            "OutputOutsideResults",
            f"the analyzer may not write to {output}; it may write to {', '.join(f's3://{name}' for name in allowed)}:"
            " choose a folder there, or name your bucket in the deployment's parameter OutputBuckets",
        )
    return output.rstrip("/")
