"""A folder to analyse data in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from modelwatch_analyzer.analysis import analyze
from modelwatch_core.domain.analysis import AnalysisSummary
from modelwatch_core.domain.settings_environment import analysis_settings


@dataclass
class Workbench:
    """Writes data, makes bias baselines of it, and checks other data against these."""

    folder: Path

    def write(self, content: str | object, name: str) -> Path:
        path = self.folder / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    def baseline(self, content: str, config: object, **settings: object) -> AnalysisSummary:
        return self._analyze("baseline", content, config, **settings)

    def check(self, content: str, config: object, constraints: object = None, **settings: object) -> AnalysisSummary:
        given = self.folder / "baseline" / "analysis.json"
        baseline = given if constraints is None else self.write(constraints, "constraints.json")
        return self._analyze("check", content, config, baseline_constraints=baseline, **settings)

    def _analyze(self, output: str, content: str, config: object, **settings: object) -> AnalysisSummary:
        known: dict[str, Any] = {"dataset_format": {"csv": {"header": True}}, "bootstrap_replicates": 200}
        return analyze(
            analysis_settings(
                **known
                | {
                    "dataset_source": self.write(content, f"{output}.data"),
                    "analysis_type": "MODEL_BIAS",
                    "analysis_config": self.write(config, f"{output}_config.json"),
                    "output_path": self.folder / output,
                }
                | settings
            )
        )

    def report(self, output: str, name: str = "analysis.json") -> dict[str, Any]:
        document: dict[str, Any] = json.loads((self.folder / output / name).read_text())
        return document

    def metrics(self, output: str, facet: str, group: str) -> dict[str, Mapping[str, Any]]:
        """Return the metrics of one group by name, of both stages."""
        report = self.report(output)
        return {
            metric["name"]: metric
            for stage in ("pre_training_bias_metrics", "post_training_bias_metrics")
            for entry in report.get(stage, {"facets": {}})["facets"].get(facet, ())
            if entry["value_or_threshold"] == group
            for metric in entry["metrics"]
        }


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    return Workbench(tmp_path)
