"""Merging predictions and labels: which label belongs to which prediction, and what is written."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwatch_analyzer.reading.dataset import Role
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.outcome import GroundTruthCounts

from .conftest import HOUR, PART, World, captured, label, rows

ID = "f04a8538-696c-4648-8064-8b680b2e331"
PAIR = (Role.INFERENCE, Role.GROUND_TRUTH)


def test_labels_are_matched_by_the_captured_event_id(world: World) -> None:
    world.capture(captured("0.1", event="a"), captured("0.2", event="b"), captured("0.3", event="c"))
    world.labels(label("c", "1"), label("a", "0"), label("x", "1"))
    found = world.opened()
    assert rows(found.dataset, *PAIR) == [("0.1", "0"), ("0.3", "1")]
    assert found.counts == GroundTruthCounts(
        predictions=3, labels=3, matched=2, unlabelled=1, without_prediction=1, duplicates=0, conflicting=0, late=0
    )
    assert found.warnings == ("there is no label yet for 1 of 3 predictions",)


def test_an_inference_id_has_precedence_over_the_event_id(world: World) -> None:
    world.capture(captured("0.1", event="a", inference="i"), captured("0.2", event="b", inference="j"))
    world.labels(label("a", "by event"), label("i", "by inference"), label("b", "by event"))
    found = world.opened()
    assert rows(found.dataset, *PAIR) == [("0.1", "by inference"), ("0.2", "by event")]
    assert found.counts is not None
    assert found.counts.without_prediction == 1


def test_a_label_belongs_to_all_predictions_that_share_its_id(world: World) -> None:
    world.capture(captured("0.1", inference="i"), captured("0.2", inference="i"))
    world.labels(label("i", "1"))
    found = world.opened()
    assert rows(found.dataset, *PAIR) == [("0.1", "1"), ("0.2", "1")]
    assert found.counts is not None
    assert (found.counts.matched, found.counts.labels, found.counts.without_prediction) == (2, 1, 0)


def test_a_merged_record_is_the_captured_one_with_its_label(world: World) -> None:
    text = json.dumps(captured('0.1"\u00e9', event="a"), separators=(" , ", " : "))
    world.capture(f"{text}  ")
    world.labels(label("a", '{"instances": [{"label": 0}]}', "JSON"))
    world.opened()
    line = (world.folder / f"out/merge/{HOUR}/{PART}").read_text()
    assert line.startswith(text[:-1])
    assert json.loads(line) == json.loads(text) | {
        "groundTruthData": {"data": '{"instances": [{"label": 0}]}', "encoding": "JSON"}
    }


def test_a_record_that_was_merged_before_gets_the_new_label(world: World) -> None:
    world.capture(captured("0.1", event="a") | {"groundTruthData": {"data": "old", "encoding": "CSV"}})
    world.labels(label("a", "new"))
    assert rows(world.opened().dataset, *PAIR) == [("0.1", "new")]
    line = (world.folder / f"out/merge/{HOUR}/{PART}").read_text()
    assert line.count("groundTruthData") == 1


def test_one_label_record_may_have_the_labels_of_all_rows_of_a_request(world: World) -> None:
    world.capture(captured("1,0.9\n0,0.2\n", "1,2\n3,4", "a"))
    world.labels(label("a", '{"instances": [{"label": 1}, {"label": 0}]}', "JSON"))
    found = world.opened(ground_truth_attribute="instances[*].label", inference_attribute="0")
    assert rows(found.dataset, Role.INFERENCE, Role.FEATURES, Role.GROUND_TRUTH) == [
        ("1", "1", "2", "1"),
        ("0", "3", "4", "0"),
    ]


def test_labels_with_a_different_number_of_rows_are_reported(world: World) -> None:
    world.capture(captured("1", event="a"), captured("0", event="b"))
    world.labels(label("a", "1\n0"), label("b", "1"))
    log = ReadLog()
    assert rows(world.opened().dataset, *PAIR, log=log) == [("0", "1")]
    (example,) = log.malformed_examples
    assert example == (
        f"{HOUR}/{PART}:1: the ground truth and the prediction differ in their number of rows: endpointOutput has 1, "
        "endpointInput has 1, groundTruthData has 2"
    )


def test_csv_labels_are_matched_by_id_or_else_by_time(world: World) -> None:
    world.capture(
        captured("0.1", event="a", time="2026-11-22T03:00:01Z"),
        captured("0.2", event="b", time="2026-11-22T03:00:02Z"),
        captured("0.3", event="c", time="2026-11-22T03:00:03Z"),
        captured("0.4", event="d", time="2026-11-22T03:00:04Z"),
        captured("0.5", event="f", time="2026-11-22T03:00:04Z"),
    )
    world.labels(
        "inference_id,timestamp,ground_truth_label",
        "a,2026-11-22T03:00:02Z,by id",
        ",2026-11-22T03:00:02Z,by time",
        ",2026-11-22T03:00:01Z,of a labelled one",
        ",2026-11-22T04:00:03+01:00,by time in another zone",
        ",2026-11-22T03:00:04Z,of two",
        path="a.csv",
    )
    found = world.opened()
    assert rows(found.dataset, *PAIR) == [("0.1", "by id"), ("0.2", "by time"), ("0.3", "by time in another zone")]
    assert found.counts == GroundTruthCounts(
        predictions=5,
        labels=5,
        matched=3,
        unlabelled=2,
        without_prediction=2,
        duplicates=0,
        conflicting=0,
        late=0,
        ambiguous=2,
    )


def test_repeated_labels_are_counted_and_the_last_upload_is_used(world: World) -> None:
    world.capture(captured("0.1", event="a"), captured("0.2", event="b"))
    world.labels(label("a", "0"), label("b", "1"), label("b", "1"), path="2026/11/22/03/z.jsonl")
    world.labels(label("a", "1"), label("b", "1"), path="2026/11/22/05/a.jsonl")
    world.labels("event_id,ground_truth_value", "a,2", "a,0", path="2026/11/22/04/a.csv")
    found = world.opened()
    assert rows(found.dataset, *PAIR) == [("0.1", "1"), ("0.2", "1")]
    # a: 0, 2, 0, 1 are three different labels in four records; b: 1, 1, 1 are one in three.
    assert found.counts == GroundTruthCounts(
        predictions=2, labels=7, matched=2, unlabelled=0, without_prediction=0, duplicates=3, conflicting=2, late=2
    )
    (warning,) = found.warnings
    assert warning.startswith("2 labels contradicted by another one with the same id were left out: only the last one")


def test_labels_collected_after_the_end_of_the_window_are_late(world: World) -> None:
    world.capture(*(captured("0.1", event=event) for event in "abcd"))
    world.labels(label("a", "0"), path="2026/11/22/03/a.jsonl")
    world.labels(label("b", "0"), path="2026/11/22/04/from-crm/a.jsonl")
    world.labels(label("c", "0"), label("x", "0"), path="2026/12/01/00/a.jsonl")
    world.labels(label("d", "0"), path="somewhere/a.jsonl")
    counts = world.opened().counts
    assert counts is not None
    assert (counts.matched, counts.late) == (4, 2)


def test_each_hour_folder_becomes_one_file_and_a_second_merge_replaces_it(world: World) -> None:
    world.capture(captured("0.1", event="a"), path=f"{HOUR}/00-01-234.jsonl")
    world.capture(captured("0.2", event="b"), path=f"{HOUR}/01-01-234.jsonl")
    later = HOUR.replace("/03", "/04")
    world.capture(captured("0.3", event="c", time="2026-11-22T04:10:00Z"), path=f"{later}/a.jsonl")
    world.labels(label("a", "0"), label("c", "0"))
    window = {"end_time": "2026-11-22T05:00:00Z"}
    world.opened(**window)
    merge = world.folder / "out/merge"
    part = "part-00000-20261122T030000Z-20261122T050000Z.jsonl"
    files = [f"{HOUR}/{part}", f"{later}/{part}"]
    assert sorted(path.relative_to(merge).as_posix() for path in merge.rglob("*") if path.is_file()) == files
    assert [record["eventMetadata"]["eventId"] for record in world.merged(files[1])] == ["c"]
    (world.folder / "labels/2026/11/22/03/a.jsonl").unlink()
    world.labels(label("b", "1"))
    assert rows(world.opened(**window).dataset, *PAIR) == [("0.2", "1")]
    assert [record["eventMetadata"]["eventId"] for record in world.merged(files[0])] == ["b"]
    assert world.merged(files[1]) == []


def test_merged_records_can_be_opened_directly(world: World) -> None:
    world.capture(captured("0.1", event="a"))
    world.labels(label("a", "1"))
    world.opened(merged_output_path=world.folder / "elsewhere")
    again = world.opened(dataset_source=world.folder / "elsewhere", ground_truth_source=None)
    assert rows(again.dataset, *PAIR) == [("0.1", "1")]
    assert again.counts is None


def test_the_record_counts_are_those_of_the_captures(world: World) -> None:
    outside = captured("0.3", event="c", time="2026-11-22T05:00:00Z")
    again = captured("0.2", event="b")
    world.capture(captured("0.1", event="a"), "{", again, again, outside)
    world.labels(label("a", "1"), label("b", "1"))
    found, log = world.opened(), ReadLog()
    assert len(rows(found.dataset, *PAIR, log=log)) == 3
    size = (world.folder / f"capture/{HOUR}/a.jsonl").stat().st_size
    expected = {
        "objects": 1,
        "bytes": size,
        "read": 3,
        "malformed": 1,
        "out_of_window": 1,
        "duplicate_events": 1,
        "malformed_examples": (f"{HOUR}/a.jsonl:2: not JSON",),
    }
    assert log.counts().model_dump(include={*expected}) == expected


def test_model_quality_reads_requests_only_if_they_are_requested(world: World) -> None:
    world.capture(captured("0.1", event="a"))
    world.labels(label("a", "1"))
    assert Role.FEATURES not in world.opened(analysis_type="MODEL_QUALITY").dataset.roles
    assert Role.FEATURES in world.opened(analysis_type="MODEL_BIAS").dataset.roles
    named = {"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput", "endpointOutput"]}}
    assert Role.FEATURES in world.opened(analysis_type="MODEL_QUALITY", dataset_format=named).dataset.roles


def test_a_preprocessor_gets_the_merged_records(world: World) -> None:
    world.capture(captured("0.1", event="a"))
    world.labels(label("a", "1"))
    script = world.write(
        "script.py",
        "def preprocess_handler(record):\n"
        "    return {'p': record.endpoint_output.data, 'y': record.ground_truth.data}\n",
    )
    found = world.opened(record_preprocessor_script=script, probability_attribute="p", ground_truth_attribute="y")
    assert rows(found.dataset, Role.PROBABILITY, Role.GROUND_TRUTH) == [("0.1", "1")]


def test_without_labels_the_error_says_where_they_were_searched(world: World) -> None:
    world.capture(captured("0.1"))
    for prepare in (
        lambda: None,
        (world.folder / "labels").mkdir,
        lambda: world.write("labels/2026/11/22/03/a.jsonl", "\n"),
    ):
        prepare()
        with pytest.raises(InvalidInput, match=r"found in .*labels: .*Upload the labels.*start_time_offset") as refused:
            world.opened()
        assert refused.value.code == "GroundTruthNotFound"
    with pytest.raises(InvalidInput) as refused:
        world.opened(ground_truth_source=None)
    assert refused.value.code == "GroundTruthNotFound"


def test_without_a_match_the_error_has_the_kinds_of_ids_but_not_the_ids(world: World) -> None:
    world.capture(
        captured("0.1", event=f"{ID}8", inference="order-1"), captured("0.2", event=f"{ID}9"), captured("0.3")
    )
    world.labels(label("17", "1"), label("order-2", "1"), label(f"{ID}7", "0"))
    world.labels("timestamp,ground_truth_label", "2026-11-22T03:59:59Z,1", path="b.csv")
    with pytest.raises(InvalidInput) as refused:
        world.opened()
    assert refused.value.code == "NoMatchingGroundTruth"
    assert refused.value.message.startswith(
        "3 predictions and 4 labels were found, but none of them match. Predictions with "
    )
    assert "a UUID as id (eventId): 2, another id (eventId): 1" in refused.value.message
    assert "another id (inferenceId): 1" in refused.value.message
    assert "a UUID as id: 1, an integer as id: 1, another id: 1, only a timestamp: 1" in refused.value.message
    assert not any(secret in refused.value.message for secret in (ID, "order", "17"))
    assert world.merged() == []


def test_a_window_without_predictions_is_refused(world: World) -> None:
    world.labels(label("a", "1"))
    world.capture(captured("0.1", time="2026-11-22T05:00:00Z"))
    window = "is in the window from 2026-11-22T03:00:00Z to 2026-11-22T04:00:00Z: check"
    with pytest.raises(InvalidInput, match=window) as refused:
        world.opened()
    assert refused.value.code == "NoData"
    world.write(f"capture/{HOUR}/a.jsonl", "")
    with pytest.raises(InvalidInput, match="no predictions in the window") as refused:
        world.opened()
    assert refused.value.code == "NoData"


def test_files_of_other_formats_must_include_their_labels(world: World) -> None:
    world.labels(label("a", "1"))
    path = world.write("data.csv", "p,y\n0.1,1\n")
    csv: dict[str, Any] = {"dataset_source": path, "dataset_format": {"csv": {"header": True}}}
    with pytest.raises(InvalidInput, match="ground_truth_attribute") as refused:
        world.opened(**csv)
    assert refused.value.code == "GroundTruthNotMergeable"
    found = world.opened(**csv, ground_truth_source=None, ground_truth_attribute="y")
    assert rows(found.dataset, Role.FEATURES, Role.GROUND_TRUTH) == [("0.1", "1")]
    assert found.counts is None


def test_merged_records_may_not_be_written_into_the_input(world: World) -> None:
    world.capture(captured("0.1", event="a"))
    world.labels(label("a", "1"))
    for folder in ("capture/merge", "labels"):
        with pytest.raises(InvalidInput) as refused:
            world.opened(merged_output_path=world.folder / folder)
        assert refused.value.code == "OutputAmongInput"
    world.write("file", "")
    with pytest.raises(InvalidInput) as refused:
        world.opened(merged_output_path=world.folder / "file/merge")
    assert refused.value.code == "OutputNotWritable"


IDS = st.sampled_from(["", *"abcdefgh"])
TIMES = [f"2026-11-22T03:00:0{second}Z" for second in range(5)]
PREDICTIONS = st.lists(st.tuples(IDS, IDS, st.sampled_from(TIMES)), min_size=1, max_size=12)
LABELS = st.lists(
    st.tuples(IDS, st.sampled_from(TIMES), st.sampled_from(["0", "1", "1.5", "a,b", 'say "no"'])),
    min_size=1,
    max_size=12,
    unique_by=lambda given: given[0] or given[1],
)


def reference(predictions: list[tuple[str, str, str]], labels: list[tuple[str, str, str]]) -> list[str | None]:
    """Join one by one, literally by the rule in the module's docstring."""
    by_id = {identity: data_text for identity, _, data_text in labels if identity}
    by_time = {time: data_text for identity, time, data_text in labels if not identity}
    made = Counter(time for *_, time in predictions)
    return [
        by_id.get(inference) or by_id.get(event) or (by_time.get(time) if made[time] == 1 else None)
        for inference, event, time in predictions
    ]


