"""What each function costs before its first event, against importing Powertools alone."""

from __future__ import annotations

import argparse
import json
from statistics import median

from rich.table import Table

from benchmarks.processes import ROOT, Usage, interleaved, python, spread, terminal
from benchmarks.targets import say

_IMPORTED = """
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.parser.models import EventBridgeModel
"""
_SET_UP = _IMPORTED + "Logger(service='benchmark'), Metrics()"
_HANDLER = "import app; app.handler"
_NUMERIC = ("numpy", "polars", "scipy")
_HEAVY = (*_NUMERIC, "boto3")
_PRINT_LOADED = f"\nimport json, sys; print(json.dumps([name for name in {_HEAVY} if name in sys.modules]))"
_REFERENCES = {"Powertools imported": _IMPORTED, "Powertools set up": _SET_UP}


def run(options: argparse.Namespace) -> None:
    """Import every handler in fresh processes, with the path that it has in Lambda, and print."""
    functions = sorted(path.parent.name for path in (ROOT / "functions").glob("*/app.py"))
    commands = {name: python("-c", code + _PRINT_LOADED) for name, code in _REFERENCES.items()}
    for function in functions:
        path = f"{ROOT / 'functions' / function}:{ROOT / 'layers' / 'core'}"
        # No environment: what a handler needs of it, it must read at its first event.
        commands[function] = python("-c", _HANDLER + _PRINT_LOADED, PYTHONPATH=path)
    usages = interleaved(commands, max(options.repetitions, 5))
    loaded = {name: json.loads(measured[-1].output) for name, measured in usages.items()}

    table = Table(title=f"handler imports, fresh processes, min / median of {len(usages[functions[0]])}")
    table.add_column("", no_wrap=True)
    for heading in ("CPU s", "ratio to imported", "ratio to set up", "peak RSS MB", "loaded"):
        table.add_column(heading, justify="right")
    for name, measured in usages.items():
        table.add_row(
            name,
            spread([usage.cpu for usage in measured]),
            *(spread(_ratios(measured, usages[reference])) for reference in _REFERENCES),
            f"{max(usage.peak_rss for usage in measured) / 1e6:.0f}",
            ", ".join(loaded[name]) or "-",
        )
    console = terminal()
    console.print(table)
    slowest = max(functions, key=lambda name: median(usage.cpu for usage in usages[name]))
    imported, set_up = (median(_ratios(usages[slowest], usages[reference])) for reference in _REFERENCES)
    console.print(f"slowest: {slowest}, {imported:.2f} x Powertools imported, {set_up:.2f} x Powertools set up")
    offenders = [name for name in functions if set(_NUMERIC) & set(loaded[name])]
    loading = f"functions that load {', '.join(_NUMERIC)}: {', '.join(offenders) or 'none'} (target none)"
    say(console, loading, is_met=not offenders)


def _ratios(measured: list[Usage], reference: list[Usage]) -> list[float]:
    return [usage.cpu / other.cpu for usage, other in zip(measured, reference, strict=True)]
