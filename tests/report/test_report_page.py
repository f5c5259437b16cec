"""The report: what it says, that nothing in it can run or be fetched, and how large it grows."""

from __future__ import annotations

import base64
import hashlib
import math
import re
import tempfile
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwatch_analyzer.moments import Moments
from modelwatch_analyzer.report import Drift, write_data_quality_report
from modelwatch_analyzer.sketches.kll import KllSketch
from modelwatch_analyzer.undefined import Undefined
from modelwatch_core.domain.analysis import AnalysisStatus, AnalysisSummary, RecordCounts
from modelwatch_core.domain.constraint_violations import ConstraintViolation

VOID = {"meta", "path"}
HOSTILE = "</td></table><script>alert(1)</script><img src=x onerror=alert(1)> \" ' & ]]> \u202e{{ 7*7 }}"


class Page(HTMLParser):
    """Reads a page strictly: every element that is opened is closed, in order."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.rows: list[list[str]] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        assert tag in VOID
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data

    @property
    def text(self) -> str:
        return "".join(self.texts)

    def row(self, name: str) -> list[str]:
        return next(row for row in reversed(self.rows) if row[0] == name)


def numerical(name: str, values, kind: str = "Fractional", missing: int = 0) -> dict:
    values = np.asarray(values, dtype=np.float64)
    moments, sketch = Moments(), KllSketch()
    moments.update(values)
    sketch.update(values)
    buckets = [
        {"lower_bound": bucket.lower_bound, "upper_bound": bucket.upper_bound, "count": bucket.count}
        for bucket in sketch.buckets(moments.minimum, moments.maximum)
    ]
    return {
        "name": name,
        "inferred_type": kind,
        "numerical_statistics": {
            "common": {"num_present": len(values), "num_missing": missing},
            "mean": moments.mean,
            "sum": moments.sum,
            "std_dev": moments.population_std,
            "min": moments.minimum,
            "max": moments.maximum,
            "distribution": {"kll": {"buckets": buckets, "sketch": sketch.to_document()}},
        },
    }


def categorical(name: str, counts: dict[str, int], missing: int = 0) -> dict:
    return {
        "name": name,
        "inferred_type": "String",
        "string_statistics": {
            "common": {"num_present": sum(counts.values()), "num_missing": missing},
            "distinct_count": float(len(counts)),
            "distribution": {"categorical": {"buckets": [{"value": v, "count": n} for v, n in counts.items()]}},
        },
    }


def statistics(*features: dict, items: int = 100) -> dict:
    return {"version": 0.0, "dataset": {"item_count": items}, "features": list(features)}


def summary(*violations: tuple[str | None, str, str], **fields) -> AnalysisSummary:
    return AnalysisSummary(
        status=AnalysisStatus.COMPLETED_WITH_VIOLATIONS if violations else AnalysisStatus.COMPLETED,
        exit_message="The exit message.",
        violations=tuple(
            ConstraintViolation(feature_name=name, constraint_check_type=check, description=told)
            for name, check, told in violations
        ),
        **fields,
    )


def render(**fields) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.html"
        write_data_quality_report(
            path, **({"title": "T", "summary": summary(), "facts": {}, "statistics": statistics()} | fields)
        )
        return path.read_text(encoding="utf-8")


def test_the_page_says_the_verdict_in_one_sentence_and_each_violation_in_words():
    page = Page(
        render(
            summary=summary(
                ("income", "baseline_drift_check", "Baseline drift distance: 0.3 exceeds threshold: 0.1"),
                ("income", "some_new_check", "Something."),
                ("race", "completeness_check", "Data completeness requirement is not met."),
            ),
            statistics=statistics(numerical("income", range(9)), categorical("race", {"a": 1}), items=1234),
        )
    )
    assert "3 violations in 1,234 records of 2 features: income, race." in page.text
    assert ["income", "Drift from the baseline", "Baseline drift distance: 0.3 exceeds threshold: 0.1"] in page.rows
    assert ["income", "some new check", "Something."] in page.rows
    assert ["race", "Missing values", "Data completeness requirement is not met."] in page.rows


def test_many_features_in_violation_are_counted_behind_the_first_three():
    five = [(f"f{i}", "completeness_check", "low") for i in range(5)]
    assert (
        "5 violations in 100 records of 0 features: f0, f1, f2 and 2 more." in Page(render(summary=summary(*five))).text
    )


def test_a_violation_of_no_feature_is_about_the_dataset():
    page = Page(render(summary=summary((None, "missing_column_check", "Fewer columns."))))
    assert ["the dataset", "Missing column", "Fewer columns."] in page.rows


@pytest.mark.parametrize(
    ("fields", "verdict"),
    [
        ({}, "No violations in 100 records of 1 feature."),
        ({"outputs": {"constraints.json": "constraints.json"}}, "A baseline of 100 records of 1 feature."),
    ],
)
def test_without_violations_the_verdict_tells_a_check_from_a_baseline(fields, verdict):
    page = Page(render(summary=summary(**fields), statistics=statistics(numerical("a", [1.0]))))
    assert verdict in page.text


def test_a_failed_analysis_shows_its_reason():
    failed = AnalysisSummary(status=AnalysisStatus.FAILED, exit_message="NoData: the window holds no capture.")
    assert "NoData: the window holds no capture." in Page(render(summary=failed)).text


def test_what_was_read_and_what_was_left_out_are_both_told():
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
    text = Page(
        render(summary=summary(records=records, warnings=("Only 60 rows.",)), facts={"Window": "09:00 to 10:00"})
    ).text
    counts = ("1,200", "4,567 bytes", "3 files", "7", "21", "33", "44", "555 CSV, 66 JSON")
    for told in (*counts, "a.jsonl:4: no JSON", "Only 60 rows.", "09:00 to 10:00"):
        assert told in text


def test_a_feature_is_shown_beside_its_baseline_with_the_distance_and_the_threshold():
    page = Page(
        render(
            statistics=statistics(numerical("x", [1.0, 2.0, 3.0], missing=1), numerical("n", [5.0], "Integral")),
            baseline_statistics=statistics(numerical("x", [1.0, 1.0, 4.0]), categorical("n", {"b": 3, "": 1})),
            drifts={
                "x": Drift(0.25, 0.1, "Simple L-infinity", exceeded=True),
                "n": Drift(Undefined("the types differ"), 0.1, "Simple L-infinity", exceeded=False),
            },
        )
    )
    x, n = page.row("x"), page.row("n")
    assert x[2] == "3 (75 %)"
    assert "2 ± 1.414" in x[3]  # sqrt(2): the population's deviation of 1, 1, 4
    assert "1 to 4" in x[3]
    assert "2 ± 0.8165" in x[4]  # sqrt(2 / 3)
    assert "0.25" in x[5]
    assert "threshold 0.1Simple L-infinity" in x[5]
    assert n[1] == "String → Integral"
    assert "the types differ" in n[5]


def test_categories_are_captioned_by_the_most_frequent():
    page = Page(render(statistics=statistics(categorical("s", {"a": 1, "b": 60, "c": 20, "d": 19}))))
    assert "b 60%, c 20%, d 19%, and 1 more" in page.row("s")[3]


def test_a_feature_that_only_the_baseline_has_is_still_shown():
    page = Page(render(statistics=statistics(), baseline_statistics=statistics(numerical("gone", [1.0]))))
    assert page.row("gone")[2] == "-"


def test_charts_of_then_and_now_share_their_axes():
    page = render(
        statistics=statistics(numerical("x", np.linspace(10.0, 20.0, 50))),
        baseline_statistics=statistics(numerical("x", np.linspace(0.0, 10.0, 50))),
    )
    (then,) = re.findall(r'class="then" d="([^"]*)"', page)
    (now,) = re.findall(r'class="now" d="([^"]*)"', page)
    lefts = {kind: [float(x) for x in re.findall(r"M([\d.]+) ", path)] for kind, path in (("then", then), ("now", now))}
    assert max(lefts["then"]) < 60 == min(lefts["now"])


def test_the_axis_starts_at_the_least_value_and_not_at_zero():
    page = render(statistics=statistics(numerical("x", np.linspace(1000.0, 1001.0, 50))))
    (path,) = re.findall(r'class="now" d="([^"]*)"', page)
    assert path.startswith("M0 ")
    assert path.count("M") == 10
    assert path.rindex("M108 ") > path.index("M60 ")


@pytest.mark.parametrize(
    "values",
    [[4.0] * 5, [-1.7e308, 1.7e308], [5e-324, 0.0], [1e300, 1e300 * (1 + 2**-52)]],
    ids=["constant", "widest", "tiny", "narrow"],
)
def test_extreme_ranges_draw_within_the_chart(values):
    page = render(statistics=statistics(numerical("x", values)))
    (path,) = re.findall(r'class="now" d="([^"]*)"', page)
    numbers = [float(x) for x in re.findall(r"-?[\d.]+(?:e[+-]?\d+)?", path)]
    assert numbers
    assert all(math.isfinite(x) and abs(x) <= 120 for x in numbers)


def test_hostile_names_and_labels_are_text_and_nothing_in_the_page_can_run_or_be_fetched():
    raw = render(
        title=HOSTILE,
        summary=summary(
            (HOSTILE, HOSTILE, HOSTILE),
            warnings=(HOSTILE,),
            records=RecordCounts(read=1, malformed=1, malformed_examples=(HOSTILE,)),
        ),
        facts={HOSTILE: HOSTILE},
        statistics=statistics(categorical(HOSTILE, {HOSTILE: 3}), {"name": "t", "inferred_type": HOSTILE}),
        baseline_statistics=statistics(categorical(HOSTILE, {HOSTILE: 3})),
        drifts={HOSTILE: Drift(Undefined(HOSTILE), 0.1, HOSTILE, exceeded=False)},
    )
    page = Page(raw)
    assert page.text.count("<script>alert(1)</script>") >= 10
    assert not page.tags & {"script", "img", "link", "iframe", "object", "embed", "form", "base", "image", "use"}
    for name, value in page.attributes:
        assert not name.startswith("on")
        assert name not in {"src", "style"}
        assert name != "href" or re.fullmatch(r"#f\d+", value)


def test_the_content_security_policy_allows_the_pages_own_style_and_nothing_else():
    raw = render()
    (style,) = re.findall(r"<style>(.*?)</style>", raw, flags=re.DOTALL)
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', raw)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert "url(" not in style
    assert "@import" not in style


def test_five_hundred_columns_stay_below_a_megabyte():
    generator = np.random.default_rng(2)
    columns = [numerical(f"some_long_feature_name_{i}", generator.normal(size=500)) for i in range(400)]
    columns += [categorical(f"category_{i}", {f"some_label_{j}": j + 1 for j in range(120)}) for i in range(100)]
    page = render(
        summary=summary(*[(f"category_{i}", "baseline_drift_check", "x" * 100) for i in range(100)]),
        statistics=statistics(*columns),
        baseline_statistics=statistics(*columns),
        drifts={column["name"]: Drift(0.123456789, 0.1, "Robust L-infinity", exceeded=True) for column in columns},
    )
    assert len(Page(page).rows) == 602
    assert len(page.encode()) < 1_000_000


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["name", "inferred_type", "features", "numerical_statistics", "string_statistics", "common",
                         "num_present", "num_missing", "mean", "std_dev", "distribution", "kll", "categorical",
                         "buckets", "lower_bound", "upper_bound", "count", "value", "dataset", "item_count"]),
        inner,
        max_size=4,
    ),
    max_leaves=25,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(current=json_like, baseline=json_like)
def test_whatever_a_statistics_file_holds_there_is_a_page(current, baseline):
    documents = {"statistics": {"features": [current]}, "baseline_statistics": {"features": [baseline]}}
    assert Page(render(**documents)).text


def test_a_report_is_written_as_utf8_even_if_a_name_is_half_a_surrogate_pair(tmp_path):
    path = tmp_path / "report.html"
    path.write_text("old")
    write_data_quality_report(
        path, title="é \ud800", summary=summary(), facts={}, statistics=statistics(numerical("\udc00", [1.0]))
    )
    assert "é ?" in Page(path.read_text(encoding="utf-8")).text
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.html"]
