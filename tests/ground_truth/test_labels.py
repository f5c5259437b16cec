"""Files of labels in two forms, valid and malformed."""

from __future__ import annotations

import gzip
import json
import random
import uuid
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch_analyzer.ground_truth.keys import Hashes
from modelwatch_analyzer.ground_truth.labels import GroundTruth, read_ground_truth
from modelwatch_analyzer.reading.dataset import Role
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_core.domain.errors import InvalidInput

from .conftest import World, captured, label, rows


def found(world: World, log: ReadLog | None = None) -> GroundTruth:
    return read_ground_truth(world.folder / "labels", None, log or ReadLog())


def data_of(labels: GroundTruth, *ids: str) -> list[str | None]:
    places = labels.ids.find(Hashes.of(pl.Series(ids)))
    return [labels.data[int(place)] if place >= 0 else None for place in places]


def test_malformed_json_labels_are_reported_with_file_and_line(world: World) -> None:
    world.labels(
        label("a", "1"),
        "{",
        "",
        label("b", "1", "BASE64"),
        label("", "1"),
        label("c", ""),
        '{"groundTruthData": {"data": [1], "encoding": "CSV"}, "eventMetadata": {"eventId": "d"}}',
        '{"groundTruthData": {"data": "1", "encoding": "CSV"}, "eventMetadata": {"inferenceTime": "{%s}"}}',
        label("e", "0"),
    )
    log = ReadLog()
    labels = found(world, log)
    assert data_of(labels, "a", "e", "b", "c", "d") == ["1", "0", None, None, None]
    place = "2026/11/22/03/a.jsonl"
    assert log.malformed_examples == [
        f"{place}:2: not JSON",
        f"{place}:4: an encoding that is neither CSV nor JSON",
        f"{place}:5: no eventId",
        f"{place}:6: no label",
        f"{place}:7: not a label: Expected `bool | int | float | str`, got `array` - at `$.groundTruthData.data`",
        f"{place}:8: not a label: Object missing required field `eventId` - at `$.eventMetadata`",
    ]
    world.capture(captured("0.1", event="a"))
    (warning,) = world.opened().warnings
    assert warning.startswith(
        f"6 labels that cannot be parsed were left out, for instance {place}:2: not JSON; {place}:4: "
    )


def test_labels_may_be_numbers_and_booleans_of_json_and_ids_numbers(world: World) -> None:
    records = [
        {"groundTruthData": {"data": data, "encoding": "CSV"}, "eventMetadata": {"eventId": place}}
        for place, data in enumerate([1, 0, 2.5, "1", True])
    ]
    for others in ((), ("{",)):  # together, and one by one beside a malformed one
        world.labels(*map(json.dumps, records), *others)
        log = ReadLog()
        assert data_of(found(world, log), *"01234") == ["1", "0", "2.5", "1", "true"]
        assert log.malformed == len(others)


def test_an_array_of_labels_over_several_lines_is_read(world: World) -> None:
    document = json.dumps([label("a", "1"), {"x": 1}, label("b", "[0, 1]", "JSON")], indent=2)
    world.write("labels/a.jsonl", document)
    log = ReadLog()
    labels = found(world, log)
    assert data_of(labels, "a", "b") == ["1", "[0, 1]"]
    assert labels.encodings[labels.ids.find(Hashes.of(pl.Series(["a", "b"])))].tolist() == [0, 1]
    assert [example.split(":")[1] for example in log.malformed_examples] == ["12"]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.csv.gz"])
def test_the_form_of_a_file_is_recognised_by_its_content(world: World, name: str) -> None:
    text = "\ufeff\r\nGround_Truth_Value, inference_id ,note\r\n42.5,abc123,\r\n38.2,def456,x\r\n"
    world.write(f"labels/{name}", text)
    assert data_of(found(world), "abc123", "def456") == ["42.5", "38.2"]


def test_malformed_csv_labels_are_reported_with_file_and_line(world: World) -> None:
    content = (
        "inference_id,timestamp,ground_truth_label\n"
        "a,,1\n"
        "b,2026-11-22T03:00:00Z,\n"
        "\n"
        ",,1\n"
        ",yesterday,1\n"
        "c,1\n"
        'd,,"1\n'
        "e,,0\n"
    )
    world.write("labels/a.csv", content)
    log = ReadLog()
    assert data_of(found(world, log), "a", "e", "b", "c", "d") == ["1", "0", None, None, None]
    assert log.malformed_examples == [
        "a.csv:3: no label",
        "a.csv:5: neither an inference_id nor a timestamp",
        "a.csv:6: no inference_id, and a timestamp that is not ISO 8601",
        "a.csv:7: 2 fields instead of 3",
        "a.csv:8: a quote is opened and not closed",
    ]


