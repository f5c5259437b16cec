"""What a re-run of a window finds other than the run before."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from modelwatch_analyzer.wording import java_double
from modelwatch_core.domain.constraint_violations import ConstraintViolation, ConstraintViolations

STATISTICS, VIOLATIONS = "statistics.json", "constraint_violations.json"


def changes_since(
    folder: Path, statistics: Mapping[str, Any], violations: Iterable[ConstraintViolation]
) -> Iterator[str]:
    """Yield a sentence for each thing that is other than in the reports of a folder.

    Parameters
    ----------
    folder : Path
        Of the earlier run; where it has no reports, nothing is said.
    statistics : Mapping
        This run's ``statistics.json``.
    violations : iterable of ConstraintViolation
        This run's.
    """
    earlier = _read(folder / STATISTICS)
    if earlier is None:
        return
    yield from _of_rows(earlier, statistics)
    yield from _of_metrics(earlier, statistics)
    recorded = _read(folder / VIOLATIONS)
    if recorded is not None:
        yield from _of_violations(recorded, violations)


def _read(path: Path) -> dict[str, Any] | None:
    """Return a report of ours; None if there is none, or somebody has changed it into something else."""
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) else None


def _of_rows(earlier: Mapping[str, Any], statistics: Mapping[str, Any]) -> Iterator[str]:
    before, now = (document.get("dataset", {}).get("item_count") for document in (earlier, statistics))
    if before != now:
        yield f"rows with a label: {before} before, {now} now"


def _of_metrics(earlier: Mapping[str, Any], statistics: Mapping[str, Any]) -> Iterator[str]:
    before, now = _values(earlier), _values(statistics)
    for name, value in now.items():
        if name not in before:
            yield f"{name}: not measured before, {_told(value)} now"
        elif value != before[name]:
            yield f"{name}: {_told(before[name])} before, {_told(value)} now"
    yield from (f"{name}: {_told(value)} before, not measured now" for name, value in before.items() if name not in now)


def _values(statistics: Mapping[str, Any]) -> dict[str, float | str]:
    """Return the value of every metric; curves and matrices have none."""
    sections = (part for key, part in statistics.items() if key.endswith("_metrics") and isinstance(part, dict))
    return {
        name: metric["value"]
        for section in sections
        for name, metric in section.items()
        if isinstance(metric, dict) and isinstance(metric.get("value"), int | float | str)
    }


def _told(value: float | str) -> str:
    return "undefined" if isinstance(value, str) else java_double(value)


def _of_violations(recorded: Mapping[str, Any], violations: Iterable[ConstraintViolation]) -> Iterator[str]:
    before = {_key(violation) for violation in ConstraintViolations.model_validate(recorded).violations}
    now = {_key(violation) for violation in violations}
    yield from (f"new violation: {subject} {check}" for subject, check in sorted(now - before))
    yield from (f"no violation any more: {subject} {check}" for subject, check in sorted(before - now))


def _key(violation: ConstraintViolation) -> tuple[str, str]:
    return violation.subject, violation.constraint_check_type
