"""Hosts run analyses: what each can take, which one is chosen and why, and what is known of a run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from modelwatch_core.domain.documents import NonEmpty, Owned
from modelwatch_core.domain.outcome import Outcome


class Run(Owned):
    """An analysis that a host has taken.

    Attributes
    ----------
    host : str
        The host's name.
    subject : str
        Whose analysis it is.
    run_id : str
        The host's own name for the run: an ARN, or the id of a request.
    log_location : str, optional
        Where its log is, for people.
    """

    host: NonEmpty
    subject: NonEmpty
    run_id: NonEmpty
    log_location: str | None = None


class RunStatus(StrEnum):
    """What a host says of a run.

    UNKNOWN is for hosts that cannot be asked, and for runs that they do not know.
    """

    RUNNING = "Running"
    ENDED = "Ended"
    UNKNOWN = "Unknown"


class RunDescription(Owned):
    """A run as its host sees it.

    Attributes
    ----------
    outcome : Outcome, optional
        How it ended, where it has.
    """

    status: RunStatus
    outcome: Outcome | None = None

    @model_validator(mode="after")
    def _says_how_it_ended(self) -> Self:
        if (self.status is RunStatus.ENDED) != (self.outcome is not None):
            raise ValueError("an outcome belongs to a run that has ended, and to no other")
        return self


class HostLimits(Owned):
    """What a host can take.

    Attributes
    ----------
    input_bytes : int
        Most bytes of input, on its storage.
    memory_bytes : int
        Its memory.
    seconds : int
        The longest time from the start of a run to the report of its end, retries included.
    runs_images : bool
        Whether it can run a container image of the user's.
    advice : str
        What the deployment's owner can do to raise them.
    """

    input_bytes: int = Field(gt=0)
    memory_bytes: int = Field(gt=0)
    seconds: int = Field(gt=0)
    runs_images: bool = False
    advice: str = ""

    @property
    def lease(self) -> timedelta:
        """How long a run may go without a report before it is asked after."""
        return timedelta(seconds=self.seconds)


class Resources(Owned):
    """What a user wishes an analysis to run on.

    Attributes
    ----------
    host : str, optional
        The name of a host; the first that can take the analysis if not given.
    """

    host: NonEmpty | None = None


class HostCandidate(Owned):
    """A host to choose from."""

    name: NonEmpty
    limits: HostLimits


class HostChoice(Owned):
    """The host that was chosen, and why."""

    name: NonEmpty
    reason: str


class NoHost(Owned):
    """Why no host can take an analysis.

    Attributes
    ----------
    code : str
        ``WindowTooLarge`` where a larger host would do, else ``NoHost``.
    advice : str
        What to do.
    """

    code: str
    reason: str
    advice: str


def choose_host(
    candidates: Sequence[HostCandidate],
    *,
    input_bytes: int,
    needs_image: bool = False,
    resources: Resources | None = None,
) -> HostChoice | NoHost:
    """Choose the host of an analysis.

    Parameters
    ----------
    candidates : sequence of HostCandidate
        The hosts of the deployment, the cheapest first.
    input_bytes : int
        What the host must hold: all input, and what the analysis writes beside it.
    needs_image : bool
        Whether the analysis is a container image of the user's.
    resources : Resources, optional
        The user's wish, which is never overruled: an analysis that does not fit the requested host has none.

    Returns
    -------
    HostChoice or NoHost
        The first candidate that fits, with the reasons why the ones before it do not.
    """
    wish = resources.host if resources else None
    offered = [candidate for candidate in candidates if wish in (None, candidate.name)]
    if not offered:
        known = ", ".join(candidate.name for candidate in candidates)
        return NoHost(code="NoHost", reason=f"{wish} is not a host of this deployment", advice=f"It has {known}.")
    passed_over: list[str] = []
    for candidate in offered:
        limits = candidate.limits
        if needs_image and not limits.runs_images:
            passed_over.append(f"{candidate.name} does not run container images")
        elif input_bytes > limits.input_bytes:
            passed_over.append(f"{candidate.name} takes {limits.input_bytes:,} bytes of input")
        else:
            taken = f"{candidate.name} takes {limits.input_bytes:,} bytes of input, and there are {input_bytes:,}"
            return HostChoice(name=candidate.name, reason="; ".join((*passed_over, taken)))
    if needs_image and not any(candidate.limits.runs_images for candidate in offered):
        advice = "Deploy a host that runs container images, or request one."
        return NoHost(code="NoHost", reason="; ".join(passed_over), advice=advice)
    advice = " ".join(dict.fromkeys(each.limits.advice for each in offered if each.limits.advice))
    return NoHost(code="WindowTooLarge", reason="; ".join(passed_over), advice=advice)
