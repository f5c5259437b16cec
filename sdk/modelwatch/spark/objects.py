"""Objects in S3 for an analysis on Spark: the driver has the ends of each, and a task has all of those that it reads.

The driver needs the header or the footer of each file, and its size. So it has hollow files: they are as long as the
objects, and hold their first and last bytes; what is between takes no storage.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import boto3
import pyarrow as pa
import pyarrow.parquet

from modelwatch_analyzer.reading.files import SourceFile
from modelwatch_core.adapters.aws.object_store import S3ObjectStore
from modelwatch_core.adapters.aws.translation import aws_errors
from modelwatch_core.domain import s3_layout
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.ports import StoredObject

_END_BYTES = 1 << 20
_PARQUET = b"PAR1"
_FOOTER_BYTES = 8
"""The bytes of the length of a Parquet file's footer, and of the word behind it."""
_AT_A_TIME = 16


Present = Callable[[Sequence[SourceFile]], AbstractContextManager[None]]
"""A context in which the files of a part are on a task's machine."""


def objects() -> S3ObjectStore:
    """Return the objects that this machine's role may reach."""
    return S3ObjectStore(boto3.client("s3"))


@dataclass(frozen=True, slots=True)
class S3Dataset:
    """A dataset in S3: an object, or all below a folder.

    Attributes
    ----------
    folder : Path
        Where the files are, on each machine.
    """

    s3_uri: str
    folder: Path

    def place(self) -> Path:
        """Make the driver's files, and return the one file or their folder.

        Raises
        ------
        InvalidInput
            ``InputNotFound``, ``KeyOutsideFolder``.
        """
        store = objects()
        stored = {self._path(each.s3_uri): each for each in store.list(self.s3_uri) if not each.s3_uri.endswith("/")}
        if not stored:
            raise InvalidInput("InputNotFound", f"there is nothing at {self.s3_uri}; was it moved or deleted?")
        read = [path for path in stored if not any(part.startswith((".", "_")) for part in self._below(path).parts)]
        first = min(read, key=lambda path: self._below(path).as_posix(), default=None)  # rows of it are looked at
        with ThreadPoolExecutor(_AT_A_TIME) as pool:
            list(pool.map(lambda path: _place(store, stored[path], path, whole=path == first), read))
        return self.folder if len(stored) > 1 or self._path(self.s3_uri) not in stored else self._path(self.s3_uri)

    @contextmanager
    def present(self, sources: Sequence[SourceFile]) -> Iterator[None]:
        """Have the files of a part on this machine for the duration of the context."""
        store = objects()
        for source in sources:
            store.download(self._uri(source.path), source.path)
        try:
            yield
        finally:
            for source in sources:
                _empty(source.path)

    def _path(self, s3_uri: str) -> Path:
        below = PurePosixPath(s3_uri.removeprefix(self.s3_uri).lstrip("/") or PurePosixPath(s3_uri).name)
        if ".." in below.parts:
            raise InvalidInput("KeyOutsideFolder", f"the key of {s3_uri} leads out of its folder; rename it")
        return self.folder / below

    def _below(self, path: Path) -> Path:
        return path.relative_to(self.folder)

    def _uri(self, path: Path) -> str:
        is_the_object = PurePosixPath(self.s3_uri).name == str(self._below(path))
        return self.s3_uri if is_the_object else s3_layout.join(self.s3_uri, self._below(path).as_posix())


def _place(store: S3ObjectStore, stored: StoredObject, path: Path, *, whole: bool) -> None:
    if whole or stored.size <= 2 * _END_BYTES:
        store.download(stored.s3_uri, path)
        return
    beginning, end = _bytes(store, stored, 0, _END_BYTES), _bytes(store, stored, stored.size - _END_BYTES, stored.size)
    if end.endswith(_PARQUET):
        footer = int.from_bytes(end[-_FOOTER_BYTES : -len(_PARQUET)], "little") + _FOOTER_BYTES
        if footer > len(end):
            end = _bytes(store, stored, max(stored.size - footer, 0), stored.size)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(beginning)
        file.seek(stored.size - len(end))
        file.write(end)
    if end.endswith(_PARQUET) and _has_lists(path):  # how long they are, only rows say
        store.download(stored.s3_uri, path)


def _bytes(store: S3ObjectStore, stored: StoredObject, start: int, stop: int) -> bytes:
    bucket, key = s3_layout.split(stored.s3_uri)
    with aws_errors(f"reading {stored.s3_uri}"):
        return store.s3.get_object(Bucket=bucket, Key=key, Range=f"bytes={start}-{stop - 1}")["Body"].read()


def _has_lists(path: Path) -> bool:
    try:
        schema = pyarrow.parquet.read_schema(path)
    except (pa.ArrowException, OSError):
        return False  # which opening it refuses
    return "list" in str(schema)


def _empty(path: Path) -> None:
    """Free the storage of a file, and keep its size: on one machine the driver has the same files."""
    size = path.stat().st_size
    os.truncate(path, 0)
    os.truncate(path, size)
