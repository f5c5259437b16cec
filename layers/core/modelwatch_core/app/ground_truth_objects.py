"""The labels that may belong to a window."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from modelwatch_core.domain import s3_layout
from modelwatch_core.domain.analysis import AnalysisInput
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.windows import LONGEST_WINDOW
from modelwatch_core.ports import ObjectStore, StoredObject

_HOUR = re.compile(r"(\d{4})/(\d{2})/(\d{2})/(\d{2})/")
_DAY = "%Y/%m/%d"


@dataclass(frozen=True, slots=True)
class GroundTruthObjects:
    """What was found.

    Attributes
    ----------
    size, files : int
        How many bytes, and how many objects.
    folder : str
        Where it was looked for, for messages.
    """

    inputs: tuple[AnalysisInput, ...]
    size: int
    files: int
    folder: str


def ground_truth_objects(
    objects: ObjectStore, ground_truth: str | None, start: datetime, *, now: datetime
) -> GroundTruthObjects | None:
    """Find the labels that were collected from the time of the first prediction until now, and those in no hour folder.

    An hour folder is named by when its labels were collected, which may be long after the predictions. So that no
    labels are missed, all that was collected since is taken, day by day.

    Parameters
    ----------
    ground_truth : str or None
        The S3 URI below which labels are collected; None for a monitor that needs none.

    Raises
    ------
    InvalidInput
        ``WindowTooLarge`` where the predictions are so old that there are too many days to list.
    """
    if ground_truth is None:
        return None
    if (age := now - start) > LONGEST_WINDOW:
        raise InvalidInput(
            "WindowTooLarge",
            f"labels of predictions that are {age.days:,} days old would be looked for in each day since, but"
            f" {LONGEST_WINDOW.days:,} days are the most; give a later window",
        )
    sizes = [stored.size for stored in collected_labels(objects, ground_truth, start, now)]
    return GroundTruthObjects(
        inputs=(AnalysisInput(s3_uri=ground_truth, path="groundtruth/", collected=(start, now)),),
        size=sum(sizes),
        files=len(sizes),
        folder=s3_layout.join(ground_truth, f"yyyy/mm/dd/hh/ from {start:%Y/%m/%d/%H} to {now:%Y/%m/%d/%H}"),
    )


def collected_labels(objects: ObjectStore, ground_truth: str, start: datetime, now: datetime) -> Iterator[StoredObject]:
    """Yield the files of labels that were collected from the hour of one time to the day of another, or at no hour."""
    for stored in objects.files(ground_truth):
        if stored.size:
            yield stored
    first = start.replace(minute=0, second=0, microsecond=0)
    day = first.replace(hour=0)
    while day <= now:
        for stored in objects.list(s3_layout.join(ground_truth, day.strftime(_DAY)) + "/"):
            hour = _HOUR.match(_below(ground_truth, stored))
            if stored.size and hour and _moment(hour) >= first:
                yield stored
        day += timedelta(days=1)


def _moment(hour: re.Match[str]) -> datetime:
    try:
        return datetime(*map(int, hour.groups()), tzinfo=UTC)  # type: ignore[arg-type, misc]  # the pattern has four numbers
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)


def _below(folder: str, stored: StoredObject) -> str:
    return stored.s3_uri.removeprefix(folder).lstrip("/") or stored.s3_uri.rpartition("/")[2]
