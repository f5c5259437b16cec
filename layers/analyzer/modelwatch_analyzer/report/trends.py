"""What earlier executions measured, drawn beside what a report shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from modelwatch_analyzer.documents import read_document
from modelwatch_analyzer.report.body import ReportBody
from modelwatch_core.domain.scores import EarlierScores, Score


def with_trends(body: ReportBody, path: Path | None, now: float) -> ReportBody:
    """Return a report's body with a line over time for each measure that earlier executions have, too.

    Parameters
    ----------
    path : Path, optional
        A file of `EarlierScores`.
    now : float
        The end of this window, in seconds since 1970.

    Raises
    ------
    InvalidInput
        ``InvalidScores``, naming the place.
    """
    if path is None:
        return body
    earlier = read_document(EarlierScores, path, "InvalidScores")
    lines: dict[str, dict[str, list[float | None]]] = {}
    for execution in earlier.executions:
        for score in execution.scores:
            _add(lines.setdefault(score.name, _empty()), execution.at.timestamp(), score)
    charts: dict[str, Mapping[str, Any]] = dict(body.charts)
    for score in body.scores:
        line, anchor = lines.get(score.brief.name), body.anchors.get(score.name)
        if line is not None and anchor is not None and score.value is not None:
            _add(line, now, score)
            charts[anchor] = {**charts.get(anchor, {}), "history": {"label": "Value", **line}}
    return replace(body, charts=charts)


def _empty() -> dict[str, list[float | None]]:
    return {"times": [], "values": [], "thresholds": []}


def _add(line: dict[str, list[float | None]], at: float, score: Score) -> None:
    for name, value in (("times", at), ("values", score.value), ("thresholds", score.threshold)):
        line[name].append(value)
