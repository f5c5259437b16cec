"""Runs executions of the app under faults that a seed draws, and counts what became of them.

One table is printed at the end. What is not as docs/reliability.md promises is listed with its execution, and the
command ends with 1; the same seed repeats it.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import time
from datetime import timedelta

from tests.campaign.plan import HOUR, LONGEST_OUTAGE, START, Plan
from tests.campaign.run import run


def main() -> int:
    """Run one campaign; return 1 if something is not as promised."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaign", description=__doc__)
    parser.add_argument("--executions", type=int, default=1000, help="at least so many windows are due")
    parser.add_argument("--seed", type=int, help="repeats a campaign; drawn at random if not given")
    longest = LONGEST_OUTAGE // timedelta(minutes=1)
    parser.add_argument("--longest-outage", type=int, default=longest, metavar="MINUTES", help="%(default)s by default")
    options = parser.parse_args()
    seed = secrets.randbits(32) if options.seed is None else options.seed
    plan = Plan.drawn(options.executions, seed, timedelta(minutes=options.longest_outage))
    command = f"make campaign EXECUTIONS={options.executions} SEED={seed}"
    began = time.monotonic()
    _print(f"{plan.executions} executions of {len(plan.schedules)} schedules in {plan.hours} hours, seed {seed}")
    hours = (plan.end - START) // HOUR
    counts = run(plan, lambda moment: sys.stderr.write(f"hour {(moment - START) // HOUR} of {hours}\n"))
    for difference in counts.differences:
        _print(f"DIFFERENCE  {difference}")
    _print(counts.table())
    _print(f"{time.monotonic() - began:.0f} s; `{command}` repeats it, call by call: {counts.trace}")
    return int(bool(counts.differences))


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
