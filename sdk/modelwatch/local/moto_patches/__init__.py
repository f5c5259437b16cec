"""Every place where the stack reaches into moto's private parts, one module per AWS service.

To patch another service, add a module with a function ``replacements`` and list it in `PATCHES`. Each module starts
with what moto does on its own. moto is pinned to one exact version, and every patch has a test in
tests/local/moto_patches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import version

from moto.moto_api._internal.models import moto_api_backend

from modelwatch.local.errors import LocalStackError
from modelwatch.local.moto_patches import (
    aws_lambda,
    cloudformation,
    cloudwatch,
    dynamodb,
    emr_serverless,
    events,
    logs,
    monitoring_schedules,
    routing,
    s3,
    sagemaker,
    scheduler,
    sns,
)
from modelwatch.local.moto_patches.hooks import Hooks, Replacement

MOTO_VERSION = "5.2.5"

PATCHES: tuple[Callable[[Hooks], list[Replacement]], ...] = (
    cloudformation.replacements,
    cloudwatch.replacements,
    dynamodb.replacements,
    emr_serverless.replacements,
    events.replacements,
    logs.replacements,
    routing.replacements,
    s3.replacements,
    scheduler.replacements,
    sagemaker.replacements,
    monitoring_schedules.replacements,
    aws_lambda.replacements,
    sns.replacements,
)


def check_version() -> None:
    """Refuse a version of moto whose private interfaces the patches were not written for."""
    if (found := version("moto")) != MOTO_VERSION:
        raise LocalStackError(
            "WrongEmulator",
            f"The local stack needs moto {MOTO_VERSION}, but moto {found} is installed. Fix it with: "
            f"pip install 'moto[server]=={MOTO_VERSION}'.",
        )


@contextmanager
def installed(hooks: Hooks) -> Iterator[None]:
    """Install every patch for the duration of the block."""
    with ExitStack() as undone:
        for owner, attribute, value, is_new in all_replacements(hooks):
            if is_new:
                undone.callback(delattr, owner, attribute)
            else:
                undone.callback(setattr, owner, attribute, owner.__dict__[attribute])
            setattr(owner, attribute, value)
        yield


def all_replacements(hooks: Hooks) -> list[Replacement]:
    """Return the replacements of every patch."""
    return [replacement for replacements in PATCHES for replacement in replacements(hooks)]


def reset() -> None:
    """Delete everything from every service."""
    moto_api_backend.reset()
