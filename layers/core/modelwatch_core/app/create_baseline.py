"""A baseline was asked for: note it and start the analysis."""

from __future__ import annotations

import json
from dataclasses import dataclass

from modelwatch_core.app.analysis_material import INPUT, OUTPUT, material_of
from modelwatch_core.domain import s3_layout
from modelwatch_core.domain.analysis import AnalysisInput, AnalysisRequest, AnalysisStatus
from modelwatch_core.domain.baselining_job import BaselineRequest, BaseliningJob
from modelwatch_core.domain.errors import InvalidInput, ModelwatchError
from modelwatch_core.ports import AnalysisHost, BaseliningJobs, Clock, ObjectStore


@dataclass(frozen=True, slots=True)
class CreateBaseline:
    """Start a baselining job.

    Parameters
    ----------
    results : str
        S3 URI of the bucket that reports and baselines go to.
    """

    jobs: BaseliningJobs
    objects: ObjectStore
    host: AnalysisHost
    clock: Clock
    results: str

    def __call__(self, request: BaselineRequest) -> BaseliningJob:
        """Start the job and return its record.

        Raises
        ------
        InvalidInput
            ``BaselineDatasetNotFound``, ``BaselineDatasetTooLarge``, ``OutputOutsideResults`` or
            ``BaseliningJobExists``.
        Upstream
            When the host did not take it; the job is then noted as failed.
        """
        name, dataset = request.baselining_job_name, request.baseline_dataset_s3_uri
        size = sum(found.size for found in self.objects.list(dataset))
        if not size:
            raise InvalidInput("BaselineDatasetNotFound", f"there is no data at {dataset}; give a file or a folder")
        if size > self.host.capacity_bytes:
            raise InvalidInput(
                "BaselineDatasetTooLarge",
                f"{dataset} holds {size:,} bytes and {self.host.name} takes {self.host.capacity_bytes:,};"
                " give a sample, or give the analyzer more storage and memory (parameter AnalyzerStorage)",
            )
        now = self.clock.now()
        job = BaseliningJob(
            **request.model_dump(exclude={"output_s3_uri"}),
            output_s3_uri=within_results(self.results, request.output_s3_uri or f"{self.results}/baselining/{name}"),
            creation_time=now,
            last_modified_time=now,
        )
        self.jobs.save(job)
        material = material_of(request)
        analysis = AnalysisRequest(
            subject=job.subject,
            environment={
                **material.environment,
                **request.attributes,
                "analysis_type": request.monitoring_type.kind.analysis_type,
                "dataset_format": json.dumps(request.dataset_format),
                "dataset_source": INPUT,
                "output_path": OUTPUT,
                "publish_cloudwatch_metrics": "Disabled",
            },
            inputs=(AnalysisInput(s3_uri=dataset, path="input/"), *material.inputs),
            files=material.files,
            output_s3_uri=job.output_s3_uri,
        )
        try:
            self.host.start(analysis)
        except ModelwatchError as error:
            self.jobs.save(job.settled(AnalysisStatus.FAILED, now=self.clock.now(), failure_reason=str(error)))
            raise
        return job


def within_results(results: str, output: str) -> str:
    """Return an output folder if the analyzer may write there.

    Raises
    ------
    InvalidInput
        ``OutputOutsideResults``.
    """
    if s3_layout.split(output)[0] != s3_layout.split(results)[0]:
        raise InvalidInput(
            "OutputOutsideResults",
            f"{output} lies outside of the results bucket {results}, which is all that the analyzer may write to;"
            " choose a folder in it, or deploy with the parameter ResultsBucket set to your bucket",
        )
    return output.rstrip("/")
