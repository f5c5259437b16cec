"""``ObjectStore`` in S3."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import groupby
from operator import itemgetter
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

from modelwatch_core.adapters.aws.translation import aws_errors, response_or_none
from modelwatch_core.domain import s3_layout
from modelwatch_core.ports import StoredObject, too_large

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client
    from types_boto3_s3.type_defs import ObjectTypeDef


_CHUNK_BYTES = 1 << 20
_PAGE = 1000
"""The most keys that S3 lists at once."""
_NEARBY = 10
"""How many keys are listed for each one that is wanted: a page of all that follow costs S3 and us far more than a
call."""


def _utf8(place: tuple[str, str]) -> tuple[str, bytes]:
    """Return by what S3 orders keys."""
    bucket, key = place
    return bucket, key.encode()


def _just_before(key: str) -> str:
    """Return a text that S3 orders before a key, and after nearly every other that is before it."""
    start, last = key[:-1], ord(key[-1])
    return f"{start}{chr(last - 1)}\U0010ffff" if 0x20 < last < 0x7F else start


def _folder(key: str) -> str:
    """Return how the keys begin of what is below a folder."""
    return f"{key.rstrip('/')}/" if key else ""


def _stored(bucket: str, found: ObjectTypeDef) -> StoredObject:
    return StoredObject(f"s3://{bucket}/{found['Key']}", found["Size"], found["LastModified"])


@dataclass(frozen=True, slots=True)
class S3ObjectStore:
    """``ObjectStore`` in S3."""

    s3: S3Client

    def list(self, s3_uri: str) -> Iterator[StoredObject]:
        """Yield the object itself, and all below it as a folder, in the order of their keys."""
        bucket, key = s3_layout.split(s3_uri)
        folder = _folder(key)
        with aws_errors(f"listing {s3_uri}"):
            for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key):
                for found in page.get("Contents", ()):
                    if found["Key"] == key or found["Key"].startswith(folder):
                        yield _stored(bucket, found)

    def find(self, s3_uris: Iterable[str]) -> Iterator[StoredObject]:
        """Yield those of many objects that exist, bucket by bucket in the order of their keys.

        Each listing begins at the next object that is wanted, and takes in all that are wanted of its page.
        """
        for bucket, uris in groupby(sorted(map(s3_layout.split, set(s3_uris)), key=_utf8), key=itemgetter(0)):
            wanted = [key for _, key in uris]
            with aws_errors(f"looking for {len(wanted)} objects in s3://{bucket}"):
                yield from self._find(bucket, wanted)

    def _find(self, bucket: str, wanted: Sequence[str]) -> Iterator[StoredObject]:
        left, last, keys = deque(wanted), "", min(_PAGE, _NEARBY * len(wanted))
        beginning = s3_layout.common_beginning(wanted)
        while left:
            start = max(_just_before(left[0]), last, key=str.encode)
            page = self.s3.list_objects_v2(Bucket=bucket, Prefix=beginning, StartAfter=start, MaxKeys=keys)
            listed = {found["Key"]: found for found in page.get("Contents", ())}
            last = next(reversed(listed), "") if page.get("IsTruncated") else ""
            if last and left[0].encode() > last.encode():  # others lie between: go past them
                keys = _PAGE
            while left and (not last or left[0].encode() <= last.encode()):
                if found := listed.get(left.popleft()):
                    yield _stored(bucket, found)

    def folders(self, s3_uri: str) -> Iterator[str]:
        """Yield the names of the folders directly below a folder, in their order."""
        bucket, key = s3_layout.split(s3_uri)
        below = _folder(key)
        with aws_errors(f"listing the folders of {s3_uri}"):
            pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=below, Delimiter="/")
            for page in pages:
                for found in page.get("CommonPrefixes", ()):
                    yield found["Prefix"].removeprefix(below).rstrip("/")

    def files(self, s3_uri: str) -> Iterator[StoredObject]:
        """Yield the object itself, and those directly in it as a folder, in the order of their keys."""
        bucket, key = s3_layout.split(s3_uri)
        folder = _folder(key)
        with aws_errors(f"listing the files of {s3_uri}"):
            # The first listing is for the object itself; what else begins like it is passed over.
            for prefix in dict.fromkeys((key.rstrip("/"), folder)):
                pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, Delimiter="/")
                for page in pages:
                    for found in page.get("Contents", ()):
                        if found["Key"] == key or (prefix == folder and found["Key"].startswith(folder)):
                            yield _stored(bucket, found)

    def read(self, s3_uri: str, *, most: int | None = None) -> bytes | None:
        """Return the content of an object, or None where there is none."""
        bucket, key = s3_layout.split(s3_uri)
        with aws_errors(f"reading {s3_uri}"):
            found = response_or_none(lambda: self.s3.get_object(Bucket=bucket, Key=key), "NoSuchKey")
            if found is None:
                return None
            if most is not None and found["ContentLength"] > most:
                found["Body"].close()
                raise too_large(s3_uri, found["ContentLength"], most)
            return found["Body"].read()

    def download(self, s3_uri: str, path: Path) -> None:
        """Write an object to a file, making its folders."""
        bucket, key = s3_layout.split(s3_uri)
        path.parent.mkdir(parents=True, exist_ok=True)
        # A plain GET: download_fileobj would ask for the size first, which doubles the calls for small objects.
        with aws_errors(f"downloading {s3_uri}"), path.open("wb") as file:
            for chunk in self.s3.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(_CHUNK_BYTES):
                file.write(chunk)

    def upload(self, path: Path, s3_uri: str) -> None:
        """Write a file to an object."""
        with path.open("rb") as file:
            self._send(file, s3_uri)

    def write(self, text: str, s3_uri: str) -> None:
        """Write a text to an object, in UTF-8."""
        self._send(BytesIO(text.encode()), s3_uri)

    def _send(self, content: BinaryIO, s3_uri: str) -> None:
        bucket, key = s3_layout.split(s3_uri)
        types = {".json": "application/json", ".html": "text/html; charset=utf-8"}
        content_type = types.get(PurePosixPath(key).suffix, "application/octet-stream")
        # upload_file would hide the service's error code in an exception of its own.
        with aws_errors(f"uploading {s3_uri}"):
            self.s3.upload_fileobj(content, bucket, key, ExtraArgs={"ContentType": content_type})