@settings(max_examples=80, deadline=None)
@given(predictions=PREDICTIONS, labels=LABELS, data=st.data())
def test_any_split_and_order_of_captures_and_labels_gives_the_reference_join(
    predictions: list[tuple[str, str, str]], labels: list[tuple[str, str, str]], data: st.DataObject
) -> None:
    expected = reference(predictions, labels)
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        places = data.draw(st.lists(st.sampled_from("xyz"), min_size=len(predictions), max_size=len(predictions)))
        for place in sorted({*places}):
            records = [
                captured(f"0.{number}", event=event or None, inference=inference or None, time=time)
                for number, (inference, event, time) in enumerate(predictions)
                if places[number] == place
            ]
            hour = HOUR if place == "x" else f"{HOUR[:-1]}4"
            world.capture(*data.draw(st.permutations(records)), path=f"{hour}/{place}.jsonl")
        for number, (identity, time, data_text) in enumerate(labels):
            name = data.draw(st.sampled_from(["a", "b", "c"])) + str(number)
            if identity and data.draw(st.booleans()):
                quoted = (
                    data_text if data_text.isdigit() or data_text == "1.5" else '"' + data_text.replace('"', '""') + '"'
                )
                array = json.dumps([label(identity, quoted)], indent=data.draw(st.sampled_from([None, 1])))
                world.labels(array if data.draw(st.booleans()) else label(identity, quoted), path=f"{name}.jsonl")
            else:
                text = '"' + data_text.replace('"', '""') + '"'
                world.labels(
                    "timestamp,inference_id,ground_truth_label",
                    f"{time},{identity},{text}",
                    path=f"{name}.csv" + data.draw(st.sampled_from(["", ".gz"])),
                )
        if not any(expected):
            with pytest.raises(InvalidInput) as refused:
                world.opened()
            assert refused.value.code == "NoMatchingGroundTruth"
            return
        found = world.opened()
        joined = {f"0.{number}": data_text for number, data_text in enumerate(expected) if data_text}
        assert dict(rows(found.dataset, *PAIR)) == joined  # type: ignore[arg-type]  # pairs become a dict
        assert found.counts is not None
        assert (found.counts.predictions, found.counts.matched) == (len(predictions), len(joined))
        assert found.counts.labels == len(labels)


