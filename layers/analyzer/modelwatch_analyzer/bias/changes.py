"""What changed in the bias metrics since the previous attempt at the same window, such as late labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from modelwatch_analyzer.bias.check import spelled
from modelwatch_analyzer.bias.documents import BiasAnalysis
from modelwatch_analyzer.documents import ANALYSIS_FILE
from modelwatch_analyzer.findings import Findings
from modelwatch_core.domain.errors import InvalidInput


def changes_since(folder: Path, findings: Findings) -> Iterator[str]:
    """Yield a sentence for each difference in rows and metrics of the groups.

    Parameters
    ----------
    folder : Path
        The reports of the previous attempt; nothing is yielded where it has no analysis.
    findings : Findings
        Those of this attempt.
    """
    if not (folder / ANALYSIS_FILE).exists():
        return
    try:
        before = dict(_values(BiasAnalysis.read(folder / ANALYSIS_FILE)))
    except InvalidInput:
        yield f"metrics are not compared: the previous attempt's {ANALYSIS_FILE} is not of bias"
        return
    now = dict(_values(BiasAnalysis.model_validate(findings.documents[ANALYSIS_FILE])))
    for name in dict.fromkeys((*now, *before)):
        if _text(before, name) != _text(now, name):
            yield f"{name}: {_text(before, name)} before, {_text(now, name)} now"


def _values(analysis: BiasAnalysis) -> Iterator[tuple[str, float | None]]:
    """Yield the rows of each group, and each metric's value."""
    for _, entry in analysis.stages():
        for facet, groups in entry.facets.items():
            for group in groups:
                name = f"{facet} = {group.value_or_threshold}"
                yield f"rows of {name}", group.rows
                yield from ((f"{metric.name} of {name}", metric.value) for metric in group.metrics)


def _text(values: Mapping[str, float | None], name: str) -> str:
    value = values.get(name)
    if value is None:
        return "undefined" if name in values else "not measured"
    return spelled(value)
