"""Keeps the operator's settings for the real AWS away from the emulator.

moto creates boto3 sessions of its own, some while it is imported, and those read the operator's profile and files: one
that cannot be read would stop a stack that does not need it. MOTO_ACCOUNT_ID would move the emulator to a different
account from that of the template's resources.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

_NOWHERE = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
_HIDDEN = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "MOTO_ACCOUNT_ID")


@contextmanager
def hidden() -> Iterator[None]:
    """Hide the operator's profile and files from this process for the duration of the block."""
    original = {name: os.environ.get(name) for name in (*_NOWHERE, *_HIDDEN)}
    for name in _HIDDEN:
        os.environ.pop(name, None)
    os.environ.update(_NOWHERE)
    try:
        yield
    finally:
        for name, value in original.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