def near(first: str, second: str, tolerance: float) -> bool:
    return abs((datetime.fromisoformat(first) - datetime.fromisoformat(second)).total_seconds()) <= tolerance


MOMENTS = st.integers(0, 400).map(lambda part: f"2026-11-22T03:00:{part // 40:02}.{part % 40 * 25:03}+00:00")


@settings(max_examples=60, deadline=None)
@given(
    made=st.lists(MOMENTS, min_size=1, max_size=10),
    given_times=st.lists(MOMENTS, min_size=1, max_size=10, unique=True),
    tolerance=st.sampled_from([0.0, 0.025, 0.5, 2.0, 86_400.0]),
)
def test_labels_without_ids_match_within_the_tolerance_where_only_one_pair_is_possible(
    made: list[str], given_times: list[str], tolerance: float
) -> None:
    expected, ambiguous = {}, 0
    for number, time in enumerate(made):
        possible = [each for each in given_times if near(time, each, tolerance)]
        if len(possible) == 1 and sum(near(each, possible[0], tolerance) for each in made) == 1:
            expected[f"0.{number}"] = f"label {given_times.index(possible[0])}"
        elif possible:
            ambiguous += 1
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        world.capture(*(captured(f"0.{number}", event=f"e{number}", time=time) for number, time in enumerate(made)))
        lines = [f"{time},label {number}" for number, time in enumerate(given_times)]
        world.labels("timestamp,ground_truth_label", *lines, path="a.csv")
        if not expected:
            with pytest.raises(InvalidInput, match="--ground-truth-time-tolerance SECONDS"):
                world.opened(ground_truth_time_tolerance=tolerance)
            return
        found = world.opened(ground_truth_time_tolerance=tolerance)
        assert dict(rows(found.dataset, *PAIR)) == expected  # type: ignore[arg-type]  # pairs become a dict
        assert found.counts is not None
        assert (found.counts.matched, found.counts.ambiguous) == (len(expected), ambiguous)
        assert any("several labels are possible" in warning for warning in found.warnings) == bool(ambiguous)


