"""Whatever a dataset holds, an analysis ends with a strict report or with a reason, and accounts for every record."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwatch_core.domain.analysis import AnalysisSummary
from modelwatch_core.domain.errors import InvalidInput
from tests.data_quality.conftest import Workbench, found

_PIECES = [
    *[
        "a",
        "b",
        "1",
        "-2",
        "2.5",
        "1e400",
        "9" * 25,
        "NaN",
        "true",
        "é",
        "\xff",
        "\0",
        " ",
        "\t",
        '"',
        '""',
        ',"',
        '",',
    ],
    *[",", ",", "\n", "\n", "\r\n", "\r", "1,2\n", "3,x\n", ",\n", '{"captureData":{}}\n', "\ufeff"],
]
_contents = st.one_of(
    st.lists(st.sampled_from(_PIECES), max_size=60).map(lambda pieces: "".join(pieces).encode("latin-1", "ignore")),
    st.binary(max_size=80),
    st.lists(st.sampled_from(_PIECES), max_size=20).map(lambda pieces: b"a,b\n" + "".join(pieces).encode()),
)


def outcome(analysis: Callable[[], AnalysisSummary]) -> AnalysisSummary | InvalidInput:
    """Run an analysis; any error but a refusal fails the test."""
    try:
        return analysis()
    except InvalidInput as refused:
        return refused


@settings(max_examples=80, deadline=None)
@given(_contents, st.booleans())
def test_any_bytes_become_a_baseline_that_they_pass_or_are_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, header: bool
) -> None:
    workbench = Workbench(tmp_path_factory.mktemp("any"))
    made = outcome(lambda: workbench.baseline(content, header=header))
    if isinstance(made, InvalidInput):
        assert made.code.isalnum()
        assert made.message
        return
    statistics = workbench.read("baseline/statistics.json")
    assert statistics["dataset"]["item_count"] == made.records.read > 0
    for feature in statistics["features"]:
        (common,) = (feature[kind]["common"] for kind in feature if kind.endswith("_statistics"))
        assert common["num_present"] + common["num_missing"] == made.records.read
    checked = workbench.check(content, dataset_format={"csv": {"header": header}})
    assert found(checked) == []
    with_names = ("malformed_examples", "remarks")  # of files
    assert checked.records == made.records.model_copy(
        update={name: getattr(checked.records, name) for name in with_names}
    )


@settings(max_examples=80, deadline=None)
@given(st.lists(st.sampled_from([
    b'{"captureData":{"endpointInput":{"data":"1,2","encoding":"CSV"},"endpointOutput":{"data":"3","encoding":"CSV"}}}',
    b'{"captureData":{"endpointInput":{"data":"1,2\\n4,5","encoding":"CSV"},"endpointOutput":{"data":"3\\n6\\n","encoding":"CSV"}}}',
    b'{"captureData":{"endpointInput":{"data":"\\ud800,2","encoding":"CSV"},"endpointOutput":{"data":"3","encoding":"CSV"}}}',
    b'{"captureData":{"endpointInput":{"data":"\\u0000,\\"","encoding":"CSV"},"endpointOutput":{"data":"3","encoding":"CSV"}}}',
    b'{"captureData":{"endpointInput":{"data":"iVBORw0KGgo=","encoding":"BASE64"}}}',
    b'{"captureData":{"endpointInput":null}}', b"[" * 5000, b"null", b"", b"\xff\xfe", b"{}", b"\0", b'{"captureData":',
]), max_size=8))  # fmt: skip
def test_any_lines_of_captures_are_read_or_counted_or_refused(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]
) -> None:
    workbench = Workbench(tmp_path_factory.mktemp("any"))
    workbench.baseline("score,a,b\n0.5,1,2\n")
    summary = outcome(lambda: workbench.check(b"\n".join(lines), dataset_format={"sagemakerCaptureJson": {}}))
    if isinstance(summary, InvalidInput):
        assert summary.code in ("NoData", "AllMalformed", "NotUtf8", "OtherFormat")
        return
    assert summary.records.read == sum(1 + (b"4,5" in line) for line in lines if b'"3' in line and b"\\u" not in line)
    assert summary.records.malformed == sum(bool(line.strip()) for line in lines if b'"3' not in line or b"\\u" in line)
