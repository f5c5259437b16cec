"""Blocks of captured records to columns: all payloads at once where they are alike, else record by record."""

from __future__ import annotations

import codecs
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from operator import attrgetter

import numpy as np
import polars as pl

from modelwatch_analyzer.reading.capture_options import ColumnGroup
from modelwatch_analyzer.reading.capture_records import RecordBlock
from modelwatch_analyzer.reading.capture_rows import Keys, RecordReader, has_unread_fields, mismatch, sides_of
from modelwatch_analyzer.reading.captured_record import PAYLOAD_OF, CapturedRecord
from modelwatch_analyzer.reading.csv_text import parse_block, plain_block
from modelwatch_analyzer.reading.dataset import REQUEST_COLUMN, SLOT_COLUMN, Plan
from modelwatch_analyzer.reading.files import count_line_ends
from modelwatch_analyzer.reading.flat_responses import cut_line
from modelwatch_analyzer.reading.flattening import Unflattenable
from modelwatch_analyzer.reading.payloads import (
    ENCODINGS,
    Header,
    Payload,
    columns_below,
    decode_base64,
    document_lines,
    may_hold_documents,
)
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_analyzer.reading.uniform_documents import ParsedRows, RowsSent, parse_uniform_documents
from modelwatch_analyzer.reading.uniform_records import AlikePayloads
from modelwatch_core.domain.dataset_formats import REQUEST, TRANSFORM_OUTPUT, CaptureSide

_FLAT = (
    "some responses have the values of several rows on one line or in one list: they were split by the number of rows "
    "in their request"
)
_ENCODING = attrgetter("encoding")


