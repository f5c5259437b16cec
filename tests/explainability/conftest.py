"""A model behind a real HTTP server on loopback, and a folder to explain it in."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from modelwatch_analyzer.analysis import analyze
from modelwatch_analyzer.host import Host, any_address
from modelwatch_core.domain.analysis import AnalysisSummary
from modelwatch_core.domain.settings_environment import analysis_settings

Function = Callable[[NDArray[np.float64]], NDArray[np.float64]]


@dataclass
class Asked:
    """A request that came."""

    body: bytes
    content_type: str
    accept: str
    path: str


@dataclass
class ModelServer:
    """Serves ``/invocations`` by a function of CSV rows, or by whatever `respond` makes of a request."""

    function: Function
    respond: Callable[[Asked], tuple[int, bytes]] | None = None
    asked: list[Asked] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    lengths: list[int] = field(default_factory=list)
    """What the next responses claim as their lengths; by default the true ones."""
    url: str = ""

    def reply(self, asked: Asked) -> tuple[int, bytes]:
        self.asked.append(asked)
        if self.respond is not None:
            return self.respond(asked)
        return 200, self.scores(asked.body)

    def scores(self, body: bytes) -> bytes:
        rows = np.array([[float(cell) for cell in line.split(",")] for line in body.decode().splitlines()])
        responses = np.atleast_2d(self.function(rows).T).T
        return "\n".join(",".join(map(repr, row)) for row in responses.tolist()).encode()

    @property
    def rows(self) -> int:
        return sum(len(asked.body.splitlines()) for asked in self.asked)


@pytest.fixture
def server() -> Iterator[ModelServer]:
    """Serve the sum of the features, the first one counting most."""
    model = ModelServer(lambda rows: rows @ np.arange(rows.shape[1], 0, -1.0))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # or the body waits behind the headers

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked = Asked(body, self.headers["Content-Type"], self.headers["Accept"], self.path)
            status, content = model.reply(asked)
            try:
                self.send_response(status)
                for name, value in model.headers.items():
                    self.send_header(name, value)
                claimed = model.lengths.pop(0) if model.lengths else len(content)
                self.close_connection = claimed > len(content)
                self.send_header("Content-Length", str(claimed))
                self.end_headers()
                self.wfile.write(content)
            except (BrokenPipeError, ConnectionResetError):
                pass  # a client that waits no longer has hung up

        def log_message(self, *_: Any) -> None:
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    model.url = f"http://127.0.0.1:{listening.server_port}"
    yield model
    listening.shutdown()
    listening.server_close()
    thread.join()


THIS_MACHINE = Host(allows_pickles=True, allows_address=any_address)


CAPTURED = {"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput", "endpointOutput"]}}


@dataclass
class Explaining:
    """Explains the served model on data; keeps the configuration that tests change."""

    folder: Path
    server: ModelServer
    config: dict[str, Any]
    data: Path = Path()

    def write(self, rows: NDArray[np.float64], names: list[str] | None = None) -> Path:
        path = self.folder / "data.csv"
        header = ",".join(names or [f"f{index}" for index in range(rows.shape[1])])
        path.write_text("\n".join([header, *(",".join(map(repr, row)) for row in rows.tolist())]) + "\n")
        return path

    def write_captures(
        self, requests: list[str], encoding: str = "CSV", response: str = "0.5", response_encoding: str = "CSV"
    ) -> Path:
        """Write requests, all with the same response, as an endpoint captures them."""
        path = self.folder / "captured.jsonl"
        sides = {
            "endpointOutput": {"data": response, "encoding": response_encoding, "mode": "OUTPUT"},
            "endpointInput": {"encoding": encoding, "mode": "INPUT"},
        }
        lines = []
        for number, request in enumerate(requests):
            data = sides | {"endpointInput": {"data": request, **sides["endpointInput"]}}
            metadata = {"eventId": str(number), "inferenceTime": "2026-01-31T09:30:00Z"}
            lines.append(json.dumps({"captureData": data, "eventMetadata": metadata, "eventVersion": "0"}))
        path.write_text("\n".join(lines))
        return path

    def run(self, data: Path, output: str, host: Host = THIS_MACHINE, **settings: Any) -> AnalysisSummary:
        config = self.folder / "analysis_config.json"
        config.write_text(json.dumps(self.config))
        given = {
            "analysis_type": "MODEL_EXPLAINABILITY",
            "dataset_source": data,
            "dataset_format": {"csv": {"header": True}},
            "analysis_config": config,
            "model_url": self.server.url,
            "output_path": self.folder / output,
            "publish_cloudwatch_metrics": "Enabled",
            "bootstrap_replicates": 100,
        }
        return analyze(analysis_settings(**(given | settings)), host)

    def baseline(self, data: Path, **settings: Any) -> AnalysisSummary:
        return self.run(data, "baseline", **settings)

    def check(self, data: Path, **settings: Any) -> AnalysisSummary:
        return self.run(data, "check", **{"baseline_constraints": self.folder / "baseline/analysis.json"} | settings)

    def read(self, name: str) -> Any:
        def refuse(constant: str) -> None:
            raise AssertionError(f"{name} holds {constant}")

        return json.loads((self.folder / name).read_text(), parse_constant=refuse)


@pytest.fixture
def explaining(tmp_path: Path, server: ModelServer) -> Explaining:
    return Explaining(tmp_path, server, {"methods": {"shap": {"baseline": [[0, 0, 0]]}}})


@pytest.fixture
def rows() -> NDArray[np.float64]:
    return np.random.default_rng(7).normal(size=(150, 3)).round(3)
