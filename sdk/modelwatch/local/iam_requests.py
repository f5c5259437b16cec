"""What each call of an AWS service needs to be allowed by IAM.

Actions, resources and condition keys are those of the service authorization reference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from modelwatch.local.iam_policies import Permission
from modelwatch.local.moto_patches.dynamodb import hash_key_of
from modelwatch.local.moto_patches.hooks import ACCOUNT_ID
from modelwatch.local.moto_patches.requests import Operation
from modelwatch.local.moto_patches.s3 import has_object
from modelwatch.local.moto_patches.sagemaker import tags_of_processing_job

Parameters = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Region:
    """Names resources of one region."""

    name: str

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource of a service."""
        return f"arn:aws:{service}:{self.name}:{ACCOUNT_ID}:{resource}"


def needed(operation: Operation, region: Region) -> list[Permission]:
    """Return all that a call needs; of one that is not known here its action, on any resource."""
    permissions = _NEEDED.get((operation.service, operation.action))
    if permissions is None:
        return [Permission(f"{_PREFIXES.get(operation.service, operation.service)}:{operation.action}", "*")]
    return list(permissions(operation.parameters, region))


_PREFIXES = {"sagemaker-runtime": "sagemaker"}


def _s3(action: str) -> Callable[[Parameters, Region], Iterator[Permission]]:
    def permissions(parameters: Parameters, _: Region) -> Iterator[Permission]:
        key = f"/{parameters['Key']}" if "Key" in parameters else ""
        yield Permission(f"s3:{action}", f"arn:aws:s3:::{parameters['Bucket']}{key}")

    return permissions


def _get_object(parameters: Parameters, region: Region) -> Iterator[Permission]:
    """Yield what reading needs. S3 says that an object does not exist only to callers who may also list the bucket.

    That is without a prefix: who may list some prefixes only is refused.
    """
    yield from _s3("GetObject")(parameters, region)
    if not has_object(parameters["Bucket"], parameters["Key"]):
        yield from _s3("ListBucket")({"Bucket": parameters["Bucket"]}, region)


def _list_objects(parameters: Parameters, _: Region) -> Iterator[Permission]:
    asked = {"s3:prefix": [parameters["Prefix"]]} if "Prefix" in parameters else {}
    yield Permission("s3:ListBucket", f"arn:aws:s3:::{parameters['Bucket']}", asked)


def _assume_role(parameters: Parameters, _: Region) -> Iterator[Permission]:
    yield Permission("sts:AssumeRole", parameters["RoleArn"])


def _dynamodb(action: str) -> Callable[[Parameters, Region], Iterator[Permission]]:
    def permissions(parameters: Parameters, region: Region) -> Iterator[Permission]:
        table = parameters["TableName"].rpartition("/")[2]
        index = f"/index/{parameters['IndexName']}" if "IndexName" in parameters else ""
        item = parameters.get("Key") or parameters.get("Item")
        hash_key = hash_key_of(table, region.name)
        keys = {"dynamodb:leadingkeys": list(item[hash_key].values())} if item and hash_key in item else {}
        yield Permission(f"dynamodb:{action}", region.arn("dynamodb", f"table/{table}{index}"), keys)

    return permissions


def _batch_get_item(parameters: Parameters, region: Region) -> Iterator[Permission]:
    for table in parameters["RequestItems"]:
        yield from _dynamodb("BatchGetItem")({"TableName": table}, region)


def _transact_write_items(parameters: Parameters, region: Region) -> Iterator[Permission]:
    actions = {
        "Put": "PutItem",
        "Update": "UpdateItem",
        "Delete": "DeleteItem",
        "ConditionCheck": "ConditionCheckItem",
    }
    for item in parameters["TransactItems"]:
        for name, of_item in item.items():
            yield from _dynamodb(actions[name])(of_item, region)


def _put_events(parameters: Parameters, region: Region) -> Iterator[Permission]:
    for entry in parameters["Entries"]:
        bus = entry.get("EventBusName", "default")
        resource = bus if bus.startswith("arn:") else region.arn("events", f"event-bus/{bus}")
        context = {"events:source": [entry["Source"]], "events:detail-type": [entry["DetailType"]]}
        yield Permission("events:PutEvents", resource, context)


