"""The ledger's table as the template defines it, on an emulated AWS."""

from __future__ import annotations

from typing import Any

from samtranslator.yaml_helper import yaml_parse

from tests.repository import ROOT


def create_ledger_table(aws: Any, name: str = "ledger") -> Any:
    """Create the table.

    Parameters
    ----------
    aws : module or session
        What gives resources: ``boto3``.
    """
    template = yaml_parse((ROOT / "template.yaml").read_text())
    properties = template["Resources"]["Ledger"]["Properties"]
    names = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
    return aws.resource("dynamodb").create_table(TableName=name, **{each: properties[each] for each in names})