def test_times_of_captures_are_of_whole_seconds_and_those_of_labels_need_not_be(world: World) -> None:
    # SageMaker captures whole seconds; a label that was noted in milliseconds has no prediction at its instant.
    world.capture(*(captured(f"0.{i}", event=f"e{i}", time=f"2026-11-22T03:00:{i * 10:02}Z") for i in range(4)))
    lines = [f"2026-11-22T03:00:{i * 10:02}.{i}73Z,{i}" for i in range(4)]
    world.labels("timestamp,ground_truth_value", *lines, path="a.csv")
    with pytest.raises(InvalidInput):
        world.opened()
    found = world.opened(ground_truth_time_tolerance=1)
    assert rows(found.dataset, *PAIR) == [(f"0.{i}", str(i)) for i in range(4)]


def test_a_tolerance_with_which_no_prediction_has_its_own_label_should_be_smaller(world: World) -> None:
    times = [f"2026-11-22T03:{minute:02}:00Z" for minute in range(5)]
    world.capture(*(captured("0.1", event=f"e{i}", time=time) for i, time in enumerate(times)))
    world.labels("timestamp,ground_truth_value", *(f"{time},1" for time in times), path="a.csv")
    with pytest.raises(InvalidInput, match=r"5 predictions may have any of several labels, .*a smaller"):
        world.opened(ground_truth_time_tolerance=60)
    assert len(rows(world.opened(ground_truth_time_tolerance=59).dataset, *PAIR)) == 5