def _invoke(parameters: Parameters, region: Region) -> Iterator[Permission]:
    name = parameters["FunctionName"]
    arn = name if name.startswith("arn:") else region.arn("lambda", f"function:{name}")
    yield Permission("lambda:InvokeFunction", arn)


def _put_metric_data(parameters: Parameters, _: Region) -> Iterator[Permission]:
    yield Permission("cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": [parameters["Namespace"]]})


def _describe_alarms(parameters: Parameters, region: Region) -> Iterator[Permission]:
    """Yield a permission for each alarm that is named; without names all are described."""
    for name in parameters.get("AlarmNames") or ["*"]:
        yield Permission("cloudwatch:DescribeAlarms", region.arn("cloudwatch", f"alarm:{name}"))


def _publish(parameters: Parameters, _: Region) -> Iterator[Permission]:
    yield Permission("sns:Publish", parameters["TopicArn"])


def _sqs(action: str) -> Callable[[Parameters, Region], Iterator[Permission]]:
    def permissions(parameters: Parameters, region: Region) -> Iterator[Permission]:
        yield Permission(f"sqs:{action}", region.arn("sqs", parameters["QueueUrl"].rpartition("/")[2]))

    return permissions


def _logs(action: str) -> Callable[[Parameters, Region], Iterator[Permission]]:
    def permissions(parameters: Parameters, region: Region) -> Iterator[Permission]:
        stream = f"log-group:{parameters['logGroupName']}:log-stream:{parameters.get('logStreamName', '')}"
        yield Permission(f"logs:{action}", region.arn("logs", stream))

    return permissions


def _schedule(action: str) -> Callable[[Parameters, Region], Iterator[Permission]]:
    def permissions(parameters: Parameters, region: Region) -> Iterator[Permission]:
        name = f"schedule/{parameters.get('GroupName', 'default')}/{parameters['Name']}"
        yield Permission(f"scheduler:{action}", region.arn("scheduler", name))
        if "Target" in parameters:
            passed = {"iam:passedtoservice": ["scheduler.amazonaws.com"]}
            yield Permission("iam:PassRole", parameters["Target"]["RoleArn"], passed)

    return permissions


def _sagemaker(action: str, **kinds: str) -> Callable[[Parameters, Region], Iterator[Permission]]:
    """Return what an action on resources needs: each parameter's name, and the kind of resource that it names."""

    def permissions(parameters: Parameters, region: Region) -> Iterator[Permission]:
        for name, kind in kinds.items():
            resource = region.arn("sagemaker", f"{kind}/{parameters[name].lower()}")  # names are in lower case in ARNs
            yield Permission(f"sagemaker:{action}", resource)
            if parameters.get("Tags"):
                yield Permission("sagemaker:AddTags", resource)

    return permissions


def _describe_model_package(parameters: Parameters, region: Region) -> Iterator[Permission]:
    name = parameters["ModelPackageName"]  # or its ARN
    arn = name if name.startswith("arn:") else region.arn("sagemaker", f"model-package/{name}")
    yield Permission("sagemaker:DescribeModelPackage", arn)


_JOB = {"ProcessingJobName": "processing-job"}


def _create_processing_job(parameters: Parameters, region: Region) -> Iterator[Permission]:
    yield from _sagemaker("CreateProcessingJob", **_JOB)(parameters, region)
    yield Permission("iam:PassRole", parameters["RoleArn"], {"iam:passedtoservice": ["sagemaker.amazonaws.com"]})


def _stop_processing_job(parameters: Parameters, region: Region) -> Iterator[Permission]:
    tags = tags_of_processing_job(parameters["ProcessingJobName"], region.name)
    context = {f"aws:resourcetag/{key.lower()}": [value] for key, value in tags.items()}
    for permission in _sagemaker("StopProcessingJob", **_JOB)(parameters, region):
        yield replace(permission, context=context)


def _start_job_run(parameters: Parameters, region: Region) -> Iterator[Permission]:
    application = f"/applications/{parameters['applicationId']}"
    yield Permission("emr-serverless:StartJobRun", region.arn("emr-serverless", application))
    if parameters.get("tags"):
        yield Permission("emr-serverless:TagResource", region.arn("emr-serverless", f"{application}/jobruns/new"))
    passed = {"iam:passedtoservice": ["emr-serverless.amazonaws.com"]}
    yield Permission("iam:PassRole", parameters["executionRoleArn"], passed)


