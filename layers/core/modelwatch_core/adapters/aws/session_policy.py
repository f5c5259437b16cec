"""What one analysis may do in AWS: session policies, made of its request alone.

A session has what its role and its policy both allow. STS takes a policy of 2,048 characters at most, and of no more
than fits into a packed form that it does not describe. So there are several for a request, from the narrowest on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from modelwatch_core.domain import s3_layout
from modelwatch_core.domain.analysis import AnalysisRequest
from modelwatch_core.domain.object_patterns import Pattern, widened

LONGEST_POLICY = 2048
"""The most characters of a session policy; "IAM and STS quotas" in the IAM user guide."""

_MOST_PATTERNS = 32
"""More patterns than a policy can hold: each is longer than 64 characters as the ARN of a bucket and a key."""

_LENGTHS = (256, 64, 0)
"""How many characters of keys are kept where even one pattern for each bucket is too long."""

_SPECIAL = re.compile(r"[*?$]")

_THROUGH_S3 = {"StringLike": {"kms:ViaService": "s3.*"}}
"""The condition that keys are used through S3, in any region and partition. The role, or the policy of the key, must
allow it as well."""


def session_policies(request: AnalysisRequest, partition: str) -> Iterator[str]:
    """Yield policies for the session of an analysis, from the narrowest on; each is short enough for STS.

    They allow to read the inputs and what these name, to list keys that begin as those in the same bucket all do, to
    write to the output folders, to call the endpoint that is explained, and to use keys through S3.

    Parameters
    ----------
    partition : str
        The partition of the ARNs: ``aws``, ``aws-cn`` or ``aws-us-gov``.
    """
    patterns = set(_read(request))
    written, endpoint = list(_written(request)), _endpoint(request)
    most = min(len(patterns), _MOST_PATTERNS)
    while most:
        policy = _policy(widened(patterns, most), written, endpoint, partition)
        fits = len(policy) <= LONGEST_POLICY
        if fits:
            yield policy
        most = most // 2 if fits else most - 1
    for length in _LENGTHS:
        cut = [_cut(pattern, length) for pattern in widened(patterns, 1)]
        policy = _policy(cut, written, endpoint, partition)
        if len(policy) <= LONGEST_POLICY:
            yield policy


def _read(request: AnalysisRequest) -> Iterator[Pattern]:
    for entry in request.inputs:
        yield Pattern.of(entry.s3_uri)
        if entry.path.endswith("/"):  # a folder, though its URI may not say so
            yield Pattern.of(f"{entry.s3_uri.rstrip('/')}/")
    yield from map(Pattern.of, request.named)


def _written(request: AnalysisRequest) -> Iterator[Pattern]:
    for uri in (request.output_s3_uri, *(output.s3_uri for output in request.further_outputs)):
        yield Pattern.of(f"{uri.rstrip('/')}/")


def _endpoint(request: AnalysisRequest) -> str | None:
    """Return the endpoint that an explanation calls: of the settings, of its configuration, or the one watched."""
    settings = request.settings
    if not settings.explains_a_model:
        return None
    return settings.explained_endpoint or request.endpoint_name or settings.sagemaker_endpoint_name


def _cut(pattern: Pattern, length: int) -> Pattern:
    return pattern if len(pattern.key) <= length else Pattern(pattern.bucket, pattern.key[:length], is_beginning=True)


def _escaped(key: str) -> str:
    """Return a key in which nothing is a wildcard or a variable: "IAM policy elements: Variables and tags"."""
    return _SPECIAL.sub(lambda found: f"${{{found[0]}}}", key)


def _key_of(pattern: Pattern) -> str:
    return _escaped(pattern.key) + ("*" if pattern.is_beginning else "")


def _policy(read: Sequence[Pattern], written: Sequence[Pattern], endpoint: str | None, partition: str) -> str:
    arns = f"arn:{partition}:s3:::"
    statements = [
        _allow("s3:GetObject", [f"{arns}{pattern.bucket}/{_key_of(pattern)}" for pattern in read]),
        _allow(
            ["s3:PutObject", "s3:AbortMultipartUpload"],
            [f"{arns}{pattern.bucket}/{_key_of(pattern)}" for pattern in written],
        ),
        *(
            _allow("s3:ListBucket", f"{arns}{bucket}", {"StringLike": {"s3:prefix": f"{_escaped(beginning)}*"}})
            for bucket, beginning in _listed(read)
        ),
        _allow(["kms:Decrypt", "kms:GenerateDataKey"], "*", _THROUGH_S3),
    ]
    if endpoint:
        name = endpoint.lower()  # as ARNs of SageMaker have it
        statements.append(_allow("sagemaker:InvokeEndpoint", f"arn:{partition}:sagemaker:*:*:endpoint/{name}"))
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))


def _listed(read: Sequence[Pattern]) -> Iterator[tuple[str, str]]:
    """Yield how the keys of each bucket begin; a folder is also looked for by its name without the slash."""
    for bucket, patterns in groupby(read, key=lambda pattern: pattern.bucket):
        yield bucket, s3_layout.common_beginning([pattern.key for pattern in patterns]).rstrip("/")


def _allow(action: object, resource: object, condition: object = None) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    return statement | {"Condition": condition} if condition else statement
