"""``modelwatch capture inspect``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from modelwatch.cli.commands import app

Run = Callable[..., Result]


def record(number: int, request: Any, **event: Any) -> str:
    sides = {
        "endpointInput": {"data": json.dumps(request), "encoding": "JSON", "observedContentType": "application/json"},
        "endpointOutput": {"data": f"{number}.5\n", "encoding": "CSV"},
    }
    event = {"eventId": str(number), "inferenceTime": f"2026-01-31T0{number}:10:00Z", **event}
    return json.dumps({"captureData": sides, "eventMetadata": event, "eventVersion": "0"})


@pytest.fixture
def inspect(tmp_path: Path) -> Run:
    """Inspect a folder of two files of captures; one line in them is no record, and one event comes twice."""
    instances = [{"age": 30, "city": "x\x1b[31m<b>"}]
    lines = [record(number, {"instances": instances}) for number in (1, 2, 3, 3)]
    for name, content in (("09/a.jsonl", "\n".join([lines[0], "{", lines[1]])), ("10/b.jsonl", "\n".join(lines[2:]))):
        path = tmp_path / "capture" / "2026/01/31" / name
        path.parent.mkdir(parents=True)
        path.write_text(content)
    return lambda *more: CliRunner().invoke(app, ["capture", "inspect", str(tmp_path / "capture"), *more])


def test_it_shows_hours_encodings_columns_and_first_rows(inspect: Run) -> None:
    shown = inspect("--rows", "1")
    assert shown.exit_code == 0, shown.stderr
    for line in (
        "Read 4 rows of 4 captured records from 2 files",
        "2026/01/31/09/a.jsonl:2: not JSON",
        "Read although repeated: 1 record with an event id seen before.",
        "2026-01-31T03Z  2",
        "endpointInput: JSON (application/json)  4",
        "endpointOutput: CSV                     4",
        "names from the payloads",
    ):
        assert line in shown.stdout
    rows = [line.split() for line in shown.stdout.splitlines()[-3:]]
    assert rows == [["_c0", "Fractional", "1.5"], ["age", "Integral", "30"], ["city", "String", r"x\x1b[31m<b>"]]


def test_rows_that_would_be_read_as_columns_do_not_flood_the_terminal(tmp_path: Path) -> None:
    request = {"instances": [{"age": age} for age in range(101)], "version": 1}
    (tmp_path / "a.jsonl").write_text(record(1, request))
    inspected = CliRunner().invoke(app, ["capture", "inspect", str(tmp_path)])
    assert inspected.stdout.count("instances.") == 99  # beside the response's column
    assert "and 3 more columns" in inspected.stdout
    assert "--features-attribute" in inspected.stdout


def test_json_output_is_complete(inspect: Run) -> None:
    found = json.loads(inspect("--json", "--rows", "2").stdout)
    assert found["hours"] == {"2026-01-31T01Z": 1, "2026-01-31T02Z": 1, "2026-01-31T03Z": 2}
    assert found["columns"] == {"_c0": "Fractional", "age": "Integral", "city": "String"}
    assert (found["rows"][0], len(found["rows"])) == (["1.5", "30", "x\x1b[31m<b>"], 2)
    records = found["records"]
    assert (records["read"], records["malformed"], records["duplicate_events"]) == (4, 1, 1)
    assert records["encodings"] == {"CSV": 4, "JSON": 4}
    assert found["problem"] is None


def test_window_and_attributes_work_as_in_a_check(inspect: Run) -> None:
    flags = (
        "--features-attribute",
        "instances[*].age",
        "--start",
        "2026-01-31T02:00:00Z",
        "--end",
        "2026-01-31T03:00:00Z",
    )
    found = json.loads(inspect("--json", *flags).stdout)
    assert (found["hours"], found["records"]["out_of_window"]) == ({"2026-01-31T02Z": 1}, 3)
    assert found["rows"] == [["2.5", "30"]]
    flags = ("--features-attribute", "instances[*].age", "--exclude-features-attribute", "0")
    assert list(json.loads(inspect("--json", *flags).stdout)["columns"].values()) == ["Fractional"]


def test_with_attributes_that_find_nothing_the_payloads_are_shown(inspect: Run) -> None:
    shown = inspect("--features-attribute", "rows[*]")
    assert shown.exit_code == 2
    assert "These captures cannot be read with these options: AllMalformed" in shown.stdout
    assert "features_attribute finds nothing in the payload" in shown.stdout
    assert 'endpointInput   {"instances": [{"age": 30, ' in shown.stdout


def test_a_folder_without_captures_is_refused_in_one_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["capture", "inspect", str(tmp_path)])
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "NoData" in result.stderr


@pytest.mark.parametrize(
    "time",
    [
        "2026-01-31T10:05:00Z",
        "2026-01-31T10:05:00",
        "2026-01-31T11:05:00+01:00",
        "2026-01-31T05:05:00-05:00",
        "2026-01-31T15:50:00+05:45",
        "2026-02-01T00:05:00+14:00",
    ],
)
def test_the_hours_of_other_time_zones_are_shown_in_utc(tmp_path: Path, time: str) -> None:
    (tmp_path / "a.jsonl").write_text(record(1, {"age": 1}, inferenceTime=time))
    window = ("--start", "2026-01-31T10:00", "--end", "2026-01-31T11:00")
    shown = CliRunner().invoke(app, ["capture", "inspect", str(tmp_path), "--json", *window])
    assert json.loads(shown.stdout)["hours"] == {"2026-01-31T10Z": 1}


def test_readings_that_may_be_others_are_shown_with_the_option_that_changes_them(tmp_path: Path) -> None:
    csv = [(f"age;{number}", f"{number}.5") for number in range(3)]
    csv_of = lambda pairs: "\n".join(  # noqa: E731 - one line is enough
        json.dumps(
            {
                "captureData": {
                    "endpointInput": {"data": a, "encoding": "CSV"},
                    "endpointOutput": {"data": b, "encoding": "CSV"},
                }
            }
        )
        for a, b in pairs
    )
    for pairs, says in (
        (csv, "endpointInput: each row is one column with the same number of semicolons"),
        ([("1,x", "0.5"), ("2,y", "?"), ("3,z", "0.7")], "_c0 is String, although "),
        ([("age\n5", "0.5"), ("age\n6", "0.7")], "endpointInput: payloads begin with a header"),
        ([("1\n2", "0.5,0.7")], "some responses have the values of several rows on one line"),
    ):
        (tmp_path / "a.jsonl").write_text(csv_of(pairs))
        shown = CliRunner().invoke(app, ["capture", "inspect", str(tmp_path)])
        assert (shown.exit_code, f"Warning: {says}" in shown.stdout) == (0, True), shown.stdout
        as_json = json.loads(CliRunner().invoke(app, ["capture", "inspect", str(tmp_path), "--json"]).stdout)
        assert any(warning.startswith(says) for warning in as_json["warnings"])


def test_words_for_missing_values_are_no_numbers(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("\n".join(record(number, {"age": "nan"}) for number in range(1, 4)))
    inspected = CliRunner().invoke(app, ["capture", "inspect", str(tmp_path), "--json"])
    shown = json.loads(inspected.stdout)
    assert (shown["columns"]["age"], shown["warnings"]) == ("String", [])


@pytest.mark.parametrize(("names", "warned"), [(False, True), (True, False)])
def test_numbers_of_columns_say_that_they_begin_with_the_response(tmp_path: Path, names: bool, warned: bool) -> None:
    request = {"age": 30, "city": "x"} if names else [30, "x"]
    (tmp_path / "a.jsonl").write_text("\n".join(record(number, request) for number in range(1, 4)))
    inspected = CliRunner().invoke(app, ["capture", "inspect", str(tmp_path), "--json"])
    (*others,) = json.loads(inspected.stdout)["warnings"]
    said = "responses come first: _c0 is the response, _c1 the request's first column"
    assert any(said in warning for warning in others) is warned


@pytest.mark.parametrize("encoding", ["JSON", "CSV"])
def test_values_are_shown_as_the_options_read_them(tmp_path: Path, encoding: str) -> None:
    captured = record(1, {"price": "1.234,50 €", "city": "k. A."})
    (tmp_path / "a.jsonl").write_text(captured.replace('"encoding": "JSON"', f'"encoding": "{encoding}"'))
    options = ["--decimal", ",", "--missing-values", "k. A.", "--json"]
    shown = json.loads(CliRunner().invoke(app, ["capture", "inspect", str(tmp_path), *options]).stdout)
    assert shown["rows"] == [["1.5", "1234.50", None]]
    assert shown["payloads"]["endpointInput"] == '{"price": "1.234,50 \\u20ac", "city": "k. A."}'


@pytest.mark.parametrize("time", ["yesterday", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"])
def test_a_time_that_is_none_in_utc_is_refused_by_the_option(time, tmp_path):
    refused = CliRunner().invoke(app, ["capture", "inspect", str(tmp_path), "--start", time])
    assert refused.exit_code == 2
    assert "is not an ISO 8601 time" in refused.output
