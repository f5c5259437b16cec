"""A model behind a SageMaker endpoint: what it is asked, and what its failures become."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import pytest
from botocore.config import Config
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwatch_core.adapters.aws.endpoint_model import RUNTIME_CONFIG, EndpointModel, EndpointModels
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.model_endpoints import LARGEST_PAYLOAD, ModelFailure, ModelReference
from modelwatch_core.domain.redaction import redacted_message


class Runtime:
    """sagemaker-runtime on loopback: gives the responses that it is set to, the last of them for ever."""

    def __init__(self) -> None:
        self.responses: list[tuple[int, str, dict]] = []
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.arrived = threading.Semaphore(0)
        self.slow = threading.Event()
        self.is_slow = False
        runtime = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # or the body waits behind the headers

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                runtime.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                runtime.arrived.release()
                if runtime.is_slow:
                    runtime.slow.wait(30)
                    return
                status, error, response = (
                    runtime.responses.pop(0) if len(runtime.responses) > 1 else runtime.responses[0]
                )
                content = json.dumps(response).encode()
                self.send_response(status)
                if error:
                    self.send_header("x-amzn-ErrorType", error)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def client(self, config: Config = RUNTIME_CONFIG):
        return boto3.client(
            "sagemaker-runtime",
            endpoint_url=f"http://127.0.0.1:{self.http.server_port}",
            region_name="us-east-1",
            config=config,
        )

    def close(self) -> None:
        self.slow.set()
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()


@pytest.fixture
def runtime(monkeypatch):
    # A throttled call is asked again after a random part of a growing time: here at once.
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)
    runtime = Runtime()
    yield runtime
    runtime.close()


def ask(runtime: Runtime, body: bytes = b"1,2\n") -> bytes:
    return EndpointModel(runtime.client(), "loans").invoke(body, "text/csv", "application/json")


def failure(runtime: Runtime, body: bytes = b"1,2\n") -> ModelFailure:
    with pytest.raises(ModelFailure) as caught:
        ask(runtime, body)
    return caught.value


def test_a_request_goes_to_the_endpoint_as_it_is_and_the_response_comes_back(runtime):
    runtime.responses = [(200, "", [0.5])]
    with EndpointModels(runtime.client())(
        ModelReference(endpoint_name="loans", target_model="m.tar.gz", custom_attributes="a=b")
    ) as model:
        assert model.invoke(b"1,2\n", "text/csv", "application/json") == b"[0.5]"
    ((path, headers, body),) = runtime.requests
    assert (path, body) == ("/endpoints/loans/invocations", b"1,2\n")
    assert (headers["content-type"], headers["accept"]) == ("text/csv", "application/json")
    assert headers["x-amzn-sagemaker-target-model"] == "m.tar.gz"
    assert headers["x-amzn-sagemaker-custom-attributes"] == "a=b"


def test_no_endpoint_is_made_here_for_a_model_that_is_given_by_name(runtime):
    by_name = ModelReference(model_name="m", instance_type="ml.m5.large")
    with (
        pytest.raises(InvalidInput, match=r"ModelNotDeployed.*for the model m"),
        EndpointModels(runtime.client())(by_name),
    ):
        pass


def test_a_throttled_request_is_sent_again_until_it_passes(runtime):
    throttled = (400, "ThrottlingException", {"Message": "Rate exceeded"})
    runtime.responses = [throttled, throttled, (200, "", [0.5])]
    assert ask(runtime) == b"[0.5]"
    assert len(runtime.requests) == 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "error", "code", "calls"),
    [
        (400, "ThrottlingException", "ModelThrottled", 4),
        (503, "ServiceUnavailable", "ModelNotReached", 4),
        (500, "InternalFailure", "ModelNotReached", 4),
        (400, "ValidationError", "ModelNotFound", 1),
        (413, "", "ModelRefusedPayload", 1),
    ],
)
def test_each_response_of_the_service_becomes_one_failure_after_the_retries_that_can_help(
    runtime, status, error, code, calls
):
    runtime.responses = [(status, error, {"Message": "x"})]
    failed = failure(runtime)
    assert failed.code == code
    assert "endpoint" in failed.message
    assert len(runtime.requests) == calls


@pytest.mark.parametrize(
    ("status", "code"),
    [(500, "ModelFailed"), (400, "ModelRefused"), (429, "ModelThrottled"), (413, "ModelRefusedPayload")],
)
def test_a_fault_of_the_model_comes_with_its_own_words_and_no_values(runtime, status, code):
    words = "could not convert string to float: 'Ada Lovelace'"
    response = {
        "Message": f'from primary with message "{words}"',
        "OriginalStatusCode": status,
        "OriginalMessage": words,
    }
    runtime.responses = [(424, "ModelError", response)]
    failed = failure(runtime, b"3,Ada Lovelace\n")
    assert failed.code == code
    assert failed.model_message == "could not convert string to float: '… …'"
    assert failed.message == f"the model of the endpoint loans returned status {status}"
    assert "Ada" not in f"{failed} {failed.__cause__}"
    assert len(runtime.requests) == 1


def test_a_call_that_is_not_allowed_is_for_a_person_to_fix(runtime):
    runtime.responses = [(403, "AccessDeniedException", {"Message": "no"})]
    with pytest.raises(InvalidInput, match="AccessDenied: calling endpoint loans"):
        ask(runtime)


def test_a_request_over_the_limit_is_not_sent(runtime):
    assert failure(runtime, b"1" * (LARGEST_PAYLOAD + 1)).code == "ModelRefusedPayload"
    assert runtime.requests == []


def test_a_model_that_hangs_is_given_up_and_one_that_is_not_there_is_not_reached(runtime):
    runtime.is_slow = True
    hasty = Config(retries={"mode": "standard", "total_max_attempts": 2}, read_timeout=0.1)
    with pytest.raises(ModelFailure, match="ModelTimedOut"):
        EndpointModel(runtime.client(hasty), "loans").invoke(b"1", "text/csv", "text/csv")
    # The client has given up perhaps before the server has read what it sent.
    assert [runtime.arrived.acquire(timeout=30) for _ in range(2)] == [True, True]
    assert not runtime.arrived.acquire(blocking=False)
    nowhere = boto3.client("sagemaker-runtime", endpoint_url="http://127.0.0.1:9", region_name="us-east-1")
    with pytest.raises(ModelFailure, match="ModelNotReached"):
        EndpointModel(nowhere, "loans").invoke(b"1", "text/csv", "text/csv")


class TestWords:
    @pytest.mark.parametrize(
        ("message", "redacted"),
        [
            ("expected 21 features, got 20", "expected 21 features, got 20"),
            ("row 3: 1.50 is not valid, nor 12.346", "row …: … is not valid, nor …"),  # 3, 1.5 sent; 12.3456 rounded
            ('{"message": "unknown town NEW York."}', '{"message": "unknown town … …."}'),
            ("unknown town 'Yor...'", "unknown town '…...'"),
            ("a\n\n  b", "a b"),
        ],
    )
    def test_what_was_sent_is_left_out_and_the_rest_is_kept(self, message, redacted):
        assert redacted_message(message, b"3,1.5,12.3456,New York\n") == redacted

    def test_they_are_cut(self):
        redacted = redacted_message("word " * 100, b"")
        assert len(redacted) == 200
        assert redacted.endswith("…")

    @settings(max_examples=60)
    @given(
        st.lists(st.text("abcXYZ19.-éß", min_size=1, max_size=8), min_size=1, max_size=5),
        st.sampled_from(["bad value {}", "'{}'", "x={};", "({})", '["{}", 1]', "{}, {}"]),
    )
    def test_no_cell_is_ever_shown(self, cells, saying):
        redacted = redacted_message(" and ".join(saying.format(cell, cell) for cell in cells), ",".join(cells).encode())
        kept = redacted.replace("…", " ")
        for fixed in ("bad value", "x=", " and ", ", 1]"):
            kept = kept.replace(fixed, " ")
        assert not set(kept) - set(" ',.-;=()[]\"")
