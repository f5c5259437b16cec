"""The template, deployed whole into the emulator, or a refusal that names what is missing."""

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
from modelwatch.local.functions import FunctionSettings
from modelwatch.local.moto_patches.hooks import CreatedResource
from modelwatch.local.sam_template import CODE_BUCKET, CodeFolders, DeployableTemplate
from modelwatch.local.schedule_expressions import next_due

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


class Deployment:
    """One stack on its way into the emulator.

    Parameters
    ----------
    deployable : DeployableTemplate
        What to deploy.
    clients : AwsClients
        The operator's clients create everything.
    folder : Path
        Where code that is written in the template is put.
    """

    def __init__(self, deployable: DeployableTemplate, *, clients: AwsClients, name: str, folder: Path) -> None:
        self.functions: list[FunctionSettings] = []
        self._deployable, self._clients, self._name, self._folder = deployable, clients, name, folder
        self._failures: dict[str, str] = {}
        self._skipped: set[str] = set()
        self._layers: dict[str, Path] = {}

    # What the patch of CloudFormation calls while the stack is created.

    def create(self, kind: str, logical_id: str, name: str, properties: dict[str, Any]) -> CreatedResource | None:  # noqa: ARG002
        """Create what moto's CloudFormation lacks."""
        self._check(kind, properties)
        return resource_types.create(self._clients.of_operator, kind, name, properties)

    def created(self, kind: str, physical_id: str, properties: dict[str, Any]) -> None:
        """Complete what moto created, and take note of functions and layers."""
        resource_types.complete(self._clients.of_operator, kind, physical_id, properties)
        if kind == "AWS::Lambda::LayerVersion":
            self._layers[physical_id] = self._deployable.code[properties["Content"]["S3Key"]].root
        if kind == "AWS::Lambda::Function":
            self.functions.append(self._settings(physical_id, properties))

    def failed(self, logical_id: str, reason: str) -> None:
        """Take note of a resource that did not come to exist."""
        self._failures[logical_id] = reason

    def skipped(self, logical_id: str) -> None:
        """Take note of a resource whose condition does not hold."""
        self._skipped.add(logical_id)

    def run(self) -> dict[str, str]:
        """Deploy, compare what exists with the template, and return the outputs.

        Raises
        ------
        LocalStackError
            ``NotDeployed`` names every resource that did not come to exist, and why.
        """
        self._upload_code_keys()
        client = self._clients.of_operator("cloudformation")
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
        stack = client.describe_stacks(StackName=self._name)["Stacks"][0]
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}

    def _refuse_if_missing(self, reason: str | None) -> None:
        client = self._clients.of_operator("cloudformation")
        missing = dict(self._failures)
        if reason is None:
            existing = {
                summary["LogicalResourceId"]
                for page in client.get_paginator("list_stack_resources").paginate(StackName=self._name)
                for summary in page["StackResourceSummaries"]
            }
            for logical_id in self._deployable.template["Resources"].keys() - existing - self._skipped:
                missing.setdefault(logical_id, "it was not created")
        if not missing and reason is None:
            return
        resources = self._deployable.template["Resources"]
        lines = [
            f"{logical_id} ({resources.get(logical_id, {}).get('Type', '?')}): {why}"
            for logical_id, why in sorted(missing.items())
        ]
        if reason is not None:
            lines.append(reason)
        raise LocalStackError("NotDeployed", "These resources did not come to exist:\n  " + "\n  ".join(lines))

    def _check(self, kind: str, properties: Mapping[str, Any]) -> None:
        """Refuse what would be deployed but never run."""
        if kind == "AWS::Events::Rule":
            for target in properties.get("Targets", []):
                if not can_deliver_to(str(target["Arn"])):
                    raise LocalStackError("NotRunLocally", f"the local stack cannot deliver to {target['Arn']}")
        expression = properties.get("ScheduleExpression")
        if kind in ("AWS::Events::Rule", "AWS::Scheduler::Schedule") and expression is not None:
            moment = _EPOCH
            next_due(expression, moment, anchor=moment, timezone=properties.get("ScheduleExpressionTimezone", "UTC"))

    def _upload_code_keys(self) -> None:
        """Put a key where the template says that code lies; what runs is the folder on disk."""
        s3 = self._clients.of_operator("s3")
        where = {} if s3.meta.region_name == "us-east-1" else {"LocationConstraint": s3.meta.region_name}
        s3.create_bucket(Bucket=CODE_BUCKET, **({"CreateBucketConfiguration": where} if where else {}))
        for key, folders in self._deployable.code.items():
            s3.put_object(Bucket=CODE_BUCKET, Key=key, Body=str(folders.root).encode())

    def _settings(self, name: str, properties: dict[str, Any]) -> FunctionSettings:
        folders = self._code(name, properties)
        handler = properties.get("Handler") or properties.get("ImageConfig", {}).get("Command", [None])[0]
        if handler is None:
            raise LocalStackError("NoHandler", "give it a Handler, or an image's ImageConfig.Command")
        reserved = properties.get("ReservedConcurrentExecutions")
        client = self._clients.of_operator("lambda")
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
            raise LocalStackError("CodeNotFound", f"layer {arn} is not of this template, so there is no local folder")
        return self._layers[arn]
