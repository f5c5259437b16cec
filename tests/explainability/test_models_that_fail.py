"""Models that do not respond as they should, each behind a real server on loopback."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from modelwatch_analyzer.explainability import http_model
from modelwatch_analyzer.explainability.http_model import HttpModel
from modelwatch_analyzer.host import any_address, within
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.model_endpoints import ModelFailure
from modelwatch_core.domain.outcome import OutcomeStatus
from tests.explainability.conftest import THIS_MACHINE, Asked, Explaining, ModelServer

Rows = NDArray[np.float64]


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again without the pauses that a busy model needs."""
    monkeypatch.setattr(http_model, "_BACKOFF_SECONDS", 0.001)


def failing(
    explaining: Explaining, rows: Rows, respond: Callable[[Asked], tuple[int, bytes]] | None = None
) -> InvalidInput:
    explaining.server.respond = respond
    with pytest.raises(InvalidInput) as refused:
        explaining.baseline(explaining.write(rows), output_message_file=explaining.folder / "message")
    message = (explaining.folder / "message").read_text()
    assert message.startswith(f"Failed: {refused.value.code}: ")
    assert len(message) <= 1024
    assert not (explaining.folder / "baseline/analysis.json").exists()
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("ask-model")]
    return refused.value


def test_a_model_that_is_busy_for_a_while_is_asked_again(explaining: Explaining, rows: Rows) -> None:
    server = explaining.server
    server.respond = lambda asked: (429, b"busy") if len(server.asked) % 2 else (200, server.scores(asked.body))
    assert explaining.baseline(explaining.write(rows)).status is OutcomeStatus.COMPLETED
    assert len(server.asked) == 4
    # A retry is no call of the budget's.
    assert explaining.read("baseline/analysis.json")["run_details"]["model_calls"] == 2


def test_a_model_that_fails_once_is_asked_again(explaining: Explaining, rows: Rows) -> None:
    server = explaining.server
    server.respond = lambda asked: (503, b"") if len(server.asked) == 1 else (200, server.scores(asked.body))
    assert explaining.baseline(explaining.write(rows)).status is OutcomeStatus.COMPLETED


@pytest.mark.parametrize(
    ("status", "code", "times"),
    [
        (404, "ModelNotFound", 1),
        (400, "ModelRefused", 1),
        (302, "ModelRefused", 1),
        (413, "ModelRefusedPayload", 1),
        (429, "ModelThrottled", 5),
        (500, "ModelFailed", 5),
    ],
)
def test_a_model_that_fails_for_good_ends_the_run_with_its_own_message(
    explaining: Explaining, rows: Rows, status: int, code: str, times: int
) -> None:
    value = str(rows[0, 0])
    message = f"could not take {value} of 'Smith' " + "very long " * 100
    failed = failing(explaining, rows, lambda _: (status, message.encode()))
    assert failed.code == code
    assert str(status) in failed.message
    assert "It says: could not take # of '...' very long" in failed.message
    assert value not in failed.message
    assert "Smith" not in failed.message
    assert len(failed.message) < 500
    assert len(explaining.server.asked) == times


def test_a_server_that_is_not_there_is_reported(explaining: Explaining, rows: Rows) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        explaining.server.url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    failed = failing(explaining, rows)
    assert failed.code == "ModelNotReached"
    assert "check that it is running" in failed.message


def test_a_model_that_is_too_slow_is_reported(explaining: Explaining, rows: Rows) -> None:
    explaining.config["predictor"] = {"timeout_seconds": 0.05}
    ended = threading.Event()

    def respond(_: Asked) -> tuple[int, bytes]:
        ended.wait(10)
        return 200, b""

    try:
        failed = failing(explaining, rows, respond)
    finally:
        ended.set()
    assert failed.code == "ModelTimedOut"
    assert "timeout_seconds" in failed.message
    assert len(explaining.server.asked) == 2  # a time-out is tried again once


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"1\n2\n3", "ModelResponseRowsDiffer"),
        (b"approved\n" * 151, "ModelResponseNotNumbers"),
        (b"\xff\xfe", "ModelResponseNotNumbers"),
    ],
)
def test_responses_that_cannot_be_used_are_reported_without_their_text(
    explaining: Explaining, rows: Rows, content: bytes, code: str
) -> None:
    failed = failing(explaining, rows, lambda _: (200, content))
    assert failed.code == code
    assert "approved" not in failed.message


