"""The model server, held against SageMaker's container contract."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from http.client import HTTPConnection, HTTPResponse

import numpy as np
import pandas as pd
import pytest

from modelwatch.demo.applications import DECISION, MODEL_INPUTS, load_applications, to_text
from modelwatch.demo.model import MAX_BODY_BYTES, LoanModel, ModelServer, Scores


def first_cell(rows: Sequence[Sequence[str]]) -> Scores:
    """Score each row by its first cell."""
    return np.array([float(row[0]) for row in rows])


@pytest.fixture
def connection() -> Iterator[HTTPConnection]:
    with ModelServer(first_cell) as server:
        connection = HTTPConnection(*server.address, timeout=10)
        yield connection
        connection.close()


def cells(applications: pd.DataFrame) -> list[list[str]]:
    rows: list[list[str]] = to_text(applications).to_numpy().tolist()
    return rows


def post(connection: HTTPConnection, body: bytes, content_type: str = "text/csv") -> tuple[HTTPResponse, str]:
    connection.request("POST", "/invocations", body, {"Content-Type": content_type})
    response = connection.getresponse()
    return response, response.read().decode()


def test_ping_returns_200_with_nothing_in_it(connection: HTTPConnection) -> None:
    connection.request("GET", "/ping")
    response = connection.getresponse()
    assert (response.status, response.read()) == (200, b"")


def test_an_invocation_returns_one_score_a_line(connection: HTTPConnection) -> None:
    response, text = post(connection, b"0.5,a\r\n0.25,b\n")
    assert response.status == 200
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert text == "0.5000\n0.2500"


def test_a_response_is_written_as_its_request_is(connection: HTTPConnection) -> None:
    body = b'{"instances": [{"features": {"appinc": 0.5}}, {"features": {"appinc": 0.25}}]}'
    response, text = post(connection, body, "application/json")
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    assert text == '{"predictions": [{"score": 0.5}, {"score": 0.25}]}'


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"<row/>", "text/xml", 415),
        (b"0.5", "application/json", 400),
        (b'{"instances": []}', "application/json", 400),
        (b"", "text/csv", 400),
        (b"not a number", "text/csv", 400),
        (b"\xff", "text/csv", 400),
        (b"0.5", "text/csv; charset=utf-8", 200),
    ],
)
def test_a_body_that_cannot_be_scored_is_refused_and_the_connection_stays(
    connection: HTTPConnection, body: bytes, content_type: str, status: int
) -> None:
    assert post(connection, body, content_type)[0].status == status
    assert post(connection, b"0.5")[0].status == 200


def test_a_body_beyond_sagemakers_limit_is_refused_unread(connection: HTTPConnection) -> None:
    connection.putrequest("POST", "/invocations")
    connection.putheader("Content-Type", "text/csv")
    connection.putheader("Content-Length", str(MAX_BODY_BYTES + 1))
    connection.endheaders()
    assert connection.getresponse().status == 413


@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("GET", "/invocations"), ("POST", "/ping")])
def test_other_places_are_not_found(connection: HTTPConnection, method: str, path: str) -> None:
    connection.request(method, path, b"" if method == "POST" else None)
    assert connection.getresponse().status == 404


def test_the_model_tells_good_applications_from_bad_ones_better_than_chance() -> None:
    applications = load_applications().sample(frac=1, random_state=1, ignore_index=True)
    half = len(applications) // 2
    later = applications[half:]
    scores = LoanModel.train(applications[:half]).score(cells(later))
    approved = later[DECISION].to_numpy() == 1
    # The share of (approved, rejected) pairs that it ranks rightly, the area under the ROC curve: 0.5 is chance.
    ranked = (scores[approved][:, None] > scores[~approved][None, :]).mean()
    assert ranked > 0.65


def test_the_model_takes_a_missing_input_and_refuses_a_row_of_another_length() -> None:
    applications = load_applications()
    model = LoanModel.train(applications)
    row = cells(applications[:1])[0]
    without = ["", *row[1:]]
    assert 0 < model.score([without])[0] < 1
    with pytest.raises(ValueError, match="row 2 has 3 values, the model needs 17"):
        model.score([row, row[:3]])


def test_race_and_sex_travel_with_an_application_but_never_reach_the_decision() -> None:
    applications = load_applications()
    model = LoanModel.train(applications)
    row = cells(applications[:1])[0]
    other = [*row[: len(MODEL_INPUTS)], "hispanic", "female"]
    assert row != other
    assert model.score([row]) == model.score([other])


def test_a_client_that_hangs_up_in_a_hurry_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with ModelServer(first_cell) as server, socket.create_connection(server.address, timeout=10) as hurried:
        hurried.sendall(b"GET /ping HTTP/1.1\r\n\r\n")
        assert hurried.recv(4096).startswith(b"HTTP/1.1 200 OK")
        # Other servers of this process have threads of the same name.
        serving = next(
            thread
            for thread in threading.enumerate()
            if getattr(getattr(thread, "_target", None), "__self__", None) is server._http
            and "process_request_thread" in thread.name
        )
        hurried.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close by reset
        hurried.close()
        serving.join(timeout=10)
        assert not serving.is_alive()
    assert capfd.readouterr() == ("", "")
