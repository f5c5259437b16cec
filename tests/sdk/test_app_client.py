"""Which app a caller means, without one."""

from __future__ import annotations

import re

import boto3
import pytest

from modelwatch.app_client import AppClient, app_client
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


def test_a_stack_on_this_machine_is_reached_past_the_proxies_of_the_environment():
    session = boto3.Session("local", "local", region_name="us-east-1")
    local = AppClient(session, "modelwatch", "http://127.0.0.1:4566").client("s3")
    assert local.meta.config.proxies == {}
    assert AppClient(session, "modelwatch").client("s3").meta.config.proxies is None
