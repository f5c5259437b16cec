"""Custom resources of CloudFormation: a function of the stack makes them, and responds in the emulated S3."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import ClientError

from modelwatch.local.errors import LocalStackError
from modelwatch.local.in_functions.function_process import CLOUDFORMATION_BUCKETS
from modelwatch.local.moto_patches.hooks import ACCOUNT_ID, CreatedResource


def is_custom(resource_type: str) -> bool:
    """Return whether a function makes the resources of a type."""
    return resource_type.startswith("Custom::") or resource_type == "AWS::CloudFormation::CustomResource"


@dataclass(frozen=True, slots=True)
class CustomResource:
    """One resource; "Custom resource request and response reference" in CloudFormation's guide.

    Attributes
    ----------
    client_of : callable
        Returns the boto3 client of a service.
    name : str
        ``<stack>-<logical id>-<more>``.
    """

    client_of: Callable[[str], Any]
    resource_type: str
    name: str
    properties: Mapping[str, Any]

    def create(self) -> CreatedResource:
        """Have it made.

        Raises
        ------
        LocalStackError
            ``CustomResourceFailed`` with the function's own reason.
        """
        return self._made(self._response("Create"))

    def update(self, physical_id: str, before: Mapping[str, Any]) -> CreatedResource:
        """Have it changed to these properties, from those before.

        Raises
        ------
        LocalStackError
            As ``create``.
        """
        return self._made(
            self._response("Update", PhysicalResourceId=physical_id, OldResourceProperties=_texts(before))
        )

    def _made(self, response: Mapping[str, Any]) -> CreatedResource:
        physical_id = str(response["PhysicalResourceId"])
        return CreatedResource(
            physical_id,
            {name: str(value) for name, value in (response.get("Data") or {}).items()},
            lambda: self._delete(physical_id),
            lambda properties: replace(self, properties=properties).update(physical_id, self.properties),
        )

    def _delete(self, physical_id: str) -> None:
        self._response("Delete", PhysicalResourceId=physical_id)

    def _response(self, request_type: str, **known: Any) -> dict[str, Any]:
        stack, logical_id, _ = self.name.rsplit("-", 2)
        s3, request_id = self.client_of("s3"), str(uuid.uuid4())
        region = s3.meta.region_name
        bucket = f"{CLOUDFORMATION_BUCKETS}{region.replace('-', '')}"
        stack_id = f"{stack}/{uuid.uuid5(uuid.NAMESPACE_URL, stack)}"
        event = {
            "RequestType": request_type,
            "ResponseURL": f"https://{bucket}.s3.amazonaws.com/{request_id}",
            "StackId": f"arn:aws:cloudformation:{region}:{ACCOUNT_ID}:stack/{stack_id}",
            "RequestId": request_id,
            "LogicalResourceId": logical_id,
            "ResourceType": self.resource_type,
            "ResourceProperties": _texts(self.properties),
            **known,
        }
        _create_bucket(s3, bucket)
        function = self.properties["ServiceToken"]
        self.client_of("lambda").invoke(FunctionName=function, Payload=json.dumps(event))
        try:
            response = json.loads(s3.get_object(Bucket=bucket, Key=request_id)["Body"].read())
        except ClientError:
            raise LocalStackError("CustomResourceFailed", f"{function} returned no response; see its log") from None
        if response["Status"] != "SUCCESS":
            raise LocalStackError("CustomResourceFailed", str(response.get("Reason")))
        return dict(response)


def _create_bucket(s3: Any, bucket: str) -> None:
    region = s3.meta.region_name
    where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    if bucket not in [each["Name"] for each in s3.list_buckets()["Buckets"]]:
        s3.create_bucket(Bucket=bucket, **where)


def _texts(value: Any) -> Any:
    """Return properties as CloudFormation sends them: each value that is no list or map is a text."""
    if isinstance(value, Mapping):
        return {name: _texts(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_texts(each) for each in value]
    return str(value).lower() if isinstance(value, bool) else str(value)
