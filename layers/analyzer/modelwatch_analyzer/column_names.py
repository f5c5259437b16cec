"""When a column has a name that is spelled otherwise."""

from __future__ import annotations

from collections.abc import Sequence

from modelwatch_analyzer.profile.unusual_spellings import spelling_aside


def spelled_otherwise(names: Sequence[str], columns: Sequence[str]) -> dict[str, str]:
    """Return the column of each name that differs from it in blanks around it, case or Unicode form only.

    Where there is a choice, none is taken.
    """

    def by_spelling(texts: Sequence[str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for text in texts:
            found.setdefault(spelling_aside(text), []).append(text)
        return found

    candidates = by_spelling(columns)
    pairs = ((same, candidates.get(spelling, [])) for spelling, same in by_spelling(names).items())
    return {same[0]: others[0] for same, others in pairs if len(same) == len(others) == 1}
