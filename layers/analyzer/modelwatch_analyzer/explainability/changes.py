"""What changed in a model's attributions since the previous attempt at the same window."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from modelwatch_analyzer.documents import ANALYSIS_FILE
from modelwatch_analyzer.explainability.documents import Analysis, LabelExplanation
from modelwatch_analyzer.explainability.labels import matched
from modelwatch_analyzer.findings import Findings
from modelwatch_analyzer.reruns import first_changes
from modelwatch_analyzer.wording import measured_text
from modelwatch_core.domain.errors import InvalidInput

MOST_ATTRIBUTIONS = 20
"""The most changed attributions that are described."""


def changes_since(folder: Path, findings: Findings) -> Iterator[str]:
    """Yield a sentence for each difference in rows, NDCG and global attributions.

    Parameters
    ----------
    folder : Path
        The reports of the previous attempt; nothing is yielded where it has no analysis.
    findings : Findings
        Those of this attempt.
    """
    if not (folder / ANALYSIS_FILE).exists():
        return
    now = Analysis.model_validate(findings.documents[ANALYSIS_FILE], strict=False)
    try:
        previous = Analysis.read(folder / ANALYSIS_FILE)
        before = matched(list(now.labels), previous)
    except InvalidInput:
        yield (
            f"feature attributions are not compared: the previous attempt's {ANALYSIS_FILE} is not of explainability, "
            "or has other labels"
        )
        return
    yield from _row_changes(previous, now)
    for label, explanation in now.labels.items():
        was, is_now = _ndcg(before[label]), _ndcg(explanation)
        if was != is_now:
            yield f"NDCG of {label}: {was} before, {is_now} now"
    changes = (
        sentences
        for label, explanation in now.labels.items()
        for sentences in _attribution_changes(label, before[label].global_shap_values, explanation.global_shap_values)
    )
    yield from first_changes(changes, MOST_ATTRIBUTIONS, "attributions")


def _row_changes(previous: Analysis, now: Analysis) -> Iterator[str]:
    before, after = previous.run_details, now.run_details
    if before is None or after is None:
        return
    if before.rows_in_dataset != after.rows_in_dataset:
        yield f"rows: {before.rows_in_dataset} before, {after.rows_in_dataset} now"
    if before.rows_explained != after.rows_explained:
        yield f"rows explained: {before.rows_explained} before, {after.rows_explained} now"


def _attribution_changes(label: str, before: Mapping[str, float], now: Mapping[str, float]) -> Iterator[list[str]]:
    for name in {**now, **before}:
        was, is_now = measured_text(before.get(name)), measured_text(now.get(name))
        yield [f"attribution of {name} to {label}: {was} before, {is_now} now"] if was != is_now else []


def _ndcg(explanation: LabelExplanation) -> str:
    """Write the NDCG as it is in the file: a number, an object with a reason, or nothing where none was measured."""
    value = (explanation.attribution_drift or {}).get("ndcg")
    return "undefined" if isinstance(value, Mapping) else measured_text(value if isinstance(value, float) else None)
