"""The options of the commands that list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import typer

from modelwatch.arguments import given
from modelwatch.cli.app_options import AppOptions
from modelwatch.cli.options import AsJson
from modelwatch.cli.responses import Columns, print_records

_SORT_ORDER_HELP = "Whether to sort upwards or downwards; Descending by default, Ascending for schedules."
SortOrder = Annotated[Literal["Ascending", "Descending"] | None, typer.Option(help=_SORT_ORDER_HELP)]
NameContains = Annotated[
    str | None, typer.Option(metavar="TEXT", help="Only those whose name contains this text, in upper or lower case.")
]
EndpointName = Annotated[str | None, typer.Option(metavar="NAME", help="Only those of this endpoint.")]


@dataclass(frozen=True, slots=True)
class PageOptions:
    """Which page of a list is shown, and how."""

    max_results: Annotated[int, typer.Option(metavar="N", min=1, max=100, help="The most results on one page.")] = 100
    next_token: Annotated[str | None, typer.Option(metavar="TOKEN", help="Continue where the previous page ended.")] = (
        None
    )
    as_json: AsJson = False

    def show(self, options: AppOptions, operation: str, records: str, columns: Columns, **wanted: Any) -> None:
        """Ask the app for a page of records, and print it.

        Parameters
        ----------
        records : str
            Their key in the response.
        **wanted : Any
            What else the operation takes; None is not given.
        """
        with options.app() as app:
            response = app.manage(
                operation, **given(**wanted, max_results=self.max_results, next_token=self.next_token)
            )
        print_records(response, records, columns, as_json=self.as_json)
