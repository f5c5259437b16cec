"""What SageMaker's data capture does at an endpoint: requests and answers, as JSON lines in S3."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Protocol
from urllib.parse import urlsplit

from modelwatch.demo.payloads import PayloadFormat
from modelwatch_core.domain.documents import iso_utc

MINUTES_PER_FILE = 5


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request to an endpoint and its answer.

    Attributes
    ----------
    event_id, inference_id : str
        SageMaker's id of the invocation, and the caller's.
    time : datetime
        When, in UTC.
    payloads : PayloadFormat
        How request and answer are written.
    request, response : str
        The payloads.
    response_type : str
        The answer's Content-Type, as observed.
    """

    event_id: str
    inference_id: str
    time: datetime
    payloads: PayloadFormat
    request: str
    response: str
    response_type: str

    def to_record(self) -> dict[str, Any]:
        """Return it as SageMaker's capture record, version 0."""
        return {
            "captureData": {
                "endpointInput": {
                    "observedContentType": self.payloads.content_type,
                    "mode": "INPUT",
                    "data": self.request,
                    "encoding": self.payloads.encoding,
                },
                "endpointOutput": {
                    "observedContentType": self.response_type,
                    "mode": "OUTPUT",
                    "data": self.response,
                    "encoding": self.payloads.encoding,
                },
            },
            "eventMetadata": {
                "eventId": self.event_id,
                "inferenceId": self.inference_id,
                "inferenceTime": iso_utc(self.time),
            },
            "eventVersion": "0",
        }


class ObjectStore(Protocol):
    """The call of boto3's S3 client that capturing needs."""

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> Any:  # noqa: N803 -- boto3's names
        """Write an object."""


def capture(s3: ObjectStore, destination_s3_uri: str, variant: str, exchanges: Iterable[Exchange]) -> list[str]:
    """Write exchanges in SageMaker's layout ``.../{variant}/yyyy/mm/dd/hh/MM-SS-mmm-{id}.jsonl``.

    Parameters
    ----------
    s3 : ObjectStore
        Where they are written to.
    destination_s3_uri : str
        The endpoint's capture destination, with the endpoint's name.
    variant : str
        The production variant.
    exchanges : iterable of Exchange
        In order of time.

    Returns
    -------
    list of str
        The keys written: a file for every ``MINUTES_PER_FILE`` minutes with traffic.
    """
    destination = urlsplit(destination_s3_uri)
    keys = []
    for _, group in groupby(exchanges, key=lambda e: int(e.time.timestamp()) // (MINUTES_PER_FILE * 60)):
        records = list(group)
        first = records[0].time.astimezone(UTC)
        name = f"{first:%Y/%m/%d/%H/%M-%S}-{first.microsecond // 1000:03d}-{records[0].event_id}.jsonl"
        key = f"{destination.path.strip('/')}/{variant}/{name}"
        body = "".join(json.dumps(record.to_record()) + "\n" for record in records)
        s3.put_object(Bucket=destination.netloc, Key=key, Body=body.encode())
        keys.append(key)
    return keys
