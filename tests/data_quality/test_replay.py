"""Other constraints over a window that has been analysed find what a check of its rows finds."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwatch_analyzer.data_quality.documents import Constraints, Statistics
from modelwatch_analyzer.data_quality.replay import replay, replayed
from modelwatch_analyzer.moments import Moments
from modelwatch_core.domain.settings_environment import analysis_settings
from tests.data_quality.conftest import Workbench, found, table

NUMBER = st.one_of(st.integers(-3, 40), st.floats(-5, 50).map(lambda value: round(value, 2)))
COLUMNS = st.one_of(
    st.lists(st.integers(-3, 40), min_size=8, max_size=8),
    st.lists(st.integers(0, 40), min_size=8, max_size=8),
    st.lists(NUMBER, min_size=8, max_size=8),
    st.lists(st.one_of(st.none(), NUMBER), min_size=8, max_size=8),
    st.lists(st.one_of(st.none(), st.sampled_from(["red", "green", "blue"])), min_size=8, max_size=8),
    st.lists(st.one_of(st.sampled_from(["red", "7"]), NUMBER), min_size=8, max_size=8),
)
NAMES = ("a", "b", "c")
TABLES = st.fixed_dictionaries({"row": st.just([*range(8)])} | dict.fromkeys(NAMES, COLUMNS))
SHARES = st.sampled_from([0.0, 0.5, 0.9, 1.0])
EDITS = st.fixed_dictionaries(
    {
        "inferred_type": st.sampled_from(["Integral", "Fractional", "String", "Unknown"]),
        "completeness": SHARES,
        "num_constraints": st.fixed_dictionaries(
            {"is_non_negative": st.booleans()}, optional={"max_changes": st.just({"mean": 1.0, "p50": 2, "max": 5})}
        ),
        "string_constraints": st.fixed_dictionaries({"domains": st.sampled_from([["red"], ["red", "green", "blue"]])}),
        "monitoring_config_overrides": st.fixed_dictionaries(
            {},
            optional={
                "evaluate_constraints": st.sampled_from(["Enabled", "Disabled"]),
                "datatype_check_threshold": SHARES,
                "domain_content_threshold": SHARES,
                "distribution_constraints": st.fixed_dictionaries(
                    {"perform_comparison": st.sampled_from(["Enabled", "Disabled"])},
                    optional={
                        "comparison_threshold": st.sampled_from([0.01, 0.1, 0.5]),
                        "comparison_method": st.sampled_from(["Simple", "Robust"]),
                        "categorical_comparison_threshold": st.sampled_from([0.01, 0.5]),
                    },
                ),
            },
        ),
    }
)


@pytest.mark.slow
@settings(max_examples=40)
@given(TABLES, TABLES, st.dictionaries(st.sampled_from([*NAMES, "d"]), EDITS, max_size=4))
def test_a_replay_finds_what_a_check_of_the_rows_finds_or_names_the_check(
    before: dict[str, Any], now: dict[str, Any], edits: dict[str, Any]
):
    with tempfile.TemporaryDirectory() as folder:
        workbench = Workbench(Path(folder))
        workbench.baseline(table(before))
        workbench.check(table(now))  # the check that has left its statistics
        statistics = Statistics.read(workbench.folder / "check/statistics.json")
        suggested = workbench.read("baseline/constraints.json")
        features = {feature["name"]: feature for feature in suggested["features"]}
        features |= {name: {"name": name} | edit for name, edit in edits.items()}
        workbench.rewrite("baseline/constraints.json", suggested | {"features": list(features.values())})
        replay = replayed(
            statistics,
            Constraints.read(workbench.folder / "baseline/constraints.json"),
            Statistics.read(workbench.folder / "baseline/statistics.json"),
        )
        real = found(workbench.check(table(now)))
        assert {*replay.violations} & {*replay.unknown} == set()
        assert [*replay.violations] == [each for each in real if each not in replay.unknown]


def test_what_the_rows_alone_decide_is_named(workbench: Workbench):
    workbench.baseline(table({"n": [*range(100)], "text": ["a", "b"] * 50}))
    numbers = [*range(99), 0.5]
    workbench.check(table({"n": numbers, "text": [f"text {i}" for i in range(100)]}))
    statistics = Statistics.read(workbench.folder / "check/statistics.json")
    document = workbench.read("baseline/constraints.json")
    document["features"][1]["string_constraints"] = {"domains": ["a"]}
    constraints = Constraints.model_validate_json(json.dumps(document))
    assert replayed(statistics, constraints, None).unknown == (("n", "data_type_check"),)
    withheld = replayed(statistics.without_values(), constraints, statistics)
    assert withheld.unknown == (
        ("n", "baseline_drift_check"),
        ("n", "data_type_check"),
        ("n", "is_non_negative_check"),
        ("text", "baseline_drift_check"),
        ("text", "categorical_values_check"),
    )


def test_the_comparison_that_a_schedule_chooses_is_replayed(workbench: Workbench):
    chosen = {"comparison_method": "Simple"}
    workbench.baseline(table({"n": [*range(100)]}))
    summary = workbench.check(table({"n": [number + 15 for number in range(100)]}), **chosen)
    assert found(summary) == [("n", "baseline_drift_check")]  # 0.15 is above the threshold of 0.1
    place = {"dataset_source": workbench.folder, "output_path": workbench.folder}
    settings = analysis_settings(**place, **chosen)
    files = (workbench.folder / "baseline/constraints.json", workbench.folder / "baseline/statistics.json")
    again = replay(settings, *files)(workbench.folder / "check/statistics.json")
    assert again.violations == (("n", "baseline_drift_check"),)
    assert replay(analysis_settings(**place), *files)(workbench.folder / "check/statistics.json").violations == ()


def test_features_that_the_schedule_leaves_out_are_not_missing(workbench: Workbench):
    workbench.baseline(table({"n": [1, 2, 3], "id": [1, 2, 3]}))
    workbench.check(table({"n": [1, 2, 3], "id": [1, 2, 3]}), exclude_features_attribute="id")
    statistics = Statistics.read(workbench.folder / "check/statistics.json")
    constraints = Constraints.read(workbench.folder / "baseline/constraints.json")
    assert ("id", "missing_column_check") in replayed(statistics, constraints, None).violations
    assert replayed(statistics, constraints, None, excluded={"id"}).violations == ()


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30))
def test_moments_are_restored_from_what_a_file_has_of_them(values: list[float]):
    moments = Moments()
    moments.update(np.array(values))
    described = (moments.count, moments.mean, moments.population_std, moments.minimum, moments.maximum)
    restored = Moments.restored(*described)
    assert (restored.count, restored.mean, restored.minimum, restored.maximum) == (
        described[0],
        *described[1:2],
        *described[3:],
    )
    assert restored.population_std == pytest.approx(moments.population_std, rel=1e-15)
