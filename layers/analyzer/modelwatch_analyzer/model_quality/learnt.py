"""What a baseline of model quality learnt, for people: the threshold of each metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modelwatch_analyzer.documents import CONSTRAINTS_FILE
from modelwatch_analyzer.model_quality.documents import SECTIONS
from modelwatch_core.domain.number_text import number_text

_SIDES = {"LessThanThreshold": "below", "GreaterThanThreshold": "above"}


def learnt(documents: Mapping[str, Any]) -> Sequence[Sequence[str]]:
    """Return the rows of a table: a metric, and what of it will be a violation."""
    constraints = documents[CONSTRAINTS_FILE]
    rows = [
        (name, f"{_SIDES[each['comparison_operator']]} {number_text(each['threshold'])}")
        for section in SECTIONS.values()
        for name, each in constraints.get(f"{section}_constraints", {}).items()
    ]
    return [("metric", "violation if"), *rows]
