"""What a monitored hour costs: our Lambda, measured here, against a job of SageMaker Model Monitor."""

from __future__ import annotations

import argparse
from statistics import median

from rich.table import Table

from benchmarks.data_quality import make_tables
from benchmarks.processes import interleaved, python, terminal
from modelwatch_core.domain.execution_cost import USD_PER_GB_SECOND, USD_PER_INVOCATION

PROCESSING_HOUR = 0.23
"""US dollars of ml.m5.xlarge for processing in us-east-1, as far as it is known. Look it up before you rely on it:
aws.amazon.com/sagemaker/pricing."""
PROCESSING_MINUTES = 12
"""How long a model quality job of SageMaker Model Monitor took on an ml.m5.xlarge, most of it before and after the
analysis."""
GIGABYTES = 3008 / 1024
"""The default of the template's parameter AnalyzerMemory, in GB."""
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
        ours = (GIGABYTES * seconds + _SMALL_FUNCTIONS) * USD_PER_GB_SECOND + 6 * USD_PER_INVOCATION
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
