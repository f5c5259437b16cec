"""What an analysis is given besides its data: scripts, a configuration, parameters."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from modelwatch_core.domain.analysis import AnalysisInput
from modelwatch_core.domain.analysis_settings import CONTRACT_ROOT
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


def _own_settings(environment: dict[str, str], kind: MonitorKind) -> dict[str, Any]:
    """Return the fields that a user's environment sets."""
    required = {"analysis_type": kind.analysis_type, "dataset_source": str(INPUT), "output_path": str(OUTPUT)}
    settings = settings_from_environment(environment | required)
    return {name: value for name, value in settings if name in settings.model_fields_set}
