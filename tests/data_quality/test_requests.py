"""Requests with several rows: what is alike within a request is not so many independent rows."""

from __future__ import annotations

import json
from collections.abc import Iterable

import numpy as np
import pytest

from modelwatch_analyzer.reading.dataset import REQUEST_COLUMN

_REQUESTS, _ROWS = 40, 25
_CAPTURE = {"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput"]}}


def _lines(requests: Iterable[np.ndarray]) -> str:
    """Return captures of these requests, whose responses are not captured."""
    lines = []
    for number, rows in enumerate(requests):
        data = "\n".join(",".join(f"{value:.4f}" for value in row) for row in rows)
        request = {"observedContentType": "text/csv", "mode": "INPUT", "data": data, "encoding": "CSV"}
        metadata = {"eventId": f"event-{number}", "inferenceTime": "2026-11-29T10:00:00Z"}
        lines.append(json.dumps({"captureData": {"endpointInput": request}, "eventMetadata": metadata}))
    return "\n".join(lines)


def _alike(seed: int) -> np.ndarray:
    """Draw requests whose rows are near to each other in one of three columns, each a standard normal one."""
    drawn = np.random.default_rng(seed)
    columns = drawn.normal(0, 1, (_REQUESTS, _ROWS, 3))
    for rows in columns:
        rows[:, drawn.integers(3)] = drawn.normal(0, 1) + drawn.normal(0, 0.02, _ROWS)
    return columns


@pytest.fixture
def known(workbench):
    drawn = np.random.default_rng(1).normal(0, 1, (5_000, 3))
    workbench.baseline(
        "\n".join(",".join(f"{value:.4f}" for value in row) for row in drawn),
        header=False,
        comparison_method="Calibrated",
    )
    return workbench


def test_rows_of_one_request_that_are_alike_are_no_change(known):
    summary = known.check(_lines(_alike(2)), dataset_format=_CAPTURE)
    assert summary.violations == ()
    remarks = [feature["evidence"]["remark"] for feature in known.read("check/statistics.json")["features"]]
    assert len(remarks) == 3
    assert all("because rows of one request are alike" in remark for remark in remarks)
    # The same rows one by one are flagged: nothing says that they are not independent.
    alone = known.check(
        _lines(np.random.default_rng(3).permutation(_alike(2).reshape(-1, 1, 3))), dataset_format=_CAPTURE
    )
    assert alone.violations


def test_a_change_of_all_rows_is_found_however_they_came(known):
    moved = np.random.default_rng(4).normal(1, 1, (_REQUESTS, _ROWS, 3))
    summary = known.check(_lines(moved), dataset_format=_CAPTURE)
    assert len(summary.violations) == 3


def test_a_column_named_like_the_hidden_one_is_a_column_like_any_other(workbench):
    drawn = np.random.default_rng(7)
    names = ("amount", REQUEST_COLUMN)

    def lines(requests: np.ndarray) -> str:
        texts = [json.dumps([dict(zip(names, row, strict=True)) for row in rows.tolist()]) for rows in requests]
        sides = [{"observedContentType": "application/json", "data": text, "encoding": "JSON"} for text in texts]
        return "\n".join(json.dumps({"captureData": {"endpointInput": side}}) for side in sides)

    rows = "\n".join(",".join(f"{value:.4f}" for value in row) for row in drawn.normal(0, 1, (1_000, 2)))
    workbench.baseline(f"{','.join(names)}\n{rows}", comparison_method="Calibrated")
    assert workbench.check(lines(drawn.normal(0, 1, (40, 25, 2))), dataset_format=_CAPTURE).violations == ()
    moved = workbench.check(lines(drawn.normal([0, 1], 1, (40, 25, 2))), dataset_format=_CAPTURE)
    assert {violation.feature_name for violation in moved.violations} == {REQUEST_COLUMN}


def test_too_few_requests_are_named(known):
    summary = known.check(_lines(np.random.default_rng(5).normal(0, 1, (4, 250, 3))), dataset_format=_CAPTURE)
    assert summary.violations == ()
    remarks = {feature["evidence"]["remark"] for feature in known.read("check/statistics.json")["features"]}
    assert remarks == {
        "The rows came in 4 requests, which are too few, or too unequal, to tell whether rows of one are alike."
    }


def test_a_few_large_requests_are_no_change_but_one_that_is_nearly_the_whole_window_is_named(known):
    drawn = np.random.default_rng(6)
    flagged = 0
    for _ in range(8):
        large = drawn.normal(0, 0.8, (3, 1, 3)) + drawn.normal(0, 0.6, (3, 300, 3))
        window = _lines([*large, *drawn.normal(0, 1, (100, 1, 3))])
        flagged += bool(known.check(window, dataset_format=_CAPTURE).violations)
    assert flagged == 0
    nearly_all = _lines([drawn.normal(1, 0.1, (900, 3)), *drawn.normal(0, 1, (100, 1, 3))])
    assert known.check(nearly_all, dataset_format=_CAPTURE).violations
    for feature in known.read("check/statistics.json")["features"]:
        assert "because rows of one request are alike" not in feature["evidence"]["remark"]
