"""Rows to requests, and responses to numbers."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwatch_analyzer.explainability.config import Predictor
from modelwatch_analyzer.explainability.requests import RequestFormat, parse_rows
from modelwatch_analyzer.explainability.responses import reader
from modelwatch_core.domain.errors import InvalidInput

FEATURES = ("age", "city", 'a "b"')
TABLE = pl.DataFrame(
    {"age": ["37", "1e3", None], "city": ['Köln, "am Rhein"', None, "Oslo"], 'a "b"': ["0.50", "-2", ".5"]}
)
NUMERIC = (True, False, True)


def body_of(table: pl.DataFrame = TABLE, numeric: tuple[bool, ...] = NUMERIC, **predictor: Any) -> str:
    request = RequestFormat.of(Predictor(**predictor), table.columns)
    cells = [request.cells(table[name], numeric=number) for name, number in zip(table.columns, numeric, strict=True)]
    return request.body(request.rows(cells)).decode()


def test_csv_keeps_the_spelling_of_cells_and_quotes_what_must_be() -> None:
    assert body_of() == '37,"Köln, ""am Rhein""",0.50\n1e3,,-2\n,Oslo,.5\n'


def test_json_has_numbers_as_numbers_and_what_is_none_as_text() -> None:
    table = pl.DataFrame({"zip": ["01234", "90210", None], "share": ["0.5", ".5", "+5"], "age": ["06", "6x", "-inf"]})
    body = body_of(table, (False, True, True), content_type="application/jsonlines", content_template="$features")
    assert body == '["01234",0.5,6]\n["90210",0.5,"6x"]\n[null,5,"-inf"]\n'


texts = st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8))


@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=6))
@settings(max_examples=80)
def test_csv_is_read_back_as_it_was(rows: list[tuple[str | None, str | None]]) -> None:
    table = pl.DataFrame(rows, schema={"a": pl.String, "b": pl.String}, orient="row")
    # The standard library's reader takes NUL and lone carriage returns as others do not.
    if any("\0" in (cell or "") for row in rows for cell in row):
        return
    found = list(csv.reader(io.StringIO(body_of(table, (False, False)), newline="")))
    assert found == [[cell or "" for cell in row] for row in rows]


@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=6))
@settings(max_examples=40)
def test_json_is_read_back_as_it_was(rows: list[tuple[str | None, str | None]]) -> None:
    table = pl.DataFrame(rows, schema={"a": pl.String, "b": pl.String}, orient="row")
    kvp = {"content_template": "$records", "record_template": "$features_kvp", "content_type": "application/json"}
    assert json.loads(body_of(table, (False, False), **kvp)) == [{"a": a, "b": b} for a, b in rows]


@pytest.mark.parametrize(
    ("content_type", "content", "record", "expected"),
    [
        (
            "application/jsonlines",
            '{"x":$features}',
            None,
            '{"x":[37,"K\\u00f6ln, \\"am Rhein\\"",0.50]}\n{"x":[1e3,null,-2]}\n{"x":[null,"Oslo",0.5]}\n',
        ),
        (
            "application/json",
            '{"names":1,"instances":$records}',
            "$features",
            '{"names":1,"instances":[[37,"K\\u00f6ln, \\"am Rhein\\"",0.50],[1e3,null,-2],[null,"Oslo",0.5]]}',
        ),
        (
            "application/json",
            {"names": "a", "x": "$records"},
            "[${age}]",
            '{"names": "a", "x": [[37],[1e3],[null]]}',
        ),
        (
            "application/jsonlines",
            {"a": "${age}", "x": "$feature_names"},
            None,
            "".join(f'{{"a": {age}, "x": ["age", "city", "a \\"b\\""]}}\n' for age in ("37", "1e3", "null")),
        ),
        (
            "application/json",
            '{"instances":$records}',
            '{"a":${age},"c":${city}}',
            '{"instances":[{"a":37,"c":"K\\u00f6ln, \\"am Rhein\\""},{"a":1e3,"c":null},{"a":null,"c":"Oslo"}]}',
        ),
    ],
)
def test_templates_are_filled(content_type: str, content: Any, record: str | None, expected: str) -> None:
    assert body_of(content_type=content_type, content_template=content, record_template=record) == expected


