"""The files of a dataset, and their bytes in blocks."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from modelwatch_core.domain.errors import InvalidInput

BLOCK_BYTES = 8 << 20
"""How much is read at once. Parsing is quickest where a block and its columns fit the processor's caches."""

_LINE_BYTES = 1 << 16

LONGEST_RECORD = 32 << 20
"""A record that does not end within so many bytes is malformed; it bounds the memory that a stray quote can cost."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a dataset; `label` is how messages name it: its path below the dataset's folder."""

    path: Path
    label: str

    @property
    def size(self) -> int:
        """Bytes as stored."""
        return self.path.stat().st_size

    def blocks(self, start: int = 0) -> Iterator[bytes]:
        """Yield the file's bytes block by block from an offset behind the byte order mark, if there is one.

        Blocks end with a line where lines are not too long, so that they seldom have to be put together.

        Raises
        ------
        InvalidInput
            ``NotUtf8`` for UTF-16, ``CompressedFile`` for gzip, ``UnreadableFile`` where the system refuses.
        """
        try:
            with self.path.open("rb") as stream:
                head = stream.read(4096)
                self._refuse_other_encodings(head)
                start += len(codecs.BOM_UTF8) * head.startswith(codecs.BOM_UTF8)
                while True:
                    stream.seek(start + BLOCK_BYTES)
                    size = BLOCK_BYTES + len(stream.readline(_LINE_BYTES))
                    stream.seek(start)
                    block = stream.read(size)
                    if not block:
                        return
                    yield block
                    start += len(block)
        except OSError as error:
            raise InvalidInput("UnreadableFile", f"{self.label} cannot be read: {error.strerror}") from None

    def _refuse_other_encodings(self, head: bytes) -> None:
        zeros = max(head[::2].count(0), head[1::2].count(0))
        if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or zeros > len(head) // 3:
            raise InvalidInput("NotUtf8", f"{self.label} is UTF-16, it seems: save it as UTF-8")
        if head.startswith(b"\x1f\x8b"):
            raise InvalidInput("CompressedFile", f"{self.label} is compressed: unpack it first")


def source_files(source: Path) -> tuple[SourceFile, ...]:
    """List the files of a dataset in the order in which they are read, by path.

    Names that start with ``.`` or ``_`` are passed over, as Spark and Hadoop do (``_SUCCESS``, ``.part.crc``).

    Raises
    ------
    InvalidInput
        ``DatasetNotFound``, or ``NoData`` for a folder without files.
    """
    if source.is_file():
        return (SourceFile(source, source.name),)
    if not source.is_dir():
        raise InvalidInput("DatasetNotFound", f"there is no file or folder {source}")
    below = [(path, path.relative_to(source)) for path in source.rglob("*")]
    files = [
        SourceFile(path, relative.as_posix())
        for path, relative in below
        if path.is_file() and not any(part.startswith((".", "_")) for part in relative.parts)
    ]
    if not files:
        raise InvalidInput("NoData", f"the folder {source} holds no files: nothing was captured or stored there")
    return tuple(sorted(files, key=lambda file: file.label))
