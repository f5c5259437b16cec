"""Reading a template: short forms, parameters, and local code."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelwatch.local.errors import LocalStackError
from modelwatch.local.sam_template import CODE_BUCKET, make_deployable, parameter_values, read_template


def write(folder: Path, text: str) -> Path:
    (folder / "template.yaml").write_text(text)
    return folder / "template.yaml"


def test_short_forms_are_expanded_and_dates_stay_text(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        Resources:
          A: {Type: T, Version: 2012-10-17, R: !Ref X, G: !GetAtt X.Y.Z, S: !Sub "${X}", I: !If [C, !Ref A, 1]}
          B: {Type: T, M: !Sub ["${n}", {n: !Ref X}], C: !And [!Condition Y]}
        """,
    )
    resources = read_template(path)["Resources"]
    assert resources["A"] == {
        "Type": "T",
        "Version": "2012-10-17",
        "R": {"Ref": "X"},
        "G": {"Fn::GetAtt": ["X", "Y.Z"]},
        "S": {"Fn::Sub": "${X}"},
        "I": {"Fn::If": ["C", {"Ref": "A"}, 1]},
    }
    assert resources["B"]["M"] == {"Fn::Sub": ["${n}", {"n": {"Ref": "X"}}]}
    assert resources["B"]["C"] == {"Fn::And": [{"Condition": "Y"}]}


@pytest.mark.parametrize("text", ["a: [", "- 1", "Resources: 3", ""])
def test_a_document_that_is_not_a_template_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(LocalStackError) as caught:
        read_template(write(tmp_path, text))
    assert caught.value.code == "InvalidTemplate"


def test_a_binary_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LocalStackError, match="is not YAML"):
        read_template(tmp_path / "template.yaml")


@pytest.mark.parametrize(
    "text", ["Resources: {X: 5}", "Resources: {X: {}}", "{Parameters: {X: {Default: a}}, Resources: {}}"]
)
def test_entries_without_a_type_are_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(LocalStackError, match=r"has no Type for X\.") as caught:
        read_template(write(tmp_path, text))
    assert caught.value.code == "InvalidTemplate"
    with pytest.raises(LocalStackError) as caught:
        read_template(tmp_path / "none.yaml")
    assert caught.value.code == "TemplateNotFound"


DECLARATIONS = {
    "Stage": {"Type": "String", "Default": "dev", "AllowedValues": ["dev", "prod"]},
    "Days": {"Type": "Number", "Default": 30, "MinValue": 1, "MaxValue": 90},
    "Name": {"Type": "String", "AllowedPattern": "[a-z]+", "MaxLength": 5},
    "Buckets": {"Type": "CommaDelimitedList", "Default": ""},
}


def test_parameters_take_their_defaults_as_text() -> None:
    assert parameter_values(DECLARATIONS, {"Name": "abc"}) == {
        "Stage": "dev",
        "Days": "30",
        "Name": "abc",
        "Buckets": "",
    }


def test_every_invalid_parameter_is_named() -> None:
    with pytest.raises(LocalStackError) as caught:
        parameter_values(DECLARATIONS, {"Stage": "test", "Days": "0", "Nmae": "abc"})
    assert caught.value.code == "InvalidParameters"
    for problem in (
        "Nmae is not a parameter",
        "Name has no default",
        "Stage must be one of dev, prod",
        "Days must be between 1 and 90",
    ):
        assert problem in caught.value.message
    with pytest.raises(LocalStackError, match="Name must match"):
        parameter_values(DECLARATIONS, {"Name": "ABC"})
    with pytest.raises(LocalStackError, match="Days must be a number"):
        parameter_values(DECLARATIONS, {"Name": "abc", "Days": "many"})


SAM = """
Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Runtime: python3.13, Handler: app.handler, Layers: [!Ref Lib]}}
Resources:
  Fn: {Type: AWS::Serverless::Function, Properties: {CodeUri: src/fn}}
  Lib: {Type: AWS::Serverless::LayerVersion, Metadata: {BuildMethod: python3.13}, Properties: {ContentUri: layers/lib}}
  Prebuilt: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: layers/prebuilt}}
"""


def test_code_paths_are_replaced_by_keys_and_the_folders_are_kept(tmp_path: Path) -> None:
    for folder in ("src/fn", "layers/lib", "layers/prebuilt/python"):
        (tmp_path / folder).mkdir(parents=True)
    deployable = make_deployable(write(tmp_path, SAM), parameters={}, region="us-east-1")
    assert deployable.template["Resources"]["Fn"]["Properties"]["Code"] == {"S3Bucket": CODE_BUCKET, "S3Key": "Fn"}
    assert {key: folders.root for key, folders in deployable.code.items()} == {
        "Fn": tmp_path / "src/fn",
        "Lib": tmp_path / "layers/lib",  # sam build copies it to python/
        "Prebuilt": tmp_path / "layers/prebuilt/python",
    }


def test_every_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(LocalStackError) as caught:
        make_deployable(write(tmp_path, SAM), parameters={}, region="us-east-1")
    assert caught.value.code == "CodeNotFound"
    assert all(name in caught.value.message for name in ("Fn (", "Lib (", "Prebuilt ("))


@pytest.mark.parametrize(
    "properties",
    ["{CodeUri: s3://bucket/key}", "{CodeUri: {Bucket: b, Key: k}}", "{PackageType: Image, ImageUri: x}"],
)
def test_a_function_without_local_code_is_refused(tmp_path: Path, properties: str) -> None:
    text = "Transform: AWS::Serverless-2016-10-31\nResources:\n  Fn: {Type: AWS::Serverless::Function, Properties: %s}"
    with pytest.raises(LocalStackError, match="Fn") as caught:
        make_deployable(write(tmp_path, text % properties), parameters={}, region="us-east-1")
    assert caught.value.code == "CodeNotFound"


def test_a_template_that_sam_refuses_is_refused_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "fn").mkdir()
    text = """
    Transform: AWS::Serverless-2016-10-31
    Resources:
      Fn: {Type: AWS::Serverless::Function, Properties: {CodeUri: fn, Handler: a.b, Runtime: python3.13, Evnets: {}}}
    """
    with pytest.raises(LocalStackError, match="Evnets") as caught:
        make_deployable(write(tmp_path, text), parameters={}, region="us-east-1")
    assert caught.value.code == "InvalidTemplate"
