"""``EventBus`` in EventBridge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelwatch_core.adapters.aws.translation import aws_errors
from modelwatch_core.domain.errors import Upstream
from modelwatch_core.domain.events import SOURCE, Emitted

if TYPE_CHECKING:
    from types_boto3_events.client import EventBridgeClient


@dataclass(frozen=True, slots=True)
class EventBridgeBus:
    """``EventBus`` in EventBridge."""

    events: EventBridgeClient
    bus_name: str

    def publish(self, event: Emitted) -> None:
        """Publish an event."""
        with aws_errors(f"publishing {event.detail_type!r}"):
            response = self.events.put_events(
                Entries=[
                    {
                        "EventBusName": self.bus_name,
                        "Source": SOURCE,
                        "DetailType": event.detail_type,
                        "Detail": event.model_dump_json(),
                    }
                ]
            )
        if response["FailedEntryCount"]:
            # put_events returns 200 although it took nothing.
            raise Upstream("EventNotTaken", f"{event.detail_type!r}: {response['Entries'][0].get('ErrorCode')}")
