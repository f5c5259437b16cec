"""The role whose sessions touch the data of analyses: one session an analysis, narrowed to what its request names."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from modelwatch_core.adapters.aws.session_policy import session_policies
from modelwatch_core.adapters.aws.translation import aws_errors, code_of
from modelwatch_core.domain.analysis import AnalysisRequest
from modelwatch_core.domain.errors import InvalidInput

if TYPE_CHECKING:
    import boto3
    from botocore.config import Config
    from types_boto3_sts.type_defs import CredentialsTypeDef

SESSION_SECONDS = 900
"""How long credentials last: the least that STS gives, and as long as an invocation may take, so that one which begins
later also ends later."""


@dataclass(frozen=True, slots=True)
class AnalysisRole:
    """Opens sessions of the role.

    Parameters
    ----------
    session : boto3.Session
        The session whose credentials may assume the role.
    arn : str
        The role.
    config : Config
        For the client of STS.
    """

    session: boto3.Session
    arn: str
    config: Config

    def clients_for(self, request: AnalysisRequest) -> Callable[[str, Config], Any]:
        """Open the session of an analysis and return what makes its clients, by the name of a service.

        Raises
        ------
        InvalidInput
            ``AccessDenied``; ``SessionPolicyTooLong`` for inputs that are in too many buckets.
        Upstream
            When a retry may help.
        """
        credentials = self._credentials(request)

        def client(service: str, config: Config) -> Any:
            return self.session.client(  # type: ignore[call-overload]  # any service
                service,
                config=config,
                aws_access_key_id=credentials["AccessKeyId"],
                aws_secret_access_key=credentials["SecretAccessKey"],
                aws_session_token=credentials["SessionToken"],
            )

        return client

    def _credentials(self, request: AnalysisRequest) -> CredentialsTypeDef:
        sts = self.session.client("sts", config=self.config)
        name = "analysis-" + hashlib.sha256(request.subject.encode()).hexdigest()[:32]
        with aws_errors(f"opening a session of {self.arn} for {request.subject}"):
            for policy in session_policies(request, partition=self.arn.split(":")[1]):
                try:
                    return sts.assume_role(
                        RoleArn=self.arn, RoleSessionName=name, Policy=policy, DurationSeconds=SESSION_SECONDS
                    )["Credentials"]
                except ClientError as error:
                    if code_of(error) != "PackedPolicyTooLarge":
                        raise
        message = "the inputs are in more buckets than the session policy of one analysis can name; use fewer buckets"
        raise InvalidInput("SessionPolicyTooLong", message)
