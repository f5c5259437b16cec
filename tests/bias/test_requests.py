"""Rows of one request are alike: what the metrics of groups make of whole requests."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from scipy import stats

from modelwatch_analyzer.bias.config import BiasConfig
from modelwatch_analyzer.bias.metrics import METRICS
from modelwatch_analyzer.bias.replay import replayed

CONFIG = {
    "label": "label",
    "label_values_or_threshold": [1],
    "facet": [{"name_or_index": "sex", "value_or_threshold": ["F"]}, {"name_or_index": "region"}],
    "group_variable": "region",
}
CAPTURED = {"dataset_format": {"sagemakerCaptureJson": {}}, "inference_attribute": "0"}


def drawn(seed: int, sizes: np.ndarray) -> pl.DataFrame:
    """Draw people of whom a request holds a number that are the same."""
    generator = np.random.default_rng(seed)
    female, region, score, chance = generator.random((4, sizes.size))
    rows = {
        "sex": np.where(female < 0.4, "F", "M"),
        "region": np.where(region < 0.5, "n", "s"),
        "label": (chance < score).astype(int),
        "predicted": (score > 0.5).astype(int),
    }
    return pl.DataFrame(rows).with_columns(request=pl.int_range(sizes.size)).with_columns(pl.Series("size", sizes))


def captured(people: pl.DataFrame, *, alone: bool = False) -> str:
    """Write labelled captures of these requests, or of each of their rows alone."""
    lines = []
    for row in people.rows(named=True):
        size = row["size"]
        request = json.dumps({"sex": row["sex"], "region": row["region"]})
        for copies in [1] * size if alone else [size]:
            sides = {
                "endpointInput": ("application/jsonlines", "INPUT", "JSON", request),
                "endpointOutput": ("text/csv", "OUTPUT", "CSV", str(row["predicted"])),
            }
            data = {
                name: {
                    "observedContentType": kind,
                    "mode": mode,
                    "encoding": encoding,
                    "data": "\n".join([text] * copies),
                }
                for name, (kind, mode, encoding, text) in sides.items()
            }
            truth = {"data": "\n".join([str(row["label"])] * copies), "encoding": "CSV"}
            metadata = {"eventId": str(len(lines)), "inferenceTime": "2026-11-29T10:00:00Z"}
            lines.append(json.dumps({"captureData": data, "groundTruthData": truth, "eventMetadata": metadata}))
    return "\n".join(lines)


def test_people_who_are_there_several_times_in_a_request_count_once(bench):
    summary = bench.baseline(captured(drawn(1, np.full(150, 6))), CONFIG, **CAPTURED)
    assert any("times fewer, because rows of one request are alike" in each for each in summary.warnings)
    for facet, group in (("sex", "F"), ("region", "n"), ("region", "s")):
        found = bench.metrics("baseline", facet, group)
        measured = {name: each for name, each in found.items() if "standard_error" in each}
        assert len(measured) > 15
        for name, metric in measured.items():
            # By hand: 6 equal rows count once, times G / (G - 1) for the mean of G requests.
            requests = metric["requests"]
            assert 2 <= requests < 150 + 1e-9
            assert metric["repeated"] == pytest.approx(6 * requests / (requests - 1), rel=1e-6), name
            margin = stats.t.ppf(0.975, min(requests, metric["compared_rows"] / metric["repeated"]) - 1)
            margin *= metric["standard_error"]
            limits = np.clip((metric["value"] - margin, metric["value"] + margin), *METRICS[name].bounds)
            assert metric["interval"] == pytest.approx(limits, rel=1e-9)


def test_standard_errors_are_those_of_the_bootstrap_of_whole_requests(bench):
    # DPPL, AD and CI by hand arithmetic with NumPy, of resampled requests of 1 to 9 equal rows.
    people = drawn(2, np.random.default_rng(3).integers(1, 10, 200))
    bench.baseline(captured(people), CONFIG, **CAPTURED)
    female, size, predicted = people["sex"].to_numpy() == "F", people["size"].to_numpy(), people["predicted"].to_numpy()
    right = predicted == people["label"].to_numpy()

    def metrics(draw: np.ndarray) -> tuple[float, ...]:
        weights = np.bincount(draw, minlength=size.size) * size
        shares = [
            [np.average(values, weights=weights * (female == group)) for group in (False, True)]
            for values in (predicted, right)
        ]
        return *(others - group for others, group in shares), 1 - 2 * np.average(female, weights=weights)

    found = [metrics(draw) for draw in np.random.default_rng(4).integers(size.size, size=(1_000, size.size))]
    measured = bench.metrics("baseline", "sex", "F")
    for name, error in zip(("DPPL", "AD", "CI"), np.std(found, axis=0), strict=True):
        assert measured[name]["standard_error"] == pytest.approx(error, rel=0.15), name


def test_windows_without_a_change_are_no_violations_where_rows_of_a_request_are_the_same(bench):
    flagged = {}
    for alone in (False, True):
        bench.baseline(captured(drawn(5, np.full(100, 20)), alone=alone), CONFIG, **CAPTURED)
        flagged[alone] = 0
        for seed in range(6, 12):
            window = captured(drawn(seed, np.full(30, 20)), alone=alone)
            flagged[alone] += bool(bench.check(window, CONFIG, **CAPTURED).violations)
            known = bench.folder / "baseline" / "analysis.json"
            again = replayed(
                BiasConfig.read(bench.folder / "check_config.json"), bench.folder / "check" / "analysis.json", known
            )
            assert bool(again.violations) is bool(bench.report("check", "constraint_violations.json")["violations"])
    assert flagged[False] == 0
    assert flagged[True] >= 4


def test_rows_without_a_label_or_a_group_leave_their_requests_smaller(bench):
    people = drawn(12, np.full(150, 6))
    lines = [json.loads(line) for line in captured(people).splitlines()]
    for line in lines[::2]:  # half of the requests lose five of six labels
        line["groundTruthData"]["data"] = "\n".join([line["groundTruthData"]["data"][0], *["nan"] * 5])
    bench.baseline("\n".join(map(json.dumps, lines)), CONFIG, **CAPTURED)
    ci = bench.metrics("baseline", "sex", "F")["CI"]
    assert ci["compared_rows"] == 75 * 6 + 75
    # By hand, of equal rows: the sum of squared sizes over the rows, (75 * 36 + 75) / 525.
    assert ci["repeated"] == pytest.approx(2_775 / 525, rel=0.05)


def test_too_few_requests_are_named(bench):
    summary = bench.baseline(captured(drawn(13, np.full(6, 50))), CONFIG, **CAPTURED)
    assert "The rows came in 6 requests, which are too few, or too unequal, to tell whether rows of one are alike." in (
        summary.warnings
    )
    assert "repeated" not in bench.metrics("baseline", "sex", "F").get("CI", {})
