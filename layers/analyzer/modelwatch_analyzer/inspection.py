"""Shows the content of captures to users who want to check their attributes before they schedule a monitor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC
from itertools import islice

import polars as pl

from modelwatch_analyzer.profile.lexical import ColumnType, infer_type, is_number
from modelwatch_analyzer.reading import open_dataset
from modelwatch_analyzer.reading.capture_records import CapturedRecords
from modelwatch_analyzer.reading.captured_record import PAYLOAD_OF, CapturedRecord
from modelwatch_analyzer.reading.dataset import Plan
from modelwatch_analyzer.reading.files import source_files
from modelwatch_analyzer.reading.payloads import Payload
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_analyzer.reading.record_times import RecordTimes
from modelwatch_analyzer.reading.responses_first import come_first, order_of
from modelwatch_core.domain.analysis_settings import AnalysisSettings
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.outcome import RecordCounts

_MAX_PAYLOAD_LENGTH = 500
NO_TIME = "no time"


@dataclass(frozen=True, slots=True)
class CaptureInspection:
    """The content of captures. Rows and payloads contain captured values: show them on a terminal, never log them.

    Attributes
    ----------
    hours : dict of str to int
        The number of captured records in the window by the UTC hour of their event, in order.
    encodings : dict of str to int
        The number of payloads by side, encoding and content type.
    records : RecordCounts
        The counts that an analysis would have. If the records cannot be read, ``read`` is 0.
    columns : dict of str to str
        The columns in their order, with the types of the values of the first block.
    named : bool
        Whether the names come from the payloads.
    rows : list of list of str or None
        The first rows.
    payloads : dict of str to str
        The beginning of each payload of the first record.
    warnings : tuple of str
        What may be read otherwise than was meant, and the option that changes it.
    problem : str, optional
        The reason why the records cannot be read with these settings.
    """

    hours: dict[str, int]
    encodings: dict[str, int]
    records: RecordCounts
    columns: dict[str, str] = field(default_factory=dict)
    named: bool = False
    rows: list[list[str | None]] = field(default_factory=list)
    payloads: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    problem: str | None = None


def inspect_capture(settings: AnalysisSettings, rows: int) -> CaptureInspection:
    """Read captures as an analysis with the same settings would, and describe their content.

    Parameters
    ----------
    settings : AnalysisSettings
        Settings with the format ``sagemakerCaptureJson``.
    rows : int
        The number of rows to show.

    Raises
    ------
    InvalidInput
        ``NoData``, ``DatasetNotFound``, and errors because of which a file cannot be read at all.
    """
    log, hours, encodings = ReadLog(), Counter[str](), Counter[str]()
    payloads: dict[str, str] = {}
    captured = CapturedRecords(source_files(settings.dataset_source), RecordTimes.of(settings))
    for block in captured.blocks(log):
        for record in block.records:
            hours[record.time.astimezone(UTC).strftime("%Y-%m-%dT%HZ") if record.time else NO_TIME] += 1
            sides = dict(_payloads_by_side(record))
            payloads = payloads or {side: payload.data[:_MAX_PAYLOAD_LENGTH] for side, payload in sides.items()}
            for side, payload in sides.items():
                content_type = f" ({payload.observedContentType})" if payload.observedContentType else ""
                encodings[f"{side}: {payload.encoding}{content_type}"] += 1
    inspection = CaptureInspection(
        dict(sorted(hours.items())), dict(sorted(encodings.items())), log.counts(), payloads=payloads
    )
    try:
        return _with_rows(inspection, settings, rows)
    except InvalidInput as error:
        return replace(inspection, problem=str(error))


def _with_rows(inspection: CaptureInspection, settings: AnalysisSettings, count: int) -> CaptureInspection:
    dataset, log = open_dataset(settings), ReadLog()
    columns = list(dataset.columns)
    rows: list[list[str | None]] = []
    types: dict[str, str] = {}
    for batch in dataset.batches(Plan(dict.fromkeys(columns, pl.String())), log):
        if not types:
            types = {name: infer_type(batch[name].drop_nulls()).value for name in columns}
            log.remarks += _mostly_numbers(batch, types)
        rows += map(list, islice(batch[columns].iter_rows(), count - len(rows)))
    log.require_records()
    if come_first(dataset):
        log.remarks.append(
            f"columns without names are numbered, and {order_of(dataset)}. A baseline of a file with the output last "
            "has different numbers: move the output to the front"
        )
    return replace(
        inspection,
        records=log.counts(),
        columns=types,
        named=dataset.named,
        rows=rows,
        warnings=tuple(log.remarks),
    )


def _mostly_numbers(batch: pl.DataFrame, types: dict[str, str]) -> Iterator[str]:
    for name, kind in types.items():
        values = batch[name].drop_nulls()
        numbers = is_number(values).sum() if kind == ColumnType.STRING.value else 0
        if 2 * numbers >= len(values) > 0:
            yield (
                f"{name} is String, although {numbers:,} of its first {len(values):,} values are numbers: correct the "
                "others with a --record-preprocessor, or leave the column out with --exclude-features-attribute"
            )


def _payloads_by_side(record: CapturedRecord) -> Iterator[tuple[str, Payload]]:
    for side, payload_of in PAYLOAD_OF.items():
        payload = payload_of(record)
        if payload is not None:
            yield side, payload
