"""The local stack shows the pages of the results bucket over HTTP, and nothing else of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from modelwatch.local.results_pages import results_page
from modelwatch.running_stack import PAGES_PATH


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="results")
        for key in ("dashboard/index.html", "monitoring/a/h\u00f6urly/report.html", "monitoring/a/statistics.json"):
            client.put_object(Bucket="results", Key=key, Body=key.encode())
        yield client


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("dashboard/index.html", "GET", 200),
        ("monitoring/a/h%C3%B6urly/report.html", "GET", 200),
        ("monitoring/a/statistics.json", "GET", 404),
        ("dashboard/other.html", "GET", 404),
        ("dashboard/index.html", "PUT", 404),
    ],
)
def test_pages_are_shown_and_nothing_else_is(s3: Any, path: str, method: str, status: int) -> None:
    asked = {"PATH_INFO": f"{PAGES_PATH}{path}", "REQUEST_METHOD": method}
    found, content_type, content = results_page(s3, "results", asked)
    assert found == status
    assert content_type == ("text/html; charset=utf-8" if status == 200 else "text/plain; charset=utf-8")
    assert (b"html" in content) == (status == 200 or b"There" in content)
