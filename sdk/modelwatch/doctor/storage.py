"""What is kept: the ledger's table and the results bucket; and who may read what is monitored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import ClientError

from modelwatch.doctor.deployed import Deployed
from modelwatch.doctor.problem import Problem
from modelwatch_core.adapters.aws.translation import code_of

READERS = ("ManageMonitors", "CreateBaseline", "LaunchExecution", "Reconcile", "Analysis")
"""Whose roles read monitored buckets; FinishExecution's reads the results bucket only.

All are functions but Analysis, whose role the Analyzer takes.
"""


def ledger(deployed: Deployed) -> Iterator[Problem]:
    """Yield what is wrong with the table."""
    client, name = deployed.client("dynamodb"), deployed.output("LedgerTableName")
    status = client.describe_table(TableName=name)["Table"]["TableStatus"]
    if status != "ACTIVE":
        yield Problem("TableNotReady", f"the table {name} is {status}", "wait until it is ACTIVE")
    backups = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    recovery = backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus")
    if recovery != "ENABLED":
        message = f"the table {name} has no point-in-time recovery: what is deleted by mistake cannot be restored"
        yield Problem("NoPointInTimeRecovery", message, "switch it on in DynamoDB, or deploy again")


def results_bucket(deployed: Deployed) -> Iterator[Problem]:
    """Yield what is wrong with the bucket for reports."""
    client, bucket = deployed.client("s3"), deployed.output("ResultsBucketName")
    if not _has(lambda: client.get_bucket_encryption(Bucket=bucket), "ServerSideEncryptionConfigurationNotFoundError"):
        yield Problem(
            "BucketNotEncrypted", f"{bucket} has no default encryption", "give it one: aws s3api put-bucket-encryption"
        )
    blocked = _has(lambda: client.get_public_access_block(Bucket=bucket), "NoSuchPublicAccessBlockConfiguration")
    if not blocked or not all(blocked["PublicAccessBlockConfiguration"].values()):
        message = f"{bucket} does not block public access, so that a policy or an ACL could open it"
        yield Problem("BucketMayBePublic", message, "block all four kinds: aws s3api put-public-access-block")


def permissions(deployed: Deployed) -> Iterator[Problem]:
    """Yield the roles that may not read a bucket; policies of buckets and keys are not evaluated."""
    monitored = [name.strip() for name in deployed.parameters.get("MonitoredBuckets", "").split(",") if name.strip()]
    iam, results = deployed.client("iam"), deployed.output("ResultsBucketName")
    for reader in (*READERS, "FinishExecution"):
        if f"{reader}Role" not in deployed.resources:
            continue
        role = iam.get_role(RoleName=deployed.resources[f"{reader}Role"][1])["Role"]["Arn"]
        partition = role.split(":")[1]
        for bucket in (results, *(monitored if reader in READERS else ())):
            asked = {
                "s3:ListBucket": f"arn:{partition}:s3:::{bucket}",
                "s3:GetObject": f"arn:{partition}:s3:::{bucket}/any",
            }
            for action, arn in asked.items():
                response = iam.simulate_principal_policy(PolicySourceArn=role, ActionNames=[action], ResourceArns=[arn])
                decision = response["EvaluationResults"][0]["EvalDecision"]
                if decision != "allowed":
                    message = f"{reader}Role may not {action} in {bucket} ({decision})"
                    yield Problem(
                        "RoleMayNotRead",
                        message,
                        "name the bucket in MonitoredBuckets, or find out what else denies it",
                    )


def _has(call: Callable[[], dict[str, Any]], missing: str) -> dict[str, Any] | None:
    """Return what a call returns, or None where it fails with the code of something that is missing."""
    try:
        return call()
    except ClientError as error:
        if code_of(error) != missing:
            raise
        return None
