"""All tests of all columns of a window as one family: what is certain, and of that what is large."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

from modelwatch_analyzer.calibrated.dependence import Blocks
from modelwatch_analyzer.calibrated.effects import effective_rows
from modelwatch_analyzer.calibrated.evidence import NO_SUCH_HOURS, WINDOW_TEST, Evidence
from modelwatch_analyzer.calibrated.number_tests import NUMBER_WEIGHTS
from modelwatch_analyzer.special_functions import student_tail
from modelwatch_core.domain.number_text import p_text

_HALF_POWER = 0.42
"""The 0.84 standard errors that it takes to find a change in 80 % instead of 50 % of windows; one standard error of a
share is at most 0.5 / sqrt(rows)."""


@dataclass(frozen=True, slots=True)
class ColumnEvidence:
    """The tests of a column.

    Attributes
    ----------
    evidence : tuple of Evidence
        Empty where nothing could be compared.
    rows_before, rows_now : float
        How many independent rows each side's values are worth.
    minimums : mapping of str to float
        The least effect that matters, by `Evidence.minimum`.
    remark : str
        What was done about rows that are not independent.
    """

    evidence: tuple[Evidence, ...]
    rows_before: float
    rows_now: float
    minimums: Mapping[str, float]
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the family says of a column.

    Attributes
    ----------
    level : float
        The rate of false alarms of the window.
    columns : int
        How many columns share it.
    evidence : tuple of Evidence
        The evidence, whose p-values are corrected for the number of columns, the least first.
    flagged : tuple of Evidence
        What is certain and large.
    undecided : str, optional
        Why nothing can be decided.
    least : float
        The change that is found in 80 % of windows of this size.
    remark : str
        See `ColumnEvidence`.
    promise : str
        The rate of false alarms that is kept: ``1 % of windows``.
    """

    level: float
    columns: int
    evidence: tuple[Evidence, ...]
    flagged: tuple[Evidence, ...]
    undecided: str | None
    least: float
    minimums: Mapping[str, float]
    remark: str
    promise: str

    def flagged_by(self, check: str) -> Evidence | None:
        """Return the clearest evidence by which a check fails."""
        return next((each for each in self.flagged if each.check == check), None)

    def violation(self, check: str) -> str | None:
        """Return the description of a violation, or None."""
        found = self.flagged_by(check)
        if found is None:
            return None
        over = f"{self.columns} {'column' if self.columns == 1 else 'columns'}"
        return (
            f"{_TITLES.get(check, 'Baseline drift')}: {_size(found)}, threshold "
            f"{_percent(self.minimums[found.minimum])}; corrected p {p_text(found.p)} by the {found.test}; "
            f"at most {self.promise} have a false alarm, over {over}."
        )

    @property
    def sentence(self) -> str:
        """Why the column was flagged, or was not."""
        if self.undecided:
            return f"Undecided, because {self.undecided}."
        first = (self.flagged or self.evidence)[0]
        if self.flagged:
            why = f"Flagged: {_size(first)}, which is certain (corrected p {p_text(first.p)}) and large."
        elif first.p <= self.level:
            least = _percent(self.minimums[first.minimum])
            why = f"Not flagged: {_size(first)}, which is certain, but may be below the threshold of {least}."
        else:
            why = f"Not flagged: chance explains it (corrected p {p_text(first.p)}); {_size(first)}."
        found = (
            f" A move of {_percent(self.least)} of the rows is found in 80 % of such windows." if self.least < 1 else ""
        )
        return why + found + (f" {self.remark}" if self.remark else "")


_TITLES = {
    "completeness_check": "Data completeness changed",
    "data_type_check": "Data type match decreased",
    "is_non_negative_check": "Negative values appeared",
    "categorical_values_check": "Unknown categories appeared",
}


def by_blocks(evidence: Iterable[Evidence], blocks: Blocks, repeated: float) -> Iterator[Evidence]:
    """Yield evidence with the p of Student's law where the variance was estimated from blocks of rows."""
    if repeated <= 1 or blocks.length == 1:
        yield from evidence
    else:
        yield from of_few(evidence, blocks.number)


