"""What an analysis is given besides its data: scripts, a configuration, parameters."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelwatch_core.domain.analysis import AnalysisInput
from modelwatch_core.domain.analysis_settings import CONTRACT_ROOT
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.monitor_kinds import MonitorKind
from modelwatch_core.domain.monitoring_schedule import MonitorParameters
from modelwatch_core.domain.settings_environment import settings_from_environment

INPUT = CONTRACT_ROOT / "input"
BASELINE = CONTRACT_ROOT / "baseline"
CODE = CONTRACT_ROOT / "code"
CONFIG = "config/analysis_config.json"
GROUND_TRUTH = CONTRACT_ROOT / "groundtruth"
MERGED = CONTRACT_ROOT / "merge"
OUTPUT = CONTRACT_ROOT / "output"
PREVIOUS_ATTEMPT = CONTRACT_ROOT / "previous_attempt"
EARLIER_EXECUTIONS = CONTRACT_ROOT / "earlier_executions"
EARLIER_SCORES = CONTRACT_ROOT / "earlier_scores.json"


MOST_BYTES_OF_PARAMETERS = 120_000
"""The most bytes that parameters may have as ASCII JSON. A record of the ledger holds 400 KB (DynamoDB), and a request
of SageMaker's API, which is kept as it was sent, may take as much again. Linux gives a script no variable of more than
128 KB."""

SET_BY_THE_APP: Mapping[str, str] = {
    "analysis_type": "the parameter monitoring_type",
    "dataset_source": "",
    "dataset_format": "what is captured, or the parameter dataset_format",
    "output_path": "",
    "baseline_constraints": "the parameter baseline of a schedule; a baselining job compares with nothing",
    "baseline_statistics": "the parameter baseline of a schedule; a baselining job compares with nothing",
    "start_time": "the parameters schedule_expression and start_time_offset",
    "late_since": "",
    "end_time": "the parameters schedule_expression and end_time_offset",
    "publish_cloudwatch_metrics": "the parameter publish_cloudwatch_metrics of a schedule",
    "cloudwatch_metrics_directory": "",
    "output_message_file": "",
    "sagemaker_endpoint_name": "the parameter endpoint_input of a schedule",
    "sagemaker_monitoring_schedule_name": "the parameter monitoring_schedule_name",
    "ground_truth_source": "the parameter ground_truth_input of a schedule",
    "merged_output_path": "",
    "previous_attempt_results": "",
    "earlier_executions_results": "",
    "earlier_scores": "",
    "record_preprocessor_script": "the parameter record_preprocessor_source_uri",
    "post_analytics_processor_script": "the parameter post_analytics_processor_source_uri",
    "analysis_config": "the parameter analysis_config",
    "problem_type": "the parameter problem_type",
}
"""The settings of a run that are the app's to set, and which parameter each is made from, where there is one."""


@dataclass(frozen=True, slots=True)
class AnalysisInputs:
    """Fields of the analysis settings, what the host fetches for them, and small files that it writes."""

    settings: dict[str, Any]
    inputs: tuple[AnalysisInput, ...]
    files: dict[str, str]


def analysis_inputs(parameters: MonitorParameters, kind: MonitorKind) -> AnalysisInputs:
    """Return what the analysis is given of the scripts and parameters of a schedule or a baseline.

    Raises
    ------
    InvalidInput
        ``InvalidSettings`` for an ``environment`` that the kind refuses.
    """
    settings = _own_settings(parameters.environment, kind)
    settings |= {name: CODE / f"{name}.py" for name in parameters.sources}
    named = {"problem_type": parameters.problem_type, "ground_truth_attribute": parameters.ground_truth_attribute}
    settings |= {name: value for name, value in named.items() if value}
    inputs = [AnalysisInput(s3_uri=uri, path=f"code/{name}.py") for name, uri in parameters.sources.items()]
    files = {}
    if parameters.analysis_config is not None:
        settings["analysis_config"] = CONTRACT_ROOT / CONFIG
        if isinstance(parameters.analysis_config, str):
            inputs.append(AnalysisInput(s3_uri=parameters.analysis_config, path=CONFIG))
        else:
            files[CONFIG] = json.dumps(parameters.analysis_config)
    return AnalysisInputs(settings, tuple(inputs), files)


def refuse_large_parameters(parameters: MonitorParameters) -> None:
    """Refuse parameters that a record of the ledger would not hold.

    This is no part of reading a record, so that one that was accepted earlier can be read.

    Raises
    ------
    InvalidInput
        ``ParametersTooLarge``, naming the largest parameter.
    """
    given = parameters.model_dump(mode="json", exclude_unset=True, exclude={"sagemaker_request"})
    sizes = {name: len(json.dumps(value)) for name, value in given.items()}
    if (size := sum(sizes.values())) <= MOST_BYTES_OF_PARAMETERS:
        return
    largest = max(sizes, key=sizes.__getitem__)
    advice = {
        "analysis_config": "write it into a file in S3 and give its S3 URI",
        "environment": "write long values into a file in S3 and give the variable its S3 URI",
    }
    raise InvalidInput(
        "ParametersTooLarge",
        f"the parameters have {size:,} bytes as JSON, but may have {MOST_BYTES_OF_PARAMETERS:,} at most; {largest} has"
        f" {sizes[largest]:,} of them: {advice.get(largest, 'shorten it')}",
    )


def refuse_settings_of_the_app(
    environment: Mapping[str, str], kind: MonitorKind, parameters: Mapping[str, object]
) -> None:
    """Refuse an environment that sets what the app sets, or what a parameter of the same request sets.

    Parameters
    ----------
    parameters : mapping of str to object
        Those that are settings too, such as ``inference_attribute``, and are given.

    Raises
    ------
    InvalidInput
        ``InvalidSettings``, naming each variable and the parameter to give in its place.
    """
    ours = environment.keys() & kind.settings.model_fields.keys()
    wrong = []
    for name in sorted(ours):
        if name in SET_BY_THE_APP:
            source = f" from {SET_BY_THE_APP[name]}" if SET_BY_THE_APP[name] else ""
            wrong.append(f"{name}: the app sets it for every run{source}; remove it from environment")
        elif name in parameters:
            wrong.append(f"{name}: the parameter {name} sets it already; remove it from environment")
    if wrong:
        raise InvalidInput("InvalidSettings", "; ".join(wrong))


def refuse_unfit_parameters(kind: MonitorKind, parameters: Mapping[str, object]) -> None:
    """Refuse parameters that are settings, such as ``probability_threshold_attribute``, with values that none has.

    Raises
    ------
    InvalidInput
        ``InvalidSettings``.
    """
    known = parameters.keys() & kind.settings.model_fields.keys()
    _own_settings({name: str(parameters[name]) for name in known}, kind)


def _own_settings(environment: dict[str, str], kind: MonitorKind) -> dict[str, Any]:
    """Return the fields that a user's environment sets."""
    required = {"analysis_type": kind.analysis_type, "dataset_source": str(INPUT), "output_path": str(OUTPUT)}
    settings = settings_from_environment(environment | required)
    return {name: value for name, value in settings if name in settings.model_fields_set}
