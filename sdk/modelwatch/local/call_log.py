"""A record of the AWS calls that the emulator received."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from modelwatch.local.iam_policies import Permission


@dataclass(frozen=True, slots=True)
class Call:
    """One AWS call.

    Attributes
    ----------
    time : datetime
        When the call arrived, on the stack's clock.
    service, action : str
        For example ``s3`` and ``PutObject``; the action is ``?`` if the request matches none.
    role : str
        The name of the role whose credentials signed it; ``operator`` for the user, a service principal such as
        ``events.amazonaws.com`` for deliveries.
    status : int
        The HTTP status of the response.
    needed : tuple of Permission
        What the call needed to be allowed, if a role made it.
    refused : str, optional
        The permission that the role does not have, if the call was refused for it.
    """

    time: datetime
    service: str
    action: str
    role: str
    status: int
    needed: tuple[Permission, ...] = ()
    refused: str | None = None
