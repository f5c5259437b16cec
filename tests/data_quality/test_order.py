"""Columns without names, in another order than the baseline's."""

from __future__ import annotations

import json

import pytest

from modelwatch_core.domain.analysis import AnalysisSummary
from tests.data_quality.conftest import Workbench, found, table

_ROWS = 600
_COLUMNS: dict[str, list[object]] = {
    "length": [40 + index % 40 + 0.5 for index in range(_ROWS)],
    "width": [2 + index % 25 / 10 for index in range(_ROWS)],
    "plan": [("a", "b", "c")[index % 3] for index in range(_ROWS)],
    "visits": [1000 + index for index in range(_ROWS)],
    "label": [index % 3 for index in range(_ROWS)],
    "score": [-(index % 100) / 100 - 0.001 for index in range(_ROWS)],
}


def data(*names: str, header: bool = True) -> str:
    return table({name: _COLUMNS[name] for name in names}, header=header)


def captured(request: tuple[str, ...], response: tuple[str, ...]) -> str:
    def payload(names: tuple[str, ...], row: int) -> dict[str, str]:
        return {"data": ",".join(str(_COLUMNS[name][row]) for name in names), "encoding": "CSV"}

    sides = [{"endpointInput": payload(request, row), "endpointOutput": payload(response, row)} for row in range(_ROWS)]
    return "".join(
        json.dumps({"captureData": each, "eventMetadata": {"eventId": f"e-{row}"}, "eventVersion": "0"}) + "\n"
        for row, each in enumerate(sides)
    )


def about_order(summary: AnalysisSummary) -> list[str]:
    return [warning for warning in summary.warnings if "paired with the baseline by position" in warning]


_CAPTURE = {"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput", "endpointOutput"]}}


@pytest.mark.slow
@pytest.mark.parametrize(
    "request_names", [("length", "width", "visits"), ("plan", "visits"), ("width", "plan", "length")]
)
@pytest.mark.parametrize("response", [("label",), ("score",), ("label", "score")])
def test_a_baseline_with_the_response_last_says_how_captures_were_paired_and_what_would_fit(
    workbench: Workbench, request_names: tuple[str, ...], response: tuple[str, ...]
) -> None:
    captures = captured(request_names, response)
    workbench.baseline(data(*request_names, *response))
    summary = workbench.check(captures, dataset_format=_CAPTURE)
    assert summary.violations
    (warning,) = about_order(summary)
    names = [*request_names, *response]
    first = "the response" if len(response) == 1 else "the response's first column"
    assert (
        f"responses first: {first} is {names[0]!r}, the request's first column is {names[len(response)]!r}" in warning
    )
    assert f"none if responses come last: the request's first column is {names[0]!r}" in warning
    assert f"{first} is {response[0]!r}" in warning
    # Following the advice leads to a check without violations.
    assert "Move the model's output first in the data of the baseline" in warning
    workbench.baseline(data(*response, *request_names))
    summary = workbench.check(captures, dataset_format=_CAPTURE)
    assert (found(summary), about_order(summary)) == ([], [])


def test_captures_that_are_read_with_responses_last_say_how_they_were_paired_too(workbench: Workbench) -> None:
    captures = captured(("length", "visits"), ("score",))
    at_the_end = {"sagemakerCaptureJson": {**_CAPTURE["sagemakerCaptureJson"], "output_columns_position": "END"}}
    workbench.baseline(data("length", "visits", "score"))
    assert found(workbench.check(captures, dataset_format=at_the_end)) == []
    workbench.baseline(data("score", "length", "visits"))
    (warning,) = about_order(workbench.check(captures, dataset_format=at_the_end))
    assert "responses last: the request's first column is 'score'" in warning
    assert "none if responses come first" in warning
    assert "Move the model's output last" in warning


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (("label", "length", "width", "visits"), "none if the last column is 'visits', the first column is 'label'"),
        (("width", "visits", "label", "length"), "none if the last column is 'length', the first column is 'width'"),
        (("length", "visits", "width", "label"), "'width' column 3, 'visits' column 2"),
        (("visits", "label", "length", "width"), "'length' column 3, 'width' column 4, 'visits' column 1"),
    ],
)
def test_headless_files_in_another_order_say_which_fits(
    workbench: Workbench, names: tuple[str, ...], says: str
) -> None:
    workbench.baseline(data("length", "width", "visits", "label"))
    summary = workbench.check(data(*names, header=False), dataset_format={"csv": {"header": False}})
    assert summary.violations
    (warning,) = about_order(summary)
    assert says in warning
    assert "write columns in the baseline's order, or with their names" in warning.lower()
    by_name = workbench.check(data(*names))
    assert (found(by_name), about_order(by_name)) == ([], [])


def test_columns_that_really_changed_are_not_blamed_on_their_order(workbench: Workbench) -> None:
    workbench.baseline(data("length", "width", "visits"))
    moved = {name: _COLUMNS[name] for name in ("length", "width", "visits")}
    moved["length"] = [-value for value in range(_ROWS)]
    moved["visits"] = [value / 7 for value in range(_ROWS)]
    summary = workbench.check(table(moved, header=False), dataset_format={"csv": {"header": False}})
    assert len(summary.violations) >= 2
    assert about_order(summary) == []
