"""boto3 clients of the emulator, each with the credentials of the principal that it acts for."""

from __future__ import annotations

import hashlib
import os
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import botocore.session
from botocore.config import Config

OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Credentials:
    """An access key with its secret and, for a role, its session token."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None

    def environment(self) -> dict[str, str]:
        """Return the environment variables from which the AWS SDKs read credentials."""
        variables = {"AWS_ACCESS_KEY_ID": self.access_key_id, "AWS_SECRET_ACCESS_KEY": self.secret_access_key}
        return variables if self.session_token is None else variables | {"AWS_SESSION_TOKEN": self.session_token}


def environment_of_process(credentials: Credentials, endpoint_url: str) -> dict[str, str]:
    """Return the variables with which a process finds the emulator, and nothing of the operator's."""
    return {
        # Without HOME, SDKs ask the system for the home folder and would read the operator's own files.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"]),
        **credentials.environment(),
        "AWS_ENDPOINT_URL": endpoint_url,
    }


class AwsClients:
    """Clients by service and by principal: the operator, a service principal, or a role.

    Parameters
    ----------
    endpoint_url : str
        The emulator's URL.
    region : str
        The region of every client.
    """

    def __init__(self, endpoint_url: str, region: str) -> None:
        self.endpoint_url = endpoint_url
        self.region = region
        # The user's own profiles, configuration and proxies must not affect calls that stay on this machine.
        nowhere = (None, None, os.devnull, None)
        variables = {"profile": (None, None, None, None), "config_file": nowhere, "credentials_file": nowhere}
        self._session: Any = boto3.Session(botocore_session=botocore.session.Session(session_vars=variables))
        self._lock = threading.RLock()
        self._clients: dict[tuple[str, str], Any] = {}
        self._role_credentials: dict[str, Credentials] = {}
        self._principals: dict[str, str] = {}

    def for_operator(self, service: str) -> Any:
        """Return a client of the user who works with the stack."""
        return self.for_principal(OPERATOR, service)

    def for_principal(self, principal: str, service: str) -> Any:
        """Return a client of a service principal such as ``events.amazonaws.com``."""
        return self._client(principal, service, self._credentials_of(principal))

    def for_role(self, role_arn: str, service: str, *, assumed_by: str) -> Any:
        """Return a client with a role's credentials; the principal ``assumed_by`` assumes the role on first use."""
        with self._lock:
            if role_arn not in self._role_credentials:
                self._role_credentials[role_arn] = self.assume_role(role_arn, session="local", assumed_by=assumed_by)
            return self._client(role_arn, service, self._role_credentials[role_arn])

    def assume_role(self, role_arn: str, *, session: str, assumed_by: str) -> Credentials:
        """Let a service principal assume a role, and return the temporary credentials."""
        response = self.for_principal(assumed_by, "sts").assume_role(
            RoleArn=role_arn, RoleSessionName=session[:64].ljust(2, "-")
        )
        credentials = response["Credentials"]
        self._principals[credentials["AccessKeyId"]] = role_arn.rpartition("/")[2]
        return Credentials(credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"])

    def principal_of(self, access_key_id: str | None) -> str | None:
        """Return the principal that an access key was created for, or None if it was not created here."""
        return self._principals.get(access_key_id or "")

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()

    def _client(self, principal: str, service: str, credentials: Credentials) -> Any:
        with self._lock:  # boto3 clients are thread-safe, sessions are not
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

    def _credentials_of(self, principal: str) -> Credentials:
        digest = hashlib.sha256(principal.encode()).hexdigest().upper()
        access_key_id = "AKIA" + digest[:16]
        self._principals[access_key_id] = principal
        return Credentials(access_key_id, digest[:40])
