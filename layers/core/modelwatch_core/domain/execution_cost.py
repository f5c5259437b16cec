"""What an execution costs, estimated from what its run reports. Discounts and free tiers are left out."""

from __future__ import annotations

from pydantic import Field

from modelwatch_core.domain.documents import Owned

USD_PER_GB_SECOND = 0.0000166667
USD_PER_INVOCATION = 0.20 / 1_000_000
USD_PER_READ_OF_S3 = 0.0004 / 1_000
"""AWS's list prices of x86 Lambda functions and of S3 Standard in us-east-1; other regions differ by some per cent."""

INVOCATIONS = 3
"""Of an execution in which nothing fails: launch, analyse, finish."""


class Usage(Owned):
    """What a run of the analyzer's function used.

    Attributes
    ----------
    seconds : float
        From its start to the report of its end.
    memory_mebibytes : int
        What the function has.
    """

    seconds: float = Field(ge=0, allow_inf_nan=False)
    memory_mebibytes: int = Field(gt=0)


class Cost(Owned):
    """An estimate.

    Attributes
    ----------
    gb_seconds : float
        Of the analyzer's function, in GiB times seconds, as Lambda bills them.
    requests : int
        Invocations of functions, and objects read from S3.
    usd : float
        US dollars, by the list prices of us-east-1.
    executions : int
        How many it is the sum of. Runs that crashed report nothing and are not counted.
    """

    gb_seconds: float = 0.0
    requests: int = 0
    usd: float = 0.0
    executions: int = 0

    @classmethod
    def of(cls, usage: Usage, objects: int) -> Cost:
        """Return the cost of one execution.

        Parameters
        ----------
        objects : int
            How many objects it read.
        """
        gb_seconds = usage.seconds * usage.memory_mebibytes / 1024
        usd = gb_seconds * USD_PER_GB_SECOND + INVOCATIONS * USD_PER_INVOCATION + objects * USD_PER_READ_OF_S3
        return cls(gb_seconds=round(gb_seconds, 3), requests=INVOCATIONS + objects, usd=round(usd, 9), executions=1)

    def __add__(self, other: Cost) -> Cost:
        """Return the sum of two."""
        return Cost(
            gb_seconds=round(self.gb_seconds + other.gb_seconds, 3),
            requests=self.requests + other.requests,
            usd=round(self.usd + other.usd, 9),
            executions=self.executions + other.executions,
        )
