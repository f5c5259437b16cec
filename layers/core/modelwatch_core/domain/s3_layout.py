"""Where SageMaker keeps captures, and where reports go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from modelwatch_core.domain.windows import Window

DAY_FOLDER = "%Y/%m/%d"
HOUR_FOLDER = f"{DAY_FOLDER}/%H"
_HOURS_OF_A_DAY = 24
LONGEST_CAPTURE_FILE = timedelta(minutes=10)
"""The most by which the times of records in one file may differ; SageMaker's differ by some minutes."""


def join(*parts: str) -> str:
    """Join the parts of an S3 URI by single slashes; a double slash would be another key."""
    head, *rest = (part.rstrip("/") for part in parts)
    return "/".join([head, *(part.strip("/") for part in rest if part.strip("/"))])


def split(uri: str) -> tuple[str, str]:
    """Return bucket and key of an S3 URI."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def common_beginning(keys: Collection[str]) -> str:
    """Return what all keys begin with."""
    first, last = min(keys), max(keys)
    differs = (place for place, (one, other) in enumerate(zip(first, last, strict=False)) if one != other)
    return first[: next(differs, len(first))]


class CaptureFolder(NamedTuple):
    """The captures of a day, of an hour, or of a part of it.

    Attributes
    ----------
    s3_uri, path : str
        Where it is, and its path below the input folder.
    names : tuple of str, optional
        The first minute and second of the files to read, as their names begin, and the last, exclusive; None for all.
    is_earlier : bool
        Whether these files hold records of earlier windows only.
    is_day : bool
        Whether it is the folder of a day, whose files are in folders of hours.
    """

    s3_uri: str
    path: str
    names: tuple[str, str] | None
    is_earlier: bool = False
    is_day: bool = False


def capture_folders(
    destination: str, endpoint_name: str, variant_name: str, window: Window, *, lateness: timedelta
) -> Iterator[CaptureFolder]:
    """Yield the folders that may hold captures of a window, and of the time before it as far as lateness reaches.

    The layout is ``{destination}/{endpoint}/{variant}/yyyy/mm/dd/hh/mm-ss-mmm-{uuid}.jsonl`` in UTC. A file is named
    by one of its records, and may hold others of the minutes before and after. A day that is whole in the window is one
    folder, since each is listed on its own.

    Parameters
    ----------
    lateness : timedelta
        How long after its time a record may be written, into the folder of that later hour, and reach S3.
    """
    first, last = window.start - LONGEST_CAPTURE_FILE, window.end + lateness + LONGEST_CAPTURE_FILE
    own = set(window.hours())
    hours_of_days = Counter(hour.date() for hour in own)
    for hour in Window(start=first - lateness, end=last).hours():
        is_whole_day = hours_of_days[hour.date()] == _HOURS_OF_A_DAY
        if is_whole_day and hour.hour:
            continue
        path = f"{endpoint_name}/{variant_name}/{hour.strftime(DAY_FOLDER if is_whole_day else HOUR_FOLDER)}"
        folder = CaptureFolder(join(destination, path) + "/", path, None, is_day=is_whole_day)
        if hour in own:
            yield folder
            continue
        if names := _names_between(first - lateness, first, hour):
            yield folder._replace(names=names, is_earlier=True)
        if names := _names_between(first, last, hour):
            yield folder._replace(names=names)


def _names_between(start: datetime, end: datetime, hour: datetime) -> tuple[str, str] | None:
    """Return how the names of the files of a span begin in the folder of an hour; None if it has none of the span."""
    following = hour + timedelta(hours=1)
    start, end = max(start, hour), min(end, following)
    return (f"{start:%M-%S}", "60-00" if end == following else f"{end:%M-%S}") if start < end else None


def results(
    output: str, endpoint_name: str | None, schedule_name: str, scheduled_time: datetime, *, by_minute: bool = False
) -> str:
    """Return the folder of one execution's reports: ``{output}/{endpoint}/{schedule}/yyyy/mm/dd/hh``.

    That of a batch transform schedule has no endpoint in it. One that is due several times an hour has the minute below
    the hour, so that no reports replace others.
    """
    minute = f"{scheduled_time:%M}" if by_minute else ""
    return join(output, endpoint_name or "", schedule_name, scheduled_time.strftime(HOUR_FOLDER), minute)


def one_off_results(output: str, endpoint_name: str | None, schedule_name: str, window: Window) -> str:
    """Return the folder of the reports of a one-off run, beside those of the schedule's own executions."""
    span = f"{window.start:%Y%m%dT%H%M%SZ}-{window.end:%Y%m%dT%H%M%SZ}"
    return join(output, endpoint_name or "", schedule_name, "one-off", span)


def transform_days(destination: str, window: Window, *, longest_job: timedelta) -> Iterator[tuple[str, str]]:
    """Yield the folders of manifests of each day on which a job may have started whose rows are in a window.

    The layout is ``{destination}/input/yyyy/mm/dd/hh`` and ``{destination}/output/...``, by the jobs' start in UTC.

    Yields
    ------
    tuple of str
        The S3 URI of a day's folder, and its path below the input folder.
    """
    day = (window.start - longest_job).replace(hour=0, minute=0, second=0)
    while day < window.end:
        for side in ("input", "output"):
            path = f"{side}/{day:%Y/%m/%d}"
            yield join(destination, path) + "/", path
        day += timedelta(days=1)
