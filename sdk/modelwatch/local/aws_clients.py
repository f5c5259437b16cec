"""boto3 clients that speak to the emulator, each with credentials of whom they act for."""

from __future__ import annotations

import hashlib
import os
import threading
from dataclasses import dataclass
from typing import Any

import boto3
import botocore.session
from botocore.config import Config

OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Credentials:
    """An access key and what belongs to it."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None

    def environment(self) -> dict[str, str]:
        """Return the variables under which the AWS SDKs look for credentials."""
        variables = {"AWS_ACCESS_KEY_ID": self.access_key_id, "AWS_SECRET_ACCESS_KEY": self.secret_access_key}
        return variables if self.session_token is None else variables | {"AWS_SESSION_TOKEN": self.session_token}


class AwsClients:
    """Clients by service and by principal: the operator, a service principal, or a role.

    Parameters
    ----------
    endpoint_url : str
        Where the emulator listens.
    region : str
        The region of every client.
    """

    def __init__(self, endpoint_url: str, region: str) -> None:
        self.endpoint_url = endpoint_url
        self.region = region
        # The user's own profiles, configuration and proxies have no say in calls that stay on this machine.
        nowhere = (None, None, os.devnull, None)
        variables = {"profile": (None, None, None, None), "config_file": nowhere, "credentials_file": nowhere}
        self._session: Any = boto3.Session(botocore_session=botocore.session.Session(session_vars=variables))
        self._lock = threading.RLock()
        self._clients: dict[tuple[str, str], Any] = {}
        self._role_credentials: dict[str, Credentials] = {}
        self._principals: dict[str, str] = {}

    def of_operator(self, service: str) -> Any:
        """Return a client of whoever works with the stack by hand."""
        return self.of_principal(OPERATOR, service)

    def of_principal(self, principal: str, service: str) -> Any:
        """Return a client of a service principal such as ``events.amazonaws.com``."""
        return self._client(principal, service, self._key_of(principal))

    def of_role(self, role_arn: str, service: str, *, assumed_by: str) -> Any:
        """Return a client with credentials of a role, which the principal ``assumed_by`` assumes the first time."""
        with self._lock:
            if role_arn not in self._role_credentials:
                self._role_credentials[role_arn] = self.assume_role(role_arn, session="local", assumed_by=assumed_by)
            return self._client(role_arn, service, self._role_credentials[role_arn])

    def assume_role(self, role_arn: str, *, session: str, assumed_by: str) -> Credentials:
        """Let a service principal assume a role, and return the temporary credentials."""
        answer = self.of_principal(assumed_by, "sts").assume_role(
            RoleArn=role_arn, RoleSessionName=session[:64].ljust(2, "-")
        )
        given = answer["Credentials"]
        self._principals[given["AccessKeyId"]] = role_arn.rpartition("/")[2]
        return Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])

    def principal_of(self, access_key_id: str | None) -> str | None:
        """Return whose key it is, or None where it was not given out here."""
        return self._principals.get(access_key_id or "")

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()

    def _client(self, principal: str, service: str, credentials: Credentials) -> Any:
        with self._lock:  # a boto3 session is not made for threads; its clients are
            if (principal, service) not in self._clients:
                self._clients[principal, service] = self._session.client(
                    service,
                    region_name=self.region,
                    endpoint_url=self.endpoint_url,
                    aws_access_key_id=credentials.access_key_id,
                    aws_secret_access_key=credentials.secret_access_key,
                    aws_session_token=credentials.session_token,
                    config=Config(
                        connect_timeout=5,
                        read_timeout=1000,  # longer than the longest function
                        max_pool_connections=64,
                        proxies={},
                        retries={"mode": "standard", "total_max_attempts": 3 if principal == OPERATOR else 1},
                    ),
                )
            return self._clients[principal, service]

    def _key_of(self, principal: str) -> Credentials:
        digest = hashlib.sha256(principal.encode()).hexdigest().upper()
        self._principals["AKIA" + digest[:16]] = principal
        return Credentials("AKIA" + digest[:16], digest[:40])
