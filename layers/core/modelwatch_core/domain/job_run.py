"""A job of a host that reports the ends of jobs by their names, and knows nothing of what they are for."""

from __future__ import annotations

from modelwatch_core.domain.documents import NonEmpty, Owned
from modelwatch_core.domain.execution_cost import JobUsage, SparkUsage
from modelwatch_core.domain.hosts import RunDescription


class JobRun(Owned):
    """A job as its host sees it.

    Attributes
    ----------
    host : str
        The host's name.
    job_name : str
        The name that the analysis gave it, see `AnalysisRequest`.
    run_id : str
        The host's own name for the run.
    usage : JobUsage or SparkUsage, optional
        What it used, once it has ended.
    """

    host: NonEmpty
    job_name: NonEmpty
    run_id: NonEmpty
    description: RunDescription
    usage: JobUsage | SparkUsage | None = None
