"""CloudFormation.

moto skips resource types that it does not support, stops at the first failure, leaves a null in a list where
AWS::NoValue stood, returns a few resources themselves for their Ref, silently drops properties, describes the
parameters that are lists as Python writes lists, and reads JSON by a parser of YAML, which is slow.
"""

from __future__ import annotations

import json
from typing import Any

import moto.awslambda.models as lambda_models
import moto.events.models as events_models
from moto.cloudformation import parsing
from moto.cloudformation.models import Stack
from moto.core.common_models import CloudFormationModel

from modelwatch.local.errors import LocalStackError
from modelwatch.local.moto_patches.hooks import Hooks, Replacement
from modelwatch.local.moto_patches.stack_updates import ExternalResource, before_update, is_updated
from modelwatch.local.moto_patches.stack_updates import replacements as of_updates

# What Ref returns of a resource whose physical_resource_id moto does not define.
_PHYSICAL_ID_ATTRIBUTES = {events_models.EventBus: "name", lambda_models.LayerVersion: "arn"}


def replacements(hooks: Hooks) -> list[Replacement]:
    """Return what is replaced in moto's CloudFormation."""
    creation = _ResourceCreation(hooks)
    return [
        Replacement(parsing, "clean_json", creation.clean_json),
        Replacement(parsing, "resource_class_from_type", creation.resource_class_from_type),
        Replacement(parsing, "parse_and_create_resource", creation.parse_and_create_resource),
        Replacement(Stack, "parameter_list", property(_parameter_list)),
        Replacement(Stack, "parse_template", staticmethod(_template)),
        *of_updates(hooks.can_create),
    ]


_described, _read = Stack.parameter_list.fget, Stack.parse_template


def _template(text: str) -> dict[str, Any]:
    try:
        return dict(json.loads(text))
    except ValueError:
        return dict(_read(text))


def _parameter_list(stack: Any) -> list[dict[str, Any]]:
    """Describe a list of names as it was given: separated by commas."""
    return [
        parameter
        | {"ParameterValue": ",".join(value) if isinstance(value := parameter["ParameterValue"], list) else value}
        for parameter in _described(stack)
    ]


class _ResourceCreation:
    """How moto creates a stack's resources, combined with the resources that the local stack creates."""

    def __init__(self, hooks: Hooks) -> None:
        self._hooks = hooks
        self._clean_json = parsing.clean_json
        self._resource_class_from_type = parsing.resource_class_from_type
        self._parse_and_create_resource = parsing.parse_and_create_resource
        self._failed: set[str] = set()

    def clean_json(self, value: Any, resources: Any) -> Any:
        """Resolve the intrinsic functions in a value."""
        if isinstance(value, list):
            return [item for item in self._clean_json(value, resources) if item is not None]
        dependency = _referenced_logical_id(value)
        try:
            return _physical_id(self._clean_json(value, resources))
        finally:
            if dependency in self._failed:
                raise LocalStackError("Needed", f"depends on {dependency}, which was not created")

    def resource_class_from_type(self, resource_type: str) -> Any:
        """Return the class that resolves Fn::GetAtt for a resource type."""
        if self._hooks.can_create(resource_type):
            return ExternalResource
        return self._resource_class_from_type(resource_type)

    def parse_and_create_resource(
        self, logical_id: str, document: dict[str, Any], resources: Any, account_id: str, region_name: str
    ) -> Any:
        """Create one resource; a failure is recorded, so that the remaining resources are tried as well."""
        condition = document.get("Condition")
        if condition and not resources.lazy_condition_map[condition]:
            self._hooks.resource_skipped(logical_id)
            return None
        if logical_id in self._failed:
            return None
        try:
            resource = self._create(logical_id, document, resources, account_id, region_name)
            reason = "the local stack does not support this resource type"
        except Exception as error:
            resource, reason = None, error.message if isinstance(error, LocalStackError) else str(error)
        if resource is None:
            try:
                self._hooks.resource_failed(logical_id, reason)
            except LocalStackError:
                if not is_updated(resources):
                    resources.delete()  # a stack that cannot be created is rolled back
                raise
            self._failed.add(logical_id)
        return resource

    def _create(
        self, logical_id: str, document: dict[str, Any], resources: Any, account_id: str, region_name: str
    ) -> Any:
        resource_type = document["Type"]
        properties = self.clean_json(document.get("Properties", {}), resources)
        name = parsing.generate_resource_name(resource_type, resources["AWS::StackName"], logical_id)
        if before := before_update(resources, logical_id):
            return before.updated(resource_type, properties)
        created = self._hooks.create_resource(resource_type, name, properties)
        if created is not None:
            return ExternalResource(created, resource_type, logical_id, properties)
        if resource_type not in parsing.get_model_map():
            return None
        resource = self._parse_and_create_resource(logical_id, document, resources, account_id, region_name)
        self._hooks.resource_created(resource_type, _physical_id(resource), properties)
        return resource


def _physical_id(value: Any) -> Any:
    """Return what Ref returns of a resource; any other value unchanged."""
    if not isinstance(value, CloudFormationModel):
        return value
    return getattr(value, _PHYSICAL_ID_ATTRIBUTES.get(type(value), "physical_resource_id"), "")


def _referenced_logical_id(value: Any) -> str | None:
    """Return the logical id in a Ref or Fn::GetAtt."""
    if not isinstance(value, dict):
        return None
    if "Fn::GetAtt" in value:
        return str(value["Fn::GetAtt"][0])
    reference = value.get("Ref")
    return reference if isinstance(reference, str) else None
