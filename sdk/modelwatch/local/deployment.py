"""Deploys the complete template into the emulator, or names every resource that cannot be created."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from modelwatch.local import resource_types
from modelwatch.local.aws_clients import AwsClients
from modelwatch.local.deliveries import can_deliver_to
from modelwatch.local.errors import LocalStackError
from modelwatch.local.function_settings import FunctionSettings
from modelwatch.local.moto_patches.hooks import CreatedResource
from modelwatch.local.sam_template import CODE_BUCKET, CodeFolders, DeployableTemplate
from modelwatch.local.schedule_expressions import next_due

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


class Deployment:
    """The deployment of one stack into the emulator.

    Parameters
    ----------
    deployable : DeployableTemplate
        What to deploy.
    clients : AwsClients
        Its operator's clients create everything.
    folder : Path
        The folder for inline code of the template.
    """

    def __init__(self, deployable: DeployableTemplate, *, clients: AwsClients, name: str, folder: Path) -> None:
        self.functions: list[FunctionSettings] = []
        self._deployable, self._clients, self._name, self._folder = deployable, clients, name, folder
        self._failures: dict[str, str] = {}
        self._skipped: set[str] = set()
        self._layers: dict[str, Path] = {}
        self._is_done = False

    # What the patch of CloudFormation calls during the creation of the stack.

    def create(self, resource_type: str, name: str, properties: dict[str, Any]) -> CreatedResource | None:
        """Create a resource that moto's CloudFormation does not support."""
        self._check(resource_type, properties)
        return resource_types.create(self._clients.for_operator, resource_type, name, properties)

    def created(self, resource_type: str, physical_id: str, properties: dict[str, Any]) -> None:
        """Add what moto dropped, and record functions and layers."""
        resource_types.complete(self._clients.for_operator, resource_type, physical_id, properties)
        if resource_type == "AWS::Lambda::LayerVersion":
            self._layers[physical_id] = self._deployable.code[properties["Content"]["S3Key"]].root
        if resource_type == "AWS::Lambda::Function":
            self.functions.append(self._settings(physical_id, properties))

    def failed(self, logical_id: str, reason: str) -> None:
        """Record a resource that could not be created; refuse a stack of the user's own that has it."""
        if self._is_done:
            raise LocalStackError("NotDeployed", f"{logical_id} could not be created: {reason}")
        self._failures[logical_id] = reason

    def skipped(self, logical_id: str) -> None:
        """Record a resource whose condition is false."""
        self._skipped.add(logical_id)

    def run(self) -> dict[str, str]:
        """Deploy the template, check that every resource exists, and return the outputs.

        Raises
        ------
        LocalStackError
            ``NotDeployed`` names every resource that was not created, and why.
        """
        self._create_code_objects()
        client = self._clients.for_operator("cloudformation")
        reason = None
        try:
            client.create_stack(
                StackName=self._name,
                TemplateBody=json.dumps(self._deployable.template),
                Parameters=[
                    {"ParameterKey": key, "ParameterValue": value} for key, value in self._deployable.parameters.items()
                ],
                Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
            )
        except ClientError as error:
            reason = error.response["Error"].get("Message", str(error))
        self._refuse_if_missing(reason)
        self._is_done = True
        stack = client.describe_stacks(StackName=self._name)["Stacks"][0]
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}

    def _refuse_if_missing(self, reason: str | None) -> None:
        client = self._clients.for_operator("cloudformation")
        missing = dict(self._failures)
        if reason is None:
            existing = {
                summary["LogicalResourceId"]
                for page in client.get_paginator("list_stack_resources").paginate(StackName=self._name)
                for summary in page["StackResourceSummaries"]
            }
            for logical_id in self._deployable.template["Resources"].keys() - existing - self._skipped:
                missing.setdefault(logical_id, "it was not created, and no reason was given")
        if not missing and reason is None:
            return
        resources = self._deployable.template["Resources"]
        lines = [
            f"{logical_id} ({resources.get(logical_id, {}).get('Type', '?')}): {why}"
            for logical_id, why in sorted(missing.items())
        ]
        if reason is not None:
            lines.append(reason)
        raise LocalStackError(
            "NotDeployed",
            "These resources could not be created; fix or remove them, or give them a condition that is false here:\n  "
            + "\n  ".join(lines),
        )

    def _check(self, resource_type: str, properties: Mapping[str, Any]) -> None:
        """Refuse what could be deployed but would never run."""
        if resource_type == "AWS::Events::Rule":
            for target in properties.get("Targets", []):
                if not can_deliver_to(str(target["Arn"])):
                    raise LocalStackError("NotRunLocally", f"the local stack cannot deliver to {target['Arn']}")
        expression = properties.get("ScheduleExpression")
        if resource_type in ("AWS::Events::Rule", "AWS::Scheduler::Schedule") and expression is not None:
            next_due(expression, _EPOCH, anchor=_EPOCH, timezone=properties.get("ScheduleExpressionTimezone", "UTC"))

    def _create_code_objects(self) -> None:
        """Create the objects that the template names as code; what runs is the folder on disk."""
        s3 = self._clients.for_operator("s3")
        region = s3.meta.region_name
        if region == "us-east-1":
            s3.create_bucket(Bucket=CODE_BUCKET)
        else:
            s3.create_bucket(Bucket=CODE_BUCKET, CreateBucketConfiguration={"LocationConstraint": region})
        for key, folders in self._deployable.code.items():
            s3.put_object(Bucket=CODE_BUCKET, Key=key, Body=str(folders.root).encode())

    def _settings(self, name: str, properties: dict[str, Any]) -> FunctionSettings:
        folders = self._code(name, properties)
        handler = properties.get("Handler") or properties.get("ImageConfig", {}).get("Command", [None])[0]
        if handler is None:
            raise LocalStackError(
                "NoHandler", "it has no handler: add a Handler, or the ImageConfig.Command of an image"
            )
        reserved = properties.get("ReservedConcurrentExecutions")
        client = self._clients.for_operator("lambda")
        return FunctionSettings(
            name=name,
            arn=client.get_function_configuration(FunctionName=name)["FunctionArn"],
            role_arn=properties["Role"],
            handler=handler,
            root=folders.root,
            python_path=(*folders.python_path, *map(self._layer, properties.get("Layers", []))),
            variables={
                key: str(value) for key, value in properties.get("Environment", {}).get("Variables", {}).items()
            },
            timeout=float(properties.get("Timeout", 3)),
            memory_size=int(properties.get("MemorySize", 128)),
            reserved_concurrency=None if reserved is None else int(reserved),
            dead_letter_arn=properties.get("DeadLetterConfig", {}).get("TargetArn"),
            logging=properties.get("LoggingConfig", {}),
            runtime=properties.get("Runtime", ""),
            is_traced=properties.get("TracingConfig", {}).get("Mode") == "Active",
        )

    def _code(self, name: str, properties: dict[str, Any]) -> CodeFolders:
        code = properties["Code"]
        if "ZipFile" in code:
            folder = self._folder / "inline" / name
            folder.mkdir(parents=True)
            (folder / "index.py").write_text(code["ZipFile"], "utf-8")
            return CodeFolders(folder)
        key = code.get("S3Key") or code["ImageUri"].partition(":")[2]
        return self._deployable.code[key]

    def _layer(self, arn: str) -> Path:
        if arn not in self._layers:
            raise LocalStackError(
                "CodeNotFound",
                f"layer {arn} is not part of this template, so its code is not on this machine; add it to the template",
            )
        return self._layers[arn]
