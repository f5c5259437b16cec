"""How many files a value passes through on its way: a reader who follows it opens these, and no others."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from types import FrameType

import polars as pl
import pytest

from modelwatch_analyzer.analysis import analyze
from modelwatch_core.domain.alert_text import alert_text
from modelwatch_core.domain.settings_environment import analysis_settings
from tests.core.world import DRIFT, World

pytestmark = pytest.mark.slow

MARK = "a-marked-value"
PACKAGES = ("/modelwatch_core/", "/modelwatch_analyzer/")
DEPTH = 5
MOST_ITEMS = 50


def holds(value: object, depth: int = DEPTH) -> bool:
    """Say whether a value, or something within it, contains the mark."""
    match value:
        case str():
            return MARK in value
        case bytes() | bytearray():
            return MARK.encode() in value
        case pl.DataFrame():
            return any(holds(column) for column in value.get_columns())
        case pl.Series():
            return value.dtype == pl.String and bool(value.str.contains(MARK, literal=True).any())
        case _ if depth == 0:
            return False
        case dict():
            return any(holds(part, depth - 1) for pair in list(value.items())[:MOST_ITEMS] for part in pair)
        case list() | tuple() | set() | frozenset():
            return any(holds(part, depth - 1) for part in list(value)[:MOST_ITEMS])
        case _ if type(value).__module__.startswith("modelwatch"):
            return any(holds(part, depth - 1) for part in _fields(value))
    return False


def _fields(value: object) -> list[object]:
    names = [*vars(value)] if hasattr(value, "__dict__") else []
    names += [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
    return [getattr(value, name, None) for name in names if not name.startswith("__")]


def files_that_hold_the_mark(call: Callable[[], object]) -> set[str]:
    """Run something, and return the files of the product in which some function held the mark."""
    found: set[str] = set()
    looking = False

    def look(frame: FrameType, event: str, returned: object) -> None:
        nonlocal looking
        file = frame.f_code.co_filename
        if looking or event != "return" or file in found or not any(package in file for package in PACKAGES):
            return
        looking = True
        try:
            if holds(returned) or any(holds(value) for value in frame.f_locals.values()):
                found.add(file)
        finally:
            looking = False

    sys.setprofile(look)
    try:
        call()
    finally:
        sys.setprofile(None)
    return {file.rpartition("/layers/")[2] for file in found}


def test_a_captured_payload_passes_through_at_most_31_files_to_a_line_of_the_report(tmp_path):
    def record(place: int) -> str:
        part = {"observedContentType": "text/csv", "encoding": "CSV"}
        request = part | {"mode": "INPUT", "data": f"{place},{MARK if place % 2 else 'b'}"}
        response = part | {"mode": "OUTPUT", "data": f"{place / 100}"}
        metadata = {"eventId": str(place), "inferenceTime": "2026-11-22T09:30:00Z"}
        data = {"endpointInput": request, "endpointOutput": response}
        return json.dumps({"captureData": data, "eventMetadata": metadata, "eventVersion": "0"})

    (tmp_path / "captures").mkdir()
    (tmp_path / "captures" / "a.jsonl").write_text("\n".join(map(record, range(600))))
    settings = analysis_settings(
        dataset_source=tmp_path / "captures",
        dataset_format={"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput", "endpointOutput"]}},
        output_path=tmp_path / "out",
    )
    files = files_that_hold_the_mark(lambda: analyze(settings))
    assert MARK in (tmp_path / "out" / "report.html").read_text()
    assert 15 < len(files) <= 31, sorted(files)


def test_a_violation_passes_through_fewer_than_12_files_to_a_mail():
    world = World()
    world.has_schedule()
    world.has_captures()
    ended = world.ends(world.tick(), DRIFT | {"description": MARK})
    texts = []

    def until_the_mail() -> None:
        world.finish(ended)
        world.deliver()
        texts.extend(map(alert_text, world.mail.alerts))

    files = files_that_hold_the_mark(until_the_mail)
    assert MARK in texts[0]
    # The bus, the topic and the two handlers that pass it on are files too; in memory they are not run.
    passed_on = {"adapters/aws/event_bus.py", "adapters/aws/sns_topic.py", "route_alerts/app.py"}
    assert 4 < len(files | passed_on) < 12, sorted(files)
