"""A seed repeats a campaign, whatever the order of sets and dictionaries of the process that runs it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.repository import HANGS_AFTER, ROOT

COMMAND = ("-m", "tests.campaign", "--executions", "6", "--seed", "7", "--longest-outage", "10")


def printed(hash_seed: str) -> list[str]:
    """Return what a campaign prints, but for how long it took."""
    environment = os.environ | {"PYTHONHASHSEED": hash_seed}
    done = subprocess.run(
        [sys.executable, *COMMAND],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=HANGS_AFTER,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    *table, last = done.stdout.splitlines()
    return [*table, last.rpartition(" ")[2]]


@pytest.mark.slow
def test_a_seed_repeats_each_call_of_a_campaign_and_what_is_counted():
    one, other = printed("1"), printed("2")
    assert one == other
    assert len(one[-1]) == 64  # the trace: a sha256
