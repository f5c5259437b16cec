"""Which analyses read their dataset in parts, so that many machines may share them out."""

from __future__ import annotations

from modelwatch_core.domain.monitor_kinds import MonitorKind

FORMATS_IN_PARTS = frozenset({"csv", "parquet"})
"""Formats in which each file names its own columns, so that datasets can be read in ``parts``."""

_READ_AS_A_WHOLE = {
    "batchTransform": "what transform jobs captured",
    "json": "JSON",
    "sagemakerCaptureJson": "captures",
}


def read_as_a_whole(kind: MonitorKind, format_name: str, *, preprocessed: bool, merged: bool) -> str | None:
    """Return what keeps an analysis from reading its dataset in parts; None where nothing does.

    Parameters
    ----------
    format_name : str
        SageMaker's name of the format of the dataset.
    preprocessed : bool
        Whether a script gets the records first.
    merged : bool
        Whether predictions are merged with labels in files of their own.
    """
    if not kind.in_parts:
        return f"the analysis of {kind.title.lower()} monitors"
    if format_name not in FORMATS_IN_PARTS:
        return _READ_AS_A_WHOLE.get(format_name, f"the format {format_name}")
    if preprocessed:
        return "a record preprocessor, which sees all records in their order"
    return "the merge of predictions with labels" if merged else None
