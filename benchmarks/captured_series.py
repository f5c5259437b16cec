"""A series of rows in its order, as captures: a seasonal baseline of some weeks, and the windows of a schedule."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from modelwatch_analyzer.analysis import analyze
from modelwatch_core.domain.monitor_kinds.data_quality import SERIES_FILE
from modelwatch_core.domain.settings_environment import analysis_settings

_FORMAT: Mapping[str, Any] = {"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput"]}}


@dataclass(frozen=True, slots=True)
class CapturedSeries:
    """A schedule with the baseline of the rows from one time to another.

    Attributes
    ----------
    rows : polars.DataFrame
        The time of each row in the column ``time``, in UTC; the others are what is captured.
    settings : mapping of str to object
        Further settings of the baseline.
    """

    folder: Path
    rows: pl.DataFrame
    start: datetime
    end: datetime
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        source = {"dataset_source": self._captures(self.start, self.end), "output_path": self.folder / "baseline"}
        analyze(analysis_settings(dataset_format=_FORMAT, **source, **self.settings))

    def _captures(self, start: datetime, end: datetime) -> Path:
        rows = self.rows.filter(pl.col("time").is_between(start, end, closed="left"))
        path = self.folder / "captures.jsonl"
        with path.open("w") as file:
            for number, (time, *values) in enumerate(rows.select("time", pl.exclude("time")).iter_rows()):
                data = ",".join(map(str, values))
                side = {"observedContentType": "text/csv", "mode": "INPUT", "data": data, "encoding": "CSV"}
                event = {"eventId": str(number), "inferenceTime": time.astimezone(UTC).isoformat()}
                print(json.dumps({"captureData": {"endpointInput": side}, "eventMetadata": event}), file=file)
        return path if rows.height else self.folder / "none"

    def flagged(self, first: datetime, end: datetime, length: timedelta) -> Iterator[tuple[datetime, set[str]]]:
        """Yield the start of each window that has rows, and its columns that are flagged."""
        columns = [name for name in self.rows.columns if name != "time"]
        earlier = self.folder / f"since {first:%Y-%m-%d}"
        earlier.mkdir()
        start = first - length
        while (start := start + length) < end:
            captures = self._captures(start, start + length)
            if not captures.exists():
                continue
            summary = analyze(
                analysis_settings(
                    dataset_source=captures,
                    dataset_format=_FORMAT,
                    output_path=self.folder / "check",
                    baseline_constraints=self.folder / "baseline/constraints.json",
                    baseline_statistics=self.folder / "baseline/statistics.json",
                    earlier_executions_results=earlier,
                    start_time=start,
                    end_time=start + length,
                    sagemaker_monitoring_schedule_name="series",
                )
            )
            shutil.copy(self.folder / "check" / SERIES_FILE, earlier)
            yield start, {columns[int(str(each.feature_name).removeprefix("_c"))] for each in summary.violations}
