"""Write the report: one self-contained HTML page, without scripts or anything to fetch."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from modelwatch_analyzer.report import charts
from modelwatch_analyzer.report.reading import mapping, number, sequence
from modelwatch_analyzer.undefined import Undefined
from modelwatch_core.domain.analysis import AnalysisStatus, AnalysisSummary

_NAMED = 3  # features that the verdict names
_NAME_LENGTH = 200
_DASH = "-"

_CHECKS = {
    "data_type_check": "Data type",
    "completeness_check": "Missing values",
    "baseline_drift_check": "Drift from the baseline",
    "missing_column_check": "Missing column",
    "extra_column_check": "Unexpected column",
    "categorical_values_check": "Unknown categories",
}


@dataclass(frozen=True, slots=True)
class Drift:
    """How far a feature has moved from its baseline.

    Attributes
    ----------
    distance : float or Undefined
        What is compared with the threshold, or why nothing is.
    threshold : float
        Of the constraints file.
    method : str
        How the distance is measured, as a person is told.
    exceeded : bool
        Whether this is a violation.
    """

    distance: float | Undefined
    threshold: float
    method: str
    exceeded: bool


@dataclass(frozen=True, slots=True)
class _Row:
    """A feature as the table shows it, texts ready to print."""

    anchor: str
    name: str
    inferred_type: str
    present: str
    baseline_chart: charts.Chart | None
    current_chart: charts.Chart | None
    summaries: tuple[str, str]
    drift: Drift | None
    violated: bool


def write_report(
    path: Path,
    *,
    title: str,
    summary: AnalysisSummary,
    facts: Mapping[str, str],
    statistics: Mapping[str, Any],
    baseline_statistics: Mapping[str, Any] | None = None,
    drifts: Mapping[str, Drift] | None = None,
) -> None:
    """Write the page that `render_report` makes, whole or not at all; the parameters are the same."""
    page = render_report(
        title=title,
        summary=summary,
        facts=facts,
        statistics=statistics,
        baseline_statistics=baseline_statistics,
        drifts=drifts,
    )
    partial = path.with_name(path.name + ".partial")
    # A name read from JSON may hold half a surrogate pair, which UTF-8 cannot.
    partial.write_text(page, encoding="utf-8", errors="replace", newline="\n")
    partial.replace(path)


def render_report(
    *,
    title: str,
    summary: AnalysisSummary,
    facts: Mapping[str, str],
    statistics: Mapping[str, Any],
    baseline_statistics: Mapping[str, Any] | None = None,
    drifts: Mapping[str, Drift] | None = None,
) -> str:
    """Render one analysis as an HTML page.

    Parameters
    ----------
    title : str
        What was analysed.
    summary : AnalysisSummary
        Verdict, records, warnings and violations.
    facts : mapping of str to str
        Whatever else a reader wants to know first, label to text, in order.
    statistics, baseline_statistics : mapping
        Objects of ``statistics.json``, SageMaker's or ours; what they lack is shown as a dash.
    drifts : mapping of str to Drift, optional
        By feature; a feature without one was not compared.

    Returns
    -------
    str
        The page: it holds names, counts and category labels, all escaped, and no other values of rows.
    """
    rows = _rows(statistics, baseline_statistics or {}, drifts or {}, summary)
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            title=title,
            summary=summary,
            verdict=_verdict(summary, rows, number(statistics, "dataset", "item_count")),
            facts=facts,
            rows=rows,
            anchors={row.name: row.anchor for row in rows},
            compared=baseline_statistics is not None,
            checks=_CHECKS,
            width=charts.WIDTH,
            height=charts.HEIGHT,
        )
    )


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
    environment.filters.update(number=charts.number_text, short=lambda name: name[:_NAME_LENGTH])
    environment.tests["undefined_result"] = lambda value: isinstance(value, Undefined)
    return environment


def _rows(
    statistics: Mapping[str, Any],
    baseline_statistics: Mapping[str, Any],
    drifts: Mapping[str, Drift],
    summary: AnalysisSummary,
) -> list[_Row]:
    """Return the features now, in their order, then those that only the baseline has."""
    now, then = (
        {str(feature.get("name")): feature for feature in sequence(side, "features")}
        for side in (statistics, baseline_statistics)
    )
    violated = {violation.subject for violation in summary.violations}
    rows = []
    for i, name in enumerate(now | then):
        baseline, current = (_statistics(side.get(name, {})) for side in (then, now))
        baseline_chart, current_chart = charts.paired_charts(baseline, current)
        rows.append(
            _Row(
                anchor=f"f{i}",
                name=name,
                inferred_type=_change(*(side.get(name, {}).get("inferred_type") for side in (then, now))),
                present=_present(current),
                baseline_chart=baseline_chart,
                current_chart=current_chart,
                summaries=(_summary(baseline), _summary(current)),
                drift=drifts.get(name),
                violated=name in violated,
            )
        )
    return rows


def _statistics(feature: Mapping[str, Any]) -> Mapping[str, Any]:
    return mapping(feature, "numerical_statistics") or mapping(feature, "string_statistics")


def _change(before: object, after: object) -> str:
    if before and after and before != after:
        return f"{before} → {after}"
    return str(after or before or _DASH)


def _present(statistics: Mapping[str, Any]) -> str:
    present, missing = (number(statistics, "common", name) for name in ("num_present", "num_missing"))
    if present is None or missing is None:
        return _DASH
    # Rounded down, so that 100 % means all.
    share = int(1000 * present / (present + missing)) / 10 if present + missing else 0.0
    return f"{present:,.0f} ({share:g} %)"


def _summary(statistics: Mapping[str, Any]) -> str:
    mean, std = number(statistics, "mean"), number(statistics, "std_dev")
    if mean is not None:
        return charts.number_text(mean) + (f" ± {charts.number_text(std)}" if std is not None else "")
    distinct = number(statistics, "distinct_count")
    return f"{distinct:,.0f} distinct" if distinct is not None else ""


def _verdict(summary: AnalysisSummary, rows: list[_Row], item_count: float | None) -> str:
    if summary.status is AnalysisStatus.FAILED:
        return summary.exit_message
    records = summary.records.read if item_count is None else int(item_count)
    size = f"{_counted(records, 'record')} of {_counted(len(rows), 'feature')}"
    subjects = list(dict.fromkeys(violation.subject for violation in summary.violations))
    if not subjects:
        return f"A baseline of {size}." if "constraints.json" in summary.outputs else f"No violations in {size}."
    names = ", ".join(name[:_NAME_LENGTH] for name in subjects[:_NAMED])
    more = f" and {len(subjects) - _NAMED:,} more" if len(subjects) > _NAMED else ""
    return f"{_counted(len(summary.violations), 'violation')} in {size}: {names}{more}."


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
