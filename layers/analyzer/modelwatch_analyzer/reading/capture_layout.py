"""How captured payloads hold their rows, as the first records show: headers, and columns in lists.

Only what is certain is taken, and everything that is taken is reported:

- A header is a first line of text that at least half of the payloads of several lines begin with, above numbers; or, if
  all columns are text, that all of at least three payloads begin with, above rows that differ. The numbers of rows of
  requests and responses must not speak against it, and if there is only one payload they must speak for it. Where they
  do, any first line that all of at least three payloads have is a header, even one of numbers.
- An object of lists of one length in a request is a row for each element if the responses have as many rows: either the
  lengths vary and the responses' with them, or there are several lists, or both sides are read, and what is read of the
  responses has several rows without being cut.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, islice
from operator import itemgetter
from typing import Any

from modelwatch_analyzer.reading.attributes import Attribute
from modelwatch_analyzer.reading.captured_record import PAYLOAD_OF, CapturedRecord
from modelwatch_analyzer.reading.csv_form import unread_form
from modelwatch_analyzer.reading.csv_text import parse_records
from modelwatch_analyzer.reading.flat_responses import columns_of, columns_of_response, cut, rows_of_columns
from modelwatch_analyzer.reading.flattening import Unflattenable, described_rows, records_of
from modelwatch_analyzer.reading.payloads import (
    Content,
    Header,
    Payload,
    columns_below,
    comma_separated,
    content_of,
    is_number,
)
from modelwatch_analyzer.wording import enumerated
from modelwatch_core.domain.dataset_formats import GROUND_TRUTH, REQUEST, RESPONSE, TRANSFORM_OUTPUT, CaptureSide
from modelwatch_core.domain.errors import InvalidInput

_ROWS_BELOW_HEADER = 20
_FEWEST_PAYLOADS = 3
_READ_AS_ROW = "and was read as a row: if it is a header, give a --record-preprocessor that leaves it out"
_POSSIBLE_HEADER = f"the first line of the only payload looks like a header, {_READ_AS_ROW}"
_SAME_FIRST_LINE = f"the first line is the same in all payloads, {_READ_AS_ROW}"
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}


@dataclass(frozen=True, slots=True)
class Layout:
    """How the payloads of a dataset hold their rows.

    Attributes
    ----------
    headers : mapping of str to Header
        The sides whose comma-separated text begins with a header.
    in_columns : frozenset of str
        The sides whose objects have a list for each column.
    remarks : tuple of str
        What users should know about it.
    """

    headers: Mapping[CaptureSide, Header] = field(default_factory=dict)
    in_columns: frozenset[CaptureSide] = frozenset()
    remarks: tuple[str, ...] = ()

    def content_of(self, side: CaptureSide, payload: Payload) -> Content:
        """Parse a payload; see `modelwatch_analyzer.reading.payloads.content_of`."""
        return content_of(payload, header=self.headers.get(side), response=side in (RESPONSE, TRANSFORM_OUTPUT))

    def request_records(self, content: Content, features: Attribute | None) -> list[Any]:
        """Return the records of a request; there are as many as it has rows."""
        if features is None and REQUEST in self.in_columns:
            return [row for document in content.documents for row in _rows_of_document(document)]
        return content.records(features)

    def request_rows(self, record: CapturedRecord, features: Attribute | None) -> int | None:
        """Return how many rows were sent with a record; None if that is not known."""
        payload = PAYLOAD_OF[REQUEST](record)
        try:
            return self.rows_of(self.content_of(REQUEST, payload), features) if payload else None
        except Unflattenable:
            return None

    def rows_of(self, request: Content, features: Attribute | None) -> int | None:
        """Return how many rows a request has; None if that is not known."""
        try:
            return len(self.request_records(request, features)) or None
        except Unflattenable:
            return None


def layout_of(
    records: Sequence[CapturedRecord],
    features: Attribute | None,
    attributes: Mapping[CaptureSide, Attribute | None],
) -> Layout:
    """Find the layout of the payloads of records.

    Parameters
    ----------
    features : Attribute, optional
        Where the features are in a request; if it is given, requests are not searched for columns in lists.
    attributes : mapping of str to Attribute
        The sides that are read, with the JMESPath that finds their rows if there is one.

    Raises
    ------
    InvalidInput
        ``DuplicateColumn``, of a header.
    """
    heads = {
        side: [_first_rows(text) for text in map(comma_separated, _payloads(records, side)) if text is not None]
        for side in PAYLOAD_OF
    }
    headers, remarks = _headers(heads, _RowCounts(records, features, attributes))
    for side, rows in heads.items():
        remarks += _separator_remarks(side, rows)
    layout = Layout(headers)
    in_columns: set[CaptureSide] = set()
    if features is None and _requests_are_columns(records, layout, attributes):
        in_columns.add(REQUEST)
        remarks.append(
            f"{REQUEST}: each payload is an object of lists of one length, or a list, and the responses have as many "
            "rows: element i of each list was read as row i. If a payload is one row, give --features-attribute '@'"
        )
    layout = Layout(headers, frozenset(in_columns))
    if any(_response_is_columns(record, layout, features) for record in records):
        in_columns.add(RESPONSE)
    return Layout(headers, frozenset(in_columns), tuple(remarks))


def _headers(
    heads: Mapping[CaptureSide, list[list[list[str]]]], counts: _RowCounts
) -> tuple[Mapping[CaptureSide, Header], list[str]]:
    """Return the headers that are certain, by side, and remarks about them and about those that are not.

    Raises
    ------
    InvalidInput
        ``DuplicateColumn``.
    """
    found = {side: header for side, rows in heads.items() if (header := _header_of(rows))}
    same = {side: header for side, rows in heads.items() if side not in found and (header := _same_first_line(rows))}
    if not found and not same:
        return {}, []
    without = counts.agreeing({})

    def gain(some: Mapping[CaptureSide, Header]) -> int:
        """Return in how many more records the sides have as many rows with some headers than without them."""
        return counts.agreeing(some) - without if some else 0

    evidence = gain(found)
    several = all(len(heads[side]) > 1 for side in found)
    headers: Mapping[CaptureSide, Header] = found if evidence > 0 or (evidence == 0 and several) else {}
    often = {side: header for side, header in same.items() if _differ(heads[side])}
    shown, by_rows = max(((gain(some), some) for some in _choices(found, often)), key=itemgetter(0), default=(0, {}))
    if shown > (evidence if headers else 0) and 2 * shown >= len(counts.records):
        headers, often = by_rows, {}
    elif evidence < 0:
        # The rows of both sides agree with both first lines as well as without them.
        names = {side: header for side, header in same.items() if _may_be_header(list(header.usual))}
        if names and gain({**found, **names}) >= 0:
            headers = {**found, **names}
    for side, header in headers.items():
        _require_distinct(side, header)
    remarks = [_header_remark(side, header, heads[side]) for side, header in headers.items()]
    if not headers and evidence == 0:
        remarks += [f"{side}: {_POSSIBLE_HEADER}" for side in found]
    remarks += [f"{side}: {_SAME_FIRST_LINE}" for side in often if side not in headers]
    return headers, remarks


def _choices(
    found: Mapping[CaptureSide, Header], often: Mapping[CaptureSide, Header]
) -> Iterator[Mapping[CaptureSide, Header]]:
    """Yield the first lines of some sides, with the headers that were found otherwise and without them."""
    for number in range(1, len(often) + 1):
        for sides in combinations(often, number):
            some = {side: often[side] for side in sides}
            yield from ({**found, **some}, some)


def _require_distinct(side: CaptureSide, header: Header) -> None:
    times = Counter(columns_below(header.usual))
    repeated = [str(number) for number, name in enumerate(header.usual, start=1) if times[name] > 1]
    if repeated:
        message = f"{side}: payloads begin with a header in which columns {enumerated(repeated)} have the same names"
        raise InvalidInput("DuplicateColumn", f"{message}: rename them, or give a --record-preprocessor")


def _payloads(records: Sequence[CapturedRecord], side: CaptureSide) -> Iterator[Payload]:
    return (payload for payload in map(PAYLOAD_OF[side], records) if payload is not None)


def _first_rows(text: str) -> list[list[str]]:
    parsed = islice(parse_records(text.encode(errors="surrogatepass"), last=True), _ROWS_BELOW_HEADER + 1)
    return [record.fields for record in parsed if record.fields]


def _header_of(payloads: list[list[list[str]]]) -> Header | None:
    several = [rows for rows in payloads if len(rows) > 1]
    heads = Counter(tuple(rows[0]) for rows in several if _may_be_header(rows[0]))
    if not heads:
        return None
    usual, count = heads.most_common(1)[0]
    below = [rows[1:] for rows in several if tuple(rows[0]) == usual]
    columns = [[row[place] for rows in below for row in rows if len(row) == len(usual)] for place in range(len(usual))]
    if any(name in values for name, values in zip(usual, columns, strict=True)):
        return None
    above_numbers = 2 * count >= len(several) and any(
        any(map(is_number, values)) and all(is_number(value) or not value.strip() for value in values)
        for values in columns
    )
    above_text = count == len(payloads) >= _FEWEST_PAYLOADS and len({tuple(rows[0]) for rows in below}) > 1
    if not (above_numbers or above_text):
        return None
    others = (head for head, number in heads.items() if number > 1 and 2 * len(set(head) & set(usual)) >= len(usual))
    return Header(usual, frozenset(usual).union(*others))


def _same_first_line(payloads: list[list[list[str]]]) -> Header | None:
    """Return the first line that all payloads have above other rows."""
    lines = {tuple(rows[0]) for rows in payloads if rows}
    return Header(lines.pop()) if len(lines) == 1 and all(len(rows) > 1 for rows in payloads) else None


def _differ(payloads: list[list[list[str]]]) -> bool:
    return len({str(rows) for rows in payloads}) >= _FEWEST_PAYLOADS


def _may_be_header(fields: list[str]) -> bool:
    """Return whether these may be names of columns; the first one, of an index, may be blank."""
    names = fields if fields[0].strip() else fields[1:]
    return (
        len(set(fields)) == len(fields)
        and any(names)
        and all(name.strip() and not is_number(name) and name.strip().lower() not in _MISSING for name in names)
    )


_MISSING = frozenset({"na", "n/a", "null", "none", "?", "-", "missing", "unknown", "true", "false"})


@dataclass(frozen=True, slots=True)
class _RowCounts:
    """How many rows the sides of records have, as headers are left out or not."""

    records: Sequence[CapturedRecord]
    features: Attribute | None
    attributes: Mapping[CaptureSide, Attribute | None]

    def agreeing(self, headers: Mapping[CaptureSide, Header]) -> int:
        """Return in how many records the sides have as many rows, where headers are left out."""
        layout = Layout(headers)
        return sum(self._agree(layout, record) for record in self.records)

    def _agree(self, layout: Layout, record: CapturedRecord) -> bool:
        rows = layout.request_rows(record, self.features)
        if not rows:
            return False
        heights = [self._height(layout, record, side, rows) for side in (RESPONSE, GROUND_TRUTH)]
        known = [height for height in heights if height is not None]
        return bool(known) and set(known) == {rows}

    def _height(self, layout: Layout, record: CapturedRecord, side: CaptureSide, rows: int) -> int | None:
        """Return the rows of a side; None if there is none, or one whose rows are somewhere in it."""
        content, attribute = _content(record, side, layout), self.attributes.get(side)
        if content is None:
            return None
        try:
            found = content.records(attribute)
        except Unflattenable:
            return None
        if attribute is not None and attribute.many and len(found) > 1:
            return len(found)  # a value for each row, more likely than several values for one
        (first, *others) = found = cut(found, rows) or [None]
        values = first.values() if isinstance(first, dict) else first or ()
        opaque = attribute is None and not others and any(isinstance(value, dict | list) for value in values)
        return None if opaque else len(found)


def _header_remark(side: CaptureSide, header: Header, payloads: list[list[list[str]]]) -> str:
    names = enumerated(columns_below(header.usual))
    remark = f"{side}: payloads begin with a header, and were read by its names: {names}"
    without = sum(not header.begins(rows[0]) for rows in payloads if rows)
    if without:
        remark += f"; {without} of the first {len(payloads)} have none, and were read in the same order"
    return remark


def _separator_remarks(side: CaptureSide, payloads: list[list[list[str]]]) -> Iterator[str]:
    rows = [row for payload in payloads for row in payload]
    if not rows or any(len(row) != 1 for row in rows):
        return
    forms = []
    for separator, name in _SEPARATORS.items():
        counts = {row[0].count(separator) for row in rows}
        if len(counts) == 1 and counts != {0}:
            forms.append(f"the same number of {name}")
    if not forms and (form := unread_form(rows)):
        forms.append(form)
    for form in forms:
        yield (
            f"{side}: each row is one column with {form}, but columns of payloads are read as separated by commas; "
            "give a --record-preprocessor that splits them"
        )


def _content(record: CapturedRecord, side: CaptureSide, layout: Layout) -> Content | None:
    payload = PAYLOAD_OF[side](record)
    try:
        return layout.content_of(side, payload) if payload else None
    except Unflattenable:
        return None


def _requests_are_columns(
    records: Sequence[CapturedRecord], layout: Layout, attributes: Mapping[CaptureSide, Attribute | None]
) -> bool:
    sized: list[tuple[CapturedRecord, int, int]] = []
    for record in records:
        if PAYLOAD_OF[REQUEST](record) is None:
            continue
        found = _columns(_document(record, REQUEST, layout))
        if found is None:
            return False
        sized.append((record, *found))
    varying = len({rows for *_, rows in sized}) > 1
    named = all(columns > 1 for _, columns, _ in sized)
    responses = [(response, rows) for record, _, rows in sized if (response := _content(record, RESPONSE, layout))]
    if not responses:
        return varying and named
    if not (varying or named):
        # One list of always the same length may be one row, unless what is read of the response certainly has several.
        both = {REQUEST, RESPONSE} <= attributes.keys()
        return both and all(_count(response, attributes[RESPONSE]) == rows > 1 for response, rows in responses)
    return all(_agrees(response, rows, loosely=varying) for response, rows in responses)


def _document(record: CapturedRecord, side: CaptureSide, layout: Layout) -> Any:
    """Return the JSON document of a side if it is one; None if there are rows, several documents or none."""
    payload = PAYLOAD_OF[side](record)
    if payload is None:
        return None
    content = _content(record, side, layout)
    if content is None or content.rows_of_text is not None or len(content.documents) != 1:
        return None
    (document,) = content.documents
    try:
        is_one_record = len(records_of(document)) == 1 and described_rows(document) is None
    except Unflattenable:
        return None
    return document if is_one_record else None


def _columns(document: Any) -> tuple[int, int] | None:
    """Return how many columns a request has and their length, if it is nothing but columns."""
    columns = columns_of(document)
    if columns:
        return len(columns), len(next(iter(columns.values())))
    if isinstance(document, list) and document and not any(isinstance(value, dict | list) for value in document):
        return 1, len(document)
    return None


def _rows_of_document(document: Any) -> list[Any]:
    columns = columns_of(document)
    if columns:
        return list(rows_of_columns(columns))
    if isinstance(document, list):
        return [[value] for value in document]
    raise Unflattenable("an object without a list of the same length for each column, unlike the first ones")


def _count(response: Content, attribute: Attribute | None) -> int:
    """Return how many records an attribute finds in a response; 0 if it finds none."""
    try:
        return len(response.records(attribute))
    except Unflattenable:
        return 0


def _agrees(response: Content, rows: int, *, loosely: bool) -> bool:
    found = response.records(None)
    if len(found) == rows:
        return True
    parts = cut(found, rows)
    if len(parts) != rows:
        return False
    return loosely or all(len(part) == 1 for part in parts) or isinstance(parts[0], dict)


def _response_is_columns(record: CapturedRecord, layout: Layout, features: Attribute | None) -> bool:
    columns = columns_of_response(_document(record, RESPONSE, layout))
    if not columns:
        return False
    length = len(next(iter(columns.values())))
    return layout.request_rows(record, features) == length and (length > 1 or REQUEST in layout.in_columns)
