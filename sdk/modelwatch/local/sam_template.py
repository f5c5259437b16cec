"""Transforms a SAM template on disk into a CloudFormation template and the local folders of its code."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml  # type: ignore[import-untyped]  # yaml has no types
from samtranslator.model.exceptions import InvalidDocumentException
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from modelwatch.local.app_files import layer_folder
from modelwatch.local.errors import LocalStackError
from modelwatch.local.moto_patches.iam import managed_policy_arns

CODE_BUCKET = "aws-sam-cli-managed-local-code"
_FUNCTIONS = ("AWS::Serverless::Function", "AWS::Lambda::Function")
_COPIED_PACKAGE = re.compile(r"^COPY +(?=\S+/(\w+) )(\S+) +\S+/\1/?$", re.MULTILINE)  # a folder that keeps its name
_LAYERS = ("AWS::Serverless::LayerVersion", "AWS::Lambda::LayerVersion")


@dataclass(frozen=True, slots=True)
class CodeFolders:
    """The folders of a function's or layer's code.

    Attributes
    ----------
    root : Path
        The function's task root, or the layer's folder.
    python_path : tuple of Path
        Further folders to import from: what an image copies next to its entry point.
    """

    root: Path
    python_path: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class DeployableTemplate:
    """A CloudFormation template, the values of its parameters, and the folders of its code.

    ``code`` maps the S3 key or image name of each function and layer in the template to its folders.
    """

    template: dict[str, Any]
    parameters: dict[str, str]
    code: dict[str, CodeFolders]


def read_template(path: Path) -> dict[str, Any]:
    """Read a YAML or JSON template, expanding CloudFormation's short forms such as ``!Ref``."""
    try:
        template = yaml.load(path.read_text("utf-8"), Loader=_Loader)  # noqa: S506 - the loader is a SafeLoader
    except OSError as error:
        raise LocalStackError("TemplateNotFound", f"{path} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise LocalStackError("InvalidTemplate", f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(template, dict) or not isinstance(template.get("Resources"), dict):
        raise LocalStackError(
            "InvalidTemplate", f"{path} has no Resources; it is not a CloudFormation or SAM template."
        )
    typed = {**_as_map(template.get("Parameters")), **template["Resources"]}
    if untyped := [str(name) for name, entry in typed.items() if not isinstance(_as_map(entry).get("Type"), str)]:
        raise LocalStackError("InvalidTemplate", f"{path} has no Type for {', '.join(untyped)}.")
    return template


def make_deployable(path: Path, *, parameters: Mapping[str, str], region: str) -> DeployableTemplate:
    """Transform a SAM template as CloudFormation does, leaving its code where it is on disk.

    Parameters
    ----------
    path : Path
        The template. Relative paths in it are resolved from its folder.
    parameters : Mapping
        Values for its parameters; the others have their defaults.
    region : str
        The region to deploy to.

    Raises
    ------
    LocalStackError
        ``TemplateNotFound``, ``InvalidTemplate``, ``InvalidParameters`` or ``CodeNotFound``, naming every problem.
    """
    template = read_template(path)
    values = parameter_values(template.get("Parameters", {}), parameters)
    code = _replace_code_paths(template, path)
    if "AWS::Serverless-2016-10-31" in _as_list(template.get("Transform")):
        template = _translate(template, values, region)
    return DeployableTemplate(template, values, code)


def parameter_values(declarations: Mapping[str, Any], overrides: Mapping[str, str]) -> dict[str, str]:
    """Return the value of every parameter, checked as CloudFormation checks it."""
    problems = [f"{name} is not a parameter of the template" for name in overrides if name not in declarations]
    values = {}
    for name, declaration in declarations.items():
        value = overrides.get(name, declaration.get("Default"))
        if value is None:
            problems.append(f"{name} has no default and needs a value")
            continue
        values[name] = str(value)
        problems += [f"{name} {problem}" for problem in _constraint_violations(values[name], declaration)]
    if problems:
        raise LocalStackError("InvalidParameters", "; ".join(problems) + ".")
    return values


def _constraint_violations(value: str, declaration: Mapping[str, Any]) -> list[str]:
    problems = []
    allowed = [str(choice) for choice in declaration.get("AllowedValues", [])]
    items = value.split(",") if "List" in declaration["Type"] else [value]
    if allowed and not set(items) <= set(allowed):
        problems.append(f"must be one of {', '.join(allowed)}")
    pattern = declaration.get("AllowedPattern")
    if pattern and not all(re.fullmatch(pattern, item) for item in items):
        problems.append(declaration.get("ConstraintDescription", f"must match {pattern}"))
    if not int(declaration.get("MinLength", 0)) <= len(value) <= int(declaration.get("MaxLength", 4096)):
        problems.append("is too short or too long")
    if declaration["Type"] == "Number":
        try:
            low, high = float(declaration.get("MinValue", "-inf")), float(declaration.get("MaxValue", "inf"))
            if not low <= float(value) <= high:
                problems.append(f"must be between {low:g} and {high:g}")
        except ValueError:
            problems.append("must be a number")
    return problems


def _translate(template: dict[str, Any], values: dict[str, str], region: str) -> dict[str, Any]:
    translator = Translator(None, Parser(), boto_session=SimpleNamespace(region_name=region))
    try:
        translated: dict[str, Any] = translator.translate(
            copy.deepcopy(template), dict(values), get_managed_policy_map=managed_policy_arns
        )
    except InvalidDocumentException as error:
        causes = "; ".join(cause.message for cause in error.causes)
        raise LocalStackError("InvalidTemplate", f"SAM refuses the template: {causes}") from error
    finally:
        translator.metrics.publish()  # goes nowhere, but metrics that are never published cause a warning
    return translated


def _replace_code_paths(template: dict[str, Any], path: Path) -> dict[str, CodeFolders]:
    """Replace local paths by keys of a bucket, as ``sam package`` does, and return the folders of each key."""
    defaults = template.get("Globals", {}).get("Function", {})
    code: dict[str, CodeFolders] = {}
    missing = []
    for logical_id, resource in template["Resources"].items():
        resource_type, properties = resource.get("Type"), resource.setdefault("Properties", {})
        if resource_type in _FUNCTIONS:
            folders = _function_code(logical_id, resource, properties, defaults, path)
        elif resource_type in _LAYERS:
            folders = _layer_code(logical_id, resource, properties, path)
        else:
            continue
        if folders is None:
            continue
        code[logical_id] = folders
        missing += [
            f"{logical_id} ({folder})" for folder in (folders.root, *folders.python_path) if not folder.is_dir()
        ]
    if missing:
        raise LocalStackError("CodeNotFound", f"No such folder: {', '.join(missing)}.")
    return code


def _function_code(
    logical_id: str, resource: dict[str, Any], properties: dict[str, Any], defaults: dict[str, Any], path: Path
) -> CodeFolders | None:
    if properties.get("PackageType") == "Image":
        return _image_code(logical_id, resource, properties, path)
    if "InlineCode" in properties or "ZipFile" in _as_map(properties.get("Code")):
        return None  # the code is in the template itself
    serverless = resource["Type"] == "AWS::Serverless::Function"
    code = properties.get("CodeUri", defaults.get("CodeUri")) if serverless else properties.get("Code")
    root = _local_path(logical_id, code, path)
    if serverless:
        properties["CodeUri"] = {"Bucket": CODE_BUCKET, "Key": logical_id}
    else:
        properties["Code"] = {"S3Bucket": CODE_BUCKET, "S3Key": logical_id}
    return CodeFolders(root)


def _image_code(logical_id: str, resource: dict[str, Any], properties: dict[str, Any], path: Path) -> CodeFolders:
    """Return the Dockerfile's folder, which has the entry point, and the folders of the packages that it copies."""
    metadata = resource.get("Metadata", {})
    if not {"DockerContext", "Dockerfile"} <= metadata.keys():
        raise LocalStackError(
            "CodeNotFound", f"{logical_id} is an image, so its Metadata must have DockerContext and Dockerfile."
        )
    context = path.parent / metadata["DockerContext"]
    properties["ImageUri"] = f"local:{logical_id}"
    dockerfile = (context / metadata["Dockerfile"]).resolve()
    if not dockerfile.is_file():
        raise LocalStackError("CodeNotFound", f"The Dockerfile of {logical_id} does not exist: {dockerfile}.")
    copied = (Path(source) for _, source in _COPIED_PACKAGE.findall(dockerfile.read_text("utf-8")))
    folders = dict.fromkeys(layer_folder(context / path.name, str(package.parent)) for package in copied)
    return CodeFolders(dockerfile.parent, tuple(folders))


def _layer_code(logical_id: str, resource: dict[str, Any], properties: dict[str, Any], path: Path) -> CodeFolders:
    member = "ContentUri" if resource["Type"] == "AWS::Serverless::LayerVersion" else "Content"
    uri = properties.get(member)
    if not isinstance(uri, str):
        raise _no_local_code(logical_id, uri)
    folder = layer_folder(path, uri)
    built = "BuildMethod" in resource.get("Metadata", {})  # then SAM copies the folder to the layer's python/
    properties[member] = (
        {"Bucket": CODE_BUCKET, "Key": logical_id}
        if member == "ContentUri"
        else {"S3Bucket": CODE_BUCKET, "S3Key": logical_id}
    )
    return CodeFolders(folder if built else folder / "python")


def _local_path(logical_id: str, uri: Any, path: Path) -> Path:
    if not isinstance(uri, str) or uri.startswith("s3://"):
        raise _no_local_code(logical_id, uri)
    return (path.parent / uri).resolve()


def _no_local_code(logical_id: str, uri: Any) -> LocalStackError:
    return LocalStackError("CodeNotFound", f"The code of {logical_id} must be a folder on this machine, not {uri!r}.")


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _as_map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # yaml has no types
    """YAML in which dates stay text (a policy's Version is not a date) and ``!Name`` means ``Fn::Name``."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - as the base class has it
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def _short_form(loader: yaml.SafeLoader, name: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.MappingNode):
        value: Any = loader.construct_mapping(node, deep=True)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_scalar(node)
        if name == "GetAtt":
            value = value.split(".", 1)
    return {name if name in ("Ref", "Condition") else f"Fn::{name}": value}


_Loader.add_multi_constructor("!", _short_form)
