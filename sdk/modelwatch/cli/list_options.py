"""The options of the commands that list."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

SortOrder = Annotated[Literal["Ascending", "Descending"] | None, typer.Option(help="The direction of the order.")]
MaxResults = Annotated[int, typer.Option(min=1, max=100, help="The most that one page has.")]
NextToken = Annotated[str | None, typer.Option(metavar="TOKEN", help="Go on where the page before ended.")]
NameContains = Annotated[str | None, typer.Option(metavar="TEXT", help="Only those whose name has it, in any case.")]
EndpointName = Annotated[str | None, typer.Option(metavar="NAME", help="Only those of an endpoint.")]