def test_names_of_features_are_placed_as_json() -> None:
    found = body_of(
        TABLE[:1],
        content_type="application/json",
        content_template="$record",
        record_template='{"columns":$feature_names,"data":$features_kvp}',
    )
    data = {"age": 37, "city": 'Köln, "am Rhein"', 'a "b"': 0.5}
    assert json.loads(found) == {"columns": list(FEATURES), "data": data}


def test_a_template_of_one_record_asks_for_one_row_at_a_time() -> None:
    predictor = Predictor(
        content_type="application/json", content_template='{"x":$record}', record_template="$features"
    )
    assert RequestFormat.of(predictor, FEATURES).most_rows == 1


@pytest.mark.parametrize(
    ("predictor", "says"),
    [
        ({"content_type": "image/png"}, "content_type"),
        ({"content_type": "application/json", "record_template": "$features"}, "content_template: must hold"),
        ({"content_type": "application/json", "content_template": "$records"}, "record_template: is needed"),
        ({"content_type": "application/jsonlines", "content_template": "{}"}, "must hold "),
        (
            {"content_type": "application/jsonlines", "content_template": "${height}"},
            "'height', which is not a feature",
        ),
    ],
)
def test_templates_that_cannot_be_filled_are_refused(predictor: dict[str, str], says: str) -> None:
    with pytest.raises(InvalidInput, match=says) as refused:
        RequestFormat.of(Predictor(**predictor), FEATURES)
    assert refused.value.code == "InvalidAnalysisConfig"


@pytest.mark.parametrize(
    ("accept", "attribute", "body", "expected"),
    [
        ("text/csv", None, b"0.25\n1e-1\n", [[0.25], [0.1]]),
        ("text/csv; charset=utf-8", None, b"1,2\r\n3,4", [[1, 2], [3, 4]]),
        ("text/csv", "1", b"yes,0.5\nno,0.75", [[0.5], [0.75]]),
        ("text/csv", None, b"0.5,0.75", [[0.5], [0.75]]),  # older containers respond on one line
        ("text/csv", None, b"0.5,0.5,0.25,0.75", [[0.5, 0.5], [0.25, 0.75]]),
        ("text/csv", "1", b"0.5,0.5,0.25,0.75", [[0.5], [0.75]]),
        ("text/csv", None, b"[0.5, 0.5]\n[0.25, 0.75]\n", [[0.5, 0.5], [0.25, 0.75]]),
        ("text/csv", None, b"[0.5, 0.5],[0.25, 0.75]", [[0.5, 0.5], [0.25, 0.75]]),
        ("text/csv", None, b"[0.5, 0.75]", [[0.5], [0.75]]),
        ("text/csv", "1", b'yes,"[0.5, 0.5]"\nno,"[0.25, 0.75]"', [[0.5, 0.5], [0.25, 0.75]]),
        ("text/csv", None, b'"[0.5, 0.5]"\n"[0.25, 0.75]"', [[0.5, 0.5], [0.25, 0.75]]),
        ("text/csv", None, b'1,"[0.5, 0.5]"\n2,"[0.25, 0.75]"', [[1, 0.5, 0.5], [2, 0.25, 0.75]]),
        ("text/csv", None, b"score\n0.5\n0.75\n", [[0.5], [0.75]]),
        ("application/json", None, b"[0.5, 0.5, 0.25, 0.75]", [[0.5, 0.5], [0.25, 0.75]]),
        ("application/jsonlines", None, b'{"score": 1}\n{"score": 2}\n', [[1], [2]]),
        ("application/jsonlines", "p[1]", b'{"p": [1, 2], "y": "a"}\n{"p": [3, 4], "y": "b"}', [[2], [4]]),
        ("application/json", None, b'{"predictions": [[0.1, 0.9], [0.2, 0.8]]}', [[0.1, 0.9], [0.2, 0.8]]),
        ("application/json", "predictions[*].score", b'{"predictions": [{"score": 1}, {"score": 2}]}', [[1], [2]]),
        ("application/json", None, b"[1, 2]", [[1], [2]]),
    ],
)
def test_responses_become_a_row_for_each_row(
    accept: str, attribute: str | None, body: bytes, expected: list[list[float]]
) -> None:
    np.testing.assert_array_equal(reader(accept, attribute)(body, 2), expected)


