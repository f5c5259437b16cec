"""The flags that say how confidence intervals come about, and how a check is done again."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated

import typer

Backfill = Annotated[
    bool,
    typer.Option("--backfill", help="Replace the results in --output of an earlier check, and tell what changed."),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalFlags:
    """How sure numbers are told."""

    bootstrap_replicates: Annotated[
        int, typer.Option(min=100, max=100_000, help="How many resamples confidence intervals are made of.")
    ] = 1000
    confidence_level: Annotated[float, typer.Option(metavar="X", help="Of the intervals, between 0 and 1.")] = 0.95
    seed: Annotated[int, typer.Option(min=0, help="Of the resamples.")] = 0

    @property
    def settings(self) -> dict[str, str]:
        """Write them as settings."""
        return {field.name: str(getattr(self, field.name)) for field in fields(IntervalFlags)}
