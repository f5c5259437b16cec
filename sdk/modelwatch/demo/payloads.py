"""How applications and scores are written in requests and responses: one entry in ``FORMATS`` per Content-Type."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from typing import Any, Protocol

import pandas as pd

from modelwatch.demo.applications import DECISION, FEATURES, to_csv_line, to_text


def format_score(score: float) -> str:
    """Write a score as the server returns it."""
    return f"{score:.4f}"


class PayloadFormat(Protocol):
    """A way to write requests and responses.

    Attributes
    ----------
    content_type : str
        Its name in HTTP.
    encoding : str
        Its name in SageMaker's data capture.
    """

    content_type: str
    encoding: str

    def write_requests(self, applications: pd.DataFrame) -> list[str]:
        """Write each application as a request of its own."""

    def read_request(self, body: str) -> list[list[str]]:
        """Read the rows of a request, cells in the order of ``FEATURES``; ValueError if it cannot be read."""

    def write_response(self, scores: Iterable[float]) -> str:
        """Write the scores of a request's rows."""

    def read_response(self, body: str) -> list[float]:
        """Read the scores of a response."""


class Csv:
    """One row per line; one score per line."""

    content_type = "text/csv"
    encoding = "CSV"

    def write_requests(self, applications: pd.DataFrame) -> list[str]:
        """Write the features by position."""
        return [to_csv_line(row) for row in to_text(applications).to_numpy().tolist()]

    def read_request(self, body: str) -> list[list[str]]:
        """Read any number of rows, of any length."""
        try:
            return list(csv.reader(body.splitlines()))
        except csv.Error as error:
            raise ValueError(str(error)) from None

    def write_response(self, scores: Iterable[float]) -> str:
        """Write one score per line."""
        return "\n".join(map(format_score, scores))

    def read_response(self, body: str) -> list[float]:
        """Read one score per line."""
        return [float(line) for line in body.splitlines()]


class Json:
    """``{"instances": [{"features": {...}}]}``; ``{"predictions": [{"score": ...}]}``.

    Features have names: one that is absent or null is missing, one that the model does not know is ignored.
    """

    content_type = "application/json"
    encoding = "JSON"

    def write_requests(self, applications: pd.DataFrame) -> list[str]:
        """Write the features with the names that the client gives them; a missing one is null."""
        each_features = json.loads(applications.drop(columns=DECISION).to_json(orient="records"))
        return [json.dumps({"instances": [{"features": features}]}) for features in each_features]

    def read_request(self, body: str) -> list[list[str]]:
        """Read any number of instances."""
        document = json.loads(body)
        match document:
            case {"instances": [*instances]}:
                return [_cells(number, instance) for number, instance in enumerate(instances, start=1)]
        raise ValueError('the body is not {"instances": [...]}')

    def write_response(self, scores: Iterable[float]) -> str:
        """Write one prediction per instance."""
        return json.dumps({"predictions": [{"score": float(format_score(score))} for score in scores]})

    def read_response(self, body: str) -> list[float]:
        """Read one score per prediction."""
        return [prediction["score"] for prediction in json.loads(body)["predictions"]]


def _cells(number: int, instance: Any) -> list[str]:
    match instance:
        case {"features": {**features}}:
            values = (features.get(name) for name in FEATURES)
            return ["" if value is None else str(value) for value in values]
    raise ValueError(f'instance {number} is not {{"features": {{...}}}}')


CSV, JSON = Csv(), Json()
FORMATS: dict[str, PayloadFormat] = {each.content_type: each for each in (CSV, JSON)}
"""What the model server accepts, by Content-Type."""
