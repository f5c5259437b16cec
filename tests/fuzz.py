"""Searches for failing examples: runs the property tests in rounds, each from a random seed of its own.

A test draws as many examples a round as it states, and 1,000 where it states no number. A round that fails ends the
search, with the example that failed and the command that repeats the round.
"""

from __future__ import annotations

import argparse
import os
import secrets
import subprocess
import sys
import time


def main() -> int:
    """Run rounds until time is up or one fails; return that round's exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600, help="no round starts later than this")
    parser.add_argument("--seed", type=int, help="run the one round of this seed")
    options = parser.parse_args()
    end = time.monotonic() + options.seconds
    rounds = 0
    while rounds == 0 or (options.seed is None and time.monotonic() < end):
        rounds += 1
        seed = secrets.randbits(32) if options.seed is None else options.seed
        _print(f"round {rounds}, seed {seed}")
        if code := _round(seed):
            _print(f"round {rounds} failed; `make fuzz SEED={seed}` repeats it")
            return code
    _print(f"{rounds} round{'s' if rounds > 1 else ''}, no failing example")
    return 0


def _round(seed: int) -> int:
    options = ["-n", "2", "--dist", "loadgroup", "-q", "-m", "hypothesis"]
    seeds = ["--hypothesis-profile=fuzz", f"--hypothesis-seed={seed}", f"--randomly-seed={seed}"]
    environment = os.environ | {"PYTHONHASHSEED": str(seed)}
    return subprocess.run([sys.executable, "-m", "pytest", *options, *seeds], env=environment, check=False).returncode


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
