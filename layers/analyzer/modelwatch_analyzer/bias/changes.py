"""What a re-run of a window finds other than the run before, for instance because labels came late."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from modelwatch_analyzer.bias.documents import BiasAnalysis
from modelwatch_analyzer.bias.rules import spelled
from modelwatch_analyzer.reruns import violations_since
from modelwatch_core.domain.constraint_violations import ConstraintViolation
from modelwatch_core.domain.errors import InvalidInput

ANALYSIS = "analysis.json"


def changes_since(
    folder: Path, analysis: Mapping[str, Any], violations: Iterable[ConstraintViolation]
) -> Iterator[str]:
    """Yield a sentence for each thing that is other than in the reports of a folder.

    Parameters
    ----------
    folder : Path
        Of the earlier run; where it has no reports, nothing is said.
    analysis : Mapping
        This run's ``analysis.json``.
    violations : iterable of ConstraintViolation
        This run's.
    """
    if not (folder / ANALYSIS).exists():
        return
    try:
        before = dict(_values(BiasAnalysis.read(folder / ANALYSIS)))
    except InvalidInput:
        yield f"metrics are not compared: the earlier {ANALYSIS} is none of bias"
    else:
        now = dict(_values(BiasAnalysis.model_validate(analysis)))
        for what in dict.fromkeys((*now, *before)):
            if _told(before, what) != _told(now, what):
                yield f"{what}: {_told(before, what)} before, {_told(now, what)} now"
    yield from violations_since(folder, violations)


def _values(analysis: BiasAnalysis) -> Iterator[tuple[str, float | None]]:
    """Yield the rows of each group, and each metric's value."""
    for _, entry in analysis.stages():
        for facet, groups in entry.facets.items():
            for group in groups:
                name = f"{facet} = {group.value_or_threshold}"
                yield f"rows of {name}", group.rows
                yield from ((f"{metric.name} of {name}", metric.value) for metric in group.metrics)


def _told(values: Mapping[str, float | None], what: str) -> str:
    value = values.get(what)
    if value is None:
        return "undefined" if what in values else "not measured"
    return spelled(value)