@dataclass(frozen=True, slots=True)
class BlockParser:
    """Parses blocks of records into columns.

    Attributes
    ----------
    reader : RecordReader
        Reads single records, and knows what is read of each.
    keys : tuple of tuple of int or str
        The names, or positions, that the columns of each group have in the payloads; see `CaptureFiles`.
    names : tuple of tuple of str
        The names of these columns.
    """

    reader: RecordReader
    keys: tuple[Keys, ...]
    names: tuple[tuple[str, ...], ...]

    @property
    def groups(self) -> tuple[ColumnGroup, ...]:
        """The groups of columns that are read of each record."""
        return self.reader.groups

    def frames(self, blocks: Iterable[RecordBlock], plan: Plan, log: ReadLog) -> Iterator[pl.DataFrame]:
        """Yield the columns that the plan wants of each block that has rows; log what is read and what is left out."""
        for block in blocks:
            frame = self._parse(block, plan, log)
            log.read += frame.height
            if frame.height:
                yield frame

    def _parse(self, block: RecordBlock, plan: Plan, log: ReadLog) -> pl.DataFrame:
        """Return the columns that the plan wants; log records that are left out."""
        sides = {side: block.payloads(side) for side in sides_of(self.groups)}
        for payloads in sides.values():
            counts = _encodings(payloads)
            for encoding in ENCODINGS:
                log.encodings[encoding] += counts[encoding]
        frame = self._parse_together(sides, block, plan, log)
        if frame is None:
            return self._parse_one_by_one(block, plan, log)
        log.captured += len(block.numbers)
        return frame

    def _parse_together(
        self, sides: dict[CaptureSide, Sequence[Payload | None]], block: RecordBlock, plan: Plan, log: ReadLog
    ) -> pl.DataFrame | None:
        """Parse all payloads of each side together; None if their rows may not belong together."""
        parts = list[ParsedRows]()
        sent: list[int] | None = None
        for side in sorted(sides, key=REQUEST.__ne__):  # the rows of a request say how its response is cut
            members = [index for index, group in enumerate(self.groups) if group.side == side]
            if not _encodings(sides[side]) and not any(self.keys[index] for index in members):
                continue
            found = _texts_of_one_kind(sides[side])
            if found is None or not all(self.keys[index] for index in members):
                return None
            in_columns = side in self.reader.layout.in_columns
            part = None if in_columns else self._parse_texts(side, found, members, plan)
            if side == REQUEST:
                sent = part and part.heights
            elif part is None or not self._are_rows_sent(part.heights, sent, block):
                sent = sent or self._rows_sent(block.records)
                part = self._parse_texts(side, found, members, plan, RowsSent(sent, in_columns)) if sent else None
                if part is not None and part.heights != sent:
                    return None
            if part is None or part.heights != (parts or [part])[0].heights:
                return None
            parts.append(part)
        if not parts:
            return None
        if any(part.were_cut for part in parts) and _FLAT not in log.remarks:
            log.remarks.append(_FLAT)
        return self._frame([column for part in parts for column in part.columns], block, parts[0].heights, plan)

    def _are_rows_sent(self, heights: list[int], sent: list[int] | None, block: RecordBlock) -> bool:
        """Return whether no response of so many rows can be a flat one, whose values belong to several rows."""
        if sent or REQUEST in sides_of(self.groups):
            return heights == (sent or heights)
        widths = zip(self.groups, self.keys, strict=True)
        flat = any(len(keys) > 1 or (group.attribute and group.attribute.places) for group, keys in widths)
        projected = any(group.attribute and group.attribute.many for group in self.groups)
        if not (flat or projected):
            return True
        requests = block.payloads(REQUEST)
        if min(heights) == max(heights) == 1 and self._rows_are_lines and _are_one_line_each(requests):
            return True
        return all(
            request is None or self._rows_of(request, record) in (None, height)
            for request, record, height in zip(requests, block.records, heights, strict=True)
        )

    def _rows_sent(self, records: Sequence[CapturedRecord]) -> list[int] | None:
        """Return the number of rows of each request; None unless all are known."""
        requests = map(PAYLOAD_OF[REQUEST], records)
        rows = (self._rows_of(request, record) for request, record in zip(requests, records, strict=True) if request)
        known = list(filter(None, rows))
        return known if len(known) == len(records) else None

    @property
    def _rows_are_lines(self) -> bool:
        """Whether each line of a request of plain text is a row, unless it lacks the place of a feature."""
        features, layout = self.reader.features, self.reader.layout
        has_lines = REQUEST not in layout.headers and REQUEST not in layout.in_columns
        return has_lines and (features is None or bool(features.places))

    def _rows_of(self, request: Payload, record: CapturedRecord) -> int | None:
        data = request.data
        plain = not may_hold_documents(data) and not any(mark in data for mark in '"\ufeff')
        if request.encoding == "CSV" and plain and self._rows_are_lines and self.reader.features is None:
            text = data.strip("\r\n")
            if "\n\n" not in text and "\r" not in text:
                return text.count("\n") + 1 if text else None
        return self.reader.layout.request_rows(record, self.reader.features)

    def _parse_texts(
        self, side: CaptureSide, found: _Texts, members: list[int], plan: Plan, sent: RowsSent | None = None
    ) -> ParsedRows | None:
        if found.are_json:
            return self._parse_json(found.listed, members, plan, sent)
        header = self.reader.layout.headers.get(side)
        brackets = ("[", "{")
        if header is None and found.texts[0].startswith(brackets) and all(t.startswith(brackets) for t in found.listed):
            return self._parse_documents(found.listed, members, plan, sent)
        if header is None and sent:
            lines = list(map(cut_line, found.listed, sent.rows))
            part = self._parse_csv(_Texts(lines), members, plan, None)
            return part and part._replace(were_cut=lines != found.listed)
        return self._parse_csv(found, members, plan, header)

    def _parse_json(self, texts: list[str], members: list[int], plan: Plan, sent: RowsSent | None) -> ParsedRows | None:
        found = self._parse_documents(texts, members, plan, sent)
        if found is not None or sent:
            return found
        lines = list(map(document_lines, texts))
        counts = list(map(len, lines))
        if max(counts) == 1:
            return None
        found = self._parse_documents([*chain.from_iterable(lines)], members, plan, None)
        if found is None:
            return None
        heights = np.add.reduceat(found.heights, np.append(0, np.cumsum(counts)[:-1])).tolist()
        return ParsedRows(found.columns, heights)

    def _parse_documents(
        self, texts: list[str], members: list[int], plan: Plan, sent: RowsSent | None
    ) -> ParsedRows | None:
        names = (dict(zip(self.keys[index], self.names[index], strict=True)) for index in members)
        attributes = (self.groups[index].attribute for index in members)
        return parse_uniform_documents(texts, list(zip(attributes, names, strict=True)), plan, sent)

    def _parse_csv(self, found: _Texts, members: list[int], plan: Plan, header: Header | None) -> ParsedRows | None:
        if header:
            line = ",".join(header.usual)
            if not all(text.startswith(f"{line}\n") for text in found.listed):
                return None
            found = _Texts([text[len(line) + 1 :] for text in found.listed])
        fields = self._csv_fields(found.texts[0], members, header)
        joined, number = found.joined, len(found.texts)
        if fields is None or may_hold_documents(joined):
            return None
        heights = [1] * number
        if count_line_ends(joined) >= number:
            texts = [text.rstrip("\r\n") for text in found.listed]
            joined = _Texts(texts).joined
            if count_line_ends(joined) >= number:
                heights = [text.count("\n") + 1 for text in texts]
        if b"\r" in joined or (not joined.isascii() and codecs.BOM_UTF8 in joined):
            return None
        are_selected = any(self.groups[index].attribute for index in members)
        if b'"' in joined and (are_selected or max(heights) > 1):
            return None  # quotes may protect commas that were counted, or line ends
        block = plain_block(joined, last=True)
        if block is None or block.rows != sum(heights):
            return None
        frame = parse_block(block, fields, plan)
        read = set(chain.from_iterable(self.names[index] for index in members))
        return None if frame is None else ParsedRows([column for column in frame if column.name in read], heights)

    def _csv_fields(self, first_text: str, members: list[int], header: Header | None) -> tuple[str, ...] | None:
        """Return a name for each field of a row of text; None if the fields have no positions that are all distinct."""
        attributes = [self.groups[index].attribute for index in members]
        if attributes == [None]:
            (member,) = members
            if header:
                return self.names[member] if self.keys[member] == columns_below(header.usual) else None
            return None if isinstance(self.keys[member][0], str) else self.names[member]
        if header:
            return None
        first_row, *_ = first_text.split("\n", 1)
        fields = [f"\0{index}" for index in range(first_row.count(",") + 1)]  # those that no attribute selects
        for member, attribute in zip(members, attributes, strict=True):
            places = attribute.places if attribute and attribute.by_position else ()
            if not places or len(places) != len(self.names[member]):
                return None
            for place, name in zip(places, self.names[member], strict=True):
                if not isinstance(place, int) or place >= len(fields) or not fields[place].startswith("\0"):
                    return None
                fields[place] = name
        return tuple(fields)

    def _parse_one_by_one(self, block: RecordBlock, plan: Plan, log: ReadLog) -> pl.DataFrame:
        rows: list[list[str | None]] = []
        heights: list[int] = []
        expected = [dict.fromkeys(keys) for keys in self.keys]
        for number, record in zip(block.numbers, block.records, strict=True):
            try:
                found, were_cut = self.reader.rows(record)
            except Unflattenable as error:
                log.leave_out(block.file.label, number, str(error))
                heights.append(0)
                continue
            reasons: list[str] = []
            rows_before, unread = len(rows), False
            for row in found:
                wrong = [reason for reason in map(mismatch, self.groups, expected, row) if reason]
                if wrong:
                    reasons = reasons or wrong
                else:
                    unread = unread or any(map(has_unread_fields, expected, row))
                    rows.append([part.get(key) for keys, part in zip(self.keys, row, strict=True) for key in keys])
            if reasons:
                log.leave_out(block.file.label, number, ", ".join(reasons))
            if were_cut and len(rows) > rows_before and _FLAT not in log.remarks:
                log.remarks.append(_FLAT)
            log.with_unread_fields += unread
            log.captured += len(rows) > rows_before
            heights.append(len(rows) - rows_before)
        values = zip(*rows, strict=True) if rows else iter(())
        columns = zip(chain.from_iterable(self.names), values, strict=False)
        wanted = [pl.Series(name, column, pl.String()) for name, column in columns if name in plan.dtypes]
        return self._frame(wanted, block, heights, plan)

    def _frame(self, columns: list[pl.Series], block: RecordBlock, heights: list[int], plan: Plan) -> pl.DataFrame:
        """Return the columns; see also `Arrivals`: a record of a transform job is no request."""
        frame = pl.DataFrame(columns) if columns else pl.DataFrame(height=sum(heights))
        if plan.arrivals.slot_minutes and SLOT_COLUMN not in frame.columns:
            slots = pl.Series(SLOT_COLUMN, block.slots(plan.arrivals.slot_minutes), pl.UInt32())
            rows = np.repeat(np.arange(len(heights)), heights)
            frame = frame.with_columns(slots.gather(rows))
        sides = {group.side for group, keys in zip(self.groups, self.keys, strict=True) if keys}
        is_unknown = TRANSFORM_OUTPUT in sides or REQUEST_COLUMN in frame.columns
        if not plan.arrivals.requests or is_unknown or max(heights, default=1) <= 1:
            return frame
        file = zlib.crc32(block.file.label.encode()) << 32
        numbers = np.repeat(np.asarray(block.numbers, np.uint64) + np.uint64(file), heights)
        return frame.with_columns(pl.Series(REQUEST_COLUMN, numbers))


