"""What the template defines for a function, and the environment variables that follow from it."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from modelwatch.local.aws_clients import Credentials, environment_of_process
from modelwatch.local.function_processes import RUNTIME_FOLDERS


@dataclass(frozen=True, slots=True)
class FunctionSettings:
    """What the template defines for a function.

    Attributes
    ----------
    root : Path
        The folder of its code.
    python_path : tuple of Path
        Its layers, or the folders that its image copies next to the entry point.
    timeout : float
        In seconds.
    reserved_concurrency : int or None
        The maximum number of concurrent invocations.
    dead_letter_arn : str or None
        The queue or topic of its DeadLetterConfig.
    logging : Mapping
        Its LoggingConfig.
    is_traced : bool
        Whether Lambda sends traces of it to X-Ray.
    """

    name: str
    arn: str
    role_arn: str
    handler: str
    root: Path
    python_path: tuple[Path, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 3.0
    memory_size: int = 128
    reserved_concurrency: int | None = None
    dead_letter_arn: str | None = None
    logging: Mapping[str, str] = field(default_factory=dict)
    runtime: str = ""
    is_traced: bool = False

    @property
    def log_group(self) -> str:
        """The log group of its output."""
        return self.logging.get("LogGroup", f"/aws/lambda/{self.name}")


@dataclass(frozen=True, slots=True)
class EventInvokeConfig:
    """What happens to an asynchronous invocation that fails or succeeds."""

    maximum_retry_attempts: int = 2
    maximum_event_age: float = 21_600.0  # seconds
    on_failure: str | None = None
    on_success: str | None = None


def environment_variables(settings: FunctionSettings, *, credentials: Credentials, endpoint_url: str) -> dict[str, str]:
    """Return the environment of a function's process: what Lambda sets, what the template sets, what makes it local."""
    region = settings.arn.split(":")[3]
    of_process = environment_of_process(credentials, endpoint_url)
    level = settings.logging.get("ApplicationLogLevel")
    return {
        **of_process,
        "AWS_DEFAULT_REGION": region,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(settings.memory_size),
        "AWS_LAMBDA_FUNCTION_NAME": settings.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_FORMAT": settings.logging.get("LogFormat", "Text"),
        "AWS_LAMBDA_LOG_GROUP_NAME": settings.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": f"{datetime.now(UTC):%Y/%m/%d}/[$LATEST]{uuid.uuid4().hex}",
        "AWS_REGION": region,
        "LAMBDA_TASK_ROOT": str(settings.root),
        "LANG": "en_US.UTF-8",
        "PYTHONPATH": os.pathsep.join(str(folder) for folder in (*settings.python_path, *RUNTIME_FOLDERS)),
        "TZ": ":UTC",
        "_HANDLER": settings.handler,
        **({"AWS_LAMBDA_LOG_LEVEL": level} if level else {}),
        **({"AWS_EXECUTION_ENV": f"AWS_Lambda_{settings.runtime}"} if settings.runtime else {}),
        **settings.variables,
        **credentials.environment(),
        "AWS_ENDPOINT_URL": endpoint_url,
    }
