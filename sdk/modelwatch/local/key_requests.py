"""What a call needs of the customer managed key of what it reads or writes: services use keys in the caller's name.

The actions are those of the services' own pages about encryption: the DynamoDB developer guide ("Using a customer
managed key"; the grant it names is made when the table is), the SQS and SNS developer guides ("Key management"), and
the S3 user guide ("Using server-side encryption with AWS KMS keys").
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from modelwatch.local.iam_policies import Permission
from modelwatch.local.moto_patches.kms import key_of_bucket, key_of_queue, key_of_table, key_of_topic
from modelwatch.local.moto_patches.requests import Operation

_DYNAMODB = ("Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey", "ReEncryptFrom", "ReEncryptTo")
_ACTIONS: Mapping[tuple[str, str], tuple[str, ...]] = {
    **{
        ("dynamodb", action): _DYNAMODB
        for action in ("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan")
    },
    ("dynamodb", "TransactWriteItems"): _DYNAMODB,
    ("s3", "GetObject"): ("Decrypt",),
    ("s3", "PutObject"): ("GenerateDataKey",),
    **{
        ("s3", action): ("Decrypt", "GenerateDataKey")
        for action in ("CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload")
    },
    ("sqs", "SendMessage"): ("Decrypt", "GenerateDataKey"),
    ("sqs", "ReceiveMessage"): ("Decrypt",),
    ("sns", "Publish"): ("Decrypt", "GenerateDataKey"),
}


def needed_of_keys(operation: Operation, region: str) -> Iterator[Permission]:
    """Yield what a call needs of the key that its table, bucket, queue or topic is kept under, if there is one."""
    actions = _ACTIONS.get((operation.service, operation.action), ())
    key = _KEYS[operation.service](operation.parameters, region) if actions else None
    if key:
        through = {"kms:viaservice": [f"{operation.service}.{region}.amazonaws.com"]}
        yield from (Permission(f"kms:{action}", key, through) for action in actions)


def _of_table(parameters: dict[str, Any], region: str) -> str | None:
    if "TransactItems" in parameters:
        parameters = next(iter(parameters["TransactItems"][0].values()))
    return key_of_table(parameters["TableName"].rpartition("/")[2], region)


_KEYS: Mapping[str, Callable[[dict[str, Any], str], str | None]] = {
    "dynamodb": _of_table,
    "s3": lambda parameters, region: key_of_bucket(parameters["Bucket"], region),
    "sqs": lambda parameters, region: key_of_queue(parameters["QueueUrl"].rpartition("/")[2], region),
    "sns": lambda parameters, region: key_of_topic(parameters["TopicArn"], region),
}
