"""The local stack's error."""

from __future__ import annotations

from modelwatch_core.domain.errors import ModelwatchError


class LocalStackError(ModelwatchError):
    """The local stack cannot start or continue; the message says what is wrong and how to fix it."""