def test_a_label_with_commas_stays_one_field(world: World) -> None:
    world.labels("inference_id,ground_truth_label", 'a,"x, ""y"""', path="a.csv")
    assert data_of(found(world), "a") == ['"x, ""y"""']


@pytest.mark.parametrize(
    "content",
    [
        "id,label\na,1\n",
        "inference_id,timestamp\na,2026-11-22T03:00:00Z\n",
        "inference_id,ground_truth_label,ground_truth_value\na,1,1\n",
        "ground_truth_label\n1\n",
        "abc123,2026-11-22T03:00:00Z,1\n",
        "\x89PNG",
        "inference_id,inference_id,ground_truth_label\na,b,1\n",
    ],
)
def test_a_file_of_neither_form_is_refused(world: World, content: str) -> None:
    world.labels(label("a", "1"))
    world.write("labels/z.txt", content.encode())
    with pytest.raises(InvalidInput, match=r"z\.txt is neither JSON .* nor comma-separated") as refused:
        found(world)
    assert refused.value.code == "InvalidGroundTruth"
    assert "abc123" not in refused.value.message


def test_a_refusal_says_what_is_there_and_what_is_needed_and_shows_the_line_on_the_terminal_only(world: World) -> None:
    world.write("labels/a.csv", "order;Timestamp;label\n7;2026-11-22T03:00:00Z;1\n")
    with pytest.raises(InvalidInput) as refused:
        found(world)
    assert refused.value.message.endswith(
        "Its first line has 1 field, of which none is among these names. It must have inference_id or timestamp, or "
        "both, and either ground_truth_label or ground_truth_value, each once"
    )
    assert refused.value.examples == "first line: order;Timestamp;label"
    world.write("labels/a.csv", "Inference_ID,Timestamp,label\na,2026-11-22T03:00:00Z,1\n")
    with pytest.raises(InvalidInput, match="has 3 fields, of which inference_id and timestamp are among these names"):
        found(world)


@pytest.mark.parametrize(
    "header",
    [
        "inference_id,timestamp,ground_truth_label",
        "INFERENCE_ID, Timestamp ,Ground_Truth_Label",
        "inference_id,Timestamp,ground_truth_label",
    ],
)
def test_a_name_may_differ_in_blanks_and_case(world: World, header: str) -> None:
    world.write("labels/a.csv", f"{header}\na,2026-11-22T03:00:00Z,1\n")
    assert data_of(found(world), "a") == ["1"]


def test_of_two_names_that_differ_in_case_the_exact_one_is_taken(world: World) -> None:
    world.write("labels/a.csv", "Ground_Truth_Label,inference_id,ground_truth_label\n0,a,1\n")
    assert data_of(found(world), "a") == ["1"]


def test_where_two_names_are_possible_neither_is_taken(world: World) -> None:
    world.write("labels/a.csv", "Ground_Truth_Label,inference_id,GROUND_TRUTH_LABEL\n0,a,1\n")
    with pytest.raises(InvalidInput, match="inference_id and ground_truth_label are among these names"):
        found(world)


@pytest.mark.parametrize(("separator", "name"), [(";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars")])
def test_another_separator_that_makes_the_header_certain_is_taken_and_reported_once(
    world: World, separator: str, name: str
) -> None:
    for file in ("a.csv", "b.csv"):
        rows = [
            ["inference_id", "timestamp", "ground_truth_value"],
            [f"{file} 1", "", "2,5"],
            [f"{file} 2", "2026-11-22T03:00:00Z", "x"],
            ["", "2026-11-22T03:00:01Z", "3"],
        ]
        world.write(f"labels/{file}", "\r\n".join(separator.join(row) for row in rows))
    log = ReadLog()
    labels = found(world, log)
    assert (labels.found, log.malformed) == (6, 0)
    assert data_of(labels, "a.csv 1", "b.csv 2") == ['"2,5"', "x"]
    assert log.remarks == [f"labels are separated by {name}, as the names in their header show"]