def _job_run(action: str) -> Callable[[Parameters, Region], Iterator[Permission]]:
    def permissions(parameters: Parameters, region: Region) -> Iterator[Permission]:
        run = f"/applications/{parameters['applicationId']}/jobruns/{parameters['jobRunId']}"
        yield Permission(f"emr-serverless:{action}", region.arn("emr-serverless", run))

    return permissions


_ENDPOINT, _CONFIG = {"EndpointName": "endpoint"}, {"EndpointConfigName": "endpoint-config"}
_NEEDED: dict[tuple[str, str], Callable[[Parameters, Region], Iterator[Permission]]] = {
    ("sts", "GetCallerIdentity"): lambda *_: iter(()),  # needs no permission
    ("s3", "GetObject"): _get_object,
    ("s3", "HeadObject"): _get_object,
    ("sts", "AssumeRole"): _assume_role,
    ("s3", "ListObjectsV2"): _list_objects,
    ("s3", "HeadBucket"): _s3("ListBucket"),
    **{
        ("s3", action): _s3("PutObject")
        for action in ("PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload")
    },
    ("s3", "AbortMultipartUpload"): _s3("AbortMultipartUpload"),
    ("s3", "DeleteObject"): _s3("DeleteObject"),
    **{
        ("dynamodb", action): _dynamodb(action)
        for action in ("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan")
    },
    ("dynamodb", "BatchGetItem"): _batch_get_item,
    ("dynamodb", "TransactWriteItems"): _transact_write_items,
    ("events", "PutEvents"): _put_events,
    ("lambda", "Invoke"): _invoke,
    ("cloudwatch", "PutMetricData"): _put_metric_data,
    ("cloudwatch", "DescribeAlarms"): _describe_alarms,
    ("sns", "Publish"): _publish,
    **{("sqs", action): _sqs(action) for action in ("SendMessage", "ReceiveMessage", "DeleteMessage")},
    ("sqs", "ChangeMessageVisibilityBatch"): _sqs("ChangeMessageVisibility"),
    **{("logs", action): _logs(action) for action in ("CreateLogGroup", "CreateLogStream", "PutLogEvents")},
    **{
        ("scheduler", f"{verb}Schedule"): _schedule(f"{verb}Schedule") for verb in ("Create", "Update", "Delete", "Get")
    },
    ("emr-serverless", "StartJobRun"): _start_job_run,
    **{("emr-serverless", action): _job_run(action) for action in ("GetJobRun", "CancelJobRun")},
    ("sagemaker", "CreateProcessingJob"): _create_processing_job,
    ("sagemaker", "DescribeProcessingJob"): _sagemaker("DescribeProcessingJob", **_JOB),
    ("sagemaker", "StopProcessingJob"): _stop_processing_job,
    ("sagemaker", "DescribeEndpoint"): _sagemaker("DescribeEndpoint", **_ENDPOINT),
    ("sagemaker", "DeleteEndpoint"): _sagemaker("DeleteEndpoint", **_ENDPOINT),
    ("sagemaker", "CreateEndpoint"): _sagemaker("CreateEndpoint", **_ENDPOINT, **_CONFIG),
    ("sagemaker", "CreateEndpointConfig"): _sagemaker("CreateEndpointConfig", **_CONFIG),
    ("sagemaker", "DescribeEndpointConfig"): _sagemaker("DescribeEndpointConfig", **_CONFIG),
    ("sagemaker", "DescribeModel"): _sagemaker("DescribeModel", ModelName="model"),
    ("sagemaker", "DescribeTransformJob"): _sagemaker("DescribeTransformJob", TransformJobName="transform-job"),
    ("sagemaker", "DescribeModelPackage"): _describe_model_package,
    ("sagemaker", "DeleteEndpointConfig"): _sagemaker("DeleteEndpointConfig", **_CONFIG),
    ("sagemaker-runtime", "InvokeEndpoint"): _sagemaker("InvokeEndpoint", **_ENDPOINT),
}
