"""A window under other constraints, from its analysis: it must be what a check of the rows with them finds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelwatch_analyzer.bias.config import BiasConfig
from modelwatch_analyzer.bias.documents import BiasAnalysis
from modelwatch_analyzer.bias.replay import replayed
from modelwatch_analyzer.replay import Replay
from modelwatch_core.domain.errors import InvalidInput
from tests.bias.conftest import Workbench

CONFIG: dict[str, Any] = {
    "label": "y",
    "label_values_or_threshold": [1],
    "facet": [
        {"name_or_index": "sex", "value_or_threshold": ["f"]},
        {"name_or_index": "age", "value_or_threshold": [40]},
    ],
}
SETTINGS = {"inference_attribute": "p"}
Edit = Callable[[dict[str, Any]], None]


def people(seed: int, lean: float = 0.1, rows: int = 400) -> str:
    random = np.random.default_rng(seed)
    lines = ["sex,age,income,y,p"]
    for _ in range(rows):
        sex, age, income = random.choice(["f", "m"]), int(random.integers(18, 90)), round(random.normal(50, 10), 2)
        label = int(random.random() < 0.5 + lean * (sex == "m"))
        lines.append(f"{sex},{age},{income},{label},{int(random.random() < 0.3 + 0.3 * label + lean * (sex == 'm'))}")
    return "\n".join(lines) + "\n"


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    """A baseline, and a window in which men are preferred more."""
    made = Workbench(tmp_path)
    made.baseline(people(1), CONFIG, **SETTINGS)
    made.check(people(2, lean=0.3), CONFIG, **SETTINGS)
    return made


def metrics_of(document: dict[str, Any]) -> list[dict[str, Any]]:
    stages = ("pre_training_bias_metrics", "post_training_bias_metrics")
    groups = [group for stage in stages for facet in document[stage]["facets"].values() for group in facet]
    return [metric for group in groups for metric in group["metrics"]]


def without_ranges(document: dict[str, Any]) -> None:
    for metric in metrics_of(document):
        metric.pop("range", None)


def wide_ranges(document: dict[str, Any]) -> None:
    for metric in metrics_of(document):
        if "range" in metric:
            metric["range"] = [-0.2, 0.2]


def narrow_ranges(document: dict[str, Any]) -> None:
    for metric in metrics_of(document):
        if "range" in metric:
            metric["range"] = [0.0, 0.001]


def by_ratio(document: dict[str, Any]) -> None:
    without_ranges(document)
    document["disparate_impact_rule"] = "LogRatio"


def in_replay(bench: Workbench, changed: dict[str, Any], config: dict[str, Any] = CONFIG) -> Replay:
    paths = (
        bench.write(config, "config.json"),
        bench.folder / "check" / "analysis.json",
        bench.write(changed, "new.json"),
    )
    return replayed(BiasConfig.read(paths[0]), *paths[1:])


@pytest.mark.parametrize("edit", [lambda _: None, without_ranges, wide_ranges, narrow_ranges, by_ratio])
def test_a_replay_finds_what_a_check_of_the_rows_finds(bench: Workbench, edit: Edit):
    changed = bench.report("baseline")
    edit(changed)
    found = in_replay(bench, changed)
    summary = bench.check(people(2, lean=0.3), CONFIG, changed, **SETTINGS)
    assert set(found.violations) == {(each.subject, each.constraint_check_type) for each in summary.violations}
    assert found.unknown == ()


def test_the_edits_make_a_difference(bench: Workbench):
    counts = []
    for edit in (wide_ranges, narrow_ranges, without_ranges):
        changed = bench.report("baseline")
        edit(changed)
        counts.append(len(in_replay(bench, changed).violations))
    assert counts[0] < counts[1]
    assert min(counts[1:]) > 0


def test_groups_too_small_to_alert_do_not_alert_in_a_replay_either(tmp_path: Path):
    bench = Workbench(tmp_path)
    bench.baseline(people(1), CONFIG, **SETTINGS)
    few = people(3, lean=0.5, rows=50)
    bench.check(few, CONFIG, **SETTINGS)
    changed = bench.report("baseline")
    narrow_ranges(changed)
    summary = bench.check(few, CONFIG, changed, **SETTINGS)
    assert not summary.violations  # of 50 rows some 25 are in a group
    assert in_replay(bench, changed) == Replay((), ())


def by_region(bench: Workbench, regions: list[str]) -> tuple[str, dict[str, Any]]:
    """Make a baseline with a group of each region."""
    facet = [{"name_or_index": "region"}]
    rows = people(4, rows=600).splitlines()
    table = "\n".join(f'{row},"{regions[i % len(regions)] if i else "region"}"' for i, row in enumerate(rows))
    bench.baseline(table, CONFIG | {"facet": facet}, **SETTINGS)
    return table, CONFIG | {"facet": facet}


def leave_groups(document: dict[str, Any], groups: list[str], *, entries: bool) -> None:
    """Keep the constraints of some groups, and of the others their entries or nothing."""
    for stage in ("pre_training_bias_metrics", "post_training_bias_metrics"):
        facets = document[stage]["facets"]
        for group in facets["region"]:
            group["metrics"] = [each for each in group["metrics"] if group["value_or_threshold"] in groups]
        facets["region"] = [each for each in facets["region"] if entries or each["metrics"]]


@pytest.mark.parametrize("entries", [True, False])
def test_two_groups_of_three_are_no_mirrors_though_nobody_compares_the_third(tmp_path: Path, entries: bool):
    bench = Workbench(tmp_path)
    by_region(bench, ["n", "s", "w"])
    changed = bench.report("baseline")
    of_all = BiasAnalysis.model_validate(changed).compared
    leave_groups(changed, ["n", "s"], entries=entries)
    assert BiasAnalysis.model_validate(changed).compared == of_all * 2 / 3
    by_region(bench, ["n", "s"])
    changed = bench.report("baseline")
    of_two = BiasAnalysis.model_validate(changed).compared
    leave_groups(changed, ["n"], entries=entries)
    assert of_two < 2 * BiasAnalysis.model_validate(changed).compared


def test_a_category_is_not_taken_for_another_with_the_same_parts(tmp_path: Path):
    bench = Workbench(tmp_path)
    table, config = by_region(bench, ["a,b", "c"])
    summary = bench.check(table.replace('"c"', '"b,a"'), config, **SETTINGS)
    changed = bench.report("baseline")
    narrow_ranges(changed)
    found = in_replay(bench, changed, config)
    assert ("DI of region = a,b", "bias_drift_check") in found.violations
    compared = [subject for subject, _ in (*found.violations, *found.unknown)]
    assert not any("b,a" in subject for subject in (*compared, *(each.subject for each in summary.violations)))


def test_what_only_the_rows_decide_is_named(bench: Workbench):
    facet_drift = ("FD of sex = f", "bias_drift_check")
    changed = bench.report("baseline")
    for metric in metrics_of(changed):
        if metric["name"] == "CI":
            metric["value"] += 0.1
    assert facet_drift in in_replay(bench, changed).unknown
    changed = bench.report("baseline") | {"flip_test_neighbors": 9}
    without_ranges(changed)
    assert ("FT of sex = f", "bias_drift_check") in in_replay(bench, changed).unknown
    named = CONFIG | {"flip_test_neighbors": bench.report("check")["flip_test_neighbors"]}
    assert ("FT of sex = f", "bias_drift_check") not in in_replay(bench, changed, named).unknown


def test_a_file_of_other_labels_or_groups_of_another_form_decides_nothing(bench: Workbench):
    changed = bench.report("baseline")
    for stage in ("pre_training_bias_metrics", "post_training_bias_metrics"):
        changed[stage]["label_value_or_threshold"] = "0"
    found = in_replay(bench, changed)
    assert not found.violations
    assert len(found.unknown) > 10
    changed = bench.report("baseline")
    for stage in ("pre_training_bias_metrics", "post_training_bias_metrics"):
        for group in changed[stage]["facets"]["age"]:
            group["value_or_threshold"] = "40"
    assert ("age", "bias_drift_check") in in_replay(bench, changed).unknown


def test_a_broken_window_is_refused_by_its_place(bench: Workbench):
    window = bench.report("check")
    metrics_of(window)[0]["value"] = "a lot"
    (bench.folder / "check/analysis.json").write_text(json.dumps(window))
    with pytest.raises(InvalidInput, match=r"analysis\.json: .*metrics.*must be a number"):
        in_replay(bench, bench.report("baseline"))


def test_a_window_of_a_series_is_replayed_with_its_part_of_a_month(bench: Workbench):
    bench.baseline(people(1, rows=4_000), CONFIG, **SETTINGS)
    window = people(2, lean=0.2, rows=2_000)
    found = {}
    for looks in (1, 720):
        checked = bench.check(window, CONFIG, **SETTINGS, looks_per_month=looks).violations
        constraints = bench.folder / "baseline/analysis.json"
        replay = replayed(BiasConfig.model_validate(CONFIG), bench.folder / "check/analysis.json", constraints)
        found[looks] = {(each.subject, each.constraint_check_type) for each in checked}
        assert (set(replay.violations), replay.unknown) == (found[looks], ())
    assert found[720] < found[1]


def test_listed_values_in_another_order_are_the_same_group_and_labels(bench):
    config = {
        **CONFIG,
        "label_values_or_threshold": [1, 2],
        "facet": [{"name_or_index": "sex", "value_or_threshold": ["f", "x"]}],
    }
    bench.baseline(people(1), config, **SETTINGS)
    bench.check(people(2, lean=0.3), config, **SETTINGS)
    changed = bench.report("baseline")
    narrow_ranges(changed)
    reordered = json.loads(json.dumps(changed).replace('"f,x"', '"x,f"').replace('"1,2"', '"2,1"'))
    expected = in_replay(bench, changed, config)
    assert expected.violations
    assert in_replay(bench, reordered, config) == expected
