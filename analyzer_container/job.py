"""The entry point of the analyzer's image in a SageMaker processing job.

With a request of the app it runs that one. Without, it runs what SageMaker's monitoring schedules ask of a container by
its environment, so that it can take the place of the image of one.
"""

from __future__ import annotations

import modelwatch_analyzer.interpreter_settings  # noqa: F401 (before everything else)

# isort: split
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from modelwatch_analyzer.analysis import analyze
from modelwatch_analyzer.host import Host
from modelwatch_analyzer.scripts.process import hide_from_scripts
from modelwatch_core import wiring
from modelwatch_core.app.fetch_inputs import set_modified, write_files
from modelwatch_core.app.output_folder import END_OF_ANALYSIS
from modelwatch_core.app.run_analysis import HostExhausted, exhausted_resource
from modelwatch_core.domain.alert_text import one_line
from modelwatch_core.domain.analysis import AnalysisRequest, AnalysisSummary
from modelwatch_core.domain.analysis_settings import CONTRACT_ROOT
from modelwatch_core.domain.errors import ModelwatchError, unforeseen
from modelwatch_core.domain.events import AnalysisEnded
from modelwatch_core.domain.hosts import Run
from modelwatch_core.domain.outcome import LONGEST_REASON, OutcomeStatus
from modelwatch_core.domain.processing_job import REQUEST_VARIABLE, SAGEMAKER, JobRequest
from modelwatch_core.domain.settings_environment import settings_from_environment

_CONFIG = Path("config", "processingjobconfig.json")
_MESSAGE = Path("output", "message")
_METRICS = Path("output", "metrics", "cloudwatch")
"""The folder of the metrics below ``/opt/ml``."""

logger = logging.getLogger("modelwatch")


def main(environment: Mapping[str, str]) -> int:
    """Run the analysis of a job and return its exit status; the exit message says what went wrong."""
    request_file = environment.get(REQUEST_VARIABLE)
    if request_file:
        root = Path(request_file).parents[1]
        return _ended_with(root.parent / _MESSAGE, lambda: _run_request(root, Path(request_file)))
    root = _contract_root(environment)
    return _ended_with(root.parent / _MESSAGE, lambda: _run_contract(root, environment))


def _run_request(root: Path, request_file: Path) -> AnalysisSummary:
    job = JobRequest.model_validate_json(request_file.read_bytes())
    request = job.request
    _put_in_place(job, root)
    settings = request.settings.relocated(root)
    settings = settings.model_copy(update={"output_message_file": root.parent / _MESSAGE})
    summary = analyze(settings, _host(request, allow_pickles=job.allow_pickles))
    run = Run(host=SAGEMAKER, subject=request.subject, run_id=request.job_name or request.subject)
    ended = AnalysisEnded.of(request, summary.outcome, run=run)
    (settings.output_path / END_OF_ANALYSIS).write_text(ended.model_dump_json(), encoding="utf-8")
    return summary


def _put_in_place(job: JobRequest, root: Path) -> None:
    for placed in job.objects:
        source, target = root / placed.downloaded, root / placed.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        target.symlink_to(source)  # one object may have several places, and each input may be a mount of its own
        set_modified(target, placed.modified)
    write_files(job.request.files, root)


def _host(request: AnalysisRequest, *, allow_pickles: bool) -> Host:
    access = wiring.access_of_a_job()
    return Host(
        open_model=access.model,
        read_object=access.read,
        announce=logger.info,
        allows_pickles=allow_pickles,
        chosen=request.chosen_host,
    )


def _contract_root(environment: Mapping[str, str]) -> Path:
    """Return the folder that is ``/opt/ml/processing``; a test has it elsewhere."""
    output = Path(environment.get("output_path") or CONTRACT_ROOT / "output")
    return next((folder for folder in output.parents if folder.name == CONTRACT_ROOT.name), CONTRACT_ROOT)


def _run_contract(root: Path, environment: Mapping[str, str]) -> AnalysisSummary:
    """Run what SageMaker's environment asks for: "Container contract inputs" in its guide."""
    contract = root.parent
    given = _job_environment(contract / _CONFIG, environment)
    defaults = {
        "output_path": str(root / "output"),
        "output_message_file": str(contract / _MESSAGE),
        "cloudwatch_metrics_directory": str(contract / _METRICS),
    }
    settings = settings_from_environment(defaults | {name: value for name, value in given.items() if value})
    return analyze(settings, Host(announce=logger.info))


_SAGEMAKERS_OWN = frozenset({"metric_time", "sagemaker_endpoint_datacapture_prefix"})
"""Variables that SageMaker gives and that say nothing new: the window and the folders of captures do."""


def _job_environment(config: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that the job was created with, without those of the image and the machine."""
    try:
        names = json.loads(config.read_text(encoding="utf-8"))["Environment"].keys()
    except (OSError, ValueError, KeyError, AttributeError):
        names = environment.keys() - _of_the_image()
    return {name: environment[name] for name in names if name in environment and name not in _SAGEMAKERS_OWN}


def _of_the_image() -> set[str]:
    """Return the names of variables that a container has without being given any."""
    return {name for name in os.environ if name.isupper()}


def _ended_with(message_file: Path, run: Callable[[], AnalysisSummary]) -> int:
    """Run an analysis; what it raises becomes the exit message, without the values of rows."""
    try:
        summary = run()
    except Exception as error:
        if resource := exhausted_resource(error):
            reason = str(HostExhausted(resource))
        elif isinstance(error, ModelwatchError):
            reason = str(error)
        else:
            reason = str(unforeseen(error))
    else:
        logger.info("%s", summary.exit_message)
        return 0
    message = f"{OutcomeStatus.FAILED}: {reason}"[:LONGEST_REASON]
    logger.error("%s", one_line(message))  # names of columns come from data
    message_file.parent.mkdir(parents=True, exist_ok=True)
    message_file.write_text(message, encoding="utf-8")
    return 1


if __name__ == "__main__":
    # The first process of a container ignores SIGTERM, with which SageMaker stops a job, unless it handles it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    hide_from_scripts()
    if region := os.environ.get("AWS_REGION"):  # which SageMaker sets, and boto3 does not read
        os.environ.setdefault("AWS_DEFAULT_REGION", region)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    sys.exit(main(os.environ))
