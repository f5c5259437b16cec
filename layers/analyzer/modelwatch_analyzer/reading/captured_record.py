"""A record that SageMaker's data capture writes: a request with its response, or a transform output."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from operator import attrgetter

import msgspec

from modelwatch_analyzer.reading.payloads import Payload
from modelwatch_core.domain.dataset_formats import GROUND_TRUTH, REQUEST, RESPONSE, TRANSFORM_OUTPUT, CaptureSide


class _CaptureData(msgspec.Struct, gc=False):
    endpointInput: Payload | None = None  # noqa: N815 - SageMaker's name
    endpointOutput: Payload | None = None  # noqa: N815 - SageMaker's name
    batchTransformOutput: Payload | None = None  # noqa: N815 - SageMaker's name


class _EventMetadata(msgspec.Struct, gc=False):
    eventId: str | None = None  # noqa: N815 - SageMaker's name
    inferenceId: str | None = None  # noqa: N815 - SageMaker's name
    inferenceTime: datetime | None = None  # noqa: N815 - SageMaker's name


class CapturedRecord(msgspec.Struct, gc=False):
    """The fields of a captured record that readers need, named as in the file."""

    captureData: _CaptureData  # noqa: N815 - SageMaker's name
    eventMetadata: _EventMetadata | None = None  # noqa: N815 - SageMaker's name
    groundTruthData: Payload | None = None  # noqa: N815 - SageMaker's name

    @property
    def time(self) -> datetime | None:
        """The time of the event; one without an offset is UTC."""
        time = self.eventMetadata.inferenceTime if self.eventMetadata else None
        return time and with_offset(time)


DECODER = msgspec.json.Decoder(CapturedRecord)
PAYLOAD_OF: Mapping[CaptureSide, Callable[[CapturedRecord], Payload | None]] = {
    REQUEST: attrgetter(f"captureData.{REQUEST}"),
    RESPONSE: attrgetter(f"captureData.{RESPONSE}"),
    TRANSFORM_OUTPUT: attrgetter(f"captureData.{TRANSFORM_OUTPUT}"),
    GROUND_TRUTH: attrgetter(GROUND_TRUTH),
}
"""How to get the payload of each side of a record; it is None if the side was not captured."""


def with_offset(time: datetime) -> datetime:
    """Return a time as that of its zone; one without an offset is UTC."""
    return time if time.tzinfo else time.replace(tzinfo=UTC)