def test_a_model_whose_number_of_outputs_changes_is_reported(explaining: Explaining, rows: Rows) -> None:
    server = explaining.server

    def respond(asked: Asked) -> tuple[int, bytes]:
        line = b"1,2\n" if len(server.asked) > 1 else b"1\n"
        return 200, line * len(asked.body.splitlines())

    assert failing(explaining, rows, respond).code == "ModelResponseNotNumbers"


def test_a_server_that_takes_less_than_sagemaker_is_sent_less(explaining: Explaining, rows: Rows) -> None:
    server = explaining.server

    def respond(asked: Asked) -> tuple[int, bytes]:
        return (200, server.scores(asked.body)) if len(asked.body) <= 5000 else (413, b"too large")

    failed = failing(explaining, rows, respond)
    assert (failed.code, "max_payload_bytes" in failed.message) == ("ModelRefusedPayload", True)
    before = len(server.asked)
    explaining.config["methods"]["shap"]["max_payload_bytes"] = 5000
    assert explaining.baseline(explaining.write(rows)).status is OutcomeStatus.COMPLETED
    assert max(len(asked.body) for asked in server.asked[before:]) <= 5000


def test_texts_that_a_model_refuses_end_the_run_and_are_not_shown(explaining: Explaining, rows: Rows) -> None:
    cities = ["Oslo", "Köln", "Åre"]
    lines = [f"{a},{b},{cities[number % 3]}" for number, (a, b) in enumerate(rows[:, :2].tolist())]
    data = explaining.folder / "data.csv"
    data.write_text("\n".join(["f0,f1,city", *lines]))
    explaining.config = {
        "predictor": {
            "content_type": "application/jsonlines",
            "content_template": '{"features":$features}',
            "accept_type": "text/csv",
        }
    }

    def respond(asked: Asked) -> tuple[int, bytes]:
        city = json.loads(asked.body.splitlines()[0])["features"][2]
        return 400, f"could not convert string to float: {city}".encode()

    explaining.server.respond = respond
    with pytest.raises(InvalidInput) as refused:
        explaining.baseline(data)
    assert refused.value.code == "ModelRefused"
    assert refused.value.message.endswith("It says: could not convert string to float: ...")


@pytest.mark.parametrize(
    ("shap", "code"),
    [
        ({"baseline": [[1, 2]]}, "ShapBaselineColumnsDiffer"),
        ({"baseline": [[0, 0, 0]], "max_payload_bytes": 10}, "RowTooLarge"),
        ({"baseline": [[0, 0, 0]] * 500, "max_model_calls": 2, "max_payload_bytes": 1000}, "ModelCallBudgetTooSmall"),
        ({"baseline": [[0, 0, 0]], "use_logit": True}, "NotProbabilities"),
        ({"num_sample": 3}, "InvalidAnalysisConfig"),
        ({"text_config": {}}, "InvalidAnalysisConfig"),
        ({"agg_method": "mean"}, "InvalidAnalysisConfig"),
        ({"explainer": "tree"}, "ModelNotGiven"),
    ],
)
def test_configurations_that_make_no_sense_are_refused(
    explaining: Explaining, rows: Rows, shap: dict[str, object], code: str
) -> None:
    explaining.config = {"methods": {"shap": shap}}
    assert failing(explaining, rows).code == code
    assert code == "NotProbabilities" or not explaining.server.asked


