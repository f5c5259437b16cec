"""Who asked AWS for what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Call:
    """One AWS call that reached the emulator.

    Attributes
    ----------
    time : datetime
        On the stack's clock, when the call came in.
    service, action : str
        For example ``s3`` and ``PutObject``; the action is ``?`` where the request matches none.
    role : str
        The name of the role whose credentials signed it; ``operator`` for people, a service principal such as
        ``events.amazonaws.com`` for deliveries.
    status : int
        The HTTP status of the answer.
    """

    time: datetime
    service: str
    action: str
    role: str
    status: int
