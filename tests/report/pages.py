"""Reports of every kind, written and read again strictly."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from modelwatch_analyzer.report import ReportBody, write_page
from modelwatch_core.domain.analysis import AnalysisSummary
from modelwatch_core.domain.constraint_violations import ConstraintViolation
from modelwatch_core.domain.outcome import OutcomeStatus

VOID = {"meta", "path"}
MADE = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
HOSTILE = "</td></table><script>alert(1)</script><img src=x onerror=alert(1)> \" ' & ]]> \u202e{{ 7*7 }}"


class Page(HTMLParser):
    """Reads a page strictly: every element that is opened is closed, in order."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.raw = page
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.rows: list[list[str]] = []
        self.paths: list[tuple[str, str]] = []
        self.scripts: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag == "path":
            path = dict(attrs)
            self.paths.append((path["class"] or "", path["d"] or ""))
        if tag == "script":
            self.scripts.append("")
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in VOID
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["script"]:
            self.scripts[-1] += data
            return
        self.texts.append(data)
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data

    @property
    def text(self) -> str:
        return "".join(self.texts)

    def row(self, name: str) -> list[str]:
        return next(row for row in reversed(self.rows) if row[0] == name)

    def values(self, attribute: str) -> list[str]:
        return [value for name, value in self.attributes if name == attribute]


def written(body: Callable[[AnalysisSummary], ReportBody], **frame: Any) -> Page:
    """Write a report, its body made for a summary, and read it again."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.html"
        given: dict[str, Any] = {"title": "T", "summary": summary(), "facts": {}, "made": MADE} | frame
        write_page(path, **given, body=body(given["summary"]))
        return Page(path.read_text(encoding="utf-8"))


def summary(*violations: dict[str, Any] | tuple[str | None, str, str], **fields: Any) -> AnalysisSummary:
    """Make a summary; a violation is its fields, or feature name, check and description."""
    names = ("feature_name", "constraint_check_type", "description")
    documents = [given if isinstance(given, dict) else dict(zip(names, given, strict=True)) for given in violations]
    return AnalysisSummary(
        status=OutcomeStatus.COMPLETED_WITH_VIOLATIONS if violations else OutcomeStatus.COMPLETED,
        exit_message="The exit message.",
        violations=tuple(ConstraintViolation.model_validate(document) for document in documents),
        **fields,
    )
