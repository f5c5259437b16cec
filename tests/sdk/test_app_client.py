"""Which app a caller means, without one."""

from __future__ import annotations

import io
import json
import re
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import boto3
import numpy as np
import pytest

from modelwatch.app_client import AppClient, app_client, time_of
from modelwatch.local_session import LocalSession
from tests.repository import ROOT


def test_the_default_session_of_boto3_is_used_where_no_session_is_given(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", boto3.Session(region_name="eu-north-1"))
    assert app_client().region == "eu-north-1"


def test_a_region_that_is_set_after_a_call_is_followed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    for region in ("eu-north-1", "eu-west-3"):
        monkeypatch.setenv("AWS_DEFAULT_REGION", region)
        assert app_client().region == region


def test_no_call_of_a_function_is_repeated_while_the_first_one_still_runs():
    timeouts = [
        int(seconds) for seconds in re.findall(r"^ +Timeout: (\d+)", (ROOT / "template.yaml").read_text(), re.MULTILINE)
    ]
    called = [seconds for seconds in timeouts if seconds < 900]  # the analyzer's, which no client calls
    waits = app_client(boto3.Session(region_name="eu-north-1")).client("lambda").meta.config.read_timeout
    assert waits > max(called)


def test_what_is_given_may_have_arrays_and_numbers_of_numpy():
    sent = []

    def invoke(Payload: bytes, **_: str) -> dict[str, io.BytesIO]:  # noqa: N803 (boto3's name)
        sent.append(json.loads(Payload))
        return {"Payload": io.BytesIO(b"{}")}

    app = AppClient(boto3.Session(region_name="eu-north-1"), "modelwatch")
    app._clients["lambda"] = SimpleNamespace(invoke=invoke)
    app._stack = {"Outputs": [{"OutputKey": "CreateBaselineFunction", "OutputValue": "made"}]}
    app.create_baseline({"baseline": [np.array([0.5, 1])], "value_or_threshold": [np.int64(1)]})
    assert sent == [{"baseline": [[0.5, 1.0]], "value_or_threshold": [1]}]
    with pytest.raises(TypeError, match="a value of the type date was given; write it as a list, a number or a text"):
        app.create_baseline({"baseline": date(2026, 11, 20)})


def test_a_stack_on_this_machine_is_reached_past_the_proxies_of_the_environment():
    session = LocalSession("http://127.0.0.1:4566")
    table = session.resource("dynamodb").Table("ledger")
    for local in (AppClient(session, "modelwatch").client("s3"), table.meta.client):
        assert (local.meta.endpoint_url, local.meta.config.proxies) == ("http://127.0.0.1:4566", {})
    assert boto3.client("s3").meta.config.proxies is None


def test_the_time_is_that_of_the_response_and_of_its_receipt_where_it_has_none():
    headers = {"date": "Fri, 20 Nov 2026 09:30:05 GMT"}
    sent = time_of({"ResponseMetadata": {"HTTPHeaders": headers}})
    assert sent == datetime(2026, 11, 20, 9, 30, 5, tzinfo=UTC)
    received = time_of({"ResponseMetadata": {"HTTPHeaders": {}}})
    assert timedelta(0) <= datetime.now(UTC) - received < timedelta(minutes=1)