def test_the_documents_own_form_is_matched_by_id_or_else_by_time(world: World) -> None:
    world.capture(
        captured("0.1", event="e1", inference="abc123", time="2026-11-22T03:30:00Z"),
        captured("0.2", event="e2", time="2026-11-22T03:31:00Z"),
        captured("0.3", event="e3", time="2026-11-22T03:32:00Z"),
        captured("0.4", event="e4", time="2026-11-22T03:32:00Z"),
        captured("0.5", event="e5", time="2026-11-22T03:33:00Z"),
    )
    world.labels(
        "inference_id;timestamp;ground_truth_label",
        "abc123;2026-11-22T03:31:00Z;1",  # whose time is that of another prediction
        ";2026-11-22T03:31:00Z;0",
        ";2026-11-22T03:32:00Z;1",  # of two predictions
        "unknown;2026-11-22T03:33:00Z;1",  # which has an id
        path="a.csv",
    )
    found = world.opened()
    assert rows(found.dataset, *PAIR) == [("0.1", "1"), ("0.2", "0")]
    assert found.counts is not None
    assert (found.counts.matched, found.counts.ambiguous, found.counts.without_prediction) == (2, 2, 2)
    assert found.warnings[0] == "labels are separated by semicolons, as the names in their header show"
    assert any(warning.startswith("several labels are possible for 2 predictions") for warning in found.warnings)


