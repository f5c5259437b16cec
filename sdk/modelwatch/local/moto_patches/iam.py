"""IAM.

moto has AWS's managed policies only if it loads all of them at each start, so they are registered one at a time. It
evaluates no conditions, so the policies of a role are read here and evaluated in `modelwatch.local.iam_policies`.
Nothing is replaced.
"""

from __future__ import annotations

import ast
import json
from functools import cache
from typing import Any

from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, iam_backends
from moto.sts.models import sts_backends

from modelwatch.local.iam_policies import Statement
from modelwatch.local.moto_patches.hooks import ACCOUNT_ID


def managed_policy_arns() -> dict[str, str]:
    """Return the ARN of each AWS managed policy, by name."""
    return {name: f"arn:aws:iam::aws:policy{policy['Path']}{name}" for name, policy in _managed_policies().items()}


def register_managed_policy(arn: str) -> None:
    """Make one AWS managed policy available in the emulator's IAM."""
    name = arn.rpartition("/")[2]
    if arn.startswith("arn:aws:iam::aws:policy/") and name in _managed_policies():
        registered = iam_backends[ACCOUNT_ID]["aws"].managed_policies
        registered.setdefault(arn, AWSManagedPolicy.from_data(name, ACCOUNT_ID, "us-east-1", _managed_policies()[name]))


def role_of(access_key_id: str | None) -> str | None:
    """Return the name of the role whose assumption created an access key, or None."""
    session = _session_of(access_key_id)
    return session and str(session.role_arn).rpartition("/")[2]


def session_policy_of(access_key_id: str | None) -> list[Statement] | None:
    """Return the statements of the policy with which a role was assumed, or None if there was none."""
    session = _session_of(access_key_id)
    return _listed(_parsed(session.policy)["Statement"]) if session and session.policy else None


def _session_of(access_key_id: str | None) -> Any:
    if access_key_id is None:
        return None
    backends = (backend for partitions in list(sts_backends.values()) for backend in list(partitions.values()))
    found = (backend.get_assumed_role_from_access_key(access_key_id) for backend in backends)
    return next(filter(None, found), None)


def arn_of(role_name: str) -> str | None:
    """Return the ARN of a role, or None if there is none."""
    role = _role(role_name)
    return role and str(role.arn)


def trust_of(role_arn: str) -> list[Statement]:
    """Return the statements that say who may assume a role; none if there is no such role."""
    role = _role(role_arn.rpartition("/")[2])
    return [] if role is None else _statements(role.assume_role_policy_document)


def _role(name: str) -> Any:
    roles = iam_backends[ACCOUNT_ID]["aws"].roles
    return next((role for role in list(roles.values()) if role.name == name), None)


def statements_of(role_name: str) -> list[Statement] | None:
    """Return the statements of all policies of a role, inline and attached; None if there is no such role."""
    role = _role(role_name)
    if role is None:
        return None
    attached = [
        version.document
        for policy in list(role.managed_policies.values())
        for version in policy.versions
        if version.version_id == policy.default_version_id
    ]
    return [statement for document in (*role.policies.values(), *attached) for statement in _statements(document)]


def _statements(document: str | dict[str, Any]) -> list[Statement]:
    return _listed((_parsed(document) if isinstance(document, str) else document)["Statement"])


@cache  # each call of a role asks for the same few documents
def _parsed(document: str) -> dict[str, Any]:
    try:
        return dict(json.loads(document))
    except ValueError:  # moto keeps some documents as the text of a Python dict
        return dict(ast.literal_eval(document))


def _listed(statements: Any) -> list[Statement]:
    return list(statements) if isinstance(statements, list) else [statements]


@cache
def _managed_policies() -> dict[str, Any]:
    return dict(json.loads(aws_managed_policies_data))
