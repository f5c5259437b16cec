"""The options of the commands that list."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

_SORT_ORDER_HELP = "Whether to sort upwards or downwards; Descending by default, Ascending for schedules."
SortOrder = Annotated[Literal["Ascending", "Descending"] | None, typer.Option(help=_SORT_ORDER_HELP)]
MaxResults = Annotated[int, typer.Option(metavar="N", min=1, max=100, help="The most results on one page.")]
NextToken = Annotated[str | None, typer.Option(metavar="TOKEN", help="Continue where the previous page ended.")]
NameContains = Annotated[
    str | None, typer.Option(metavar="TEXT", help="Only those whose name contains this text, in upper or lower case.")
]
EndpointName = Annotated[str | None, typer.Option(metavar="NAME", help="Only those of this endpoint.")]
