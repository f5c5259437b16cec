"""Evaluations of parts merge to that of the whole, for every problem type."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwatch_analyzer.model_quality.columns import Columns
from modelwatch_analyzer.model_quality.evaluation import EVALUATIONS
from modelwatch_analyzer.model_quality.metric import Confidence
from modelwatch_analyzer.model_quality.quality import Quality
from modelwatch_analyzer.undefined import Undefined
from modelwatch_core.domain.monitor_kinds import ProblemType

CONFIDENCE = Confidence(replicates=100)
missing = st.none()
probability = st.one_of(missing, st.floats(0, 1))
classes = st.one_of(missing, st.sampled_from(["0", "1", "2"]))
number = st.one_of(missing, st.integers(-1000, 1000).map(lambda value: value / 8))

CASES = {
    "predicted classes and probabilities": (
        ProblemType.BINARY_CLASSIFICATION,
        Columns("label", "prediction", ("probability",)),
        {
            "label": st.one_of(missing, st.sampled_from(["0", "1"])),
            "prediction": st.one_of(missing, st.sampled_from([0, 1])),
            "probability": probability,
        },
        {"label": "1", "prediction": 0, "probability": 0.5},
    ),
    "probabilities of two classes": (
        ProblemType.BINARY_CLASSIFICATION,
        Columns("label", None, ("probability",), 0.7),
        {"label": st.one_of(missing, st.booleans().map(str)), "probability": probability},
        {"label": "True", "probability": 0.5},
    ),
    "several classes": (
        ProblemType.MULTICLASS_CLASSIFICATION,
        Columns("label", "prediction", ()),
        {"label": classes, "prediction": classes},
        {"label": "1", "prediction": "2"},
    ),
    "probabilities of several classes": (
        ProblemType.MULTICLASS_CLASSIFICATION,
        Columns("label", None, ("p.0", "p.1", "p.2")),
        {"label": classes, "p.0": probability, "p.1": probability, "p.2": probability},
        {"label": "1", "p.0": 0.5, "p.1": 0.3, "p.2": 0.2},
    ),
    "numbers": (
        ProblemType.REGRESSION,
        Columns("label", "prediction", ()),
        {"label": number, "prediction": number},
        {"label": 1.5, "prediction": 2.0},
    ),
}


def quality(parts: list[pl.DataFrame], problem_type: ProblemType, columns: Columns) -> Quality:
    """Evaluate each part for itself and merge."""
    whole = EVALUATIONS[problem_type](columns)
    for part in parts:
        evaluation = EVALUATIONS[problem_type](columns)
        evaluation.update(part)
        whole = whole.merge(evaluation)
    return whole.finish(CONFIDENCE)


@pytest.mark.parametrize("case", CASES)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_parts_merge_to_the_whole(case, data):
    problem_type, columns, values, full = CASES[case]
    drawn = data.draw(st.lists(st.fixed_dictionaries(values), min_size=1, max_size=40))
    schema = {name: pl.Float64 if name.startswith("p") and columns.prediction != name else None for name in values}
    frame = pl.DataFrame([full, *drawn], schema=schema, orient="row", infer_schema_length=None)
    cut = data.draw(st.integers(0, frame.height))
    whole = quality([frame], problem_type, columns)
    parts = quality([frame[:cut], frame[cut:]], problem_type, columns)
    assert parts.rows == whole.rows
    assert parts.warnings == whole.warnings
    assert parts.roc == whole.roc
    for name, measured in whole.metrics.items():
        same = measured.value if isinstance(measured.value, Undefined) else pytest.approx(measured.value, rel=1e-12)
        assert parts.metrics[name].value == same, name


def test_log_loss_is_left_out_if_a_label_has_no_probability():
    columns = Columns("label", None, ("p.0", "p.1"))
    known = pl.DataFrame({"label": ["0", "1"], "p.0": [0.9, 0.2], "p.1": [0.1, 0.8]})
    unknown = known.with_columns(label=pl.lit("2"))
    measured = quality([known], ProblemType.MULTICLASS_CLASSIFICATION, columns)
    assert measured.metrics["log_loss"].value == pytest.approx(-np.log([0.9, 0.8]).mean())
    measured = quality([known, unknown], ProblemType.MULTICLASS_CLASSIFICATION, columns)
    assert "log_loss" not in measured.metrics
    assert any(warning.startswith("log_loss is left out: the label of 2 rows has") for warning in measured.warnings)


def test_numbers_that_are_not_finite_are_left_out_and_counted():
    infinite = pl.DataFrame({"label": [1.0, float("inf"), 2.0], "prediction": [1.5, 1.0, float("-inf")]})
    measured = quality([infinite], ProblemType.REGRESSION, Columns("label", "prediction", ()))
    assert (measured.rows, measured.metrics["mae"].value) == (1, 0.5)
    assert set(measured.warnings) == {
        "1 row whose 'label' is not a number was left out",
        "1 row whose 'prediction' is not a number was left out",
    }
