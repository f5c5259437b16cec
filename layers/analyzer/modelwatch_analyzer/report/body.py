"""What a kind of monitor adds to the frame of the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from modelwatch_core.domain.scores import Score


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportBody:
    """The kind's part of a report.

    Attributes
    ----------
    package : str, optional
        The package of the kind, whose ``report.html.j2`` extends ``page.html.j2``; without one the page is the frame
        alone.
    context : mapping of str to object
        The variables of the template.
    extent : str, optional
        What was analysed, for the sentence at the top; the number of records if not given.
    checks : mapping of str to str
        A heading for each ``constraint_check_type`` of the kind.
    anchors : mapping of str to str
        Ids of elements of the template, by the subject of the violations that link to them.
    facts : mapping of str to str
        Facts to list after those that all kinds have, label to text.
    charts : mapping of str to mapping
        What the page's script draws large where it is asked to, by the ids of the elements that show it small.
    scores : tuple of Score
        What was measured, for trends and overviews.
    """

    package: str | None = None
    context: Mapping[str, object] = field(default_factory=dict)
    extent: str | None = None
    checks: Mapping[str, str] = field(default_factory=dict)
    anchors: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    charts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    scores: tuple[Score, ...] = ()
