"""What a monitored hour costs: our Lambda, measured here, against a job of SageMaker Model Monitor."""

from __future__ import annotations

import argparse
from statistics import median

from rich.table import Table

from benchmarks.data_quality import make_tables
from benchmarks.processes import interleaved, python, terminal

LAMBDA_GB_SECOND = 0.0000166667
LAMBDA_REQUEST = 0.20 / 1e6
PROCESSING_HOUR = 0.23
"""List prices in us-east-1 in US dollars, of x86 Lambda and of ml.m5.xlarge for processing. Look them up before you
rely on them: aws.amazon.com/lambda/pricing and aws.amazon.com/sagemaker/pricing."""
PROCESSING_MINUTES = 12
"""How long a model quality job of SageMaker Model Monitor took on an ml.m5.xlarge, most of it before and after the
analysis."""
GIGABYTES = 3008 / 1024
"""AnalyzerMemory, as the template has it."""
_SMALL_FUNCTIONS = 5 * 0.5 * 1.0
"""GB-seconds of the functions around an analysis: five invocations of 512 MB, a second each, cold starts included."""


def run(options: argparse.Namespace) -> None:
    """Measure and print."""
    folders = {rows: make_tables(rows) for rows in sorted({10_000, 100_000, options.rows})}
    for folder in folders.values():
        interleaved({"baseline": python("-m", "benchmarks.data_quality_job", "baseline", str(folder))}, 1)
    usages = interleaved(
        {str(rows): python("-m", "benchmarks.data_quality_job", "check", str(each)) for rows, each in folders.items()},
        options.repetitions,
    )
    job = PROCESSING_HOUR * PROCESSING_MINUTES / 60
    table = Table(title="an hour of data quality, US dollars")
    for heading in (
        "rows an hour",
        "wall s of the whole process",
        "Lambda",
        "a month",
        "processing job",
        "a month",
        "ratio",
    ):
        table.add_column(heading, justify="right")
    for rows, measured in usages.items():
        seconds = median(usage.wall for usage in measured)
        ours = (GIGABYTES * seconds + _SMALL_FUNCTIONS) * LAMBDA_GB_SECOND + 6 * LAMBDA_REQUEST
        table.add_row(
            f"{int(rows):,}",
            f"{seconds:.1f}",
            f"{ours:.5f}",
            f"{720 * ours:.2f}",
            f"{job:.3f}",
            f"{720 * job:.2f}",
            f"1 : {job / ours:,.0f}",
        )
    terminal().print(table)
