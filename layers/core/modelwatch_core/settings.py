"""Settings of the functions: names and ARNs from the environment, checked when first needed."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Self

from pydantic import AliasGenerator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_snake

from modelwatch_core.domain.alert_targets import AlertTargetReference, targets_in
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.host_paces import LAMBDA_SECONDS, lambda_pace
from modelwatch_core.domain.hosts import HostLimits
from modelwatch_core.domain.report_links import LinkKind


def sagemaker_arns(function_arn: str) -> str:
    """Return how SageMaker's ARNs begin in the account and region of a function."""
    _, partition, _, region, account, *_ = function_arn.split(":")
    return f"arn:{partition}:sagemaker:{region}:{account}"


class FunctionSettings(BaseModel):
    """What a function reads from its environment; each field is the variable of the same name in capitals."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        alias_generator=AliasGenerator(validation_alias=lambda name: to_snake(name).upper()),
    )

    @classmethod
    def from_environment(cls) -> Self:
        """Read the settings.

        Raises
        ------
        InvalidInput
            ``FunctionNotConfigured``, naming every variable that is missing or wrong.
        """
        try:
            return cls.model_validate(dict(os.environ))
        except ValidationError as error:
            wrong = ", ".join(str(problem["loc"][0]) for problem in error.errors(include_input=False))
            raise InvalidInput(
                "FunctionNotConfigured", f"environment variables missing or wrong: {wrong}; deploy the template again"
            ) from None


class LedgerSettings(FunctionSettings):
    """For functions that read or write the ledger."""

    ledger_table: str = Field(min_length=1)


class BusSettings(FunctionSettings):
    """For functions that emit events."""

    event_bus: str = Field(min_length=1)


class DeadLetterSettings(FunctionSettings):
    """For the function that delivers dead letters again, to the functions that are named, with commas between them."""

    dead_letter_queue_url: str = Field(min_length=1)
    redelivered_functions: str = Field(min_length=1)


class ResultsSettings(FunctionSettings):
    """For functions that decide where reports go: one bucket, and further ones with commas between them."""

    results_bucket: str = Field(min_length=3)
    output_buckets: str = ""

    @property
    def further_buckets(self) -> tuple[str, ...]:
        """The names of the further buckets."""
        return tuple(filter(None, map(str.strip, self.output_buckets.split(","))))


class AnalyzerFunctionSettings(FunctionSettings):
    """For functions that start analyses on the analyzer's Lambda."""

    analyzer_function: str = Field(min_length=1)
    analyzer_log_group: str = Field(min_length=1)
    analyzer_storage_mebibytes: int = Field(gt=0)
    analyzer_memory_mebibytes: int = Field(gt=0)
    analysis_lease_seconds: int = Field(gt=0)

    @property
    def limits(self) -> HostLimits:
        """What the Lambda can take: four fifths of its storage, since reports and merges need some of it as well."""
        return HostLimits(
            input_bytes=self.analyzer_storage_mebibytes * 2**20 * 4 // 5,
            memory_bytes=self.analyzer_memory_mebibytes * 2**20,
            lease=timedelta(seconds=self.analysis_lease_seconds),
            longest_run_seconds=LAMBDA_SECONDS,
            pace=lambda_pace(self.analyzer_memory_mebibytes),
            advice="Run the schedule more often, lower the capture's sampling percentage, or give the analyzer more"
            " storage (parameter AnalyzerStorage).",
        )


class ProcessingJobSettings(FunctionSettings):
    """For functions that start analyses as processing jobs; without a role there are none."""

    job_role_arn: str = ""
    job_image_uri: str = ""
    processing_role_arns: str = ""
    allow_pickles: bool = False

    @property
    def passable_role_arns(self) -> list[str]:
        """The roles that monitors may name."""
        return list(filter(None, map(str.strip, self.processing_role_arns.split(","))))


class EmrServerlessSettings(FunctionSettings):
    """For functions that start analyses on EMR Serverless; without an application there are none."""

    spark_application_id: str = ""
    spark_role_arn: str = ""
    spark_packages_uri: str = ""
    spark_log_group: str = ""
    spark_vcpus: int = Field(default=8, ge=8)


class LaunchSettings(FunctionSettings):
    """For the function that launches executions."""

    capture_settling_seconds: int = Field(ge=0)


class AnalyzerSettings(FunctionSettings):
    """For the analyzer itself."""

    analyzer_log_group: str = Field(min_length=1)
    analysis_role_arn: str = Field(min_length=1)
    allow_pickles: bool = False
    aws_lambda_function_memory_size: int | None = Field(default=None, gt=0)  # which Lambda sets


class TickSettings(FunctionSettings):
    """For functions that set schedules."""

    schedule_group: str = Field(min_length=1)
    launch_function_arn: str = Field(min_length=1)
    scheduler_role_arn: str = Field(min_length=1)
    dead_letter_arn: str = Field(min_length=1)
    schedules_key_arn: str = ""

    @property
    def sagemaker_arns(self) -> str:
        """How SageMaker's ARNs begin in the account and region of these functions."""
        return sagemaker_arns(self.launch_function_arn)


class LimitSettings(FunctionSettings):
    """For the function that manages monitors."""

    most_schedules: int = Field(gt=0)
    shortest_schedule_minutes: int = Field(gt=0)


class MetricSettings(FunctionSettings):
    """For functions that publish metrics of monitored models: how the namespaces of these begin."""

    metric_namespace_prefix: str = Field(min_length=1)


class AlertSettings(FunctionSettings):
    """For functions that raise alerts, or check where they are to go; lists have commas between their ARNs."""

    alert_topic_arn: str = Field(min_length=1)
    alert_topic_arns: str = ""
    alert_function_arns: str = ""
    default_alert_targets: str = ""
    report_links: LinkKind = "console"

    @property
    def default_targets(self) -> tuple[AlertTargetReference, ...]:
        """Who is notified of schedules that name nobody: the JSON list of the deployment, or its own topic."""
        if not self.default_alert_targets.strip():
            return (AlertTargetReference(type="sns", address=self.alert_topic_arn),)
        return targets_in(self.default_alert_targets)

    @property
    def region(self) -> str:
        """The region of the deployment."""
        return self.alert_topic_arn.split(":")[3]

    @property
    def topics(self) -> list[str]:
        """The topics that alerts may be published to."""
        return [self.alert_topic_arn, *filter(None, self.alert_topic_arns.split(","))]

    @property
    def functions(self) -> list[str]:
        """The functions that may be invoked with alerts."""
        return list(filter(None, self.alert_function_arns.split(",")))
