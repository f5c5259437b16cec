"""Authorizes the calls of roles as IAM does, so that a missing permission shows on this machine."""

from __future__ import annotations

from modelwatch.local.iam_policies import allows
from modelwatch.local.iam_requests import Region, needed
from modelwatch.local.moto_patches.iam import statements_of
from modelwatch.local.moto_patches.requests import Operation


def missing_permission(principal: str, operation: Operation, region: Region) -> str | None:
    """Return the first permission that a role lacks for an operation, or None.

    The operator and service principals may do everything: resource policies and trust policies are not evaluated.
    """
    statements = statements_of(principal)
    if statements is None:
        return None
    for permission in needed(operation, region):
        if not allows(statements, permission):
            context = "".join(f", {key} = {', '.join(values)}" for key, values in permission.context.items())
            return f"{permission.action} on {permission.resource}{context}"
    return None
