"""Where SageMaker keeps captures, and where reports go."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from modelwatch_core.domain.windows import Window

HOUR_FOLDER = "%Y/%m/%d/%H"


def join(*parts: str) -> str:
    """Join the parts of an S3 URI by single slashes; a double slash would be another key."""
    head, *rest = (part.rstrip("/") for part in parts)
    return "/".join([head, *(part.strip("/") for part in rest if part.strip("/"))])


def split(uri: str) -> tuple[str, str]:
    """Return bucket and key of an S3 URI."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def capture_hours(destination: str, endpoint_name: str, variant_name: str, window: Window) -> Iterator[tuple[str, str]]:
    """Yield the capture folder of each hour of a window: its S3 URI, and its path below the input folder.

    The layout is ``{destination}/{endpoint}/{variant}/yyyy/mm/dd/hh``, hours in UTC.
    """
    for hour in window.hours():
        path = f"{endpoint_name}/{variant_name}/{hour.strftime(HOUR_FOLDER)}"
        yield join(destination, path) + "/", path


def results(output: str, endpoint_name: str | None, schedule_name: str, scheduled_time: datetime) -> str:
    """Return the folder of one execution's reports: ``{output}/{endpoint}/{schedule}/yyyy/mm/dd/hh``.

    That of a batch transform schedule has no endpoint in it.
    """
    return join(output, endpoint_name or "", schedule_name, scheduled_time.strftime(HOUR_FOLDER))


def one_off_results(output: str, endpoint_name: str | None, schedule_name: str, window: Window) -> str:
    """Return the folder of the reports of a one-off run, beside those of the schedule's own executions."""
    span = f"{window.start:%Y%m%dT%H%M%SZ}-{window.end:%Y%m%dT%H%M%SZ}"
    return join(output, endpoint_name or "", schedule_name, "one-off", span)


def transform_hours(destination: str, window: Window) -> Iterator[tuple[str, str]]:
    """Yield the folders of manifests of each hour of a window: their S3 URI, and their path below the input folder.

    The layout is ``{destination}/input/yyyy/mm/dd/hh`` and ``{destination}/output/...``, by the jobs' start in UTC.
    """
    for hour in window.hours():
        for side in ("input", "output"):
            path = f"{side}/{hour.strftime(HOUR_FOLDER)}"
            yield join(destination, path) + "/", path
