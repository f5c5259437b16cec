"""Write the JSON Schema of every event that Modelwatch emits: ``python -m events.generate_schemas``."""

from __future__ import annotations

import json
from pathlib import Path

from modelwatch_core.domain.event_catalogue import EMITTED
from modelwatch_core.domain.events import Emitted

SCHEMAS = Path(__file__).parent / "schemas"


def file_name(event: type[Emitted]) -> str:
    """Return the name of an event's schema: its detail type and version."""
    version = event.model_fields["schema_version"].default
    return f"{event.detail_type.lower().replace(' ', '-')}.{version}.json"


def schema_text(event: type[Emitted]) -> str:
    """Return the schema of an event's detail, as it is committed."""
    schema = event.model_json_schema(mode="serialization") | {"title": event.detail_type}
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    for emitted in EMITTED:
        (SCHEMAS / file_name(emitted)).write_text(schema_text(emitted))
