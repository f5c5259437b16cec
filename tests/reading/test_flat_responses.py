"""Payloads whose rows are not one a line: the number of the request's rows, and headers, say what belongs together."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwatch_analyzer.reading.attributes import Attributes
from modelwatch_analyzer.reading.bracketed import bracketed_documents, bracketed_numbers
from modelwatch_analyzer.reading.capture import CaptureFiles, open_records
from modelwatch_analyzer.reading.capture_blocks import BlockParser
from modelwatch_analyzer.reading.capture_records import CapturedRecords
from modelwatch_analyzer.reading.dataset import Plan
from modelwatch_analyzer.reading.files import source_files
from modelwatch_analyzer.reading.flat_responses import cut
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_core.domain.dataset_formats import CaptureOptions
from modelwatch_core.domain.errors import InvalidInput

REQUEST, RESPONSE, LABELS = "endpointInput", "endpointOutput", "groundTruthData"
FLAT = "some responses have the values of several rows on one line or in one list: they were split by the number of"


def payload(content: Any) -> dict[str, str]:
    """Text is comma-separated, bytes are BASE64 of JSON, anything else is JSON."""
    if isinstance(content, str):
        return {"data": content, "encoding": "CSV"}
    if isinstance(content, bytes):
        return {"data": base64.b64encode(content).decode(), "encoding": "BASE64", "observedContentType": "text/html"}
    return {"data": json.dumps(content), "encoding": "JSON"}


def line(request: Any, response: Any = None, labels: Any = None) -> str:
    sides = {REQUEST: request, RESPONSE: response}
    record: dict[str, Any] = {
        "captureData": {side: payload(content) for side, content in sides.items() if content is not None},
        "eventMetadata": {"eventId": "e"},
    }
    return json.dumps(record | ({} if labels is None else {LABELS: payload(labels)}))


def opened(folder: Path, lines: Iterable[str], attributes: Attributes | None = None, **options: Any) -> CaptureFiles:
    path = folder / "capture.jsonl"
    path.write_text("\n".join(lines))
    captured = CapturedRecords(source_files(path))
    return open_records(captured, CaptureOptions.model_validate(options), attributes or Attributes())


def read(dataset: CaptureFiles) -> tuple[list[tuple[str | None, ...]], ReadLog]:
    log = ReadLog()
    batches = dataset.batches(Plan(dict.fromkeys(dataset.columns, pl.String())), log)
    return [row for batch in batches for row in batch[:, list(dataset.columns)].rows()], log


def is_cut(log: ReadLog) -> bool:
    return any(remark.startswith(FLAT) for remark in log.remarks)


THREE = ("1,2\n1,2\n1,2", [[1, 2], [1, 2], [1, 2]], {"instances": [{"f": [1, 2]}] * 3}, '"1",2\r\n1,2\r\n1,2\r\n')


@pytest.mark.parametrize("request_", THREE)
@pytest.mark.parametrize(
    "response",
    [
        "0.5,0.25,0.75",
        "0.5,0.25,0.75\n",
        "0.5\n0.25\n0.75",
        "[0.5, 0.25, 0.75]",
        "[0.5 0.25 0.75]\n",
        "[0.5],[0.25],[0.75]",
        "[[0.5], [0.25], [0.75]]",
        "[0.5]\n[0.25]\n[0.75]",
        [0.5, 0.25, 0.75],
        [[0.5], [0.25], [0.75]],
        {"predictions": [0.5, 0.25, 0.75]},
        {"predictions": [[0.5], [0.25], [0.75]]},
        {"outputs": {"score": [0.5, 0.25, 0.75]}},
        {"score": {"0": 0.5, "1": 0.25, "2": 0.75}},
        b"[0.5, 0.25, 0.75]",
        b'{"predictions": [0.5, 0.25, 0.75]}',
    ],
)
def test_as_many_values_as_the_request_has_rows_are_one_value_a_row(
    tmp_path: Path, request_: Any, response: Any
) -> None:
    rows, log = read(opened(tmp_path, [line(request_, response)] * 3))
    assert rows == [("0.5", "1", "2"), ("0.25", "1", "2"), ("0.75", "1", "2")] * 3
    assert (log.read, log.captured, log.malformed) == (9, 3, 0)


@pytest.mark.parametrize(
    ("request_", "response", "attribute", "expected"),
    [
        ("1\n2", "0.9,0.1,0.3,0.7", None, [("0.9", "0.1"), ("0.3", "0.7")]),
        ("1\n2", [0.9, 0.1, 0.3, 0.7], None, [("0.9", "0.1"), ("0.3", "0.7")]),
        ("1\n2", {"p": [0.9, 0.1, 0.3, 0.7]}, None, [("0.9", "0.1"), ("0.3", "0.7")]),
        ("1\n2", {"p": [0.9, 0.1], "y": [1, 0]}, None, [("0.9", "1"), ("0.1", "0")]),
        ("1\n2", {"p": [[0.9, 0.1], [0.3, 0.7]], "y": [1, 0]}, None, [("0.9", "0.1", "1"), ("0.3", "0.7", "0")]),
        ("1\n2", "0.9,0.1", "0", [("0.9",), ("0.1",)]),
        ("1\n2", "1,0.9,0,0.3", "1", [("0.9",), ("0.3",)]),
        ("1\n2", {"model": "a", "p": [0.9, 0.1]}, "p", [("0.9",), ("0.1",)]),
        ("1\n2", {"p": [0.9, 0.1]}, "p[*]", [("0.9",), ("0.1",)]),
        ("1", {"p": [0.9, 0.1]}, "p[*]", [("0.9", "0.1")]),
        ("1", "[0.9, 0.1]", "[*]", [("0.9", "0.1")]),
        ("1", "[0.9, 0.1]", "@", [("0.9", "0.1")]),
        ("1", "[0.9, 0.1]", "0,1", [("0.9", "0.1")]),
        ("1", "yes,[0.9, 0.1]", "1", [("0.9", "0.1")]),
        ("1", 'yes,0.9,"[0.9, 0.1]"', "2", [("0.9", "0.1")]),
        ("1", 'yes,0.9,"[0.9, 0.1]"', None, [("yes", "0.9", "0.9", "0.1")]),
        ("1", "yes,\"['no', 'yes']\"", None, [("yes", "['no', 'yes']")]),
        ("1", "['no', 'yes']", None, [("no", "yes")]),
        ("1", "[0.9, None, nan]", None, [("0.9", None, "nan")]),
        ("1", "[0,10)", None, [("[0", "10)")]),
        ("1", "0.9,0.1", None, [("0.9", "0.1")]),
        ("1", "1,2,3", "1,2", [("2", "3")]),
        ("1\n2", "5,0.9,0.1\n6,0.3,0.7", "1,2", [("0.9", "0.1"), ("0.3", "0.7")]),
        ("1", [5, 0.9, 0.1], "1,2", [("0.9", "0.1")]),
        ("1", {"a": 0.9, "b": 0.1, "c": 7}, "a,b", [("0.9", "0.1")]),
        ("1\n2", [{"a": 0.9, "b": 0.1}, {"a": 0.3, "b": 0.7}], "b, a", [("0.1", "0.9"), ("0.7", "0.3")]),
    ],
)
@pytest.mark.parametrize("sides", [[REQUEST, RESPONSE], [RESPONSE]])
def test_responses_are_cut_alike_whether_the_request_is_read_or_not(
    tmp_path: Path, request_: Any, response: Any, attribute: str | None, expected: list[Any], sides: list[str]
) -> None:
    dataset = opened(
        tmp_path, [line(request_, response)] * 2, Attributes.of(probability=attribute), captureIndexNames=sides
    )
    width = len(expected[0])
    rows, log = read(dataset)
    assert [row[:width] for row in rows] == expected * 2
    assert log.malformed == 0


def test_labels_on_one_line_are_cut_too_and_their_number_decides_where_no_request_is_captured(tmp_path: Path) -> None:
    lines = [line("1\n2", "0.9,0.1", "1,0"), line("1\n2", "0.9\n0.1", [1, 0]), line(None, "0.9,0.1", "1\n0")]
    for captured in lines:
        dataset = opened(tmp_path, [captured], captureIndexNames=[RESPONSE, LABELS])
        assert read(dataset)[0] == [("0.9", "1"), ("0.1", "0")]


def test_that_responses_were_cut_is_reported_once(tmp_path: Path) -> None:
    rows, log = read(opened(tmp_path, [line("1\n2", "0.9\n0.1"), line("1\n2", "0.9,0.1"), line("1\n2", "0.9,0.1")]))
    assert len(rows) == 6
    assert (is_cut(log), len(log.remarks)) == (True, 1)
    assert not is_cut(read(opened(tmp_path, [line("1\n2", "0.9\n0.1"), line("1", "0.9")]))[1])


def test_values_whose_number_is_no_multiple_of_the_rows_are_malformed(tmp_path: Path) -> None:
    rows, log = read(opened(tmp_path, [line("1\n2", "0.9\n0.1"), line("1\n2", "0.9,0.1,0.3"), line("1\n2", "1\n2\n3")]))
    assert len(rows) == 2
    assert log.malformed_examples == [
        f"capture.jsonl:{number}: the request and the response differ in their number of rows: endpointOutput has"
        f" {rows}, endpointInput has 2"
        for number, rows in ((2, 1), (3, 3))
    ]


COLUMNS = [
    [({"lon": [1.5, 2.5], "age": [3, 4]}, {"price": [5.5, 6.5]})] * 2,
    [({"lon": [1.5, 2.5], "age": [3, 4]}, b'{"price": [5.5, 6.5]}')] * 2,
    [({"lon": {"0": 1.5, "1": 2.5}, "age": {"0": 3, "1": 4}}, {"price": [5.5, 6.5]})] * 2,
    [({"inputs": {"lon": [1.5, 2.5], "age": [3, 4]}}, {"outputs": {"price": [5.5, 6.5]}})] * 2,
    [({"lon": [1.5], "age": [3]}, {"price": [5.5]}), ({"lon": [2.5], "age": [4]}, {"price": [6.5]})] * 2,
    [
        ({"lon": [1.5, 2.5], "age": [3, 4]}, {"price": [5.5, 6.5]}),
        ({"lon": [1.5], "age": [3]}, {"price": [5.5]}),
        ({"lon": [2.5], "age": [4]}, {"price": [6.5]}),
    ],
]


@pytest.mark.parametrize("records", COLUMNS)
def test_columns_of_lists_are_rows(tmp_path: Path, records: list[tuple[Any, Any]]) -> None:
    dataset = opened(tmp_path, [line(*record) for record in records])
    rows, log = read(dataset)
    assert dataset.columns == ("price", "lon", "age")
    assert rows == [("5.5", "1.5", "3"), ("6.5", "2.5", "4")] * 2
    assert any("element i of each list was read as row i" in remark for remark in log.remarks)


@pytest.mark.parametrize(
    ("request_", "response", "columns"),
    [
        ({"lon": [1.5, 2.5], "age": [3, 4]}, "0.5", ("_c0", "lon.0", "lon.1", "age.0", "age.1")),
        ({"lon": [1.5, 2.5], "age": [3]}, [0.5, 0.5], ("_c0", "_c1", "lon.0", "lon.1", "age.0")),
        ({"features": [1, 2]}, [0.5, 0.5], ("_c0", "_c1", "features.0", "features.1")),
        ({"lon": [1.5, 2.5], "age": [3, 4]}, None, ("lon.0", "lon.1", "age.0", "age.1")),
        ({"a": [1, 2], "b": 3}, [0.5, 0.5], ("_c0", "_c1", "a.0", "a.1", "b")),
    ],
)
def test_lists_that_the_responses_do_not_show_to_be_columns_are_values_of_one_row(
    tmp_path: Path, request_: Any, response: Any, columns: tuple[str, ...]
) -> None:
    dataset = opened(tmp_path, [line(request_, response)] * 3)
    assert dataset.columns == columns
    assert read(dataset)[1].remarks == []


def test_the_remedy_that_the_remark_names_reads_lists_as_one_row(tmp_path: Path) -> None:
    lines = [line({"x": [1, 2], "y": [3, 4]}, [0.3, 0.7])] * 2
    assert any("--features-attribute '@'" in remark for remark in read(opened(tmp_path, lines))[1].remarks)
    rows, log = read(opened(tmp_path, lines, Attributes.of(features="@")))
    assert rows == [("0.3", "0.7", "1", "2", "3", "4")] * 2
    assert log.remarks == []


def test_one_list_is_a_column_only_if_its_length_varies_with_the_responses(tmp_path: Path) -> None:
    lines = [line({"instances": [1.0, 2.0, 5.0]}, {"predictions": [2.5, 3.0, 4.5]}), line({"instances": [1.0]}, [2.5])]
    assert opened(tmp_path, lines[:1]).columns[-1] == "instances.2"
    lines[1] = line({"instances": [1.0]}, {"predictions": [2.5]})
    dataset = opened(tmp_path, lines)
    assert dataset.columns == ("predictions", "instances")
    assert read(dataset)[0] == [("2.5", "1.0"), ("3.0", "2.0"), ("4.5", "5.0"), ("2.5", "1.0")]


HEADERS = [
    (["age,x\n57,0.26\n", "age,x\n62,0.94\n"], ["0.359\n", "0.740\n"]),
    (["age,x\r\n57,0.26\r\n", "age,x\r\n62,0.94\r\n"], ["0.359\n", "0.740\n"]),
    (['"age","x"\n57,0.26', "age,x\n62,0.94"], ["0.359\n", "0.740\n"]),
    (["x,age\n0.26,57\n", "x,age\n0.94,62\n", "age,x\n57,0.26", "age,x\n62,0.94"], ["0.359", "0.740"] * 2),
    (["age,x\n57,0.26\n62,0.94\n"] * 2, ["0.359\n0.740\n"] * 2),
    (["age,x\n57,0.26\n62,0.94\n"] * 2, ["0.359,0.740\n"] * 2),
    (["age,x\n57,0.26\n62,0.94\n"], ["0.359\n0.740\n"]),
    (["age,x\n57,0.26\n", "age,x\n62,0.94\n", "57,0.26", "62,0.94"], ["0.359\n", "0.740\n"] * 2),
]


@pytest.mark.parametrize("responses_too", [False, True])
@pytest.mark.parametrize(("requests", "responses"), HEADERS)
def test_a_header_gives_the_names(
    tmp_path: Path, requests: list[str], responses: list[str], *, responses_too: bool
) -> None:
    if responses_too and (len(requests) == 1 or "," in responses[0]):
        pytest.skip("nothing says that the first lines are headers, or where they end")
    sent = [f"score\n{response}" for response in responses] if responses_too else responses
    dataset = opened(tmp_path, [line(*pair) for pair in zip(requests, sent, strict=True)])
    score = "score" if responses_too else "_c0"
    assert (dataset.named, set(dataset.columns)) == (True, {score, "age", "x"})
    assert dataset.columns[0] == score
    log = ReadLog()
    plan = Plan(dict.fromkeys(dataset.columns, pl.String()))
    rows = [row for batch in dataset.batches(plan, log) for row in batch[[score, "age", "x"]].rows()]
    expected = [("0.359", "57", "0.26"), ("0.740", "62", "0.94")]
    assert rows == expected * (len(rows) // 2)
    assert (log.malformed, log.read % 2, len(log.remarks) >= 1) == (0, 0, True)


def test_columns_that_are_all_text_have_a_header_if_it_is_always_the_same(tmp_path: Path) -> None:
    lines = [line(f"city,colour\n{city},red\n", "label\nyes\n") for city in ("Oslo", "Bern", "Rome")]
    responses_differ = [
        line(f"city,colour\n{city},red\n", f"label\n{yes}\n") for city, yes in zip("abc", "yny", strict=True)
    ]
    assert opened(tmp_path, lines).columns == ("label", "city", "colour")
    assert opened(tmp_path, responses_differ).columns == ("label", "city", "colour")
    without = [line(f"{city},red\n{city},red", "yes\nyes") for city in ("Oslo", "Bern", "Rome")]
    assert opened(tmp_path, without).columns == ("_c0", "_c1", "_c2")


@pytest.mark.parametrize(
    ("requests", "responses"),
    [
        (["a,b\n1,2", "c,d\n3,4"], ["0.1\n0.2"] * 2),  # first lines that differ
        (["a,b\n1,2", "a,b\n3,4"], ["0.1\n0.2"] * 2),  # as many responses as lines
        (["NA,?\n1,2", "NA,?\n3,4"], ["0.1\n0.2"] * 2),
        (["a,a\n1,2"] * 3, ["0.1\n0.2"] * 3),
        (["a,b\na,2"] * 3, ["0.1\n0.2"] * 3),
        (["1,2\n3,4"] * 3, ["0.1\n0.2"] * 3),
    ],
)
def test_first_lines_that_may_be_rows_are_rows(tmp_path: Path, requests: list[str], responses: list[str]) -> None:
    dataset = opened(tmp_path, [line(*pair) for pair in zip(requests, responses, strict=True)])
    rows, log = read(dataset)
    assert (dataset.named, len(rows), log.malformed, log.remarks) == (False, 2 * len(requests), 0, [])


def test_the_header_of_one_payload_alone_is_reported_as_uncertain(tmp_path: Path) -> None:
    rows, log = read(opened(tmp_path, [line("age,x\n57,0.26", None)]))
    assert rows == [("age", "x"), ("57", "0.26")]
    (remark,) = log.remarks
    assert "looks like a header" in remark
    assert "--record-preprocessor" in remark


def test_attributes_name_columns_of_a_header(tmp_path: Path) -> None:
    lines = [line("age\n5", f"label,no,yes\n1,0.25,{p}") for p in (0.75, 0.5)]
    for attribute, expected in (
        ("yes", ("0.75",)),
        ("2", ("0.75",)),
        ("no,yes", ("0.25", "0.75")),
        ("1,2", ("0.25", "0.75")),
    ):
        rows, _ = read(opened(tmp_path, lines, Attributes.of(probability=attribute)))
        assert rows[0] == (*expected, "5")
    with pytest.raises(InvalidInput, match="names a column that the payload does not have: maybe"):
        opened(tmp_path, lines, Attributes.of(probability="no,maybe"))


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_other_separators_are_reported_with_what_helps(tmp_path: Path, separator: str) -> None:
    _, log = read(opened(tmp_path, [line(f"1{separator}2{separator}3", "0.5")] * 2))
    (remark,) = log.remarks
    assert remark.startswith("endpointInput: each row is one column with the same number of ")
    assert "--record-preprocessor" in remark


def test_a_record_with_several_wrong_rows_is_counted_once(tmp_path: Path) -> None:
    lines = [line("1,2", "0.5")] * 3 + [line("1,2,3\n1,2,3\n1,2,3\n1,2", "1\n2\n3\n4")]
    rows, log = read(opened(tmp_path, lines))
    assert (len(rows), log.captured, log.malformed) == (4, 4, 1)
    named = [line({"a": 1}, "0.5"), line([{"a": 1, "b": 2}, {"a": 1, "b": 2}], "0.5\n0.5")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("modelwatch_analyzer.reading.capture_rows.SAMPLED_ROWS", 1)
        _, log = read(opened(tmp_path, named))
    assert (log.read, log.captured, log.with_unread_fields) == (3, 2, 1)


@pytest.mark.parametrize(
    ("text", "documents"),
    [
        ("[0.1, 0.9]", [["0.1", "0.9"]]),
        ("[0.1 0.9]", [["0.1", "0.9"]]),
        ("[1. 2.]", [["1.", "2."]]),
        ("[[0.1 0.9]\n [0.3 0.7]]", [[["0.1", "0.9"], ["0.3", "0.7"]]]),
        ("[0.1, 0.9]\n[0.3, 0.7]\n", [["0.1", "0.9"], ["0.3", "0.7"]]),
        ("[0.1], [0.9]", [[["0.1"], ["0.9"]]]),
        ("1, [0.1, 0.9]\r\n0,[0.3,0.7]", [["1", ["0.1", "0.9"]], ["0", ["0.3", "0.7"]]]),
        ("['a', \"b\"]", [["a", "b"]]),
        ("[-1e-05,+2E3, inf, None]", [["-1e-05", "+2E3", "inf", None]]),
        ("[]", [[]]),
        ("(0.3,)", [["0.3"]]),
        ("((0.1, 0.9), (0.3, 0.7))", [[["0.1", "0.9"], ["0.3", "0.7"]]]),
        ("[np.float64(0.3), numpy.float32(-1e-05)]", [["0.3", "-1e-05"]]),
        ("array([[0.1, 0.9],\n       [0.3, 0.7]], dtype=float32)", [[["0.1", "0.9"], ["0.3", "0.7"]]]),
        ("[tensor(0.3), tensor([0.1, 0.2])]", [["0.3", ["0.1", "0.2"]]]),
        ("('yes', 0.9)", [["yes", "0.9"]]),
        ("1,(0.1, 0.9)", [["1", ["0.1", "0.9"]]]),
        ("[True, False]", [["true", "false"]]),
        ("[np.True_, np.False_]", [["true", "false"]]),
        ("[Decimal('0.1'), Decimal('0.9')]", [["0.1", "0.9"]]),
        ("[np.str_('cat')]", [["cat"]]),
        ("(1,200),5", None),
        ("12,(3),4", None),
        ("(new, used)", None),
        ("f(1, 2)", None),
        ("((1, 2)", None),
        ("0.1, 0.9", None),
        ("[a, b]", None),
        ("[0,10)", None),
        ("(0,10]", None),
        ("[0,10],[", None),
        ("[1]x", None),
        ("[1,,2]", None),
        ("[1,]", None),
        ('"[1]"', None),
        ("", None),
    ],
)
def test_lists_in_brackets_are_read(text: str, documents: list[Any] | None) -> None:
    assert bracketed_documents(text) == documents


def test_only_numbers_make_a_field_a_list() -> None:
    assert bracketed_numbers("[0.1, 0.9]") == ["0.1", "0.9"]
    for field in ("0.1", "[a]", "['a']", "[0.1", "[0.1][0.2]", "[]", "[0, 10)"):
        assert bracketed_numbers(field) is None


_numbers = st.floats(-1e6, 1e6).map(lambda value: value or 0.0)


@given(st.recursive(st.lists(_numbers, min_size=1), lambda inner: st.lists(inner, min_size=1), max_leaves=12))
def test_what_python_prints_of_lists_is_read_as_json_of_them(values: list[Any]) -> None:
    def texts(value: Any) -> Any:
        return list(map(texts, value)) if isinstance(value, list) else str(value)

    assert bracketed_documents(str(values)) == [texts(values)]
    assert bracketed_documents(str(values).replace(", ", " ")) == [texts(values)]


@given(st.integers(1, 5), st.integers(1, 4), st.data())
def test_cutting_undoes_putting_rows_on_one_line(rows: int, width: int, data: st.DataObject) -> None:
    table = data.draw(st.lists(st.lists(_numbers, min_size=width, max_size=width), min_size=rows, max_size=rows))
    flat = [value for row in table for value in row]
    assert cut([flat], rows) == table
    assert cut([[value] for value in flat], rows, projected=True) == table
    if rows > 1:
        columns = {str(index) + "x": [row[index] for row in table] for index in range(width)}
        assert [list(row.values()) for row in cut([columns], rows)] == table


_rows = st.lists(st.lists(st.sampled_from(["1", "0.5", "", "a", "7"]), min_size=2, max_size=2), min_size=1, max_size=3)


_SPELLINGS = ("line", "line", "lines", "brackets", "list", "field", "columns", "number")


def _response(spelling: str, rows: int, data: st.DataObject) -> Any:
    size = rows * data.draw(st.sampled_from([1, 1, 2])) + data.draw(st.sampled_from([0] * 9 + [1]))
    if spelling in ("line", "lines"):
        field = st.sampled_from(["0.25", "1.0", "3.5"] * 4 + ["", '"a"'])
        fields = data.draw(st.lists(field, min_size=size, max_size=size))
        return ("," if spelling == "line" else "\n").join(fields) + data.draw(st.sampled_from(["", "", "\n"]))
    value = st.sampled_from([0.25, 1.0, 3.5] * 4 + [None, "a"])
    scores = data.draw(st.lists(value, min_size=size, max_size=size))
    if spelling == "brackets":
        return str(scores)
    shapes = {"list": scores, "field": {"p": scores}, "columns": {"p": scores, "q": scores}, "number": 0.25}
    response, is_encoded = shapes[spelling], data.draw(st.sampled_from([False] * 4 + [True]))
    return json.dumps(response).encode() if is_encoded else response


@settings(max_examples=150, deadline=None)
@given(tables=st.lists(_rows, min_size=1, max_size=5), header=st.booleans(), data=st.data())
def test_flat_payloads_read_together_and_one_by_one_give_the_same(
    tmp_path_factory: pytest.TempPathFactory, tables: list[list[list[str]]], header: bool, data: st.DataObject
) -> None:
    folder = tmp_path_factory.getbasetemp()
    texts = ["\n".join(map(",".join, [*([["age", "x"]] if header else []), *table])) for table in tables]
    usual = data.draw(st.sampled_from(_SPELLINGS))
    lines = []
    for text, table in zip(texts, tables, strict=True):
        response = _response(data.draw(st.sampled_from([usual] * 9 + [*_SPELLINGS])), len(table), data)
        lines.append(line(data.draw(st.sampled_from([text] * 19 + [None])), response))
    sides = data.draw(st.sampled_from([[REQUEST, RESPONSE], [RESPONSE]]))
    attribute = data.draw(st.sampled_from([None, None, "0", "0,1", "p", "p[*]", "[*]", "@"]))
    features = data.draw(st.sampled_from([None, None, None, "0", "5"]))
    try:
        attributes = Attributes.of(features=features, probability=attribute)
        dataset = opened(folder, [*lines, ""], attributes, captureIndexNames=sides)
    except InvalidInput as refused:
        assert refused.code in ("AllMalformed", "NoData")  # noqa: PT017 - either may happen
        return
    together = read(dataset)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BlockParser, "_parse_together", lambda *_: None)
        one_by_one = read(dataset)
    assert together == one_by_one


def test_what_only_looks_like_a_flat_response_is_read_as_by_itself(tmp_path: Path) -> None:
    lists = [line("1\n2", [0.25, 0.5])] * 2
    number = line("1\n2", 0.5)
    nothing = number.replace('"data": "0.5"', '"data": "null"')
    blank, quoted = [line("1\n2\n3", "0.25,0.5,")] * 2, [line("1", "a,b")] * 3 + [line("1\n2", '"a",b')]
    alone: dict[str, Any] = {"captureIndexNames": [RESPONSE]}
    for lines, attributes, options, rows, malformed in (
        ([*lists, number], {}, {}, 4, 1),
        ([*lists, nothing], {}, {}, 4, 1),
        (blank, {}, alone, 6, 0),
        (quoted, {}, alone, 3, 1),
        ([line("1,2\n3,4", "0.5,0.25")] * 3, {"features": "7", "probability": "0"}, alone, 3, 0),
        ([line("1", [1, [2, 3]])] * 3 + [line("1\n2", [[9, 9], [2, 3]])], {"probability": "1"}, {}, 3, 1),
    ):
        found, log = read(opened(tmp_path, [*lines, ""], Attributes.of(**attributes), **options))
        assert (len(found), log.malformed) == (rows, malformed), (lines, attributes)


@pytest.mark.parametrize("sides", [[REQUEST, RESPONSE], [RESPONSE]])
@pytest.mark.parametrize(
    ("response", "attribute", "columns"),
    [
        (lambda rows: ",".join(["0.5", "0.25", "0.75"][:rows]), None, 1),
        (lambda rows: ",".join(["0.5", "0.25", "0.75"][:rows]), "0", 1),
        (lambda rows: ",".join(["0.5", "0.25"] * rows) + "\n", None, 2),
        (lambda rows: ",".join(["0.5", "0.25"] * rows), "1", 1),
        (lambda rows: str([0.5, 0.25, 0.75][:rows]), None, 1),
        (lambda rows: [0.5, 0.25, 0.75][:rows], None, 1),
        (lambda rows: [0.5, 0.25] * rows, "1", 1),
        (lambda rows: {"predictions": [0.5, 0.25] * rows}, "predictions", 2),
        (lambda rows: {"predictions": [0.5, 0.25] * rows}, "predictions[*]", 2),
        (lambda rows: {"predictions": [0.5, 0.25, 0.75][:rows], "model": "a"}, None, 2),
        (lambda rows: json.dumps([0.5, 0.25] * rows).encode(), None, 2),
    ],
)
def test_flat_responses_of_one_kind_are_never_read_one_by_one(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    response: Callable[[int], Any],
    attribute: str | None,
    columns: int,
    sides: list[str],
) -> None:
    lines = [line("\n".join(["1,2"] * rows), response(rows)) for rows in (3, 1, 2, 3)]
    dataset = opened(tmp_path, lines, Attributes.of(probability=attribute), captureIndexNames=sides)
    with monkeypatch.context() as patch:
        patch.setattr(BlockParser, "_parse_together", lambda *_: None)
        one_by_one = read(dataset)
    monkeypatch.setattr(BlockParser, "_parse_one_by_one", lambda *_: pytest.fail("records were read one by one"))
    assert read(dataset) == one_by_one
    rows, log = one_by_one
    assert [len(rows), len(rows[0]), is_cut(log)] == [9, columns + 2 * (REQUEST in sides), True]
