"""One process of the capture reading benchmark: ``make``, ``modelwatch``, ``loop``, ``duckdb`` or ``simdjson``."""

from __future__ import annotations

import csv
import json
import os
import sys
from base64 import b64decode, b64encode
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

SEED = 20261122
OBJECTS = 20
INTEGERS, FRACTIONS = 5, 25
WINDOWS = {"small": 2, "whole": 10, "large": 20}
"""How many of the objects each window has: speed is measured with the whole, memory with the other two."""

_AT_ONCE = 10_000


def make(folder: Path, rows: int) -> None:
    """Make captures of a model with 30 inputs whose payloads are CSV, that in BASE64, JSON lists and JSON objects."""
    import numpy as np

    generator = np.random.default_rng(SEED)
    for shape in ("csv", "base64", "list", "object"):
        objects = folder / shape / "objects"
        objects.mkdir(parents=True, exist_ok=True)
        for number in range(OBJECTS if shape == "csv" else WINDOWS["whole"]):
            size = rows // WINDOWS["whole"]
            whole = generator.poisson(40, size=(size, INTEGERS)).tolist()
            fractions = generator.normal(scale=10, size=(size, FRACTIONS)).round(6).tolist()
            path = objects / f"{number:02}.jsonl"
            with path.open("w") as file:
                for index in range(size):
                    file.write(_line(shape, [*whole[index], *fractions[index]], number * size + index))
        for window, count in WINDOWS.items():
            (folder / shape / window).mkdir(exist_ok=True)
            for path in sorted(objects.iterdir())[:count]:
                os.link(path, folder / shape / window / path.name)
    (folder / "made").touch()


def _line(shape: str, values: list[float], index: int) -> str:
    if shape in ("csv", "base64"):
        request, response = ",".join(map(str, values)), "0.512345\n"
    elif shape == "list":
        request, response = json.dumps({"features": values}), json.dumps({"score": 0.512345})
    else:
        request = json.dumps({f"feature_{place:02}": value for place, value in enumerate(values)})
        response = json.dumps({"score": 0.512345})
    kind, encoding = ("text/csv", "CSV") if shape in ("csv", "base64") else ("application/json", "JSON")
    if shape == "base64":
        encoding = "BASE64"
        request, response = (b64encode(text.encode()).decode() for text in (request, response))
    sides = {
        side: {"observedContentType": kind, "mode": mode, "data": data, "encoding": encoding}
        for side, mode, data in (("endpointInput", "INPUT", request), ("endpointOutput", "OUTPUT", response))
    }
    event = {"eventId": f"{index * 2654435761 % 2**32:08x}-9f1c-4b0e-8d55-{index:012x}"}
    event["inferenceTime"] = f"2026-11-22T09:{index // 60 % 60:02}:{index % 60:02}Z"
    return json.dumps({"captureData": sides, "eventMetadata": event, "eventVersion": "0"}, separators=(",", ":")) + "\n"


def modelwatch(folder: Path, _shape: str) -> None:
    """Read a window as a monitor does."""
    import modelwatch_analyzer.interpreter_settings  # noqa: F401 (before NumPy, as the command and the images do)

    # isort: split
    from datetime import UTC, datetime

    import polars as pl

    from modelwatch_analyzer.reading.attributes import Attributes
    from modelwatch_analyzer.reading.capture import open_records
    from modelwatch_analyzer.reading.capture_records import CapturedRecords
    from modelwatch_analyzer.reading.dataset import Plan
    from modelwatch_analyzer.reading.files import source_files
    from modelwatch_analyzer.reading.read_log import ReadLog
    from modelwatch_analyzer.reading.record_times import RecordTimes
    from modelwatch_core.domain.dataset_formats import CaptureOptions

    start, end = datetime(2026, 11, 22, 9, tzinfo=UTC), datetime(2026, 11, 22, 10, tzinfo=UTC)
    captured = CapturedRecords(source_files(folder), RecordTimes(start, end))
    dataset = open_records(captured, CaptureOptions(), Attributes())
    whole = set(dataset.input_columns[:INTEGERS])
    plan = Plan({name: pl.Int64() if name in whole else pl.Float64() for name in dataset.columns})
    log, total = ReadLog(), 0.0
    for batch in dataset.batches(plan, log):
        total += float(batch[dataset.columns[-1]].sum())
    if log.malformed or log.out_of_window or log.duplicate_events:
        sys.exit(f"not all was read: {log.counts()}")
    print(json.dumps({"rows": log.read, "columns": len(dataset.columns), "sum": round(total, 3)}))


def loop(folder: Path, shape: str) -> None:
    """Read with the standard library, ten thousand records at a time, into arrays by column."""
    import numpy as np

    rows, total = 0, 0.0
    records = (json.loads(line)["captureData"] for line in _lines(folder))
    while chunk := list(islice(records, _AT_ONCE)):
        requests = [record["endpointInput"]["data"] for record in chunk]
        responses = [record["endpointOutput"]["data"] for record in chunk]
        if shape == "base64":
            requests, responses = ([b64decode(text).decode() for text in texts] for texts in (requests, responses))
        if shape in ("csv", "base64"):
            values = zip(csv.reader(responses), csv.reader(requests), strict=True)
            columns = [np.array(column, dtype=float) for column in zip(*(a + r for a, r in values), strict=True)]
        else:
            documents = zip(map(json.loads, responses), map(json.loads, requests), strict=True)
            features = ((a, r["features"] if shape == "list" else r.values()) for a, r in documents)
            columns = [np.array(column) for column in zip(*([a["score"], *f] for a, f in features), strict=True)]
        rows += len(chunk)
        total += float(columns[-1].sum())
    print(json.dumps({"rows": rows, "columns": len(columns), "sum": round(total, 3)}))


def duckdb(folder: Path, _shape: str) -> None:
    """Read comma-separated payloads with DuckDB's JSON reader, on one thread, and split them there."""
    import duckdb

    side = "STRUCT(data VARCHAR)"
    record = f"{{captureData: 'STRUCT(endpointInput {side}, endpointOutput {side})'}}"
    sums = ", ".join(f"sum(fields[{place}])" for place in range(1, INTEGERS + FRACTIONS + 1))
    query = f"""
        WITH captured AS (
            SELECT captureData.endpointOutput.data::DOUBLE AS response,
                   string_split(captureData.endpointInput.data, ',')::DOUBLE[] AS fields
            FROM read_json('{folder}/*.jsonl', format='newline_delimited', columns={record}, ignore_errors=true))
        SELECT count(*), sum(response), {sums} FROM captured"""
    connection = duckdb.connect(config={"threads": 1})
    count, *totals = connection.execute(query).fetchone() or (0, 0.0)
    print(json.dumps({"rows": count, "columns": len(totals), "sum": round(totals[-1], 3)}))


def simdjson(folder: Path, _shape: str) -> None:
    """Let simdjson look at every line and take nothing from it: the limit."""
    import simdjson

    parser, rows = simdjson.Parser(), 0
    for line in _lines(folder):
        parser.parse(line)
        rows += 1
    print(json.dumps({"rows": rows}))


def _lines(folder: Path) -> Iterator[bytes]:
    for path in sorted(folder.iterdir()):
        with path.open("rb") as file:
            yield from file


if __name__ == "__main__":
    job, folder = sys.argv[1], Path(sys.argv[2])
    if job == "make":
        make(folder, int(sys.argv[3]))
    else:
        {"modelwatch": modelwatch, "loop": loop, "duckdb": duckdb, "simdjson": simdjson}[job](folder, sys.argv[3])
