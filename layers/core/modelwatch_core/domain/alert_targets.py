"""Where alerts go, as a schedule names it."""

from __future__ import annotations

from modelwatch_core.domain.documents import NonEmpty, Owned


class AlertTargetReference(Owned):
    """Somewhere alerts go.

    Attributes
    ----------
    type : str
        The kind of target: ``sns``; ``modelwatch_core.wiring.ALERT_TARGETS`` has the list.
    address : str
        Which one, in the target's own form: the ARN of a topic. It is stored and shown, so it must hold no secret; a
        target that needs one takes the ARN of a secret.
    """

    type: NonEmpty
    address: NonEmpty

    def __str__(self) -> str:
        return f"{self.type}:{self.address}"
