"""How fast hosts are and what they cost: what was measured, and AWS's public prices. docs/hosts.md has the table.

Prices are the public ones of us-east-1 on demand, without free tiers, as known on 2026-11-28, not fetched from AWS's
price list: aws.amazon.com/lambda/pricing (x86), aws.amazon.com/sagemaker/pricing (Processing, ML storage) and
aws.amazon.com/emr/pricing (EMR Serverless, x86). On 2026-11-29 each was found with the same figure in several public
repositories that copy AWS's price pages, one of 2026-08-13 for EMR Serverless; the price of ML storage was not.
"""

from __future__ import annotations

from modelwatch_core.domain.execution_cost import (
    USD_PER_GB_HOUR_OF_SPARK,
    USD_PER_GB_HOUR_OF_VOLUME,
    USD_PER_GB_SECOND,
    USD_PER_INSTANCE_HOUR,
    USD_PER_VCPU_HOUR_OF_SPARK,
)
from modelwatch_core.domain.hosts import Pace

BYTES_PER_SECOND = 20e6
"""The throughput of a data quality analysis on one core. On 2026-11-28, 34 MB/s were measured for CSV of 12 columns,
and 57 MB/s for captures (docs/hosts.md). Cores of cloud instances are slower, and downloading takes time as well."""

LAMBDA_SECONDS = 900
MEBIBYTES_OF_A_CORE = 1769
"""The memory with which a function has one core: "Configure Lambda function memory" in Lambda's guide."""

INSTANCE_TYPE = "ml.m5.large"
"""The instance of processing jobs whose monitor names none."""
INSTANCE_MEMORY_BYTES = 8 * 2**30
_JOB_STARTUP_SECONDS = 120.0
"""The paid time in which a job downloads its image and input. The minutes before, in which the instance starts, are
free."""


SPARK_WORKER_VCPUS, SPARK_WORKER_MEMORY_GB = 4, 16
"""The size of the driver and of each executor: EMR Serverless's defaults."""
_SPARK_STARTUP_SECONDS = 120.0
"""The paid time in which the packages are unpacked and Spark starts; assumed, not measured on AWS."""
_BYTES_OF_A_TASK = 256 * 2**20
"""The input of one Spark task: the size of a part (decision 80)."""


def lambda_pace(memory_mebibytes: int) -> Pace:
    """Return the pace of the analyzer's Lambda, which has CPU in proportion to its memory."""
    share = min(1.0, memory_mebibytes / MEBIBYTES_OF_A_CORE)
    hourly = memory_mebibytes / 1024 * USD_PER_GB_SECOND * 3600
    return Pace(bytes_per_second=BYTES_PER_SECOND * share, startup_seconds=5.0, dollars_per_hour=hourly)


def job_pace() -> Pace:
    """Return the pace of a processing job on the instance that is used where a monitor names none."""
    return Pace(
        bytes_per_second=BYTES_PER_SECOND,
        startup_seconds=_JOB_STARTUP_SECONDS,
        dollars_per_hour=USD_PER_INSTANCE_HOUR[INSTANCE_TYPE],
        dollars_per_gigabyte_hour=USD_PER_GB_HOUR_OF_VOLUME,
    )


def spark_pace(vcpus: int) -> Pace:
    """Return the pace of Spark on EMR Serverless, whose driver and executors have so many vCPUs together."""
    hourly = SPARK_WORKER_VCPUS * USD_PER_VCPU_HOUR_OF_SPARK + SPARK_WORKER_MEMORY_GB * USD_PER_GB_HOUR_OF_SPARK
    return Pace(
        bytes_per_second=BYTES_PER_SECOND * SPARK_WORKER_VCPUS,
        startup_seconds=_SPARK_STARTUP_SECONDS,
        dollars_per_hour=hourly,
        most_workers=vcpus // SPARK_WORKER_VCPUS - 1,
        bytes_of_a_worker=_BYTES_OF_A_TASK * SPARK_WORKER_VCPUS,
        driver=True,
    )
