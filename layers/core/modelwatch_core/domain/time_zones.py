"""Time zones by their IANA names, as the package tzdata has them.

The zones of the machine are not used: Windows has none, others have old ones, and all hosts should count alike.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable
    from zoneinfo import ZoneInfo

_SIMILARITY = 0.9
"""A name that is at least this similar to a zone's (difflib's ratio) is taken for a misspelling."""


def _known(name: str) -> str:
    names = zone_names()
    if name in names:
        return name
    from difflib import get_close_matches

    cities = {each.lower().rpartition("/")[2]: each for each in sorted(names)}
    spelled = cities | {each.lower(): each for each in names}
    near = get_close_matches(name.lower().replace(" ", "_"), spelled, n=1, cutoff=_SIMILARITY)
    meant = f"; did you mean {spelled[near[0]]}?" if near else ""
    raise ValueError(
        f"is no time zone: write a name of the IANA database, such as Europe/Berlin, America/New_York or UTC{meant}"
    )


TimeZoneName = Annotated[str, AfterValidator(_known)]
"""The name of a time zone, such as ``Europe/Berlin``."""


@cache
def zone_names() -> frozenset[str]:
    """Return the names of all zones."""
    return frozenset(_database().joinpath("zones").read_text(encoding="utf-8").split())


@cache
def time_zone(name: str) -> ZoneInfo:
    """Return the zone of a valid name."""
    from zoneinfo import ZoneInfo

    with _database().joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def _database() -> Traversable:
    from importlib.resources import files

    return files("tzdata")
