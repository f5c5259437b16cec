"""What an execution costs, estimated from what its run reports. Discounts and free tiers are left out."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from modelwatch_core.domain.documents import NonEmpty, Owned

USD_PER_GB_SECOND = 0.0000166667
USD_PER_INVOCATION = 0.20 / 1_000_000
USD_PER_READ_OF_S3 = 0.0004 / 1_000
"""The prices of x86 Lambda functions and of S3 Standard are AWS's list prices in us-east-1; other regions differ by a
few per cent."""

USD_PER_INSTANCE_HOUR = {
    "ml.m5.large": 0.115,
    "ml.m5.xlarge": 0.23,
    "ml.m5.2xlarge": 0.461,
    "ml.m5.4xlarge": 0.922,
}
"""SageMaker's list prices of Processing in us-east-1, as known on 2026-11-28; jobs on others have no estimate."""

USD_PER_GB_HOUR_OF_VOLUME = 0.14 / 730
"""The price of ML storage: $0.14 for a GB and a month."""

USD_PER_VCPU_HOUR_OF_SPARK = 0.052624
USD_PER_GB_HOUR_OF_SPARK = 0.0057785
USD_PER_GB_HOUR_OF_SPARK_STORAGE = 0.000111
"""The prices of Spark's vCPUs, memory and storage beyond 20 GB a worker are EMR Serverless's list prices of x86 workers
in us-east-1."""

INVOCATIONS = 3
"""The Lambda invocations of an execution in which nothing fails: launch, analyse, finish."""


class Usage(Owned):
    """What a run of the analyzer's function used.

    Attributes
    ----------
    seconds : float
        The seconds from its start to the report of its end.
    memory_mebibytes : int
        What the function has.
    """

    seconds: float = Field(ge=0, allow_inf_nan=False)
    memory_mebibytes: int = Field(gt=0)

    @property
    def gb_seconds(self) -> float:
        """GiB times seconds, as Lambda bills them."""
        return self.seconds * self.memory_mebibytes / 1024

    @property
    def usd(self) -> float | None:
        """Its price."""
        return self.gb_seconds * USD_PER_GB_SECOND


class JobUsage(Owned):
    """What a processing job used.

    Attributes
    ----------
    seconds : float
        The seconds from the start of processing to its end, of each instance.
    instance_type : str
    instance_count : int
    volume_gigabytes : int
        The size of each instance's volume.
    """

    seconds: float = Field(ge=0, allow_inf_nan=False)
    instance_type: NonEmpty
    instance_count: int = Field(gt=0)
    volume_gigabytes: int = Field(ge=0)

    gb_seconds: ClassVar[float] = 0.0
    """The GB-seconds of Lambda: none."""

    @property
    def usd(self) -> float | None:
        """Its price; None where that of the instance type is not known."""
        hourly = USD_PER_INSTANCE_HOUR.get(self.instance_type)
        if hourly is None:
            return None
        volume = self.volume_gigabytes * USD_PER_GB_HOUR_OF_VOLUME
        return self.seconds / 3600 * self.instance_count * (hourly + volume)


class SparkUsage(Owned):
    """What a job run of EMR Serverless was billed for.

    Attributes
    ----------
    vcpu_hours, memory_gb_hours, storage_gb_hours : float
        The sums over all workers.
    """

    vcpu_hours: float = Field(ge=0, allow_inf_nan=False)
    memory_gb_hours: float = Field(ge=0, allow_inf_nan=False)
    storage_gb_hours: float = Field(default=0.0, ge=0, allow_inf_nan=False)

    gb_seconds: ClassVar[float] = 0.0
    """The GB-seconds of Lambda: none."""

    @property
    def usd(self) -> float:
        """Its price."""
        return (
            self.vcpu_hours * USD_PER_VCPU_HOUR_OF_SPARK
            + self.memory_gb_hours * USD_PER_GB_HOUR_OF_SPARK
            + self.storage_gb_hours * USD_PER_GB_HOUR_OF_SPARK_STORAGE
        )


class Cost(Owned):
    """An estimate.

    Attributes
    ----------
    gb_seconds : float
        What the analyzer's function used, in GiB times seconds, as Lambda bills it.
    requests : int
        Invocations of functions, and objects read from S3.
    usd : float
        US dollars, by the list prices of us-east-1.
    executions : int
        How many it is the sum of. Those of whose runs none reported what it used are not counted.
    """

    gb_seconds: float = 0.0
    requests: int = 0
    usd: float = 0.0
    executions: int = 0

    @classmethod
    def of(cls, usage: Usage | JobUsage | SparkUsage, objects: int) -> Cost | None:
        """Return the cost of one execution; None where the price of what it used is not known.

        Parameters
        ----------
        objects : int
            How many objects it read.
        """
        if usage.usd is None:
            return None
        usd = usage.usd + INVOCATIONS * USD_PER_INVOCATION + objects * USD_PER_READ_OF_S3
        gb_seconds, requests = round(usage.gb_seconds, 3), INVOCATIONS + objects
        return cls(gb_seconds=gb_seconds, requests=requests, usd=round(usd, 9), executions=1)

    @classmethod
    def of_runs(cls, *runs: Cost | None) -> Cost | None:
        """Return the cost of one execution, of which runs may have died; None where that of no run is known."""
        known = [run for run in runs if run is not None]
        return sum(known, cls()).model_copy(update={"executions": 1}) if known else None

    def __add__(self, other: Cost) -> Cost:
        """Return the sum of two."""
        return Cost(
            gb_seconds=round(self.gb_seconds + other.gb_seconds, 3),
            requests=self.requests + other.requests,
            usd=round(self.usd + other.usd, 9),
            executions=self.executions + other.executions,
        )
