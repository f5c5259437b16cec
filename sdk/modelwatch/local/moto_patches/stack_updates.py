"""Updates of CloudFormation's stacks: resources that are made outside of moto.

moto would forget them, and removes before it makes. Here they are updated where what their properties say has changed,
whether in the template, in a parameter or in a resource that they refer to; one that gets another physical id, or is in
the template no more, is deleted at the end: "Custom resources" and "Update behaviors of stack resources" in
CloudFormation's guide. What is moto's own is updated as moto does it. An update that fails is undone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from moto.cloudformation.models import Stack
from moto.cloudformation.parsing import ResourceMap
from moto.core.common_models import CloudFormationModel

from modelwatch.local.errors import LocalStackError
from modelwatch.local.moto_patches.hooks import CreatedResource, Replacement


class ExternalResource(CloudFormationModel):  # type: ignore[misc]  # moto has no types
    """A resource created outside of moto's CloudFormation, as its Ref and Fn::GetAtt see it."""

    def __init__(
        self, created: CreatedResource, resource_type: str, logical_id: str, properties: Mapping[str, Any]
    ) -> None:
        self.physical_resource_id = created.physical_id
        self.cf_resource_type, self.logical_resource_id = resource_type, logical_id
        self._created, self.properties = created, properties

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:  # noqa: ARG003 - get_cfn_attribute rejects unknown ones
        """Return that it may have an attribute."""
        return True

    def get_cfn_attribute(self, attribute_name: str) -> str:
        """Return what Fn::GetAtt returns."""
        if attribute_name in self._created.attributes:
            return self._created.attributes[attribute_name]
        raise LocalStackError(
            "UnknownAttribute",
            f"the local stack has no attribute {attribute_name} of {self.logical_resource_id} "
            f"({self.cf_resource_type}); available: {', '.join(self._created.attributes) or 'none'}",
        )

    def is_created(self) -> bool:
        """Return that it is there."""
        return True

    def updated(self, resource_type: str, properties: Mapping[str, Any]) -> ExternalResource:
        """Return the resource as other properties make it."""
        if resource_type != self.cf_resource_type:
            raise LocalStackError("NotUpdated", f"it is a {self.cf_resource_type}, which no update changes")
        if properties == self.properties:
            return self
        if self._created.update is None:
            message = f"the local stack does not update resources of the type {resource_type}; create the stack again"
            raise LocalStackError("NotUpdated", message)
        return ExternalResource(self._created.update(properties), resource_type, self.logical_resource_id, properties)

    def delete(self, account_id: str = "", region_name: str = "") -> None:  # noqa: ARG002 - moto's signature
        """Delete it, if it can be deleted."""
        if self._created.delete:
            self._created.delete()


def before_update(resources: ResourceMap, logical_id: str) -> ExternalResource | None:
    """Return a resource as it was before the update that goes on."""
    found: ExternalResource | None = getattr(resources, _BEFORE, {}).get(logical_id)
    return found


def is_updated(resources: ResourceMap) -> bool:
    """Return whether a stack is being updated."""
    return hasattr(resources, _BEFORE)


_BEFORE = "modelwatch_before_update"
_update_resources, _update_stack = ResourceMap.update, Stack.update


def replacements(can_create: Callable[[str], bool]) -> list[Replacement]:
    """Return what is replaced: the update of a stack's resources, and that of the stack.

    Parameters
    ----------
    can_create : callable
        Returns whether resources of a type are made outside of moto.
    """

    def update_resources(
        resources: ResourceMap, template: dict[str, Any], parameters: dict[str, Any] | None = None
    ) -> None:
        _Update(resources, template, parameters, can_create).run()

    return [Replacement(ResourceMap, "update", update_resources), Replacement(Stack, "update", _updated_stack)]


def _updated_stack(stack: Any, template: str, *arguments: Any, **options: Any) -> None:
    """Update a stack; one that cannot be updated is as it was."""
    was = stack.template
    try:
        _update_stack(stack, template, *arguments, **options)
    except Exception:
        stack.template = was
        stack._parse_template()  # noqa: SLF001 - moto's own update does so, too
        stack.status = "UPDATE_ROLLBACK_COMPLETE"
        stack._add_stack_event("UPDATE_ROLLBACK_COMPLETE")  # noqa: SLF001 - as above
        raise


@dataclass(frozen=True, slots=True)
class _Update:
    resources: Any
    template: dict[str, Any]
    parameters: dict[str, Any] | None
    can_create: Callable[[str], bool]

    def run(self) -> None:
        resources, known = self.resources, self.resources._parsed_resources  # noqa: SLF001 - moto's, as all below
        before = _external(known)
        was = resources._template, resources.input_parameters  # noqa: SLF001 - moto's
        policies = dict(resources._resource_json_map)  # noqa: SLF001 - moto's
        changes = resources.build_resource_diff(self.template, self.parameters)
        for name in before:
            del known[name]  # who refers to it has it updated first
        setattr(resources, _BEFORE, before)
        resources.build_resource_diff = lambda *_: self._of_moto(changes, before)
        try:
            _update_resources(resources, self.template, self.parameters)
            for name in self.template["Resources"]:
                _ = resources[name]
        except Exception:
            after = _external(known)
            self._restore(*was)
            known.update(before)
            _undo(before, after, known)
            raise
        finally:
            delattr(resources, _BEFORE)
            del resources.build_resource_diff
        _clean_up(before, _external(known), policies)

    def _of_moto(
        self, changes: Mapping[str, list[str]], before: Mapping[str, ExternalResource]
    ) -> dict[str, list[str]]:
        """Return the changes that moto makes itself."""
        theirs = {
            name for name, resource in self.template["Resources"].items() if self.can_create(resource["Type"])
        } | before.keys()
        return {action: [name for name in names if name not in theirs] for action, names in changes.items()}

    def _restore(self, template: dict[str, Any], parameters: dict[str, Any]) -> None:
        resources = self.resources
        resources._template, resources.input_parameters = template, parameters  # noqa: SLF001 - moto's
        resources._resource_json_map = template["Resources"]  # noqa: SLF001 - moto's
        resources.load_mapping()
        resources.load_parameters()
        resources.load_conditions()


def _external(known: Mapping[str, Any]) -> dict[str, ExternalResource]:
    return {name: each for name, each in known.items() if isinstance(each, ExternalResource)}


def _undo(before: dict[str, ExternalResource], after: dict[str, ExternalResource], known: dict[str, Any]) -> None:
    """Delete what an update made, and change back what it changed: the latest first."""
    for name, made in reversed(after.items()):
        old = before.get(name)
        if old is None:
            del known[name]
        if old is None or old.physical_resource_id != made.physical_resource_id:
            made.delete()
        elif old is not made:
            made.updated(old.cf_resource_type, old.properties)


def _clean_up(
    before: dict[str, ExternalResource],
    after: dict[str, ExternalResource],
    definitions: Mapping[str, Mapping[str, Any]],
) -> None:
    """Delete what is replaced or gone: what refers to others before these."""
    for name, old in reversed(before.items()):
        is_replaced = name in after and after[name].physical_resource_id != old.physical_resource_id
        policy = definitions[name].get("UpdateReplacePolicy" if is_replaced else "DeletionPolicy")
        if (is_replaced or name not in after) and policy != "Retain":
            old.delete()
