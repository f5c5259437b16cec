"""What a re-run of a window finds other than the run before, of what every kind of monitor reports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from modelwatch_core.domain.constraint_violations import ConstraintViolation, ConstraintViolations

VIOLATIONS = "constraint_violations.json"


def violations_since(folder: Path, violations: Iterable[ConstraintViolation]) -> Iterator[str]:
    """Yield a sentence for each violation that is new, and for each that is gone.

    Parameters
    ----------
    folder : Path
        Of the earlier run; where it has no such report, nothing is said.
    violations : iterable of ConstraintViolation
        This run's.
    """
    try:
        recorded = ConstraintViolations.model_validate_json((folder / VIOLATIONS).read_bytes())
    except FileNotFoundError:
        return
    except (OSError, ValueError):
        yield f"violations are not compared: the earlier {VIOLATIONS} cannot be understood"
        return
    before, now = ({_key(violation) for violation in each} for each in (recorded.violations, violations))
    yield from (f"new violation: {subject} {check}" for subject, check in sorted(now - before))
    yield from (f"no violation any more: {subject} {check}" for subject, check in sorted(before - now))


def _key(violation: ConstraintViolation) -> tuple[str, str]:
    return violation.subject, violation.constraint_check_type
