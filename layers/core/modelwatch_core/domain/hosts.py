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


class Resource(StrEnum):
    """What a run can run out of: a larger host has more of it."""

    MEMORY = "memory"
    STORAGE = "storage"
    TIME = "time"


class RunDescription(Owned):
    """A run as its host sees it.

    Attributes
    ----------
    outcome : Outcome, optional
        How it ended, where it has.
    exhausted : Resource, optional
        What it ran out of, where that is why it failed.
    """

    status: RunStatus
    outcome: Outcome | None = None
    exhausted: Resource | None = None

    @model_validator(mode="after")
    def _says_how_it_ended(self) -> Self:
        if (self.status is RunStatus.ENDED) != (self.outcome is not None):
            raise ValueError("an outcome belongs to a run that has ended, and to no other")
        return self


class Pace(Owned):
    """How fast a host is, and what it costs.

    Attributes
    ----------
    bytes_per_second : float
        Of input, as stored, that an analysis gets through.
    startup_seconds : float
        From the start of a run to the first byte, where that time is paid for.
    dollars_per_hour : float
        While it runs.
    dollars_per_gigabyte_hour : float
        Of storage, where that is made as large as the input and paid for.
    """

    bytes_per_second: float = Field(gt=0)
    startup_seconds: float = Field(default=0.0, ge=0)
    dollars_per_hour: float = Field(ge=0)
    dollars_per_gigabyte_hour: float = Field(default=0.0, ge=0)

    def seconds(self, input_bytes: int) -> float:
        """Return how long the analysis of so much input takes."""
        return self.startup_seconds + input_bytes / self.bytes_per_second

    def dollars(self, input_bytes: int) -> float:
        """Return what the analysis of so much input costs."""
        hourly = self.dollars_per_hour + self.dollars_per_gigabyte_hour * input_bytes / 1e9
        return self.seconds(input_bytes) / 3600 * hourly


class HostLimits(Owned):
    """What a host can take.

    Attributes
    ----------
    input_bytes : int
        Most bytes of input, on its storage.
    memory_bytes : int
        Its memory.
    seconds : int
        How long a run may go without a report of its end, retries included, before its host is asked after it.
    run_seconds : int, optional
        The longest that one run may take.
    runs_images : bool
        Whether it can run a container image of the user's.
    runs_analyses : bool
        Whether it can run analyses of our own.
    pace : Pace, optional
        How fast it is, and what it costs, where that is known.
    advice : str
        What the deployment's owner can do to raise them.
    """

    input_bytes: int = Field(gt=0)
    memory_bytes: int = Field(gt=0)
    seconds: int = Field(gt=0)
    run_seconds: int | None = Field(default=None, gt=0)
    runs_images: bool = False
    runs_analyses: bool = True
    pace: Pace | None = None
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


class Demand(Owned):
    """What an analysis needs of its host.

    Attributes
    ----------
    input_bytes : int
        What the host must hold: all input, and what the analysis writes beside it.
    memory_bytes : int
        The memory that grows with the input.
    needs_image : bool
        Whether the analysis is a container image of the user's.
    """

    input_bytes: int = Field(ge=0)
    memory_bytes: int = Field(default=0, ge=0)
    needs_image: bool = False


SHARE_OF_TIME = 0.8
"""Of the time that a run may take, the most that an analysis is expected to: a throughput is an average."""

DEARER = 1.25
"""How much more than the cheapest host one may cost that comes before it: it starts sooner."""


