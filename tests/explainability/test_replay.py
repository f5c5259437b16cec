"""A window under other constraints, from its analysis: it must be what a check of the rows with them finds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from modelwatch_analyzer.explainability.checks import CHECKS
from modelwatch_analyzer.explainability.documents import AttributionConstraints
from modelwatch_analyzer.explainability.replay import replayed
from modelwatch_analyzer.replay import Replay
from modelwatch_core.domain.errors import InvalidInput
from tests.explainability.conftest import Explaining

Rows = NDArray[np.float64]
EVERY_LIMIT = {
    "feature_attribution_drift_threshold": 1.0,
    "max_attribution_change": 0.02,
    "max_rank_change": 0,
    "min_attribution_stability": 1.0,
    "min_kendall_tau": 1.0,
    "min_explanation_consistency": 1.0,
}


def test_each_limit_of_the_constraints_belongs_to_one_check():
    others = {"feature_attribution_drift_confidence", "monthly_false_alarm_rate"}
    limits = [check.limit for check in CHECKS.values() if check.limit is not None]
    assert sorted(limits) == sorted({*AttributionConstraints.model_fields} - others)


@pytest.fixture
def window(explaining: Explaining, rows: Rows) -> Explaining:
    """A baseline, an earlier execution, and a window in which the last feature counts most."""
    data = explaining.write(rows)
    explaining.baseline(data)
    explaining.run(data, "earlier/2026")
    explaining.server.function = lambda given: given @ np.arange(1.0, given.shape[1] + 1)
    explaining.check(data, earlier_executions_results=explaining.folder / "earlier")
    return explaining


def in_replay(explaining: Explaining, changed: dict[str, Any]) -> Replay:
    path = explaining.folder / "new.json"
    path.write_text(json.dumps(changed))
    return replayed(explaining.folder / "check/analysis.json", path)


def other_shares(changed: dict[str, Any]) -> None:
    for explanation in changed["explanations"]["kernel_shap"].values():
        explanation["global_shap_values"]["f0"] *= 3


def a_feature_less(changed: dict[str, Any]) -> None:
    for explanation in changed["explanations"]["kernel_shap"].values():
        del explanation["global_shap_values"]["f0"]


@pytest.mark.parametrize("limits", [{}, EVERY_LIMIT, *({name: value} for name, value in EVERY_LIMIT.items())])
@pytest.mark.parametrize("edit", [lambda _: None, other_shares, a_feature_less])
def test_a_replay_finds_what_a_check_of_the_rows_finds(
    window: Explaining, limits: dict[str, float], edit: Callable[[dict[str, Any]], None]
):
    changed = window.read("baseline/analysis.json") | {"monitoring_config": limits}
    edit(changed)
    found = in_replay(window, changed)
    summary = window.run(
        window.folder / "data.csv",
        "again",
        baseline_constraints=window.folder / "new.json",
        earlier_executions_results=window.folder / "earlier",
    )
    assert found.violations == tuple((each.subject, each.constraint_check_type) for each in summary.violations)
    assert found.unknown == ()


def test_every_check_finds_something_in_that_window(window: Explaining):
    changed = window.read("baseline/analysis.json") | {"monitoring_config": EVERY_LIMIT}
    assert len({check for _, check in in_replay(window, changed).violations}) == len(EVERY_LIMIT)


def test_a_window_that_was_compared_with_nothing_leaves_to_the_rows_what_it_did_not_measure(window: Explaining):
    window.run(window.folder / "data.csv", "check")
    changed = window.read("baseline/analysis.json") | {"monitoring_config": EVERY_LIMIT}
    found = in_replay(window, changed)
    assert {check for _, check in found.unknown} == {
        "feature_attribution_change_check",
        "attribution_stability_check",
        "attribution_rank_agreement_check",
    }
    assert {check for _, check in found.violations} == {
        "feature_attribution_drift_check",
        "feature_rank_check",
        "explanation_consistency_check",
    }


def test_what_chance_allows_for_is_replayed_where_the_window_has_stored_it(window: Explaining):
    changed = window.read("baseline/analysis.json")
    assert changed["monitoring_config"]["feature_attribution_drift_confidence"] == 0.99
    stored = window.read("check/analysis.json")
    measured = stored["explanations"]["kernel_shap"]["label0"]["attribution_drift"]
    checked = "feature_attribution_drift_check"
    for threshold, is_found in ((measured["ndcg"] + 0.001, False), (measured["ndcg_at_most"] + 0.001, True)):
        changed["monitoring_config"]["feature_attribution_drift_threshold"] = threshold
        assert (checked in [check for _, check in in_replay(window, changed).violations]) is is_found
    changed["monitoring_config"]["feature_attribution_drift_confidence"] = 0.5  # of which nothing is stored
    found = in_replay(window, changed)
    assert (found.violations, found.unknown) == ((), (("label0", checked),))
    changed["monitoring_config"]["feature_attribution_drift_confidence"] = 0.99
    del measured["ndcg_at_most"]  # as an execution of an earlier version
    (window.folder / "check/analysis.json").write_text(json.dumps(stored))
    found = in_replay(window, changed)
    assert (found.violations, found.unknown) == ((), (("label0", checked),))


def test_a_baseline_in_other_units_decides_nothing(window: Explaining):
    changed = window.read("baseline/analysis.json")
    changed["run_details"]["agg_method"] = "median"
    assert in_replay(window, changed) == Replay((), (("label0", "feature_attribution_drift_check"),))


def test_a_broken_window_is_refused_by_its_place(window: Explaining):
    path = Path(window.folder, "check/analysis.json")
    document = json.loads(path.read_text())
    document["explanations"]["kernel_shap"]["label0"]["attribution_drift"]["kendall_tau"] = "high"
    path.write_text(json.dumps(document))
    with pytest.raises(InvalidInput, match=r"InvalidStatistics: analysis\.json: .*label0.*kendall_tau"):
        in_replay(window, window.read("baseline/analysis.json"))


def test_a_window_of_a_series_has_its_part_of_a_month_and_is_replayed_with_it(window: Explaining):
    data, baseline = window.folder / "data.csv", window.folder / "baseline/analysis.json"
    window.run(data, "hourly", baseline_constraints=baseline, looks_per_month=720)
    (alone,), (hourly,) = (
        window.read(f"{folder}/analysis.json")["explanations"]["kernel_shap"].values() for folder in ("check", "hourly")
    )
    assert alone["attribution_drift"]["ndcg_at_most"] < hourly["attribution_drift"]["ndcg_at_most"]
    changed = window.read("baseline/analysis.json")
    changed["monitoring_config"]["monthly_false_alarm_rate"] = 0.5  # of which nothing is stored
    changed["monitoring_config"]["feature_attribution_drift_threshold"] = alone["attribution_drift"]["ndcg"] + 0.001
    assert in_replay(window, changed).unknown == (("label0", "feature_attribution_drift_check"),)