def of_few(evidence: Iterable[Evidence], groups: float) -> Iterator[Evidence]:
    """Yield evidence with the p of Student's law, for a variance that was estimated from so many groups of rows."""
    for each in evidence:
        if each.p >= 1:
            yield each
        else:
            away = -NormalDist().inv_cdf(each.p / 2) if each.p / 2 > 0 else math.inf
            yield replace(each, p=min(1.0, 2 * student_tail(groups - 1, away)))


def verdicts_of(columns: Mapping[str, ColumnEvidence], level: float, promise: str | None = None) -> dict[str, Verdict]:
    """Judge all columns of a window together.

    Parameters
    ----------
    columns : mapping of str to ColumnEvidence
    level : float
        The chance that any column is certain where nothing has changed; by Holm's step-down.
    promise : str, optional
        How reports say the rate: ``5 % of months``. By default it is the level, of windows.
    """
    order = sorted(columns, key=lambda name: _least_p(columns[name].evidence))
    promise = promise or f"{_percent(level)} of windows"
    verdicts, reached = {}, 0.0
    for place, name in enumerate(order):
        share = len(order) - place
        reached = max(reached, min(1.0, share * _least_p(columns[name].evidence)))
        verdicts[name] = _verdict(columns[name], level, len(order), share, reached, promise)
    return {name: verdicts[name] for name in columns}


def _verdict(column: ColumnEvidence, level: float, columns: int, share: int, reached: float, promise: str) -> Verdict:
    corrected = sorted(
        (replace(each, p=max(reached, min(1.0, share * each.p))) for each in column.evidence),
        key=lambda each: (each.p, -each.effect.lower),
    )
    flagged = tuple(
        each for each in corrected if each.p <= level and each.effect.lower >= column.minimums[each.minimum]
    )
    return Verdict(
        level=level,
        columns=columns,
        evidence=tuple(corrected),
        flagged=flagged,
        undecided=None if flagged else _why_undecided(column, level / columns),
        least=least_move(column.rows_before, column.rows_now, level / columns),
        minimums=column.minimums,
        remark=column.remark,
        promise=promise,
    )


def least_move(rows_before: float, rows_now: float, level: float) -> float:
    """Return the share of rows whose move to other values is found in 80 % of windows.

    Parameters
    ----------
    level : float
        The rate of false alarms of one column.
    """
    rows = effective_rows(rows_before, rows_now)
    if rows <= 0:
        return 1.0
    return min(1.0, (math.sqrt(math.log(2 / (NUMBER_WEIGHTS["ks"] * level)) / 2) + _HALF_POWER) / math.sqrt(rows))


def _why_undecided(column: ColumnEvidence, level: float) -> str | None:
    if column.remark == NO_SUCH_HOURS:
        return NO_SUCH_HOURS
    if not column.rows_before:
        return "there is no value in the baseline"
    if not column.evidence:
        return "neither side has a value that could be compared"
    if any(each.test == WINDOW_TEST for each in column.evidence):
        return None
    rows = effective_rows(column.rows_before, column.rows_now)
    if 2 * math.exp(-2 * rows) > NUMBER_WEIGHTS["ks"] * level:  # even where no value of one side is among the other's
        fewer = "the window" if column.rows_now <= column.rows_before else "the baseline"
        number = min(column.rows_now, column.rows_before)
        return f"{_rows(number)} with a value in {fewer} {'is' if round(number) == 1 else 'are'} too few"
    return None


def _least_p(evidence: Sequence[Evidence]) -> float:
    return min((each.p for each in evidence), default=1.0)


def _size(evidence: Evidence) -> str:
    effect = evidence.effect
    return f"{_percent(effect.estimate)} ({_percent(effect.lower)} to {_percent(effect.upper)}) {effect.what}"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _rows(number: float) -> str:
    return f"{number:,.0f} independent row{'' if round(number) == 1 else 's'}"
