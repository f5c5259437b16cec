"""S3.

moto's EventBridge events have a constant id and a number for the time, go to every bus, and report tags that nobody
set. moto also emits an event for a new bucket, which S3 does not, and ignores the conditions of bucket policies. Its
objects are modified by the machine's clock, of which the functions may be ahead.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import moto.s3.models as s3_models
import moto.s3.notifications as s3_notifications
from moto.core.utils import utcnow
from moto.s3.exceptions import MissingBucket

from modelwatch.local.event_rules import aws_event
from modelwatch.local.moto_patches.events import send_to_default_bus
from modelwatch.local.moto_patches.hooks import ACCOUNT_ID, Hooks, Replacement

_REASONS = {
    "ObjectCreated:Put": "PutObject",
    "ObjectCreated:Post": "POST Object",
    "ObjectCreated:Copy": "CopyObject",
    "ObjectCreated:CompleteMultipartUpload": "CompleteMultipartUpload",
    "ObjectRemoved:Delete": "DeleteObject",
}


def replacements(hooks: Hooks) -> list[Replacement]:
    """Return what is replaced in moto's S3."""

    def send_event_bridge_message(account_id: str, bucket: Any, event_name: str, key: Any) -> None:
        operation = str(getattr(event_name, "value", event_name)).removeprefix("s3:")
        if operation.startswith("ObjectTagging:Put") and not _tags(account_id, bucket, key):
            return
        detail = {
            "version": "0",
            "bucket": {"name": bucket.name},
            "object": {
                "key": key.name,
                "size": key.size,
                "etag": key.etag.strip('"'),
                "sequencer": uuid.uuid4().hex[:18].upper(),
                **({"version-id": key.version_id} if bucket.is_versioned else {}),
            },
            "request-id": uuid.uuid4().hex[:16].upper(),
            "requester": account_id,
            "source-ip-address": "127.0.0.1",
            "reason": _REASONS.get(operation, operation.partition(":")[2]),
        }
        detail_type = s3_notifications._detail_type(event_name)  # noqa: SLF001 - a patch of moto
        place = {"account": account_id, "region": bucket.region_name}
        send_to_default_bus(aws_event("aws.s3", detail_type, detail, **place, arn=bucket.arn, now=hooks.now()))

    return [
        Replacement(s3_notifications, "_send_event_bridge_message", send_event_bridge_message),
        Replacement(s3_models, "events_send_notification", lambda **_: None),
        Replacement(s3_models, "utcnow", lambda: utcnow() + hooks.shift()),
        Replacement(s3_models.FakeBucket, "get_permission", _permission_over_loopback()),
    ]


def has_object(bucket: str, key: str) -> bool:
    """Return whether a bucket has an object with this key."""
    try:
        return s3_models.s3_backends[ACCOUNT_ID]["aws"].get_object(bucket, key) is not None
    except MissingBucket:
        return False


def _permission_over_loopback() -> Callable[..., Any]:
    """Return a get_permission that treats requests over loopback as sent by TLS."""
    original = s3_models.FakeBucket.get_permission

    def get_permission(bucket: Any, action: str, resource: str) -> Any:
        if bucket.policy is None:
            return original(bucket, action, resource)
        document = json.loads(bucket.policy)
        document["Statement"] = [statement for statement in document["Statement"] if not _requires_tls(statement)]
        bucket_over_tls = SimpleNamespace(policy=json.dumps(document).encode())
        return original(bucket_over_tls, action, resource)

    return get_permission


def _requires_tls(statement: Mapping[str, Any]) -> bool:
    condition = json.dumps(statement.get("Condition", {})).replace('"false"', "false")
    return statement["Effect"] == "Deny" and condition == '{"Bool": {"aws:SecureTransport": false}}'


def _tags(account_id: str, bucket: Any, key: Any) -> dict[str, str]:
    backend = s3_models.s3_backends[account_id][bucket.partition]
    return dict(backend.tagger.get_tag_dict_for_resource(key.arn))
