"""From a SAM template on disk to a CloudFormation template and the local folders its code lies in."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml  # type: ignore[import-untyped]
from samtranslator.model.exceptions import InvalidDocumentException
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from modelwatch.local.app_files import layer_folder
from modelwatch.local.errors import LocalStackError
from modelwatch.local.moto_patches.iam import managed_policy_arns

CODE_BUCKET = "aws-sam-cli-managed-local-code"
_FUNCTIONS = ("AWS::Serverless::Function", "AWS::Lambda::Function")
_COPIED_PACKAGE = re.compile(r"^COPY +(?=\S+/(\w+) )(\S+) +\S+/\1/?$", re.MULTILINE)  # a folder, under its own name
_LAYERS = ("AWS::Serverless::LayerVersion", "AWS::Lambda::LayerVersion")


@dataclass(frozen=True, slots=True)
class CodeFolders:
    """Where one function's or layer's code lies.

    Attributes
    ----------
    root : Path
        The function's task root, or the layer's folder.
    python_path : tuple of Path
        Folders to import from, besides the root: what an image copies beside its entry point.
    """

    root: Path
    python_path: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class DeployableTemplate:
    """A CloudFormation template, its parameters' values, and the code behind its keys and image names.

    ``code`` maps the S3 key (or the image name) that a function or layer has in the template to its folders.
    """

    template: dict[str, Any]
    parameters: dict[str, str]
    code: dict[str, CodeFolders]


def read_template(path: Path) -> dict[str, Any]:
    """Read a YAML or JSON template, with CloudFormation's short forms such as ``!Ref`` written out."""
    try:
        template = yaml.load(path.read_text("utf-8"), Loader=_Loader)  # noqa: S506 - a SafeLoader
    except OSError as error:
        raise LocalStackError("TemplateNotFound", f"{path} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise LocalStackError("InvalidTemplate", f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(template, dict) or not isinstance(template.get("Resources"), dict):
        raise LocalStackError("InvalidTemplate", f"{path} has no Resources.")
    typed = {**_as_map(template.get("Parameters")), **template["Resources"]}
    if untyped := [str(name) for name, entry in typed.items() if not isinstance(_as_map(entry).get("Type"), str)]:
        raise LocalStackError("InvalidTemplate", f"{path} says no Type for {', '.join(untyped)}.")
    return template


def make_deployable(path: Path, *, parameters: Mapping[str, str], region: str) -> DeployableTemplate:
    """Transform a SAM template as CloudFormation would, with its code left where it lies on disk.

    Parameters
    ----------
    path : Path
        The template. What it points at is looked up beside it.
    parameters : Mapping
        Values for its parameters; the others take their defaults.
    region : str
        The region it is deployed to.

    Raises
    ------
    LocalStackError
        ``InvalidTemplate``, ``InvalidParameters`` or ``CodeNotFound``, naming every place.
    """
    template = read_template(path)
    values = parameter_values(template.get("Parameters", {}), parameters)
    code = _point_code_at_keys(template, path)
    if "AWS::Serverless-2016-10-31" in _as_list(template.get("Transform")):
        template = _translate(template, values, region)
    return DeployableTemplate(template, values, code)


def parameter_values(declared: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, str]:
    """Return every parameter's value, after the checks that CloudFormation makes."""
    wrong = [f"{name} is not a parameter of the template" for name in given if name not in declared]
    values = {}
    for name, declaration in declared.items():
        value = given.get(name, declaration.get("Default"))
        if value is None:
            wrong.append(f"{name} has no default and needs a value")
            continue
        values[name] = str(value)
        wrong += [f"{name} {why}" for why in _why_not_allowed(values[name], declaration)]
    if wrong:
        raise LocalStackError("InvalidParameters", "; ".join(wrong) + ".")
    return values


def _why_not_allowed(value: str, declaration: Mapping[str, Any]) -> list[str]:
    why = []
    allowed = [str(choice) for choice in declaration.get("AllowedValues", [])]
    items = value.split(",") if "List" in declaration["Type"] else [value]
    if allowed and not set(items) <= set(allowed):
        why.append(f"must be one of {', '.join(allowed)}")
    pattern = declaration.get("AllowedPattern")
    if pattern and not all(re.fullmatch(pattern, item) for item in items):
        why.append(declaration.get("ConstraintDescription", f"must match {pattern}"))
    if not int(declaration.get("MinLength", 0)) <= len(value) <= int(declaration.get("MaxLength", 4096)):
        why.append("is too short or too long")
    if declaration["Type"] == "Number":
        try:
            low, high = float(declaration.get("MinValue", "-inf")), float(declaration.get("MaxValue", "inf"))
            if not low <= float(value) <= high:
                why.append(f"must lie between {low:g} and {high:g}")
        except ValueError:
            why.append("must be a number")
    return why


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
        translator.metrics.publish()  # to nobody: it warns of what was measured and never published
    return translated


def _point_code_at_keys(template: dict[str, Any], path: Path) -> dict[str, CodeFolders]:
    """Rewrite local paths to keys of a bucket, as ``sam package`` does, and return what lies behind each."""
    defaults = template.get("Globals", {}).get("Function", {})
    code: dict[str, CodeFolders] = {}
    missing = []
    for logical_id, resource in template["Resources"].items():
        kind, properties = resource.get("Type"), resource.setdefault("Properties", {})
        if kind in _FUNCTIONS:
            folders = _function_code(logical_id, resource, properties, defaults, path)
        elif kind in _LAYERS:
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
        return None  # the code lies in the template itself
    serverless = resource["Type"] == "AWS::Serverless::Function"
    given = properties.get("CodeUri", defaults.get("CodeUri")) if serverless else properties.get("Code")
    root = _local_path(logical_id, given, path)
    if serverless:
        properties["CodeUri"] = {"Bucket": CODE_BUCKET, "Key": logical_id}
    else:
        properties["Code"] = {"S3Bucket": CODE_BUCKET, "S3Key": logical_id}
    return CodeFolders(root)


def _image_code(logical_id: str, resource: dict[str, Any], properties: dict[str, Any], path: Path) -> CodeFolders:
    """Return the Dockerfile's folder, which is the entry point, and where the packages lie that it copies beside it."""
    metadata = resource.get("Metadata", {})
    if not {"DockerContext", "Dockerfile"} <= metadata.keys():
        raise LocalStackError(
            "CodeNotFound", f"{logical_id} is an image without Metadata DockerContext and Dockerfile: nothing to run."
        )
    context = path.parent / metadata["DockerContext"]
    properties["ImageUri"] = f"local:{logical_id}"
    dockerfile = (context / metadata["Dockerfile"]).resolve()
    if not dockerfile.is_file():
        raise LocalStackError("CodeNotFound", f"{logical_id} has no Dockerfile {dockerfile}.")
    copied = (Path(source) for _, source in _COPIED_PACKAGE.findall(dockerfile.read_text("utf-8")))
    folders = dict.fromkeys(layer_folder(context / path.name, str(package.parent)) for package in copied)
    return CodeFolders(dockerfile.parent, tuple(folders))


def _layer_code(logical_id: str, resource: dict[str, Any], properties: dict[str, Any], path: Path) -> CodeFolders:
    member = "ContentUri" if resource["Type"] == "AWS::Serverless::LayerVersion" else "Content"
    given = properties.get(member)
    if not isinstance(given, str):
        raise _no_local_code(logical_id, given)
    folder = layer_folder(path, given)
    built = "BuildMethod" in resource.get("Metadata", {})  # then the folder becomes the layer's python/
    properties[member] = (
        {"Bucket": CODE_BUCKET, "Key": logical_id}
        if member == "ContentUri"
        else {"S3Bucket": CODE_BUCKET, "S3Key": logical_id}
    )
    return CodeFolders(folder if built else folder / "python")


def _local_path(logical_id: str, given: Any, path: Path) -> Path:
    if not isinstance(given, str) or given.startswith("s3://"):
        raise _no_local_code(logical_id, given)
    return (path.parent / given).resolve()


def _no_local_code(logical_id: str, given: Any) -> LocalStackError:
    return LocalStackError("CodeNotFound", f"The code of {logical_id} is no local folder but {given!r}.")


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _as_map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    """YAML in which dates stay text (a policy's Version is none) and ``!Name`` means ``Fn::Name``."""

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
