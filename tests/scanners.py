"""Runs every scanner, and counts what it found and what of its findings is suppressed; `make check` calls it.

A suppression says why in the same line, or in a comment above it.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.repository import ROOT

BIN = Path(sys.executable).parent
_REASON = re.compile(r"[^\W\d_]{4,}")


_EXAMPLES = (Path("tests/scanners.py"), Path("tests/app/test_scanners.py"))
"""Files in which suppressions are only text."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How a suppression looks: a pattern that ends where its reason begins, in files with some endings.

    Attributes
    ----------
    within : str
        A pattern of the line with which the part of a file begins that has such suppressions; the part ends with the
        first line that is only a bracket, or with the file.
    """

    pattern: str
    files: tuple[str, ...] = (".py",)
    within: str = ""

    def lines(self, path: Path) -> Iterator[tuple[int, str, str]]:
        """Yield the number, the reason and the line above of each suppression in a file."""
        above, inside = "", not self.within
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
            if self.within and re.match(self.within, line):
                inside = True
            elif self.within and line.strip() in ("]", ""):
                inside = False
            elif inside and (found := re.search(self.pattern, line)):
                yield number, line[found.end() :], above
            above = line


@dataclass(frozen=True, slots=True)
class Scanner:
    """A tool, and how it reports.

    Attributes
    ----------
    command : callable
        Returns its command.
    finding : str
        A pattern of the line of its output that each finding has.
    marks : tuple of Mark
        How its findings are suppressed.
    """

    name: str
    command: Callable[[], Sequence[str | Path]]
    finding: str
    marks: tuple[Mark, ...] = ()


def _tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True)
    paths = [Path(name) for name in listed.stdout.split("\0") if name]
    return [path for path in paths if not path.is_relative_to("tests/cases/inputs") and (ROOT / path).is_file()]


def _texts() -> list[Path]:
    """What people write: lock files are hashes, and the corpus of the fuzzer is noise."""
    noise = Path("tests/fuzzing/corpus")
    return [
        path
        for path in _tracked()
        if not (path.suffix == ".lock" or "requirements" in path.name or noise in path.parents)
    ]


SCANNERS: tuple[Scanner, ...] = (
    Scanner(
        "ruff, with bandit's rules",
        lambda: [BIN / "ruff", "check", "--output-format=concise", "."],
        r"^\S+:\d+:\d+: ",
        (
            Mark(r"# noqa: [A-Z]+\d+(, ?[A-Z]+\d+)*"),
            Mark(r'^  ("[A-Z]+\d+",\s*)+', (".toml",), r"^ignore = \["),
            Mark(r'^"[^"]+" = \[[^]]*\]', (".toml",), r"^\[tool\.ruff\.lint\.per-file-ignores\]"),
        ),
    ),
    Scanner(
        "mypy",
        lambda: [BIN / "mypy"],
        r": error: ",
        (Mark(r"# type: ignore\[[a-z, -]+\]"), Mark(r"^ignore_missing_imports = true", (".toml",))),
    ),
    Scanner("import-linter", lambda: [BIN / "lint-imports"], r" BROKEN$", (Mark(r"^ignore_imports", (".toml",)),)),
    Scanner(
        "cfn-lint, with SAM's rules",
        lambda: [ROOT / ".venv-sam/bin/sam", "validate", "--lint", "--template", "template.yaml"],
        r"\b[EWI]\d{4}\b",
        (Mark(r"ignore_checks:", (".yaml",)),),
    ),
    Scanner(
        "checkov",
        # Its script cannot be started where the path of the project holds a blank.
        lambda: [ROOT / ".venv-checkov/bin/python", "-m", "checkov.main", "--config-file", ".checkov.yaml"],
        r"^\s+FAILED for resource",
        (Mark(r"checkov:skip=\w+:", (".yaml",)), Mark(r"^  - CKV\w+", (".yaml",))),
    ),
    Scanner(
        "detect-secrets",
        lambda: [BIN / "detect-secrets-hook", *_texts()],
        r"^Secret Type:",
        (Mark(r"pragma: allowlist secret", (".py", ".yaml", ".md", ".json")),),
    ),
    Scanner(
        "pip-licenses",
        lambda: [BIN / "pip-licenses", "--from=mixed"],
        r"not in allow-only",
        (Mark(r'^  "[\w.-]+",', (".toml",), r"^ignore-packages = \["),),
    ),
)


def unexplained(scanner: Scanner, paths: Sequence[Path]) -> tuple[int, list[str]]:
    """Return how many suppressions of a scanner's findings there are, and the places of those without a reason."""
    count, places = 0, []
    for mark in scanner.marks:
        for path in paths:
            if path.suffix in mark.files and path not in _EXAMPLES:
                for number, rest, above in mark.lines(ROOT / path):
                    count += 1
                    if not (_REASON.search(rest) or above.lstrip().startswith("#")):
                        places.append(f"{path}:{number}")
    return count, places


def main() -> int:
    """Run all scanners and print a line for each; 1 if any found something, or a suppression has no reason."""
    failed = False
    paths = _tracked()
    for scanner in SCANNERS:
        run = subprocess.run(scanner.command(), cwd=ROOT, capture_output=True, text=True, check=False)
        output = run.stdout + run.stderr
        findings = len(re.findall(scanner.finding, output, re.MULTILINE)) if run.returncode else 0
        count, places = unexplained(scanner, paths)
        sys.stdout.write(f"{scanner.name:27} {findings:>3} findings, {count:>3} suppressions\n")
        for place in places:
            sys.stdout.write(f"  {place}: this suppression does not say why\n")
        if run.returncode:
            sys.stdout.write(output if findings else f"  it did not run to its end:\n{output}")
        sys.stdout.flush()
        failed = failed or bool(run.returncode or places)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