def choose_host(
    candidates: Sequence[HostCandidate], demand: Demand, *, resources: Resources | None = None, after: str | None = None
) -> HostChoice | NoHost:
    """Choose the host of an analysis.

    Parameters
    ----------
    candidates : sequence of HostCandidate
        The hosts of the deployment, the one that starts soonest first.
    resources : Resources, optional
        The user's wish, which is never overruled: an analysis that does not fit the requested host has none.
    after : str, optional
        The host that the analysis has outgrown: only those that come after it are looked at.

    Returns
    -------
    HostChoice or NoHost
        The first candidate that fits and is not much dearer than the cheapest one that does, with the reasons why the
        ones before it are not.
    """
    wish = resources.host if resources else None
    names = [candidate.name for candidate in candidates]
    if wish is not None and wish not in names:
        known = ", ".join(names)
        return NoHost(code="NoHost", reason=f"{wish} is not a host of this deployment", advice=f"It has {known}.")
    start = names.index(after) + 1 if after in names else 0
    offered = [candidate for candidate in candidates[start:] if wish in (None, candidate.name)]
    if not offered:
        reason = f"no host of this deployment is larger than {after}" if wish is None else f"only {wish} was asked for"
        return NoHost(code="NoHost", reason=reason, advice=" ".join(c.limits.advice for c in candidates[:start]))
    problems = {candidate.name: _problem(candidate, demand) for candidate in offered}
    fitting = [candidate for candidate in offered if problems[candidate.name] is None]
    if not fitting:
        return _no_host(offered, demand, "; ".join(filter(None, problems.values())))
    chosen = _first_that_is_cheap(fitting, demand)
    before = offered[: offered.index(chosen)]
    passed_over = [problems[each.name] or f"{each.name} would cost {_dollars(each, demand)}" for each in before]
    return HostChoice(name=chosen.name, reason="; ".join((*passed_over, _taken(chosen, demand, passed_over))))


def _problem(candidate: HostCandidate, demand: Demand) -> str | None:
    """Return why an analysis does not fit a host, None if it does."""
    limits, name = candidate.limits, candidate.name
    if demand.needs_image and not limits.runs_images:
        return f"{name} does not run container images"
    if not demand.needs_image and not limits.runs_analyses:
        return f"{name} has no image of the analyzer"
    if demand.input_bytes > limits.input_bytes:
        return f"{name} takes {limits.input_bytes:,} bytes of input"
    if demand.memory_bytes > limits.memory_bytes:
        return f"{name} has {limits.memory_bytes:,} bytes of memory, and labels need some {demand.memory_bytes:,}"
    if limits.run_seconds is None or limits.pace is None or demand.needs_image:
        return None
    seconds = limits.pace.seconds(demand.input_bytes)
    if seconds > SHARE_OF_TIME * limits.run_seconds:
        return f"{name} ends a run after {limits.run_seconds:,} s, and this one may take {seconds:,.0f} s"
    return None


def _first_that_is_cheap(fitting: Sequence[HostCandidate], demand: Demand) -> HostCandidate:
    if demand.needs_image or any(candidate.limits.pace is None for candidate in fitting):
        return fitting[0]  # what an image of the user's does, and how fast, is not known
    most = DEARER * min(_cost(candidate, demand) for candidate in fitting)
    return next(candidate for candidate in fitting if _cost(candidate, demand) <= most)


def _cost(candidate: HostCandidate, demand: Demand) -> float:
    return candidate.limits.pace.dollars(demand.input_bytes) if candidate.limits.pace else 0.0


def _dollars(candidate: HostCandidate, demand: Demand) -> str:
    return f"some ${_cost(candidate, demand):.2g}"


def _taken(chosen: HostCandidate, demand: Demand, passed_over: Sequence[str]) -> str:
    size = f"{chosen.name} takes {chosen.limits.input_bytes:,} bytes of input, and there are {demand.input_bytes:,}"
    if chosen.limits.pace is None or demand.needs_image or not passed_over:
        return size
    return f"{size}, for {_dollars(chosen, demand)}"


def _no_host(offered: Sequence[HostCandidate], demand: Demand, reason: str) -> NoHost:
    kind = [each for each in offered if each.limits.runs_images or not demand.needs_image]
    if not kind:
        advice = "Deploy a host that runs container images, or request one."
        return NoHost(code="NoHost", reason=reason, advice=advice)
    advice = " ".join(dict.fromkeys(each.limits.advice for each in kind if each.limits.advice))
    return NoHost(code="WindowTooLarge", reason=reason, advice=advice)
