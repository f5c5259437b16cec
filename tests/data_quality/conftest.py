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
    """Writes data, makes a baseline of it, and checks other data against that: by SageMaker's rules unless asked."""

    folder: Path

    def write(self, content: str | bytes, name: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def baseline(self, content: str | bytes, *, header: bool = True, **settings: object) -> AnalysisSummary:
        return analyze(
            analysis_settings(
                dataset_source=self.write(content, "baseline.csv"),
                dataset_format={"csv": {"header": header}},
                output_path=self.folder / "baseline",
                **({"comparison_method": "Robust"} | settings),
            )
        )

    def check(
        self, content: str | bytes, *, dataset_format: Mapping[str, Any] | None = None, **settings: object
    ) -> AnalysisSummary:
        given = {
            "dataset_source": self.write(content, "current.data"),
            "dataset_format": dataset_format or {"csv": {"header": True}},
            "output_path": self.folder / "check",
            "baseline_constraints": self.folder / "baseline/constraints.json",
            "baseline_statistics": self.folder / "baseline/statistics.json",
        }
        return analyze(analysis_settings(**(given | settings)))

    def read(self, name: str) -> Any:
        def refuse(constant: str) -> None:
            raise AssertionError(f"{name} holds {constant}")

        return json.loads((self.folder / name).read_text(), parse_constant=refuse)

    def rewrite(self, name: str, document: object) -> None:
        (self.folder / name).write_text(json.dumps(document))


@pytest.fixture
def workbench(tmp_path: Path) -> Workbench:
    return Workbench(tmp_path)


def table(columns: Mapping[str, list[object]], *, header: bool = True) -> str:
    """Spell columns as comma-separated text; None is missing."""
    rows = zip(*columns.values(), strict=True)
    lines = [",".join("" if value is None else str(value) for value in row) for row in rows]
    return "\n".join([",".join(columns), *lines] if header else lines) + "\n"


def found(summary: AnalysisSummary) -> list[tuple[str | None, str]]:
    """Return what is violated, without the wording."""
    return [(violation.feature_name, violation.constraint_check_type) for violation in summary.violations]
