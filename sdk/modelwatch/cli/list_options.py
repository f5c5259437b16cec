"""The options of the commands that list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import typer

from modelwatch.arguments import given
from modelwatch.cli.answers import Columns, print_records
from modelwatch.cli.app_options import AppOptions
from modelwatch.cli.options import AsJson

SortOrder = Annotated[Literal["Ascending", "Descending"] | None, typer.Option(help="The direction of the order.")]
NameContains = Annotated[str | None, typer.Option(metavar="TEXT", help="Only those whose name has it, in any case.")]
EndpointName = Annotated[str | None, typer.Option(metavar="NAME", help="Only those of an endpoint.")]


@dataclass(frozen=True, slots=True)
class PageOptions:
    """Which page of a list is shown, and how."""

    max_results: Annotated[int, typer.Option(min=1, max=100, help="The most that one page has.")] = 100
    next_token: Annotated[str | None, typer.Option(metavar="TOKEN", help="Go on where the page before ended.")] = None
    as_json: AsJson = False

    def show(self, options: AppOptions, operation: str, records: str, columns: Columns, **wanted: Any) -> None:
        """Ask the app for a page of records, and print it.

        Parameters
        ----------
        records : str
            What the answer calls them.
        **wanted : Any
            What else the operation takes; None is not given.
        """
        with options.app() as app:
            answer = app.manage(operation, **given(**wanted, max_results=self.max_results, next_token=self.next_token))
        print_records(answer, records, columns, as_json=self.as_json)
