"""IAM's SimulatePrincipalPolicy, which moto does not have: a role's policies are evaluated as they are at calls."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

from modelwatch.local.iam_policies import Permission, allows
from modelwatch.local.moto_patches.iam import statements_of

_NAMESPACE = "https://iam.amazonaws.com/doc/2010-05-08/"


def simulate(parameters: dict[str, Any]) -> bytes:
    """Return the result for each action on each resource, in the form of IAM's API reference.

    Permissions boundaries, and policies of resources, are not evaluated.
    """
    statements = statements_of(parameters["PolicySourceArn"].rpartition("/")[2]) or []
    results = "".join(
        _result(action, resource, allowed=allows(statements, Permission(action, resource)))
        for action in parameters["ActionNames"]
        for resource in parameters.get("ResourceArns") or ["*"]
    )
    result = f"<EvaluationResults>{results}</EvaluationResults><IsTruncated>false</IsTruncated>"
    name = "SimulatePrincipalPolicy"
    return f'<{name}Response xmlns="{_NAMESPACE}"><{name}Result>{result}</{name}Result></{name}Response>'.encode()


def _result(action: str, resource: str, *, allowed: bool) -> str:
    decision = "allowed" if allowed else "implicitDeny"
    return (
        f"<member><EvalActionName>{escape(action)}</EvalActionName><EvalResourceName>{escape(resource)}"
        f"</EvalResourceName><EvalDecision>{decision}</EvalDecision></member>"
    )