@pytest.mark.parametrize(
    ("predictor", "code"),
    [
        ({"label_headers": ["yes", "no"]}, "LabelHeadersDiffer"),
        ({"content_type": "image/png"}, "InvalidAnalysisConfig"),
        ({"model_names": "a"}, "InvalidAnalysisConfig"),
        ({"model_name": ""}, "InvalidAnalysisConfig"),
        ({"model_name": "a_b"}, "InvalidAnalysisConfig"),
        ({"endpoint_name": "a\nb"}, "InvalidAnalysisConfig"),
        ({"initial_instance_count": 0}, "InvalidAnalysisConfig"),
        ({"initial_instance_count": 21}, "InvalidAnalysisConfig"),
        ({"label_headers": ["yes", "yes"]}, "InvalidAnalysisConfig"),
    ],
)
def test_predictors_that_make_no_sense_are_refused(
    explaining: Explaining, rows: Rows, predictor: dict[str, object], code: str
) -> None:
    explaining.config["predictor"] = predictor
    assert failing(explaining, rows).code == code


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ({"headrs": ["f0"]}, "analysis_config.json: headrs: there is no such key; did you mean headers?"),
        ({"methods": {"shapp": {}}}, "methods.shapp: there is no such key; did you mean methods.shap?"),
        (
            {"methods": {"shap": {"num_sample": 3}}},
            "methods.shap: num_sample: there is no such key; did you mean num_samples?",
        ),
        (
            {"predictor": {"contenttype": "text/csv"}},
            "predictor: contenttype: there is no such key; did you mean content_type?",
        ),
        ({"label_headers": ["yes"]}, "label_headers: there is no such key; did you mean predictor.label_headers?"),
        *(
            ({"methods": {"shap": {key: {}}}}, f"methods.shap: SageMaker Clarify's {key} is not supported here")
            for key in ("features_to_explain", "image_config", "text_config")
        ),
        (
            {"predictor": {"time_series_predictor_config": {}}},
            "predictor: SageMaker Clarify's time_series_predictor_config is not supported here",
        ),
    ],
)
def test_keys_that_are_not_understood_are_refused(
    explaining: Explaining, rows: Rows, part: dict[str, object], says: str
) -> None:
    explaining.config |= part
    failure = failing(explaining, rows)
    assert failure.code == "InvalidAnalysisConfig"
    assert says in failure.message


def test_keys_of_other_analyses_are_none_of_its_business(explaining: Explaining, rows: Rows) -> None:
    explaining.config |= {"version": "1.0", "dataset_type": "text/csv", "label_values_or_threshold": [1], "facet": []}
    explaining.config["methods"] |= {"report": {"name": "report"}, "post_training_bias": {"methods": "all"}, "pdp": {}}
    assert explaining.baseline(explaining.write(rows)).records.read == 150


