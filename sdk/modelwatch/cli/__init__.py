"""The ``modelwatch`` command."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the ``modelwatch`` command.

    The commands need the ``sdk`` extra; without it the command says so instead of failing to import.
    """
    try:
        import modelwatch_analyzer.interpreter_settings  # noqa: F401 (before everything else)
        from modelwatch.cli.commands import app
    except ModuleNotFoundError as missing:
        sys.exit(
            f"modelwatch: {missing.name} is not installed. Fix it in a checkout of Modelwatch: pip install '.[sdk]'"
        )
    except KeyboardInterrupt:  # while the imports run
        sys.exit(130)
    app()
