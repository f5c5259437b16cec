"""The dashboard as whole pages, and as a custom widget of CloudWatch."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote

from modelwatch_core.domain import s3_layout
from modelwatch_core.domain.dashboard.markup import Html, element, joined
from modelwatch_core.domain.dashboard.monitors import Executions, Monitor, history, overview, shown
from modelwatch_core.domain.monitoring_execution import MonitoringExecution
from modelwatch_core.domain.monitoring_schedule import MonitoringSchedule
from modelwatch_core.domain.report_links import REPORT, console_page
from modelwatch_core.version import VERSION

FOLDER = "dashboard"
INDEX = "index.html"

_LIGHT = (
    "--ink:#1a1f27;--soft:#545d69;--line:#dfe3e8;--paper:#fff;--band:#f5f7f9;--good:#1a7f4b;--bad:#b52d1c;--now:#2f6fc4"
)
_DARK = (
    "--ink:#e8ebef;--soft:#a9b3bf;--line:#333b46;--paper:#14181d;--band:#1c2229;--good:#4cc38a;--bad:#ff8a7c;"
    "--now:#6aa5f0"
)
_STYLE = """
.mw{color:var(--ink);background:var(--paper);font:15px/1.5 system-ui,sans-serif}
.mw a{color:inherit}
.mw :focus-visible{outline:3px solid var(--now);outline-offset:2px}
.mw h1{font-size:1.25rem;overflow-wrap:anywhere}
.mw h2{font-size:1rem;margin:2rem 0 .5rem}
.mw .wide{overflow-x:auto}
.mw table{border-collapse:collapse;width:100%;font-size:.88rem}
.mw th,.mw td{text-align:left;padding:.45rem .8rem .45rem 0;border-bottom:1px solid var(--line);vertical-align:top}
.mw thead th{color:var(--soft);font-weight:500;white-space:nowrap}
.mw tbody th{font-weight:600;min-width:9rem;overflow-wrap:anywhere}
.mw small,.mw .soft,.mw footer{color:var(--soft);font-weight:400;font-size:.8rem}
.mw td{min-width:6rem}
.mw small{display:block;overflow-wrap:anywhere}
.mw small.reason{min-width:16rem}
.mw footer{margin-top:1rem}
.mw .counts{background:var(--band);padding:.7rem 1rem;font-size:1.05rem}
.mw .state{font-weight:700;white-space:nowrap;border-left:6px solid var(--soft);padding-left:.5rem}
.mw .state.ok{border-color:var(--good)}
.mw .state.failed,.mw .state.violations{border-color:var(--bad)}
.mw .bad{color:var(--bad)}
.mw dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(12rem,1fr));gap:.6rem 1.5rem}
.mw dt{color:var(--soft);font-size:.8rem}
.mw dd{margin:0;overflow-wrap:anywhere}
.mw figure{margin:1rem 0;max-width:60rem}
.mw figcaption{font-weight:600;overflow-wrap:anywhere}
.mw svg{display:block;max-width:100%}
.mw svg.spark{max-width:none}
.mw svg.history{width:100%;border-bottom:1px solid var(--soft)}
.mw .axis{display:flex;justify-content:space-between;color:var(--soft);font-size:.8rem}
.mw rect.ok{fill:var(--good)}
.mw rect.nothing_compared{fill:var(--soft)}
.mw rect.violations{fill:var(--bad)}
.mw rect.failed{fill:var(--ink)}
.mw .line{stroke:var(--now);stroke-width:1.5;fill:none}
.mw .threshold{stroke:var(--bad);stroke-width:1.2;stroke-dasharray:6 4;fill:none}
.mw circle.bad{fill:var(--bad)}
.mw circle.calm{fill:var(--now)}
.mw circle.rerun{fill:var(--paper);stroke:var(--now);stroke-width:2}
.mw circle.bad.rerun{stroke:var(--bad)}
"""
_PAGE_STYLE = Html(
    f":root{{color-scheme:light dark;{_LIGHT}}}"
    f"@media (prefers-color-scheme:dark){{:root{{{_DARK}}}}}"
    f"@media print{{:root{{color-scheme:light;{_LIGHT}}}}}"
    "body{margin:0 auto;padding:1.5rem;max-width:80rem}" + _STYLE
)
_HASH = base64.b64encode(hashlib.sha256(_PAGE_STYLE.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'"


def page_name(schedule: MonitoringSchedule) -> str:
    """Return the name of the file of a monitor's history."""
    return (
        f"{schedule.monitoring_schedule_name}.html" if schedule.monitoring_schedule_name != "index" else "index_.html"
    )


def overview_page(monitors: Sequence[Monitor], now: datetime) -> str:
    """Return the page of all monitors, whose links lead to the pages beside it."""

    def details(monitor: Monitor) -> Html:
        name = element("bdi", monitor.schedule.monitoring_schedule_name)
        return element("a", name, href=page_name(monitor.schedule)) if monitor.has_page else name

    return _page("Monitors", overview(monitors, now, details), now)


def history_page(monitor: Monitor, executions: Executions, now: datetime, *, results_bucket: str) -> str:
    """Return the page of one monitor, whose links lead to the page of all and to reports in the same bucket."""

    def report(execution: MonitoringExecution) -> str | None:
        bucket, key = s3_layout.split(execution.output_s3_uri)
        return f"../{quote(key)}/report.html" if bucket == results_bucket else None

    back = element("p", element("a", "All monitors", href=INDEX))
    return _page(
        monitor.schedule.monitoring_schedule_name, joined((back, history(monitor, executions, now, report))), now
    )


def _page(title: str, content: Html, now: datetime) -> str:
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        element("style", _PAGE_STYLE),
    )
    footer = element("footer", f"As of {shown(now)}. Modelwatch {VERSION}.")
    body = element("body", element("header", element("h1", title)), element("main", content), footer, class_="mw")
    return f"<!doctype html>{element('html', head, body, lang='en')}"


def overview_widget(monitors: Sequence[Monitor], now: datetime, *, function_arn: str, theme: str) -> str:
    """Return all monitors for a custom widget of CloudWatch, which opens a monitor's history beside it."""

    def details(monitor: Monitor) -> Html:
        name = monitor.schedule.monitoring_schedule_name
        asked = Html(json.dumps({"monitor": name}))  # a name of a schedule has letters, digits and hyphens only
        return joined(
            (
                element("a", name, class_="btn"),
                element("cwdb-action", asked, action="call", display="popup", endpoint=function_arn),
            )
        )

    return _widget(overview(monitors, now, details), now, theme)


def history_widget(monitor: Monitor, executions: Executions, now: datetime, *, region: str, theme: str) -> str:
    """Return one monitor for a custom widget; its reports open in the console of S3."""

    def report(execution: MonitoringExecution) -> str:
        return console_page(s3_layout.join(execution.output_s3_uri, REPORT), region)

    return _widget(history(monitor, executions, now, report), now, theme)


def _widget(content: Html, now: datetime, theme: str) -> str:
    style = Html(f".mw{{{_DARK if theme == 'dark' else _LIGHT}}}{_STYLE}")
    footer = element("footer", f"As of {shown(now)}")
    return element("div", element("style", style), content, footer, class_="mw cwdb-no-default-styles")
