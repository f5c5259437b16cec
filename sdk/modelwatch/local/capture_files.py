"""What SageMaker's data capture writes: requests and responses of an endpoint, as JSON lines in S3."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Protocol

from modelwatch_core.domain import s3_layout
from modelwatch_core.domain.documents import iso_utc

MINUTES_PER_FILE = 5


@dataclass(frozen=True, slots=True)
class Payload:
    """One side of an invocation.

    Attributes
    ----------
    content_type : str
        As observed, with its parameters.
    data : str
        The body as text, or in BASE64.
    encoding : str
        ``CSV``, ``JSON`` or ``BASE64``.
    """

    content_type: str
    data: str
    encoding: str

    def to_record(self, mode: str) -> dict[str, str]:
        """Return it as a capture record holds it; ``mode`` is INPUT or OUTPUT."""
        return {
            "observedContentType": self.content_type,
            "mode": mode,
            "data": self.data,
            "encoding": self.encoding,
        }


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request to an endpoint and its response.

    Attributes
    ----------
    event_id : str
        SageMaker's id of the invocation.
    time : datetime
        When, in UTC.
    request, response : Payload or None
        None for a side that is not captured.
    inference_id, custom_attributes : str or None
        What the caller passed as InferenceId and CustomAttributes.
    """

    event_id: str
    time: datetime
    request: Payload | None
    response: Payload | None
    inference_id: str | None = None
    custom_attributes: str | None = None

    def to_record(self) -> dict[str, Any]:
        """Return it as SageMaker's capture record, version 0."""
        sides = (("endpointInput", "INPUT", self.request), ("endpointOutput", "OUTPUT", self.response))
        return {
            "captureData": {name: payload.to_record(mode) for name, mode, payload in sides if payload is not None},
            "eventMetadata": {
                "eventId": self.event_id,
                **({} if self.custom_attributes is None else {"customAttributes": [self.custom_attributes]}),
                **({} if self.inference_id is None else {"inferenceId": self.inference_id}),
                "inferenceTime": iso_utc(self.time),
            },
            "eventVersion": "0",
        }


class ObjectStore(Protocol):
    """The call of boto3's S3 client that capturing needs."""

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> Any:  # noqa: N803 -- boto3's names
        """Write an object."""


def write_captures(s3: ObjectStore, destination_s3_uri: str, variant: str, exchanges: Iterable[Exchange]) -> list[str]:
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
    bucket, folder = s3_layout.split(destination_s3_uri)
    keys = []
    for _, group in groupby(exchanges, key=lambda e: int(e.time.timestamp()) // (MINUTES_PER_FILE * 60)):
        records = list(group)
        first = records[0].time.astimezone(UTC)
        name = f"{first:%Y/%m/%d/%H/%M-%S}-{first.microsecond // 1000:03d}-{records[0].event_id}.jsonl"
        key = f"{folder.strip('/')}/{variant}/{name}".lstrip("/")
        body = "".join(json.dumps(record.to_record()) + "\n" for record in records)
        s3.put_object(Bucket=bucket, Key=key, Body=body.encode())
        keys.append(key)
    return keys
