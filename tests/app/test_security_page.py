"""The table of permissions in docs/security.md is that of the template."""

from __future__ import annotations

import re

import pytest

from tests.app.test_template import of_type, resources, source, statements
from tests.repository import ROOT

__all__ = ["resources", "source"]  # fixtures

EVERYWHERE = {
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "sqs:SendMessage",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
LACKED = {"Analyzer": {"sqs:SendMessage"}, "Analysis": EVERYWHERE}


@pytest.fixture(scope="module")
def rows() -> dict[str, list[str]]:
    section = (ROOT / "docs/security.md").read_text().partition("## Permissions by function")[2].partition("\n## ")[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]
    return {name: [reads, actions] for name, reads, actions in cells[2:]}


def test_every_function_is_listed_with_the_actions_of_its_role(resources, rows):
    assert set(rows) == {*of_type(resources, "AWS::Lambda::Function"), "Analysis"}
    for function, (_, text) in rows.items():
        granted = {
            action
            for name, statement in statements(resources)
            if name == f"{function}Role"
            for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
        }
        assert set(re.findall(r"`([\w-]+:\w+)`", text)) == granted - EVERYWHERE, function
        missing = EVERYWHERE - granted
        assert missing == LACKED.get(function, set()), function


def test_every_function_is_listed_with_the_buckets_that_it_reads(resources, rows):
    named = {"ReadResults": "results", "ReadMonitoredData": "monitored"}
    for function, (reads, _) in rows.items():
        attached = resources[f"{function}Role"]["Properties"]["ManagedPolicyArns"]
        policies = [policy.get("Fn::If", [None, policy])[1]["Ref"] for policy in attached]
        assert reads == ", ".join(named[policy] for policy in policies if policy in named), function
