"""Traffic as it is captured, and labels, held against SageMaker's records and layout."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from modelwatch.demo.applications import FEATURES, load_applications
from modelwatch.demo.ground_truth import upload_labels
from modelwatch.demo.model import ModelServer, Scores
from modelwatch.demo.payloads import CSV, FORMATS, JSON, PayloadFormat
from modelwatch.demo.traffic import send

NINE = datetime(2026, 1, 31, 9, tzinfo=UTC)


class Bucket:
    """An S3 client that keeps what it is given."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], str] = {}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> Any:  # noqa: N803 - boto3's names
        self.objects[Bucket, Key] = Body.decode()


def first_cell(rows: Sequence[Sequence[str]]) -> Scores:
    """Score each row by its first cell, the income."""
    return np.array([float(row[0]) / 1000 for row in rows])


@pytest.mark.parametrize("payloads", FORMATS.values(), ids=FORMATS)
def test_traffic_is_what_went_over_the_wire_in_order_of_time_and_repeatable(payloads: PayloadFormat) -> None:
    applications = load_applications()[:8]
    end = NINE + timedelta(hours=1)
    with ModelServer(first_cell) as server:
        sent = [send(server.address, applications, payloads, start=NINE, end=end, seed=seed) for seed in "aab"]
    assert sent[0] == sent[1] != sent[2]
    assert [e.request and e.request.data for e in sent[0]] == payloads.write_requests(applications)
    responses = [payloads.write_response([income / 1000]) for income in applications["appinc"]]
    assert [e.response and e.response.data for e in sent[0]] == responses
    times = [e.time for e in sent[0]]
    assert times == sorted(times)
    assert NINE <= times[0] < times[-1] < NINE + timedelta(hours=1)
    assert len({e.event_id for e in sent[0] + sent[2]} | {e.inference_id for e in sent[0] + sent[2]}) == 32


def test_a_captured_json_payload_is_the_text_that_went_over_the_wire() -> None:
    with ModelServer(first_cell) as server:
        (sent,) = send(
            server.address, load_applications()[:1], JSON, start=NINE, end=NINE + timedelta(hours=1), seed=""
        )
    captured = sent.to_record()["captureData"]
    assert {side["encoding"] for side in captured.values()} == {"JSON"}
    assert captured["endpointInput"]["observedContentType"] == "application/json"
    (instance,) = json.loads(captured["endpointInput"]["data"])["instances"]
    assert list(instance["features"]) == list(FEATURES)
    assert list(json.loads(captured["endpointOutput"]["data"])) == ["predictions"]


def test_labels_have_sagemakers_shape_and_are_below_the_hour_in_which_they_were_collected() -> None:
    bucket = Bucket()
    collected = datetime(2026, 1, 31, 11, 55, 7, tzinfo=UTC)
    key = upload_labels(bucket, "s3://b/labels/loans/", {"application-1": 1, "application-2": 0}, collected=collected)
    assert key == "labels/loans/2026/01/31/11/5507.jsonl"
    # The record of the AWS developer guide, "Ingest ground truth labels and merge them with predictions".
    assert [json.loads(line) for line in bucket.objects["b", key].splitlines()] == [
        {
            "groundTruthData": {"data": label, "encoding": "CSV"},
            "eventMetadata": {"eventId": inference_id},
            "eventVersion": "0",
        }
        for inference_id, label in [("application-1", "1"), ("application-2", "0")]
    ]


def test_a_refused_request_stops_the_traffic() -> None:
    without_income = load_applications()[:1].assign(appinc=None)
    with ModelServer(first_cell) as server, pytest.raises(RuntimeError, match="returned 400"):
        send(server.address, without_income, CSV, start=NINE, end=NINE + timedelta(hours=1), seed="")
