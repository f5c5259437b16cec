"""Authorizes the calls of roles as IAM does, so that a missing permission shows on this machine."""

from __future__ import annotations

from dataclasses import dataclass

from modelwatch.local.iam_policies import Permission, allows
from modelwatch.local.iam_requests import Region, needed
from modelwatch.local.key_requests import needed_of_keys
from modelwatch.local.moto_patches.iam import statements_of
from modelwatch.local.moto_patches.requests import Operation


@dataclass(frozen=True, slots=True)
class Authorization:
    """What a role's call needs, and the first permission that the role does not have."""

    needed: tuple[Permission, ...] = ()
    refused: str | None = None


def authorize(principal: str, operation: Operation, region: Region) -> Authorization:
    """Return what an operation needs of a role, and what the role lacks.

    The operator and service principals may do everything: resource policies and trust policies are not evaluated.
    """
    statements = statements_of(principal)
    if statements is None:
        return Authorization()
    permissions = (*needed(operation, region), *needed_of_keys(operation, region.name))
    lacking = (permission for permission in permissions if not allows(statements, permission))
    return Authorization(permissions, next(map(str, lacking), None))
