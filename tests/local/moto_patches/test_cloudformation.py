"""CloudFormation creates what moto leaves out, and resolves references as AWS does."""

from __future__ import annotations

import pytest

from modelwatch.local import LocalStack, LocalStackError
from modelwatch.local.moto_patches.hooks import CreatedResource
from modelwatch.local.moto_patches.stack_updates import ExternalResource
from tests.local.conftest import Deployer

pytestmark = pytest.mark.long_setup  # one stack for the module

RESOURCES = """
Bus: {Type: AWS::Events::EventBus, Properties: {Name: bus}}
Lib: {Type: AWS::Serverless::LayerVersion, Metadata: {BuildMethod: python3.13}, Properties: {ContentUri: function}}
Role:
  Type: AWS::IAM::Role
  Properties:
    AssumeRolePolicyDocument:
      Version: 2012-10-17
      Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: sts:AssumeRole}]
    ManagedPolicyArns: [arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess]
    Policies:
      - !If [Never, {PolicyName: never, PolicyDocument: {}}, !Ref AWS::NoValue]
      - PolicyName: always
        PolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow, Action: "s3:*", Resource: "*"}]}
Group: {Type: AWS::Scheduler::ScheduleGroup}
"""
OUTPUTS = """
Bus: {Value: !Ref Bus}
Lib: {Value: !Ref Lib}
RoleName: {Value: !Ref Role}
GroupArn: {Value: !GetAtt Group.Arn}
Group: {Value: !Ref Group}
"""


@pytest.fixture(scope="module")
def stack(deploy_once: Deployer) -> LocalStack:
    parameters = "Names: {Type: CommaDelimitedList, Default: 'a,b'}"
    return deploy_once(RESOURCES, Outputs=OUTPUTS, Conditions="Never: !Equals [a, b]", Parameters=parameters)


def test_an_aws_no_value_in_a_list_leaves_no_gap(stack: LocalStack) -> None:
    assert stack.client("iam").list_role_policies(RoleName=stack.outputs["RoleName"])["PolicyNames"] == ["always"]


def test_ref_and_get_att_return_names_and_arns(stack: LocalStack) -> None:
    assert stack.outputs["Bus"] == "bus"
    assert stack.outputs["Lib"].startswith("arn:aws:lambda:us-east-1:123456789012:layer:")
    assert stack.outputs["GroupArn"].endswith(f":schedule-group/{stack.outputs['Group']}")


def test_a_list_among_the_parameters_is_described_with_commas(stack: LocalStack) -> None:
    (described,) = stack.client("cloudformation").describe_stacks(StackName=stack.name)["Stacks"]
    assert described["Parameters"] == [{"ParameterKey": "Names", "ParameterValue": "a,b"}]


def test_aws_managed_policies_are_attached_to_a_role(stack: LocalStack) -> None:
    (attached,) = stack.client("iam").list_attached_role_policies(RoleName=stack.outputs["RoleName"])[
        "AttachedPolicies"
    ]
    assert attached["PolicyArn"] == "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"


def test_an_unsupported_attribute_is_refused_with_the_supported_ones() -> None:
    resource = ExternalResource(CreatedResource("g", {"Arn": "arn:g"}), "AWS::Scheduler::ScheduleGroup", "Group", {})
    assert resource.get_cfn_attribute("Arn") == "arn:g"
    with pytest.raises(LocalStackError, match=r"no attribute State of Group .*; available: Arn"):
        resource.get_cfn_attribute("State")
