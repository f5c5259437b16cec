"""Where alerts go, as a schedule names it."""

from __future__ import annotations

from collections.abc import Collection

from modelwatch_core.domain.documents import NonEmpty, Owned
from modelwatch_core.domain.errors import InvalidInput

ALARM = "cloudwatch-alarm"
"""The type of a target that watches a schedule by itself. Nothing is sent to it, and it stands for no other target: it
does not see that an execution failed."""


class AlertTargetReference(Owned):
    """Somewhere alerts go.

    Attributes
    ----------
    type : str
        The kind of target: ``sns``, ``lambda`` or ``cloudwatch-alarm``; ``modelwatch_core.wiring.ALERT_TARGETS`` has
        the list.
    address : str
        Which one, in the target's own form: the ARN of a topic or function, the name of an alarm. It is stored and
        shown, so it must hold no secret; a target that needs one takes the ARN of a secret.
    """

    type: NonEmpty
    address: NonEmpty

    def __str__(self) -> str:
        return f"{self.type}:{self.address}"


def refuse_unlisted(address: str, listed: Collection[str], *, parameter: str) -> None:
    """Refuse an address that the deployment was not given.

    Raises
    ------
    InvalidInput
        ``UnfitAlertTarget``, naming the parameter of the deployment that lists them.
    """
    if address not in listed:
        advice = f"deploy with it in the parameter {parameter}"
        raise InvalidInput("UnfitAlertTarget", f"alert_targets: this deployment may not notify {address}; {advice}")