@pytest.mark.parametrize(
    ("accept", "attribute", "body", "code"),
    [
        ("text/csv", None, b"yes\nno", "ModelResponseNotNumbers"),
        ("text/csv", None, b"nan\n1", "ModelResponseNotNumbers"),
        ("text/csv", None, b"inf\n-inf", "ModelResponseNotNumbers"),
        ("text/csv", None, b"1e308\n1", "ModelResponseNotNumbers"),
        ("text/csv", None, b"1,2\n3", "ModelResponseNotNumbers"),
        ("text/csv", "4", b"1,2\n3,4", "ModelResponseNotNumbers"),
        ("text/csv", None, b"\xff\n1", "ModelResponseNotNumbers"),
        ("text/csv", None, b"1\n2\n3", "ModelResponseRowsDiffer"),
        ("text/csv", None, b"", "ModelResponseRowsDiffer"),
        ("application/json", None, b"<html>", "ModelResponseNotNumbers"),
        ("application/json", "scores", b'{"predictions": [1, 2]}', "ModelResponseNotNumbers"),
        ("application/json", None, b'["a", "b"]', "ModelResponseNotNumbers"),
        ("application/json", None, b"[null, 1]", "ModelResponseNotNumbers"),
        ("application/json", None, b"[[], []]", "ModelResponseNotNumbers"),
        ("application/jsonlines", None, b'{"a": 1}\n{', "ModelResponseNotNumbers"),
        ("application/json", None, b"[1" + b"0" * 400 + b", 1]", "ModelResponseNotNumbers"),
        ("application/json", None, b"[" * 100_000, "ModelResponseNotNumbers"),
        ("application/json", None, b'{"a": ' * 900 + b"[]" + b"}" * 900, "ModelResponseRowsDiffer"),
        ("application/json", "join('', scores)", b'{"scores": 1}', "ModelResponseNotNumbers"),
    ],
)
def test_responses_that_are_not_numbers_are_refused(accept: str, attribute: str | None, body: bytes, code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        reader(accept, attribute)(body, 2)
    assert refused.value.code == code


@pytest.mark.parametrize("attribute", ["predictions[*].scores", "scores"])
def test_an_attribute_that_finds_nothing_in_a_response_is_named(attribute: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        reader("application/json", attribute)(b'{"predictions": [{"score": 1}, {"score": 2}]}', 2)
    assert f"has no value at {attribute!r}" in refused.value.message


def test_numbers_that_are_too_few_or_too_many_are_counted() -> None:
    with pytest.raises(InvalidInput) as refused:
        reader("application/json", "predictions[*].score")(b'{"predictions": [{"score": 1}, {"score": 2}]}', 3)
    assert refused.value.message.startswith("the model returned 2 rows for a request of 3 rows")


@pytest.mark.parametrize(("accept", "attribute"), [("image/png", None), ("text/csv", "a.b"), ("application/json", "[")])
def test_attributes_that_are_invalid_are_refused(accept: str, attribute: str | None) -> None:
    with pytest.raises(InvalidInput) as refused:
        reader(accept, attribute)  # before anything is asked
    assert refused.value.code == "InvalidAnalysisConfig"


@pytest.mark.parametrize(
    ("text", "mime_type"),
    [
        ("1,2\n3,4\n", "text/csv"),
        ("[1, 2]\n[3, 4]", "application/jsonlines"),
        ('{"features": [1, 2]}\n{"a": 3, "b": 4}', "application/jsonlines"),
        ("[[1, 2], [3, 4]]", "application/json"),
        ("[[1, 2],\n [3, 4]]", "application/json; charset=utf-8"),
    ],
)
def test_baseline_rows_are_read_from_text(text: str, mime_type: str) -> None:
    assert [[float(str(value)) for value in row] for row in parse_rows(text, mime_type, ("a", "b"))] == [[1, 2], [3, 4]]


@pytest.mark.parametrize("text", ["[[1, NaN]]", "[[1, [2]]]", '[{"a": 1}]', "[1, 2]", "[" * 100_000])
def test_baseline_rows_that_are_invalid_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="baseline") as refused:
        parse_rows(text, "application/json", ("a", "b"))
    assert refused.value.code == "InvalidAnalysisConfig"
