"""The AWS account and region that a command works in, or the local stack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from modelwatch_core.domain.errors import InvalidInput

if TYPE_CHECKING:
    import boto3


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsOptions:
    """Where AWS is."""

    local: Annotated[bool, typer.Option("--local", help="Use the stack that `modelwatch local up` runs here.")] = False
    profile: Annotated[
        str | None, typer.Option(metavar="NAME", help="The AWS profile; by default that of the environment.")
    ] = None
    region: Annotated[
        str | None, typer.Option(metavar="NAME", help="The AWS region; by default that of the profile.")
    ] = None

    def session(self, use: str = "") -> boto3.Session:
        """Return a session with credentials; what boto3 raises of its settings is for ``app_errors``.

        Parameters
        ----------
        use : str
            What the session is for, as a message begins.

        Raises
        ------
        InvalidInput
            ``NoCredentials``, ``LocalStackNotFound``.
        """
        if self.local:
            from modelwatch.local_session import LocalSession
            from modelwatch.running_stack import find_stack

            return LocalSession(find_stack(), self.region)
        import boto3  # only users of AWS wait for it

        session = boto3.Session(profile_name=self.profile, region_name=self.region)
        if session.get_credentials() is None:
            raise InvalidInput("NoCredentials", f"{use}there are no AWS credentials: sign in, or set AWS_PROFILE")
        return session


OF_THE_ENVIRONMENT = AwsOptions()
"""Where AWS is for those who give no options."""
