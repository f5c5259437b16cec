"""What the documentation shows in Python runs as it is written."""

from __future__ import annotations

import io
import re
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import modelwatch
from tests.documents import python_blocks, run

ROWS = 600

_NUMBER = r"-?\d+(?:\.\d+)?"


def numbers_in(text: str) -> list[float]:
    """Return the numbers of a text: what is resampled differs by the version of NumPy, in its third figure."""
    return [float(number) for number in re.findall(_NUMBER, text)]


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, pd.DataFrame]:
    """Make what the examples leave out, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    drawn = np.random.default_rng(5)
    train = pd.DataFrame({"age": drawn.normal(40, 5, ROWS), "sex": drawn.choice(["F", "M"], ROWS)})
    train.to_csv("train.csv", index=False)
    label = drawn.integers(0, 2, ROWS)
    prediction = np.where(drawn.random(ROWS) < 0.9, label, 1 - label)
    scored = train.assign(label=label, prediction=prediction)
    return {"train": train, "today": train.assign(age=train["age"] + 20), "scored": scored}


def test_the_examples_of_the_page_about_notebooks_run(tables):
    known = dict(tables)
    run("docs/notebook.md", known)
    assert known["found"].table()["subject"].to_list() == ["age"]


def test_the_readme_ends_as_it_says(tables):
    (block,) = (each for each in python_blocks("README.md") if "modelwatch.baseline" in each)
    with pytest.raises(modelwatch.ViolationsFound, match="1 violation in 600 rows"):
        exec(block, dict(tables))
    assert Path("baseline/constraints.json").exists()


@pytest.mark.parametrize("kind", ["data-quality", "model-quality", "bias", "explainability"])
def test_a_tutorial_prints_what_it_says(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    printed = run(f"docs/tutorials/{kind}.md", {}, until="S3Uploader")
    assert len(printed) >= 2
    for output, documented in printed:
        assert re.sub(_NUMBER, "", output) == re.sub(_NUMBER, "", documented)
        assert numbers_in(output) == pytest.approx(numbers_in(documented), rel=0.03)


def test_thresholds_are_tuned_as_their_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Three quarters of the incomes of the tutorial have moved: 0.8 lets them pass; only the new column is found."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    run("docs/tutorials/data-quality.md", names, until="S3Uploader")
    for block in python_blocks("docs/tuning-thresholds.md"):
        with redirect_stdout(io.StringIO()) as printed:
            exec(block, names)
        assert "1 violation in 300 rows" in printed.getvalue()
        assert "income" not in printed.getvalue()
