"""How clients write applications: the same ones in every format, what they lack, and what a model refuses to read."""

from __future__ import annotations

import json

import pytest

from modelwatch.demo.applications import DECISION, FEATURES, load_applications, to_text
from modelwatch.demo.payloads import CSV, FORMATS, JSON, PayloadFormat


def test_every_value_of_a_column_is_written_alike() -> None:
    for name, column in to_text(load_applications()).items():
        assert len({len(cell.partition(".")[2]) for cell in column}) == 1, name
        assert "" not in set(column), name


@pytest.mark.parametrize("payloads", FORMATS.values(), ids=FORMATS)
def test_the_model_reads_the_same_values_in_every_format(payloads: PayloadFormat) -> None:
    applications = load_applications()[:50]
    read = [row for request in payloads.write_requests(applications) for row in payloads.read_request(request)]
    for row, expected in zip(read, to_text(applications).to_numpy().tolist(), strict=True):
        assert row[-2:] == expected[-2:]
        assert [float(cell) for cell in row[:-2]] == [float(cell) for cell in expected[:-2]]


@pytest.mark.parametrize("payloads", FORMATS.values(), ids=FORMATS)
def test_scores_are_read_as_they_were_written(payloads: PayloadFormat) -> None:
    assert payloads.read_response(payloads.write_response([0.12341, 1.0])) == [0.1234, 1.0]


def test_what_an_application_lacks_is_an_empty_cell_in_csv_and_null_in_json() -> None:
    application = load_applications()[:1].assign(obrat=None, appinc=None)
    (line,) = CSV.write_requests(application)
    assert line.startswith(",128,160.0,")
    assert line.split(",")[list(FEATURES).index("obrat")] == ""
    (document,) = JSON.write_requests(application)
    features = json.loads(document)["instances"][0]["features"]
    assert (features["appinc"], features["obrat"], features["loanamt"]) == (None, None, 128)
    assert JSON.read_request(document)[0][0] == ""


def test_whole_numbers_stay_whole_and_others_do_not_in_json() -> None:
    for request in JSON.write_requests(load_applications()):
        features = json.loads(request)["instances"][0]["features"]
        kinds = {"d": int, "": str}
        assert all(type(features[name]) is kinds.get(spec, float) for name, spec in FEATURES.items())


def test_the_decision_never_goes_to_the_model() -> None:
    assert DECISION not in JSON.write_requests(load_applications()[:1])[0]


def test_json_takes_what_the_model_does_not_know_and_misses_what_is_absent() -> None:
    (row,) = JSON.read_request('{"instances": [{"features": {"appinc": 7, "shoe_size": 42}}]}')
    assert row == ["7", *[""] * (len(FEATURES) - 1)]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("nothing", "Expecting value"),
        ("[]", "the body is not"),
        ('{"instances": 1}', "the body is not"),
        ('{"instances": [{"features": {}}, 1]}', "instance 2 is not"),
        ('{"instances": [{"features": []}]}', "instance 1 is not"),
    ],
)
def test_json_of_another_shape_is_refused(body: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        JSON.read_request(body)
