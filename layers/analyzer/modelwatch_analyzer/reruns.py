"""What changed between two attempts at the same window, as far as every kind of monitor reports it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from modelwatch_analyzer.documents import VIOLATIONS_FILE
from modelwatch_core.domain.constraint_violations import ConstraintViolation, ConstraintViolations


def violations_since(folder: Path, violations: Iterable[ConstraintViolation]) -> Iterator[str]:
    """Yield a sentence for each violation that is new, and for each that is gone.

    Parameters
    ----------
    folder : Path
        The reports of the previous attempt; nothing is yielded where they have no violations report.
    violations : iterable of ConstraintViolation
        Those of this attempt.
    """
    try:
        recorded = ConstraintViolations.model_validate_json((folder / VIOLATIONS_FILE).read_bytes())
    except FileNotFoundError:
        return
    except (OSError, ValueError):
        yield f"violations are not compared: the previous attempt's {VIOLATIONS_FILE} cannot be read"
        return
    before, now = ({_key(violation) for violation in each} for each in (recorded.violations, violations))
    yield from (f"new violation: {subject} {check}" for subject, check in sorted(now - before))
    yield from (f"no violation any more: {subject} {check}" for subject, check in sorted(before - now))


def first_changes(changes: Iterable[Sequence[str]], most: int, noun: str) -> Iterator[str]:
    """Yield the sentences about the first things that changed, and the number of the others.

    Parameters
    ----------
    changes : iterable of sequence of str
        The sentences about each thing; none where it did not change.
    most : int
        How many things are described.
    noun : str
        What they are, in the plural: ``features``.
    """
    changed = 0
    for sentences in changes:
        changed += bool(sentences)
        if changed <= most:
            yield from sentences
    if changed > most:
        yield f"and {changed - most:,} more {noun} changed"


def _key(violation: ConstraintViolation) -> tuple[str, str]:
    return violation.subject, violation.constraint_check_type