@pytest.mark.parametrize("content", [b"{", b"[1]", b'{"headers": ["a", "a"]}', b"\xff", b"[" * 100_000])
def test_files_that_hold_no_configuration_are_refused(explaining: Explaining, rows: Rows, content: bytes) -> None:
    path = explaining.folder / "config.json"
    path.write_bytes(content)
    with pytest.raises(InvalidInput) as refused:
        explaining.baseline(explaining.write(rows), analysis_config=path)
    assert refused.value.code == "InvalidAnalysisConfig"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1/model",
        "model",
        "http://",
        "http://[::1",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:port",
        "http://ex ample/x",
    ],
)
def test_urls_that_are_invalid_are_refused(url: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        HttpModel(url, allows_address=any_address)
    assert refused.value.code == "InvalidModelUrl"


def test_a_url_without_a_path_means_invocations(server: ModelServer) -> None:
    server.respond = lambda _: (200, b"1")
    for url in (server.url, f"{server.url}/", f"{server.url}?b=c", f"{server.url}/models/a?b=c"):
        assert HttpModel(url, allows_address=any_address).invoke(b"1,2", "text/csv", "application/json") == b"1"
    paths = ["/invocations", "/invocations", "/invocations?b=c", "/models/a?b=c"]
    assert [asked.path for asked in server.asked] == paths
    assert (server.asked[0].content_type, server.asked[0].accept) == ("text/csv", "application/json")


def test_a_server_that_does_not_speak_https_is_reported_as_such(server: ModelServer) -> None:
    url = server.url.replace("http://", "https://")
    with pytest.raises(ModelFailure, match=r"SSLError.*certificate") as failed:
        HttpModel(url, allows_address=any_address).invoke(b"1", "text/csv", "text/csv")
    assert failed.value.code == "ModelNotReached"


def test_a_response_that_is_aborted_is_requested_once_more_and_reported(server: ModelServer) -> None:
    server.lengths = [100]
    server.respond = lambda _: (200, b"1,2")
    assert HttpModel(server.url, allows_address=any_address).invoke(b"1", "text/csv", "text/csv") == b"1,2"
    server.lengths = [100, 100]
    with pytest.raises(ModelFailure, match="aborts its responses"):
        HttpModel(server.url, allows_address=any_address).invoke(b"1", "text/csv", "text/csv")


def test_a_server_that_asks_for_an_hour_gets_half_a_minute(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("urllib3.util.retry.time.sleep", pauses.append)
    server.headers = {"Retry-After": "3600"}
    server.respond = lambda _: (503, b"") if len(server.asked) == 1 else (200, b"1")
    assert HttpModel(server.url, allows_address=any_address).invoke(b"1", "text/csv", "text/csv") == b"1"
    assert pauses == [30]


def test_an_invalid_time_to_try_again_is_ignored(server: ModelServer) -> None:
    server.headers = {"Retry-After": "soon"}
    server.respond = lambda _: (503, b"") if len(server.asked) == 1 else (200, b"1")
    assert HttpModel(server.url, allows_address=any_address).invoke(b"1", "text/csv", "text/csv") == b"1"


def test_credentials_in_a_url_are_in_no_message(server: ModelServer) -> None:
    server.respond = lambda _: (400, json.dumps({"m": 1}).encode())
    url = server.url.replace("http://", "http://user:secret@")  # pragma: allowlist secret (invented)
    with pytest.raises(ModelFailure) as failed:
        HttpModel(url, allows_address=any_address).invoke(b"1", "text/csv", "text/csv")
    assert "secret" not in failed.value.message
    assert f"at {server.url.removeprefix('http://')} " in failed.value.message


def test_nothing_is_left_running_after_a_failure(explaining: Explaining, rows: Rows) -> None:
    explaining.config["methods"]["shap"] |= {"max_payload_bytes": 200, "max_parallel_calls": 8, "max_model_calls": 1000}
    server = explaining.server
    server.respond = lambda asked: (200, server.scores(asked.body)) if len(server.asked) < 20 else (400, b"no")
    assert failing(explaining, rows, server.respond).code == "ModelRefused"
    assert len(server.asked) < 40  # of more than a hundred that were planned


def test_an_analysis_whose_host_is_about_to_end_ends_by_itself(explaining: Explaining, rows: Rows) -> None:
    explaining.config["methods"]["shap"] |= {"max_payload_bytes": 200, "max_parallel_calls": 1, "max_model_calls": 1000}
    left = iter(range(150, 0, -10))
    host = replace(THIS_MACHINE, progress=within(lambda: next(left)))
    with pytest.raises(InvalidInput, match=r"time ran out after 5 of at most \d+ model calls") as refused:
        explaining.baseline(explaining.write(rows), host=host)
    assert refused.value.code == "ModelTooSlow"
    assert len(explaining.server.asked) <= 7  # and what was under way


def test_a_column_that_the_baseline_does_not_have_is_named_where_baseline_rows_do_not_fit(
    explaining: Explaining,
) -> None:
    explaining.server.function = lambda rows: rows[:, 0]
    rows = np.random.default_rng(0).normal(size=(20, 3))
    explaining.baseline(explaining.write(rows))
    data = explaining.write(np.column_stack([rows, np.arange(20)]), ["f0", "f1", "f2", "label"])
    with pytest.raises(InvalidInput, match="the baseline does not have 'label'") as refused:
        explaining.check(data)
    assert refused.value.code == "ShapBaselineColumnsDiffer"
