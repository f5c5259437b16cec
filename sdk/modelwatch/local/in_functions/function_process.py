"""A function's process: AWS's runtime interface client, with the stack in place of what is not at AWS's endpoints.

The app's clock is the stack's, and responses to CloudFormation go to the emulated S3.

Run as ``python -m function_process module.handler``, or as a fork of ``prepared_process``.
"""

from __future__ import annotations

import os
import runpy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

SHIFT_FILE = "MODELWATCH_LOCAL_CLOCK_SHIFT"
"""The variable with the path of the file that says how many seconds the stack is ahead of the machine's clock."""


CLOUDFORMATION_BUCKETS = "cloudformation-custom-resource-response-"


def follow(shift_file: Path) -> None:
    """Let the app's clock be as far ahead as a file says whenever it is read."""
    try:
        from modelwatch_core.adapters.system_clock import SystemClock
    except ModuleNotFoundError:  # a template that is not the app's
        return

    def now(self: SystemClock) -> datetime:  # noqa: ARG001 - the signature that it replaces
        return datetime.now(UTC) + timedelta(seconds=float(shift_file.read_text()))

    SystemClock.now = now  # type: ignore[method-assign]  # the clock that functions are given


def send_cloudformation_responses_to(endpoint_url: str) -> None:
    """Send what is for CloudFormation's buckets of responses to the emulated S3, where a test can read it."""
    import urllib3  # which boto3 imports anyway

    original = urllib3.PoolManager.urlopen

    def urlopen(self: urllib3.PoolManager, method: str, url: str, *arguments: Any, **options: Any) -> Any:
        host, _, path = url.removeprefix("https://").partition("/")
        if host.startswith(CLOUDFORMATION_BUCKETS):
            url = f"{endpoint_url}/{host.partition('.')[0]}/{path}"
        return original(self, method, url, *arguments, **options)

    urllib3.PoolManager.urlopen = urlopen  # type: ignore[method-assign]  # of this process


def run() -> None:
    """Run AWS's runtime interface client, for the handler that is the first argument of the process."""
    if endpoint_url := os.environ.get("AWS_ENDPOINT_URL"):
        send_cloudformation_responses_to(endpoint_url)
    if SHIFT_FILE in os.environ:
        follow(Path(os.environ[SHIFT_FILE]))
    runpy.run_module("awslambdaric", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    run()
