"""With ``report_values`` off, no file of a check has a value of a row; what is compared stays the same."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from modelwatch_analyzer.analysis import analyze
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.settings_environment import analysis_settings
from tests.explainability.conftest import Explaining, ModelServer, explaining, rows, server

__all__ = ["ModelServer", "explaining", "rows", "server"]  # fixtures

SECRETS = ("Tonya-Marsh-4411", "887766.55125", "-99881.125", "443322.875")
"""A category, the extremes, and a value in between; in the baseline as in what is checked."""


def data_of(folder: Path, shift: float) -> Path:
    drawn = random.Random(3)
    category, highest, lowest, inner = SECRETS
    numbers = [*(f"{drawn.gauss(100, 5) + shift:.6f}" for _ in range(600)), highest, lowest, inner]
    lines = [f"{drawn.choice(['a', 'b', category])},{number},{float(number) * 0.5}" for number in numbers]
    file = folder / f"data{shift}.csv"
    file.write_text("\n".join(["name,label,prediction", *lines]) + "\n")
    return file


def run(folder: Path, output: str, shift: float, **settings: Any) -> str:
    """Return the text of all files that an analysis wrote."""
    usual = {"dataset_format": {"csv": {"header": True}}, "publish_cloudwatch_metrics": "Enabled"}
    named = {"dataset_source": data_of(folder, shift), "output_path": folder / output}
    analyze(analysis_settings(**usual, **named, **settings))
    return written(folder / output)


def written(folder: Path) -> str:
    return "\n".join(file.read_text() for file in sorted(folder.rglob("*")) if file.is_file())


KINDS = {
    "DATA_QUALITY": {},
    "MODEL_QUALITY": {
        "problem_type": "Regression",
        "ground_truth_attribute": "label",
        "inference_attribute": "prediction",
        "bootstrap_replicates": 100,
    },
}


@pytest.mark.parametrize("kind", KINDS)
def test_no_value_of_a_row_is_in_a_file_of_a_check_and_the_violations_are_the_same(tmp_path, kind):
    settings = KINDS[kind] | {"analysis_type": kind}
    run(tmp_path, "baseline", 0, **settings)
    settings |= {f"baseline_{name}": tmp_path / f"baseline/{name}.json" for name in ("constraints", "statistics")}
    shown = run(tmp_path, "shown", 40, **settings)
    withheld = run(tmp_path, "withheld", 40, **settings, report_values="Disabled")
    seen = [secret for secret in SECRETS if secret in shown]
    assert len(seen) >= 2  # else this test would see nothing
    assert [secret for secret in SECRETS if secret in withheld or secret.removesuffix("125") in withheld] == []
    violations = [
        json.loads((tmp_path / f"{name}/constraint_violations.json").read_text()) for name in ("shown", "withheld")
    ]
    assert violations[0] == violations[1]
    assert violations[0]["violations"]


def test_explanations_keep_no_rows_and_no_values_of_rows(explaining: Explaining, rows) -> None:
    explaining.config = {"methods": {"shap": {"num_clusters": 2}}}
    data = explaining.write(rows)
    explaining.baseline(data)
    explaining.check(data, report_values="Disabled")
    check = explaining.folder / "check"
    assert not (check / "explanations_shap").exists()
    found = explaining.read("check/analysis.json")
    assert found["run_details"].get("background") is None
    assert explaining.read("baseline/analysis.json")["run_details"]["background"]["rows"]


def test_a_baseline_without_values_is_refused(tmp_path) -> None:
    with pytest.raises(InvalidInput, match="BaselineNeedsValues"):
        run(tmp_path, "baseline", 0, analysis_type="DATA_QUALITY", report_values="Disabled")
