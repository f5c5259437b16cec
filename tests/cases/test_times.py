"""Which hour and which window a record belongs to."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

CAPTURE = "captures/ep/AllTraffic/2026/03/01/{:02}/f.jsonl"


def captured(times):
    side = {"data": "1,2", "encoding": "CSV", "observedContentType": "text/csv"}
    return "".join(
        json.dumps(
            {
                "captureData": {"endpointInput": side, "endpointOutput": side | {"data": "0.5"}},
                "eventMetadata": {"eventId": f"r{number}", "inferenceTime": time},
                "eventVersion": "0",
            }
        )
        + "\n"
        for number, time in enumerate(times)
    )


def test_the_table_of_hours_is_in_utc(case):
    shown = case("inspect-hours-of-other-zones")(
        "capture inspect captures --start 2026-03-01T10:00 --end 2026-03-01T11:00"
    )
    assert "hour records 2026-03-01T10Z 4 payloads" in shown.text


@pytest.mark.parametrize("offset", ["+00:00", "+05:30", "-05:00", "+14:00", "-00:30", "Z"])
@pytest.mark.parametrize("fraction", ["", ".5", ".123456"])
def test_a_time_with_any_offset_is_counted_in_its_hour_of_utc(shell, offset, fraction):
    sign = -1 if offset[0] == "-" else 1
    ahead = timedelta() if offset == "Z" else sign * timedelta(hours=int(offset[1:3]), minutes=int(offset[4:]))
    moments = [datetime(2026, 3, 1, 10, minute, tzinfo=UTC) for minute in (0, 20, 59)]
    texts = [f"{moment + ahead:%Y-%m-%dT%H:%M:%S}{fraction}{offset}" for moment in moments]
    shell.write(CAPTURE.format(10), captured(texts))
    shown = shell("capture inspect captures --start 2026-03-01T10:00 --end 2026-03-01T11:00")
    assert "Read 3 rows of 3 captured records" in shown.text
    assert "hour records 2026-03-01T10Z 3 payloads" in shown.text


TRANSFORM = (
    "check data-quality --data transform --dataset-format batch-transform --transform-format csv --no-header"
    " --transform-side output --start {} --end {} --statistics b/statistics.json --constraints b/constraints.json"
    " --output r"
)


def rows_of(shell, start, end):
    text = shell(TRANSFORM.format(start, end)).text
    return int(text.split("Read ")[1].split(" row")[0].replace(",", "")) if "Read " in text else 0


def test_every_row_of_a_transform_job_over_the_hour_is_in_one_window(case):
    shell = case("transform-job-over-the-hour")
    shell("baseline data-quality --dataset train.csv --dataset-format csv --no-header --output b")
    hours = [rows_of(shell, f"2026-03-01T{hour:02}:00", f"2026-03-01T{hour + 1:02}:00") for hour in range(8, 13)]
    assert hours == [0, 10, 60, 50, 0]


@pytest.mark.parametrize(("minute", "step"), [(0, 60), (30, 60), (15, 30), (0, 15), (45, 120), (5, 7)])
def test_windows_that_lie_end_to_end_have_each_row_of_a_transform_job_once(case, minute, step):
    shell = case("transform-job-over-the-hour")
    shell("baseline data-quality --dataset train.csv --dataset-format csv --no-header --output b")
    start = datetime(2026, 3, 1, 9, tzinfo=UTC) + timedelta(minutes=minute - 60)
    total, last = 0, datetime(2026, 3, 1, 12, tzinfo=UTC)
    while start < last:
        end = start + timedelta(minutes=step)
        total += rows_of(shell, f"{start:%Y-%m-%dT%H:%M}", f"{end:%Y-%m-%dT%H:%M}")
        start = end
    assert total == 120
