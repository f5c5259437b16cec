"""``modelwatch doctor``: what is wrong with a deployment or with this machine, and how to fix it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer

from modelwatch.app_client import DEFAULT_STACK
from modelwatch.cli.app_options import app_errors
from modelwatch.cli.aws_session import AwsOptions
from modelwatch.cli.failures import print_json
from modelwatch.cli.option_groups import takes_option_groups
from modelwatch.cli.options import AsJson, examples
from modelwatch.doctor.problem import Problem
from modelwatch.printing import make_console, print_table
from modelwatch_core.domain.errors import InvalidInput

EXAMPLE = examples("modelwatch doctor --stack modelwatch --region eu-central-1", "modelwatch doctor --local")
PROBLEMS = 1
"""Exit code if something is wrong."""

Found = list[tuple[str, list[Problem]]]


@takes_option_groups
def doctor(
    stack: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The deployed stack; without it and --local, this machine is checked."),
    ] = None,
    as_json: AsJson = False,
    repair_lists: Annotated[
        bool,
        typer.Option(
            "--repair-lists",
            help="First add the records of an earlier version to the lists of the stack's table. This writes.",
        ),
    ] = False,
    *,
    options: AwsOptions,
) -> None:
    """Check a deployment, or this machine, with calls that only read.

    Exit code 0: no problems. 1: problems. 2: something could not be used.
    """
    from modelwatch.doctor.checks import OF_A_STACK, OF_THIS_MACHINE
    from modelwatch.doctor.deployed import Deployed
    from modelwatch.doctor.lists import repair
    from modelwatch.doctor.problem import examine

    if options.local and stack is None:
        stack = DEFAULT_STACK
    if repair_lists and stack is None:
        raise InvalidInput(
            "UnusableArguments",
            "--repair-lists needs --local, or --stack, which names the stack whose table is repaired",
        )
    if stack is None:
        found = list(examine(OF_THIS_MACHINE, None))
    else:
        with app_errors():
            deployed = Deployed.read(options.session(), stack)
        repaired = [("lists", list(repair(deployed)))] if repair_lists else []
        found = [*repaired, *examine(OF_A_STACK, deployed)]
    if as_json:
        print_json(_document(found))
    else:
        print_table(make_console(), ("check", "result", "what, and how to fix it"), _rows(found))
    if any(problem.serious for _, problems in found for problem in problems):
        raise typer.Exit(PROBLEMS)


def _rows(found: Found) -> Iterable[tuple[str, str, str]]:
    for name, problems in found:
        if not problems:
            yield name, "ok", ""
        for problem in problems:
            note = "" if problem.serious else " (a note)"
            yield name, f"{problem.code}{note}", f"{problem.message.removesuffix('.')}. Fix: {problem.fix}"


def _document(found: Found) -> dict[str, object]:
    return {
        "checks": [
            {
                "check": name,
                "problems": [
                    {"code": each.code, "message": each.message, "fix": each.fix, "serious": each.serious}
                    for each in problems
                ],
            }
            for name, problems in found
        ]
    }
