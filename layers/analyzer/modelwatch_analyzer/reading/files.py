"""The files of a dataset, and their bytes in blocks, or in blocks of complete lines."""

from __future__ import annotations

import codecs
import gzip
import os
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import BinaryIO, TypeVar

import numpy as np
from numpy.typing import NDArray

from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_core.domain.dataset_formats import named_format
from modelwatch_core.domain.errors import InvalidInput

BLOCK_BYTES = 8 << 20
"""How many bytes are read at once. Parsing is fastest if a block and its columns fit into the processor's caches."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LINE_BYTES = 1 << 16
_HEAD_BYTES = 4096
_COMPRESSED_HEAD_BYTES = 1 << 16
_GZIP, _GZIP_ONLY = b"\x1f\x8b", 16
_UNPACK = "extract the files in it"
_AS_PARQUET = f"save it as Parquet, and {named_format('parquet')}"
_GZIP_INSTEAD = "decompress it, or compress it by gzip instead"
_OTHER_PACKINGS = (
    (257, b"ustar", f"a tar archive: {_UNPACK}"),  # in the header of its first file (POSIX.1-1988)
    (0, b"PK\3\4", f"a zip archive, or a workbook: {_UNPACK}, or save a workbook as CSV"),
    (4, b"1AY&SY", f"compressed by bzip2: {_GZIP_INSTEAD}"),  # of the first block
    (0, b"\xfd7zXZ\0", f"compressed by xz: {_GZIP_INSTEAD}"),
    (0, b"\x28\xb5\x2f\xfd", f"compressed by Zstandard: {_GZIP_INSTEAD}"),
)
"""What is packed otherwise than by gzip: the bytes at an offset that show it, what it is, and what helps."""
_OTHER_FORMATS = (
    (b"PAR1", "Parquet", named_format("parquet")),
    (b"Obj\1", "Avro", _AS_PARQUET),
    (b"ORC", "ORC", _AS_PARQUET),
    (b"ARROW1", "Arrow, as Feather is", _AS_PARQUET),
    (b"\x93NUMPY", "an array of NumPy", _AS_PARQUET),
    (b"\x80\4", "a pickle", _AS_PARQUET),
    (b"\x80\5", "a pickle", _AS_PARQUET),
    (b"\xd0\xcf\x11\xe0", "a workbook", f"save it as CSV, and {named_format('csv')}"),
)
"""What is no text: its first bytes, what it is, and what helps."""
_NO_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_SKIPPED = (".", "_")
"""How names begin that are no data."""
_PIECE_BYTES = 1 << 20
_CACHED_BYTES = 1 << 16  # of which what NumPy finds stays in the processor's cache
_LINE_END, _RETURN, _FIRST_PRINTABLE = b"\n\r "

_File = TypeVar("_File")

DECOMPRESSED_LIMIT = 8 << 30
"""The size to which one compressed object may decompress; it bounds the time that the object can take."""

BOMB_BYTES, BOMB_RATIO = 256 << 20, 200
"""An object is refused if it decompresses to more bytes than the first, and to more than the second times its size."""

PART_BYTES = 256 << 20
"""A part of a dataset ends with the file that brings it to this many bytes, as stored; a smaller dataset is one
part."""

PIECE_BYTES, MOST_PIECES = 32 << 20, 8
"""A part is read in up to `MOST_PIECES` pieces of at least `PIECE_BYTES`; a large part in more, so that a piece has at
most about eight times as many bytes."""

PIECE_ROWS, _VALUE_BYTES = 10_000, 16
"""The fewest rows in a piece of a wide table, because merging costs time per column; and about how many bytes a value
has as text."""

LONGEST_RECORD = 32 << 20
"""A longer record is malformed; this bounds the memory that a stray quote can take."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a dataset.

    Attributes
    ----------
    label : str
        Its name in messages, the path relative to the dataset's folder.
    arrived : datetime, optional
        When it became known, if not when it was modified: what a manifest names is known from the manifest on.
    """

    path: Path
    label: str
    arrived: datetime | None = None

    @property
    def size(self) -> int:
        """The number of bytes as stored."""
        return self.path.stat().st_size

    @property
    def modified(self) -> datetime:
        """When the file was last modified, or became known; of a downloaded object, when that was."""
        return self.arrived or _EPOCH + timedelta(microseconds=self.path.stat().st_mtime_ns // 1000)

    @property
    def is_compressed(self) -> bool:
        """Whether it is gzip, by its first bytes.

        Raises
        ------
        InvalidInput
            ``UnreadableFile``.
        """
        with self._opened() as stream:
            return stream.read(len(_GZIP)) == _GZIP

    @property
    def text_size(self) -> float:
        """The number of bytes of its text; if that is compressed, about as many, by how its beginning is.

        Raises
        ------
        InvalidInput
            ``UnreadableFile``.
        """
        if not self.is_compressed:
            return self.size
        with self._opened() as stream:
            head = stream.read(_COMPRESSED_HEAD_BYTES)
        left, text = head, 0
        with suppress(zlib.error):  # of what is behind the last member
            while left:
                member = zlib.decompressobj(wbits=zlib.MAX_WBITS | _GZIP_ONLY)
                text += len(member.decompress(left))
                left = member.unused_data
        read = len(head) - len(left)
        return self.size * text / read if read else self.size

    def blocks(self, log: ReadLog, start: int = 0, stop: int | None = None, *, times: float = 1) -> Iterator[bytes]:
        """Yield the file's text block by block, from an offset after the byte order mark if there is one.

        Blocks end with a line unless lines are very long, so that they rarely have to be joined. Gzip is recognised by
        its first bytes, not by the name of the file, and decompressed.

        Parameters
        ----------
        log : ReadLog
            Counts as one malformed record that compressed data is truncated, damaged, or followed by something else;
            what was decompressed before is yielded.
        start, stop : int
            Offsets in the text; compressed text is read to its end.
        times : float
            How many times `BLOCK_BYTES` a block has.

        Raises
        ------
        InvalidInput
            ``OtherFormat`` for formats that are no text, ``NotUtf8`` for UTF-16, ``DecompressedTooLarge`` for more than
            `DECOMPRESSED_LIMIT` bytes, ``UnreadableFile`` for other packings than gzip, or if the system cannot read
            it.
        """
        size = max(1, int(times * BLOCK_BYTES))
        with self._opened() as stream:
            head = stream.read(_HEAD_BYTES)
            stream.seek(0)
            if head.startswith(_GZIP):
                yield from self._decompressed_blocks(stream, log, start, size)
            else:
                mark = self._mark_length(head)
                yield from self._stored_blocks(stream, start + mark, None if stop is None else stop + mark, size)

    @contextmanager
    def _opened(self) -> Iterator[BinaryIO]:
        try:
            with self.path.open("rb") as stream:
                yield stream
        except OSError as error:
            raise InvalidInput("UnreadableFile", f"{self.label} cannot be read: {error.strerror}") from None

    def _stored_blocks(self, stream: BinaryIO, start: int, stop: int | None, least: int) -> Iterator[bytes]:
        while True:
            stream.seek(start + least)
            size = least + len(stream.readline(_LINE_BYTES))
            stream.seek(start)
            block = stream.read(size if stop is None else min(size, stop - start))
            if not block:
                return
            yield block
            start += len(block)

    def _decompressed_blocks(self, stream: BinaryIO, log: ReadLog, start: int, least: int) -> Iterator[bytes]:
        text, started = bytearray(), False
        for piece in chain(self._decompressed(stream, log), [b""]):
            text += piece
            if not started:
                if piece and len(text) < start + _HEAD_BYTES:
                    continue
                text, started = text[start + self._mark_length(text[:_HEAD_BYTES]) :], True
            if text and (not piece or len(text) >= least):
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
                        message = f"{self.label} holds more than {limit:,} bytes when decompressed, and is "
                        message += f"{self.size:,} bytes as stored: split it into smaller objects"
                        raise InvalidInput("DecompressedTooLarge", message)
                    yield piece
            except EOFError:
                log.leave_out(self.label, None, "the compressed data is truncated")
            except (gzip.BadGzipFile, zlib.error):
                log.leave_out(self.label, None, "the compressed data is damaged, or followed by something else")

    def _mark_length(self, head: bytes | bytearray) -> int:
        """Return the length of the byte order mark; raise an error for other packings, formats and encodings."""
        for offset, shown, packing in _OTHER_PACKINGS:
            if head.startswith(shown, offset):
                raise InvalidInput("UnreadableFile", f"{self.label} is {packing}")
        if _NO_TEXT.search(head):
            for shown, form, remedy in _OTHER_FORMATS:
                if head.startswith(shown):
                    packed = ", compressed by gzip as a whole: decompress it, and" if self.is_compressed else ":"
                    raise InvalidInput("OtherFormat", f"{self.label} is {form}{packed} {remedy}")
        zeros = max(head[::2].count(0), head[1::2].count(0))
        if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or zeros > len(head) // 3:
            raise InvalidInput("NotUtf8", f"{self.label} seems to be UTF-16: save it as UTF-8")
        return len(codecs.BOM_UTF8) * head.startswith(codecs.BOM_UTF8)


def line_blocks(file: SourceFile, log: ReadLog, blocks: Iterable[bytes] | None = None) -> Iterator[tuple[int, bytes]]:
    """Yield blocks of complete lines, each with the number of its first line; the last line may have no line end.

    A line that is longer than `LONGEST_RECORD` is left out and logged.

    Parameters
    ----------
    blocks : iterable of bytes, optional
        The text of the file, if not as it is stored.
    """
    rest, line, in_long_line = b"", 1, False
    for block in chain(file.blocks(log) if blocks is None else blocks, [b""]):
        if in_long_line:
            end = block.find(b"\n") + 1
            if block and not end:
                continue
            line, in_long_line, rest = line + 1, False, block[end:]
        else:
            rest += block
        end = rest.rfind(b"\n") + 1 if block else len(rest)
        if end:
            text, rest = rest[:end], rest[end:]
            yield line, text
            line += count_line_ends(text)
        if len(rest) > LONGEST_RECORD:
            log.leave_out(file.label, line, f"longer than {LONGEST_RECORD >> 20} MiB")
            rest, in_long_line = b"", True


def source_files(source: Path) -> tuple[SourceFile, ...]:
    """Return the files of a dataset in the order in which they are read, by path.

    Names that begin with `_SKIPPED` are left out, as Spark and Hadoop do (``_SUCCESS``, ``.part.crc``).

    Raises
    ------
    InvalidInput
        ``DatasetNotFound``, ``NoData`` for a folder without files, or ``UnreadableFile`` for one that cannot be listed.
    """
    if source.is_file():
        return (SourceFile(source, source.name),)
    if not source.is_dir():
        raise InvalidInput("DatasetNotFound", f"there is no file or folder {source}")
    files = [
        SourceFile(path, path.relative_to(source).as_posix())
        for folder, names in _folders(source)
        for path in map(folder.joinpath, names)
        if not path.name.startswith(_SKIPPED) and path.is_file()
    ]
    if not files:
        raise InvalidInput("NoData", f"the folder {source} holds no files: nothing was captured or stored there")
    return tuple(sorted(files, key=lambda file: file.label))


def _folders(source: Path) -> Iterator[tuple[Path, list[str]]]:
    """Yield each folder of a dataset with the names in it; one that links lead to several times only once."""

    def refuse(error: OSError) -> None:
        raise InvalidInput("UnreadableFile", f"{error.filename} cannot be read: {error.strerror}") from None

    seen = set[Path]()
    for folder, folders, names in os.walk(source, onerror=refuse, followlinks=True):
        place = Path(folder).resolve()
        folders[:] = sorted(name for name in folders if not name.startswith(_SKIPPED) and place not in seen)
        if place not in seen:
            seen.add(place)
            yield Path(folder), names


def in_parts(files: Iterable[_File], source: Callable[[_File], SourceFile]) -> Iterator[tuple[_File, ...]]:
    """Yield the files of each part of a dataset, in their order; see `modelwatch_analyzer.parts`."""
    group, size = list[_File](), 0
    for file in files:
        group.append(file)
        size += source(file).size
        if size >= PART_BYTES:
            yield tuple(group)
            group, size = [], 0
    if group:
        yield tuple(group)


def cuts_of(size: int, least: int) -> list[int]:
    """Return where a part of some size is cut into pieces that have a least size: depending on nothing else."""
    count = max(min(size // least, MOST_PIECES), size // (MOST_PIECES * least))
    return [size * number // count for number in range(1, count)]


def least_bytes(least: int, columns: int) -> int:
    """Return the least size of a piece of text: so many bytes, or what `PIECE_ROWS` of so many columns have."""
    return max(least, PIECE_ROWS * _VALUE_BYTES * columns)


def in_pieces(files: Iterable[SourceFile], least: int) -> Iterator[tuple[SourceFile, ...]]:
    """Yield the files of each piece of a part that is cut between files only."""
    sizes = [(file, file.size) for file in files]
    cuts = cuts_of(sum(size for _, size in sizes), least)
    group, end = list[SourceFile](), 0
    for file, size in sizes:
        group.append(file)
        start, end = end, end + size
        if any(start < cut <= end for cut in cuts):
            yield tuple(group)
            group = []
    if group:
        yield tuple(group)


def count_line_ends(text: bytes) -> int:
    """Return how many line feeds a text has, several times as fast as ``bytes.count``."""
    return _count(text, lambda characters: characters == _LINE_END)


def count_controls(text: bytes) -> int:
    """Return how many control characters a text has, line feeds among them."""
    return _count(text, lambda characters: characters < _FIRST_PRINTABLE)


def first_characters(text: bytes) -> set[int]:
    """Return the first character of each line, whose ends are line feeds or carriage returns."""
    characters, ends = np.frombuffer(text, np.uint8), [np.array([-1])]
    returns = b"\r" in text
    for start in range(0, characters.size, _CACHED_BYTES):
        part = characters[start : start + _CACHED_BYTES]
        found = (part == _LINE_END) | (part == _RETURN) if returns else part == _LINE_END
        ends.append(np.flatnonzero(found) + start)
    firsts = np.concatenate(ends) + 1
    return set(np.flatnonzero(np.bincount(characters[firsts[firsts < characters.size]])).tolist())


def _count(text: bytes, found: Callable[[NDArray[np.uint8]], NDArray[np.bool_]]) -> int:
    characters = np.frombuffer(text, np.uint8)
    parts = (characters[start : start + _CACHED_BYTES] for start in range(0, characters.size, _CACHED_BYTES))
    return sum(int(np.count_nonzero(found(part))) for part in parts)
