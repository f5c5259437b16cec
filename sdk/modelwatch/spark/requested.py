"""An analysis that the app asks for: its request is an object in S3, and its end is stored beside its reports."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from modelwatch.spark.objects import Present, S3Dataset, objects
from modelwatch_analyzer.analysis import analyze
from modelwatch_analyzer.host import Host
from modelwatch_analyzer.parts import Gather
from modelwatch_core.adapters.aws.object_store import S3ObjectStore
from modelwatch_core.app.analysis_inputs import INPUT
from modelwatch_core.app.fetch_inputs import fetch_inputs, write_files
from modelwatch_core.app.output_folder import END_OF_ANALYSIS
from modelwatch_core.app.run_analysis import HostExhausted, exhausted_resource, store_files
from modelwatch_core.domain import s3_layout
from modelwatch_core.domain.analysis import AnalysisRequest, AnalysisSummary
from modelwatch_core.domain.emr_serverless import OUT_OF
from modelwatch_core.domain.errors import InvalidInput, ModelwatchError, unforeseen
from modelwatch_core.domain.events import AnalysisEnded
from modelwatch_core.domain.hosts import Resource
from modelwatch_core.domain.outcome import Outcome

OpenGather = Callable[[Present], Gather]
"""Makes a gather for parts whose files are there only within a context."""

_DATASET = f"{INPUT.name}/"


def run_requested(s3_uri: str, open_gather: OpenGather, announce: Callable[[str], None]) -> AnalysisSummary:
    """Run the analysis of a request, store its reports, and store how it ended, if it failed too.

    Raises
    ------
    ModelwatchError
        Why it failed.
    HostExhausted
        When the workers have not enough of something. No end is stored then: a larger host may write another.
    """
    store = objects()
    content = store.read(s3_uri)
    if content is None:
        raise InvalidInput("InputNotFound", f"there is nothing at {s3_uri}; was it moved or deleted?")
    request = AnalysisRequest.model_validate_json(content)
    root = Path(tempfile.mkdtemp(prefix="modelwatch-"))  # a name that no other machine has
    try:
        summary = _analyzed(request, store, root, open_gather, announce)
        store_files(store, root / "output", request.output_s3_uri)
        _keep(request, summary.outcome, store)
    except Exception as error:
        failure = failure_of(error)
        if isinstance(failure, HostExhausted):
            raise failure from None
        reason = str(failure).replace(f"{root}/", "")
        _keep(request, Outcome.failed(reason), store)
        raise failure from None
    else:
        return summary
    finally:
        shutil.rmtree(root, ignore_errors=True)


def failure_of(error: Exception) -> ModelwatchError | HostExhausted:
    """Return what may be said of an error; see `unforeseen`."""
    if isinstance(error, ModelwatchError | HostExhausted):
        return error
    resource = exhausted_resource(error) or Resource.named_in(str(error), OUT_OF)
    if resource is not None:
        return HostExhausted(resource)
    return unforeseen(error)


def _analyzed(
    request: AnalysisRequest, store: S3ObjectStore, root: Path, open_gather: OpenGather, announce: Callable[[str], None]
) -> AnalysisSummary:
    (source,) = (entry for entry in request.inputs if entry.path == _DATASET)
    dataset = S3Dataset(source.s3_uri.rstrip("/"), root / INPUT.name)
    dataset.place()
    fetch_inputs(store, [entry for entry in request.inputs if entry is not source], root)
    write_files(request.files, root)
    (root / "output").mkdir()
    host = Host(announce=announce, chosen=request.chosen_host, gather=open_gather(dataset.present))
    return analyze(request.settings.relocated(root), host)


def _keep(request: AnalysisRequest, outcome: Outcome, store: S3ObjectStore) -> None:
    ended = AnalysisEnded.of(request, outcome)
    store.write(ended.model_dump_json(), s3_layout.join(request.output_s3_uri, END_OF_ANALYSIS))
