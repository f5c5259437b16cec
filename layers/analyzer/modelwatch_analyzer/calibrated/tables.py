"""Whole tables: the evidence of all columns of a window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from modelwatch_analyzer.calibrated.cells import FrozenTable, dependence_of
from modelwatch_analyzer.calibrated.columns import evidence_of
from modelwatch_analyzer.calibrated.dependence import (
    ENOUGH_ROWS,
    LEAST_MENTIONED,
    Blocks,
    EqualRows,
    few_requests_text,
    repetition,
)
from modelwatch_analyzer.calibrated.evidence import Found, tested
from modelwatch_analyzer.calibrated.family import by_blocks
from modelwatch_analyzer.calibrated.row_sample import SampledRows, hashes_of
from modelwatch_analyzer.calibrated.seasonal_tests import WindowTimes, seasonal_evidence


@dataclass(frozen=True, slots=True)
class Compared:
    """How a column is compared: its name in the window, and what it is expected to be."""

    column: str
    numeric: bool
    integral: bool = False


MAY_BE_CHANGE = "with so few columns, a change of the values inside the window looks the same"
"""What a remark says where neighbouring rows may be alike because the values have changed."""


def compare(
    frozen: FrozenTable, rows: SampledRows, compared: Mapping[str, Compared], times: WindowTimes | None = None
) -> dict[str, Found]:
    """Make all tests of the columns of a window.

    Parameters
    ----------
    compared : mapping of str to Compared
        What is compared, by the column's name in the baseline.
    times : WindowTimes, optional
        When the rows came; without it a seasonal baseline is compared as a whole.
    """
    sampled = rows.columns()
    columns = {name: sampled[each.column] for name, each in compared.items()}
    blocks = dependence_of(
        rows, {name: (frozen.columns[name], columns[name], each.numeric) for name, each in compared.items()}
    )
    copies = _copies(frozen, rows, compared)
    found, made, repeated = {}, {}, {}
    own = {name: max(copies, blocks.effects.get(name, 1.0)) for name in compared}
    for name, each in compared.items():
        before, kind = frozen.columns[name], {"numeric": each.numeric, "integral": each.integral}
        if before.seasons is not None and times is not None:
            # Not by their order: neighbours are alike because their hour is.
            alike = max(copies, blocks.of_requests.get(name, 1.0))
            found[name] = seasonal_evidence(before, before.seasons, columns[name], times, alike, **kind)
        else:
            learnt = min(before.repeated, rows.rows) if blocks.too_short else 1.0
            repeated[name] = max(own[name], learnt)
            made[name] = tuple(evidence_of(before.fresh(), columns[name], repeated=repeated[name], **kind))
    found |= {
        name: Found(
            evidence=tuple(by_blocks(evidence, blocks, repeated[name])),
            rows_before=frozen.columns[name].present / frozen.columns[name].repeated,
            rows=rows.rows / repeated[name],
            remark=_remark(copies, blocks, own[name], repeated[name]),
        )
        for name, evidence in tested(made).items()
    }
    return {name: found[name] for name in compared}


def _copies(frozen: FrozenTable, rows: SampledRows, compared: Mapping[str, Compared]) -> float:
    """Return the design effect of equal rows; 1 where not all columns of the baseline are compared."""
    if frozen.equal is None or {*compared} != {*frozen.columns}:
        return 1.0
    names = [each.column for each in compared.values()]
    # Under other names: polars takes one such as ^a.*$ for a pattern.
    parts = [pl.DataFrame({str(i): part[name] for i, name in enumerate(names)}) for part in rows.parts]
    # Rows without any value are no copies of one, but what a feed that has failed sends.
    parts = [part.filter(pl.any_horizontal(pl.all().is_not_null())) for part in parts]
    return repetition(frozen.equal, EqualRows.of(hashes_of(parts, most=ENOUGH_ROWS), copies=True), rows.rows)


def _remark(copies: float, blocks: Blocks, own: float, repeated: float) -> str:
    if repeated < LEAST_MENTIONED:
        return few_requests_text(blocks.requests) if blocks.few_requests else ""
    cause = "rows are there more than once"
    if own < repeated:
        cause = "neighbouring rows of the baseline are alike, and the window is too short to show how far its own are"
    elif copies < repeated and blocks.requests and not blocks.few_requests:
        cause = "rows of one request are alike"
    elif copies < repeated:
        cause = f"neighbouring rows are alike, in runs of up to {blocks.length}"
        if blocks.may_be_change:
            cause += f" or more; {MAY_BE_CHANGE}"
    return f"The rows count as {repeated:.3g} times fewer, because {cause}."
