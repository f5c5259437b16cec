"""What an analysis needs beside its data: scripts, configuration, and how all of it is named in its environment."""

from __future__ import annotations

import json
from dataclasses import dataclass

from modelwatch_core.domain.analysis import AnalysisInput
from modelwatch_core.domain.monitoring_schedule import MonitorParameters

ROOT = "/opt/ml/processing"
INPUT = f"{ROOT}/input"
BASELINE = f"{ROOT}/baseline"
CODE = f"{ROOT}/code"
CONFIG = "config/analysis_config.json"
GROUND_TRUTH = f"{ROOT}/groundtruth"
MERGED = f"{ROOT}/merge"
OUTPUT = f"{ROOT}/output"
PREVIOUS = f"{ROOT}/previous"
EARLIER = f"{ROOT}/earlier"


@dataclass(frozen=True, slots=True)
class Material:
    """Settings for the analyzer's environment, what the host fetches for them, and small files that it writes."""

    environment: dict[str, str]
    inputs: tuple[AnalysisInput, ...]
    files: dict[str, str]


def material_of(asked: MonitorParameters) -> Material:
    """Return what the scripts and parameters of a schedule or a baseline come to."""
    environment = dict(asked.environment)
    inputs = [AnalysisInput(s3_uri=uri, path=f"code/{name}.py") for name, uri in asked.sources.items()]
    environment |= {name: f"{CODE}/{name}.py" for name in asked.sources}
    named = {"problem_type": asked.problem_type, "ground_truth_attribute": asked.ground_truth_attribute}
    environment |= {name: value for name, value in named.items() if value}
    files = {}
    if asked.analysis_config is not None:
        environment["analysis_config"] = f"{ROOT}/{CONFIG}"
        if isinstance(asked.analysis_config, str):
            inputs.append(AnalysisInput(s3_uri=asked.analysis_config, path=CONFIG))
        else:
            files[CONFIG] = json.dumps(asked.analysis_config)
    return Material(environment, tuple(inputs), files)
