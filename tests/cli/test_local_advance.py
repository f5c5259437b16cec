"""``modelwatch local advance``: which stack it finds, and what it refuses."""

from __future__ import annotations

import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from typer.testing import CliRunner, Result

from modelwatch.cli.commands import app
from modelwatch.running_stack import announced, find_stack
from modelwatch_core.domain.errors import InvalidInput


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    return tmp_path / "modelwatch"


def advance(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["local", "advance", *arguments])


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("1h", "--to", "2026-01-05T13:00Z"),
        ("soon",),
        ("1h1d",),
        ("9999999999d",),
        ("0s",),
        ("0h0m",),
        ("--to", "noon"),
    ],
)
def test_a_span_or_a_time_must_be_given(arguments: tuple[str, ...]) -> None:
    result = advance(*arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith("modelwatch: UnusableArguments: ")
    assert result.stderr.count("\n") == 1


def test_without_a_stack_it_says_how_to_start_one() -> None:
    result = advance("1h")
    assert result.exit_code == 2
    assert "LocalStackNotFound" in result.stderr
    assert "modelwatch local up" in result.stderr


def test_a_stack_that_has_gone_is_an_error_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    result = advance("1h")
    assert result.exit_code == 2
    assert "no local stack runs at http://127.0.0.1:9" in result.stderr


def test_nothing_is_sent_to_another_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://sqs.us-east-1.amazonaws.com")
    result = advance("1h")
    assert result.exit_code == 2
    assert "not on this machine" in result.stderr


def test_the_variable_comes_before_the_announcement_and_the_latest_stack_is_found(
    monkeypatch: pytest.MonkeyPatch, state: Path
) -> None:
    with announced("http://127.0.0.1:1"):
        with announced("http://127.0.0.1:2"):
            assert find_stack() == "http://127.0.0.1:2"
        assert find_stack() == "http://127.0.0.1:1"
    assert list(state.iterdir()) == []
    with announced("http://127.0.0.1:1"), monkeypatch.context() as patched:
        patched.setenv("AWS_ENDPOINT_URL", "http://localhost:3/")
        assert find_stack() == "http://localhost:3"
    assert list(state.iterdir()) == []


def test_a_stack_whose_process_was_killed_is_not_found(state: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    state.mkdir()
    (state / "local-stack").write_text(f"http://127.0.0.1:4001 {ended.pid}")
    with pytest.raises(InvalidInput, match="LocalStackNotFound"):
        find_stack()


@pytest.mark.parametrize(
    "other", [b"http://127.0.0.1:4001", b"http://127.0.0.1:4001 12 34", b"\xff\xfe", b"a 99999999999"]
)
def test_a_line_of_another_version_or_one_that_was_cut_off_names_no_stack(state: Path, other: bytes) -> None:
    state.mkdir()
    (state / "local-stack").write_bytes(other)
    with pytest.raises(InvalidInput, match="LocalStackNotFound"):
        find_stack()
    with announced("http://127.0.0.1:4002"):
        assert find_stack() == "http://127.0.0.1:4002"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (
            b'{"error": {"code": "InvalidRequest", "message": "the clock would leave the years 1 to 9999"}}\n',
            "InvalidRequest",
        ),
        (b"<Error><Code>InvalidAction</Code></Error>", "LocalStackNotFound"),
        (b"[]", "LocalStackNotFound"),
        (b'{"timestamp": "2026-01-05", "status": 404, "error": "Not Found"}', "LocalStackNotFound"),
        (b'{"error": {"code": 404, "message": "x"}}', "LocalStackNotFound"),
    ],
)
def test_what_a_stack_refuses_is_distinguished_from_a_response_of_something_else(
    monkeypatch: pytest.MonkeyPatch, body: bytes, code: str
) -> None:
    class Refuses(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(400)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with HTTPServer(("127.0.0.1", 0), Refuses) as server:
        serving = Thread(target=server.handle_request)
        serving.start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        result = advance("999999d")
        serving.join()
    assert result.stderr.startswith(f"modelwatch: {code}: ")
    assert "Traceback" not in result.stderr
