"""The AWS account and region that a command works in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import boto3

Profile = Annotated[
    str | None, typer.Option(metavar="NAME", help="The AWS profile; by default that of the environment.")
]
Region = Annotated[str | None, typer.Option(metavar="NAME", help="The AWS region; by default that of the profile.")]


def aws_session(profile: str | None, region: str | None) -> boto3.Session:
    """Return a session with credentials; what boto3 raises of its settings is for ``app_errors``.

    Raises
    ------
    InvalidInput
        ``NoCredentials``.
    """
    import boto3

    from modelwatch_core.domain.errors import InvalidInput

    session = boto3.Session(profile_name=profile, region_name=region)
    if session.get_credentials() is None:
        raise InvalidInput("NoCredentials", "there are no AWS credentials: sign in, or give --profile")
    return session
