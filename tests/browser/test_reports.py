"""Reports in a real browser: what they show, what the keyboard reaches, and that nothing in them runs or is fetched."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import modelwatch
from modelwatch_analyzer.data_quality.report import report_body
from modelwatch_analyzer.distances import SIMPLE
from modelwatch_analyzer.distances.drift import Drift
from tests.browser.conftest import WIDTHS
from tests.report.pages import HOSTILE, summary, written
from tests.report.test_data_quality_report import categorical, document, numerical, render
from tests.report.test_page import every_kind, hostile_frame

pytestmark = pytest.mark.slow

NAMES = {
    "html": HOSTILE,
    "right-to-left": "\u202e\u0645\u0631\u062d\u0628\u0627\u202c \u05e9\u05dc\u05d5\u05dd",
    "emoji": "👩‍👩‍👧‍👦🏳️‍🌈",
    "newlines": "a\nb\r\nc\u2028d",
    "long": "n" * 1000,
    "control characters": "".join(map(chr, (*range(1, 32), 127, 0x85, 0xFEFF))),
    "a script's end": "</script><script>alert(2)</script><!--<script>",
    "a formula": '=HYPERLINK("http://example.com")',
}


def applications(seed: int, *, rows: int = 4000, moved: float = 0.0) -> pl.DataFrame:
    draw = np.random.default_rng(seed)
    shares = np.array([5, 3, 1, 1]) if not moved else np.array([2, 2, 3, 3])
    columns = {f"feature {i}": draw.normal(i, 1 + i % 3, rows) for i in range(14)}
    columns["income"] = draw.lognormal(10 + moved, 0.5, rows)
    columns["region"] = draw.choice(["north", "south", "east", "west"], rows, p=shares / 10)
    return pl.DataFrame(columns)


@pytest.fixture(scope="module")
def report() -> str:
    baseline = modelwatch.baseline(applications(1))
    return modelwatch.check(applications(2, moved=0.4), baseline).report


def predictions(seed: int, *, noise: float, rows: int = 3000) -> pl.DataFrame:
    draw = np.random.default_rng(seed)
    score = draw.normal(size=rows)
    probability = 1 / (1 + np.exp(-score - noise * draw.normal(size=rows)))
    label = (draw.random(rows) < 1 / (1 + np.exp(-2 * score))).astype(int)
    return pl.DataFrame({"prediction": (probability > 0.5).astype(int), "probability": probability, "label": label})


@pytest.fixture(scope="module")
def quality_report() -> str:
    options = {
        "problem_type": "BinaryClassification",
        "inference_attribute": "prediction",
        "probability_attribute": "probability",
        "ground_truth_attribute": "label",
    }
    baseline = modelwatch.baseline(predictions(1, noise=0.0), kind="model-quality", **options)
    return modelwatch.check(predictions(2, noise=2.0), baseline).report


@every_kind
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_report_has_no_serious_finding_of_accessibility(opened, kind, width, scheme):
    page = opened(kind("a name", **hostile_frame("a name")).raw, width=width, color_scheme=scheme)
    assert page.page.locator("main").count() == 1
    assert page.accessibility_findings() == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_charts_and_curves_have_no_serious_finding_either(opened, report, quality_report, width, scheme, picture):
    for name, html in (("data-quality", report), ("model-quality", quality_report)):
        page = opened(html, width=width, color_scheme=scheme)
        page.page.locator("button.enlarge:visible").first.click()
        assert page.page.locator(".chart canvas").count() >= 1
        assert page.accessibility_findings() == []
        assert page.page.evaluate("document.documentElement.scrollWidth") <= width
        if scheme == "light":
            if name == "data-quality":
                page.page.evaluate("scrollTo(0, 0)")
            picture(page, f"report-{name}-{'phone' if width == WIDTHS[0] else 'wide'}.png")


@every_kind
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_hostile_name_is_text(opened, kind, name):
    page = opened(kind(name, **hostile_frame(name)).raw).page
    for button in page.locator("button.enlarge:visible").all():
        button.click()
    assert page.locator("script").count() == 3
    assert page.locator("img, iframe, object, embed, b").count() == 0
    shown = page.locator("main th.name bdi").first.text_content()
    printable = re.sub(r"[\s\x00-\x1f\ufffd]", "", name)[:40]
    assert printable in re.sub(r"[\s\x00-\x1f\ufffd]", "", shown)


def test_violations_are_shown_first_and_the_rest_on_demand(opened, report):
    page = opened(report).page
    shown = page.locator("#features-table tbody tr:visible")
    assert {*shown.locator("bdi").all_text_contents()} == {"income", "region"}
    assert page.locator("[data-for=features] .count").text_content() == "2 of 16 shown"
    page.locator("[data-for=features] select").select_option("all")
    assert shown.count() == 16


def test_search_looks_through_all_rows(opened, report):
    page = opened(report).page
    page.locator("[data-for=features] input").fill("FEATURE 1")
    assert page.locator("#features-table tbody tr:visible bdi").all_text_contents() != []
    found = page.locator("#features-table tbody tr:visible bdi").all_text_contents()
    assert {*found} == {"feature 1", *(f"feature {i}" for i in range(10, 14))}
    page.locator("[data-for=features] input").fill("no such feature")
    assert page.locator("#features-table tbody tr:visible").count() == 0


def test_a_column_sorts_up_and_down_with_what_has_no_value_last(opened):
    columns = [numerical(name, [1.0] * 3, missing=missing) for name, missing in (("b", 1), ("a", 9), ("c", 0))]
    page = opened(render(statistics=document(*columns, {"name": "none"})).raw).page
    names = page.locator("#features-table tbody bdi")
    present = page.locator("#features-table th[data-sorts]").nth(2)
    present.locator("button").click()
    assert names.all_text_contents() == ["a", "b", "c", "none"]
    present.locator("button").click()
    assert names.all_text_contents() == ["c", "b", "a", "none"]
    assert present.get_attribute("aria-sort") == "descending"


def test_a_link_to_a_feature_shows_what_the_filter_hides(opened, report):
    anchor = re.search(r'<tr id="(f\d+)"><th scope="row" class="name"><bdi>feature 3</bdi>', report).group(1)
    page = opened(report, fragment=f"#{anchor}").page
    assert page.locator(f"#{anchor}").is_visible()
    assert page.evaluate("document.activeElement.id") == anchor


def test_the_keyboard_alone_finds_sorts_and_enlarges(opened, report):
    page = opened(report).page
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.className || document.activeElement.tagName"))
        if reached[-1] == "enlarge":
            page.keyboard.press("Enter")
            break
    assert {"INPUT", "SELECT", "sort", "wide", "enlarge"} <= {*reached}
    chart = page.locator(".chart")
    assert chart.get_attribute("aria-label").startswith("Distribution of ")
    assert page.evaluate("document.activeElement.getAttribute('aria-expanded')") == "true"
    page.keyboard.press("Enter")
    assert chart.count() == 0


def test_earlier_executions_are_a_line_below_the_distribution(opened):
    moved = numerical("income", [1.0, 2.0, 3.0])
    drift = Drift(0.3, 0.1, SIMPLE)

    def body(given):
        found = report_body(document(moved), document(moved), {"income": drift}, given.violations, given.records)
        line = {"label": "Value", "times": [0, 3600, 7200], "values": [0.1, None, 0.3], "thresholds": [0.1, 0.1, 0.1]}
        return replace(found, charts={"f0": {**found.charts["f0"], "history": line}})

    page = opened(written(body, summary=summary(("income", "baseline_drift_check", "Moved."))).raw)
    page.page.locator("button.enlarge").click()
    assert page.page.locator(".chart canvas").count() == 2
    assert (
        page.page.locator(".chart").nth(1).get_attribute("aria-label").startswith("Over the last executions of income")
    )
    assert page.accessibility_findings() == []


def test_without_scripts_everything_is_there(opened, report):
    page = opened(report, java_script_enabled=False).page
    assert page.locator("#features-table tbody tr:visible").count() == 16
    assert page.locator("#features-table svg.overlay").count() == 16
    assert page.locator(".tools:visible").count() == 0


def test_on_paper_there_are_no_controls_and_the_ink_is_dark(opened, report):
    page = opened(report, color_scheme="dark").page
    page.emulate_media(media="print", color_scheme="dark")
    assert page.locator(".tools:visible, button.enlarge:visible").count() == 0
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_a_thousand_features_are_searched_and_sorted_at_once(opened):
    draw = np.random.default_rng(3)
    columns = [numerical(f"feature {i}", draw.normal(size=300)) for i in range(900)]
    columns += [categorical(f"category {i}", {f"label {j}": j + 1 for j in range(30)}) for i in range(100)]
    many = [(f"feature {i}", "baseline_drift_check", "Moved.") for i in range(5)]
    html = render(statistics=document(*columns), baseline_statistics=document(*columns), summary=summary(*many)).raw
    page = opened(html).page
    took = page.evaluate(
        """async () => {
            const start = performance.now();
            const search = document.querySelector("[data-for=features] input");
            document.querySelector("[data-for=features] select").value = "all";
            search.value = "feature 77";
            search.dispatchEvent(new Event("input"));
            document.querySelector("#features-table button.sort").click();
            await new Promise(requestAnimationFrame);
            return performance.now() - start;
        }"""
    )
    assert page.locator("#features-table tbody tr:visible").count() == 11
    assert took < 5000  # milliseconds; some 100 on an idle machine
