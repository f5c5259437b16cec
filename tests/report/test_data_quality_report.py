"""The report: what it says, that nothing in it can run or be fetched, and how large it grows."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwatch_analyzer.data_quality.report import report_body
from modelwatch_analyzer.distances import MEASURES, ROBUST, SIMPLE
from modelwatch_analyzer.distances.drift import Drift
from modelwatch_analyzer.moments import Moments
from modelwatch_analyzer.report.histograms import pictured_pair
from modelwatch_analyzer.report.scores import drift_grade, grade
from modelwatch_analyzer.sketches.kll import KllSketch
from modelwatch_analyzer.undefined import Undefined
from tests.report.pages import Page, summary, written


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


def document(*features: dict, items: int = 100) -> dict:
    return {"version": 0.0, "dataset": {"item_count": items}, "features": list(features)}


def render(*, statistics=None, baseline_statistics=None, drifts=None, **frame) -> Page:
    now = document() if statistics is None else statistics

    def body(summary):
        return report_body(now, baseline_statistics, drifts or {}, summary.violations, summary.records)

    return written(body, **frame)


def test_the_page_says_the_verdict_in_one_sentence_and_each_violation_in_plain_text():
    page = render(
        summary=summary(
            ("income", "baseline_drift_check", "Baseline drift distance: 0.3 exceeds threshold: 0.1"),
            ("income", "some_new_check", "Something."),
            ("race", "completeness_check", "Data completeness requirement is not met."),
        ),
        statistics=document(numerical("income", range(9)), categorical("race", {"a": 1}), items=1234),
    )
    drift = "Drift distance of 0.3 is above the threshold 0.1"
    assert "3 violations in 1,234 records of 2 features: income, race." in page.text
    assert ["income", "Drift from the baseline", drift] in page.rows
    assert ["income", "some new check", "Something."] in page.rows
    assert ["race", "Missing values", "Data completeness requirement is not met."] in page.rows


def test_many_features_in_violation_are_counted_behind_the_first_three():
    five = [(f"f{i}", "completeness_check", "low") for i in range(5)]
    assert "5 violations in 100 records of 0 features: f0, f1, f2 and 2 more." in render(summary=summary(*five)).text


def test_a_violation_of_no_feature_is_about_the_dataset():
    page = render(summary=summary((None, "missing_column_check", "Fewer columns.")))
    assert ["the dataset", "Missing column", "Fewer columns."] in page.rows


@pytest.mark.parametrize(
    ("fields", "verdict"),
    [
        ({}, "No violations in 100 records of 1 feature."),
        ({"outputs": {"constraints.json": "constraints.json"}}, "A baseline of 100 records of 1 feature."),
    ],
)
def test_without_violations_the_verdict_distinguishes_a_check_from_a_baseline(fields, verdict):
    page = render(summary=summary(**fields), statistics=document(numerical("a", [1.0])))
    assert verdict in page.text


def test_a_feature_is_shown_beside_its_baseline_with_the_distance_and_the_threshold():
    page = render(
        statistics=document(numerical("x", [1.0, 2.0, 3.0], missing=1), numerical("n", [5.0], "Integral")),
        baseline_statistics=document(numerical("x", [1.0, 1.0, 4.0]), categorical("n", {"b": 3, "": 1})),
        drifts={
            "x": Drift(0.25, 0.1, SIMPLE),
            "n": Drift(Undefined("the types differ"), 0.1, SIMPLE),
        },
    )
    x, n = page.row("x"), page.row("n")
    assert x[2] == "3 (75 %)baseline 100 %"
    assert "Baseline 2 ± 1.414; 1 to 4" in x[3]  # sqrt(2): the population's deviation of 1, 1, 4
    assert "Now 2 ± 0.8165; 1 to 3" in x[3]  # sqrt(2 / 3)
    assert "0.25" in x[4]
    assert "threshold 0.1Simple L-infinity" in x[4]
    assert x[5] == "250 %"  # 0.25 / 0.1
    assert n[1] == "String → Integral"
    assert "the types differ" in n[4]
    assert n[5] == "not graded"


def test_categories_are_captioned_by_the_most_frequent():
    page = render(statistics=document(categorical("s", {"a": 1, "b": 60, "c": 20, "d": 19})))
    assert "b 60\N{NO-BREAK SPACE}%, c 20\N{NO-BREAK SPACE}%, d 19\N{NO-BREAK SPACE}%, and 1 more" in page.row("s")[3]


def test_a_category_that_is_cut_says_so():
    page = render(statistics=document(categorical("s", {"very high risk of default": 1})))
    assert "very high risk of defau… 100" in page.row("s")[3]


def test_a_feature_that_only_the_baseline_has_is_still_shown():
    page = render(statistics=document(), baseline_statistics=document(numerical("gone", [1.0])))
    assert page.row("gone")[2] == "-baseline 100 %"


def test_charts_of_then_and_now_share_their_axes():
    page = render(
        statistics=document(numerical("x", np.linspace(10.0, 20.0, 50))),
        baseline_statistics=document(numerical("x", np.linspace(0.0, 10.0, 50))),
    )
    (then,) = re.findall(r'class="then" d="([^"]*)"', page.raw)
    (now,) = re.findall(r'class="now" d="([^"]*)"', page.raw)
    lefts = {kind: [float(x) for x in re.findall(r"M([\d.]+) ", path)] for kind, path in (("then", then), ("now", now))}
    assert max(lefts["then"]) < 90 == min(lefts["now"])


def test_the_axis_starts_at_the_least_value_and_not_at_zero():
    page = render(statistics=document(numerical("x", np.linspace(1000.0, 1001.0, 50))))
    (path,) = re.findall(r'class="now" d="([^"]*)"', page.raw)
    assert path.startswith("M0 ")
    assert path.count("M") == 20
    assert path.rindex("M171 ") > path.index("M90 ")


@pytest.mark.parametrize(
    "values",
    [[4.0] * 5, [-1.7e308, 1.7e308], [5e-324, 0.0], [1e300, 1e300 * (1 + 2**-52)]],
    ids=["constant", "widest", "tiny", "narrow"],
)
def test_extreme_ranges_draw_within_the_chart(values):
    page = render(statistics=document(numerical("x", values)))
    (path,) = re.findall(r'class="now" d="([^"]*)"', page.raw)
    numbers = [float(x) for x in re.findall(r"-?[\d.]+(?:e[+-]?\d+)?", path)]
    assert numbers
    assert all(math.isfinite(x) and abs(x) <= 180 for x in numbers)


def test_a_hundred_columns_stay_far_below_two_megabytes():
    generator = np.random.default_rng(2)
    columns = [numerical(f"some_long_feature_name_{i}", generator.normal(size=500)) for i in range(80)]
    columns += [categorical(f"category_{i}", {f"some_label_{j}": j + 1 for j in range(120)}) for i in range(20)]
    page = render(
        summary=summary(*[(f"category_{i}", "baseline_drift_check", "x" * 100) for i in range(20)]),
        statistics=document(*columns),
        baseline_statistics=document(*columns),
        drifts={column["name"]: Drift(0.123456789, 0.1, ROBUST) for column in columns},
    )
    assert len(page.rows) == 122
    assert len(page.raw.encode()) < 400_000


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
    assert render(**documents).text


def test_a_distance_that_chance_explains_is_graded_all_the_same():
    # Of 100 and 100 values 10 have moved: Simple 0.1. Robust takes off 1.8 * sqrt(200 / 10,000) = 0.2546
    baseline, current = categorical("s", {"a": 50, "b": 50}), categorical("s", {"a": 60, "b": 40})
    page = render(
        statistics=document(current), baseline_statistics=document(baseline), drifts={"s": Drift(0.0, 0.1, ROBUST)}
    )
    assert "0.1 before what chance explains" in page.row("s")[4]
    assert page.row("s")[5] == "28 %"  # 0.1 / (0.1 + 0.2546)


def test_numbers_in_another_precision_have_no_distance_before_what_chance_explains():
    # Single precision makes 0.10000000149 of 0.1, which is a Simple distance of 0.5.
    values = np.array([0.1, 0.2] * 50)
    page = render(
        statistics=document(numerical("x", values)),
        baseline_statistics=document(numerical("x", values.astype(np.float32))),
        drifts={"x": Drift(0.0, 0.1, ROBUST)},
    )
    assert "L-infinity0 before what chance explains" in page.row("x")[4]
    assert page.row("x")[5] == "0 %"


def test_both_sides_are_drawn_in_the_same_bins_whatever_buckets_the_files_have():
    # By hand: 20 bins from 0 to 20; the baseline's 10 values are evenly spread over 0 to 10, the current over 10 to 20
    then = {"distribution": {"kll": {"buckets": [{"lower_bound": 0, "upper_bound": 10, "count": 10}]}}}
    now = {
        "distribution": {
            "kll": {
                "buckets": [
                    {"lower_bound": 10, "upper_bound": 15, "count": 3},
                    {"lower_bound": 15, "upper_bound": 20, "count": 3},
                ]
            }
        }
    }
    overlay = pictured_pair({"numerical_statistics": then}, {"numerical_statistics": now}).overlay
    assert overlay.edges == pytest.approx(range(21))
    assert overlay.then == pytest.approx([0.1] * 10 + [0.0] * 10)
    assert overlay.now == pytest.approx([0.0] * 10 + [0.1] * 10)


def test_features_in_violation_come_first_then_those_nearest_to_one():
    columns = [numerical(name, [1.0, 2.0]) for name in ("calm", "near", "beyond")]
    page = render(
        statistics=document(*columns),
        baseline_statistics=document(*columns),
        drifts={name: Drift(far, 0.1, SIMPLE) for name, far in (("calm", 0.01), ("near", 0.09), ("beyond", 0.2))},
        summary=summary(("beyond", "baseline_drift_check", "Far.")),
    )
    assert [row[0] for row in page.rows[3:]] == ["beyond", "near", "calm"]


@pytest.mark.parametrize(
    ("value", "threshold", "at_rest", "expected"),
    [
        (0.05, 0.1, 0.0, 0.5),
        (0.85, 0.8, 0.9, 0.5),  # a metric that falls from 0.9 is half way to 0.8
        (0.95, 0.8, 0.9, 0.0),  # better than the baseline
        (0.5, 0.5, 0.5, None),  # a threshold that leaves no way
        (Undefined("none"), 0.1, 0.0, None),
        (0.5, None, 0.0, None),
        (math.inf, 0.1, 0.0, None),
    ],
)
def test_a_grade_is_the_share_of_the_way_to_the_threshold(value, threshold, at_rest, expected):
    found = grade(value, threshold, at_rest=at_rest)
    assert found == (expected if expected is None else pytest.approx(expected))


def test_p_values_are_graded_by_their_logarithms():
    # log(0.1) / log(0.01) = 1/2
    assert drift_grade(Drift(0.1, 0.01, MEASURES["ChiSquared"])) == pytest.approx(0.5)
    assert drift_grade(Drift(0.0, 0.01, MEASURES["ChiSquared"])) == pytest.approx(150.0)


@pytest.mark.slow
def test_thousands_of_features_are_cut_with_those_in_violation_kept():
    columns = [{"name": f"c{i}", "inferred_type": "Unknown"} for i in range(3000)]
    page = render(statistics=document(*columns), summary=summary(("c2999", "data_type_check", "Mixed.")))
    assert "Showing 1,000 of 3,000 features: those in violation, then the first." in page.text
    assert "1 violation in 100 records of 3,000 features: c2999." in page.text
    assert [row[0] for row in page.rows[-2:]] == ["c997", "c998"]
    assert page.rows[3][0] == "c2999"
    assert page.values("href") == ["#f0"]


@pytest.mark.parametrize("size", [1.7e308, 1e-310, 5e-324])
def test_numbers_near_the_ends_of_a_double_are_drawn(size: float) -> None:
    values = np.linspace(-1.0, 1.0, 201) * size
    chart = pictured_pair(numerical("a", values), numerical("a", values[::2])).overlay.chart
    assert all(math.isfinite(share) for side in ("then", "now") for share in chart[side])
    assert sum(chart["then"]) == pytest.approx(1.0, abs=0.01)
