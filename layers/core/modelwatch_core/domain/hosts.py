"""Hosts run analyses: what each can take, which one is chosen and why, and what is known of a run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from modelwatch_core.domain.documents import NonEmpty, Owned
from modelwatch_core.domain.errors import InvalidInput
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

    @classmethod
    def named_in(cls, text: str, words: Mapping[Resource, Sequence[str]]) -> Resource | None:
        """Return what a run ran out of, by what is said of its end; None where it ended for another reason.

        Parameters
        ----------
        words : mapping of Resource to sequence of str
            Those that a host says, in lower case.
        """
        said = text.lower()
        found = (one for one in cls if f"ran out of {one}" in said or any(word in said for word in words.get(one, ())))
        return next(found, None)


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
        Of input, as stored, that a worker gets through.
    startup_seconds : float
        From the start of a run to the first byte, where that time is paid for.
    dollars_per_hour : float
        Of a worker, while the run goes on.
    dollars_per_gigabyte_hour : float
        Of storage, where that is made as large as the input and paid for.
    most_workers : int
        How many workers share out the input.
    bytes_of_a_worker : int, optional
        What keeps one worker busy: less input has fewer workers.
    driver : bool
        Whether there is one more worker, which reads nothing.
    """

    bytes_per_second: float = Field(gt=0)
    startup_seconds: float = Field(default=0.0, ge=0)
    dollars_per_hour: float = Field(ge=0)
    dollars_per_gigabyte_hour: float = Field(default=0.0, ge=0)
    most_workers: int = Field(default=1, gt=0)
    bytes_of_a_worker: int | None = Field(default=None, gt=0)
    driver: bool = False

    def seconds(self, input_bytes: int) -> float:
        """Return how long the analysis of so much input takes."""
        return self.startup_seconds + input_bytes / (self.bytes_per_second * self._workers(input_bytes))

    def dollars(self, input_bytes: int) -> float:
        """Return what the analysis of so much input costs."""
        workers = self._workers(input_bytes) + self.driver
        hourly = self.dollars_per_hour * workers + self.dollars_per_gigabyte_hour * input_bytes / 1e9
        return self.seconds(input_bytes) / 3600 * hourly

    def most_bytes(self, seconds: float) -> int:
        """Return how much input is analysed in a time."""
        return int(max(0.0, seconds - self.startup_seconds) * self.bytes_per_second * self.most_workers)

    def _workers(self, input_bytes: int) -> int:
        if self.bytes_of_a_worker is None:
            return self.most_workers
        return min(self.most_workers, max(1, math.ceil(input_bytes / self.bytes_of_a_worker)))


