"""The emulator's HTTP server takes what AWS's clients send."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from http.client import HTTPConnection

import boto3
import pytest
from botocore.config import Config
from moto.s3.models import s3_backends

from modelwatch.app_client import time_of
from modelwatch.local.clock import VirtualClock
from modelwatch.local.emulator import Emulator


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    emulator = Emulator(port=0, clock=VirtualClock(datetime(2026, 1, 5, tzinfo=UTC)))
    emulator.start()
    yield emulator
    emulator.stop()
    for backends in s3_backends.values():
        for backend in backends.values():
            backend.reset()


@pytest.mark.parametrize("size", [0, 1, 3_000_000])
def test_objects_of_any_size_are_stored(emulator, size):
    config = Config(read_timeout=5, retries={"total_max_attempts": 1})
    s3 = boto3.client("s3", "us-east-1", endpoint_url=emulator.url, config=config, **KEYS)
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="key", Body=b"x" * size)
    assert len(s3.get_object(Bucket="bucket", Key="key")["Body"].read()) == size


def test_a_connection_takes_a_request_after_another(emulator):
    with closing(HTTPConnection(emulator.url.removeprefix("http://"), timeout=10)) as connection:
        connections = set()
        for _ in range(3):
            connection.request("GET", "/")
            assert connection.getresponse().read()
            connections.add(connection.sock.getsockname())
    assert len(connections) == 1


def test_responses_have_the_time_of_the_stack(emulator):
    sts = boto3.client("sts", "us-east-1", endpoint_url=emulator.url, **KEYS)
    response = sts.get_caller_identity()
    assert time_of(response) == datetime(2026, 1, 5, tzinfo=UTC)
    with closing(HTTPConnection(emulator.url.removeprefix("http://"), timeout=10)) as connection:
        connection.request("GET", "/")
        assert connection.getresponse().headers.get_all("Date") == ["Mon, 05 Jan 2026 00:00:00 GMT"]


KEYS = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
