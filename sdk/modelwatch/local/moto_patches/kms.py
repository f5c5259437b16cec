"""Customer managed keys: under which of them something is kept. Nothing is replaced, and moto encrypts nothing."""

from __future__ import annotations

from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.s3.models import s3_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from modelwatch.local.moto_patches.hooks import ACCOUNT_ID


def key_of_table(name: str, region: str) -> str | None:
    """Return the ARN of a table's key."""
    table = dynamodb_backends[ACCOUNT_ID][region].tables.get(name)
    return _given(table and (table.sse_specification or {}).get("KMSMasterKeyId"))


def key_of_bucket(name: str, _: str) -> str | None:
    """Return the ARN of the key that a bucket's new objects are kept under."""
    bucket = s3_backends[ACCOUNT_ID]["aws"].buckets.get(name)
    rule: Any = ((bucket and bucket.encryption) or {}).get("Rule", {})
    return _given(rule.get("ApplyServerSideEncryptionByDefault", {}).get("KMSMasterKeyID"))


def key_of_queue(name: str, region: str) -> str | None:
    """Return the ARN of a queue's key."""
    queue = sqs_backends[ACCOUNT_ID][region].queues.get(name)
    return _given(queue and queue.kms_master_key_id)


def key_of_topic(arn: str, region: str) -> str | None:
    """Return the ARN of a topic's key."""
    topic = sns_backends[ACCOUNT_ID][region].topics.get(arn)
    return _given(topic and topic.kms_master_key_id)


def _given(value: Any) -> str | None:
    return str(value) if value else None
