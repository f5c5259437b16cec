"""Whatever a file of JSON holds, an analysis ends with a strict report or a reason, and its gzip ends alike."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwatch_analyzer.analysis import analyze
from modelwatch_core.domain.analysis import AnalysisSummary
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.outcome import OutcomeStatus
from modelwatch_core.domain.settings_environment import analysis_settings

_PIECES = [
    *['{"a": 1}', '{"a": 2.5, "b": "x"}', '{"b": null}', '{"a": {"b": [1, {"c": true}]}}', '{"a": 1, "a": "two"}'],
    *["[1, 2]", "[3]", "[]", "{}", '{"instances": [{"a": 7}, {"a": 8}]}', '{"a.b": 1, "a": {"b": 2}}', "5", "null"],
    *[
        '{"a": NaN}',
        '{"a": 1e400}',
        '{"a": ' + "9" * 300 + "}",
        '{"a": ',
        '"\\ud800"',
        '{"\\u0000": "\\u0000"}',
        "é",
        "\0",
    ],
    *["[" * 2000, '{"../../x": "<script>"}', '{"": ""}', "\ufeff", "\x80\x04K\x01.", "[", "]", ",", '"', " ", "\r"],
]
_contents = st.one_of(
    st.lists(st.sampled_from(_PIECES), max_size=12).map("\n".join),
    st.lists(st.sampled_from(_PIECES), max_size=12).map(lambda pieces: "[" + ",\n".join(pieces) + "]"),
    st.lists(st.sampled_from(_PIECES), max_size=12).map("".join),
).map(str.encode) | st.binary(max_size=60)


def analysed(folder: Path, content: bytes, *, lines: bool, **more: object) -> AnalysisSummary | InvalidInput:
    """Run an analysis; any error but a refusal fails the test."""
    (folder / "data").write_bytes(content)
    wanted = {
        "dataset_source": folder / "data",
        "dataset_format": {"json": {"lines": lines}},
        "output_path": folder / "b",
    }
    try:
        return analyze(analysis_settings(**(wanted | more)))
    except InvalidInput as refused:
        return refused


@settings(max_examples=100, deadline=None)
@given(_contents, st.booleans())
def test_any_bytes_become_a_baseline_that_they_pass_or_are_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, lines: bool
) -> None:
    folder = tmp_path_factory.mktemp("any")
    made = analysed(folder, content, lines=lines)
    compressed = analysed(folder, gzip.compress(content), lines=lines)
    if isinstance(made, InvalidInput):
        assert isinstance(compressed, InvalidInput)
        assert (made.code, made.message) == (compressed.code, compressed.message)
        return
    assert not isinstance(compressed, InvalidInput)
    assert compressed.records.model_copy(update={"bytes": made.records.bytes}) == made.records
    checked = analysed(
        folder,
        content,
        lines=lines,
        output_path=folder / "c",
        baseline_constraints=folder / "b/constraints.json",
        baseline_statistics=folder / "b/statistics.json",
    )
    assert not isinstance(checked, InvalidInput)
    assert (checked.status, checked.records) == (OutcomeStatus.COMPLETED, made.records)
