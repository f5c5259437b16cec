"""What a baseline of explainability learnt, for people: the features that drive each output most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modelwatch_analyzer.documents import ANALYSIS_FILE
from modelwatch_core.domain.number_text import number_text

_MOST = 10


def learnt(documents: Mapping[str, Any]) -> Sequence[Sequence[str]]:
    """Return the rows of a table: an output, a feature, and its mean attribution; at most ten an output."""
    rows = [
        (label, feature, number_text(value))
        for label, explained in documents[ANALYSIS_FILE]["explanations"]["kernel_shap"].items()
        for feature, value in sorted(explained["global_shap_values"].items(), key=lambda item: -abs(item[1]))[:_MOST]
    ]
    return [("output", "feature", "attribution"), *rows]
