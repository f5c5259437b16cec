"""What a baseline of explainability learnt, for people: the features that drive each output most."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from modelwatch_analyzer.documents import ANALYSIS_FILE
from modelwatch_core.domain.number_text import number_text

_MOST = 10


def learnt(folder: Path) -> Sequence[Sequence[str]]:
    """Return the rows of a table: an output, a feature, and its mean attribution; at most ten an output."""
    rows = [
        (label, feature, number_text(value))
        for label, explained in json.loads((folder / ANALYSIS_FILE).read_bytes())["explanations"]["kernel_shap"].items()
        for feature, value in sorted(explained["global_shap_values"].items(), key=lambda item: -abs(item[1]))[:_MOST]
    ]
    return [("output", "feature", "attribution"), *rows]
