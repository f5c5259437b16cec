"""Run the benchmarks."""

from __future__ import annotations

import argparse

from benchmarks import (
    bias,
    capture_reading,
    clocks,
    cost,
    cron_expressions,
    data_quality,
    data_shapes,
    explainability,
    false_alarm_kinds,
    false_alarms,
    growth,
    handler_imports,
    hops,
    model_quality,
    notebook_check,
    parquet_reading,
    peers,
    report,
    seasons,
    spark,
)
from benchmarks.processes import terminal
from benchmarks.targets import Target, said, table_of


def main() -> None:
    """Run the benchmark that is named, or all."""
    benchmarks = {
        "bias": bias.run,
        "capture_reading": capture_reading.run,
        "clocks": clocks.run,
        "cost": cost.run,
        "cron_expressions": cron_expressions.run,
        "data_quality": data_quality.run,
        "data_shapes": data_shapes.run,
        "explainability": explainability.run,
        "false_alarm_kinds": false_alarm_kinds.run,
        "false_alarms": false_alarms.run,
        "growth": growth.run,
        "handler_imports": handler_imports.run,
        "hops": hops.run,
        "model_quality": model_quality.run,
        "notebook_check": notebook_check.run,
        "parquet_reading": parquet_reading.run,
        "peers": peers.run,
        "report": report.run,
        "seasons": seasons.run,
        "spark": spark.run,
    }
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", nargs="?", choices=benchmarks, help="which one; all by default")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of each dataset, records or expressions")
    parser.add_argument("--repetitions", type=int, default=3, help="how often everything is measured")
    parser.add_argument("--peers", nargs="*", help="with which tools peers compares; all by default")
    parser.add_argument(
        "--windows", type=int, default=200, help="windows of each kind in false_alarms and false_alarm_kinds"
    )
    parser.add_argument("--months", type=int, default=20, help="months of each kind in these two")
    parser.add_argument("--tool-windows", type=int, default=20, help="windows that tools are asked about, of each kind")
    parser.add_argument(
        "--quick", action="store_true", help="a few windows of each kind in these two, as when all are run"
    )
    parser.add_argument("--data", type=false_alarms.data_path, nargs="+", help="tables (CSV) to add to false_alarms")
    parser.add_argument("--days", type=int, default=56, help="days of the baseline of seasons")
    parser.add_argument("--hours", type=int, nargs="+", default=[24], help="hours of a window of seasons, up to a day")
    parser.add_argument(
        "--tables",
        choices=false_alarms.TABLES,
        nargs="+",
        default=false_alarms.TABLES,
        help="what false_alarms prints; all by default",
    )
    options = parser.parse_args()
    if options.rows < 1 or options.repetitions < 1:
        parser.error("--rows and --repetitions must be at least 1")
    if options.data and options.name is None:
        parser.error("--data adds tables to false_alarms, or is what seasons reads: name one of them")
    options.quick |= options.name is None
    found: list[tuple[str, Target]] = []
    try:
        for name, run in benchmarks.items():
            if options.name in (None, name):
                try:
                    run(options)
                finally:
                    found += [(name, target) for target in said()[len(found) :]]
    finally:
        if options.name is None:
            terminal().print(table_of(found))


if __name__ == "__main__":
    main()
