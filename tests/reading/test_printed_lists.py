"""What Python prints of lists and arrays is read alike, whatever encoding the capture gave it."""

from __future__ import annotations

import base64

import pytest

from modelwatch_analyzer.reading.flattening import Unflattenable
from modelwatch_analyzer.reading.payloads import Payload, content_of, row_of


def captured(text: str) -> list[Payload]:
    """Return a payload in each encoding that SageMaker captures it in, by the content type that the server gave it."""
    encoded = base64.b64encode(text.encode()).decode()
    types = (None, "text/html; charset=utf-8", "text/plain", "application/octet-stream", "application/json")
    return [Payload(text, "CSV"), Payload(text, "JSON"), *(Payload(encoded, "BASE64", each) for each in types)]


@pytest.mark.parametrize(
    ("printed", "rows"),
    [
        ("[0.6]", [["0.6"]]),
        ("[np.float64(0.6)]", [["0.6"]]),
        ("[0.6 0.4]", [["0.6", "0.4"]]),
        ("[[0.6 0.4]\n [0.1 0.9]]", [["0.6", "0.4"], ["0.1", "0.9"]]),
        ("['cat']", [["cat"]]),
        ("[array([0.6], dtype=float32)]", [["0.6"]]),
        ("[0.6, nan]", [["0.6", "nan"]]),
        ("array([0.6, 0.4])", [["0.6", "0.4"]]),
        ("tensor([[0.6], [0.4]])", [["0.6"], ["0.4"]]),
    ],
)
def test_what_python_prints_of_a_list_has_the_same_rows_in_every_encoding(printed: str, rows: list[list[str]]) -> None:
    for payload in captured(printed):
        found = [row_of(record) for record in content_of(payload, response=True).records(None)]
        assert [list(row.values()) for row in found] == rows, payload


@pytest.mark.parametrize("broken", ["[0.6", '{"a": [1, 2}', "{'a': [0.6]", '[{"a": 1}', "[0.6] [0.4]"])
@pytest.mark.parametrize("encoding", ["JSON", "BASE64"])
def test_broken_json_stays_malformed(broken: str, encoding: str) -> None:
    data = base64.b64encode(broken.encode()).decode() if encoding == "BASE64" else broken
    with pytest.raises(Unflattenable, match="malformed"):
        content_of(Payload(data, encoding, "application/json"))
