"""The app on one machine: its template in an AWS emulator, its functions as processes, its mail on loopback."""

from __future__ import annotations

from modelwatch.local import operator_settings
from modelwatch.local.errors import LocalStackError

with operator_settings.hidden():  # the emulator's modules create boto3 sessions when they are imported
    from modelwatch.local.stack import LocalStack

__all__ = ["LocalStack", "LocalStackError"]
