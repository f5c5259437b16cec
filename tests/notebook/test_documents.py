"""What the documentation shows in Python runs as it is written."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import modelwatch
from tests.repository import ROOT

ROWS = 600


def blocks(document: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / document).read_text(encoding="utf-8"), re.DOTALL)


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
    for block in blocks("docs/notebook.md"):
        exec(block, known)
    assert known["found"].table()["subject"].to_list() == ["age"]


def test_the_readme_ends_as_it_says(tables):
    (block,) = (each for each in blocks("README.md") if "modelwatch.baseline" in each)
    with pytest.raises(modelwatch.ViolationsFound, match="1 violation in 600 rows"):
        exec(block, dict(tables))
    assert Path("baseline/constraints.json").exists()
