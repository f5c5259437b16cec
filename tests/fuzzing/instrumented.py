"""One target under libFuzzer, in a process whose product counts which code an input reaches: ``<target> <options>``."""

from __future__ import annotations

import sys

import atheris

MOST_CPU_SECONDS = 10.0
"""Counting takes several times as long as running."""

with atheris.instrument_imports(include=["modelwatch_analyzer", "modelwatch_core"]):
    from tests.fuzzing.targets import TARGETS


def main() -> None:
    """Run until libFuzzer's time is up or an input crashes the target; does not return."""
    program, name, *options = sys.argv
    target = TARGETS[name]
    atheris.Setup([program, *options], lambda content: target(content, MOST_CPU_SECONDS))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
