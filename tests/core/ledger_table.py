"""The ledger's table as the template defines it, on an emulated AWS."""

from __future__ import annotations

from functools import cache
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from tests.repository import ROOT

ONE_SESSION: Any = {"core": {"reset_boto3_session": False}}
"""For ``mock_aws``: botocore reads the descriptions of services again for each session, in a tenth of a second."""


def create_ledger_table(aws: Any, name: str = "ledger") -> Any:
    """Create the table.

    Parameters
    ----------
    aws : module or session
        What gives resources: ``boto3``.
    """
    return aws.resource("dynamodb").create_table(TableName=name, **_definition())


@cache
def _definition() -> dict[str, Any]:
    properties = yaml_parse((ROOT / "template.yaml").read_text())["Resources"]["Ledger"]["Properties"]
    return {
        name: properties[name]
        for name in ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
    }
