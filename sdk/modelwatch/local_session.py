"""A boto3 session of the local stack."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config

_KEY = "local"
"""The access key and its secret: the stack takes any."""
_REGION = "us-east-1"


class LocalSession(boto3.Session):
    """A session whose clients and resources reach a stack on this machine, past the proxies of the environment.

    Parameters
    ----------
    endpoint_url : str
        Where the stack listens.
    region_name : str, optional
        The region of the stack.
    """

    def __init__(self, endpoint_url: str, region_name: str | None = None) -> None:
        super().__init__(_KEY, _KEY, region_name=region_name or _REGION)
        self._endpoint_url = endpoint_url

    def client(self, service_name: str, *arguments: Any, **options: Any) -> Any:
        """Return a client of a service of the stack; as of any session, and what makes its resources."""
        config = (options.get("config") or Config()).merge(Config(proxies={}))
        return super().client(
            service_name, *arguments, **options | {"endpoint_url": self._endpoint_url, "config": config}
        )  # type: ignore[call-overload]