@dataclass(frozen=True)
class _Texts:
    """The texts of some payloads, as a list or as a column of polars."""

    texts: list[str] | pl.Series
    are_json: bool = False

    @cached_property
    def listed(self) -> list[str]:
        """The texts as a list."""
        return self.texts if isinstance(self.texts, list) else self.texts.to_list()

    @cached_property
    def joined(self) -> bytes:
        """The texts as lines of one text in UTF-8."""
        if isinstance(self.texts, list):
            return "\n".join(self.texts).encode(errors="surrogatepass")
        joined: bytes = self.texts.str.join("\n").cast(pl.Binary).item()
        return joined


def _encodings(payloads: Sequence[Payload | None]) -> Counter[str]:
    if isinstance(payloads, AlikePayloads):
        return Counter({payloads.usual.encoding: len(payloads)})
    return Counter(map(_ENCODING, filter(None, payloads)))


def _texts_of_one_kind(payloads: Sequence[Payload | None]) -> _Texts | None:
    """Return the texts of payloads, decoded, if all are comma-separated or all are JSON.

    None where there is no payload, one is missing, has an encoding of its own, or cannot be decoded.
    """
    encodings = _encodings(payloads)
    if encodings.total() < len(payloads) or len(encodings) != 1:
        return None
    (encoding,) = encodings
    if encoding in ("CSV", "JSON"):
        if isinstance(payloads, AlikePayloads):
            return _Texts(payloads.texts, encoding == "JSON")
        return _Texts([payload.data for payload in payloads if payload], encoding == "JSON")
    with suppress(Unflattenable):
        if encoding == "BASE64":
            texts, are_json = zip(*map(decode_base64, filter(None, payloads)), strict=True)
            return _Texts(list(texts), are_json[0]) if len(set(are_json)) == 1 else None
    return None


def _are_one_line_each(payloads: Sequence[Payload | None]) -> bool:
    """Return whether each payload is certainly one row of CSV; all are looked at together, which is quick."""
    found = _texts_of_one_kind(payloads)
    if found is None or found.are_json:
        return False
    text = found.joined
    certain = b"\n\n" not in b"\n%b\n" % text and b'"' not in text and b"\r" not in text
    return certain and not may_hold_documents(text) and count_line_ends(text) == len(payloads) - 1
