"""Which container images are SageMaker's own analyzers, whose work the app does."""

from __future__ import annotations

MODEL_MONITOR = "sagemaker-model-monitor-analyzer"
CLARIFY = "sagemaker-clarify-processing"


def repository(image_uri: str) -> str:
    """Return the name of an image's repository: ``x`` of ``account.dkr.ecr.region.amazonaws.com/x:tag``."""
    return image_uri.rpartition("/")[2].partition("@")[0].partition(":")[0]


def is_monitor_analyzer(image_uri: str) -> bool:
    """Return whether an image is one of SageMaker's analyzers."""
    return repository(image_uri) in (MODEL_MONITOR, CLARIFY)
