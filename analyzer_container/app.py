"""The analyzer's Lambda: an analysis was requested."""

from __future__ import annotations

import modelwatch_analyzer.interpreter_settings  # noqa: F401 (before everything else)

# isort: split
import os
from functools import partial
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext

from modelwatch_analyzer.analysis import analyze
from modelwatch_analyzer.host import Host, within
from modelwatch_analyzer.parts import Workers
from modelwatch_analyzer.scripts.process import hide_from_scripts
from modelwatch_core import wiring
from modelwatch_core.app.run_analysis import remove_abandoned_files
from modelwatch_core.domain.analysis import AnalysisRequest, AnalysisSummary
from modelwatch_core.domain.analysis_settings import AnalysisSettings
from modelwatch_core.domain.documents import parsed
from modelwatch_core.domain.host_paces import MEBIBYTES_OF_A_CORE
from modelwatch_core.ports import AnalysisAccess

hide_from_scripts()
if "AWS_LAMBDA_RUNTIME_API" in os.environ:  # Lambda: the temporary folder is this environment's, and outlives time-outs
    remove_abandoned_files()
logger, metrics = Logger(), Metrics()

_MEMORY = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"


def _workers() -> Workers:
    memory = os.environ.get(_MEMORY)
    return Workers(max(1, round(int(memory) / MEBIBYTES_OF_A_CORE)) if memory else None)  # it shows more than it has


def _analyze(
    context: LambdaContext, settings: AnalysisSettings, access: AnalysisAccess, choice: str
) -> AnalysisSummary:
    host = Host(
        open_model=access.model,
        read_object=access.read,
        announce=logger.info,
        progress=within(lambda: context.get_remaining_time_in_millis() / 1000),
        allows_pickles=wiring.allows_pickles(),
        chosen=choice,
        gather=_workers(),
    )
    return analyze(settings, host)


@logger.inject_lambda_context(correlation_id_path="subject", clear_state=True)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Run the analysis and report its end."""
    request = parsed(AnalysisRequest, event)
    run = wiring.run_of_invocation(request.subject, context.aws_request_id)
    ended = wiring.run_analysis(partial(_analyze, context))(request, run)
    if ended is None:
        logger.info("another invocation has this analysis", subject=request.subject)
        return
    count = ended.outcome.violation_count
    logger.info("ended", subject=ended.subject, status=ended.outcome.status, violation_count=count)
    metrics.add_metric(name="Analyses", unit="Count", value=1)
