"""A campaign: libFuzzer, by way of atheris, runs each target on inputs that reach code which none before reached.

Each target has a share of the time, and a process of its own. What reaches new code is kept in ``.fuzzing/corpus``, so
that the next campaign goes on from there. An input that crashes a target is written to ``tests/fuzzing/corpus``, where
the tests run it from then on.
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
import subprocess
import sys
from importlib.util import find_spec

from tests.fuzzing.seeds import CORPUS
from tests.fuzzing.target import LONGEST_INPUT
from tests.fuzzing.targets import TARGETS
from tests.repository import ROOT


def main() -> int:
    """Run the campaign and print a line for each target; 1 if one crashed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=600, help="of all targets together")
    parser.add_argument("--target", choices=TARGETS, action="append", help="all by default")
    parser.add_argument("--seed", type=int, help="libFuzzer's; another one each time by default")
    options = parser.parse_args()
    if find_spec("atheris") is None:
        _print("there is no atheris for this Python: use 3.11, or `make test`, which runs the corpus without it")
        return 1
    names = options.target or list(TARGETS)
    seed = options.seed if options.seed is not None else secrets.randbits(31)
    crashed = [name for name in names if not _campaign(name, max(1, options.seconds // len(names)), seed)]
    _print(f"{len(crashed)} of {len(names)} targets crashed, seed {seed}")
    return 1 if crashed else 0


def _campaign(name: str, seconds: int, seed: int) -> bool:
    found = ROOT / ".fuzzing/corpus" / name
    found.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tests.fuzzing.instrumented", name, str(found), str(CORPUS / name)]
    limits = [f"-max_total_time={seconds}", f"-max_len={LONGEST_INPUT}", "-timeout=60", "-rss_limit_mb=3000"]
    outputs = ["-print_final_stats=1", f"-artifact_prefix={CORPUS / name}/", f"-seed={seed % 2**31 or 1}"]
    run = subprocess.run(
        [*command, *limits, *outputs], cwd=ROOT, env=os.environ, stderr=subprocess.PIPE, text=True, check=False
    )
    executions = re.search(r"number_of_executed_units:\s+(\d+)", run.stderr)
    covered = re.findall(r"cov: (\d+)", run.stderr)
    _print(
        f"{name:17} {int(executions[1]) if executions else 0:>9,} executions  {seconds:>5} s"
        f"  {covered[-1] if covered else 0:>6} edges  {'crashed' if run.returncode else 'no crash'}"
    )
    if run.returncode:
        _print("\n".join(run.stderr.splitlines()[-40:]))
    return run.returncode == 0


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
