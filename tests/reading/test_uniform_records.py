"""Records of one form are cut out of their lines, with the same result as parsing each of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from modelwatch_analyzer.reading import capture_records, uniform_records
from modelwatch_analyzer.reading.capture_records import CapturedRecords, RecordBlock
from modelwatch_analyzer.reading.captured_record import PAYLOAD_OF, CapturedRecord
from modelwatch_analyzer.reading.files import SourceFile
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_analyzer.reading.record_times import RecordTimes
from modelwatch_analyzer.reading.uniform_records import cut_records


@pytest.fixture(autouse=True)
def _of_few_records(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uniform_records, "FEWEST_UNIFORM", 2)
    monkeypatch.setattr(capture_records, "FEWEST_UNIFORM", 2)
    monkeypatch.setattr(uniform_records, "_AT_ONCE", 2)  # as if there were many


def record(request: str = "1,2", response: str = "0.5\n", event: str = "e", time: str = "2026-11-22T09:00:00Z") -> dict:
    """Return a record as SageMaker writes it."""
    sides = {
        side: {"observedContentType": "text/csv", "mode": mode, "data": data, "encoding": "CSV"}
        for side, mode, data in (("endpointInput", "INPUT", request), ("endpointOutput", "OUTPUT", response))
    }
    return {
        "captureData": sides,
        "eventMetadata": {"eventId": event, "inferenceId": f"i{event}", "inferenceTime": time},
        "eventVersion": "0",
    }


def line_of(document: object) -> str:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def text_of(*documents: object) -> bytes:
    return "".join(f"{line_of(document)}\n" for document in documents).encode(errors="surrogatepass")


def as_parsed(records: Sequence[CapturedRecord]) -> list[object]:
    """Return what readers ask of records."""
    metadata = [record.eventMetadata for record in records]
    return [
        [each and each.eventId for each in metadata],
        [each and each.inferenceId for each in metadata],
        {record.time for record in records},
        {side: list(map(payload_of, records)) for side, payload_of in PAYLOAD_OF.items()},
    ]


def as_asked(block: RecordBlock) -> list[object]:
    times = block.times if block.uniform else [record.time for record in block.records]
    return [
        block.event_ids.to_list(),
        block.inference_ids.to_list(),
        {time if time is None or time.tzinfo else time.replace(tzinfo=UTC) for time in times},
        {side: list(block.payloads(side)) for side in PAYLOAD_OF},
    ]


def blocks_of(text: bytes, folder: Path, log: ReadLog, times: RecordTimes | None = None) -> list[RecordBlock]:
    path = folder / "a.jsonl"
    path.write_bytes(text)
    captured = CapturedRecords((SourceFile(path, path.name),), *([times] if times else []))
    return list(captured.blocks(log))


PLAIN = st.text(st.sampled_from("0123456789,.-eä~{}[]: "), max_size=9)
ANY = st.one_of(PLAIN, st.text(st.sampled_from('1,"\\\n\r\t\0\x7f\u2028😀'), max_size=4))
TIME = st.sampled_from(["2026-11-22T09:00:00Z", "2026-11-22T10:59:59Z", "2026-11-22T09:00:00", "2026-11-22T09:00:61Z"])


@given(
    texts=st.lists(st.tuples(PLAIN, PLAIN, PLAIN), min_size=2, max_size=7),
    line_ends=st.sampled_from(["", "\n", "\r\n"]),
    last=st.sampled_from([b"\n", b""]),
)
def test_texts_without_escapes_are_cut_and_are_those_of_parsed_records(
    texts: list[tuple[str, str, str]], line_ends: str, last: bytes
) -> None:
    documents = [record(request, f"{response}{line_ends}", event) for request, response, event in texts]
    text = text_of(*documents).removesuffix(b"\n") + last
    cut = cut_records(text, len(documents))
    assert cut is not None
    block = RecordBlock(SourceFile(Path("a"), "a"), range(len(documents)), [], [], cut)
    parsed = [msgspec.convert(document, CapturedRecord) for document in documents]
    assert as_asked(block) == as_parsed(parsed)


@given(
    texts=st.lists(st.tuples(ANY, ANY, ANY, TIME), min_size=2, max_size=5),
    broken=st.none()
    | st.tuples(st.integers(0, 4), st.integers(0, 400), st.sampled_from(['"', ",", "\n", "\\", "x", ""])),
)
@example(texts=[("1", "2", "3", "2026-11-22T09:00:00Z")] * 3, broken=(1, 90, ""))
@settings(max_examples=400)
def test_whatever_lines_hold_the_result_is_that_of_parsing_each(
    tmp_path_factory: pytest.TempPathFactory,
    texts: list[tuple[str, str, str, str]],
    broken: tuple[int, int, str] | None,
) -> None:
    lines = [line_of(record(*each)) for each in texts]
    if broken and broken[0] < len(lines):
        number, place, other = broken
        lines[number] = lines[number][:place] + other + lines[number][place + 1 :]
    text = "".join(f"{line}\n" for line in lines).encode()
    together, apart = ReadLog(), ReadLog()
    (block,) = blocks_of(text, tmp_path_factory.mktemp("together"), together)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(capture_records, "cut_records", lambda *_: None)
        (expected,) = blocks_of(text, tmp_path_factory.mktemp("apart"), apart)
    assert list(block.records) == list(expected.records)
    assert list(block.numbers) == list(expected.numbers)
    assert as_asked(block) == as_parsed(expected.records)
    assert (together.malformed, together.duplicate_events) == (apart.malformed, apart.duplicate_events)


UNLIKE: dict[str, Callable[[dict], object]] = {
    "another encoding": lambda each: each["captureData"]["endpointInput"].update(encoding="JSON"),
    "another type": lambda each: each["captureData"]["endpointOutput"].update(observedContentType="text/plain"),
    "one more field": lambda each: each["eventMetadata"].update(customAttributes=["a"]),
    "no response": lambda each: each["captureData"].pop("endpointOutput"),
    "no time": lambda each: each["eventMetadata"].pop("inferenceTime"),
    "a time of no clock": lambda each: each["eventMetadata"].update(inferenceTime="2026-11-22T09:99:00Z"),
    "another line end": lambda each: each["captureData"]["endpointOutput"].update(data="0.5"),
    "an escape": lambda each: each["captureData"]["endpointInput"].update(data="1,\\"),
    "a quote": lambda each: each["captureData"]["endpointInput"].update(data='1,"2"'),
}


@pytest.mark.parametrize("unlike", UNLIKE.values(), ids=UNLIKE)
@pytest.mark.parametrize("place", [0, 2, 4])
def test_lines_of_which_one_is_unlike_the_others_are_not_cut(unlike: Callable[[dict], object], place: int) -> None:
    documents = [record(str(number), event=str(number)) for number in range(5)]
    assert cut_records(text_of(*documents), 5) is not None
    unlike(documents[place])
    assert cut_records(text_of(*documents), 5) is None


def test_texts_that_were_put_between_other_quotes_are_not_cut() -> None:
    documents = [record(str(number), event=str(number)) for number in range(3)]
    swapped = text_of(*documents).replace(b'"mode":"INPUT","data":"1"', b'"data":"INPUT","mode":"1"')
    assert cut_records(swapped, 3) is None


def test_lines_of_many_texts_are_not_cut() -> None:
    def tagged(tags: int) -> list[dict]:
        documents = [record(str(number)) for number in range(3)]
        for document in documents:
            document["eventMetadata"]["customAttributes"] = ["x"] * tags
        return documents

    assert cut_records(text_of(*tagged(50)), 3) is not None
    assert cut_records(text_of(*tagged(150)), 3) is None


def test_control_characters_are_no_text_of_json() -> None:
    text = text_of(record("1,2"), record("1\t2")).replace(rb"\t", b"\t")
    assert cut_records(text, 2) is None


def test_text_that_is_not_utf_8_is_not_cut() -> None:
    assert cut_records(text_of(record("1"), record("\xe9")).replace("\xe9".encode(), b"\xe9"), 2) is None


def test_of_the_records_outside_of_the_window_none_is_left(tmp_path: Path) -> None:
    documents = [record(str(hour), event=str(hour), time=f"2026-11-22T{hour:02}:30:00Z") for hour in range(8, 12)]
    times = RecordTimes(datetime(2026, 11, 22, 9, tzinfo=UTC), datetime(2026, 11, 22, 11, tzinfo=UTC))
    log = ReadLog()
    (block,) = blocks_of(text_of(*documents), tmp_path, log, times)
    assert block.event_ids.to_list() == ["9", "10"]
    assert log.out_of_window == 2


def test_after_lines_that_are_not_alike_the_form_is_not_learnt_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(capture_records, "cut_records", lambda _, count: asked.append(count))
    path = tmp_path / "a.jsonl"
    path.write_bytes(text_of(*[record(str(number)) for number in range(9)]))
    blocks = list(CapturedRecords((SourceFile(path, path.name),)).blocks(ReadLog(), 3))
    assert [len(block.records) for block in blocks] == [3, 3, 3]
    assert asked == [3]
