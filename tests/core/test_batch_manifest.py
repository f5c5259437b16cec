"""Manifests of batch transform jobs."""

from __future__ import annotations

import json

import pytest

from modelwatch_core.domain.batch_manifest import manifest_objects
from modelwatch_core.domain.errors import InvalidInput


def test_the_prefix_is_prepended_to_every_name() -> None:
    manifest = [{"prefix": "s3://bucket/job/", "size": 2}, "a.csv", "b/c.csv"]
    assert manifest_objects(json.dumps(manifest).encode(), "m.json") == [
        "s3://bucket/job/a.csv",
        "s3://bucket/job/b/c.csv",
    ]
    assert manifest_objects(b'[{"prefix": "s3://bucket/"}]', "m.json") == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"[1]",
        b'["a"]',
        b"\xff",
        b'[{"prefix": "/etc/"}, "passwd"]',
        b'[{"prefix": "s3://"}, "bucket/key"]',
        b'[{"prefix": "s3://b/"}, 1]',
        b'[{"prefix": "s3://b/"}, {"prefix": "s3://c/"}]',
        b"[" * 100_000,
    ],
)
def test_anything_else_is_refused_with_its_name(content: bytes) -> None:
    with pytest.raises(InvalidInput, match=r"m\.json is not a batch transform manifest") as refused:
        manifest_objects(content, "m.json")
    assert refused.value.code == "InvalidManifest"


@pytest.mark.parametrize("uri", ["s3://two words/a.csv", "s3://*/a.csv", "s3://bucket", "s3://bucket/" + "k" * 1100])
def test_an_object_that_s3_cannot_hold_is_refused(uri: str) -> None:
    with pytest.raises(InvalidInput, match=r"object 1 in m\.json") as refused:
        manifest_objects(json.dumps([{"prefix": uri}, ""]).encode(), "m.json")
    assert refused.value.code == "InvalidManifest"
