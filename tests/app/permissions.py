"""Whether the roles of the deployed functions are granted what the functions were seen to do.

The emulator grants everything, so that a missing permission would show in AWS only. Only actions are compared, not
resources and conditions.
"""

from __future__ import annotations

import ast
from fnmatch import fnmatchcase

from modelwatch.local import LocalStack

ACTION_OF_CALL = {
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:CreateMultipartUpload": "s3:PutObject",
    "s3:UploadPart": "s3:PutObject",
    "s3:CompleteMultipartUpload": "s3:PutObject",
    "dynamodb:TransactWriteItems": "dynamodb:PutItem",
    "lambda:Invoke": "lambda:InvokeFunction",
    "monitoring:PutMetricData": "cloudwatch:PutMetricData",
    "sagemaker-runtime:InvokeEndpoint": "sagemaker:InvokeEndpoint",
}
"""IAM's action where it has another name than the call."""


def calls_without_permission(stack: LocalStack) -> set[tuple[str, str]]:
    """Return the actions that functions used without a grant, each with its role."""
    granted = {role: actions_granted(stack, role) for role in function_roles(stack)}
    used = {(call.role, f"{call.service}:{call.action}") for call in stack.calls if call.role in granted}
    return {
        (role, action)
        for role, call in used
        if not any(fnmatchcase(action := ACTION_OF_CALL.get(call, call), pattern) for pattern in granted[role])
    }


def function_roles(stack: LocalStack) -> set[str]:
    functions = stack.client("lambda").list_functions()["Functions"]
    return {function["Role"].rpartition("/")[2] for function in functions}


def actions_granted(stack: LocalStack, role: str) -> set[str]:
    iam = stack.client("iam")
    documents = [
        iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
    ]
    for attached in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        arn = attached["PolicyArn"]
        try:
            version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        except iam.exceptions.NoSuchEntityException:
            continue  # AWS's own, for the log
        documents.append(iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"])
    # moto keeps some documents as the text of a Python dict.
    parsed = [ast.literal_eval(document) if isinstance(document, str) else document for document in documents]
    return {
        action
        for document in parsed
        for statement in document["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }
