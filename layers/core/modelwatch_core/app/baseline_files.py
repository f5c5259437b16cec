"""The files of a baseline that a schedule names: refused when it is made if no execution could use them."""

from __future__ import annotations

import json
from typing import Any

from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.monitor_kinds import KINDS, MonitorKind

MOST_BYTES_OF_STATISTICS = 8 * 2**20
"""The largest statistics that are looked at: those of some 130 columns. Each column has 60 KB of them, which as Python
objects are four times as large, and the function that reads them has 512 MiB."""


def refuse_unfit_constraints(content: bytes, s3_uri: str, kind: MonitorKind) -> None:
    """Refuse constraints that are no JSON object, statistics, or constraints of another kind of monitor.

    Only what distinguishes kinds is looked at: the analysis reads the rest.

    Raises
    ------
    InvalidInput
        ``InvalidConstraints``, naming what the file is.
    """
    if not kind.constraint_sections:
        return
    document = _document(content)
    if document is None:
        what = "is not a JSON object"
    elif "dataset" in document:
        what = "holds statistics"
    elif others := _other_kinds(document, kind):
        what = f"holds constraints of {' and '.join(others)}"
    else:
        return
    message = f"{s3_uri} {what}; give the constraints that a baseline of {kind.monitoring_type} made"
    raise InvalidInput("InvalidConstraints", f"baseline.constraints_s3_uri: {message}")


def refuse_unfit_statistics(content: bytes, s3_uri: str, kind: MonitorKind) -> None:
    """Refuse statistics that are no JSON object, or constraints; where a kind has no statistics, any file is taken.

    So is one that is larger than constraints are: it is left to the analysis, which has more memory.

    Raises
    ------
    InvalidInput
        ``InvalidStatistics``, naming what the file is.
    """
    has_statistics = kind.constraint_sections and "statistics_s3_uri" in kind.baseline_files
    if not has_statistics or len(content) > MOST_BYTES_OF_STATISTICS:
        return
    document = _document(content)
    if document is None:
        what = "is not a JSON object"
    elif "dataset" not in document and any(document.keys() & other.constraint_sections for other in KINDS.values()):
        what = "holds constraints"
    else:
        return
    message = f"{s3_uri} {what}; give the statistics that a baseline of {kind.monitoring_type} made"
    raise InvalidInput("InvalidStatistics", f"baseline.statistics_s3_uri: {message}")


def feature_names(content: bytes) -> set[str]:
    """Return the names of the features that constraints name; of other files none."""
    features = (_document(content) or {}).get("features")
    entries = features if isinstance(features, list) else []
    return {str(entry["name"]) for entry in entries if isinstance(entry, dict) and "name" in entry}


def _document(content: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _other_kinds(document: dict[str, Any], kind: MonitorKind) -> list[str]:
    """Return the kinds of monitor that a file is of, if it is not of the one that is wanted."""
    if document.keys() & kind.constraint_sections:
        return []
    return [name for name, other in KINDS.items() if document.keys() & other.constraint_sections]
