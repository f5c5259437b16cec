"""What earlier executions measured, to be drawn beside what a report shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from modelwatch_analyzer.documents import read_document
from modelwatch_core.domain.scores import EarlierScores, Score


def trends_of(
    scores: Iterable[Score], anchors: Mapping[str, str], path: Path | None, now: float
) -> dict[str, dict[str, Any]]:
    """Return a line over time for each measure that earlier executions have, too.

    Parameters
    ----------
    scores : iterable of Score
        What this window measured.
    anchors : mapping of str to str
        Where in the report a line is drawn, by the name of its score.
    path : Path, optional
        A file of `EarlierScores`.
    now : float
        The end of this window, in seconds since 1970.

    Returns
    -------
    dict of str to dict
        The lines by anchor.

    Raises
    ------
    InvalidInput
        ``InvalidScores``, naming the place.
    """
    if path is None:
        return {}
    earlier = read_document(EarlierScores, path, "InvalidScores")
    lines: dict[str, dict[str, list[float | None]]] = {}
    for execution in earlier.executions:
        for score in execution.scores:
            _add(lines.setdefault(score.name, _empty()), execution.at.timestamp(), score)
    found: dict[str, dict[str, Any]] = {}
    for score in scores:
        line, anchor = lines.get(score.brief.name), anchors.get(score.name)
        if line is not None and anchor is not None and score.value is not None:
            _add(line, now, score)
            found[anchor] = {"label": "Value", **line}
    return found


def _empty() -> dict[str, list[float | None]]:
    return {"times": [], "values": [], "thresholds": []}


def _add(line: dict[str, list[float | None]], at: float, score: Score) -> None:
    for name, value in (("times", at), ("values", score.value), ("thresholds", score.threshold)):
        line[name].append(value)
