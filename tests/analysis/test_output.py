"""Files of JSON are what Python's own encoder writes, indented unless they are long."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from modelwatch_analyzer.output import write_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda parts: st.lists(parts, max_size=4) | st.dictionaries(st.text(), parts, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_json_is_written_as_pythons_encoder_indents_it(document: object) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.json"
        write_json(path, document)
        assert path.read_text(encoding="utf-8") == json.dumps(document, indent=2) + "\n"


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=80))
@example([1e16, 1e15, 1e-4, 1e-5, 9.999e-5, 10.00001, -1e-5, -1.5e-05, 5e-324, 1e22, -0.0])
def test_long_lists_of_numbers_are_written_in_the_digits_of_python(values: list[float]) -> None:
    document = {"sketch": {"data": [values * 8, [], [1, 2.5] * 40]}, "rest": ["é", (1.5, [2])]}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.json"
        write_json(path, document)
        assert path.read_text(encoding="utf-8") == json.dumps(document, indent=2) + "\n"


def test_a_document_of_a_megabyte_is_one_line(tmp_path: Path) -> None:
    document = {"data": [[0.1 + index for index in range(1000)] for _ in range(400)], "name": "1e5"}
    write_json(tmp_path / "a.json", document)
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == json.dumps(document) + "\n"
    assert list(tmp_path.iterdir()) == [tmp_path / "a.json"]


@pytest.mark.parametrize("values", [[float("nan")], [1.0] * 100 + [float("inf")], [1.0] * 100 + [float("nan")]])
def test_what_is_no_number_is_refused_in_long_and_short_lists(tmp_path: Path, values: list[float]) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", {"data": values})
    assert not list(tmp_path.iterdir())
