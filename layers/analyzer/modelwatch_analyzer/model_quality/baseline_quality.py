"""What a baseline's ``statistics.json`` says of the model, for the report to show beside what it found.

SageMaker's own files have most of it too. What is not as expected in the file counts as absent, since nothing is judged
by it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelwatch_analyzer.documents import find, mapping, number
from modelwatch_analyzer.model_quality.labels import class_of

_Curve = tuple[list[float], list[float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineQuality:
    """The metrics of a baseline, and its curves.

    Attributes
    ----------
    values : mapping of str to float
        The value of each metric; the metrics of a class are named ``{metric} of {label}``.
    matrix : mapping of str to (mapping of str to float)
        Counts by actual and predicted label; empty where there is none.
    roc, recall_precision, calibration : tuple of list of float, optional
        x and y of each curve.
    """

    values: Mapping[str, float] = field(default_factory=dict)
    matrix: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    roc: _Curve | None = None
    recall_precision: _Curve | None = None
    calibration: _Curve | None = None


def read_baseline_quality(path: Path, section: str) -> BaselineQuality:
    """Read what a statistics file that has been found valid says of a model.

    Parameters
    ----------
    section : str
        What ``statistics.json`` calls the metrics of the problem type.
    """
    metrics = mapping(json.loads(path.read_bytes()), section)
    values = {name: value for name in metrics if (value := number(metrics, name, "value")) is not None}
    for label, of_label in mapping(metrics, "per_class").items():
        values |= {
            f"{name} of {label}": value
            for name in mapping(of_label)
            if (value := number(of_label, name, "value")) is not None
        }
    return BaselineQuality(
        values=values,
        matrix=_matrix(metrics),
        roc=_curve(metrics, "receiver_operating_characteristic_curve", "false_positive_rates", "true_positive_rates"),
        recall_precision=_curve(metrics, "precision_recall_curve", "recalls", "precisions"),
        calibration=_curve(metrics, "calibration_curve", "mean_probabilities", "shares"),
    )


def _matrix(metrics: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    rows = mapping(metrics, "confusion_matrix")
    return {
        class_of(label): {class_of(name): count for name in mapping(row) if (count := number(row, name)) is not None}
        for label, row in rows.items()
    }


def _curve(metrics: Mapping[str, Any], name: str, across: str, up: str) -> _Curve | None:
    x, y = (_numbers(find(metrics, name, side)) for side in (across, up))
    return (x, y) if x and len(x) == len(y) else None


def _numbers(values: object) -> list[float]:
    listed = values if isinstance(values, list) else []
    found = [number({"of": value}, "of") for value in listed]
    return [value for value in found if value is not None] if None not in found else []
