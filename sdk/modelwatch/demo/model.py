"""The demo's model, and a server for it with the contract of a SageMaker model container."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from modelwatch.demo.applications import DECISION, FEATURES, MODEL_INPUTS
from modelwatch.demo.payloads import FORMATS

MAX_BODY_BYTES = 6 * 1024 * 1024
"""SageMaker's limit for the payload of a request."""

Scores = NDArray[np.float64]
Scorer = Callable[[Sequence[Sequence[str]]], Scores]


class LoanModel:
    """A logistic regression that scores applications by ``MODEL_INPUTS``; a missing value counts as the median."""

    def __init__(self, pipeline: Pipeline) -> None:
        # A pipeline checks its input again at each step, which takes longer than a request of one row needs.
        imputer, scaler, regression = (step for _, step in pipeline.steps)
        self._medians, self._means, self._scales = imputer.statistics_, scaler.mean_, scaler.scale_
        self._coefficients, self._intercept = regression.coef_[0], regression.intercept_[0]

    @classmethod
    def train(cls, applications: pd.DataFrame) -> LoanModel:
        """Fit to decided applications. Deterministic: the solver draws nothing."""
        pipeline = make_pipeline(SimpleImputer(strategy="median"), StandardScaler(), LogisticRegression())
        return cls(pipeline.fit(applications[list(MODEL_INPUTS)].to_numpy(float), applications[DECISION].to_numpy()))

    def score(self, rows: Sequence[Sequence[str]]) -> Scores:
        """Score rows of cells in the order of ``FEATURES``.

        Returns
        -------
        ndarray of float, shape (n_rows,)
            Probability that the application is approved.

        Raises
        ------
        ValueError
            If a row has another number of cells, or a cell that is neither empty nor a number.
        """
        for number, row in enumerate(rows, start=1):
            if len(row) != len(FEATURES):
                raise ValueError(f"row {number} has {len(row)} values, the model needs {len(FEATURES)}")
        inputs = [[float(cell) if cell else np.nan for cell in row[: len(MODEL_INPUTS)]] for row in rows]
        known = np.asarray(inputs, dtype=float)
        standardised = (np.where(np.isnan(known), self._medians, known) - self._means) / self._scales
        scores: Scores = expit(standardised @ self._coefficients + self._intercept)
        return scores


class ModelServer:
    """Serves a scorer on loopback by SageMaker's container contract: ``GET /ping``, ``POST /invocations``.

    A response is written as its request is: in one of ``FORMATS``.

    Parameters
    ----------
    score : callable
        Rows of cells to scores; raises ValueError for rows that it cannot read.

    Examples
    --------
    >>> with ModelServer(lambda rows: np.full(len(rows), 0.5)) as server:
    ...     host, port = server.address
    """

    def __init__(self, score: Scorer) -> None:
        self._http = _Server(("127.0.0.1", 0), type("Handler", (_Invocations,), {"score": staticmethod(score)}))
        self._thread = threading.Thread(target=self._http.serve_forever, name="model-server", daemon=True)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        host, port = self._http.server_address[:2]
        return str(host), int(port)

    @property
    def url(self) -> str:
        """Where requests go."""
        host, port = self.address
        return f"http://{host}:{port}/invocations"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


class _Server(ThreadingHTTPServer):
    """A thread per connection; a client that disconnects is not an error."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Invocations(BaseHTTPRequestHandler):
    """One connection; kept open between requests, as SageMaker keeps it."""

    score: Scorer
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body in one packet
    timeout = 60

    def do_GET(self) -> None:
        self._respond(HTTPStatus.OK if self.path == "/ping" else HTTPStatus.NOT_FOUND)

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal():
            self.close_connection = True  # where the body ends is unknown
            return self._respond(HTTPStatus.LENGTH_REQUIRED, "Content-Length is missing")
        if int(length) > MAX_BODY_BYTES:
            self.close_connection = True
            return self._respond(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {MAX_BODY_BYTES} bytes")
        body = self.rfile.read(int(length))
        if self.path != "/invocations":
            return self._respond(HTTPStatus.NOT_FOUND, "POST /invocations or GET /ping")
        payloads = FORMATS.get(self.headers.get_content_type())
        if payloads is None:
            return self._respond(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"this model reads {' and '.join(FORMATS)}")
        try:
            rows = payloads.read_request(body.decode())
            scores = self.score(rows) if rows else None
        except ValueError as error:
            return self._respond(HTTPStatus.BAD_REQUEST, str(error))
        if scores is None:
            return self._respond(HTTPStatus.BAD_REQUEST, "the body is empty")
        return self._respond(HTTPStatus.OK, payloads.write_response(scores), f"{payloads.content_type}; charset=utf-8")

    def _respond(self, status: HTTPStatus, text: str = "", content_type: str = "text/plain; charset=utf-8") -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing: the timeline reports what happens."""