class HostLimits(Owned):
    """What a host can take.

    Attributes
    ----------
    input_bytes : int
        Most bytes of input, on its storage.
    memory_bytes : int
        Its memory.
    lease : timedelta
        How long a run may go without a report of its end, retries included, before its host is asked after it.
    longest_run_seconds : int, optional
        The longest that one run may take.
    runs_images : bool
        Whether it can run a container image of the user's.
    image_roles : tuple of str, optional
        The ARNs of the roles under which it may run such an image; of any if not given.
    runs_analyses : bool
        Whether it can run analyses of our own.
    needs_parts : bool
        Whether it runs only those that read their dataset in parts.
    file_bytes : int, optional
        Most bytes of one file, where files are not divided.
    pace : Pace, optional
        How fast it is, and what it costs, where that is known.
    advice : str
        What the deployment's owner can do to raise them.
    """

    input_bytes: int = Field(gt=0)
    memory_bytes: int = Field(gt=0)
    lease: timedelta = Field(gt=timedelta(0))
    longest_run_seconds: int | None = Field(default=None, gt=0)
    runs_images: bool = False
    image_roles: tuple[str, ...] | None = None
    runs_analyses: bool = True
    needs_parts: bool = False
    file_bytes: int | None = Field(default=None, gt=0)
    pace: Pace | None = None
    advice: str = ""

    def refuse_role(self, role_arn: str | None, what: str) -> None:
        """Refuse a role under which a user's image may not run.

        Raises
        ------
        InvalidInput
            ``RoleNotPassable``.
        """
        if self.image_roles is not None and role_arn not in self.image_roles:
            message = (
                f"the container of {what} needs a role that the deployment's parameter ProcessingRoleArns lists, but"
                f" the monitor has {role_arn or 'none'}; add it there, or give the monitor another role"
            )
            raise InvalidInput("RoleNotPassable", message)


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
    files : int
        How many files the input has.
    memory_bytes : int
        The memory that grows with the input.
    needs_image : bool
        Whether the analysis is a container image of the user's.
    read_as_a_whole : str, optional
        What keeps it from reading its dataset in parts, see `modelwatch_core.domain.dataset_parts`.
    largest_file_bytes : int
        Of the files of the dataset.
    """

    input_bytes: int = Field(ge=0)
    files: int = Field(default=0, ge=0)
    memory_bytes: int = Field(default=0, ge=0)
    needs_image: bool = False
    read_as_a_whole: str | None = None
    largest_file_bytes: int = Field(default=0, ge=0)

    @property
    def work_bytes(self) -> int:
        """The input that would take as much time if it were in one file."""
        return self.input_bytes + self.files * BYTES_OF_A_FILE


BYTES_OF_A_FILE = 100_000
"""What is read in the time that a file takes besides its bytes: 5 ms. Opening and reading tiny ones was measured to
take 1.3 to 5.5 ms each, by their format."""

SHARE_OF_TIME = 0.8
"""An analysis is given to a host only if it should take at most this share of the longest run; throughput is an
average."""

PRICE_TOLERANCE = 1.25
"""A host that starts sooner is chosen if it costs at most this many times the cheapest."""


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
        reason = f"no host of this deployment is larger than {after}" if wish is None else f"only {wish} was requested"
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
    if limits.needs_parts and demand.read_as_a_whole is not None:
        return f"{name} does not share out {demand.read_as_a_whole}"
    if limits.file_bytes is not None and demand.largest_file_bytes > limits.file_bytes:
        most, largest = limits.file_bytes, demand.largest_file_bytes
        return f"{name} takes files of {most:,} bytes at most, but the largest has {largest:,}"
    if demand.input_bytes > limits.input_bytes:
        return f"{name} takes {limits.input_bytes:,} bytes of input at most"
    if demand.memory_bytes > limits.memory_bytes:
        return f"{name} has {limits.memory_bytes:,} bytes of memory, but labels need about {demand.memory_bytes:,}"
    if limits.longest_run_seconds is None or limits.pace is None or demand.needs_image:
        return None
    seconds = limits.pace.seconds(demand.work_bytes)
    if seconds > SHARE_OF_TIME * limits.longest_run_seconds:
        return f"{name} ends a run after {limits.longest_run_seconds:,} s, but this one may take {seconds:,.0f} s"
    return None


def _first_that_is_cheap(fitting: Sequence[HostCandidate], demand: Demand) -> HostCandidate:
    if demand.needs_image or any(candidate.limits.pace is None for candidate in fitting):
        return fitting[0]  # what an image of the user's does, and how fast, is not known
    most = PRICE_TOLERANCE * min(_cost(candidate, demand) for candidate in fitting)
    return next(candidate for candidate in fitting if _cost(candidate, demand) <= most)


def _cost(candidate: HostCandidate, demand: Demand) -> float:
    return candidate.limits.pace.dollars(demand.work_bytes) if candidate.limits.pace else 0.0


def _dollars(candidate: HostCandidate, demand: Demand) -> str:
    return f"about ${_cost(candidate, demand):.2g}"


def _taken(chosen: HostCandidate, demand: Demand, passed_over: Sequence[str]) -> str:
    size = (
        f"{chosen.name} takes up to {chosen.limits.input_bytes:,} bytes of input, and there are {demand.input_bytes:,}"
    )
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
