"""The frame of every report: one self-contained HTML page, without scripts or anything to fetch.

A kind of report is a template that extends ``page.html.j2``, and a module that calls `write_page` with it.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import heapq
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import TypeVar

import jinja2
from markupsafe import Markup

from modelwatch_analyzer.report.figures import number_text
from modelwatch_analyzer.undefined import Undefined
from modelwatch_core.domain.analysis import AnalysisSummary
from modelwatch_core.domain.outcome import OutcomeStatus

ROWS = 1000
"""The rows that a table or list of the page holds at most."""

_NAMED = 3  # subjects that the verdict names
_NAME_LENGTH = 80

Row = TypeVar("Row")


def write_page(
    path: Path,
    *,
    title: str,
    summary: AnalysisSummary,
    facts: Mapping[str, str],
    template: str,
    extent: str | None = None,
    checks: Mapping[str, str] | None = None,
    anchors: Mapping[str, str] | None = None,
    **content: object,
) -> None:
    """Write a report, whole or not at all.

    It holds names, counts and labels, all escaped, and no other values of rows.

    Parameters
    ----------
    path : Path
        The file.
    title : str
        What was analysed.
    summary : AnalysisSummary
        Verdict, records, warnings, violations, ground truth, changes.
    facts : mapping of str to str
        Whatever else a reader wants to know first, label to text, in order.
    template : str
        The kind's template, which extends ``page.html.j2``.
    extent : str, optional
        What was analysed, as the verdict counts it; the records if not given.
    checks : mapping of str to str, optional
        A heading for each ``constraint_check_type`` of the kind.
    anchors : mapping of str to str, optional
        Ids of elements of the template, by the subject of the violations that lead there.
    **content
        What the template shows.
    """
    page = (
        _environment()
        .get_template(template)
        .render(
            title=title,
            summary=summary,
            verdict=_verdict(summary, extent or counted(summary.records.read, "record")),
            facts=facts,
            limit=ROWS,
            checks=checks or {},
            anchors=anchors or {},
            **content,
        )
    )
    partial = path.with_name(path.name + ".partial")
    # A name read from JSON may hold half a surrogate pair, which UTF-8 cannot.
    partial.write_text(page, encoding="utf-8", errors="replace", newline="\n")
    partial.replace(path)


def most_important(rows: Sequence[Row], weight: Callable[[Row], float], limit: int = ROWS) -> list[Row]:
    """Return the rows of the greatest weights, at most `limit`, in the order in which they were; earlier ones win."""
    if len(rows) <= limit:
        return list(rows)
    chosen = heapq.nsmallest(limit, range(len(rows)), key=lambda i: (-weight(rows[i]), i))
    return [rows[i] for i in sorted(chosen)]


def counted(count: int, noun: str) -> str:
    """Write a number of things."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("modelwatch_analyzer.report", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = (resources.files("modelwatch_analyzer.report") / "page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    environment.globals.update(style=Markup(style), style_hash=f"sha256-{digest}")  # noqa: S704 (our own file)
    environment.filters.update(number=number_text, short=_short, grouped=lambda count: f"{count:,}", counted=counted)
    environment.tests["undefined_result"] = lambda value: isinstance(value, Undefined)
    return environment


def _short(name: str) -> str:
    return name if len(name) <= _NAME_LENGTH else f"{name[:_NAME_LENGTH]}…"


def _verdict(summary: AnalysisSummary, extent: str) -> str:
    if summary.status is OutcomeStatus.FAILED:
        return summary.exit_message
    subjects = list(dict.fromkeys(violation.subject for violation in summary.violations))
    if not subjects:
        checked = not summary.outputs or "constraint_violations.json" in summary.outputs
        return f"No violations in {extent}." if checked else f"A baseline of {extent}."
    names = ", ".join(_short(name) for name in subjects[:_NAMED])
    more = f" and {len(subjects) - _NAMED:,} more" if len(subjects) > _NAMED else ""
    return f"{counted(len(summary.violations), 'violation')} in {extent}: {names}{more}."
