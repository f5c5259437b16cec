"""The frame of every report: one self-contained HTML page, with nothing to fetch and no script but the frame's own.

Each kind of monitor fills it by a `ReportBody`, and by a template of its own that extends ``page.html.j2``.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import heapq
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from importlib import resources
from importlib.util import cache_from_source
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import jinja2
from jinja2.bccache import Bucket
from markupsafe import Markup

from modelwatch_analyzer.report.body import ReportBody
from modelwatch_analyzer.undefined import Undefined
from modelwatch_core.domain.analysis import AnalysisSummary
from modelwatch_core.domain.constraint_violations import check_text, rounded_text, violation_text
from modelwatch_core.domain.documents import iso_utc
from modelwatch_core.domain.number_text import count_text, number_text
from modelwatch_core.domain.outcome import OutcomeStatus
from modelwatch_core.version import VERSION

_MOST_ROWS = 1000
"""The rows that a table or list of the page holds at most."""

_FRAME = "modelwatch_analyzer.report"
_ASSETS = (("uplot/uPlot.min.css", "page.css"), ("uplot/uPlot.iife.min.js",), ("page.js",))
_NAMED = 3  # subjects that the verdict names
_NAME_LENGTH = 80

Item = TypeVar("Item")


def write_page(
    path: Path,
    *,
    title: str,
    summary: AnalysisSummary,
    facts: Mapping[str, str],
    body: ReportBody,
    made: datetime,
    trends: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> None:
    """Write a report, whole or not at all.

    It holds names, counts and labels, all escaped, and no other values of rows. Its policy lets nothing run but the two
    scripts of the frame, by their hashes.

    Parameters
    ----------
    path : Path
        The file.
    title : str
        What was analysed.
    summary : AnalysisSummary
        Verdict, records, warnings, violations, ground truth, changes.
    facts : mapping of str to str
        Further facts that a reader wants first, label to text, in order.
    body : ReportBody
        The kind's part.
    made : datetime
        The time that the page names.
    trends : mapping of str to mapping
        Lines over time, by the anchors of the charts that have them, too.
    """
    charts = dict(body.charts)
    for anchor, line in trends.items():
        charts[anchor] = {**charts.get(anchor, {}), "history": line}
    page = (
        _environment(body.package or _FRAME)
        .get_template("report.html.j2" if body.package else "page.html.j2")
        .render(
            title=title,
            summary=summary,
            verdict=_verdict(summary, body.extent or count_text(summary.records.read, "record")),
            facts=facts,
            limit=_MOST_ROWS,
            made=made,
            version=VERSION,
            charts=_data_block(charts),
            checks=body.checks,
            anchors=body.anchors,
            **body.context,
        )
    )
    partial = path.with_name(path.name + ".partial")
    # A name read from JSON may hold half a surrogate pair, which UTF-8 cannot.
    partial.write_text(page, encoding="utf-8", errors="replace", newline="\n")
    partial.replace(path)


def compile_templates(package: str) -> None:
    """Compile the templates of a kind's package, and keep them where `write_page` finds them."""
    environment = _environment(package)
    for name in environment.list_templates(extensions=["j2"]):
        environment.get_template(name)


def most_important(rows: Sequence[Item], weight: Callable[[Item], float], limit: int = _MOST_ROWS) -> list[Item]:
    """Return the rows of the greatest weights, at most `limit`, in the order in which they were; earlier ones win."""
    if len(rows) <= limit:
        return list(rows)
    chosen = heapq.nsmallest(limit, range(len(rows)), key=lambda i: (-weight(rows[i]), i))
    return [rows[i] for i in sorted(chosen)]


class _TemplateCode(jinja2.FileSystemBytecodeCache):
    """Keeps compiled templates beside Python's own byte code, by the rules for that."""

    def dump_bytecode(self, bucket: Bucket) -> None:
        if not sys.dont_write_bytecode:
            with suppress(OSError):  # the folder may be read-only, or not be there
                super().dump_bytecode(bucket)


@functools.cache
def _environment(package: str) -> jinja2.Environment:
    """Return the environment of a kind's template: the frame's templates, and those in the kind's package."""
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.PackageLoader(name, ".") for name in (_FRAME, package)]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=_TemplateCode(str(Path(cache_from_source(__file__)).parent)),
    )
    style, library, script = (_asset(*names) for names in _ASSETS)
    environment.globals.update(
        style=style,
        style_hash=_hash(style),
        library=library,
        script=script,
        script_hashes=Markup(" ".join(f"'{_hash(text)}'" for text in (library, script))),  # noqa: S704 (hashes)
    )
    environment.filters.update(
        number=number_text,
        short=_short,
        grouped=lambda count: f"{count:,}",
        count_text=count_text,
        check_text=check_text,
        violation_text=violation_text,
        rounded_text=rounded_text,
        iso_utc=iso_utc,
    )
    environment.tests["undefined_result"] = lambda value: isinstance(value, Undefined)
    return environment


def _asset(*names: str) -> Markup:
    files = (resources.files(_FRAME) / name for name in names)
    return Markup("\n".join(file.read_text(encoding="utf-8").strip() for file in files))  # noqa: S704 (our own files)


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _data_block(document: object) -> Markup:
    """Return a document as JSON that no text in it can end: ASCII, and without what begins a tag."""
    text = json.dumps(document, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704 (escaped in the line above)


def _short(name: str) -> str:
    return name if len(name) <= _NAME_LENGTH else f"{name[:_NAME_LENGTH]}…"


def _verdict(summary: AnalysisSummary, extent: str) -> str:
    if summary.status is OutcomeStatus.FAILED:
        return summary.exit_message
    subjects = list(dict.fromkeys(violation.subject for violation in summary.violations))
    if not subjects:
        return f"No violations in {extent}." if summary.is_check else f"A baseline of {extent}."
    names = ", ".join(_short(name) for name in subjects[:_NAMED])
    more = f" and {len(subjects) - _NAMED:,} more" if len(subjects) > _NAMED else ""
    return f"{count_text(len(summary.violations), 'violation')} in {extent}: {names}{more}."
