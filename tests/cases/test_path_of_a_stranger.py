"""A training file as people have it leads to a right check by nothing but the messages."""

from __future__ import annotations

import json
import re

import pytest

CAPTURE = "{}/ep/AllTraffic/2026/03/01/10/f.jsonl"
ROWS = 600
OPTION = re.compile(r"give (--separator \S+|--missing-values usual|--no-header|--header|--trim-blanks)")


def rows(stray, factor=1.0):
    cells = [(f"{40 + index % 40}", f"{factor * (2 + index % 25 / 10):.2f}", "abc"[index % 3]) for index in range(ROWS)]
    targets = [str(index % 2) for index in range(ROWS)]
    if stray:
        cells[17] = (cells[17][0], "nan", cells[17][2])
    return [(*row, target) for row, target in zip(cells, targets, strict=True)]


def write_captures(shell, folder, table):
    side = {"encoding": "CSV", "observedContentType": "text/csv"}
    shell.write(
        CAPTURE.format(folder),
        "".join(
            json.dumps(
                {
                    "captureData": {
                        "endpointInput": side | {"data": ",".join(features)},
                        "endpointOutput": side | {"data": response},
                    },
                    "eventMetadata": {"eventId": f"r{number}", "inferenceTime": "2026-03-01T10:00:00Z"},
                    "eventVersion": "0",
                }
            )
            + "\n"
            for number, (*features, response) in enumerate(table)
        ),
    )


def follow(shell, command):
    """Run a command again with each option that its messages name, until they name no other."""
    given = []
    while True:
        printed = shell(" ".join([command, *given]))
        named = [option.rstrip(",:") for option in OPTION.findall(printed.text)]
        further = [option for option in dict.fromkeys(named) if option not in given]
        if not further:
            return printed, given
        given += further
        assert len(given) < 6, given


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("stray", [True, False])
def test_messages_lead_from_a_training_file_to_a_check_that_is_right(shell, separator, header, stray):
    names = ("length", "width", "plan", "label")

    def write_training(order):
        table = [names] * header + rows(stray)
        lines = [separator.join(row[place] for place in order) for row in table]
        shell.write("train.csv", "\n".join(lines) + "\n")

    write_captures(shell, "same", rows(stray=False))
    write_captures(shell, "drifted", rows(stray=False, factor=50))
    baseline = "baseline data-quality --dataset train.csv --dataset-format csv --output b"
    check = (
        "check data-quality --data {} --dataset-format capture --statistics b/statistics.json"
        " --constraints b/constraints.json --output r"
    )
    write_training((0, 1, 2, 3))
    made, given = follow(shell, baseline)
    assert made.exit_code == 0
    assert ("--no-header" in given) == (not header)
    assert any("--separator" in option for option in given) == (separator != ",")
    assert ("--missing-values usual" in given) == stray
    features = shell.read("b/statistics.json")["features"]
    assert [feature["inferred_type"] for feature in features] == ["Integral", "Fractional", "String", "Integral"]

    checked = shell(check.format("same"))
    assert checked.exit_code == 1
    assert "Move the model's output first in the data of the baseline, and make the baseline again" in checked.text
    write_training((3, 0, 1, 2))
    made, given = follow(shell, baseline)
    assert made.exit_code == 0
    checked = shell(check.format("same"))
    assert (checked.exit_code, shell.violations("r")) == (0, [])
    assert "Move the model's output" not in checked.text
    assert shell(check.format("drifted")).exit_code == 1
    width = "width" if header else "_c2"
    assert {violation["feature_name"] for violation in shell.violations("r")} == {width}
