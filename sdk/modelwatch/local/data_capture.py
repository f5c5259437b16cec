"""SageMaker's data capture: which requests and responses of the endpoints are kept, and when they reach S3."""

from __future__ import annotations

import base64
import random
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from modelwatch.local.aws_clients import AwsClients
from modelwatch.local.capture_files import Exchange, Payload, write_captures
from modelwatch.local.clock import Clock

SAGEMAKER = "sagemaker.amazonaws.com"
WRITTEN_AFTER = timedelta(seconds=5)
"""How long a record waits for others of its file, by the stack's clock; in AWS it takes minutes."""
_UNKNOWN_CONTENT_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class CaptureConfig:
    """The DataCaptureConfig of an endpoint that captures.

    Attributes
    ----------
    sampling_percentage : float
        The share of requests that is captured, 0 to 100.
    modes : frozenset of str
        ``Input``, ``Output``, ``InputAndOutput``.
    encodings : Mapping
        The encoding of each content type that CaptureContentTypeHeader lists, in lower case; all others are BASE64.
    """

    destination_s3_uri: str
    sampling_percentage: float
    modes: frozenset[str]
    encodings: Mapping[str, str]

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> CaptureConfig | None:
        """Return what CreateEndpointConfig was given, or None if capture is off."""
        if not is_enabled(config):
            return None
        header = config.get("CaptureContentTypeHeader") or {}
        lists = {"CSV": header.get("CsvContentTypes"), "JSON": header.get("JsonContentTypes")}
        return cls(
            destination_s3_uri=config["DestinationS3Uri"].rstrip("/"),
            sampling_percentage=float(config["InitialSamplingPercentage"]),
            modes=frozenset(option["CaptureMode"] for option in config["CaptureOptions"]),
            encodings={_media_type(each): encoding for encoding, types in lists.items() for each in types or ()},
        )

    def captures(self, mode: str) -> bool:
        """Return whether the side ``Input`` or ``Output`` is captured."""
        return bool(self.modes & {mode, "InputAndOutput"})

    def payload(self, content_type: str | None, body: bytes) -> Payload:
        """Encode a body as its content type says; text that is not UTF-8 is kept in BASE64."""
        observed = content_type or _UNKNOWN_CONTENT_TYPE
        encoding = self.encodings.get(_media_type(observed))
        try:
            if encoding is not None:
                return Payload(observed, body.decode(), encoding)
        except UnicodeDecodeError:
            pass
        return Payload(observed, base64.b64encode(body).decode(), "BASE64")


@dataclass(frozen=True, slots=True)
class Invoked:
    """A request to which a model responded.

    Attributes
    ----------
    request_type, response_type : str or None
        The Content-Type of each body.
    """

    endpoint: str
    variant: str
    request: bytes
    request_type: str | None
    response: bytes
    response_type: str | None
    inference_id: str | None = None
    custom_attributes: str | None = None


@dataclass(slots=True)
class _Waiting:
    """Records of one variant that are not yet in S3."""

    since: datetime
    exchanges: list[Exchange] = field(default_factory=list)


class DataCapture:
    """Collects what endpoints capture and writes it to S3, several records a file.

    Parameters
    ----------
    clients : AwsClients
        SageMaker's client of S3; as the bucket's policy is not evaluated, it may write to every bucket.
    clock : Clock
        The times of requests, by which they are put into folders.
    lost : callable
        Takes a description, the destination and the reason of records that could not be written.
    """

    def __init__(self, *, clients: AwsClients, clock: Clock, lost: Callable[[str, str, str], None]) -> None:
        self._clients, self._clock, self._lost = clients, clock, lost
        self._lock = threading.Lock()
        self._waiting: dict[tuple[str, str], _Waiting] = {}
        self._random = random.Random()

    def capture(self, config: CaptureConfig, invoked: Invoked) -> None:
        """Keep a request and its response, if it is drawn."""
        with self._lock:
            if self._random.uniform(0, 100) >= config.sampling_percentage < 100:
                return
            now = self._clock.now()
            place = (f"{config.destination_s3_uri}/{invoked.endpoint}", invoked.variant)
            self._waiting.setdefault(place, _Waiting(now)).exchanges.append(_exchange(config, invoked, now))

    def write(self, *, all_of_them: bool = False) -> bool:
        """Write the records that have waited for ``WRITTEN_AFTER``, or all of them; return whether there were any."""
        with self._lock:
            until = self._clock.now() - WRITTEN_AFTER
            due = [place for place, waiting in self._waiting.items() if all_of_them or waiting.since <= until]
            taken = {place: self._waiting.pop(place).exchanges for place in due}
            for (destination, variant), exchanges in taken.items():
                self._write(destination, variant, exchanges)
        return bool(taken)

    def _write(self, destination: str, variant: str, exchanges: list[Exchange]) -> None:
        try:
            write_captures(self._clients.for_principal(SAGEMAKER, "s3"), destination, variant, exchanges)
        except (ClientError, BotoCoreError) as error:
            self._lost(f"{len(exchanges)} captured records of variant {variant}", destination, str(error))


def is_enabled(config: Mapping[str, Any]) -> bool:
    """Return whether a DataCaptureConfig, which may be empty, captures; without EnableCapture it does."""
    return bool(config) and str(config.get("EnableCapture", True)).lower() == "true"


def _exchange(config: CaptureConfig, invoked: Invoked, now: datetime) -> Exchange:
    return Exchange(
        event_id=str(uuid.uuid4()),
        time=now,
        request=config.payload(invoked.request_type, invoked.request) if config.captures("Input") else None,
        response=config.payload(invoked.response_type, invoked.response) if config.captures("Output") else None,
        inference_id=invoked.inference_id,
        custom_attributes=invoked.custom_attributes,
    )


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()
