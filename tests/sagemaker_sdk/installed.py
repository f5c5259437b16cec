"""SageMaker's Python SDK as it is installed: version 3 keeps in ``sagemaker.core`` what version 2 has at the top."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

IS_VERSION_3 = find_spec("sagemaker.core") is not None
_PACKAGE = "sagemaker.core" if IS_VERSION_3 else "sagemaker"

model_monitor: Any = import_module(f"{_PACKAGE}.model_monitor")
clarify: Any = import_module(f"{_PACKAGE}.clarify")
