"""Captured payloads of CSV, JSON and BASE64, read completely or by attributes, together or one by one."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from modelwatch_analyzer.profile.lexical import ColumnType, read_numbers
from modelwatch_analyzer.reading.attributes import Attributes
from modelwatch_analyzer.reading.capture import CaptureFiles, open_records
from modelwatch_analyzer.reading.capture_blocks import BlockParser
from modelwatch_analyzer.reading.capture_records import CapturedRecords
from modelwatch_analyzer.reading.dataset import NO_ARRIVALS, Arrivals, Plan
from modelwatch_analyzer.reading.files import source_files
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_core.domain.dataset_formats import CaptureOptions
from modelwatch_core.domain.errors import InvalidInput

REQUEST, RESPONSE, BATCH, GROUND_TRUTH = "endpointInput", "endpointOutput", "batchTransformOutput", "groundTruthData"
ALL_SIDES = [REQUEST, RESPONSE, BATCH, GROUND_TRUTH]


def csv(text: str) -> dict[str, str]:
    return {"data": text, "encoding": "CSV"}


def as_json(document: Any) -> dict[str, str]:
    return {"data": document if isinstance(document, str) else json.dumps(document), "encoding": "JSON"}


def base64_of(content: str | bytes, content_type: str | None = None) -> dict[str, str]:
    data = base64.b64encode(content.encode() if isinstance(content, str) else content).decode()
    return {"data": data, "encoding": "BASE64", **({"observedContentType": content_type} if content_type else {})}


def captured(**sides: dict[str, str]) -> str:
    ground_truth = {GROUND_TRUTH: sides.pop(GROUND_TRUTH)} if GROUND_TRUTH in sides else {}
    return json.dumps({"captureData": sides, "eventMetadata": {"eventId": "e"}, "eventVersion": "0", **ground_truth})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def opened_folder(folder: Path) -> CaptureFiles:
    return open_records(CapturedRecords(source_files(folder)), CaptureOptions(), Attributes())


def opened(folder: Path, *lines: str | bytes, attributes: Attributes | None = None, **options: Any) -> CaptureFiles:
    path = folder / "capture.jsonl"
    path.write_bytes(b"\n".join(line.encode() if isinstance(line, str) else line for line in lines))
    captured = CapturedRecords(source_files(path))
    return open_records(captured, CaptureOptions.model_validate(options), attributes or Attributes())


def rows(dataset: CaptureFiles, log: ReadLog | None = None) -> list[tuple[str | None, ...]]:
    plan = Plan(dict.fromkeys(dataset.columns, pl.String()))
    batches = dataset.batches(plan, log or ReadLog())
    return [row for batch in batches for row in batch[:, list(dataset.columns)].rows()]


def test_request_and_response_may_differ_in_their_encoding(folder: Path) -> None:
    dataset = opened(folder, captured(endpointInput=as_json({"age": 41, "plan": "x"}), endpointOutput=csv("0.5\n")))
    assert dataset.columns == ("_c0", "age", "plan")
    assert dataset.input_columns == ("age", "plan")
    assert dataset.named
    assert rows(dataset) == [("0.5", "41", "x")]


def test_base64_is_read_by_its_content_type_or_else_by_its_content(folder: Path) -> None:
    image = captured(endpointInput=base64_of(b"\x89PNG\r\n\x1a\n\0", "image/png"), endpointOutput=csv("1"))
    lines = [
        captured(endpointInput=base64_of("1,2"), endpointOutput=base64_of("[0.5]")),
        captured(endpointInput=base64_of("3,4", "text/csv; charset=utf-8"), endpointOutput=base64_of("0.6")),
        captured(endpointInput=base64_of("[5, 6]", "application/json"), endpointOutput=base64_of("0.7", "text/json")),
        captured(endpointInput={"data": "MSwy*", "encoding": "BASE64"}, endpointOutput=csv("1")),
        image,
    ]
    log = ReadLog()
    assert rows(opened(folder, *lines), log) == [("0.5", "1", "2"), ("0.6", "3", "4"), ("0.7", "5", "6")]
    assert log.malformed_examples == [
        "capture.jsonl:4: a payload is malformed: not BASE64",
        "capture.jsonl:5: a BASE64 payload that is not text, such as an image: a record preprocessor can read it",
    ]
    assert log.counts().encodings == {"BASE64": 8, "CSV": 2}


@pytest.mark.parametrize(
    ("request_", "response", "columns", "expected"),
    [
        # The request and response of a real JSON endpoint, shortened.
        (
            {"instances": [{"features": [28, 2]}, {"features": [43, 3]}]},
            {"predictions": [{"score": 0.99, "predicted_label": 1}, {"score": 0.1, "predicted_label": 0}]},
            ("score", "predicted_label", "features.0", "features.1"),
            [("0.99", "1", "28", "2"), ("0.1", "0", "43", "3")],
        ),
        ([[1, 2], [3, 4]], [[0.5], [0.6]], ("_c0", "_c1", "_c2"), [("0.5", "1", "2"), ("0.6", "3", "4")]),
        ([1, 2], 0.5, ("_c0", "_c1", "_c2"), [("0.5", "1", "2")]),
        ('{"a": 1}\n{"a": 2}\n', "0.5\n0.6\n", ("_c0", "a"), [("0.5", "1"), ("0.6", "2")]),
        (
            {"customer": {"age": 41, "tags": ["x", None]}, "new": True},
            {"score": "0.50"},
            ("score", "customer.age", "customer.tags.0", "customer.tags.1", "new"),
            [("0.50", "41", "x", None, "true")],
        ),
        ({"score": 1}, {"score": 2}, ("score", "endpointInput.score"), [("2", "1")]),
    ],
)
def test_json_payloads_become_rows(
    folder: Path, request_: Any, response: Any, columns: tuple[str, ...], expected: list[Any]
) -> None:
    dataset = opened(folder, captured(endpointInput=as_json(request_), endpointOutput=as_json(response)))
    assert dataset.columns == columns
    assert rows(dataset) == expected


def test_attributes_select_features_and_predictions(folder: Path) -> None:
    line = captured(
        endpointInput=as_json({"instances": [{"id": 7, "features": [28, 2]}, {"id": 8, "features": [43, 3]}]}),
        endpointOutput=as_json({"predictions": [{"score": 0.99, "label": 1}, {"score": 0.1, "label": 0}]}),
    )
    attributes = Attributes.of("instances[*].features", "predictions[*].label", "predictions[*].score")
    dataset = opened(folder, line, attributes=attributes)
    assert dataset.columns == ("_c0", "_c1", "_c2", "_c3")
    assert (dataset.named, dataset.input_columns) == (False, ("_c2", "_c3"))
    assert rows(dataset) == [("1", "0.99", "28", "2"), ("0", "0.1", "43", "3")]


def test_indices_select_columns_of_csv_responses(folder: Path) -> None:
    lines = [captured(endpointInput=csv("1,2"), endpointOutput=csv("yes,0.5,x"))] * 2
    lines.append(captured(endpointInput=csv("1,2"), endpointOutput=csv("yes")))
    log = ReadLog()
    dataset = opened(folder, *lines, attributes=Attributes.of(inference="0", probability="1"))
    assert rows(dataset, log) == [("yes", "0.5", "1", "2")] * 2
    assert log.malformed_examples == ["capture.jsonl:3: probability_attribute is 1, but the payload has 1 column"]
    with pytest.raises(InvalidInput, match="inference_attribute is a JMESPath, but the payload is CSV"):
        opened(folder, *lines, attributes=Attributes.of(inference="score"))


@pytest.mark.parametrize(
    "name", ["\0000", "../../etc/passwd", "<script>alert(1)</script>", "^.*$", "_c0", "x y", "a\nb"]
)
def test_any_text_may_be_the_name_of_a_field(folder: Path, name: str) -> None:
    line = captured(endpointInput=as_json({name: 1, "b": 2}), endpointOutput=csv("0.5,0.6"))
    dataset = opened(folder, line, line, attributes=Attributes.of(inference="1"))
    assert dataset.columns == ("_c0", "endpointInput._c0" if name == "_c0" else name, "b")
    assert rows(dataset) == [("0.6", "1", "2")] * 2


def test_a_payload_without_rows_is_left_out_among_payloads_of_the_same_shape(folder: Path) -> None:
    lines = [captured(endpointInput=as_json(document)) for document in ([1], [2], [], [3])]
    for attributes in (Attributes(), Attributes.of(features="0"), Attributes.of(features="[*]")):
        log = ReadLog()
        assert rows(opened(folder, *lines, attributes=attributes), log) == [("1",), ("2",), ("3",)]
        assert log.malformed_examples[0].startswith("capture.jsonl:3: ")


def test_columns_are_excluded_from_all_and_from_those_of_the_requests(folder: Path) -> None:
    line = captured(endpointInput=as_json({"id": 7, "age": 41}), endpointOutput=csv("0.5"))
    dataset = opened(folder, line, attributes=Attributes.of(exclude_features="id"))
    assert (dataset.columns, dataset.input_columns) == (("_c0", "age"), ("age",))
    assert rows(dataset) == [("0.5", "41")]
    with pytest.raises(InvalidInput) as refused:
        opened(folder, line, attributes=Attributes.of(exclude_features="id,age,_c0"))
    assert refused.value.code == "NoColumns"


def test_merged_records_of_batch_transforms_are_read_by_attributes(folder: Path) -> None:
    # The shape of a record that SageMaker's merge job wrote for a batch transform.
    document = {"SageMakerOutput": {"predictions": [{"score": 0.9}]}, "instances": [{"features": [28, 2]}]}
    line = captured(batchTransformOutput=as_json(document), groundTruthData=as_json({"instances": [{"label": 1}]}))
    attributes = Attributes.of("instances[*].features", None, "SageMakerOutput.predictions[*].score")
    dataset = opened(folder, line, attributes=attributes)
    assert (dataset.columns, dataset.input_columns) == (("_c0", "_c1", "_c2"), ("_c1", "_c2"))
    assert rows(dataset) == [("0.9", "28", "2")]


@pytest.mark.parametrize("one_by_one", [False, True])
def test_records_and_their_rows_are_counted_separately(folder: Path, *, one_by_one: bool) -> None:
    last = captured(endpointInput=csv('"5",6' if one_by_one else "5,6"), endpointOutput=csv("0.7"))
    log = ReadLog()
    dataset = opened(folder, captured(endpointInput=csv("1,2\n3,4"), endpointOutput=csv("0.5\n0.6")), last, "{}")
    assert len(rows(dataset, log)) == 3
    counts = log.counts()
    assert (counts.captured, counts.read, counts.malformed) == (2, 3, 1)


def test_ground_truth_is_not_a_column_unless_it_is_requested(folder: Path) -> None:
    line = captured(endpointInput=csv("1,2"), endpointOutput=csv("0.5"), groundTruthData=csv("1"))
    assert rows(opened(folder, line)) == [("0.5", "1", "2")]
    assert rows(opened(folder, line, captureIndexNames=ALL_SIDES)) == [("0.5", "1", "2", "1")]


def test_absent_fields_are_missing_values_and_unknown_fields_are_ignored(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelwatch_analyzer.reading.capture_rows.SAMPLED_ROWS", 2)
    documents = [{"a": 1, "b": 2}, {"a": 3, "c": 4}, {"b": 5}, {"a": 6, "d": 7}, {"d": 8}, [8, 9, 10], {}]
    log = ReadLog()
    dataset = opened(folder, *(captured(endpointInput=as_json(document)) for document in documents))
    assert dataset.columns == ("a", "b", "c")
    assert rows(dataset, log) == [("1", "2", None), ("3", None, "4"), (None, "5", None), ("6", None, None)]
    assert log.counts().with_unread_fields == 1
    assert log.malformed_examples == [
        "capture.jsonl:5: endpointInput has none of the fields of the first 2 rows",
        "capture.jsonl:6: endpointInput has fields by position instead of by name",
        "capture.jsonl:7: a payload is an empty object or list",
    ]


def test_names_that_are_data_are_refused_before_they_exhaust_the_memory(folder: Path) -> None:
    lines = [
        captured(endpointInput=as_json({f"customer {line} {index}": 1 for index in range(99)})) for line in range(102)
    ]
    with pytest.raises(InvalidInput) as refused:
        opened(folder, *lines)
    assert refused.value.code == "TooManyColumns"


def test_repeated_events_are_counted_and_still_read(folder: Path) -> None:
    lines = [captured(endpointInput=csv("1"))] * 3
    lines.append(lines[0].replace('"e"', '"f"'))
    log = ReadLog()
    assert len(rows(opened(folder, *lines), log)) == 4
    assert log.duplicate_events == 2


_VALID = captured(endpointInput=as_json({"a": 1, "b": "x"}))
_TOO_DEEP = "(a payload is malformed: )?nested more than 32 levels deep"
_MALFORMED: dict[str, tuple[str | bytes, str]] = {
    "truncated": (_VALID[:40], "not JSON"),
    "NUL": (b"\0" + _VALID.encode(), "not JSON"),
    "invalid UTF-8": (_VALID.replace("x", "~").encode().replace(b"~", b"\xff"), "not JSON"),
    "NaN": (captured(endpointInput=as_json('{"a": NaN}')), "a payload is malformed: not JSON"),
    "Infinity": (captured(endpointInput=as_json('{"a": -Infinity}')), "a payload is malformed: not JSON"),
    "5000 digits": (
        captured(endpointInput=as_json('{"a": %s}' % ("1" * 5000))),
        "a payload is malformed: an integer has too many digits",
    ),
    # Which part of the reader refuses 5,000 levels depends on the version of Python: 3.13 parses 9,999, 3.11 997.
    **{
        f"{depth} levels deep": (captured(endpointInput=as_json("[" * depth + "]" * depth)), _TOO_DEEP)
        for depth in (40, 5_000, 20_000)
    },
    **{
        f"a line {depth} levels deep": ("[" * depth + "]" * depth, "not a captured record")
        for depth in (40, 5_000, 20_000)
    },
    "an encoding of its own": (
        captured(endpointInput={"data": "1", "encoding": "<b>../../etc"}),
        "an encoding other than CSV, JSON and BASE64",
    ),
    "no payload": (captured(), "no payload"),
    "not an object": ("[]", "not a captured record"),
}


@pytest.mark.parametrize("name", _MALFORMED)
def test_a_malformed_record_is_reported_and_the_valid_ones_are_kept(folder: Path, name: str) -> None:
    line, reason = _MALFORMED[name]
    log = ReadLog()
    assert rows(opened(folder, _VALID, line, "", _VALID), log) == [("1", "x")] * 2
    assert (log.read, log.malformed) == (2, 1)
    assert re.match(f"capture.jsonl:2: {reason}", log.malformed_examples[0])


@pytest.mark.parametrize(
    ("value", "text"),
    [("1e400", "1e400"), ("1" * 300, "1" * 300), ("1.50", "1.50"), ("-0", "0"), ("true", "true"), ('""', None)],
)
@pytest.mark.parametrize("kind", [pl.String(), pl.Float64(), pl.Int64()])
def test_values_on_which_parsers_disagree_keep_their_text(
    folder: Path, value: str, text: str | None, kind: pl.DataType
) -> None:
    dataset = opened(folder, captured(endpointInput=as_json(f'{{"a": 0, "a": {value}}}')))
    (batch,) = dataset.batches(Plan({"a": kind}), ReadLog())
    read = batch["a"].item()
    assert (read == text) if isinstance(read, str) or read is None else read == float(value)


def test_a_line_of_ten_megabytes_is_a_record_like_any_other(folder: Path) -> None:
    long = captured(endpointInput=as_json({"a": "y" * 10_000_000, "b": "x"}))
    assert [len(row[0] or "") for row in rows(opened(folder, _VALID, long, _VALID))] == [1, 10_000_000, 1]


def test_compressed_objects_are_read_up_to_the_damage(folder: Path) -> None:
    lines = "\n".join(captured(endpointInput=csv(str(index))) for index in range(3))
    (folder / "complete.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    (folder / "damaged.jsonl").write_bytes(gzip.compress(lines.encode()) + b"garbage")
    log = ReadLog()
    assert sorted(rows(opened_folder(folder), log)) == [("0",), ("0",), ("1",), ("1",), ("2",), ("2",)]
    assert log.malformed_examples == ["damaged.jsonl: the compressed data is damaged, or followed by something else"]


def test_records_without_metadata_are_read_if_no_window_is_given(folder: Path) -> None:
    bare = json.dumps({"captureData": {"endpointInput": csv("1")}})
    log = ReadLog()
    assert rows(opened(folder, bare, bare, bare.replace("}}}", '}}, "eventMetadata": null}')), log) == [("1",)] * 3
    assert log.duplicate_events == 0


def test_all_folders_of_several_variants_and_models_are_read(folder: Path) -> None:
    for index, below in enumerate(
        ("endpoint/AllTraffic/2026/11/22/09", "endpoint/Other/2026/11/22/09", "deeper/a/b/c")
    ):
        (folder / below).mkdir(parents=True)
        (folder / below / "00-01-234.jsonl").write_text(captured(endpointInput=csv(str(index))))
    dataset = opened_folder(folder)
    log = ReadLog()
    assert sorted(rows(dataset, log)) == [("0",), ("1",), ("2",)]
    assert log.objects == 3


_text = st.text(st.sampled_from('a1,"\\\n\r {}[]:é\N{EURO SIGN}\U0001f600\u2028'), max_size=5)
_scalars = st.one_of(
    st.integers(-5, 5), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.none(), _text
)
_documents = st.recursive(
    _scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "a.b", "é"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@st.composite
def _uniform_documents(draw: st.DrawFn) -> list[Any]:
    """Documents of the same shape, as an endpoint writes them, and perhaps one of another shape."""
    columns = draw(
        st.lists(st.sampled_from([st.integers(-9, 9), st.floats(-9, 9), _text, _scalars]), min_size=1, max_size=4)
    )
    wrap = draw(
        st.sampled_from([
            lambda values: dict(zip("abcd", values, strict=False)),
            lambda values: values,
            lambda values: {"features": values},
            lambda values: {"instances": [{"features": values}]},
            lambda values: {"instances": [values, values]},
            lambda values: [values],
            lambda values: {"customer": {"age": values[0]}, "rest": values},
        ])
    )  # fmt: skip
    made = [wrap([draw(column) for column in columns]) for _ in range(draw(st.integers(1, 6)))]
    if draw(st.booleans()):
        ragged = st.lists(_scalars, min_size=1, max_size=5).map(wrap)
        made.insert(draw(st.integers(0, len(made))), draw(_documents | ragged))
    return made


@st.composite
def _with_other_names(draw: st.DrawFn, document: Any) -> Any:
    """An object that lacks names, or has one more; any other document as it is."""
    if not isinstance(document, dict) or draw(st.integers(0, 2)):
        return document
    kept = {name: value for name, value in document.items() if draw(st.integers(0, 3))}
    return kept | draw(st.sampled_from([{}, {}, {}, {"further": 1}]))


@st.composite
def _payloads(draw: st.DrawFn) -> list[dict[str, str]]:
    documents = draw(_uniform_documents() | st.lists(_documents, min_size=1, max_size=6))
    if draw(st.booleans()):
        documents = [draw(_with_other_names(document)) for document in documents]
    lines = draw(st.sampled_from([1, 1, 2]))  # JSON Lines
    texts = ["\n".join(map(json.dumps, documents[place:][:lines])) for place in range(0, len(documents), lines)]
    payloads = list(map(draw(st.sampled_from([as_json, as_json, base64_of])), texts))
    if draw(st.integers(0, 4)) == 0:
        stray = draw(
            st.sampled_from([csv("1,2"), csv('"a\nb"'), base64_of("[1]"), as_json("NaN"), as_json("1\n2"), as_json("")])
        )
        payloads.insert(draw(st.integers(0, len(payloads))), stray)
    return payloads


_PATHS = ["instances[*].features", "features", "[*]", "a", "customer.age", "instances[0]", "0"]


_LINES = st.sampled_from(["1,2", "3,4", "5", '"6"', '7,"a,b"', '8,"a\nb"', '"9', '1,""'])
_TEXTS = st.one_of(
    _LINES.map("{}\n".format),
    _LINES.map("{}\n".format),
    _LINES,
    st.lists(_LINES | st.just(""), max_size=3).map("\n".join),
    st.sampled_from(["", "\n", "\n\n", "7\n1", "7\n\n1", "7\r\n", "\n7\n"]),
)


@settings(max_examples=150, deadline=None)
@given(
    records=st.lists(st.tuples(_TEXTS, _TEXTS | st.none()), min_size=1, max_size=5),
    arrivals=st.sampled_from([NO_ARRIVALS, Arrivals(requests=True, slot_minutes=60)]),
    encoded=st.booleans(),
)
@example(
    records=[("7,6\n", "5\n"), ("6,7\n", "2\n"), ("8,7\n", "7\n1"), ("6,7\n", "\n")],
    arrivals=NO_ARRIVALS,
    encoded=False,
)
@example(
    records=[("4,7\n", None), ("7,2\n6,8", None), ("\n", None)],
    arrivals=Arrivals(requests=True, slot_minutes=60),
    encoded=True,
)
@example(records=[('1,"a', None), ('b",2', None), ('3,"c"', None)], arrivals=NO_ARRIVALS, encoded=False)
def test_lines_of_records_stay_with_their_record(
    tmp_path_factory: pytest.TempPathFactory, records: list[tuple[str, str | None]], arrivals: Arrivals, encoded: bool
) -> None:
    payload = partial(base64_of, content_type="text/csv") if encoded else csv
    lines = [
        captured(**{REQUEST: payload(request)} | ({} if response is None else {RESPONSE: payload(response)}))
        for request, response in records
    ]
    try:
        dataset = opened(tmp_path_factory.getbasetemp(), *lines, "")  # the last line ends, and so is in the same block
    except InvalidInput as refused:
        assert refused.code in ("AllMalformed", "NoData")  # noqa: PT017 - either may happen
        return
    found = []
    for parse in (BlockParser._parse_together, lambda *_: None):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(BlockParser, "_parse_together", parse)
            log = ReadLog()
            plan = Plan(dict.fromkeys(dataset.columns, pl.String()), arrivals=arrivals)
            found.append(([row for batch in dataset.batches(plan, log) for row in batch.rows(named=True)], log))
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("payload", "columns"),
    [
        (lambda place: csv(f"{place},2.5"), 2),
        (lambda place: csv(f'{place},"a, b"'), 2),
        (lambda place: csv(f"{place},2.5\n{place},3.5"), 2),
        (lambda place: base64_of(f"{place},2.5"), 2),
        (lambda place: base64_of(f'{place},"a, b"\n', "text/csv"), 2),
        (lambda place: as_json({"a": place}), 1),
        (lambda place: as_json({"a": place, "b": "x"}), 2),
        (lambda place: as_json({"a": place, "b": "x", "c": None} if place % 2 else {"c": "y"}), 3),
        (lambda place: as_json({"instances": [{"features": [place, 2.5]}]}), 2),
        (lambda place: as_json(f'{{"a": {place}}}\n{{"a": 7, "b": 1}}\n'), 2),
        (lambda place: as_json("\n".join([f'{{"a": {place}}}'] * (1 + place % 3))), 1),
        (lambda place: base64_of(json.dumps({"a": place, "b": [1, 2]}), "application/json"), 3),
    ],
)
def test_payloads_of_one_kind_are_never_read_one_by_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch, payload: Callable[[int], dict[str, str]], columns: int
) -> None:
    dataset = opened(folder, *(captured(endpointInput=payload(place)) for place in range(40)))
    assert len(dataset.columns) == columns
    one_by_one = ReadLog()
    monkeypatch.setattr(BlockParser, "_parse_together", lambda *_: None)
    expected = rows(dataset, one_by_one)
    monkeypatch.undo()
    monkeypatch.setattr(BlockParser, "_parse_one_by_one", lambda *_: pytest.fail("records were read one by one"))
    together = ReadLog()
    assert rows(dataset, together) == expected
    assert together == one_by_one
    assert len(expected) >= 40


@pytest.mark.parametrize("document", [{"a": 1, "further": 2}, {"further": 2}, {"b": [1]}, {}, [1, 2], 5])
def test_an_object_of_other_names_or_values_among_flat_ones_is_read_as_by_itself(
    folder: Path, monkeypatch: pytest.MonkeyPatch, document: Any
) -> None:
    flat = [{"a": place, "b": "x"} for place in range(1000)]
    lines = [captured(endpointInput=as_json(each)) for each in [*flat, document, flat[0]]]
    dataset, logs, found = opened(folder, *lines), (ReadLog(), ReadLog()), []
    for log in logs:
        found.append(rows(dataset, log))
        monkeypatch.setattr(BlockParser, "_parse_together", lambda *_: None)
    assert found[0] == found[1]
    assert logs[0] == logs[1]
    assert logs[0].with_unread_fields == (document == {"a": 1, "further": 2})


@pytest.mark.parametrize("request_of", [csv, partial(base64_of, content_type="text/csv")])
@pytest.mark.parametrize(
    ("requests", "response", "attributes", "options", "expected"),
    [
        # a JMESPath finds a row in each value of a request of one line
        (["1,2"] * 3, csv("0.1,0.9"), ("[*]", "0"), {"captureIndexNames": [RESPONSE]}, [("0.1",), ("0.9",)] * 3),
        # lists in parentheses are rows, so that the response has a value for each
        (["1"] * 3 + ["(1,2),(3,4)"], csv("0.1,0.9"), (), {"captureIndexNames": [RESPONSE]}, [("0.1", "0.9")] * 3),
        # lists in brackets are not JSON: what is behind a backslash is as it is
        (["1\n2"] * 3, csv('["a\\u0041"]\n["b"]'), (), {}, [('["a\\u0041"]', "1"), ('["b"]', "2")] * 3),
        # one line of content and one of another blank are no documents on lines
        (["1\n2"] * 3, as_json('{"a":3}\n\u00a0'), (), {}, None),
    ],
)
def test_what_only_looks_like_lines_is_read_as_by_itself(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    request_of: Callable[[str], dict[str, str]],
    requests: list[str],
    response: dict[str, str],
    attributes: tuple[str, ...],
    options: dict[str, Any],
    expected: list[tuple[str, ...]] | None,
) -> None:
    lines = [captured(**{REQUEST: request_of(each), RESPONSE: response}) for each in requests]
    good = captured(**{REQUEST: request_of("5\n6"), RESPONSE: as_json('{"a":1}\n{"a":2}')})
    lines = [*lines, *([good] * 4 if expected is None else []), ""]
    dataset, found = opened(folder, *lines, attributes=Attributes.of(*attributes), **options), []
    for _ in range(2):
        log = ReadLog()
        found.append((rows(dataset, log), log))
        monkeypatch.setattr(BlockParser, "_parse_together", lambda *_: None)
    assert found[0] == found[1]
    assert found[0][0] == ([("1", "5"), ("2", "6")] * 4 if expected is None else expected)


@settings(max_examples=400, deadline=None)
@given(
    requests=_payloads(),
    responses=_payloads() | st.none(),
    paths=st.tuples(*[st.none() | st.sampled_from(_PATHS)] * 3),
    kinds=st.lists(st.sampled_from([pl.Int64(), pl.Float64(), pl.String()]), min_size=20, max_size=20),
)
def test_parsing_records_together_and_one_by_one_gives_the_same(
    tmp_path_factory: pytest.TempPathFactory,
    requests: list[dict[str, str]],
    responses: list[dict[str, str]] | None,
    paths: tuple[str | None, ...],
    kinds: list[pl.DataType],
) -> None:
    sides: Iterable[dict[str, Any]]
    if responses is None:
        sides = ({REQUEST: request} for request in requests)
    else:
        sides = ({REQUEST: request, RESPONSE: response} for request, response in zip(requests, responses, strict=False))
    lines = [captured(**each) for each in sides]
    folder = tmp_path_factory.getbasetemp()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("modelwatch_analyzer.reading.capture_rows.SAMPLED_ROWS", 2)
            dataset = opened(folder, *lines, attributes=Attributes.of(*paths))
    except InvalidInput as refused:
        assert refused.code in ("AllMalformed", "NoData")  # noqa: PT017 - either may happen
        return
    plan = dict(zip(dataset.columns, kinds, strict=False))
    together_log, one_by_one_log = ReadLog(), ReadLog()
    together = list(dataset.batches(Plan(plan), together_log))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BlockParser, "_parse_together", lambda *_: None)
        one_by_one = list(dataset.batches(Plan(plan), one_by_one_log))
    assert together_log == one_by_one_log
    for name, kind in plan.items():
        if kind == pl.String():
            assert list(_values(together, name)) == list(_values(one_by_one, name))
        else:
            assert _as_numbers(together, name, kind) == _as_numbers(one_by_one, name, kind)


def _values(batches: list[pl.DataFrame], name: str) -> Iterator[Any]:
    for batch in batches:
        assert batch.schema[name] == pl.String
        yield from batch[name]


def _as_numbers(batches: list[pl.DataFrame], name: str, kind: pl.DataType) -> Any:
    columns = [read_numbers(batch[name]) for batch in batches]
    kinds = ColumnType.UNKNOWN
    for column in columns:
        kinds = kinds.combine(column.type)
    values = np.concatenate([column.values for column in columns]).tolist() if columns else []
    integral = sum(column.integral for column in columns) if kind == pl.Int64() else None  # otherwise not guaranteed
    return kinds, values, sum(column.present for column in columns), sum(column.missing for column in columns), integral
