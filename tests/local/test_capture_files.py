"""What data capture writes, held against SageMaker's records and layout."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from modelwatch.local.capture_files import Exchange, Payload, write_captures

NINE = datetime(2026, 1, 31, 9, tzinfo=UTC)


class Bucket:
    """An S3 client that keeps what it is given."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], str] = {}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> Any:  # noqa: N803 - boto3's names
        self.objects[Bucket, Key] = Body.decode()


def exchange(time: datetime, event_id: str = "f04a8538-696c-4648-8064-8b680b2e3318") -> Exchange:
    sent, received = Payload("text/csv", "132,10", "CSV"), Payload("text/csv; charset=utf-8", "0.0364", "CSV")
    return Exchange(event_id, time, sent, received, "application-1")


def test_a_record_has_sagemakers_shape() -> None:
    # The record of SageMaker's own capture of 2022-04-18, AWS developer guide, "Capture data from real-time endpoint".
    assert exchange(datetime(2022, 4, 18, 0, 21, 48, 999, tzinfo=UTC)).to_record() == {
        "captureData": {
            "endpointInput": {"observedContentType": "text/csv", "mode": "INPUT", "data": "132,10", "encoding": "CSV"},
            "endpointOutput": {
                "observedContentType": "text/csv; charset=utf-8",
                "mode": "OUTPUT",
                "data": "0.0364",
                "encoding": "CSV",
            },
        },
        "eventMetadata": {
            "eventId": "f04a8538-696c-4648-8064-8b680b2e3318",
            "inferenceId": "application-1",
            "inferenceTime": "2022-04-18T00:21:48Z",
        },
        "eventVersion": "0",
    }


def test_files_are_below_their_hour_and_have_several_records() -> None:
    bucket = Bucket()
    times = [NINE + timedelta(minutes=m, milliseconds=871) for m in (0, 1, 4, 5, 59)]
    keys = write_captures(bucket, "s3://b/captures/endpoint/", "AllTraffic", map(exchange, times))
    folder = r"captures/endpoint/AllTraffic/2026/01/31/09/"
    assert all(re.fullmatch(folder + r"\d\d-00-871-[0-9a-f-]{36}\.jsonl", key) for key in keys)
    assert [key.removeprefix(folder)[:2] for key in keys] == ["00", "05", "59"]
    assert [len(bucket.objects["b", key].splitlines()) for key in keys] == [3, 1, 1]
    assert all(json.loads(line) for text in bucket.objects.values() for line in text.splitlines())


def test_no_file_spans_two_hours() -> None:
    bucket = Bucket()
    times = [NINE + timedelta(minutes=59, seconds=59), NINE + timedelta(hours=1)]
    keys = write_captures(bucket, "s3://b/p", "v", map(exchange, times))
    assert [key[:16] for key in keys] == ["p/v/2026/01/31/0", "p/v/2026/01/31/1"]


def test_no_traffic_writes_nothing() -> None:
    assert write_captures(Bucket(), "s3://b/p", "v", []) == []


def test_a_destination_may_be_a_whole_bucket() -> None:
    (key,) = write_captures(Bucket(), "s3://b", "v", [exchange(NINE)])
    assert key.startswith("v/2026/01/31/09/00-00-000-")


@pytest.mark.parametrize("folder", ["a#1", "a?b=1", "[a", "a;b"])
def test_a_destination_is_a_key_and_no_url(folder: str) -> None:
    (key,) = write_captures(Bucket(), f"s3://b/{folder}/c", "v", [exchange(NINE)])
    assert key.startswith(f"{folder}/c/v/2026/01/31/09/00-00-000-")


def test_it_is_the_store_that_refuses_an_invalid_bucket() -> None:
    bucket = Bucket()
    write_captures(bucket, "s3://[b/c", "v", [exchange(NINE)])
    assert [name for name, _ in bucket.objects] == ["[b"]
