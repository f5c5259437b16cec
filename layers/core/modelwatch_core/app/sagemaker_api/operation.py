"""What all operations of SageMaker's API have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic import BaseModel

from modelwatch_core.app.manage_monitors import ManageMonitors, ManageMonitorsRequest
from modelwatch_core.domain.sagemaker_api.responses import given
from modelwatch_core.ports import JobDefinitions


class NotOurs(Exception):
    """The operation concerns what the app does not have, and SageMaker may."""


@dataclass(frozen=True, slots=True)
class App:
    """What the operations are carried out by."""

    monitors: ManageMonitors
    definitions: JobDefinitions

    def manage(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Carry out one of the app's own operations; a parameter that is None is not given."""
        return self.manage_whole(operation, given(**parameters))

    def manage_whole(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """Carry out one of the app's own operations; None takes a parameter of a schedule back to its default."""
        return self.monitors(ManageMonitorsRequest(operation=operation, parameters=parameters))

    @property
    def arns(self) -> str:
        """How SageMaker's ARNs begin."""
        return self.monitors.arn_prefix


def page_of(response: Mapping[str, Any], records: str, shown: Callable[[Any], Any], *, name: str) -> dict[str, Any]:
    """Return a page of a list as SageMaker has it; it knows no records that cannot be read.

    Parameters
    ----------
    records, name : str
        What the records are called in the app's own response, and in SageMaker's.
    """
    found = [shown(each) for each in response[records] if "unreadable" not in each]
    return given(**{name: found}, NextToken=response["next_token"])


class Operation(NamedTuple):
    """One operation: what its request must be, and what carries it out."""

    request: type[BaseModel]
    carry_out: Callable[[App, Any], dict[str, Any]]
