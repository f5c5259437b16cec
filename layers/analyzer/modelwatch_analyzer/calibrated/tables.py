"""Whole tables: what is frozen of a baseline's rows, and the evidence of all columns of a window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from modelwatch_analyzer.calibrated.cells import ColumnCounts, counts_of
from modelwatch_analyzer.calibrated.columns import evidence_of, ranks_of
from modelwatch_analyzer.calibrated.dependence import Blocks, EqualRows, blocks_of, repetition
from modelwatch_analyzer.calibrated.evidence import Found
from modelwatch_analyzer.calibrated.family import by_blocks
from modelwatch_analyzer.calibrated.row_sample import SampledRows


@dataclass(frozen=True, slots=True)
class FrozenTable:
    """What is kept of a baseline.

    Attributes
    ----------
    columns : mapping of str to ColumnCounts
    equal : EqualRows, optional
        Of whole rows of these columns; None where that is not known.
    """

    columns: Mapping[str, ColumnCounts]
    equal: EqualRows | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """How a column is compared: its name in the window, and what it is expected to be."""

    column: str
    numeric: bool
    integral: bool = False


def freeze(rows: SampledRows, numeric: Mapping[str, bool]) -> FrozenTable:
    """Freeze the cells of a baseline.

    Parameters
    ----------
    numeric : mapping of str to bool
        By column, whether it is one of numbers.
    """
    sampled = rows.columns()
    counts = {name: counts_of(sampled[name], numeric=numbers) for name, numbers in numeric.items()}
    ranks = {name: ranks_of(counts[name], sampled[name], numeric=numbers) for name, numbers in numeric.items()}
    blocks = blocks_of({name: each for name, each in ranks.items() if each is not None})
    columns = {
        name: each.model_copy(update={"repeated": blocks.effects.get(name, 1.0)}) for name, each in counts.items()
    }
    return FrozenTable(columns, EqualRows.of(rows.parts))


def compare(frozen: FrozenTable, rows: SampledRows, compared: Mapping[str, Compared]) -> dict[str, Found]:
    """Make all tests of the columns of a window.

    Parameters
    ----------
    compared : mapping of str to Compared
        By the name in the baseline.
    """
    sampled = rows.columns()
    columns = {name: sampled[each.column] for name, each in compared.items()}
    ranks = {
        name: ranks_of(frozen.columns[name], columns[name], numeric=each.numeric) for name, each in compared.items()
    }
    blocks = blocks_of({name: each for name, each in ranks.items() if each is not None})
    copies = _copies(frozen, rows, compared)
    found = {}
    for name, each in compared.items():
        repeated = max(copies, blocks.effects.get(name, 1.0))
        evidence = evidence_of(
            frozen.columns[name], columns[name], numeric=each.numeric, integral=each.integral, repeated=repeated
        )
        before = frozen.columns[name]
        found[name] = Found(
            evidence=tuple(by_blocks(evidence, blocks, repeated)),
            rows_before=before.present / before.repeated,
            rows=rows.rows / repeated,
            remark=_remark(copies, blocks, repeated),
        )
    return found


def _copies(frozen: FrozenTable, rows: SampledRows, compared: Mapping[str, Compared]) -> float:
    """Return the design effect of equal rows; 1 where not all columns of the baseline are compared."""
    if frozen.equal is None or {*compared} != {*frozen.columns}:
        return 1.0
    names = [each.column for each in compared.values()]
    # Under other names: polars takes one such as ^a.*$ for a pattern.
    parts = [pl.DataFrame({str(i): part[name] for i, name in enumerate(names)}) for part in rows.parts]
    return repetition(frozen.equal, EqualRows.of(parts, copies=True), rows.rows)


def _remark(copies: float, blocks: Blocks, repeated: float) -> str:
    if repeated <= 1:
        return ""
    cause = "rows are there more than once"
    if copies < repeated:
        cause = f"neighbouring rows are alike, in runs of up to {blocks.length}"
        if blocks.may_be_change:
            cause += " or more; with so few columns, a change of the values inside the window looks the same"
    return f"The rows count as {repeated:.3g} times fewer, because {cause}."
