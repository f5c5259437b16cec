"""What holds for the report of every kind: the account it gives, and that nothing in it can run or be fetched."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import re
from datetime import UTC, datetime
from importlib import resources

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwatch_analyzer.bias.report import BiasRow
from modelwatch_analyzer.bias.report import report_body as bias_body
from modelwatch_analyzer.data_quality.report import report_body as data_quality_body
from modelwatch_analyzer.distances import SIMPLE
from modelwatch_analyzer.distances.drift import Drift
from modelwatch_analyzer.explainability.report import AttributionRow
from modelwatch_analyzer.explainability.report import report_body as explainability_body
from modelwatch_analyzer.model_quality.report import Curve
from modelwatch_analyzer.model_quality.report import report_body as model_quality_body
from modelwatch_analyzer.report import MetricRow, write_page
from modelwatch_analyzer.report.trends import trends_of
from modelwatch_analyzer.undefined import Undefined
from modelwatch_core.domain.analysis import AnalysisSummary
from modelwatch_core.domain.monitor_kinds import KINDS as MONITOR_KINDS
from modelwatch_core.domain.outcome import GroundTruthCounts, OutcomeStatus, RecordCounts
from modelwatch_core.domain.scores import EarlierScores, ScoredExecution
from tests.report.pages import HOSTILE, MADE, Page, summary, written
from tests.report.test_model_quality_report import confusion


def data_quality(text: str, **frame) -> Page:
    features = {
        "features": [
            {
                "name": text,
                "inferred_type": text,
                "string_statistics": {
                    "common": {"num_present": 3, "num_missing": 0},
                    "distinct_count": 1,
                    "distribution": {"categorical": {"buckets": [{"value": text, "count": 3}]}},
                },
            }
        ]
    }
    drift = Drift(Undefined(text), 0.1, dataclasses.replace(SIMPLE, title=text))
    return written(
        lambda summary: data_quality_body(features, features, {text: drift}, summary.violations, summary.records),
        **frame,
    )


def model_quality(text: str, **frame) -> Page:
    metrics = [MetricRow(text, Undefined(text)), MetricRow(text, 0.5, 0.1, (0.4, 0.6), 0.8, 0.7, violated=True)]
    curves = [Curve(text, text, text, [0, 1], [0, 1], diagonal=True), Curve(text, text, text, [], [])]
    matrix = confusion((text, "b"), ((1, 2), (3, 4)))
    return written(lambda _: model_quality_body(metrics, matrix, curves), **frame)


def bias(text: str, **frame) -> Page:
    rows = [
        BiasRow(text, text, text, text, text, 0.5, (0.4, 0.6), text, 0.4, (-0.4, 0.4), violated=True, note=text),
        BiasRow(text, "b", text, text, text, Undefined(text)),
    ]
    return written(lambda summary: bias_body(rows, [(text, text, 5)], summary.records), **frame)


def explainability(text: str, **frame) -> Page:
    attributions = [
        AttributionRow(text, text, 0.5, 0.4, (0.4, 0.6), 1, 2, violated=True),
        AttributionRow("b", text, None),
    ]
    drifts = [MetricRow(text, Undefined(text))]
    return written(lambda summary: explainability_body(attributions, drifts, summary.records), **frame)


KINDS = {
    "data_quality": data_quality,
    "model_quality": model_quality,
    "bias": bias,
    "explainability": explainability,
}
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


def hostile_frame(text: str) -> dict:
    fields = ("feature_name", "metric_name", "facet", "facet_value", "label", "constraint_check_type", "description")
    violations = [dict.fromkeys(fields, text), {name: text for name in fields if name != "feature_name"}]
    records = RecordCounts(read=1, malformed=1, malformed_examples=(text,), encodings={text: 1})
    given = summary(*violations, warnings=(text,), changes=(text,), records=records, ground_truth=GroundTruthCounts())
    return {"title": text, "facts": {text: text}, "summary": given}


OUR_SCRIPTS = [
    (resources.files("modelwatch_analyzer.report") / name).read_text(encoding="utf-8").strip()
    for name in ("uplot/uPlot.iife.min.js", "page.js")
]


def assert_inert(page: Page) -> None:
    assert not page.tags & {"img", "link", "iframe", "object", "embed", "form", "base", "image", "use", "b"}
    data, *scripts = page.scripts
    json.loads(data)
    assert scripts == OUR_SCRIPTS
    for name, value in page.attributes:
        assert not name.startswith("on")
        assert name not in {"src", "style"}
        assert name != "href" or value[0] == "#"
        assert name != "href" or value[1:] in page.values("id")


def hash_of(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def test_every_template_beside_an_analysis_extends_the_frame_and_has_a_page_here():
    packages = [kind.analysis.rpartition(".")[0] for kind in MONITOR_KINDS.values() if kind.analysis]
    templates = {package: resources.files(package) / "report.html.j2" for package in packages}
    present = {package: template for package, template in templates.items() if template.is_file()}
    assert {package.rpartition(".")[2] for package in present} == set(KINDS)
    for template in present.values():
        assert template.read_text().startswith('{% extends "page.html.j2" %}')


def test_the_frame_knows_no_kind_of_monitor():
    folder = resources.files("modelwatch_analyzer.report")
    templates = {entry.name for entry in folder.iterdir() if entry.name.endswith(".html.j2")}
    assert templates == {"page.html.j2", "macros.html.j2"}
    for entry in folder.iterdir():
        if entry.is_file():
            text = entry.read_text(encoding="utf-8")
            assert not [kind for kind in KINDS if f"modelwatch_analyzer.{kind}" in text]


@every_kind
def test_hostile_texts_are_text_and_nothing_in_the_page_can_run_or_be_fetched(kind):
    page = kind(HOSTILE, **hostile_frame(HOSTILE))
    assert page.text.count("<script>alert(1)</script>") >= 15
    assert_inert(page)


@every_kind
@settings(max_examples=25, deadline=None)
@given(
    text=st.lists(
        st.sampled_from(
            ["<b>", "</", "'", '"', "&lt;", "&", "{{", "{%", "-->", "<!--", "\x00", "\ud800", "\u2028", "é"]
        )
        | st.text(max_size=5),
        max_size=60,
    ).map("".join)
)
def test_whatever_a_name_holds_the_page_is_whole_and_inert(kind, text):
    assert_inert(kind(text, **hostile_frame(text)))


@every_kind
def test_a_long_name_is_cut_and_whole_in_its_title(kind):
    name = "n" * 300
    page = kind(name)
    assert name in page.values("title")
    assert any(f"{name[:80]}…" in row[0] for row in page.rows)
    shown = re.findall(r"<bdi[^>]*>([^<]*)<", page.raw)
    assert shown
    assert max(map(len, shown)) <= 81


@every_kind
def test_the_content_security_policy_allows_the_pages_own_style_and_scripts_and_nothing_else(kind):
    raw = kind("x").raw
    (style,) = re.findall(r"<style>(.*?)</style>", raw, flags=re.DOTALL)
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', raw)
    scripts = " ".join(f"'{hash_of(script)}'" for script in OUR_SCRIPTS)
    rest = f"style-src '{hash_of(style)}'; base-uri 'none'; form-action 'none'"
    assert policy == f"default-src 'none'; script-src {scripts}; {rest}"
    assert "url(" not in style
    assert "@import" not in style


@every_kind
def test_what_was_read_and_what_was_left_out_are_both_reported(kind):
    records = RecordCounts(
        objects=3,
        bytes=4567,
        read=1200,
        malformed=7,
        out_of_window=21,
        duplicate_events=33,
        dropped=44,
        encodings={"CSV": 555, "JSON": 66},
        malformed_examples=("a.jsonl:4: no JSON",),
    )
    given = summary(records=records, warnings=("Only 60 rows.",), changes=("auc is 0.7, it was 0.8.",))
    text = kind("x", summary=given, facts={"Window": "09:00 to 10:00"}).text
    counts = ("1,200", "4,567 bytes", "3 files", "7", "21", "33", "44", "555 CSV, 66 JSON")
    for piece in (*counts, "a.jsonl:4: no JSON", "Only 60 rows.", "auc is 0.7, it was 0.8.", "09:00 to 10:00"):
        assert piece in text


@every_kind
def test_every_count_of_the_ground_truth_is_reported(kind):
    counts = GroundTruthCounts(
        predictions=9001,
        labels=8002,
        matched=7003,
        unlabelled=6004,
        without_prediction=5005,
        duplicates=4006,
        conflicting=3007,
        late=2008,
    )
    text = kind("x", summary=summary(ground_truth=counts)).text
    assert "7,003 of 9,001" in text
    for count in counts.model_dump().values():
        assert f"{count:,}" in text


@every_kind
def test_a_failed_analysis_shows_its_reason(kind):
    failed = AnalysisSummary(status=OutcomeStatus.FAILED, exit_message="NoData: the window holds no capture.")
    assert kind("x", summary=failed).text.count("NoData: the window holds no capture.") == 1


@every_kind
@pytest.mark.parametrize(
    ("outputs", "verdict"),
    [
        (["constraint_violations.json", "analysis.json"], "No violations in"),
        (["analysis.json"], "A baseline of"),
    ],
)
def test_without_violations_the_verdict_distinguishes_a_check_from_a_baseline(kind, outputs, verdict):
    assert verdict in kind("x", summary=summary(outputs={name: name for name in outputs})).text


@pytest.mark.slow
@every_kind
def test_thousands_of_violations_warnings_and_changes_are_cut_and_the_page_says_so(kind):
    many = [(f"f{i}", "c", "d") for i in range(1500)]
    lists = {"warnings": tuple(f"w{i}." for i in range(2000)), "changes": tuple(f"c{i}." for i in range(3000))}
    page = kind("x", summary=summary(*many, **lists))
    for cut, last in (("1,000 of 2,000 warnings", "w999."), ("1,000 of 3,000 changes", "c999.")):
        assert f"Showing {cut}: the first." in page.text
        assert last in page.texts
    assert not {"w1000.", "c1000."} & set(page.texts)
    assert "Showing 1,000 of 1,500 violations: the first." in page.text
    assert "1,500 violations in" in page.text
    assert ["f999", "c", "d"] in page.rows
    assert ["f1000", "c", "d"] not in page.rows


@every_kind
def test_a_report_is_written_as_utf8_over_an_older_one_even_if_a_name_is_half_a_surrogate_pair(kind, tmp_path):
    assert "é ?" in kind("\udc00", title="é \ud800").text
    path = tmp_path / "report.html"
    path.write_text("old")
    write_page(path, title="new", summary=summary(), facts={}, body=model_quality_body([]), made=MADE)
    assert "new" in Page(path.read_text(encoding="utf-8")).text
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.html"]


def test_earlier_executions_are_drawn_beside_what_is_measured_now(tmp_path):
    def body(value: float):
        drift = Drift(value, 0.1, SIMPLE)
        features = {"features": [{"name": name} for name in ("income", "new")]}
        return data_quality_body(features, features, {"income": drift, "new": drift}, (), RecordCounts())

    (income, _) = body(0.03).scores
    earlier = [ScoredExecution(at=datetime(2026, 1, 5, hour, tzinfo=UTC), scores=(income,)) for hour in (8, 9)]
    path = tmp_path / "earlier_scores.json"
    path.write_text(EarlierScores(executions=tuple(earlier)).model_dump_json())
    now = datetime(2026, 1, 5, 10, tzinfo=UTC).timestamp()
    shown = body(0.05)
    lines = trends_of(shown.scores, shown.anchors, path, now)
    (line,) = lines.values()
    assert line == {
        "label": "Value",
        "times": [now - 7200, now - 3600, now],
        "values": [0.03, 0.03, 0.05],
        "thresholds": [0.1, 0.1, 0.1],
    }
    assert trends_of(shown.scores, shown.anchors, None, now) == {}
    charts = {anchor: {"labels": ["a", "b"]} for anchor in lines}
    page = written(lambda _: dataclasses.replace(shown, charts=charts), trends=lines)
    assert json.loads(page.scripts[0]) == {anchor: {"labels": ["a", "b"], "history": line} for anchor in lines}
