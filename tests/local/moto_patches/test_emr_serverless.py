"""Job runs are started once for a client token, go on until their program ends, and can be cancelled until then."""

from __future__ import annotations

import sys

import pytest

from modelwatch.local import LocalStack
from tests.local.conftest import Deployer

pytestmark = pytest.mark.long_setup  # one stack for the module

ENDLESS = (sys.executable, "-c", "import time; time.sleep(600)")


@pytest.fixture(scope="module")
def stack(deploy_once: Deployer) -> LocalStack:
    return deploy_once(
        "Spark: {Type: AWS::EMRServerless::Application, Properties: {Type: SPARK, ReleaseLabel: emr-7.9.0}}"
    )


def test_a_start_that_is_repeated_starts_nothing_twice_and_what_has_ended_is_not_cancelled(stack: LocalStack) -> None:
    client, s3 = stack.client("emr-serverless"), stack.client("s3")
    s3.create_bucket(Bucket="code")
    s3.put_object(Bucket="code", Key="application.py", Body=b"")
    stack.run_spark(*ENDLESS)
    (application,) = client.list_applications()["applications"]
    given = {
        "applicationId": application["id"],
        "clientToken": "token",
        "executionRoleArn": "arn:aws:iam::123456789012:role/any",
        "jobDriver": {"sparkSubmit": {"entryPoint": "s3://code/application.py"}},
    }
    first, again = (client.start_job_run(**given)["jobRunId"] for _ in range(2))
    assert first == again
    named = {"applicationId": application["id"], "jobRunId": first}
    assert client.get_job_run(**named)["jobRun"]["state"] in ("SUBMITTED", "RUNNING")
    client.cancel_job_run(**named)
    stack.settle()
    ended = client.get_job_run(**named)["jobRun"]
    assert ended["state"] == "CANCELLED"
    assert ended["billedResourceUtilization"]["vCPUHour"] > 0
    with pytest.raises(client.exceptions.ValidationException, match="has ended"):
        client.cancel_job_run(**named)
