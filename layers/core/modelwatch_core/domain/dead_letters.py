"""Events, ticks and invocations that were given up, and when each is delivered again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from modelwatch_core.domain.documents import NonEmpty, Owned, UtcDatetime

DELIVERED_FOR = timedelta(hours=12)
"""How long a letter is delivered again without being asked for: it covers an outage of six hours and what piled up in
it."""

_SHARE_OF_AGE = 5
"""A letter waits for a fifth of its age between two deliveries: often at first, seldom in a long outage."""


class DeadLetter(Owned):
    """What could not be delivered to a function, or failed in it as often as it may.

    Attributes
    ----------
    receipt : str
        The handle by which the queue knows the letter.
    function_arn : str
        The function that it was for.
    payload : dict
        What the function is invoked with.
    given_up_at : datetime
        When it was put into the queue.
    happened_at : datetime, optional
        The time of the event or tick itself, which stays the same however often it is given up. None where the payload
        has none: an invocation by a person or a program, who saw it fail.
    """

    receipt: NonEmpty
    function_arn: NonEmpty
    payload: dict[str, Any]
    given_up_at: UtcDatetime
    happened_at: UtcDatetime | None = None

    def is_due(self, now: datetime) -> bool:
        """Return whether it is time to deliver the letter again."""
        if self.happened_at is None or now - self.happened_at > DELIVERED_FOR:
            return False
        return (now - self.given_up_at) * _SHARE_OF_AGE >= now - self.happened_at
