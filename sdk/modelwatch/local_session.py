"""A boto3 session of the local stack."""

from __future__ import annotations

import os
from typing import Any

import boto3
import botocore.session
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
        # The user's own profiles and configuration must not affect calls that stay on this machine.
        nowhere = (None, None, os.devnull, None)
        variables = {"profile": (None, None, None, None), "config_file": nowhere, "credentials_file": nowhere}
        core = botocore.session.Session(session_vars=variables)
        super().__init__(_KEY, _KEY, region_name=region_name or _REGION, botocore_session=core)
        self._endpoint_url = endpoint_url

    def client(self, service_name: str, *arguments: Any, **options: Any) -> Any:
        """Return a client of a service of the stack; as of any session, and what makes its resources."""
        config = (options.get("config") or Config()).merge(Config(proxies={}))
        options |= {"endpoint_url": self._endpoint_url, "config": config}
        return super().client(service_name, *arguments, **options)  # type: ignore[call-overload]  # any service
