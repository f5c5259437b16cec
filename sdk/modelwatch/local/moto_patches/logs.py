"""CloudWatch Logs.

moto's ``Fn::GetAtt`` of a log group's ``Arn`` lacks the ``:*`` by which CloudFormation's names all of its streams, and
it drops what is logged more than two hours ahead of the machine's clock, or two weeks behind it.
"""

from __future__ import annotations

from typing import Any

from moto.logs import models
from moto.logs.models import LogGroup

from modelwatch.local.moto_patches.hooks import Hooks, Replacement


def replacements(hooks: Hooks) -> list[Replacement]:
    """Return what is replaced in moto's CloudWatch Logs."""
    original = LogGroup.get_cfn_attribute

    def get_cfn_attribute(self: Any, attribute_name: str) -> str:
        suffix = ":*" if attribute_name == "Arn" else ""
        return f"{original(self, attribute_name)}{suffix}"

    return [
        Replacement(LogGroup, "get_cfn_attribute", get_cfn_attribute),
        Replacement(models, "utcnow", lambda: hooks.now().replace(tzinfo=None)),
    ]
