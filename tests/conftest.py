"""No test reaches AWS or depends on chance.

Credentials are invented and no host but this one can be reached (pyproject's ``--allow-hosts``). Property tests draw
the same examples in every run; ``make fuzz`` draws others.
"""

from __future__ import annotations

import gc
import os
from collections import Counter

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says more about the machine than about the code: nothing here depends on time.
_UNTIMED = settings(deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("fixed", _UNTIMED, derandomize=True)
settings.register_profile("fuzz", _UNTIMED, max_examples=1000, print_blob=True)
settings.load_profile("fixed")

os.environ |= {
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",  # pragma: allowlist secret (invented)
    "AWS_EC2_METADATA_DISABLED": "true",
}
for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
    os.environ.pop(name, None)

_MANY = 40
"""Files of so many tests or more take up to half a minute, others up to ten seconds if none of their tests is slow."""


@pytest.hookimpl(trylast=True)  # after they are shuffled
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long, so that no process ends alone: files with a long set-up, what is slow, many tests.

    And let the garbage collector leave alone what was imported: it took a tenth of the time.
    """
    tests = Counter(item.path for item in items)

    def order(item: pytest.Item) -> tuple[bool, ...]:
        marked = [item.get_closest_marker(name) is not None for name in ("long_setup", "slow")]
        return *marked, tests[item.path] >= _MANY

    items.sort(key=order, reverse=True)
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, *gc.get_threshold()[1:])
