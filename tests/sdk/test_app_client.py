"""Which app a caller means, without one."""

from __future__ import annotations

import boto3
import pytest

from modelwatch.app_client import app_client


def test_the_default_session_of_boto3_is_used_where_no_session_is_given(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", boto3.Session(region_name="eu-north-1"))
    assert app_client().region == "eu-north-1"


def test_a_region_that_is_set_after_a_call_is_followed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    for region in ("eu-north-1", "eu-west-3"):
        monkeypatch.setenv("AWS_DEFAULT_REGION", region)
        assert app_client().region == region
