from __future__ import annotations

import json

import jsonschema
import pytest

from events.generate_schemas import SCHEMAS, file_name, schema_text
from modelwatch_core.domain.event_catalogue import EMITTED
from modelwatch_core.domain.events import SOURCE
from tests.repository import ROOT

OUTBOUND = sorted((ROOT / "events/outbound").glob("*.json"))


@pytest.mark.parametrize("event", EMITTED, ids=lambda event: event.detail_type)
def test_the_committed_schema_is_that_of_the_model(event):
    assert (SCHEMAS / file_name(event)).read_text() == schema_text(event), "run: make schemas"


@pytest.mark.parametrize("example", OUTBOUND, ids=lambda path: path.name)
def test_every_example_ever_published_is_valid_and_can_still_be_read(example):
    envelope = json.loads(example.read_text())
    (event,) = [event for event in EMITTED if event.detail_type == envelope["detail-type"]]
    assert envelope["source"] == SOURCE
    schema = json.loads((SCHEMAS / file_name(event)).read_text())
    jsonschema.validate(envelope["detail"], schema, format_checker=jsonschema.FormatChecker())
    event.model_validate(envelope["detail"])


def test_there_is_an_example_of_every_event():
    seen = {json.loads(path.read_text())["detail-type"] for path in OUTBOUND}
    assert seen == {event.detail_type for event in EMITTED}


def test_an_event_with_a_wrong_status_is_not_valid():
    envelope = json.loads((ROOT / "events/outbound/execution-ended.with-violations.json").read_text())
    envelope["detail"]["monitoring_execution_status"] = "Fine"
    schema = json.loads((SCHEMAS / "execution-ended.2.0.json").read_text())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(envelope["detail"], schema)