@pytest.mark.parametrize("identity", [" a", "a ", '" a"'])
def test_blanks_around_an_id_in_csv_are_no_part_of_it(world: World, identity: str) -> None:
    world.capture(captured("0.1", event="a"))
    world.labels("inference_id,ground_truth_label", f"{identity},1", path="a.csv")
    assert rows(world.opened().dataset, *PAIR) == [("0.1", "1")]


@pytest.mark.parametrize("identity", ["", "nan", "None", "NULL", " "])
def test_an_id_that_is_spelled_as_missing_is_missing_and_the_time_counts(world: World, identity: str) -> None:
    world.capture(captured("0.1", event="a", time="2026-11-22T03:00:01Z"), captured("0.2", event="b"))
    header = "inference_id,timestamp,ground_truth_label"
    world.labels(header, f"{identity},2026-11-22T03:00:01Z,1", "b,2026-11-22T03:10:00Z,0", path="a.csv")
    assert rows(world.opened().dataset, *PAIR) == [("0.1", "1"), ("0.2", "0")]


def test_ids_that_never_meet_are_shown_to_whoever_reads_the_terminal_and_nowhere_else(world: World) -> None:
    world.capture(*(captured("0.1", event=f"event-{i}") for i in range(3)))
    world.labels(*(label(f"order-{i}{'x' * 50}", "1") for i in range(3)))
    with pytest.raises(InvalidInput) as refused:
        world.opened()
    shown = "x" * 32
    assert refused.value.examples == (
        f"ids of predictions: event-0, event-1; ids of labels: order-0{shown}…, order-1{shown}…"
    )
    assert "order-0" not in str(refused.value)


def test_an_interrupted_merge_leaves_no_incomplete_file(world: World) -> None:
    world.capture(captured("0.1", event="a"))
    world.write(f"capture/{HOUR}/b.jsonl", json.dumps(captured("0.1", event="b")).encode("utf-16"))
    world.labels(label("a", "1"))
    with pytest.raises(InvalidInput):
        world.opened()
    assert [path for path in world.folder.glob("out/**/*") if path.is_file()] == []
