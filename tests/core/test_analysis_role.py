"""The session of an analysis: opened once, by the narrowest policy that STS takes."""

from __future__ import annotations

import json

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from modelwatch_core.adapters.aws.analysis_role import AnalysisRole
from modelwatch_core.domain.analysis import AnalysisInput
from modelwatch_core.domain.errors import InvalidInput, Upstream
from tests.core.test_session_policy import HOUR

ROLE = "arn:aws-cn:iam::123456789012:role/analysis"
CREDENTIALS = {
    "AccessKeyId": "one",
    "SecretAccessKey": "two",  # pragma: allowlist secret (invented)
    "SessionToken": "three",
}


class Sts:
    """STS, which responds to the first calls with the given codes; and the boto3 session that makes its client."""

    def __init__(self, *codes: str) -> None:
        self.codes, self.asked, self.made = list(codes), [], []

    def client(self, service, config, **credentials):  # noqa: ARG002 - as boto3 has it
        self.made.append((service, credentials))
        return self

    def assume_role(self, **asked):
        self.asked.append(asked)
        if self.codes:
            raise ClientError({"Error": {"Code": self.codes.pop(0), "Message": "no"}}, "AssumeRole")
        return {"Credentials": CREDENTIALS}


def opened(sts: Sts, request=HOUR):
    return AnalysisRole(sts, ROLE, Config()).clients_for(request)


def test_clients_have_the_credentials_of_one_session_that_is_narrowed_in_the_partition_of_the_role():
    sts = Sts()
    client = opened(sts)
    client("s3", Config())
    client("sagemaker-runtime", Config())
    (asked,) = sts.asked
    assert (asked["RoleArn"], asked["DurationSeconds"]) == (ROLE, 900)
    assert "arn:aws-cn:s3:::captures/live/loans/AllTraffic/2026/11/22/09/*" in asked["Policy"]
    keys = {"aws_access_key_id": "one", "aws_secret_access_key": "two", "aws_session_token": "three"}
    assert sts.made == [("sts", {}), ("s3", keys), ("sagemaker-runtime", keys)]


def test_a_policy_that_sts_cannot_pack_is_followed_by_a_wider_one():
    sts = Sts("PackedPolicyTooLarge")
    hours = tuple(AnalysisInput(s3_uri=f"s3://captures/live/{hour:02}/", path="input/") for hour in range(4))
    opened(sts, HOUR.model_copy(update={"inputs": hours}))
    first, second = (json.loads(asked["Policy"])["Statement"][0]["Resource"] for asked in sts.asked)
    assert (len(first), len(second)) == (4, 2)


@pytest.mark.parametrize(
    ("codes", "error", "code"),
    [
        (["AccessDenied"], InvalidInput, "AccessDenied"),
        (["ServiceUnavailable"], Upstream, "ServiceError"),
        (["PackedPolicyTooLarge"] * 99, InvalidInput, "SessionPolicyTooLong"),
    ],
)
def test_a_session_that_is_not_opened_says_why(codes, error, code):
    with pytest.raises(error) as refused:
        opened(Sts(*codes))
    assert refused.value.code == code