def test_a_folder_may_mix_csv_and_json_lines(world: World) -> None:
    world.labels("Timestamp;Ground_Truth_Label;Inference_ID", ";1;a", path="2026/11/22/03/a.csv")
    world.labels(label("b", "0"), path="2026/11/22/03/b.jsonl")
    world.labels("ground_truth_label,inference_id", "1,c", path="2026/11/22/04/c.csv")
    assert data_of(found(world), "a", "b", "c") == ["1", "0", "1"]


def test_a_damaged_archive_is_reported(world: World) -> None:
    world.labels(label("a", "1"))
    complete = gzip.compress(json.dumps(label("b", "1")).encode())
    for damaged, reason in ((complete[:15], "is truncated"), (complete[:12] + b"xx" + complete[14:], "is damaged")):
        world.write("labels/z.jsonl", damaged)
        log = ReadLog()
        assert found(world, log).found == 1
        assert any(f"z.jsonl: the compressed data {reason}" in example for example in log.malformed_examples)


def test_labels_that_are_all_malformed_are_refused(world: World) -> None:
    world.labels('{"a": 1}', "[")
    with pytest.raises(
        InvalidInput, match=r"no label in .* can be parsed \(2 labels read\): .*a\.jsonl:1: "
    ) as refused:
        found(world)
    assert refused.value.code == "InvalidGroundTruth"


def test_times_are_instants(world: World) -> None:
    world.labels(
        "timestamp,ground_truth_label",
        "2026-11-22T03:00:00Z,1",
        "2026-11-22 04:00:00+01:00,1",
        "2026-11-22T03:00:00,1",
        "2026-11-22T03:00:00.5Z,0",
        path="a.csv",
    )
    labels = found(world)
    assert (labels.found, labels.duplicates, labels.conflicting, len(labels.data)) == (4, 2, 0, 2)
    moment = int(datetime(2026, 11, 22, 3, tzinfo=UTC).timestamp() * 1e6)
    (place,) = labels.times.find(Hashes.of(pl.Series([moment])))
    assert labels.data[int(place)] == "1"


def test_labels_take_few_bytes_each(tmp_path: Path) -> None:
    draw = random.Random(0)
    lines = [json.dumps(label(str(uuid.UUID(int=draw.getrandbits(128))), str(n % 2))) for n in range(5000)]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    labels = read_ground_truth(tmp_path, None, ReadLog())
    hashes = labels.ids.first.nbytes + labels.ids.second.nbytes
    state = hashes + labels.encodings.nbytes + labels.late.nbytes + labels.data.estimated_size()
    assert labels.found == len(labels.data) == 5000
    assert state / 5000 <= 34  # 16 for hashes, 2 for encoding and lateness, at most 16 for a short text


@given(st.lists(st.text(max_size=3), max_size=30, unique=True), st.lists(st.text(max_size=3), max_size=30))
def test_keys_are_found_at_their_index(keys: list[str], wanted: list[str]) -> None:
    hashes = Hashes.of(pl.Series(keys, dtype=pl.String))
    order = hashes.order()
    ordered = [keys[place] for place in order]
    places = hashes[order].find(Hashes.of(pl.Series(wanted, dtype=pl.String)))
    assert places.tolist() == [ordered.index(key) if key in keys else -1 for key in wanted]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=20, unique=True), st.data())
def test_keys_that_share_their_first_hash_are_distinguished(pairs: list[tuple[int, int]], data: st.DataObject) -> None:
    wanted = data.draw(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=20))
    ordered = sorted(pairs)
    places = _hashes(ordered).find(_hashes(wanted))
    assert places.tolist() == [ordered.index(pair) if pair in ordered else -1 for pair in wanted]
    order = _hashes(pairs).order()
    assert [pairs[place] for place in order] == ordered


def _hashes(pairs: list[tuple[int, int]]) -> Hashes:
    array = np.array(pairs, np.uint64).reshape(-1, 2)
    return Hashes(array[:, 0].copy(), array[:, 1].copy())


def test_predictions_without_any_id_are_matched_by_time(world: World) -> None:
    world.capture(captured("0.1", event=None, time="2026-11-22T03:00:01Z"))
    world.labels("timestamp,ground_truth_value", "2026-11-22T03:00:01Z,7.5", path="a.csv")
    opened = world.opened()
    assert rows(opened.dataset, Role.INFERENCE, Role.GROUND_TRUTH) == [("0.1", "7.5")]
