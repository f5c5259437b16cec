"""What an analysis is to be given from S3: which objects, and where each goes."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import chain, islice
from pathlib import Path

from modelwatch_core.app.ground_truth_objects import collected_labels
from modelwatch_core.domain import s3_layout
from modelwatch_core.domain.analysis import AnalysisInput
from modelwatch_core.domain.batch_manifest import manifest_objects
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.ports import ObjectStore, StoredObject

DOWNLOADS = 16
"""How many objects are downloaded at a time. At an assumed 50 ms a request, 100,000 small ones take some five minutes;
not measured on AWS."""

_NO_FILE = {errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EEXIST}
"""Errors of keys that cannot be file names: a part may be longer than 255 bytes, and one object may have the name of
another's folder."""

Wanted = Iterator[tuple[StoredObject, str]]
"""Objects, each with its path below the host's working folder."""


def fetch_inputs(objects: ObjectStore, inputs: Sequence[AnalysisInput], root: Path) -> None:
    """Download the inputs of an analysis; each file has the time at which its object was modified.

    Raises
    ------
    InvalidInput
        ``KeyIsNoFileName``, and what `wanted_objects` raises.
    """

    def download(wanted: tuple[StoredObject, str]) -> None:
        stored, place = wanted
        path = root / place
        try:
            objects.download(stored.s3_uri, path)
        except OSError as error:
            if error.errno in _NO_FILE:
                message = f"the key of {stored.s3_uri} cannot be the name of a file ({error.strerror}); rename it"
                raise InvalidInput("KeyIsNoFileName", message) from None
            raise
        set_modified(path, stored.modified)

    wanted = wanted_objects(objects, inputs)
    with ThreadPoolExecutor(DOWNLOADS) as pool:
        while some := list(islice(wanted, DOWNLOADS * DOWNLOADS)):
            list(pool.map(download, some))  # which raises what any of them has raised


def write_files(files: Mapping[str, str], root: Path) -> None:
    """Write the small files that come with a request itself: text by path below a working folder."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def set_modified(path: Path, moment: datetime) -> None:
    """Give a file the time at which its object was modified, by which the analyzer knows what is late."""
    nanoseconds = int(moment.timestamp()) * 10**9 + moment.microsecond * 1000
    os.utime(path, ns=(nanoseconds, nanoseconds))


def wanted_objects(objects: ObjectStore, inputs: Sequence[AnalysisInput]) -> Wanted:
    """Yield what the inputs of an analysis are.

    Raises
    ------
    InvalidInput
        ``InputNotFound``, ``KeyOutsideFolder``, ``InvalidManifest``.
    """
    for stored, path in chain.from_iterable(
        (_single(objects, inputs), _named_by_manifests(objects, inputs), _in_folders(objects, inputs))
    ):
        if ".." in Path(path).parts:
            raise InvalidInput("KeyOutsideFolder", f"the key of {stored.s3_uri} leads out of its folder; rename it")
        yield stored, path


def _single(objects: ObjectStore, inputs: Sequence[AnalysisInput]) -> Wanted:
    places: dict[str, list[str]] = {}
    for entry in inputs:
        if not entry.path.endswith("/"):
            places.setdefault(entry.s3_uri, []).append(entry.path)
    yield from _found(objects, places)


def _named_by_manifests(objects: ObjectStore, inputs: Sequence[AnalysisInput]) -> Wanted:
    places: dict[str, list[str]] = {}
    for entry in inputs:
        if entry.objects_path is not None:
            for uri in manifest_objects(objects.read(entry.s3_uri) or b"", entry.s3_uri):
                places[uri] = [entry.objects_path + "/".join(s3_layout.split(uri))]
    yield from _found(objects, places)


def _found(objects: ObjectStore, places: dict[str, list[str]]) -> Wanted:
    for stored in objects.find(places):
        yield from ((stored, path) for path in places.pop(stored.s3_uri))
    for missing in places:
        raise _not_found(missing)


def _in_folders(objects: ObjectStore, inputs: Sequence[AnalysisInput]) -> Wanted:
    for entry in inputs:
        if not entry.path.endswith("/"):
            continue
        found = False
        collected = entry.collected and collected_labels(objects, entry.s3_uri, *entry.collected)
        for stored in collected or objects.list(entry.s3_uri):
            if not entry.takes(stored.s3_uri, stored.modified):
                continue
            name = stored.s3_uri.rpartition("/")[2]
            yield stored, entry.path + (stored.s3_uri.removeprefix(entry.s3_uri).lstrip("/") or name)
            found = True
        if not found:
            raise _not_found(entry.s3_uri)


def _not_found(s3_uri: str) -> InvalidInput:
    return InvalidInput("InputNotFound", f"there is nothing at {s3_uri}; was it moved or deleted?")
