"""The app's errors as SageMaker's API has them."""

from __future__ import annotations

SAGEMAKER_CODES = {
    "ScheduleNotFound": "ResourceNotFound",
    "BaseliningJobNotFound": "ResourceNotFound",
    "ExecutionNotFound": "ResourceNotFound",
    "JobDefinitionNotFound": "ResourceNotFound",
    "AlertNotFound": "ResourceNotFound",
    "ScheduleExists": "ResourceInUse",
    "BaseliningJobExists": "ResourceInUse",
    "JobDefinitionExists": "ResourceInUse",
    "JobDefinitionInUse": "ResourceInUse",
    "ChangedMeanwhile": "ConflictException",
    "BaselineNotReady": "ConflictException",
    "ResourceLimitExceeded": "ResourceLimitExceeded",
}
"""SageMaker's code for each of the app's codes that has a counterpart in SageMaker's API."""

VALIDATION = "ValidationException"
"""SageMaker's code for what is refused, where it has no other one."""
