"""The files of a dataset, and their bytes in blocks."""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from modelwatch_analyzer.reading.dataset import ReadLog
from modelwatch_core.domain.errors import InvalidInput

BLOCK_BYTES = 8 << 20
"""How much is read at once. Parsing is quickest where a block and its columns fit the processor's caches."""

_LINE_BYTES = 1 << 16
_HEAD_BYTES = 4096
_GZIP = b"\x1f\x8b"
_PIECE_BYTES = 1 << 20

DECOMPRESSED_LIMIT = 8 << 30
"""More than so many bytes out of one compressed object are refused; it bounds the time that it can cost."""

BOMB_BYTES, BOMB_RATIO = 256 << 20, 200
"""So much out of an object that is so many times smaller is a gzip bomb: text that people write compresses tenfold."""

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

    def blocks(self, log: ReadLog, start: int = 0) -> Iterator[bytes]:
        """Yield the file's text block by block from an offset behind the byte order mark, if there is one.

        Blocks end with a line where lines are not too long, so that they seldom have to be put together. What gzip
        compressed, told by its first bytes and not by its name, is decompressed.

        Parameters
        ----------
        log : ReadLog
            Takes note, as of one malformed record, of compressed data that breaks off, is damaged, or goes on as
            something else; what was decompressed before is delivered.
        start : int
            Offset in the text.

        Raises
        ------
        InvalidInput
            ``NotUtf8`` for UTF-16, ``DecompressedTooLarge`` for more than `DECOMPRESSED_LIMIT` bytes,
            ``UnreadableFile`` where the system refuses.
        """
        try:
            with self.path.open("rb") as stream:
                head = stream.read(_HEAD_BYTES)
                stream.seek(0)
                if head.startswith(_GZIP):
                    yield from self._decompressed_blocks(stream, log, start)
                else:
                    yield from self._stored_blocks(stream, start + self._mark(head))
        except OSError as error:
            raise InvalidInput("UnreadableFile", f"{self.label} cannot be read: {error.strerror}") from None

    def _stored_blocks(self, stream: BinaryIO, start: int) -> Iterator[bytes]:
        while True:
            stream.seek(start + BLOCK_BYTES)
            size = BLOCK_BYTES + len(stream.readline(_LINE_BYTES))
            stream.seek(start)
            block = stream.read(size)
            if not block:
                return
            yield block
            start += len(block)

    def _decompressed_blocks(self, stream: BinaryIO, log: ReadLog, start: int) -> Iterator[bytes]:
        text, begun = bytearray(), False
        for piece in chain(self._decompressed(stream, log), [b""]):
            text += piece
            if not begun:
                if piece and len(text) < start + _HEAD_BYTES:
                    continue
                text, begun = text[start + self._mark(text[:_HEAD_BYTES]) :], True
            if text and (not piece or len(text) >= BLOCK_BYTES):
                end = (text.rfind(b"\n", -_LINE_BYTES) + 1 if piece else 0) or len(text)
                yield bytes(text[:end])
                text = text[end:]

    def _decompressed(self, stream: BinaryIO, log: ReadLog) -> Iterator[bytes]:
        size, limit = 0, min(DECOMPRESSED_LIMIT, max(BOMB_BYTES, BOMB_RATIO * self.size))
        with gzip.GzipFile(fileobj=stream) as members:
            try:
                while piece := members.read1(_PIECE_BYTES):
                    size += len(piece)
                    if size > limit:
                        message = f"{self.label} holds more than {limit:,} bytes when it is decompressed, and is "
                        message += f"{self.size:,} bytes as stored: split it into smaller objects"
                        raise InvalidInput("DecompressedTooLarge", message)
                    yield piece
            except EOFError:
                log.leave_out(self.label, None, "the compressed data breaks off")
            except (gzip.BadGzipFile, zlib.error):
                log.leave_out(self.label, None, "the compressed data is damaged, or something else follows it")

    def _mark(self, head: bytes | bytearray) -> int:
        """Return the length of the byte order mark, and refuse other encodings than UTF-8."""
        zeros = max(head[::2].count(0), head[1::2].count(0))
        if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or zeros > len(head) // 3:
            raise InvalidInput("NotUtf8", f"{self.label} is UTF-16, it seems: save it as UTF-8")
        return len(codecs.BOM_UTF8) * head.startswith(codecs.BOM_UTF8)


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
