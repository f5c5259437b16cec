"""The ledger's table as the template defines it, on an emulated AWS."""

from __future__ import annotations

from typing import Any

import yaml

from tests.repository import ROOT


class _CloudFormation(yaml.SafeLoader):
    """Reads a template; what an intrinsic function would give does not matter here."""


_CloudFormation.add_multi_constructor("!", lambda *_: None)


def create_ledger_table(aws: Any) -> Any:
    """Create the table.

    Parameters
    ----------
    aws : module or session
        What gives resources: ``boto3``.
    """
    template = yaml.load((ROOT / "template.yaml").read_text(), Loader=_CloudFormation)
    properties = template["Resources"]["Ledger"]["Properties"]
    names = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
    return aws.resource("dynamodb").create_table(TableName="ledger", **{name: properties[name] for name in names})
