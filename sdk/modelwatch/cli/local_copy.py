"""Local copies of what commands are given: paths stay as they are, objects in S3 are downloaded."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from modelwatch.cli.app_options import app_errors
from modelwatch.cli.aws_session import OF_THE_ENVIRONMENT, AwsOptions
from modelwatch.cli.options import existing_path
from modelwatch_core.domain.batch_manifest import manifest_objects
from modelwatch_core.domain.errors import InvalidInput

if TYPE_CHECKING:
    from modelwatch_core.adapters.aws.object_store import S3ObjectStore

_MANIFEST_FOLDERS = ("input", "output")
"""The folders, in what a batch transform job captured, of the manifests of its input and of its output."""


@contextmanager
def local_copy(
    uri: str,
    option: str,
    is_wanted: Callable[[str], bool] | None = None,
    aws: AwsOptions = OF_THE_ENVIRONMENT,
) -> Iterator[Path]:
    """Give the path of local data, or of a temporary copy of data in S3.

    Parameters
    ----------
    uri : str
        A path, or ``s3://bucket/key`` of an object or a folder.
    option : str
        What the user gave it with, for messages.
    is_wanted : callable, optional
        Whether an object is copied, by its S3 URI; all are by default.
    aws : AwsOptions
        Where S3 is.

    Raises
    ------
    InvalidInput
        ``FileNotFound``, ``UnreadableFile`` or ``NoData``, naming the option; ``AccessDenied``, ``BucketNotFound``,
        ``NoCredentials``, ``LocalStackNotFound``.
    Upstream
        ``ServiceNotReached`` or ``ServiceError``.
    """
    if not uri:  # which, as a path, is the current folder
        message = f"{option}: the path is empty, perhaps because a variable is not set. Give the path of a file."
        raise InvalidInput("FileNotFound", message)
    if not uri.startswith("s3://"):
        yield existing_path(Path(uri), option)
        return
    with tempfile.TemporaryDirectory(prefix="modelwatch-") as folder:
        yield _fetch(object_store(option, aws), uri, option, Path(folder), is_wanted)


def object_store(option: str, aws: AwsOptions = OF_THE_ENVIRONMENT) -> S3ObjectStore:
    """Return S3, as the credentials of this machine reach it.

    Parameters
    ----------
    option : str
        What the user gave an S3 URI with, for messages.
    aws : AwsOptions
        Where S3 is.

    Raises
    ------
    InvalidInput
        ``NoCredentials``, ``LocalStackNotFound``.
    """
    from modelwatch_core.adapters.aws.object_store import S3ObjectStore

    with app_errors():
        return S3ObjectStore(aws.session(f"{option}: ").client("s3"))


def _fetch(objects: S3ObjectStore, uri: str, option: str, root: Path, is_wanted: Callable[[str], bool] | None) -> Path:
    target = root / (uri.rstrip("/").rpartition("/")[2] or "data")
    found = [stored.s3_uri for stored in objects.list(uri) if not stored.s3_uri.endswith("/")]
    wanted = list(filter(is_wanted, found)) if is_wanted else found
    if not wanted:
        code, what = ("NoData", "nothing in the window") if found else ("FileNotFound", "nothing")
        raise InvalidInput(code, f"{option}: there is {what} at {uri}.")
    for stored in wanted:
        below = stored.removeprefix(uri).strip("/")
        _download(objects, stored, target / below if below else target, root)
    for manifest in sorted(path for name in _MANIFEST_FOLDERS for path in (target / name).rglob("*") if path.is_file()):
        for named in _objects_of(manifest):
            _download(objects, named, target / "objects" / named.removeprefix("s3://"), root)
    return target


def _download(objects: S3ObjectStore, uri: str, path: Path, root: Path) -> None:
    if not path.resolve().is_relative_to(root.resolve()):
        raise InvalidInput("KeyOutsideFolder", f"the key of {uri} leads out of its folder; rename the object")
    if not path.exists():
        objects.download(uri, path)


def _objects_of(manifest: Path) -> list[str]:
    """Return the S3 URIs that a manifest names; none if it is not one, which its reader will report."""
    try:
        return manifest_objects(manifest.read_bytes(), manifest.name)
    except InvalidInput:
        return []
