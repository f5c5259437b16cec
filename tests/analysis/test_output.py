"""Files of JSON are indented as Python's own encoder indents them."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
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
