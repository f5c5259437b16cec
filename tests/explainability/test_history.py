"""Attributions over the earlier executions."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from modelwatch_analyzer.explainability.history import history_of
from modelwatch_analyzer.undefined import Undefined
from tests.explainability.conftest import Explaining

Rows = NDArray[np.float64]

NAMES = ("a", "b", "c")
NOW = np.array([6.0, 3.0, 1.0])


def test_shares_and_rank_agreement_by_hand() -> None:
    # Shares of a: 0.5, 0.3, 0.4 then and 0.6 now; their mean is 0.4, their variance (0.01 + 0.01 + 0) / 2.
    earlier = {"1": np.array([5.0, 3.0, 2.0]), "2": np.array([0.3, 0.5, 0.2]), "3": np.array([40.0, -20.0, 40.0])}
    found = history_of(NAMES, NOW, earlier)
    share = found.shares["a"]
    assert (share.now, share.executions) == (0.6, 3)
    assert (share.mean, share.standard_deviation) == pytest.approx((0.4, 0.1))
    assert (share.minimum, share.maximum) == (0.3, 0.5)
    # Tau: the same order; a and b exchanged, (2 - 1) / 3; a and c tied and above b, (1 - 1) / sqrt(3 * 2).
    assert list(found.taus.values()) == pytest.approx([1.0, 1 / 3, 0.0])
    assert found.kendall_tau == found.taus["3"]


def test_one_earlier_execution_has_no_standard_deviation() -> None:
    share = history_of(NAMES, NOW, {"1": NOW}).shares["b"]
    assert (share.mean, share.minimum, share.maximum) == pytest.approx((0.3, 0.3, 0.3))
    assert share.standard_deviation == Undefined("one execution has no spread")


def test_the_latest_execution_with_an_order_is_compared_with() -> None:
    other = Undefined("it explains other features")
    found = history_of(NAMES, NOW, {"1": NOW, "2": NOW[::-1], "3": np.zeros(3), "4": other})
    assert found.kendall_tau == -1.0
    assert [isinstance(tau, Undefined) for tau in found.taus.values()] == [False, False, True, True]
    assert found.shares["a"].executions == 2
    assert history_of(NAMES, NOW, {"4": other}).kendall_tau == other


def test_without_an_earlier_execution_or_any_attribution_there_is_no_history() -> None:
    found = history_of(NAMES, NOW, {})
    assert found.kendall_tau == Undefined("there is no earlier execution to compare with")
    assert found.shares == {}
    assert history_of(NAMES, np.zeros(3), {"1": NOW}).shares == {}


@given(st.lists(hnp.arrays(float, 3, elements=st.floats(0.001, 1000)), min_size=1, max_size=10))
def test_shares_of_an_execution_add_up_to_one_and_lie_between_their_bounds(earlier: list[Rows]) -> None:
    found = history_of(NAMES, NOW, {str(number): each for number, each in enumerate(earlier)})
    assert sum(share.mean for share in found.shares.values()) == pytest.approx(1.0)
    for share in found.shares.values():
        assert 0 <= share.minimum <= share.mean <= share.maximum <= 1


def drift_of(explaining: Explaining) -> Any:
    return explaining.read("check/analysis.json")["explanations"]["kernel_shap"]["label0"]["attribution_drift"]


@pytest.fixture
def earlier(explaining: Explaining, rows: Rows) -> Explaining:
    """Make a baseline and two executions: of the same model, and of the model with its weights reversed."""
    explaining.data = explaining.write(rows)
    explaining.baseline(explaining.data)
    weights = {"2026-01-31T09:00:00Z": [3.0, 2.0, 1.0], "2026-01-31T10:00:00Z": [1.0, 2.0, 3.0]}
    for start, each in weights.items():
        explaining.server.function = lambda values, each=each: values @ each
        explaining.check(explaining.data)
        (explaining.folder / "earlier").mkdir(exist_ok=True)
        (explaining.folder / "check").rename(explaining.folder / "earlier" / start)
    return explaining


def test_a_check_reports_its_agreement_with_each_earlier_execution(earlier: Explaining, rows: Rows) -> None:
    earlier.check(earlier.data, earlier_executions_results=earlier.folder / "earlier")
    drift = drift_of(earlier)
    assert drift["earlier_executions"] == [
        {"execution": "2026-01-31T09:00:00Z", "kendall_tau": -1.0},
        {"execution": "2026-01-31T10:00:00Z", "kendall_tau": 1.0},
    ]
    assert drift["kendall_tau"] == 1.0
    # A linear model against zeros: the attribution of a feature is its weight times the mean magnitude.
    magnitudes = np.abs(rows).mean(axis=0)
    then, now = (magnitudes * weights / (magnitudes @ weights) for weights in ([3.0, 2.0, 1.0], [1.0, 2.0, 3.0]))
    share = drift["shares"]["f0"]
    assert share["executions"] == 2
    assert (share["now"], share["mean"]) == pytest.approx((now[0], (now[0] + then[0]) / 2))
    assert share["standard_deviation"] == pytest.approx(abs(now[0] - then[0]) / np.sqrt(2))
    page = (earlier.folder / "check/report.html").read_text()
    assert "kendall_tau of label0 with 2026-01-31T09:00:00Z" in page
    assert "Mean share earlier" in page
    lines = (earlier.folder / "check/cloudwatch_metrics.jsonl").read_text().splitlines()
    metrics = {line["MetricName"]: line["Value"] for line in map(json.loads, lines)}
    assert metrics["feature_attribution_stability_kendall_tau"] == 1.0
    distances = np.abs(now - then)
    assert metrics["feature_attribution_share_change"] == pytest.approx(distances.max() / 2)
    assert metrics["feature_attribution_share_deviation"] == pytest.approx(distances.max() / np.sqrt(2))


def test_rank_agreement_below_its_limit_is_a_violation(earlier: Explaining) -> None:
    path = earlier.folder / "baseline/analysis.json"
    document = json.loads(path.read_text())
    document["monitoring_config"] = {"feature_attribution_drift_threshold": 0.1, "min_kendall_tau": 0.5}
    path.write_text(json.dumps(document))
    assert not earlier.check(earlier.data, earlier_executions_results=earlier.folder / "earlier").violations
    earlier.server.function = lambda values: values @ [3.0, 2.0, 1.0]
    (violation,) = earlier.check(earlier.data, earlier_executions_results=earlier.folder / "earlier").violations
    assert violation.constraint_check_type == "attribution_rank_agreement_check"
    assert violation.description == "Kendall tau -1.0 is below threshold 0.5"
    assert (violation.model_extra or {})["metric_name"] == "kendall_tau"
    first = earlier.check(earlier.data)
    assert "Kendall's tau of label0 was not checked: there is no earlier execution to compare with" in first.warnings


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"global_shap_values": {"f0": 1.0, "f1": 2.0, "other": 3.0}}, "it explains other features"),
        ({"global_shap_values": {"f0": 1.0, "f1": 1.0, "f2": 1.0}}, "all features have the same attribution"),
        ("outputs", "it explains other outputs"),
        ("agg_method", "it was made with another agg_method or use_logit"),
    ],
)
def test_earlier_executions_that_cannot_be_compared_are_counted_with_the_reason(
    earlier: Explaining, change: Any, reason: str
) -> None:
    path = earlier.folder / "earlier/2026-01-31T10:00:00Z/analysis.json"
    document = json.loads(path.read_text())
    labels = document["explanations"]["kernel_shap"]
    if change == "outputs":
        document["explanations"]["kernel_shap"] = {"a": labels["label0"], "b": labels["label0"]}
    elif change == "agg_method":
        document["run_details"]["agg_method"] = "mean_sq"
    else:
        labels["label0"] |= change
    path.write_text(json.dumps(document))
    summary = earlier.check(earlier.data, earlier_executions_results=earlier.folder / "earlier")
    number = "1 of 2 earlier executions, such as 2026-01-31T10:00:00Z"
    assert f"attributions of label0 were not compared with those of {number}: {reason}" in summary.warnings
    drift = drift_of(earlier)
    assert drift["earlier_executions"][1]["kendall_tau"] == {"undefined": reason}
    assert drift["kendall_tau"] == -1.0
