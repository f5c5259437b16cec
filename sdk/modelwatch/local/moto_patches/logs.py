"""CloudWatch Logs.

moto's ``Fn::GetAtt`` of a log group's ``Arn`` lacks the ``:*`` by which CloudFormation's names all of its streams. Its
FilterLogEvents looks into all streams where a prefix of their names is given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from moto.logs.models import LogGroup
from moto.logs.responses import LogsResponse

from modelwatch.local.moto_patches.hooks import Hooks, Replacement


@dataclass(frozen=True, slots=True)
class _NamesWith:
    """Stands for the list of all names that have a prefix."""

    prefix: str

    def __contains__(self, name: str) -> bool:
        return name.startswith(self.prefix)


def replacements(_: Hooks) -> list[Replacement]:
    """Return what is replaced in moto's CloudWatch Logs."""
    original = LogGroup.get_cfn_attribute

    def get_cfn_attribute(self: Any, attribute_name: str) -> str:
        suffix = ":*" if attribute_name == "Arn" else ""
        return f"{original(self, attribute_name)}{suffix}"

    original_parameter = LogsResponse._get_param  # noqa: SLF001 - how its operations read what they are asked

    def get_param(self: Any, param_name: str, if_none: Any = None) -> Any:
        prefix = original_parameter(self, "logStreamNamePrefix") if param_name == "logStreamNames" else None
        return _NamesWith(prefix) if prefix else original_parameter(self, param_name, if_none)

    return [
        Replacement(LogsResponse, "_get_param", get_param, is_new=True),  # of the class that it inherits from
        Replacement(LogGroup, "get_cfn_attribute", get_cfn_attribute),
    ]
