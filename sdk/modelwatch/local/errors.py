"""What the local stack says when it cannot do what was asked."""

from __future__ import annotations

from modelwatch_core.domain.errors import ModelwatchError


class LocalStackError(ModelwatchError):
    """The local stack cannot start, or cannot go on; the message says what to mend."""
