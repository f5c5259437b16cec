"""What a baseline of model quality learnt, for people: the threshold of each metric."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from modelwatch_analyzer.documents import CONSTRAINTS_FILE
from modelwatch_analyzer.model_quality.documents import SECTIONS
from modelwatch_core.domain.number_text import number_text

_SIDES = {"LessThanThreshold": "below", "GreaterThanThreshold": "above"}


def learnt(folder: Path) -> Sequence[Sequence[str]]:
    """Return the rows of a table: a metric, and what of it will be a violation."""
    constraints = json.loads((folder / CONSTRAINTS_FILE).read_bytes())
    rows = [
        (name, f"{_SIDES[each['comparison_operator']]} {number_text(each['threshold'])}")
        for section in SECTIONS.values()
        for name, each in constraints.get(f"{section}_constraints", {}).items()
    ]
    return [("metric", "violation if"), *rows]
