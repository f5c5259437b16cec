"""A dataset of several files for each kind of monitor that reads its dataset in parts, and what is analysed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl

from modelwatch_analyzer.analysis import analyze
from modelwatch_core.domain.settings_environment import settings_from_environment

FILES, ROWS = 9, 400
"""Files and rows enough that the sketches have to drop values."""

REPORTS = ("statistics.json", "constraints.json", "constraint_violations.json", "analysis.json")
"""The reports that are compared byte for byte."""

_LATER = 0.7
"""By how much a window differs from the baseline: greater numbers, lower scores of one sex, and the opposite labels."""


def write(folder: Path, *, shift: float = 0.0, seed: int = 1) -> None:
    """Write the files: numbers, a column that becomes text in the last file, text of many values, labels and scores."""
    draw = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    for number in range(FILES):
        sex = draw.choice(["f", "m"], ROWS)
        score = (draw.random(ROWS) * np.where(sex == "f", 1 - shift, 1)).round(3)
        positive = draw.random(ROWS) < score
        rows = pl.DataFrame(
            {
                "amount": draw.normal(100 + 30 * shift, 30, ROWS).round(2),
                "age": draw.integers(18, 80, ROWS),
                "sex": sex,
                "mixed": [*map(str, range(ROWS - 1)), "none" if number == FILES - 1 else "7"],
                "name": [f"name {value}" for value in draw.integers(0, 300, ROWS)],
                "score": score,
                "label": (positive if not shift else ~positive).astype(int),
                "estimate": draw.normal(0, 1, ROWS).round(4),
            }
        )
        rows.write_csv(folder / f"part-{number:02}.csv")
        if number == 3:
            with (folder / f"part-{number:02}.csv").open("a") as file:
                file.write("a row that is too short\n")


BIAS = {
    "label_values_or_threshold": [1],
    "facet": [{"name_or_index": "sex", "value_or_threshold": ["f"]}, {"name_or_index": "age"}],
    "methods": {"post_training_bias": {"methods": "all"}, "pre_training_bias": {"methods": "all"}},
}

KINDS: Mapping[str, Mapping[str, str]] = {
    "DATA_QUALITY": {},
    "MODEL_QUALITY": {
        "problem_type": "BinaryClassification",
        "probability_attribute": "score",
        "ground_truth_attribute": "label",
        "probability_threshold_attribute": "0.5",
    },
    "MODEL_BIAS": {
        "ground_truth_attribute": "label",
        "probability_attribute": "score",
        "probability_threshold_attribute": "0.5",
        "exclude_features_attribute": "mixed,name",
    },
}
"""The settings of each ``analysis_type`` besides the dataset."""


def make(folder: Path) -> None:
    """Write a baseline's dataset, a later one, and a configuration of bias."""
    write(folder / "baseline")
    write(folder / "window", shift=_LATER, seed=2)
    (folder / "analysis_config.json").write_text(json.dumps(BIAS), encoding="utf-8")


def baseline_of(kind: str, folder: Path, output: Path) -> dict[str, str]:
    """Return the environment of a baselining job."""
    own = {"analysis_config": str(folder / "analysis_config.json")} if kind == "MODEL_BIAS" else {}
    return {
        "analysis_type": kind,
        "dataset_source": str(folder / "baseline"),
        "dataset_format": '{"csv": {"header": true}}',
        "output_path": str(output),
        **KINDS[kind],
        **own,
    }


def check_of(kind: str, folder: Path, output: Path, baseline: Path) -> dict[str, str]:
    """Return the environment of a check against a baseline."""
    statistics = baseline / "statistics.json"
    return baseline_of(kind, folder, output) | {
        "dataset_source": str(folder / "window"),
        "baseline_constraints": str(baseline / "constraints.json"),
        **({"baseline_statistics": str(statistics)} if statistics.exists() else {}),
    }


def analyzed(kind: str, folder: Path, output: Path) -> tuple[Path, Path]:
    """Make a baseline and check against it on this machine alone, and return the folders of their reports."""
    baseline, check = output / "baseline", output / "check"
    analyze(settings_from_environment(baseline_of(kind, folder, baseline)))
    analyze(settings_from_environment(check_of(kind, folder, check, baseline)))
    return baseline, check


def reports_in(folder: Path) -> dict[str, bytes]:
    """Return the reports, by name, without the time of their making, which model quality's statistics have."""
    found = {name: (folder / name).read_bytes() for name in REPORTS if (folder / name).exists()}
    return {name: re.sub(rb'"evaluation_time": "[^"]*"', b"", content) for name, content in found.items()}
