"""Objects in S3 by how their keys begin: all of many with few patterns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from modelwatch_core.domain import s3_layout

_MOST_FOLDERS = 16
"""The most folders that stand for the objects of inputs, so that a request stays short."""


class Pattern(NamedTuple):
    """An object in S3, or all whose keys begin so."""

    bucket: str
    key: str
    is_beginning: bool = False

    @classmethod
    def of(cls, s3_uri: str) -> Pattern:
        """Return the pattern of an object; of what is below it if the URI ends with a slash, or is a bucket."""
        bucket, key = s3_layout.split(s3_uri)
        return cls(bucket, key, is_beginning=not key or key.endswith("/"))

    def matches(self, s3_uri: str) -> bool:
        """Return whether an object is meant."""
        bucket, key = s3_layout.split(s3_uri)
        return bucket == self.bucket and (key.startswith(self.key) if self.is_beginning else key == self.key)


def widened(patterns: Iterable[Pattern], most: int) -> list[Pattern]:
    """Return at most so many patterns that mean all that the given ones mean, or one for each bucket if that is more.

    Neighbours in the order of their keys become one where they have the most characters in common, so that as little
    as possible is added. What two neighbours have in common does not change when either is joined to its other one.
    """
    ordered = sorted(set(patterns))
    shared = [
        len(s3_layout.common_beginning((one.key, other.key))) if one.bucket == other.bucket else -1
        for one, other in pairwise(ordered)
    ]
    borders = sorted(range(len(shared)), key=shared.__getitem__)
    cuts = sorted({*borders[: most - 1], *(place for place in borders if shared[place] < 0)})
    ends = [*(cut + 1 for cut in cuts), len(ordered)]
    return [_joined(ordered[start:end]) for start, end in pairwise([0, *ends]) if end > start]


def folders_of(s3_uris: Iterable[str]) -> tuple[str, ...]:
    """Return folders that hold all of many objects: few, and so that they hold little else."""
    folders = widened((Pattern.of(uri[: uri.rindex("/") + 1]) for uri in s3_uris), _MOST_FOLDERS)
    return tuple(sorted({f"s3://{each.bucket}/{each.key[: each.key.rfind('/') + 1]}" for each in folders}))


def _joined(patterns: Sequence[Pattern]) -> Pattern:
    first = patterns[0]
    if len(patterns) == 1:
        return first
    return Pattern(first.bucket, s3_layout.common_beginning([pattern.key for pattern in patterns]), is_beginning=True)
