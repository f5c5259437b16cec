"""Authorizes the calls of roles as IAM does, so that a missing permission shows on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from modelwatch.local.iam_policies import Permission, Statement, allows
from modelwatch.local.iam_requests import Region, needed
from modelwatch.local.key_requests import needed_of_keys
from modelwatch.local.moto_patches.iam import arn_of, statements_of, trust_of
from modelwatch.local.moto_patches.requests import Operation


@dataclass(frozen=True, slots=True)
class Authorization:
    """What a role's call needs, and the first permission that the role does not have."""

    needed: tuple[Permission, ...] = ()
    refused: str | None = None


def authorize(
    principal: str, operation: Operation, region: Region, session: Sequence[Statement] | None = None
) -> Authorization:
    """Return what an operation needs of a role, and what the role lacks.

    A role that assumes another must also be trusted by it. The operator and service principals may do everything, and
    policies of other resources are not evaluated.

    Parameters
    ----------
    session : sequence of Statement, optional
        Those of the session policy, which narrows what the role may do.
    """
    statements = statements_of(principal)
    if statements is None:
        return Authorization()
    permissions = (*needed(operation, region), *needed_of_keys(operation, region.name))
    lacking = (
        permission
        for permission in permissions
        if not allows(statements, permission)
        or (session is not None and not allows(session, permission))
        or (permission.action == "sts:AssumeRole" and not _trusts(permission, principal))
    )
    return Authorization(permissions, next(map(str, lacking), None))


def _trusts(permission: Permission, principal: str) -> bool:
    return allows(trust_of(permission.resource), Permission(permission.action, "*"), principal=arn_of(principal))
