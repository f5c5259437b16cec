"""No value of a row leaves the data and the reports: not by logs, events, records, metrics, errors or mails."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from tests.app.deployed_app import HOUR, START, App, started

TEXT, NUMBER, BROKEN, LABEL = "Tonya-Marsh-4411", "887766.55125", "broken-row-5522", "label-of-person-9933"

pytestmark = pytest.mark.long_setup


def captured(number: int, data: str, response: str) -> str:
    side = {"observedContentType": "text/csv", "encoding": "CSV"}
    return json.dumps(
        {
            "captureData": {
                "endpointInput": side | {"mode": "INPUT", "data": data},
                "endpointOutput": side | {"mode": "OUTPUT", "data": response},
            },
            "eventMetadata": {"eventId": f"id-{number}", "inferenceTime": "2026-11-20T09:10:00Z"},
            "eventVersion": "0",
        }
    )


def test_nothing_that_the_app_emits_holds_a_value_of_a_row():
    with started() as stack:
        app = App(stack)
        assert app.make_baseline()["status"] == "Completed"
        app.make_schedule()
        nine = START.replace(minute=0) + HOUR
        lines = [captured(number, f"{NUMBER},{TEXT}", "0.5") for number in range(600)]
        lines += [captured(600, f"{BROKEN},1,2,3", "0.5"), f'{{"captureData": "{BROKEN}"', captured(601, "1", LABEL)]
        app.s3.put_object(
            Bucket="captures", Key="live/loans/AllTraffic/2026/11/20/09/a.jsonl", Body="\n".join(lines).encode()
        )
        # A window in which nothing can be read fails, and says why.
        app.s3.put_object(
            Bucket="captures",
            Key="live/loans/AllTraffic/2026/11/20/10/b.jsonl",
            Body=f'{{"captureData": "{BROKEN}"\n{TEXT}\n'.encode(),
        )
        stack.advance_to(nine + 2 * HOUR + timedelta(minutes=6))
        first, second = app.execution(nine + HOUR), app.execution(nine + 2 * HOUR)
        assert first["monitoring_execution_status"] == "CompletedWithViolations"
        assert first["outcome"]["records"]["malformed"] >= 3
        assert second["monitoring_execution_status"] == "Failed"
        table = stack.client("dynamodb").scan(TableName=stack.outputs["LedgerTableName"])["Items"]
        metrics = stack.client("cloudwatch").list_metrics()["Metrics"]
        emitted = {
            "logs": "".join(map(stack.logs, stack.functions)),
            "records": str(table),
            "metrics": str(metrics),
            "mails": "".join(mail.as_string() + str(mail.get_payload(decode=True)) for mail in stack.mails),
            "events": b"".join(each.payload + each.response for each in stack.invocations).decode(),
            "responses": json.dumps([first, second]),
        }
        assert all(emitted.values())
        assert {
            (name, value) for name, text in emitted.items() for value in (TEXT, NUMBER, BROKEN, LABEL) if value in text
        } == set()
