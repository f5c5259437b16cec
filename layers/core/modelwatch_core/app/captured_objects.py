"""What was captured in a window, for each thing that can be watched: what the host must fetch, and how much it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from modelwatch_core.domain import s3_layout
from modelwatch_core.domain.analysis import AnalysisInput
from modelwatch_core.domain.batch_manifest import LONGEST_TRANSFORM_JOB, manifest_objects
from modelwatch_core.domain.monitor_kinds import MonitorKind
from modelwatch_core.domain.monitoring_schedule import BatchTransformInput, EndpointInput
from modelwatch_core.domain.object_patterns import folders_of
from modelwatch_core.domain.windows import Window
from modelwatch_core.ports import ObjectStore

CLOCK_SKEW = timedelta(minutes=5)
"""The most by which two clocks are assumed to differ."""


class Look(NamedTuple):
    """When an execution looks at what was captured.

    Attributes
    ----------
    until : datetime
        Objects that were modified later are for the next execution.
    since : datetime, optional
        When the execution of the window before looked. Records of earlier windows in objects that were modified since
        have been read by none: they are late, and this execution reads them.
    """

    until: datetime
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class CapturedObjects:
    """What a window holds.

    Attributes
    ----------
    size, files : int
        How many bytes, and how many objects.
    folder : str
        Where it was looked for, for messages.
    dataset_format : dict
        How the analyzer reads it.
    named : tuple of str
        Folders of the objects that the inputs name, where these are manifests.
    """

    inputs: tuple[AnalysisInput, ...]
    size: int
    files: int
    folder: str
    dataset_format: dict[str, Any]
    named: tuple[str, ...] = ()


def captured_objects(
    objects: ObjectStore, watched: EndpointInput | BatchTransformInput, window: Window, look: Look, kind: MonitorKind
) -> CapturedObjects:
    """Find what may hold captures of a window, and late ones; the analysis leaves out the records of other times.

    Parameters
    ----------
    kind : MonitorKind
        Says which sides of what was captured are to be read.

    Raises
    ------
    InvalidInput
        ``WindowTooLarge``, or ``InvalidManifest`` for a manifest of a batch transform job that cannot be read.
    """
    if isinstance(watched, EndpointInput):
        return _of_endpoint(objects, watched, window, look, kind)
    return _of_batch_transform(objects, watched, window, look, kind)


def _of_endpoint(
    objects: ObjectStore, watched: EndpointInput, window: Window, look: Look, kind: MonitorKind
) -> CapturedObjects:
    destination, name = watched.data_captured_destination_s3_uri or "", watched.endpoint_name
    found = [watched.variant_name] if watched.variant_name else list(objects.folders(s3_layout.join(destination, name)))
    window.refuse_long(variants=max(1, len(found)))
    entries = [
        AnalysisInput(
            s3_uri=folder.s3_uri,
            path=f"input/{folder.path}/",
            names=folder.names,
            in_hours=folder.is_day,
            modified_after=look.since if folder.is_earlier else None,
            modified_until=look.until,
        )
        for variant in found
        for folder in s3_layout.capture_folders(destination, name, variant, window, lateness=watched.lateness)
        if look.since or not folder.is_earlier
    ]
    sized = [(entry, *_size_of_folder(objects, entry)) for entry in entries]
    return CapturedObjects(
        inputs=tuple(entry for entry, size, _ in sized if size),
        size=sum(size for _, size, _ in sized),
        files=sum(files for *_, files in sized),
        folder=s3_layout.join(destination, name, watched.variant_name or "{variant}", "yyyy/mm/dd/hh/"),
        dataset_format={watched.format_name: {"captureIndexNames": list(kind.captured_sides)}},
    )


def _of_batch_transform(
    objects: ObjectStore, watched: BatchTransformInput, window: Window, look: Look, kind: MonitorKind
) -> CapturedObjects:
    window.refuse_long()
    destination = watched.data_captured_destination_s3_uri
    manifests = [
        AnalysisInput(
            s3_uri=found.s3_uri, path=f"input/{path}/{found.s3_uri.removeprefix(uri)}", objects_path="input/objects/"
        )
        for uri, path in s3_layout.transform_days(destination, window, longest_job=LONGEST_TRANSFORM_JOB)
        for found in objects.list(uri)
        # What had been written before the window began has no rows of it, and was read with the window before.
        if found.size and window.start - CLOCK_SKEW <= found.modified <= look.until
    ]
    named = {uri for manifest in manifests for uri in _objects_of(objects, manifest.s3_uri)}
    return CapturedObjects(
        inputs=tuple(manifests),
        size=sum(found.size for found in objects.find(named)),
        files=len(named),
        folder=s3_layout.join(destination, "{input,output}", "yyyy/mm/dd/hh/"),
        dataset_format={watched.format_name: {"side": kind.transform_side, **watched.dataset_format}},
        named=folders_of(named),
    )


def _objects_of(objects: ObjectStore, manifest: str) -> list[str]:
    return manifest_objects(objects.read(manifest) or b"", manifest)


def _size_of_folder(objects: ObjectStore, folder: AnalysisInput) -> tuple[int, int]:
    """Return how many bytes are to be fetched from a folder, in how many objects."""
    size = files = 0
    for found in objects.list(folder.s3_uri):
        if folder.takes(found.s3_uri, found.modified):
            size, files = size + found.size, files + 1
    return size, files
